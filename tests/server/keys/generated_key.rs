//! The key that a server without a keys-file makes for itself, and which servers must not have one.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use redis::{Connection, Value};
use tempfile::TempDir;

use crate::support::{
    Builder, Server, await_that,
    sessions::{contents, create, exec, get, refusal, refused, send},
    tokens::{SECRET, header, key},
};

const FILE: &str = "jrs-keys.json";

/// A primary that nobody is there to be.
const NOBODY: [&str; 3] = ["REPLICAOF", "127.0.0.1", "1"];

/// A server that keeps its files in that folder, which may hold some already.
fn in_folder(folder: &Path) -> Builder {
    Server::builder().config("dir", folder.to_str().unwrap())
}

fn reload(conn: &mut Connection) {
    exec(conn, &["JRS.RELOAD"]);
}

/// That the server has no keys, says what to configure, and writes nothing.
fn assert_has_no_keys(conn: &mut Connection) {
    let before = contents(conn);
    for words in [&["JRS.CREATE", "ada", "{}"][..], &["JRS.PEEK", "sess:a", "eyJ"], &["JRS.GET", "sess:a", "eyJ"]] {
        let error = send::<Value>(conn, words).expect_err("a server without keys");
        assert_eq!(error.code(), Some("NOKEYS"), "{words:?}: {error}");
        assert!(error.detail().unwrap().contains("jrs.keys-file"), "{error}");
    }
    let report: HashMap<String, Value> = send(conn, &["JRS.INSPECT", "sess:a", "eyJ"]).unwrap();
    assert_eq!(report["active"], Value::Int(0));
    let reason: String = redis::from_redis_value_ref(&report["reason"]).unwrap();
    assert!(reason.starts_with("NOKEYS") && reason.contains("jrs.keys-file"), "{reason}");
    assert_eq!(contents(conn), before);
}

#[test]
fn it_survives_a_restart_and_only_its_owner_can_read_it() {
    let mut server = Server::builder().config("appendonly", "yes").config("appendfsync", "always").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let file = server.dir().join(FILE);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let made = fs::read_to_string(&file).unwrap();
    let set: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    let (kid, secret) = (&set["keys"][0]["kid"], set["keys"][0]["k"].as_str().unwrap());
    assert_eq!(header(&token), serde_json::json!({"alg": "HS256", "typ": "JWT", "kid": kid}));
    assert_eq!(secret.len(), 43, "32 bytes in base64url");

    reload(conn);
    assert!(get(conn, &token).is_some());
    server.stop();
    server.restart();
    assert_eq!(get(&mut server.conn(), &token).expect("a session").owner, "ada");
    server.kill();
    server.restart();
    assert_eq!(get(&mut server.conn(), &token).expect("a session").owner, "ada");
    assert_eq!(fs::read_to_string(&file).unwrap(), made);
    assert!(!server.log().contains(secret));
    assert!(!file.with_file_name("jrs-keys.json.new").exists());

    let other = Server::start();
    assert_eq!(refusal(&mut other.conn(), &token), "BADTOKEN", "each server makes another key");
}

#[test]
fn it_is_not_replaced_while_the_server_uses_it() {
    let mut server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let (file, away) = (server.dir().join(FILE), server.dir().join("away.json"));
    fs::rename(&file, &away).unwrap();
    for words in [&["JRS.RELOAD"][..], &["CONFIG", "SET", "jrs.algorithm", "HS512"]] {
        let error = send::<Value>(conn, words).expect_err("a key that is gone");
        assert!(error.detail().unwrap().contains(FILE) && error.detail().unwrap().contains("restore it"), "{error}");
        assert!(get(conn, &token).is_some() && !file.exists(), "{words:?}");
    }
    fs::rename(&away, &file).unwrap();
    reload(conn);
    assert!(get(conn, &token).is_some());

    // Who wants another one takes it away and starts the server again.
    fs::remove_file(&file).unwrap();
    server.stop();
    server.restart();
    assert_eq!(refusal(&mut server.conn(), &token), "BADTOKEN");
}

#[test]
fn a_server_with_a_keys_file_makes_none() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    assert!(!server.dir().join(FILE).exists());

    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    assert!(server.dir().join(FILE).exists());
    assert_ne!(header(&create(conn, "ada", "{}", &[]))["kid"], serde_json::Value::Null);
}

#[test]
fn what_cannot_be_written_or_read_stops_the_start() {
    /// What the log says, and what is in the folder.
    type Obstacle = (&'static str, fn(&Path));
    let obstacles: [Obstacle; 5] = [
        ("cannot create", |dir| fs::create_dir_all(dir.join("jrs-keys.json.new/content")).unwrap()),
        ("not a regular file", |dir| fs::create_dir(dir.join(FILE)).unwrap()),
        ("cannot be read", |dir| symlink("nowhere", dir.join(FILE)).unwrap()),
        ("is refused", |dir| fs::write(dir.join(FILE), "{\"keys\":[").unwrap()),
        ("is refused", |dir| fs::write(dir.join(FILE), "").unwrap()),
    ];
    for (why, prepare) in obstacles {
        let folder = TempDir::new().unwrap();
        prepare(folder.path());
        let before = fs::symlink_metadata(folder.path().join(FILE)).map(|file| (file.ino(), file.len()));
        let Err(log) = in_folder(folder.path()).try_start() else { panic!("the server started: {why}") };
        let clear = |line: &str| line.contains("<jrs> not loaded") && line.contains(FILE) && line.contains(why);
        assert!(log.lines().any(clear), "{why}:\n{log}");
        let after = fs::symlink_metadata(folder.path().join(FILE)).map(|file| (file.ino(), file.len()));
        assert_eq!(after.ok(), before.ok(), "what is there is left alone");
    }
}

#[test]
fn what_a_crash_or_somebody_else_left_behind_is_replaced() {
    let folder = TempDir::new().unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "as it was").unwrap();
    symlink(&victim, folder.path().join("jrs-keys.json.new")).unwrap();
    let server = in_folder(folder.path()).start();
    create(&mut server.conn(), "ada", "{}", &[]);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "as it was");
    let made = fs::symlink_metadata(folder.path().join(FILE)).unwrap();
    assert!(made.is_file() && made.permissions().mode() & 0o777 == 0o600);
}

#[test]
fn a_replica_makes_none_and_says_what_to_configure() {
    let server = Server::builder().config("replicaof", "127.0.0.1 1").config("replica-read-only", "no").start();
    let conn = &mut server.conn();
    assert_has_no_keys(conn);
    reload(conn);
    assert_has_no_keys(conn);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_has_no_keys(conn);
    assert!(!server.dir().join(FILE).exists());

    fs::write(server.dir().join("shared"), SECRET).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "shared"]);
    create(conn, "ada", "{}", &[]);
}

#[test]
fn a_cluster_node_makes_none_and_says_what_to_configure() {
    let server = Server::builder().config("cluster-enabled", "yes").start();
    let conn = &mut server.conn();
    exec(conn, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    await_that("the cluster", || {
        send::<String>(conn, &["CLUSTER", "INFO"]).unwrap().contains("cluster_state:ok").then_some(())
    });
    assert_has_no_keys(conn);
    assert!(!server.dir().join(FILE).exists());
}

#[test]
fn a_server_that_becomes_a_replica_drops_it_for_good() {
    let mut server = Server::builder().config("replica-read-only", "no").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let made = fs::read_to_string(server.dir().join(FILE)).unwrap();
    exec(conn, &NOBODY);
    assert_has_no_keys(conn);
    assert!(!server.dir().join(FILE).exists());
    assert_eq!(fs::read_to_string(server.dir().join("jrs-keys.json.retired")).unwrap(), made);
    assert!(server.log().lines().any(|line| line.contains("jrs-keys.json.retired") && line.contains("jrs.keys-file")));

    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_has_no_keys(conn);
    exec(conn, &["CONFIG", "SET", "jrs.max-age", "50"]);
    assert_has_no_keys(conn);
    exec(conn, &["CONFIG", "SET", "jrs.allow-weak-secret", "yes"]);
    assert_has_no_keys(conn);
    reload(conn);
    assert_has_no_keys(conn);
    assert_eq!(refused(conn, &["JRS.GET", &key(&token), &token]), "NOKEYS");
    assert!(!server.dir().join(FILE).exists());

    server.stop();
    server.restart();
    assert_eq!(refusal(&mut server.conn(), &token), "BADTOKEN");
}

#[test]
fn a_server_that_becomes_a_replica_keeps_the_keys_of_its_keys_file() {
    let server = Server::builder().keys(SECRET.as_bytes()).config("replica-read-only", "no").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &NOBODY);
    assert!(send::<Value>(conn, &["JRS.PEEK", &token]).is_ok());
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_eq!(get(conn, &token).expect("a session").owner, "ada");
}

/// That a server whose settings name the file goes on with it as a replica, and leaves it where it is.
fn assert_stays_with(server: &mut Server, token: &str, why: &str) {
    let conn = &mut server.conn();
    let file = server.dir().join(FILE);
    let made = fs::read_to_string(&file).unwrap();
    let may_read = |conn: &mut Connection| assert!(send::<Value>(conn, &["JRS.PEEK", token]).is_ok(), "{why}");
    exec(conn, &NOBODY);
    reload(conn);
    may_read(conn);
    exec(conn, &["CONFIG", "REWRITE"]);
    server.stop();
    server.restart();
    let conn = &mut server.conn();
    may_read(conn);
    reload(conn);
    may_read(conn);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    reload(conn);
    may_read(conn);
    assert_eq!(fs::read_to_string(&file).unwrap(), made, "{why}");
    assert!(!file.with_file_name("jrs-keys.json.retired").exists(), "{why}");
}

#[test]
fn it_is_the_operators_when_the_keys_file_names_it() {
    /// What it is called, and the path in that folder.
    type Way = (&'static str, fn(&Path) -> String);
    let ways: [Way; 3] = [
        ("a relative path", |_| FILE.to_owned()),
        ("an absolute path", |dir| dir.join(FILE).to_str().unwrap().to_owned()),
        ("a link", |dir| {
            symlink(FILE, dir.join("link")).unwrap();
            "link".to_owned()
        }),
    ];
    for (why, path) in ways {
        let mut server = Server::start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        exec(conn, &["CONFIG", "SET", "jrs.keys-file", &path(server.dir())]);
        assert_stays_with(&mut server, &token, why);
    }
}

#[test]
fn it_is_the_operators_when_a_realm_names_it() {
    let mut server = Server::start();
    let conn = &mut server.conn();
    let write = |name: &str, text: &str| fs::write(server.dir().join(name), text).unwrap();
    write("shared", SECRET);
    write("realms.toml", "[realm.a]\nkeys-file = 'jrs-keys.json'\nkeyspace = 'a:'\n");
    let names = ["CONFIG", "SET", "jrs.keys-file", "shared", "jrs.realms-file", "realms.toml"];
    exec(conn, &names);
    let token = create(conn, "ada", "{}", &["REALM", "a"]);
    assert_stays_with(&mut server, &token, "a realm");
}

#[test]
fn what_the_error_after_a_failover_says_brings_the_key_back() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &NOBODY);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    for words in [&["JRS.GET", &token][..], &["JRS.CREATE", "ada", "{}"]] {
        let error = send::<Value>(conn, words).unwrap_err().to_string();
        assert!(error.contains("NOKEYS") && error.contains("jrs-keys.json.retired"), "{words:?}: {error}");
    }
    let shared = server.dir().join("shared.json");
    fs::copy(server.dir().join("jrs-keys.json.retired"), &shared).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", shared.to_str().unwrap()]);
    assert!(get(conn, &token).is_some());
}

#[test]
fn it_is_not_brought_back_by_a_restart_as_a_replica_and_then_as_a_primary() {
    let mut server = Server::start();
    let token = create(&mut server.conn(), "ada", "{}", &[]);
    server.stop();
    let conf = server.dir().join("redis.conf");
    let alone = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{alone}replicaof 127.0.0.1 1\n")).unwrap();
    server.restart();
    assert_eq!(refused(&mut server.conn(), &["JRS.PEEK", &token]), "NOKEYS");
    server.stop();
    fs::write(&conf, alone).unwrap();
    server.restart();
    assert_eq!(refusal(&mut server.conn(), &token), "BADTOKEN");
}

#[test]
fn it_is_not_brought_back_by_taking_the_keys_file_away_from_a_former_replica() {
    let mut server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    fs::write(server.dir().join("shared"), SECRET).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "shared"]);
    exec(conn, &NOBODY);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    assert_has_no_keys(conn);
    server.stop();
    server.restart();
    assert_eq!(refusal(&mut server.conn(), &token), "BADTOKEN");
}
