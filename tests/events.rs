//! What others notice of a command: keyspace events, transactions that watch the key, client-side caching.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod sessions;
mod support;
mod tokens;

use std::sync::mpsc::channel;

use redis::{Connection, PushInfo, PushKind, Value};
use sessions::{create, send};
use support::{Server, await_that};
use tokens::{SECRET, elliptic_jwk, key};

/// The keyspace events that `act` causes, each as the event and the key.
fn events(server: &Server, act: impl FnOnce(&mut Connection)) -> Vec<(String, String)> {
    let (mut listener, mut conn) = (server.conn(), server.conn());
    let mut listener = listener.as_pubsub();
    listener.psubscribe("__keyevent@0__:*").unwrap();
    listener.subscribe("the end").unwrap();
    act(&mut conn);
    let () = send(&mut conn, &["PUBLISH", "the end", ""]).unwrap();
    let mut events = Vec::new();
    loop {
        let message = listener.get_message().unwrap();
        let Some(event) = message.get_channel_name().strip_prefix("__keyevent@0__:") else { return events };
        events.push((event.to_owned(), message.get_payload().unwrap()));
    }
}

/// A server that announces all events that Redis commands of strings and keys announce.
fn server(keys: &str) -> Server {
    Server::builder().keys(keys.as_bytes()).config("notify-keyspace-events", "KEA").start()
}

#[test]
fn changes_are_announced_as_the_servers_own_commands_would() {
    for keys in [SECRET.to_owned(), elliptic_jwk().to_string()] {
        let server = server(&keys);
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let key = key(&token);
        let event = |name: &str| (name.to_owned(), key.clone());
        for (words, expected) in [
            (&["JRS.UPDATE", &*token, r#"{"a":1}"#][..], &["set", "expire"][..]),
            (&["JRS.UPDATE", &key, &token, "{}", "KEEPTTL"], &["set", "expire"]),
            (&["JRS.TOUCH", &token, "EX", "500"], &["expire"]),
            (&["JRS.GET", &token], &["expire"]),
            (&["JRS.GET", &token], &[]),
            (&["JRS.GET", &key, &token], &[]),
            (&["JRS.TOUCH", &key, &token, "EX", "500"], &["expire"]),
            (&["JRS.PEEK", &token], &[]),
            (&["JRS.PEEK", &key, &token], &[]),
            (&["JRS.INSPECT", &token], &[]),
            (&["JRS.DESTROY", &token], &["del"]),
            (&["JRS.DESTROY", &token], &[]),
            (&["JRS.GET", &token], &[]),
            (&["JRS.UPDATE", &token, "{}"], &[]),
            (&["JRS.TOUCH", &token], &[]),
        ] {
            let seen = events(&server, |conn| {
                let _: Value = send(conn, words).unwrap();
            });
            assert_eq!(seen, expected.iter().map(|name| event(name)).collect::<Vec<_>>(), "{words:?}");
        }

        let mut created = String::new();
        let seen = events(&server, |conn| created = create(conn, "bob", "{}", &["EX", "9"]));
        let key = tokens::key(&created);
        assert_eq!(seen, [("set".to_owned(), key.clone()), ("expire".to_owned(), key)]);
    }
}

#[test]
fn refused_commands_announce_nothing() {
    let server = server(SECRET);
    let token = create(&mut server.conn(), "ada", "{}", &[]);
    let seen = events(&server, |conn| {
        let () = send(conn, &["EXPIRE", &key(&token), "500"]).unwrap();
        for words in [
            &["JRS.CREATE", "ada", "[]"][..],
            &["JRS.CREATE", "a{", "{}"],
            &["JRS.UPDATE", &token, "[]"],
            &["JRS.UPDATE", &token, "{}", "NONSENSE"],
            &["JRS.TOUCH", &token, "EX", "0"],
            &["JRS.GET", &token, "NONSENSE"],
            &["JRS.GET", "sess:other", &token],
            &["JRS.DESTROY", &token, "NONSENSE"],
        ] {
            assert!(send::<Value>(conn, words).is_err(), "{words:?}");
        }
    });
    assert_eq!(seen, [("expire".to_owned(), key(&token))], "nothing but the EXPIRE of this test");
}

/// Whether a transaction that watches the key is aborted because of what `words` do meanwhile.
fn aborts(server: &Server, key: &str, words: &[&str]) -> bool {
    let (mut watcher, mut conn) = (server.conn(), server.conn());
    let () = send(&mut watcher, &["WATCH", key]).unwrap();
    let _: redis::RedisResult<Value> = send(&mut conn, words);
    let () = send(&mut watcher, &["MULTI"]).unwrap();
    let () = send(&mut watcher, &["PING"]).unwrap();
    send::<Value>(&mut watcher, &["EXEC"]).unwrap() == Value::Nil
}

#[test]
fn only_what_changes_a_session_aborts_transactions_that_watch_it() {
    for keys in [SECRET.to_owned(), elliptic_jwk().to_string()] {
        let server = server(&keys);
        let conn = &mut server.conn();
        let (token, other) = (create(conn, "ada", "{}", &[]), create(conn, "ada", "{}", &[]));
        let key = key(&token);
        for (words, expected) in [
            (&["JRS.GET", &*token][..], false),
            (&["JRS.GET", &key, &token], false),
            (&["JRS.PEEK", &token], false),
            (&["JRS.PEEK", &key, &token], false),
            (&["JRS.INSPECT", &token], false),
            (&["JRS.UPDATE", &token, "[]"], false),
            (&["JRS.UPDATE", &token, "{}", "NONSENSE"], false),
            (&["JRS.TOUCH", &token, "EX", "0"], false),
            (&["JRS.UPDATE", &other, "{}"], false),
            (&["JRS.CREATE", "ada", "{}"], false),
            (&["JRS.UPDATE", &token, "{}"], true),
            (&["JRS.UPDATE", &key, &token, "{}"], true),
            (&["JRS.TOUCH", &token, "EX", "500"], true),
            (&["JRS.PEEK", &token], false),
            (&["JRS.GET", &token], true),
            (&["JRS.DESTROY", &token], true),
            (&["JRS.DESTROY", &token], false),
            (&["JRS.GET", &token], false),
            (&["JRS.UPDATE", &token, "{}"], false),
        ] {
            assert_eq!(aborts(&server, &key, words), expected, "{words:?}");
        }
    }
}

#[test]
fn client_side_caches_are_told_of_changes() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let mut caching = server.conn3();
    let (pushes, told) = channel::<PushInfo>();
    caching.set_push_sender(pushes);
    let () = send(&mut caching, &["CLIENT", "TRACKING", "ON"]).unwrap();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    for words in [
        &["JRS.UPDATE", &*token, r#"{"a":1}"#][..],
        &["JRS.TOUCH", &token, "EX", "500"],
        &["JRS.GET", &token],
        &["JRS.DESTROY", &token],
    ] {
        let _: Value = send(&mut caching, &["JRS.PEEK", &key, &token]).unwrap();
        let () = send(&mut caching, &["PING"]).unwrap();
        assert!(told.try_recv().is_err(), "nothing has changed before {words:?}");
        let _: Value = send(conn, words).unwrap();
        let push = await_that("an invalidation", || {
            let () = send(&mut caching, &["PING"]).unwrap();
            told.try_recv().ok()
        });
        assert_eq!(push.kind, PushKind::Invalidate);
        assert_eq!(push.data, [Value::Array(vec![Value::BulkString(key.clone().into())])], "{words:?}");
    }
}
