//! AOF and RDB files have plain commands and plain keys.

use std::{fs, path::Path, process::Command};

use redis::{Connection, Value};
use tempfile::TempDir;

use crate::support::{
    Builder, Server,
    sessions::{assert_indexed, contents, create, exec, expiry, get, send},
    tokens::{self, key},
};

fn with_aof(builder: Builder) -> Builder {
    builder.config("appendonly", "yes").config("appendfsync", "always")
}

/// The words of the commands in the incremental AOF file, without SELECT, whose place differs between servers.
fn aof(dir: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(dir.join("appendonlydir/appendonly.aof.1.incr.aof")).unwrap();
    let mut lines = text.split("\r\n");
    let mut commands = Vec::new();
    // The data of the tests has no line ends: each word is a line, after a line with its length.
    while let Some(count) = lines.next().and_then(|line| line.strip_prefix('*')) {
        let words = (0..count.parse().unwrap()).map(|_| lines.nth(1).unwrap().to_owned());
        commands.push(words.collect());
    }
    commands.retain(|words: &Vec<String>| *words != ["SELECT", "0"]);
    commands
}

/// The effects of a command or transaction in the AOF: a transaction if there are several.
fn atomic(effects: &[&[&str]]) -> Vec<Vec<String>> {
    let (first, last): (&[&[&str]], &[&[&str]]) =
        if effects.len() > 1 { (&[&["MULTI"]], &[&["EXEC"]]) } else { (&[], &[]) };
    let all = [first, effects, last].concat();
    all.iter().map(|words| words.iter().map(ToString::to_string).collect()).collect()
}

/// When a key expires, as in the AOF.
fn expires(conn: &mut Connection, key: &str) -> String {
    expiry(conn, key).to_string()
}

#[test]
fn the_aof_has_effects_with_absolute_times() {
    let server = with_aof(Server::builder()).start();
    let conn = &mut server.conn();
    let mut expected = Vec::new();

    let token = create(conn, "ada", r#"{"a":1}"#, &["EX", "1000", "CLAIMS", r#"{"b":2}"#]);
    let key = &key(&token);
    expected.extend(atomic(&[&["SET", key, r#"{"a":1}"#, "PXAT", &expires(conn, key)]]));
    assert_eq!(aof(server.dir()), expected, "a JRS.CREATE is one command");
    let reads =
        [&["JRS.GET", &*token][..], &["JRS.PEEK", &token], &["JRS.INSPECT", &token], &["JRS.LIST", "ada", "WITHDATA"]];
    for words in reads {
        assert!(send::<Value>(conn, words).is_ok(), "{words:?}");
    }
    for words in [&["JRS.UPDATE", &*token, "[]"][..], &["JRS.TOUCH", &token, "EX", "0"], &["JRS.CREATE", "ada", "[]"]] {
        assert!(send::<Value>(conn, words).is_err(), "{words:?}");
    }
    exec(conn, &["JRS.TOUCH", &token, "EX", "500"]);
    expected.extend(atomic(&[&["PEXPIREAT", key, &expires(conn, key)]]));
    assert_eq!(get(conn, &token).expect("a session").ttl, 1000);
    expected.extend(atomic(&[&["PEXPIREAT", key, &expires(conn, key)]]));
    for (words, data) in [
        (&["{}", "PX", "700000"][..], "{}"),
        (&[r#"{"c":3}"#, "KEEPTTL"], r#"{"c":3}"#),
        (&[r#"{"d":4}"#, "MERGE"], r#"{"c":3,"d":4}"#),
        (&[r#"[{"op":"remove","path":"/c"}]"#, "PATCH"], r#"{"d":4}"#),
    ] {
        exec(conn, &[&["JRS.UPDATE", key, &token], words].concat());
        expected.extend(atomic(&[&["SET", key, data, "PXAT", &expires(conn, key)]]));
    }
    exec(conn, &["JRS.TOUCH", &token, "EX", "2000"]);
    expected.extend(atomic(&[&["PEXPIREAT", key, &expires(conn, key)]]));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1);
    expected.extend(atomic(&[&["DEL", key]]));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 0);

    let script = "return redis.call('JRS.CREATE', 'eve', '{}')";
    let token: String = send(conn, &["EVAL", script, "0"]).unwrap();
    let old = tokens::key(&token);
    expected.extend(atomic(&[&["SET", &old, "{}", "PXAT", &expires(conn, &old)]]));
    let mut transaction = redis::pipe();
    transaction.atomic().cmd("JRS.DESTROY").arg(&token).ignore().cmd("JRS.CREATE").arg(&["eve", "{}"]);
    transaction.cmd("JRS.GET").arg(&token).ignore();
    let [new]: [String; 1] = transaction.query(conn).unwrap();
    let new = tokens::key(&new);
    expected.extend(atomic(&[&["DEL", &old], &["SET", &new, "{}", "PXAT", &expires(conn, &new)]]));
    assert_eq!(aof(server.dir()), expected);
}

#[test]
fn the_aof_has_the_effects_of_owner_commands() {
    let server = with_aof(Server::builder()).start();
    let conn = &mut server.conn();
    let tokens = [(); 3].map(|()| create(conn, "ada", "{}", &[]));
    let mut expected = aof(server.dir());
    assert_eq!(expected.len(), 3, "one command for each session: {expected:?}");

    let rotated: String = send(conn, &["JRS.ROTATE", &tokens[0], "REAUTH"]).unwrap();
    let [old, second, third, new] = &[&tokens[0], &tokens[1], &tokens[2], &rotated].map(|token| key(token));
    expected.extend(atomic(&[&["SET", new, "{}", "PXAT", &expires(conn, new)], &["DEL", old]]));
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", second]).unwrap(), 1);
    expected.extend(atomic(&[&["DEL", second]]));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &rotated]).unwrap(), 1);
    expected.extend(atomic(&[&["DEL", third]]));

    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]);
    let last = &key(&create(conn, "ada", "{}", &[]));
    expected.extend(atomic(&[&["SET", last, "{}", "PXAT", &expires(conn, last)], &["DEL", new]]));
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);

    // After a DEL by a client, later commands write nothing about the deleted session.
    exec(conn, &["DEL", last]);
    expected.extend(atomic(&[&["DEL", last]]));
    let next = &key(&create(conn, "ada", "{}", &[]));
    expected.extend(atomic(&[&["SET", next, "{}", "PXAT", &expires(conn, next)]]));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
    expected.extend(atomic(&[&["DEL", next]]));
    assert_eq!(aof(server.dir()), expected);
}

/// A folder with a copy of a file or folder of the server.
fn copy_of(server: &Server, name: &str) -> TempDir {
    let copy = TempDir::new().unwrap();
    let from = server.dir().join(name);
    assert!(Command::new("cp").arg("-r").arg(from).arg(copy.path()).status().unwrap().success());
    copy
}

#[test]
fn rdb_and_aof_load_with_and_without_the_module() {
    for (persistence, value, file) in [("save", "3600 1", "dump.rdb"), ("appendonly", "yes", "appendonlydir")] {
        let builder = |builder: Builder| builder.config(persistence, value);
        let mut server = builder(Server::builder()).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", r#"{"a":"é"}"#, &["EX", "1000"]);
        create(conn, "", "{}", &["PXAT", "4000000000001"]);
        exec(conn, &["SET", "another key", "value"]);
        let guest = create(conn, "eve", "{}", &[]);
        let rotated: String = send(conn, &["JRS.ROTATE", &guest]).unwrap();
        let expected = contents(conn);
        assert_eq!(expected.len(), 4, "three sessions and another key: {:?}", expected.keys());
        server.stop();

        let copy = copy_of(&server, file);
        let elsewhere =
            builder(Server::builder().without_module()).config("dir", copy.path().to_str().unwrap()).start();
        assert_eq!(contents(&mut elsewhere.conn()), expected, "{file} without the module");
        server.restart();
        let conn = &mut server.conn();
        assert_eq!(contents(conn), expected, "{file} with the module");
        assert_eq!(get(conn, &token).expect("a session").data, r#"{"a":"é"}"#);
        for (owner, token) in [("ada", &token), ("eve", &rotated)] {
            assert_indexed(conn, owner, &[key(token)]);
            assert_eq!(send::<Vec<Value>>(conn, &["JRS.LIST", owner]).unwrap().len(), 1, "{owner}");
            assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", owner]).unwrap(), 1, "{owner}");
        }
    }
}
