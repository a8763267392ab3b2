//! The server evicts sessions (`maxmemory-policy`): the owner index follows, and no evicted session answers.

use std::collections::BTreeSet;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::each,
    owner_sessions::{assert_agree, assert_index_agrees, info, list},
    sessions::{create, exec, get, send},
    tokens::{SECRET, id},
};

const OWNERS: [&str; 3] = ["ada", "bob", "eve"];

/// Creates sessions of these owners until the server has evicted this many keys. Returns the tokens.
fn create_until_evicted(conn: &mut Connection, number: i64) -> Vec<(&'static str, String)> {
    let data = format!(r#"{{"x":"{}"}}"#, "x".repeat(500));
    let limit = info(conn, "memory", "used_memory") + 300_000;
    exec(conn, &["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    let mut tokens = Vec::new();
    await_that("evictions", || {
        for owner in OWNERS {
            // The sessions expire at different times, for volatile-ttl.
            let ttl = (1000 + tokens.len() * 7919 % 5000).to_string();
            tokens.push((owner, create(conn, owner, &data, &["EX", &ttl])));
        }
        (info(conn, "stats", "evicted_keys") >= number).then_some(())
    });
    // From here on, the server evicts nothing.
    exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
    tokens
}

#[test]
fn evicted_sessions_are_gone_for_each_command() {
    for policy in each(["allkeys-lru", "volatile-ttl", "volatile-lru", "allkeys-random"]) {
        let server = Server::builder().keys(SECRET.as_bytes()).config("maxmemory-policy", policy).start();
        let conn = &mut server.conn();
        let tokens = create_until_evicted(conn, 200);
        let evicted = usize::try_from(info(conn, "stats", "evicted_keys")).unwrap();
        let left = tokens.len() - evicted;
        assert!(left > 10, "{left} of {} sessions are left", tokens.len());
        assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), left, "only sessions were evicted, and nothing else");
        for owner in OWNERS {
            let made = tokens.iter().filter(|(of, _)| *of == owner).map(|(_, token)| token);
            let (alive, gone): (Vec<&String>, Vec<&String>) = made.partition(|token| get(conn, token).is_some());
            // The list, the count, the keys and the tokens agree.
            let ids: BTreeSet<String> = assert_agree(conn, owner).into_iter().collect();
            assert_eq!(ids, alive.iter().map(|token| id(token)).collect());
            assert!(list(conn, &[owner, "WITHDATA"]).iter().all(|session| session.data.is_some()));
            for token in &gone {
                assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 0);
                assert_eq!(send::<Value>(conn, &["JRS.ROTATE", token]).unwrap(), Value::Nil);
                assert_eq!(send::<Value>(conn, &["JRS.UPDATE", token, "{}"]).unwrap(), Value::Nil);
            }
            // JRS.DESTROYALL leaves nothing alive.
            assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", owner]).unwrap(), alive.len());
            assert!(alive.iter().all(|token| get(conn, token).is_none()));
            assert!(assert_agree(conn, owner).is_empty());
        }
        assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
        assert_index_agrees(conn);
    }
}

/// Under memory pressure, DESTROYALL runs while the server evicts sessions of the same owner.
#[test]
fn destroyall_is_complete_while_the_server_evicts() {
    for policy in each(["allkeys-lru", "volatile-ttl"]) {
        let server = Server::builder().keys(SECRET.as_bytes()).config("maxmemory-policy", policy).start();
        let conn = &mut server.conn();
        let tokens = create_until_evicted(conn, 100);
        for owner in OWNERS {
            // The next command that needs memory must evict.
            let used = info(conn, "memory", "used_memory");
            exec(conn, &["CONFIG", "SET", "maxmemory", &(used - 20_000).to_string()]);
            exec(conn, &["JRS.DESTROYALL", owner]);
            exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
            let mut made = tokens.iter().filter(|(of, _)| *of == owner);
            assert!(made.all(|(_, token)| get(conn, token).is_none()), "a session of {owner} is alive");
            assert!(assert_agree(conn, owner).is_empty());
        }
        assert_index_agrees(conn);
    }
}
