//! The server runs without the module for a while. What an operator changes meanwhile is seen when the module is back.

use std::fs;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::each,
    owner_sessions::{assert_agree, assert_index_agrees, ids, info},
    sessions::{contents, create, exec, expiry, get, send},
    tokens::{SECRET, key},
};

/// Restarts the server with this text of redis.conf.
fn restart(server: &mut Server, conf: &str) -> Connection {
    server.stop();
    fs::write(server.dir().join("redis.conf"), conf).unwrap();
    server.restart();
    server.conn()
}

#[test]
fn changes_without_the_module_are_seen_later() {
    for (setting, value) in each([("appendonly", "yes"), ("save", "3600 1")]) {
        let builder = Server::builder().keys(SECRET.as_bytes()).args(&["max-sessions", "6"]);
        let mut server = builder.config(setting, value).start();
        let with_module = fs::read_to_string(server.dir().join("redis.conf")).unwrap();
        let is_kept = |line: &&str| !line.starts_with("loadmodule");
        let without_module = with_module.lines().filter(is_kept).map(|line| format!("{line}\n")).collect::<String>();
        let conn = &mut server.conn();
        let tokens = [(); 6].map(|()| create(conn, "ada", r#"{"n":1}"#, &["EX", "5000"]));
        let guest = create(conn, "", "{}", &[]);
        let [kept, deleted, expired, shortened, changed, renamed] = tokens.each_ref().map(|token| key(token));
        let before = contents(conn);

        let conn = &mut restart(&mut server, &without_module);
        assert_eq!(contents(conn), before);
        assert!(send::<Value>(conn, &["JRS.GET", &tokens[0]]).is_err(), "the module is not loaded");
        let other = renamed.replace("{ada}", "{bob}");
        for words in [
            &["DEL", &*deleted][..],
            &["PEXPIRE", &expired, "1"],
            &["EXPIRE", &shortened, "1000"],
            &["SET", &changed, r#"{"n":2}"#, "KEEPTTL"],
            &["RENAME", &renamed, &other],
            &["DEL", &key(&guest)],
            &["SET", "another key", "x"],
        ] {
            exec(conn, words);
        }
        await_that("the expiry", || (send::<i64>(conn, &["EXISTS", &expired]).unwrap() == 0).then_some(()));

        let conn = &mut restart(&mut server, &with_module);
        assert_index_agrees(conn);
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_active"), 4);
        let id = |key: &str| key["sess:".len()..].to_owned();
        assert_eq!(assert_agree(conn, "ada"), [&kept, &shortened, &changed].map(|key| id(key)));
        assert_eq!(ids(conn, "bob"), [id(&other)], "the name says who the owner is");
        let end = expiry(conn, &shortened);
        assert!(end < before[&shortened].1);
        let data = |conn: &mut Connection, token: &str| get(conn, token).map(|session| session.data);
        let [one, two] = [r#"{"n":1}"#, r#"{"n":2}"#].map(|data| Some(data.to_owned()));
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|number| data(conn, &tokens[number])),
            [one.clone(), None, None, one, two, None]
        );
        assert!(get(conn, &guest).is_none());
        assert!(expiry(conn, &shortened) > end, "JRS.GET extends the session again");
        // The limit counts the sessions that are left.
        for _ in 0..4 {
            create(conn, "ada", "{}", &[]);
        }
        assert_eq!(assert_agree(conn, "ada").len(), 6);
        assert!(get(conn, &tokens[0]).is_none() && get(conn, &tokens[3]).is_some(), "only the oldest was evicted");
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "bob"]).unwrap(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 6);
    }
}
