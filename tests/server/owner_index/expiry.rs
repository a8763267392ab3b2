//! The owner index follows keys that the server removes: expired on a read or by the server, or evicted when memory is full.

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Server, await_that,
    index_check::{ADA, BOB, assert_index_follows, totals},
    owner_sessions::{count, fill, info},
    sessions::{create, exec, refused, send},
    tokens::SECRET,
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes").start()
}

#[test]
fn keys_that_the_server_expires_are_followed() {
    let server = server();
    let conn = &mut server.conn();
    for database in ["0", "1"] {
        exec(conn, &["SELECT", database]);
        exec(conn, &["SET", ADA[0], "x"]);
        ADA[1..].iter().for_each(|key| exec(conn, &["SET", key, "x", "PX", "20"]));
        create(conn, "bob", "{}", &["PX", "20"]);
    }
    // No command reads the keys.
    await_that("the expiry of the sessions", || (totals(conn) == [2, 2]).then_some(()));
    assert_eq!(assert_index_follows(conn), 2);
}

#[test]
fn keys_that_expire_on_a_read_are_followed() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    exec(conn, &["SET", BOB[0], "x"]);
    for words in [&["EXISTS", ADA[0]][..], &["GET", ADA[0]], &["JRS.LIST", "ada"], &["JRS.COUNT", "ada"]] {
        exec(conn, &["SET", ADA[0], "x", "PX", "1"]);
        assert_eq!(totals(conn), [2, 2], "no command has read the keys");
        await_that("the expiry", || {
            send::<Value>(conn, words).unwrap();
            (totals(conn) == [1, 1]).then_some(())
        });
        assert_eq!((assert_index_follows(conn), count(conn, "ada")), (1, 0), "{words:?}");
    }
    // The name of an expired session is used again.
    for (words, all) in [(&["SET", ADA[0], "y"][..], 2), (&["RENAME", BOB[0], ADA[0]], 1)] {
        exec(conn, &["SET", ADA[0], "x", "PX", "1"]);
        await_that("the expiry", || (send::<i64>(conn, &["PTTL", ADA[0]]).unwrap() <= 0).then_some(()));
        exec(conn, words);
        assert_eq!((assert_index_follows(conn), count(conn, "ada")), (all, 1), "{words:?}");
    }
}

/// Adds keys until the server has evicted more than 200.
fn overfill(conn: &mut Connection) {
    let memory = (info(conn, "memory", "used_memory") - 200_000).to_string();
    exec(conn, &["CONFIG", "SET", "maxmemory", &memory]);
    let text = "x".repeat(10_000);
    let mut number = 0;
    await_that("evictions", || {
        number += 1;
        let _: RedisResult<()> = send(conn, &["SET", &format!("plain:{number}"), &text, "EX", "5000"]);
        (info(conn, "stats", "evicted_keys") > 200).then_some(())
    });
    exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
}

#[test]
fn evicted_keys_are_followed() {
    for policy in ["allkeys-random", "allkeys-lru", "volatile-lru", "volatile-ttl", "volatile-random"] {
        let server = Server::builder().keys(SECRET.as_bytes()).config("maxmemory-policy", policy).start();
        let conn = &mut server.conn();
        for database in ["1", "0"] {
            exec(conn, &["SELECT", database]);
            fill(conn, "ada", 1000);
            fill(conn, "bob", 1000);
        }
        overfill(conn);
        let left = assert_index_follows(conn);
        assert!((1..4000).contains(&left), "{policy}: {left}");
        // max-sessions counts the keys that are left.
        exec(conn, &["FLUSHALL"]);
        exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1000", "jrs.max-sessions-policy", "reject"]);
        fill(conn, "ada", 1000);
        exec(conn, &["CONFIG", "RESETSTAT"]);
        overfill(conn);
        let gone = 1000 - assert_index_follows(conn);
        assert!(gone > 0, "{policy}");
        for _ in 0..gone {
            create(conn, "ada", "{}", &[]);
        }
        assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "TOOMANY");
        assert_eq!(assert_index_follows(conn), 1000);
    }
}

/// A hash is removed when its last field expires.
#[test]
fn a_hash_whose_last_field_expires_is_followed() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["HSET", ADA[0], "field", "x"]);
    let expired: RedisResult<Value> = send(conn, &["HPEXPIRE", ADA[0], "1", "FIELDS", "1", "field"]);
    // Servers without HPEXPIRE have no such case.
    if expired.is_err_and(|error| error.to_string().contains("unknown command")) {
        return;
    }
    await_that("the expiry of the hash", || (send::<i64>(conn, &["DBSIZE"]).unwrap() == 0).then_some(()));
    assert_eq!((assert_index_follows(conn), totals(conn)), (0, [0, 0]));
}
