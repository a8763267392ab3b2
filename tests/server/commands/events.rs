//! Keyspace events, and transactions that are aborted because a watched key changes.

use redis::{Connection, Value};

use crate::support::{
    Server,
    sessions::{create, etag, exec, send},
    tokens::{self, SECRET, key, signing_keys},
};

/// The keyspace events that `act` fires, each as the event and the key.
fn events(server: &Server, act: impl FnOnce(&mut Connection)) -> Vec<(String, String)> {
    let (mut listener, mut conn) = (server.conn(), server.conn());
    let mut listener = listener.as_pubsub();
    listener.psubscribe("__keyevent@0__:*").unwrap();
    listener.subscribe("end").unwrap();
    act(&mut conn);
    exec(&mut conn, &["PUBLISH", "end", ""]);
    let mut events = Vec::new();
    loop {
        let message = listener.get_message().unwrap();
        let Some(event) = message.get_channel_name().strip_prefix("__keyevent@0__:") else { return events };
        events.push((event.to_owned(), message.get_payload().unwrap()));
    }
}

/// The keyspace events that a command fires.
fn events_of(server: &Server, words: &[&str]) -> Vec<(String, String)> {
    events(server, |conn| {
        // The reply is null if there is no session.
        send::<Value>(conn, words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    })
}

/// A server that sends all keyspace events, with those of the module.
fn server(keys: &str) -> Server {
    Server::builder().keys(keys.as_bytes()).config("notify-keyspace-events", "KEA").start()
}

/// Events of one key.
fn on(key: &str, names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), key.to_owned())).collect()
}

#[test]
fn commands_fire_the_servers_events_and_their_own() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let key = key(&token);
        let update = &["set", "expire", "jrs.update"][..];
        for (words, expected) in [
            (&["JRS.UPDATE", &*token, r#"{"a":1}"#][..], update),
            (&["JRS.UPDATE", &key, &token, "{}", "KEEPTTL"], update),
            (&["JRS.UPDATE", &token, r#"{"a":1}"#, "MERGE"], update),
            (&["JRS.UPDATE", &token, "[]", "PATCH", "IFMATCH", &etag(r#"{"a":1}"#)], update),
            (&["JRS.TOUCH", &token, "EX", "500"], &["expire", "jrs.touch"]),
            (&["JRS.GET", &token], &["expire"]),
            (&["JRS.GET", &token], &[]),
            (&["JRS.GET", &key, &token], &[]),
            (&["JRS.TOUCH", &key, &token, "EX", "500"], &["expire", "jrs.touch"]),
            (&["JRS.PEEK", &token], &[]),
            (&["JRS.PEEK", &key, &token], &[]),
            (&["JRS.INSPECT", &token], &[]),
            (&["JRS.LIST", "ada", "WITHDATA"], &[]),
            (&["JRS.DESTROYALL", "ada", "EXCEPT", &token], &[]),
            (&["JRS.DESTROYALL", "unknown"], &[]),
        ] {
            assert_eq!(events_of(&server, words), on(&key, expected), "{words:?}");
        }
        assert_eq!(events_of(&server, &["JRS.DESTROY", &token]), on(&key, &["del", "jrs.destroy"]));
        for words in [
            &["JRS.DESTROY", &*token][..],
            &["JRS.GET", &token],
            &["JRS.UPDATE", &token, "{}"],
            &["JRS.UPDATE", &token, "{}", "MERGE"],
            &["JRS.TOUCH", &token],
            &["JRS.ROTATE", &token],
            &["JRS.REVOKE", &key],
            &["JRS.DESTROYALL", "ada"],
        ] {
            assert_eq!(events_of(&server, words), [], "{words:?}");
        }
    }
}

#[test]
fn create_and_eviction_fire_events() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        let mut token = String::new();
        let seen = events(&server, |conn| token = create(conn, "bob", "{}", &["EX", "900"]));
        let old = key(&token);
        assert_eq!(seen, on(&old, &["set", "expire", "jrs.create"]), "only events of the session");

        let seen = events(&server, |conn| token = create(conn, "", "{}", &[]));
        assert_eq!(seen, on(&key(&token), &["set", "expire", "jrs.create"]));

        exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]);
        let seen = events(&server, |conn| token = create(conn, "bob", "{}", &["EX", "900"]));
        let new = key(&token);
        let expected = [on(&new, &["set", "expire"]), on(&old, &["del", "jrs.evict"]), on(&new, &["jrs.create"])];
        assert_eq!(seen, expected.concat());
    }
}

#[test]
fn rotate_fires_events_on_both_keys() {
    for keys in signing_keys() {
        let server = server(&keys);
        let token = create(&mut server.conn(), "ada", "{}", &[]);
        let mut rotated = String::new();
        let seen = events(&server, |conn| rotated = send(conn, &["JRS.ROTATE", &token]).unwrap());
        let (old, new) = (key(&token), key(&rotated));
        let expected = [on(&new, &["set", "expire"]), on(&old, &["del", "jrs.rotate"]), on(&new, &["jrs.rotate"])];
        assert_eq!(seen, expected.concat());
    }
}

#[test]
fn revoke_and_destroyall_fire_events() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let [first, second, third] = [(); 3].map(|()| key(&create(conn, "ada", "{}", &[])));
    assert_eq!(events_of(&server, &["JRS.REVOKE", &first]), on(&first, &["del", "jrs.destroy"]));
    let rest = [second, third].map(|key| on(&key, &["del", "jrs.destroy"])).concat();
    assert_eq!(events_of(&server, &["JRS.DESTROYALL", "ada"]), rest);
}

#[test]
fn the_events_of_the_module_have_the_class_d() {
    for (class, expected) in [("Kd", &["jrs.create"][..]), ("K$", &["set"]), ("Kg", &["expire"]), ("Kz", &[])] {
        let server = Server::builder().keys(SECRET.as_bytes()).config("notify-keyspace-events", class).start();
        let (mut listener, mut conn) = (server.conn(), server.conn());
        let mut listener = listener.as_pubsub();
        listener.psubscribe("__keyspace@0__:*").unwrap();
        listener.subscribe("end").unwrap();
        let key = key(&create(&mut conn, "ada", "{}", &[]));
        exec(&mut conn, &["PUBLISH", "end", ""]);
        let messages = std::iter::from_fn(|| Some(listener.get_message().unwrap()))
            .take_while(|message| message.get_channel_name() != "end");
        let seen: Vec<(String, String)> =
            messages.map(|message| (message.get_payload().unwrap(), message.get_channel_name().to_owned())).collect();
        assert_eq!(seen, on(&format!("__keyspace@0__:{key}"), expected), "{class}");
    }
}

#[test]
fn refused_commands_fire_no_event() {
    let server = server(SECRET);
    let token = create(&mut server.conn(), "ada", "{}", &[]);
    let seen = events(&server, |conn| {
        exec(conn, &["EXPIRE", &key(&token), "500"]);
        for words in [
            &["JRS.CREATE", "ada", "[]"][..],
            &["JRS.CREATE", "a{", "{}"],
            &["JRS.UPDATE", &token, "[]"],
            &["JRS.UPDATE", &token, "{}", "NONSENSE"],
            &["JRS.TOUCH", &token, "EX", "0"],
            &["JRS.GET", &token, "NONSENSE"],
            &["JRS.GET", "sess:other", &token],
            &["JRS.DESTROY", &token, "NONSENSE"],
            &["JRS.UPDATE", &token, "[]", "MERGE"],
            &["JRS.UPDATE", &token, r#"[{"op":"remove","path":"/a"}]"#, "PATCH"],
            &["JRS.UPDATE", &token, r#"{"a":1}"#, "IFMATCH", "0000000000000000"],
            &["JRS.ROTATE", &token, "CLAIMS", "[]"],
            &["JRS.ROTATE", &token, "OWNER", "{"],
            &["JRS.REVOKE", "another:{ada}"],
            &["JRS.DESTROYALL", "bob", "EXCEPT", &token],
        ] {
            assert!(send::<Value>(conn, words).is_err(), "{words:?}");
        }
    });
    assert_eq!(seen, [("expire".to_owned(), key(&token))], "only the EXPIRE of this test");
}

/// Whether a transaction that watches the key is aborted by a command of another client.
fn aborts(server: &Server, key: &str, words: &[&str]) -> bool {
    let (mut watcher, mut conn) = (server.conn(), server.conn());
    exec(&mut watcher, &["WATCH", key]);
    // Some of the commands are refused.
    let _: redis::RedisResult<Value> = send(&mut conn, words);
    exec(&mut watcher, &["MULTI"]);
    exec(&mut watcher, &["PING"]);
    send::<Value>(&mut watcher, &["EXEC"]).unwrap() == Value::Nil
}

#[test]
fn only_changes_abort_transactions_that_watch_the_key() {
    for keys in signing_keys() {
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
            (&["JRS.LIST", "ada", "WITHDATA"], false),
            (&["JRS.UPDATE", &token, "{}", "IFMATCH", "no etag"], false),
            (&["JRS.UPDATE", &token, "{}", "PATCH"], false),
            (&["JRS.ROTATE", &token, "NONSENSE"], false),
            (&["JRS.DESTROYALL", "ada", "EXCEPT", &token], false),
            (&["JRS.UPDATE", &token, "{}"], true),
            (&["JRS.UPDATE", &key, &token, "{}"], true),
            (&["JRS.UPDATE", &token, r#"{"a":1}"#, "MERGE"], true),
            (&["JRS.UPDATE", &token, "[]", "PATCH"], true),
            (&["JRS.TOUCH", &token, "EX", "500"], true),
            (&["JRS.PEEK", &token], false),
            (&["JRS.GET", &token], true),
            (&["JRS.DESTROY", &token], true),
            (&["JRS.DESTROY", &token], false),
            (&["JRS.ROTATE", &token], false),
            (&["JRS.REVOKE", &key], false),
            (&["JRS.GET", &token], false),
            (&["JRS.UPDATE", &token, "{}"], false),
        ] {
            assert_eq!(aborts(&server, &key, words), expected, "{words:?}");
        }
        let [rotated, revoked, last] = [(); 3].map(|()| create(conn, "ada", "{}", &[]));
        assert!(aborts(&server, &tokens::key(&rotated), &["JRS.ROTATE", &rotated]));
        assert!(aborts(&server, &tokens::key(&revoked), &["JRS.REVOKE", &tokens::key(&revoked)]));
        assert!(aborts(&server, &tokens::key(&last), &["JRS.DESTROYALL", "ada"]));
    }
}
