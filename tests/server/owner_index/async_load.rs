//! A replica that loads a data set beside the one that it serves has the owner index of the one that it serves, all the time.

use redis::Connection;

use crate::support::{
    Server,
    index_check::{ADA, BOB, assert_index_follows},
    owner_sessions::{count, fill},
    sessions::exec,
    slow_load,
    tokens::SECRET,
};

/// A primary, and a replica that is in step with it and loads beside what it serves.
fn servers() -> (Server, Server) {
    let builder = Server::builder().keys(SECRET.as_bytes());
    let primary = slow_load::primary(builder.clone()).start();
    exec(&mut primary.conn(), &["MSET", ADA[0], "x", ADA[1], "x", BOB[0], "x"]);
    let replica = slow_load::replica(builder, &primary).config("replica-read-only", "no").start();
    let conn = &mut replica.conn();
    slow_load::await_link(conn);
    assert_eq!(assert_index_follows(conn), 3);
    (primary, replica)
}

/// Lets the replica fall behind, and then load all that the primary has, slowly.
fn begin_loading(primary: &Server, replica: &mut Connection) {
    slow_load::begin(primary, replica, |conn| {
        exec(conn, &["DEL", ADA[0], BOB[0]]);
        fill(conn, "bob", 2500);
    });
}

/// The sessions of ada and bob while the server loads beside them.
fn meanwhile(conn: &mut Connection) -> [usize; 2] {
    let mut reads = redis::pipe();
    reads.cmd("JRS.COUNT").arg("ada").cmd("JRS.COUNT").arg("bob").cmd("JRS.DEBUG").arg("INDEX");
    let (ada, bob, same): (usize, usize, i64) = slow_load::read_meanwhile(conn, &reads);
    assert_eq!(same, 1, "the index and what is served");
    [ada, bob]
}

#[test]
fn what_is_loaded_takes_the_place_of_what_is_served() {
    let (primary, replica) = servers();
    let conn = &mut replica.conn();
    begin_loading(&primary, conn);
    assert_eq!(meanwhile(conn), [2, 1]);
    // The replica takes writes, to what it serves.
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
        assert_eq!(meanwhile(conn), expected, "{words:?}");
    }
    slow_load::await_link(conn);
    assert_eq!(assert_index_follows(conn), 2501);
    assert_eq!([count(conn, "ada"), count(conn, "bob")], [1, 2500]);
}

#[test]
fn what_is_served_stays_where_loading_is_given_up() {
    let (mut primary, replica) = servers();
    let conn = &mut replica.conn();
    begin_loading(&primary, conn);
    exec(conn, &["SET", ADA[2], "x"]);
    assert_eq!(meanwhile(conn), [3, 1]);
    primary.kill();
    slow_load::await_end(conn);
    assert_eq!(assert_index_follows(conn), 4);
    // It goes on, as a primary and then again as a replica.
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["RENAME", ADA[2], BOB[1]]);
    assert_eq!((assert_index_follows(conn), count(conn, "bob")), (4, 2));
    primary.restart();
    let of_primary = &mut primary.conn();
    exec(of_primary, &["MSET", ADA[1], "x", ADA[2], "x"]);
    exec(conn, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    slow_load::await_link(conn);
    assert_eq!((assert_index_follows(conn), count(conn, "bob")), (2, 0));
}
