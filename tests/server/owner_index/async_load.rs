//! While a replica loads a new data set and serves the old one, its owner index is that of the served data.

use redis::Connection;

use crate::support::{
    Server,
    index_check::{ADA, BOB, assert_index_follows},
    owner_sessions::{count, fill},
    replicas::{await_link, follow},
    sessions::exec,
    slow_load,
    tokens::SECRET,
};

/// A primary, and a synchronized replica that serves its data while it loads.
fn servers() -> (Server, Server) {
    let builder = Server::builder().keys(SECRET.as_bytes());
    let primary = slow_load::primary(builder.clone()).start();
    exec(&mut primary.conn(), &["MSET", ADA[0], "x", ADA[1], "x", BOB[0], "x"]);
    let replica = slow_load::replica(builder, &primary).config("replica-read-only", "no").start();
    let conn = &mut replica.conn();
    await_link(conn);
    assert_eq!(assert_index_follows(conn), 3);
    (primary, replica)
}

/// Disconnects the replica, changes the primary, and starts a slow full synchronization.
fn begin_loading(primary: &Server, replica: &mut Connection) {
    slow_load::begin(primary, replica, |conn| {
        exec(conn, &["DEL", ADA[0], BOB[0]]);
        fill(conn, "bob", 2500);
    });
}

/// How many sessions ada and bob have, read while the replica loads.
fn counts_while_loading(conn: &mut Connection) -> [usize; 2] {
    let mut reads = redis::pipe();
    reads.cmd("JRS.COUNT").arg("ada").cmd("JRS.COUNT").arg("bob").cmd("JRS.DEBUG").arg("INDEX");
    let (ada, bob, same): (usize, usize, i64) = slow_load::read_meanwhile(conn, &reads);
    assert_eq!(same, 1, "the index agrees with the served data");
    [ada, bob]
}

#[test]
fn the_loaded_data_replaces_the_served_data() {
    let (primary, replica) = servers();
    let conn = &mut replica.conn();
    begin_loading(&primary, conn);
    assert_eq!(counts_while_loading(conn), [2, 1]);
    // The replica accepts writes, which change the served data.
    for (words, expected) in [
        (&["DEL", ADA[0]][..], [1, 1]),
        (&["SET", BOB[1], "x"], [1, 2]),
        (&["RENAME", ADA[1], BOB[0]], [0, 2]),
        (&["SWAPDB", "0", "1"], [0, 0]),
        (&["SWAPDB", "0", "1"], [0, 2]),
        (&["FLUSHDB"], [0, 0]),
        (&["SET", ADA[2], "x"], [1, 0]),
    ] {
        exec(conn, words);
        assert_eq!(counts_while_loading(conn), expected, "{words:?}");
    }
    await_link(conn);
    assert_eq!(assert_index_follows(conn), 2501);
    assert_eq!([count(conn, "ada"), count(conn, "bob")], [1, 2500]);
}

#[test]
fn the_served_data_stays_when_loading_is_aborted() {
    let (mut primary, replica) = servers();
    let conn = &mut replica.conn();
    begin_loading(&primary, conn);
    exec(conn, &["SET", ADA[2], "x"]);
    assert_eq!(counts_while_loading(conn), [3, 1]);
    primary.kill();
    slow_load::await_end(conn);
    assert_eq!(assert_index_follows(conn), 4);
    // The index follows later changes too, on a primary and then on a replica again.
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["RENAME", ADA[2], BOB[1]]);
    assert_eq!((assert_index_follows(conn), count(conn, "bob")), (4, 2));
    primary.restart();
    let of_primary = &mut primary.conn();
    exec(of_primary, &["MSET", ADA[1], "x", ADA[2], "x"]);
    follow(conn, &primary);
    assert_eq!((assert_index_follows(conn), count(conn, "bob")), (2, 0));
}
