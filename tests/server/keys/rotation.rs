//! Keys are rotated under load without a wrong refusal; and the cache of verified tokens, which must not outlive them.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use redis::{Connection, RedisResult, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    in_flight::{assert_sound, es256, info},
    owner_sessions,
    sessions::{create, exec, get, now, refusal, refused, send},
    tokens::{SECRET, claims, header, jwk, key, signing_keys, token},
};

/// Rotates keys in four steps while clients create and read sessions; `files` are the old key, both with the new one
/// first, and the new one. `change` puts a file in force.
fn rotate(files: [&str; 3], change: impl Fn(&Server, &mut Connection, &str)) {
    /// The old key is about to be removed; it has been.
    const REMOVING: usize = 1;
    const REMOVED: usize = 2;
    const STOP: usize = 3;
    let mut server = Server::builder().keys(files[0].as_bytes()).start();
    let conn = &mut server.conn();
    let first = create(conn, "ada", "{}", &[]);
    let kid = |token: &str| header(token)["kid"].clone();
    let (old, phase, done) = (kid(&first), AtomicUsize::new(0), AtomicUsize::new(0));
    let client = |number: usize| {
        let (mut conn, mut made) = (server.conn3(), vec![first.clone()]);
        let mut turn = number;
        while phase.load(SeqCst) < STOP {
            turn += 1;
            if turn.is_multiple_of(4) {
                made.push(create(&mut conn, "ada", "{}", &[]));
            }
            // Old ones again and again, which are in the cache, and the newest.
            let token = if turn.is_multiple_of(2) { &made[turn % made.len()] } else { &made[made.len() - 1] };
            let before = phase.load(SeqCst);
            let reply: RedisResult<Value> = send(&mut conn, &["JRS.GET", token]);
            let (after, is_old) = (phase.load(SeqCst), kid(token) == old);
            match reply {
                Ok(Value::Map(_)) => assert!(!(is_old && before >= REMOVED), "an old token is accepted"),
                Err(error) => {
                    assert_eq!(error.code(), Some("BADTOKEN"), "{error}");
                    assert!(is_old && after >= REMOVING, "a wrong refusal: {error}");
                }
                Ok(other) => panic!("{other:?}"),
            }
            done.fetch_add(1, SeqCst);
        }
        made
    };
    let made: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|number| scope.spawn(move || client(number))).collect();
        let await_requests = || {
            let goal = done.load(SeqCst) + 400;
            await_that("requests", || {
                let stuck = clients.iter().any(thread::ScopedJoinHandle::is_finished);
                (stuck || done.load(SeqCst) >= goal).then_some(())
            });
        };
        await_requests();
        change(&server, conn, files[1]);
        await_requests();
        phase.store(REMOVING, SeqCst);
        change(&server, conn, files[2]);
        phase.store(REMOVED, SeqCst);
        await_requests();
        phase.store(STOP, SeqCst);
        clients.into_iter().flat_map(|client| client.join().expect("a client that met nothing wrong")).collect()
    });
    let (olds, news): (Vec<_>, Vec<_>) = made.iter().partition(|token| kid(token) == old);
    assert!(olds.len() > 20 && news.len() > 20, "{} old, {} new tokens", olds.len(), news.len());
    for token in olds {
        for command in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.DESTROY"] {
            assert_eq!(refused(conn, &[command, token]), "BADTOKEN");
        }
        assert_eq!(send::<i64>(conn, &["EXISTS", &key(token)]).unwrap(), 1);
    }
    assert!(news.iter().all(|token| get(conn, token).is_some()));
    assert_sound(&mut server);
}

fn by_reload(server: &Server, conn: &mut Connection, file: &str) {
    fs::write(server.dir().join("keys"), file).unwrap();
    exec(conn, &["JRS.RELOAD"]);
}

fn by_config_set(server: &Server, conn: &mut Connection, file: &str) {
    let name = (0..).map(|number| format!("keys{number}")).find(|name| !server.dir().join(name).exists()).unwrap();
    fs::write(server.dir().join(&name), file).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", &name]);
}

fn secrets() -> [String; 3] {
    let [old, new] = ["old", "new"].map(|kid| jwk(kid, "HS256", format!("{kid}{SECRET}").as_bytes()));
    [json!({"keys": [old]}), json!({"keys": [new, old]}), json!({"keys": [new]})].map(|set| set.to_string())
}

fn pairs() -> [String; 3] {
    let (old, new) = (es256(), es256());
    [old.clone(), format!("{new}{old}"), new]
}

#[test]
fn secrets_are_rotated_by_reload() {
    rotate(secrets().each_ref().map(|file| &**file), by_reload);
}

#[test]
fn secrets_are_rotated_by_config_set() {
    rotate(secrets().each_ref().map(|file| &**file), by_config_set);
}

#[test]
fn pairs_are_rotated_by_reload() {
    rotate(pairs().each_ref().map(|file| &**file), by_reload);
}

#[test]
fn pairs_are_rotated_by_config_set() {
    rotate(pairs().each_ref().map(|file| &**file), by_config_set);
}

/// Hits and misses of the cache.
fn sights(conn: &mut Connection) -> (u64, u64) {
    (info(conn, "token_cache_hits"), info(conn, "token_cache_misses"))
}

#[test]
fn hits_and_misses_are_counted() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let token = &*create(conn, "ada", "{}", &[]);
        assert_eq!((sights(conn), info(conn, "token_cache_bytes")), ((0, 0), 0));
        exec(conn, &["JRS.GET", token]);
        assert_eq!(sights(conn), (0, 1));
        let bytes = info(conn, "token_cache_bytes");
        assert!((token.len() as u64..2000).contains(&bytes), "{bytes}");
        for words in
            [&["JRS.GET", token][..], &["JRS.PEEK", token], &["JRS.UPDATE", token, "{}"], &["JRS.TOUCH", token]]
        {
            let before = sights(conn);
            exec(conn, words);
            assert_eq!(sights(conn), (before.0 + 1, before.1), "{words:?}");
        }
        // What was verified is verified; that it belongs to the key in front is another matter.
        assert_eq!(refused(conn, &["JRS.GET", "sess:another", token]), "WRONGKEY");
        // Bad tokens never enter: not the first time, nor the second.
        let before = (sights(conn), info(conn, "token_cache_bytes"));
        let forged = format!("{}AAAA", &token[..token.len() - 4]);
        for _ in 0..2 {
            assert_eq!(refusal(conn, &forged), "BADTOKEN");
        }
        assert_eq!(sights(conn), (before.0.0, before.0.1 + 2));
        assert_eq!(info(conn, "token_cache_bytes"), before.1);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1);
        assert_eq!(send::<Value>(conn, &["JRS.GET", token]).unwrap(), Value::Nil, "a hit is no session");
        // What tokens must hold is asked anew after each change.
        let token = create(conn, "ada", "{}", &[]);
        assert!(get(conn, &token).is_some() && get(conn, &token).is_some());
        exec(conn, &["CONFIG", "SET", "jrs.audience", "app"]);
        assert_eq!(info(conn, "token_cache_bytes"), 0);
        assert_eq!(refusal(conn, &token), "BADTOKEN");
    }
}

#[test]
fn the_cache_takes_no_more_memory_than_it_says() {
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
    // The memory that is taken by then, without what a client takes for its queries and replies.
    let peek_all = |conn: &mut Connection| {
        pipe.exec(&mut server.conn()).unwrap();
        exec(conn, &["FLUSHALL", "SYNC"]);
        await_that("the end of the client", || {
            (owner_sessions::info(conn, "clients", "connected_clients") == 1).then_some(())
        });
        owner_sessions::info(conn, "memory", "used_memory")
    };
    let before = peek_all(conn);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "2mb"]);
    let taken = peek_all(conn) - before;
    let said = i64::try_from(info(conn, "token_cache_bytes")).unwrap();
    assert!(said > 1_900_000 && taken <= said, "{taken} bytes taken, {said} said");
}

#[test]
fn the_cache_keeps_to_its_size_and_can_be_turned_off() {
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
    // Tokens that fell out are verified again, and those at hand are used.
    assert!(made.iter().step_by(17).all(|token| get(conn, token).is_some()));
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
    let before = sights(conn);
    for _ in 0..3 {
        assert!(get(conn, &made[0]).is_some());
    }
    assert_eq!(sights(conn), (before.0, before.1 + 3));
    assert_eq!(info(conn, "token_cache_bytes"), 0);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "1mb"]);
    assert!(get(conn, &made[0]).is_some() && get(conn, &made[0]).is_some());
    assert_eq!(sights(conn), (before.0 + 1, before.1 + 4));
    assert_sound(&mut server);
}

#[test]
fn times_are_checked_on_every_hit() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:j", "{}"]);
    let early = &*token(&json!({"jti": "j", "nbf": now() + 3}));
    let word = refusal(conn, early);
    assert_eq!((refusal(conn, early), info(conn, "token_cache_hits")), (word, 1));
    await_that("nbf", || send::<Value>(conn, &["JRS.GET", early]).ok());

    exec(conn, &["SET", "sess:j", "{}"]);
    let short = &*token(&json!({"jti": "j", "exp": now() + 3}));
    let made = &*create(conn, "ada", "{}", &["EXAT", &(now() + 3).to_string()]);
    assert!(claims(made)["exp"].is_number());
    assert!(get(conn, short).is_some() && get(conn, made).is_some());
    let hits = info(conn, "token_cache_hits");
    for token in [short, made] {
        await_that("exp", || send::<Value>(conn, &["JRS.GET", token]).is_err().then_some(()));
        assert_eq!(refusal(conn, token), "EXPIREDTOKEN");
    }
    assert!(info(conn, "token_cache_hits") >= hits + 4);
}
