//! Routing on cluster nodes: the node of the session's slot runs a command; errors say which key to pass.

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    cases::each,
    nodes::Cluster,
    sessions::{contents, create, exec, refused, send},
    tokens::{self, SECRET, key, signing_keys},
};

/// Owners with slots on both nodes.
const OWNERS: [&str; 4] = ["ada", "bob", "user:42", "zoë & söhne"];

/// The commands on a session, with the arguments after the token. The last one destroys it.
const TOKEN_COMMANDS: [&[&str]; 6] = [
    &["JRS.GET"],
    &["JRS.PEEK"],
    &["JRS.INSPECT"],
    &["JRS.UPDATE", r#"{"a":1}"#],
    &["JRS.TOUCH", "EX", "1000"],
    &["JRS.DESTROY"],
];

/// The words of a command with `inserted` after its name.
fn insert_words<'w>(words: &[&'w str], inserted: &[&'w str]) -> Vec<&'w str> {
    [&words[..1], inserted, &words[1..]].concat()
}

/// Checks that the server redirects a command to the node on this port.
fn assert_moved(conn: &mut Connection, words: &[&str], port: u16) {
    let error = send::<Value>(conn, words).expect_err("a redirection");
    assert_eq!(error.code(), Some("MOVED"), "{words:?}: {error}");
    assert_eq!(error.redirect_node().unwrap().0, format!("127.0.0.1:{port}"), "{words:?}");
}

#[test]
fn sessions_are_created_and_used_on_the_node_of_their_owner() {
    for keys in signing_keys() {
        let cluster = Cluster::start(&keys);
        let nodes = &mut cluster.nodes();
        let mut homes = Vec::new();
        for owner in each(OWNERS) {
            let [home, other] = cluster.home_and_other(owner);
            assert_moved(&mut nodes[other], &["JRS.CREATE", owner, "{}"], cluster.port(home));
            let token = create(&mut nodes[home], owner, "{}", &[]);
            let key = key(&token);
            assert_eq!(cluster.slot(&key), cluster.slot(owner));
            assert_eq!(send::<String>(&mut nodes[home], &["GET", &key]).unwrap(), "{}");
            for words in TOKEN_COMMANDS {
                let words = insert_words(words, &[&key, &token]);
                assert_moved(&mut nodes[other], &words, cluster.port(home));
                let reply = send::<Value>(&mut nodes[home], &words);
                assert!(reply.as_ref().is_ok_and(|reply| *reply != Value::Nil), "{words:?}: {reply:?}");
            }
            assert_eq!(send::<i64>(&mut nodes[home], &["JRS.DESTROY", &key, &token]).unwrap(), 0);
            homes.push(home);
        }
        assert!(homes.contains(&0) && homes.contains(&1), "the owners are on both nodes");
        assert!(contents(&mut nodes[0]).is_empty() && contents(&mut nodes[1]).is_empty());
    }
}

#[test]
fn a_token_without_its_key_is_refused() {
    let cluster = Cluster::start(SECRET);
    let nodes = &mut cluster.nodes();
    let [home, _] = cluster.home_and_other("ada");
    let token = create(&mut nodes[home], "ada", "{}", &[]);
    let [reached, elsewhere] = cluster.home_and_other(&token);
    let before = [0, 1].map(|node| contents(&mut nodes[node]));
    for words in TOKEN_COMMANDS {
        let words = insert_words(words, &[&token]);
        assert_moved(&mut nodes[elsewhere], &words, cluster.port(reached));
        let error = send::<Value>(&mut nodes[reached], &words).expect_err("a refusal");
        assert_eq!(error.code(), Some("ERR"), "{words:?}: {error}");
        let text = error.detail().unwrap();
        assert!(text.contains("session's key before the token") && !text.contains(&token), "{text}");
    }
    assert_eq!([0, 1].map(|node| contents(&mut nodes[node])), before);
}

#[test]
fn create_without_an_owner_is_refused() {
    let cluster = Cluster::start(SECRET);
    let nodes = &mut cluster.nodes();
    let [home, _] = cluster.home_and_other("");
    let error = send::<Value>(&mut nodes[home], &["JRS.CREATE", "", "{}"]).expect_err("a refusal");
    assert_eq!(error.code(), Some("ERR"), "{error}");
    assert!(error.detail().unwrap().contains("any random string"), "{error}");
    assert!(contents(&mut nodes[home]).is_empty());
}

#[test]
fn the_key_of_another_session_is_refused() {
    for keys in signing_keys() {
        let cluster = Cluster::start(&keys);
        let nodes = &mut cluster.nodes();
        let [home, _] = cluster.home_and_other("ada");
        let conn = &mut nodes[home];
        let token = create(conn, "ada", "{}", &[]);
        let same_slot = key(&create(conn, "ada", "{}", &[]));
        let before = contents(conn);
        for wrong in [&*same_slot, "sess:{ada}:", "{ada}", "other:{ada}"] {
            for words in TOKEN_COMMANDS.iter().filter(|words| words[0] != "JRS.INSPECT") {
                assert_eq!(refused(conn, &insert_words(words, &[wrong, &token])), "WRONGKEY", "{words:?} with {wrong}");
            }
        }
        assert_eq!(contents(conn), before);
    }
}

#[test]
fn sessions_of_other_software_are_routed_by_their_whole_key() {
    let cluster = Cluster::start(SECRET);
    let nodes = &mut cluster.nodes();
    for id in ["9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", "an id", "{tag}other", "{}empty"] {
        let key = format!("sess:{id}");
        let [home, other] = cluster.home_and_other(&key);
        let token = tokens::token(&json!({"jti": id, "sub": "ada"}));
        exec(&mut nodes[home], &["SETEX", &key, "500", "{}"]);
        for words in TOKEN_COMMANDS {
            let words = insert_words(words, &[&key, &token]);
            assert_moved(&mut nodes[other], &words, cluster.port(home));
            let reply = send::<Value>(&mut nodes[home], &words);
            assert!(reply.as_ref().is_ok_and(|reply| *reply != Value::Nil), "{words:?}: {reply:?}");
        }
    }
}

#[test]
fn scripts_and_transactions_use_only_slots_of_the_node() {
    for keys in signing_keys() {
        let cluster = Cluster::start(&keys);
        let nodes = &mut cluster.nodes();
        let [home, other] = cluster.home_and_other("ada");
        let token = create(&mut nodes[home], "ada", "{}", &[]);
        let key = key(&token);
        let get = "return redis.call('JRS.GET', KEYS[1], ARGV[1])[4]";
        let words = ["EVAL", get, "1", &key, &token];
        assert_eq!(send::<String>(&mut nodes[home], &words).unwrap(), "ada");
        assert_moved(&mut nodes[other], &words, cluster.port(home));
        let create = ["EVAL", "return redis.call('JRS.CREATE', 'ada', '{}')", "0"];
        assert_eq!(refused(&mut nodes[other], &create), "ERR");
        let undeclared = ["EVAL", "return redis.call('JRS.GET', ARGV[1], ARGV[2])", "0", &key, &token];
        assert_eq!(refused(&mut nodes[other], &undeclared), "ERR");
        assert!(contents(&mut nodes[other]).is_empty());

        exec(&mut nodes[home], &["MULTI"]);
        exec(&mut nodes[home], &["JRS.UPDATE", &key, &token, r#"{"a":1}"#]);
        exec(&mut nodes[home], &["JRS.PEEK", &key, &token]);
        assert_eq!(send::<Vec<Value>>(&mut nodes[home], &["EXEC"]).unwrap().len(), 2);
        assert_eq!(send::<String>(&mut nodes[home], &["GET", &key]).unwrap(), r#"{"a":1}"#);
    }
}

#[test]
fn commands_without_a_session_work_on_every_node() {
    let cluster = Cluster::start(SECRET);
    for mut conn in cluster.nodes() {
        for words in [["JRS.HELP"], ["JRS.REALMS"], ["JRS.JWKS"], ["JRS.RELOAD"]] {
            assert!(send::<Value>(&mut conn, &words).is_ok(), "{words:?}");
        }
    }
}
