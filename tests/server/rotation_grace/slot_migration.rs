//! Rotated sessions while their slot moves key by key.

use redis::{Connection, Value};

use super::{LONG, tombstone};
use crate::support::{
    Server,
    nodes::Cluster,
    sessions::{create, exec, refused, send},
    slot_move_clients::owners_in_one_slot,
    tokens::{id, key, signing_keys},
};

fn keys(node: &mut Connection) -> Vec<String> {
    let mut keys: Vec<String> = send(node, &["KEYS", "*"]).unwrap();
    keys.sort_unstable();
    keys
}

fn rotate(node: &mut Connection, token: &str) -> String {
    send(node, &["JRS.ROTATE", &key(token), token, "GRACE", LONG]).unwrap()
}

/// The id of the session that a node finds.
fn found(node: &mut Connection, token: &str) -> String {
    let reply: Vec<Value> = send(node, &["JRS.GET", &key(token), token]).unwrap();
    redis::from_redis_value_ref(&reply[1]).unwrap()
}

/// Checks that a command is refused on the importing node, after ASKING, and changes nothing.
fn assert_try_again(node: &mut Connection, words: &[&str]) {
    let before = keys(node);
    exec(node, &["ASKING"]);
    assert_eq!(refused(node, words), "TRYAGAIN", "{words:?}");
    assert_eq!(keys(node), before);
}

#[test]
fn a_chain_moves_with_its_slot() {
    for signing in signing_keys() {
        let builder =
            Server::builder().keys(signing.as_bytes()).args(&["rotate-grace", LONG, "reuse-detection", "yes"]);
        let cluster = Cluster::start_as(&builder);
        let [source, target] = &mut cluster.nodes();
        let [ada, _] = &owners_in_one_slot(&cluster);
        let slot = &cluster.slot(ada).to_string();
        let first = create(source, ada, "{}", &[]);
        let second = rotate(source, &first);
        let other = create(source, ada, "{}", &[]);
        let other_second = rotate(source, &other);
        assert_eq!(found(source, &first), id(&second));
        exec(target, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &cluster.id(0)]);
        exec(source, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &cluster.id(1)]);
        let port = &cluster.port(1).to_string();
        let migrate =
            |source: &mut Connection, key: &str| exec(source, &["MIGRATE", "127.0.0.1", port, key, "0", "60000"]);

        // The session without the tombstone, and the tombstone without the session.
        migrate(source, &key(&second));
        migrate(source, &tombstone(&other_second));
        assert_eq!(refused(source, &["JRS.GET", &key(&first), &first]), "ASK");
        assert_try_again(target, &["JRS.GET", &key(&first), &first]);
        assert_try_again(target, &["JRS.ROTATE", &key(&first), &first]);
        assert_try_again(target, &["JRS.GET", &key(&other), &other]);
        assert_try_again(target, &["JRS.ROTATE", &key(&second), &second]);
        assert_eq!(refused(source, &["JRS.ROTATE", &key(&other_second), &other_second]), "TRYAGAIN");
        exec(target, &["ASKING"]);
        assert_eq!(found(target, &second), id(&second));
        assert_eq!(found(source, &other_second), id(&other_second));

        for left in keys(source) {
            migrate(source, &left);
        }
        for node in [&mut *target, &mut *source] {
            exec(node, &["CLUSTER", "SETSLOT", slot, "NODE", &cluster.id(1)]);
        }
        assert_eq!((found(target, &first), found(target, &other)), (id(&second), id(&other_second)));
        let third = rotate(target, &second);
        assert_eq!((found(target, &first), found(target, &second)), (id(&third), id(&third)));
        assert_eq!(tombstone(&third), tombstone(&second));
    }
}
