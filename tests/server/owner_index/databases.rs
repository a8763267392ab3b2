//! The owner index follows databases that are flushed or swapped, and keys that move between them.

use redis::Connection;

use crate::support::{
    Server,
    cases::{cases, each},
    index_check::{ADA, BOB, assert_index_follows},
    owner_sessions::{count, fill},
    sessions::{create, exec, send},
    tokens::{SECRET, key},
};

/// Runs a command in a database.
fn in_database(conn: &mut Connection, database: &str, words: &[&str]) {
    exec(conn, &["SELECT", database]);
    exec(conn, words);
}

/// How many sessions ada has in databases 0, 1 and 2.
fn counts(conn: &mut Connection) -> [usize; 3] {
    assert_index_follows(conn);
    let counts = ["0", "1", "2"].map(|database| {
        exec(conn, &["SELECT", database]);
        count(conn, "ada")
    });
    exec(conn, &["SELECT", "0"]);
    counts
}

/// A server with one, two and three sessions of ada in databases 0, 1 and 2, and one of bob in each.
fn filled() -> Server {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    for (database, sessions) in ["0", "1", "2"].into_iter().zip(1..) {
        in_database(conn, database, &["SET", BOB[0], "x"]);
        ADA[..sessions].iter().for_each(|key| exec(conn, &["SET", key, "x"]));
    }
    assert_eq!(counts(conn), [1, 2, 3]);
    server
}

#[test]
fn flushed_databases_are_followed() {
    for how in cases(["SYNC", "ASYNC"].map(|how| (how, how))) {
        let server = filled();
        let conn = &mut server.conn();
        in_database(conn, "1", &["FLUSHDB", how]);
        assert_eq!(counts(conn), [1, 0, 3]);
        in_database(conn, "1", &["SET", ADA[1], "x"]);
        assert_eq!(counts(conn), [1, 1, 3]);
        redis::pipe().atomic().cmd("FLUSHDB").arg(how).cmd("SET").arg(&[ADA[2], "x"]).exec(conn).unwrap();
        assert_eq!(counts(conn), [0, 1, 3].map(|count| count + usize::from(count == 0)));
        exec(conn, &["FLUSHALL", how]);
        assert_eq!(counts(conn), [0, 0, 0]);
        create(conn, "ada", "{}", &[]);
        assert_eq!(counts(conn), [1, 0, 0]);
    }
}

/// A large index is dropped on the worker pool, and is empty for commands at once.
#[test]
fn a_large_index_is_empty_at_once_after_a_flush() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    for words in each([&["FLUSHDB"][..], &["FLUSHALL", "ASYNC"]]) {
        fill(conn, "ada", 20_000);
        exec(conn, words);
        assert_eq!(counts(conn), [0, 0, 0]);
    }
}

#[test]
fn swapped_databases_are_followed() {
    let server = filled();
    let conn = &mut server.conn();
    for (pair, expected) in [
        (["0", "1"], [2, 1, 3]),
        (["2", "0"], [3, 1, 2]),
        (["1", "1"], [3, 1, 2]),
        // Database 9 is empty.
        (["0", "9"], [0, 1, 2]),
        (["9", "1"], [0, 3, 2]),
    ] {
        exec(conn, &["SWAPDB", pair[0], pair[1]]);
        assert_eq!(counts(conn), expected, "{pair:?}");
    }
    let script = "redis.call('SWAPDB', '1', '2') return redis.call('JRS.COUNT', 'ada')";
    in_database(conn, "1", &["EVAL", script, "0"]);
    assert_eq!(counts(conn), [0, 2, 3]);
    in_database(conn, "9", &["DEL", ADA[0]]);
    assert_eq!(counts(conn), [0, 2, 3]);
}

#[test]
fn moved_and_copied_keys_are_followed() {
    let server = filled();
    let conn = &mut server.conn();
    in_database(conn, "2", &["MOVE", ADA[2], "0"]);
    // Valkey 8.1.1 leaves the client in the other database if a module subscribes to keyspace events.
    let client: String = send(conn, &["CLIENT", "INFO"]).unwrap();
    assert!(client.contains(" db=2 "), "{client}");
    assert_eq!(counts(conn), [2, 2, 2]);
    // Database 0 has a key of this name.
    in_database(conn, "2", &["MOVE", ADA[0], "0"]);
    assert_eq!(counts(conn), [2, 2, 2]);
    in_database(conn, "0", &["COPY", ADA[2], ADA[2], "DB", "1"]);
    assert_eq!(counts(conn), [2, 3, 2]);
    in_database(conn, "0", &["COPY", BOB[0], ADA[1], "DB", "1", "REPLACE"]);
    assert_eq!(counts(conn), [2, 3, 2]);
}

/// An owner's sessions in other databases are not found.
#[test]
fn jrs_commands_use_only_the_selected_database() {
    let server = filled();
    let conn = &mut server.conn();
    exec(conn, &["SELECT", "1"]);
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &token]), Ok(2));
    assert_eq!(counts(conn), [1, 1, 3]);
    assert_eq!(send::<i64>(conn, &["EXISTS", &key(&token)]), Ok(0), "the session is in database 1");
    exec(conn, &["SELECT", "1"]);
    exec(conn, &["JRS.ROTATE", &token, "OWNER", "bob"]);
    assert_eq!(counts(conn), [1, 0, 3]);
}
