//! A primary or a replica that is stopped for a while (SIGSTOP) and then goes on.

use std::collections::HashMap;

use redis::{Connection, Value};

use crate::support::{
    Builder, Server, await_that,
    frozen::Frozen,
    owner_sessions::{count, ids, info},
    replicas::{assert_same, await_replicas, primary, replica},
    sessions::{create, exec, expiry, get, millis, peek, send},
    tokens::{key, signing_keys},
};

fn builder(keys: &str) -> Builder {
    primary(Server::builder().keys(keys.as_bytes())).config("enable-debug-command", "local")
}

/// Whether JRS.PEEK finds the session. JRS.INSPECT must say the same.
fn exists(conn: &mut Connection, token: &str) -> bool {
    let exists = peek(conn, token).is_some();
    let report: HashMap<String, Value> = send(conn, &["JRS.INSPECT", token]).unwrap();
    assert_eq!(report["active"], Value::Int(exists.into()), "{report:?}");
    exists
}

#[test]
fn a_replica_shows_no_expired_session_while_its_primary_is_frozen() {
    for keys in signing_keys() {
        let primary = builder(&keys).start();
        let replica = replica(&primary, builder(&keys));
        let (conn, reader) = (&mut primary.conn(), &mut replica.conn());
        let long = create(conn, "ada", "{}", &["EX", "1000"]);
        let short = [(); 2].map(|()| create(conn, "ada", "{}", &["EX", "1000"]));
        // Even if this test is slow, the primary does not delete them before it is frozen.
        exec(conn, &["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        for token in &short {
            exec(conn, &["PEXPIRE", &key(token), "500"]);
        }
        await_replicas(conn, 1);
        let frozen = Frozen::new(&primary);
        let end = short.iter().map(|token| expiry(reader, &key(token))).max().unwrap();
        await_that("the expiry", || (millis() > end).then_some(()));
        assert_eq!(send::<i64>(reader, &["DBSIZE"]).unwrap(), 3, "a replica deletes nothing without its primary");
        assert!(exists(reader, &long) && short.iter().all(|token| !exists(reader, token)));
        assert_eq!((ids(reader, "ada"), count(reader, "ada")), (vec![key(&long)["sess:".len()..].to_owned()], 1));

        // The primary agrees when it goes on, and deletes the sessions on both.
        drop(frozen);
        assert!(get(conn, &long).is_some() && short.iter().all(|token| get(conn, token).is_none()));
        await_that("the deletion", || (send::<i64>(reader, &["DBSIZE"]).unwrap() == 1).then_some(()));
        create(conn, "ada", "{}", &[]);
        await_replicas(conn, 1);
        assert_same(conn, reader);
        assert_eq!(count(reader, "ada"), 2);
    }
}

#[test]
fn a_frozen_replica_catches_up() {
    for keys in signing_keys() {
        let primary = builder(&keys).start();
        let replica = replica(&primary, builder(&keys));
        let (conn, reader) = (&mut primary.conn(), &mut replica.conn());
        let first = create(conn, "ada", "{}", &[]);
        await_replicas(conn, 1);
        let full = info(conn, "stats", "sync_full");
        let frozen = Frozen::new(&replica);
        let gone = create(conn, "ada", "{}", &["PX", "1"]);
        for number in 0..200 {
            let token = create(conn, "ada", &format!(r#"{{"n":{number}}}"#), &[]);
            match number % 4 {
                0 => exec(conn, &["JRS.DESTROY", &token]),
                1 => exec(conn, &["JRS.ROTATE", &token, "OWNER", "bob"]),
                2 => exec(conn, &["JRS.UPDATE", &token, "{}"]),
                _ => {}
            }
        }
        await_that("the expiry", || peek(conn, &gone).is_none().then_some(()));
        exec(conn, &["JRS.DESTROY", &first]);
        assert_eq!(send::<i64>(conn, &["WAIT", "1", "1"]).unwrap(), 0, "the replica confirms nothing");
        drop(frozen);
        await_replicas(conn, 1);
        assert!(!exists(reader, &first) && !exists(reader, &gone));
        assert_eq!((count(reader, "ada"), count(reader, "bob")), (100, 50));
        assert_same(conn, reader);
        assert_eq!(info(conn, "stats", "sync_full"), full, "the link stayed");
    }
}
