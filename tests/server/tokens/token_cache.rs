//! The cache of verified tokens: hits, misses, its size, and the checks that a hit does not skip.

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    cases::cases,
    in_flight::{assert_sound, info},
    owner_sessions,
    sessions::{create, exec, get, now, refusal, refused, send},
    tokens::{SECRET, claims, signing_keys, token},
};

/// The hits and misses of the cache.
fn hits_and_misses(conn: &mut Connection) -> (u64, u64) {
    (info(conn, "token_cache_hits"), info(conn, "token_cache_misses"))
}

#[test]
fn hits_and_misses_are_counted() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let token = &*create(conn, "ada", "{}", &[]);
        assert_eq!((hits_and_misses(conn), info(conn, "token_cache_bytes")), ((0, 0), 0));
        exec(conn, &["JRS.GET", token]);
        assert_eq!(hits_and_misses(conn), (0, 1));
        let bytes = info(conn, "token_cache_bytes");
        assert!((token.len() as u64..2000).contains(&bytes), "{bytes}");
        for words in
            [&["JRS.GET", token][..], &["JRS.PEEK", token], &["JRS.UPDATE", token, "{}"], &["JRS.TOUCH", token]]
        {
            let before = hits_and_misses(conn);
            exec(conn, words);
            assert_eq!(hits_and_misses(conn), (before.0 + 1, before.1), "{words:?}");
        }
        // A hit does not skip the check of the key before the token.
        assert_eq!(refused(conn, &["JRS.GET", "sess:another", token]), "WRONGKEY");
        // Invalid tokens are never cached.
        let before = (hits_and_misses(conn), info(conn, "token_cache_bytes"));
        let forged = format!("{}AAAA", &token[..token.len() - 4]);
        for _ in 0..2 {
            assert_eq!(refusal(conn, &forged), "BADTOKEN");
        }
        assert_eq!(hits_and_misses(conn), (before.0.0, before.0.1 + 2));
        assert_eq!(info(conn, "token_cache_bytes"), before.1);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1);
        assert_eq!(
            send::<Value>(conn, &["JRS.GET", token]).unwrap(),
            Value::Nil,
            "a hit does not find a destroyed session"
        );
        // A change of settings empties the cache.
        let token = create(conn, "ada", "{}", &[]);
        assert!(get(conn, &token).is_some() && get(conn, &token).is_some());
        exec(conn, &["CONFIG", "SET", "jrs.audience", "app"]);
        assert_eq!(info(conn, "token_cache_bytes"), 0);
        assert_eq!(refusal(conn, &token), "BADTOKEN");
    }
}

#[test]
fn the_cache_uses_no_more_memory_than_it_reports() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("token-cache-size", "0").start();
    let conn = &mut server.conn();
    let mut pipe = redis::pipe();
    for number in 0..10_000 {
        pipe.cmd("JRS.CREATE").arg(number).arg("{}");
    }
    let tokens: Vec<String> = pipe.query(conn).unwrap();
    let mut pipe = redis::pipe();
    for token in &tokens {
        pipe.cmd("JRS.PEEK").arg(token);
    }
    // Returns the used memory, without the buffers of the client.
    let peek_all = |conn: &mut Connection| {
        pipe.exec(&mut server.conn()).unwrap();
        exec(conn, &["FLUSHALL", "SYNC"]);
        await_that("the disconnect of the client", || {
            (owner_sessions::info(conn, "clients", "connected_clients") == 1).then_some(())
        });
        owner_sessions::info(conn, "memory", "used_memory")
    };
    let before = peek_all(conn);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "2mb"]);
    let used = peek_all(conn) - before;
    let reported = i64::try_from(info(conn, "token_cache_bytes")).unwrap();
    assert!(reported > 1_900_000 && used <= reported, "{used} bytes used, {reported} reported");
}

#[test]
fn the_cache_has_a_limit_and_can_be_turned_off() {
    let mut server = Server::builder().keys(SECRET.as_bytes()).arg("token-cache-size", "100kb").start();
    let conn = &mut server.conn();
    let mut made = Vec::new();
    for _ in 0..10 {
        let mut pipe = redis::pipe();
        for number in 0..500 {
            pipe.cmd("JRS.CREATE").arg(number).arg("{}");
        }
        let tokens: Vec<String> = pipe.query(conn).unwrap();
        let mut pipe = redis::pipe();
        for token in &tokens {
            pipe.cmd("JRS.TOUCH").arg(token);
        }
        pipe.exec(conn).unwrap();
        let bytes = info(conn, "token_cache_bytes");
        assert!(bytes <= 102_400 && bytes > 30_000, "{bytes}");
        made.extend(tokens);
    }
    // Tokens that left the cache are verified again.
    assert!(made.iter().step_by(17).all(|token| get(conn, token).is_some()));
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
    let before = hits_and_misses(conn);
    for _ in 0..3 {
        assert!(get(conn, &made[0]).is_some());
    }
    assert_eq!(hits_and_misses(conn), (before.0, before.1 + 3));
    assert_eq!(info(conn, "token_cache_bytes"), 0);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "1mb"]);
    assert!(get(conn, &made[0]).is_some() && get(conn, &made[0]).is_some());
    assert_eq!(hits_and_misses(conn), (before.0 + 1, before.1 + 4));
    assert_sound(&mut server);
}

#[test]
fn times_are_checked_on_each_hit() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:j", "{}"]);
    let early = &*token(&json!({"jti": "j", "nbf": now() + 3}));
    let word = refusal(conn, early);
    assert_eq!((refusal(conn, early), info(conn, "token_cache_hits")), (word, 1));
    await_that("nbf", || send::<Value>(conn, &["JRS.GET", early]).ok());

    exec(conn, &["SET", "sess:j", "{}"]);
    let short = &*token(&json!({"jti": "j", "exp": now() + 5}));
    let made = &*create(conn, "ada", "{}", &["EXAT", &(now() + 5).to_string()]);
    assert!(claims(made)["exp"].is_number());
    assert!(get(conn, short).is_some() && get(conn, made).is_some());
    let hits = info(conn, "token_cache_hits");
    for token in cases([("a token of another issuer", short), ("a token of JRS", made)]) {
        await_that("exp", || send::<Value>(conn, &["JRS.GET", token]).is_err().then_some(()));
        assert_eq!(refusal(conn, token), "EXPIREDTOKEN");
    }
    assert!(info(conn, "token_cache_hits") >= hits + 4);
}
