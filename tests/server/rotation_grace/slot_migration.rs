//! Rotated sessions while their slot moves to another node, and after a replica took the place of their node.

use redis::{Connection, Value};

use super::{LONG, tombstone};
use crate::support::{
    Server, await_that,
    nodes::Cluster,
    sessions::{create, exec, expiry, refused, send},
    slot_move_clients::owners_in_one_slot,
    slot_moves::{await_migration, moves_slots_atomically},
    tokens::{SECRET, id, key, signing_keys},
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

#[test]
fn a_chain_moves_atomically_with_its_slot() {
    if !moves_slots_atomically() {
        return;
    }
    let builder = Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes");
    let cluster = Cluster::start_as(&builder.args(&["reuse-detection", "yes"]));
    let [source, target] = &mut cluster.nodes();
    let [ada, _] = &owners_in_one_slot(&cluster);
    let slot = &cluster.slot(ada).to_string();
    let first = create(source, ada, "{}", &[]);
    let second = rotate(source, &first);
    let stolen = create(source, ada, "{}", &[]);
    let stolen_second: String = send(source, &["JRS.ROTATE", &key(&stolen), &stolen]).unwrap();
    exec(source, &["DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", "1"]);
    exec(source, &["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", &cluster.id(1)]);
    await_migration(target, "waiting-for-paused");
    // The target has the keys already, and gets these changes too.
    let third = rotate(source, &second);
    exec(source, &["JRS.TOUCH", &key(&third), &third, "EX", "5000"]);
    let expected = expiry(source, &tombstone(&third));
    assert_eq!(refused(source, &["JRS.GET", &key(&stolen), &stolen]), "REUSED");
    exec(source, &["DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", "0"]);
    await_migration(source, "success");
    assert_eq!((expiry(target, &tombstone(&third)), expiry(target, &key(&third))), (expected, expected));
    for token in [&first, &second, &third] {
        assert_eq!(found(target, token), id(&third));
    }
    for token in [&stolen, &stolen_second] {
        assert_eq!(refused(target, &["JRS.GET", &key(token), token]), "REUSED");
    }
    assert!(keys(source).is_empty());
}

#[test]
fn a_chain_survives_the_failover_of_its_node() {
    let builder = Server::builder().keys(SECRET.as_bytes()).args(&["reuse-detection", "yes"]);
    let mut cluster = Cluster::start_as(&builder);
    let [source, _] = &mut cluster.nodes();
    let [ada, _] = &owners_in_one_slot(&cluster);
    let first = create(source, ada, "{}", &[]);
    let second = rotate(source, &first);
    let stolen = create(source, ada, "{}", &[]);
    let stolen_second: String = send(source, &["JRS.ROTATE", &key(&stolen), &stolen]).unwrap();
    let expected = expiry(source, &tombstone(&second));
    let promoted = &mut cluster.replace_by_replica(0);
    await_that("the slot", || send::<Value>(promoted, &["JRS.GET", &key(&first), &first]).ok());
    assert_eq!((found(promoted, &first), expiry(promoted, &tombstone(&second))), (id(&second), expected));
    let third = rotate(promoted, &second);
    assert_eq!((found(promoted, &first), found(promoted, &second)), (id(&third), id(&third)));
    for token in [&stolen, &stolen_second] {
        assert_eq!(refused(promoted, &["JRS.GET", &key(token), token]), "REUSED");
    }
}
