//! Nodes with different keys: a token is good on the nodes that have its key, and its session is not harmed by the others.

use std::fs;

use redis::{Connection, Value};

use crate::support::{
    cluster_router::key_slot,
    large_cluster::LargeCluster,
    sessions::{assert_refused, create, exec, send},
    slot_moves::move_slots,
    tokens::{SECRET, jwk, key},
};

/// Another key for a node: one without a `kid`, and one with.
fn other_keys() -> [String; 2] {
    let secret = "another secret of 64 bytes, which is as long as HS512 wants: 271";
    [secret.to_owned(), jwk("other", "HS256", secret.as_bytes()).to_string()]
}

#[test]
fn a_node_without_the_key_refuses_the_token_and_keeps_the_session() {
    let cluster = LargeCluster::start(SECRET, 2, 0);
    let [from, to] = if key_slot("ada") < 8192 { [0, 1] } else { [1, 0] };
    let token = create(&mut cluster.conn(from), "ada", r#"{"n":1}"#, &[]);
    let key = key(&token);
    move_slots(&cluster, key_slot("ada")..key_slot("ada") + 1, [from, to]);
    let conn = &mut cluster.conn(to);
    let file = cluster.server(to).dir().join("keys");
    let give = |conn: &mut Connection, keys: &str| {
        fs::write(&file, keys).unwrap();
        exec(conn, &["JRS.RELOAD"]);
    };
    for keys in other_keys() {
        give(conn, &keys);
        for command in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.ROTATE", "JRS.DESTROY"] {
            assert_refused(conn, "BADTOKEN", &[command, &key, &token]);
        }
        let inspected: Vec<Value> = send(conn, &["JRS.INSPECT", &key, &token]).unwrap();
        assert!(format!("{inspected:?}").contains("BADTOKEN"), "{inspected:?}");
        // Commands without a token need no key.
        assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada"]), Ok(1));
        give(conn, SECRET);
        assert!(send::<Value>(conn, &["JRS.GET", &key, &token]).is_ok_and(|reply| reply != Value::Nil));
    }
    give(conn, &other_keys()[0]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key]), Ok(1));
}
