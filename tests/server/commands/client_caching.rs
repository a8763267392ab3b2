//! Client-side caching: which commands are tracked, and which invalidate.

use std::sync::mpsc::channel;

use redis::{PushInfo, PushKind, Value};

use crate::support::{
    Server, await_that,
    sessions::{create, exec},
    tokens::{SECRET, key, signing_keys},
};

#[test]
fn changes_invalidate_client_side_caches() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let mut caching = server.conn3();
    let (pushes, invalidations) = channel::<PushInfo>();
    caching.set_push_sender(pushes);
    exec(&mut caching, &["CLIENT", "TRACKING", "ON"]);
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    for words in [
        &["JRS.UPDATE", &*token, r#"{"a":1}"#][..],
        &["JRS.TOUCH", &token, "EX", "500"],
        &["JRS.GET", &token],
        &["JRS.UPDATE", &token, r#"{"b":2}"#, "MERGE"],
        &["JRS.ROTATE", &token],
    ] {
        exec(&mut caching, &["JRS.PEEK", &key, &token]);
        exec(&mut caching, &["PING"]);
        assert!(invalidations.try_recv().is_err(), "an invalidation before {words:?}");
        exec(conn, words);
        let push = await_that("an invalidation", || {
            exec(&mut caching, &["PING"]);
            invalidations.try_recv().ok()
        });
        assert_eq!(push.kind, PushKind::Invalidate);
        assert_eq!(push.data, [Value::Array(vec![Value::BulkString(key.clone().into())])], "{words:?}");
    }
}

#[test]
fn only_read_only_commands_with_the_key_are_tracked() {
    for keys in signing_keys() {
        // Without a token cache an ES256 command waits for a crypto thread.
        let server = Server::builder().keys(keys.as_bytes()).arg("token-cache-size", "0").start();
        let conn = &mut server.conn();
        for (name, with_key, broadcast, expected) in [
            ("JRS.PEEK", true, false, true),
            ("JRS.INSPECT", true, false, true),
            ("JRS.PEEK", false, false, false),
            ("JRS.INSPECT", false, false, false),
            ("JRS.GET", true, false, false),
            ("JRS.GET", false, false, false),
            ("JRS.GET", false, true, true),
            ("JRS.PEEK", false, true, true),
        ] {
            let token = create(conn, "ada", "{}", &[]);
            let key = key(&token);
            let mut caching = server.conn3();
            let (pushes, invalidations) = channel::<PushInfo>();
            caching.set_push_sender(pushes);
            let tracking = ["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "sess:"];
            exec(&mut caching, &tracking[..if broadcast { 6 } else { 3 }]);
            let words = if with_key { vec![name, &key, &token] } else { vec![name, &token] };
            exec(&mut caching, &words);
            exec(&mut caching, &["PING"]);
            assert!(invalidations.try_recv().is_err(), "an invalidation before a change, after {words:?}");
            exec(conn, &["JRS.DESTROY", &token]);
            exec(&mut caching, &["PING"]);
            let invalid: Vec<Value> = invalidations.try_iter().flat_map(|push| push.data).collect();
            let is_invalidated = format!("{invalid:?}").contains(&key);
            assert_eq!(is_invalidated, expected, "{words:?}, broadcast: {broadcast}: {invalid:?}");
        }
    }
}
