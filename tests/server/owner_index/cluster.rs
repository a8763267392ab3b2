//! The owner index of cluster nodes whose slots move, and of servers that receive keys by MIGRATE and RESTORE.

use redis::{Connection, Value};

use crate::support::{
    Server,
    index_check::{ADA, BOB, assert_index_follows, totals},
    nodes::Cluster,
    owner_sessions::{assert_agree, assert_index_agrees, count},
    sessions::{contents, create, exec, refused, send},
    slot_move_clients::owners_in_one_slot,
    tokens::{SECRET, key},
};

/// Checks how many sessions and how many owners each node has.
fn assert_totals(nodes: [&mut Connection; 2], expected: [[usize; 2]; 2]) {
    for (node, expected) in nodes.into_iter().zip(expected) {
        assert_index_agrees(node);
        assert_eq!(totals(node), expected);
    }
}

#[test]
fn each_node_counts_its_keys_while_a_slot_moves() {
    let cluster = Cluster::start(SECRET);
    let [from, to] = cluster.home_and_other("ada");
    let slot = &cluster.slot("ada").to_string();
    let [mut a, mut b] = cluster.nodes();
    let (source, target) = if from == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
    let keys: Vec<String> = (0..3).map(|_| key(&create(source, "ada", "{}", &[]))).collect();
    let ids = assert_agree(source, "ada");
    let stays = (0..)
        .map(|number| format!("user:{number}"))
        .find(|owner| cluster.home_and_other(owner)[0] == from && cluster.slot(owner) != cluster.slot("ada"));
    let stays = &stays.unwrap();
    create(source, stays, "{}", &[]);

    exec(target, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &cluster.id(from)]);
    exec(source, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &cluster.id(to)]);
    let port = cluster.port(to).to_string();
    for (moved, key) in keys.iter().enumerate() {
        assert_totals([&mut *source, &mut *target], [[4 - moved, 2], [moved, usize::from(moved > 0)]]);
        exec(source, &["MIGRATE", "127.0.0.1", &port, key, "0", "60000"]);
    }
    for node in [&mut *target, &mut *source] {
        exec(node, &["CLUSTER", "SETSLOT", slot, "NODE", &cluster.id(to)]);
    }
    assert_totals([&mut *source, &mut *target], [[1, 1], [3, 1]]);
    assert_eq!(assert_agree(target, "ada"), ids);
    assert_eq!(assert_agree(source, stays).len(), 1);
    for words in [["JRS.LIST", "ada"], ["JRS.COUNT", "ada"], ["JRS.DESTROYALL", "ada"]] {
        assert_eq!(refused(source, &words), "MOVED", "{words:?}");
    }
    assert_eq!(send::<usize>(target, &["JRS.DESTROYALL", "ada"]), Ok(3));
    assert_totals([source, target], [[1, 1], [0, 0]]);
}

#[test]
fn a_node_without_slots_has_no_sessions() {
    let cluster = Cluster::start(SECRET);
    let [home, _] = cluster.home_and_other("ada");
    let node = &mut cluster.nodes()[home];
    create(node, "ada", "{}", &[]);
    assert_eq!(refused(node, &["CLUSTER", "FLUSHSLOTS"]), "ERR", "the node has keys");
    assert_eq!(assert_agree(node, "ada").len(), 1);
    exec(node, &["FLUSHALL"]);
    exec(node, &["CLUSTER", "FLUSHSLOTS"]);
    assert!(send::<Value>(node, &["JRS.COUNT", "ada"]).is_err());
    assert_index_agrees(node);
    assert_eq!(totals(node), [0, 0]);
}

#[test]
fn destroyall_destroys_no_other_owner_of_the_slot() {
    let cluster = Cluster::start(SECRET);
    let conn = &mut cluster.nodes()[0];
    let [owner, other] = &owners_in_one_slot(&cluster);
    for _ in 0..10 {
        create(conn, owner, "{}", &[]);
        create(conn, other, "{}", &[]);
    }
    let prefix = format!("sess:{{{owner}}}:");
    let mut expected = contents(conn);
    expected.retain(|key, _| !key.starts_with(&prefix));
    assert_eq!(expected.len(), 10);
    // A session key of another realm, and a key that is not a session key.
    let others = [&ADA[0]["sess:{ada}:".len()..], "no uuid"];
    let others = [format!("other:{{{owner}}}:{}", others[0]), format!("{prefix}{}", others[1])];
    others.iter().for_each(|key| exec(conn, &["SET", key, "x"]));
    assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", owner]), Ok(10));
    assert_eq!((count(conn, owner), assert_agree(conn, other).len()), (0, 10));
    assert_eq!(send::<usize>(conn, &["DEL", &others[0], &others[1]]), Ok(2), "the other keys stay");
    assert_eq!(contents(conn), expected);
}

#[test]
fn migrated_keys_are_followed() {
    let servers = [(); 2].map(|()| Server::builder().keys(SECRET.as_bytes()).start());
    let [source, target] = &mut [servers[0].conn(), servers[1].conn()];
    ADA.iter().for_each(|key| exec(source, &["SET", key, "x"]));
    exec(target, &["SET", ADA[2], "y"]);
    let port = servers[1].port().to_string();
    let mut migrate = |database, rest: &[&str]| {
        let words = ["MIGRATE", "127.0.0.1", &port, "", database, "60000"];
        let reply: Result<String, _> = send(source, &[&words[..], rest].concat());
        (reply.is_ok(), assert_index_follows(source), assert_index_follows(target))
    };
    assert_eq!(migrate("0", &["COPY", "KEYS", ADA[0]]), (true, 3, 2));
    assert_eq!(migrate("0", &["KEYS", ADA[2]]), (false, 3, 2), "the target has a key of this name");
    assert_eq!(migrate("0", &["REPLACE", "KEYS", ADA[0], ADA[2]]), (true, 1, 2));
    assert_eq!(migrate("1", &["KEYS", ADA[1]]), (true, 0, 3));
    exec(target, &["SELECT", "1"]);
    assert_eq!(count(target, "ada"), 1);
}

#[test]
fn restored_keys_are_followed() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    exec(conn, &["SET", "plain", "x"]);
    let dump: Vec<u8> = send(conn, &["DUMP", "plain"]).unwrap();
    for (key, ttl, rest, expected) in [
        (ADA[0], "0", &[][..], 1),
        (BOB[0], "100000", &[], 2),
        (BOB[0], "0", &["REPLACE"], 2),
        (BOB[0], "1", &["REPLACE", "ABSTTL"], 1),
        (BOB[1], "1", &["ABSTTL"], 1),
    ] {
        redis::cmd("RESTORE").arg(key).arg(ttl).arg(&dump).arg(rest).exec(conn).unwrap();
        assert_eq!(assert_index_follows(conn), expected, "{key} {ttl} {rest:?}");
    }
}
