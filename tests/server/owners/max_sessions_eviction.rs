//! `max-sessions` on a server that evicts keys: the limit counts the keys that are left.

use redis::Connection;

use crate::support::{
    Server, await_that,
    cases::each,
    owner_sessions::{assert_agree, assert_index_agrees, count, fill, info},
    sessions::{assert_refused, create, exec, get, send},
    tokens::SECRET,
};

/// The policies that evict keys.
const POLICIES: [&str; 5] = ["allkeys-lru", "volatile-ttl", "allkeys-random", "volatile-lfu", "volatile-lru"];
/// The policies that always evict sessions when there are other keys too.
const EVICTING_SESSIONS: [&str; 4] = ["volatile-ttl", "allkeys-random", "volatile-lfu", "volatile-lru"];

fn start(eviction: &str, limit: &str) -> Server {
    Server::builder()
        .keys(SECRET.as_bytes())
        .args(&["max-sessions", "20", "max-sessions-policy", limit])
        .config("maxmemory-policy", eviction)
        .start()
}

/// Lets the server evict keys until at most `max` of ada's sessions are left. Returns how many are. The keys that fill the
/// memory do not expire, so `volatile-*` policies can evict only sessions.
///
/// Each of these keys has `size` bytes, about as many as a session.
fn evict_down_to(conn: &mut Connection, max: usize, size: usize) -> usize {
    let used = info(conn, "memory", "used_memory");
    exec(conn, &["CONFIG", "SET", "maxmemory", &(used + 20_000).to_string()]);
    let mut number = 0;
    await_that("evictions", || {
        number += 1;
        // The server refuses this when it has nothing to evict.
        let _ = send::<()>(conn, &["SET", &format!("other:{number}"), &"x".repeat(size)]);
        (count(conn, "ada") <= max).then_some(())
    });
    // Until here, the server may evict between any two commands.
    exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
    assert!(info(conn, "stats", "evicted_keys") > 0);
    assert_agree(conn, "ada").len()
}

#[test]
fn evicted_sessions_do_not_count_under_each_policy() {
    for policy in EVICTING_SESSIONS {
        let server = start(policy, "reject");
        let conn = &mut server.conn();
        for _ in 0..20 {
            create(conn, "ada", "{}", &["EX", "1000"]);
        }
        assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
        let left = evict_down_to(conn, 18, 200);
        for _ in left..20 {
            create(conn, "ada", "{}", &["EX", "1000"]);
        }
        assert_eq!(assert_agree(conn, "ada").len(), 20, "{policy}");
        assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
        assert_index_agrees(conn);
    }
}

#[test]
fn create_after_an_eviction_removes_no_other_session() {
    for policy in EVICTING_SESSIONS {
        let server = start(policy, "evict-oldest");
        let conn = &mut server.conn();
        for _ in 0..20 {
            create(conn, "ada", "{}", &["EX", "1000"]);
        }
        let left = evict_down_to(conn, 15, 200);
        let before = assert_agree(conn, "ada");
        let made: Vec<String> = (left..20).map(|_| create(conn, "ada", "{}", &["EX", "1000"])).collect();
        let after = assert_agree(conn, "ada");
        assert!(before.iter().all(|id| after.contains(id)) && after.len() == 20, "{policy}");
        assert!(made.iter().all(|token| get(conn, token).is_some()));
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 0);
        create(conn, "ada", "{}", &["EX", "1000"]);
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 1);
        assert_eq!(assert_agree(conn, "ada")[..19], after[1..]);
    }
}

#[test]
fn the_limit_holds_while_the_server_evicts_keys() {
    for policy in POLICIES {
        let server = start(policy, "evict-oldest");
        let conn = &mut server.conn();
        fill(conn, "bob", 3000);
        let used = info(conn, "memory", "used_memory");
        exec(conn, &["CONFIG", "SET", "maxmemory", &(used + 50_000).to_string()]);
        let data = format!(r#"{{"a":"{}"}}"#, "x".repeat(2_000));
        for _ in 0..300 {
            create(conn, "ada", &data, &["EX", "1000"]);
            let count = count(conn, "ada");
            assert!(count <= 20, "{policy}: {count}");
        }
        exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
        assert_agree(conn, "ada");
        assert_agree(conn, "bob");
        assert!(info(conn, "stats", "evicted_keys") > 0, "{policy}");
        assert_index_agrees(conn);
    }
}

#[test]
fn destroyall_after_an_eviction_leaves_no_session() {
    for policy in each(["allkeys-lru", "volatile-lru"]) {
        let server = start(policy, "reject");
        let conn = &mut server.conn();
        exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
        // So large that none is left only if the server's own memory grows by hundreds of kilobytes at once.
        let data = format!(r#"{{"a":"{}"}}"#, "x".repeat(4_000));
        for _ in 0..200 {
            create(conn, "ada", &data, &["EX", "1000"]);
        }
        let left = evict_down_to(conn, 100, 4_000);
        assert!(left > 0, "some sessions are left");
        assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "ada"]), Ok(left));
        assert_eq!(assert_agree(conn, "ada"), [""; 0]);
        assert_index_agrees(conn);
    }
}
