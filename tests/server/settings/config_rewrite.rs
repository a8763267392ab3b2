//! Settings after a restart (CONFIG REWRITE) and with a module that is loaded at run time (MODULE LOADEX).

use std::{collections::HashMap, fs};

use redis::Connection;

use crate::support::{
    Builder, Server, error_word, module_path,
    sessions::{create, exec, get, refused, send},
    tokens::SECRET,
};

fn settings(conn: &mut Connection) -> HashMap<String, String> {
    send(conn, &["CONFIG", "GET", "jrs.*"]).unwrap()
}

/// Runs `CONFIG SET` and `CONFIG REWRITE`, and restarts the server. Returns the settings before and after the restart.
fn rewritten(server: &mut Server, changes: &[&str]) -> [HashMap<String, String>; 2] {
    let conn = &mut server.conn();
    exec(conn, &[&["CONFIG", "SET"], changes].concat());
    let before = settings(conn);
    exec(conn, &["CONFIG", "REWRITE"]);
    server.stop();
    server.restart();
    [before, settings(&mut server.conn())]
}

#[test]
fn config_rewrite_keeps_each_setting() {
    let mut server = Server::builder().keys(SECRET.as_bytes()).start();
    fs::copy(server.dir().join("keys"), server.dir().join("a moved file")).unwrap();
    let token = create(&mut server.conn(), "ada", "{}", &[]);
    // Without quotes and backslashes: Valkey 8.1 writes those of all settings so that it cannot read them again.
    #[rustfmt::skip]
    let [before, after] = rewritten(&mut server, &[
        "jrs.keys-file", "a moved file", "jrs.algorithm", "HS384", "jrs.keyspace", "a b 'c' #é:",
        "jrs.max-age", "1", "jrs.max-lifetime", "0", "jrs.touch-interval", "31536000", "jrs.leeway", "300",
        "jrs.issuer", "https://login.example/?a=%s&b", "jrs.audience", " ", "jrs.max-data-size", "2",
        "jrs.max-token-size", "1mb", "jrs.token-cache-size", "64gb", "jrs.allow-weak-secret", "yes", "jrs.allow-unload", "yes",
        "jrs.max-sessions", "1000000", "jrs.max-sessions-policy", "reject",
        "jrs.token-type", "Session+JWT",
    ]);
    assert_eq!(after, before);
    assert_eq!(after["jrs.token-type"], "Session+JWT");
    assert_eq!(after["jrs.keyspace"], "a b 'c' #é:");
    assert_eq!(after["jrs.token-cache-size"], "68719476736");
    assert_eq!((&*after["jrs.max-sessions"], &*after["jrs.max-sessions-policy"]), ("1000000", "reject"));
    assert_eq!(refused(&mut server.conn(), &["JRS.GET", &token]), "BADTOKEN");

    #[rustfmt::skip]
    let [before, after] = rewritten(&mut server, &[
        "jrs.algorithm", "HS256", "jrs.keyspace", "sess:", "jrs.max-age", "86400", "jrs.max-lifetime", "2592000",
        "jrs.leeway", "0", "jrs.issuer", "", "jrs.audience", "", "jrs.max-sessions-policy", "evict-oldest",
        "jrs.token-type", "JWT",
    ]);
    assert_eq!(after, before);
    assert!(
        get(&mut server.conn(), &token).is_none(),
        "the token is valid again, but its session ended with the server"
    );
}

#[test]
fn config_rewrite_keeps_changes_of_module_arguments() {
    let arguments = ["issuer", "me", "max-age", "100", "allow-weak-secret", "yes", "algorithm", "HS512"];
    let mut server = Server::builder().keys(SECRET.as_bytes()).args(&arguments).start();
    let back_to_default =
        ["jrs.issuer", "", "jrs.max-age", "86400", "jrs.allow-weak-secret", "no", "jrs.algorithm", "HS256"];
    let [before, after] = rewritten(&mut server, &back_to_default);
    assert_eq!(after, before);
    assert_eq!(after["jrs.issuer"], "");

    let back_to_arguments =
        ["jrs.issuer", "me", "jrs.max-age", "100", "jrs.allow-weak-secret", "yes", "jrs.algorithm", "HS512"];
    let [before, after] = rewritten(&mut server, &back_to_arguments);
    assert_eq!(after, before);
    assert_eq!(after["jrs.issuer"], "me");
}

/// A server without the module that can load modules at run time.
fn without_module() -> Builder {
    Server::builder().without_module().config("enable-module-command", "yes")
}

/// `MODULE LOADEX` with these words after the path.
fn load(conn: &mut Connection, words: &[&str]) -> redis::RedisResult<redis::Value> {
    send(conn, &[&["MODULE", "LOADEX", module_path().to_str().unwrap()], words].concat())
}

#[test]
fn module_loadex_accepts_settings_and_arguments() {
    let server = without_module().start();
    let conn = &mut server.conn();
    let config = ["CONFIG", "jrs.max-age", "50", "CONFIG", "jrs.keyspace", "s2:", "CONFIG", "jrs.max-data-size", "1kb"];
    load(conn, &[&config[..], &["ARGS", "max-age", "70", "leeway", "5", "touch-interval", "0"]].concat()).unwrap();
    let set = settings(conn);
    assert_eq!((set["jrs.max-age"].as_str(), set["jrs.leeway"].as_str()), ("50", "5"));
    assert_eq!((set["jrs.keyspace"].as_str(), set["jrs.max-data-size"].as_str()), ("s2:", "1024"));
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(get(conn, &token).expect("a session").ttl, 50);
}

#[test]
fn an_invalid_module_loadex_loads_nothing() {
    let server = without_module().start();
    let conn = &mut server.conn();
    for words in [
        &["CONFIG", "jrs.max-age", "0"][..],
        &["CONFIG", "jrs.issuer", "a\tb"],
        &["CONFIG", "jrs.keys-file", "/no/such/file"],
        &["CONFIG", "jrs.no-such", "1"],
        &["CONFIG", "jrs.max-age", "50", "ARGS", "leeway", "301"],
        &["ARGS", "no-such", "1"],
        &["ARGS", "leeway"],
    ] {
        assert_eq!(error_word(load(conn, words)), "ERR", "{words:?}");
        assert!(settings(conn).is_empty(), "{words:?}");
        assert_eq!(refused(conn, &["JRS.HELP"]), "ERR", "{words:?}");
    }
    load(conn, &[]).unwrap();
    assert_eq!(settings(conn)["jrs.max-age"], "86400");
}

#[test]
fn a_reloaded_module_has_the_default_settings() {
    let server = without_module().start();
    let conn = &mut server.conn();
    load(conn, &["ARGS", "max-age", "70", "issuer", "me", "allow-weak-secret", "yes"]).unwrap();
    let token = create(conn, "ada", "{}", &[]);
    for _ in 0..3 {
        exec(conn, &["CONFIG", "SET", "jrs.leeway", "9", "jrs.algorithm", "HS512", "jrs.allow-unload", "yes"]);
        exec(conn, &["MODULE", "UNLOAD", "jrs"]);
        assert!(settings(conn).is_empty());
        load(conn, &[]).unwrap();
        let set = settings(conn);
        assert_eq!((set["jrs.leeway"].as_str(), set["jrs.algorithm"].as_str()), ("0", "HS256"));
        assert_eq!((set["jrs.max-age"].as_str(), set["jrs.issuer"].as_str()), ("86400", ""));
        assert_eq!(get(conn, &token).expect("a session").owner, "ada");
    }
}
