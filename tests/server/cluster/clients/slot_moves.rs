//! What client libraries do while a slot moves: they find the sessions, and each has its own answer to `TRYAGAIN`.

use serde_json::Value;

use super::{cluster, create, ports};
use crate::support::{
    cluster_clients::{ClusterClient, Options, clients, redirections},
    cluster_router::key_slot,
    large_cluster::LargeCluster,
    sessions::exec,
};

/// The owner whose slot moves under this client. Each has another slot.
fn owner(client: &ClusterClient) -> &'static str {
    match client.name {
        "redis-py" => "ada",
        "redis-py with asyncio" => "eve",
        "ioredis" => "bob",
        "node-redis" => "cy",
        _ => "dee",
    }
}

/// What the client makes of `TRYAGAIN`. The table in docs/clients/other-languages.md has the same texts.
fn error_of_try_again(client: &ClusterClient) -> &'static str {
    match client.name {
        "redis-py" | "redis-py with asyncio" => "ClusterError: TTL exhausted.",
        "ioredis" => "Error: Too many Cluster redirections. Last error: ",
        "node-redis" => "SimpleError: TRYAGAIN ",
        _ => "RedisError: TryAgain: ",
    }
}

fn begin_move(cluster: &LargeCluster, slot: u16, [source, target]: [usize; 2]) {
    let slot = &slot.to_string();
    exec(&mut cluster.conn(target), &["CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id(source)]);
    exec(&mut cluster.conn(source), &["CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id(target)]);
}

/// Moves a key, which must be on the source.
fn move_key(cluster: &LargeCluster, key: &str, [source, target]: [usize; 2]) {
    let port = cluster.port(target).to_string();
    exec(&mut cluster.conn(source), &["MIGRATE", "127.0.0.1", &port, key, "0", "60000"]);
}

fn end_move(cluster: &LargeCluster, slot: u16, [source, target]: [usize; 2]) {
    let rest = cluster.members().filter(|node| ![source, target].contains(node));
    for node in [target, source].into_iter().chain(rest) {
        exec(&mut cluster.conn(node), &["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", cluster.id(target)]);
    }
}

#[test]
fn clients_use_sessions_while_their_slot_moves() {
    let cluster = cluster(0);
    for mut client in clients(&ports(&cluster), Options::default()) {
        let owner = owner(&client);
        let slot = key_slot(owner);
        let source = cluster.primary_of(slot);
        let nodes = [source, (source + 1) % 3];
        let [moved, stays] = &[create(&mut client, owner), create(&mut client, owner)];
        let update = |client: &mut ClusterClient, [key, token]: &[String; 2]| {
            let reply = client.send(&["JRS.UPDATE", key, token, r#"{"a":1}"#]);
            assert!(reply.as_ref().is_ok_and(Value::is_string), "{reply:?}");
        };

        begin_move(&cluster, slot, nodes);
        move_key(&cluster, &moved[0], nodes);
        let new = &create(&mut client, owner);
        for session in [moved, stays, new] {
            update(&mut client, session);
        }
        for words in [["JRS.LIST", owner], ["JRS.DESTROYALL", owner]] {
            let error = client.send(&words).expect_err("TRYAGAIN");
            assert!(error.starts_with(error_of_try_again(&client)), "{words:?}: {error}");
        }

        move_key(&cluster, &stays[0], nodes);
        end_move(&cluster, slot, nodes);
        update(&mut client, moved);
        let before = redirections(&cluster);
        for session in [moved, stays, new] {
            update(&mut client, session);
        }
        assert_eq!(client.send(&["JRS.DESTROYALL", owner]), Ok(3.into()));
        assert_eq!(redirections(&cluster), before, "the client knows where the slot is");
    }
}
