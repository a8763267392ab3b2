//! Every command goes to the node of its key at once: no node redirects it.

use std::collections::BTreeSet;

use super::{cluster, create, ports};
use crate::support::{
    cluster_clients::{ClusterClient, Options, client, clients, redirections},
    cluster_router::key_slot,
    large_cluster::LargeCluster,
    sessions::send,
};

/// Owners whose slots are on all three nodes.
const OWNERS: [&str; 6] = ["ada", "bob", "cy", "user:42", "user:7", "zoë & söhne"];

/// Sends every command of the module with sessions of this owner. Returns the names of the commands.
fn use_all_commands(client: &mut ClusterClient, owner: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::from(["JRS.CREATE".to_owned()]);
    let [key, token] = &create(client, owner);
    let [other, _] = &create(client, owner);
    let token_commands: [&[&str]; 7] = [
        &["JRS.GET", key, token],
        &["JRS.PEEK", key, token],
        &["JRS.INSPECT", key, token],
        &["JRS.UPDATE", key, token, r#"{"a":1}"#],
        &["JRS.TOUCH", key, token],
        &["JRS.MINT", key, token, "CLAIMS", r#"{"iss":"login","aud":"shop"}"#],
        &["JRS.ROTATE", key, token],
    ];
    let owner_commands: [&[&str]; 6] = [
        &["JRS.LIST", owner],
        &["JRS.COUNT", owner],
        &["JRS.REVOKE", other],
        &["JRS.DESTROYALL", owner],
        &["JRS.CREATE", owner, "{}"],
        &["JRS.DESTROYALL", owner],
    ];
    for words in token_commands.into_iter().chain(owner_commands) {
        let reply = client.send(words);
        assert!(reply.as_ref().is_ok_and(|reply| !reply.is_null() && *reply != 0), "{words:?}: {reply:?}");
        names.insert(words[0].to_owned());
    }
    let destroyed = create(client, owner);
    let words = ["JRS.DESTROY", &destroyed[0], &destroyed[1]];
    assert_eq!(client.send(&words), Ok(1.into()));
    names.insert(words[0].to_owned());
    let refused = client.send_anywhere(&["JRS.ROTATEKEY"]);
    assert!(refused.as_ref().is_err_and(|error| error.contains("keys-file")), "{refused:?}");
    names.insert("JRS.ROTATEKEY".to_owned());
    for name in ["JRS.JWKS", "JRS.REALMS", "JRS.RELOAD", "JRS.HELP"] {
        let reply = client.send_anywhere(&[name]);
        assert!(reply.as_ref().is_ok_and(|reply| !reply.is_null()), "{name}: {reply:?}");
        names.insert(name.to_owned());
    }
    names
}

/// The commands of the module on this server, but those for its developers.
fn all_commands(cluster: &LargeCluster) -> BTreeSet<String> {
    let names: Vec<String> = send(&mut cluster.conn(0), &["COMMAND", "LIST", "FILTERBY", "MODULE", "jrs"]).unwrap();
    names.into_iter().map(|name| name.to_uppercase()).filter(|name| name != "JRS.DEBUG").collect()
}

#[test]
fn no_command_is_redirected() {
    let cluster = cluster(0);
    let homes: BTreeSet<usize> = OWNERS.iter().map(|owner| cluster.primary_of(key_slot(owner))).collect();
    assert_eq!(homes.len(), 3, "the owners are on all nodes");
    for mut client in clients(&ports(&cluster), Options::default()) {
        // redis-py with asyncio may send its first command to another node.
        client.send(&["JRS.COUNT", OWNERS[0]]).expect("the cluster is up");
        let before = redirections(&cluster);
        for owner in OWNERS {
            assert_eq!(use_all_commands(&mut client, owner), all_commands(&cluster), "{}", client.name);
        }
        assert_eq!(redirections(&cluster), before, "{}", client.name);
    }
}

#[test]
fn ioredis_is_redirected_without_the_recipe() {
    let cluster = cluster(0);
    let mut client = client("ioredis", &ports(&cluster), Options { plain: true, ..Options::default() });
    let before = redirections(&cluster);
    for owner in OWNERS {
        use_all_commands(&mut client, owner);
    }
    assert!(redirections(&cluster) > before);
}

#[test]
fn a_command_without_its_key_gets_an_error_that_says_what_to_do() {
    let cluster = cluster(0);
    for mut client in clients(&ports(&cluster), Options::default()) {
        let [_, token] = &create(&mut client, "ada");
        let commands: [&[&str]; 8] = [
            &["JRS.GET", token],
            &["JRS.PEEK", token],
            &["JRS.INSPECT", token],
            &["JRS.UPDATE", token, "{}"],
            &["JRS.TOUCH", token],
            &["JRS.MINT", token],
            &["JRS.ROTATE", token],
            &["JRS.DESTROY", token],
        ];
        for words in commands {
            let error = client.send(words).expect_err("a refusal");
            assert!(error.contains("a cluster node needs the session's key before the token"), "{words:?}: {error}");
            assert!(!error.contains(token), "{error}");
        }
    }
}
