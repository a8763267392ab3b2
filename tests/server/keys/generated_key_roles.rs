//! Replicas and cluster nodes have no generated key. A server that becomes a replica drops its own.

use std::{collections::HashMap, fs, os::unix::fs::symlink, path::Path};

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::cases,
    replicas,
    sessions::{contents, create, exec, get, refusal, refused, send},
    tokens::{SECRET, key},
};

/// The file of the generated key.
const FILE: &str = "jrs-keys.json";
/// Its name after the server has become a replica.
const RETIRED: &str = "jrs-keys.json.retired";

/// Makes a server the replica of a primary that does not exist.
const BECOME_REPLICA: [&str; 3] = ["REPLICAOF", "127.0.0.1", "1"];

fn reload(conn: &mut Connection) {
    exec(conn, &["JRS.RELOAD"]);
}

/// Checks that the server has no keys, that its errors say what to configure, and that it writes nothing.
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

/// Checks that a primary with a retired key has no keys and generates none, and that log and errors say how to restore it.
fn assert_has_a_retired_key(server: &Server) {
    let conn = &mut server.conn();
    assert_has_no_keys(conn);
    reload(conn);
    assert_has_no_keys(conn);
    assert!(!server.dir().join(FILE).exists() && server.dir().join(RETIRED).exists());
    let error = send::<Value>(conn, &["JRS.CREATE", "ada", "{}"]).unwrap_err().to_string();
    let log = server.log();
    let line = log.lines().rfind(|line| line.contains("generates no new key")).expect("a warning");
    for text in [&*error, line] {
        assert!(
            [RETIRED, "JRS.RELOAD", "jrs.keys-file", "delete", "log out"].iter().all(|word| text.contains(word)),
            "{text}"
        );
    }
}

#[test]
fn a_replica_generates_no_key() {
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
fn a_cluster_node_generates_no_key() {
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
fn a_server_that_becomes_a_replica_drops_the_key_for_good() {
    let mut server = Server::builder().config("replica-read-only", "no").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let made = fs::read_to_string(server.dir().join(FILE)).unwrap();
    exec(conn, &BECOME_REPLICA);
    assert_has_no_keys(conn);
    assert!(!server.dir().join(FILE).exists());
    assert_eq!(fs::read_to_string(server.dir().join(RETIRED)).unwrap(), made);
    assert!(server.log().lines().any(|line| line.contains(RETIRED) && line.contains("jrs.keys-file")));

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
    assert_has_a_retired_key(&server);
    assert_eq!(refusal(&mut server.conn(), &token), "NOKEYS");
}

#[test]
fn an_older_retired_key_stays() {
    let mut server = Server::builder().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &BECOME_REPLICA);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", RETIRED]);
    exec(conn, &["CONFIG", "REWRITE"]);
    exec(conn, &["SAVE"]);
    let first = fs::read(server.dir().join(RETIRED)).unwrap();
    for number in 2..4 {
        let other = format!("another file: {number}");
        fs::write(server.dir().join(FILE), &other).unwrap();
        server.kill();
        server.restart();
        exec(&mut server.conn(), &BECOME_REPLICA);
        assert!(!server.dir().join(FILE).exists());
        assert_eq!(fs::read_to_string(server.dir().join(format!("{RETIRED}.{number}"))).unwrap(), other);
    }
    assert_eq!(fs::read(server.dir().join(RETIRED)).unwrap(), first);
    let conn = &mut server.conn();
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    reload(conn);
    assert!(get(conn, &token).is_some());
}

#[test]
fn a_server_that_becomes_a_replica_keeps_the_keys_of_its_keys_file() {
    let server = Server::builder().keys(SECRET.as_bytes()).config("replica-read-only", "no").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &BECOME_REPLICA);
    assert!(send::<Value>(conn, &["JRS.PEEK", &token]).is_ok());
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_eq!(get(conn, &token).expect("a session").owner, "ada");
}

/// Checks that a server whose settings name the file keeps it and uses it as a replica too.
fn assert_keeps_file(server: &mut Server, token: &str) {
    let conn = &mut server.conn();
    let file = server.dir().join(FILE);
    let made = fs::read_to_string(&file).unwrap();
    let may_read = |conn: &mut Connection| assert!(send::<Value>(conn, &["JRS.PEEK", token]).is_ok());
    exec(conn, &BECOME_REPLICA);
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
    assert_eq!(fs::read_to_string(&file).unwrap(), made);
    assert!(!file.with_file_name(RETIRED).exists());
}

#[test]
fn a_file_that_keys_file_names_is_kept() {
    /// The path of the file as the setting has it.
    type FilePath = fn(&Path) -> String;
    let paths: [(&str, FilePath); 3] = [
        ("a relative path", |_| FILE.to_owned()),
        ("an absolute path", |dir| dir.join(FILE).to_str().unwrap().to_owned()),
        ("a link", |dir| {
            symlink(FILE, dir.join("link")).unwrap();
            "link".to_owned()
        }),
    ];
    for path in cases(paths) {
        let mut server = Server::start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        exec(conn, &["CONFIG", "SET", "jrs.keys-file", &path(server.dir())]);
        assert_keeps_file(&mut server, &token);
    }
}

#[test]
fn a_file_that_a_realm_names_is_kept() {
    let mut server = Server::start();
    let conn = &mut server.conn();
    let write = |name: &str, text: &str| fs::write(server.dir().join(name), text).unwrap();
    write("shared", SECRET);
    write("realms.toml", "[realm.a]\nkeys-file = 'jrs-keys.json'\nkeyspace = 'a:'\n");
    let names = ["CONFIG", "SET", "jrs.keys-file", "shared", "jrs.realms-file", "realms.toml"];
    exec(conn, &names);
    let token = create(conn, "ada", "{}", &["REALM", "a"]);
    assert_keeps_file(&mut server, &token);
}

#[test]
fn the_error_after_a_failover_says_how_to_restore_the_key() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &BECOME_REPLICA);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    for words in [&["JRS.GET", &token][..], &["JRS.CREATE", "ada", "{}"]] {
        let error = send::<Value>(conn, words).unwrap_err().to_string();
        assert!(error.contains("NOKEYS") && error.contains(RETIRED), "{words:?}: {error}");
    }
    let shared = server.dir().join("shared.json");
    fs::copy(server.dir().join(RETIRED), &shared).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", shared.to_str().unwrap()]);
    assert!(get(conn, &token).is_some());
}

#[test]
fn a_restart_as_a_replica_drops_the_key() {
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
    assert_has_a_retired_key(&server);
    assert_eq!(refusal(&mut server.conn(), &token), "NOKEYS");
}

#[test]
fn removing_keys_file_after_a_failover_restores_no_key() {
    let mut server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    fs::write(server.dir().join("shared"), SECRET).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "shared"]);
    exec(conn, &BECOME_REPLICA);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    assert_has_no_keys(conn);
    server.stop();
    server.restart();
    assert_has_a_retired_key(&server);
    let conn = &mut server.conn();
    assert_eq!(refusal(conn, &token), "NOKEYS");
    // A key file of the operator is still used.
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "shared"]);
    create(conn, "ada", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    assert_has_a_retired_key(&server);
    // Without the file the server generates a new key.
    fs::remove_file(server.dir().join(RETIRED)).unwrap();
    reload(conn);
    create(conn, "ada", "{}", &[]);
    assert_eq!(refusal(conn, &token), "BADTOKEN");
}

#[test]
fn a_key_that_a_failover_retired_returns_by_rename_and_reload() {
    let mut server = replicas::primary(Server::builder()).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let replica = replicas::replica(&server, Server::builder());
    // The replica may not have acknowledged the data set yet.
    await_that("the start of the failover", || send::<()>(conn, &["FAILOVER"]).ok());
    await_that("the failover", || {
        let replicates = send::<Vec<Value>>(conn, &["ROLE"]).unwrap()[0] == Value::BulkString("slave".into());
        (replicates && server.dir().join(RETIRED).exists()).then_some(())
    });
    await_that("the end of the failover", || send::<()>(conn, &["REPLICAOF", "NO", "ONE"]).ok());
    await_that("a save", || send::<()>(conn, &["SAVE"]).ok());
    server.stop();
    drop(replica);
    server.restart();
    assert_has_a_retired_key(&server);
    let conn = &mut server.conn();
    assert_eq!(refusal(conn, &token), "NOKEYS");
    let [file, retired] = [FILE, RETIRED].map(|name| server.dir().join(name));
    fs::rename(retired, file).unwrap();
    reload(conn);
    assert_eq!(get(conn, &token).expect("the session is still there").owner, "ada");
}
