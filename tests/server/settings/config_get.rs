//! CONFIG GET of the settings.

use std::collections::HashMap;

use crate::support::{Server, sessions::send, tokens::SECRET};

#[test]
fn config_get_shows_each_setting_and_no_secret() {
    let conf = "\"not a secret\"";
    let server = Server::builder().keys(SECRET.as_bytes()).config("jrs.issuer", conf).start();
    let conn = &mut server.conn();
    let settings: HashMap<String, String> = send(conn, &["CONFIG", "GET", "jrs.*"]).unwrap();
    let mut names: Vec<&str> = settings.keys().map(|name| name.strip_prefix("jrs.").unwrap()).collect();
    names.sort_unstable();
    #[rustfmt::skip]
    assert_eq!(names, [
        "access-token-age", "algorithm", "allow-unload", "allow-weak-secret", "anonymous-max-age", "audience", "crypto-queue", "crypto-threads", "data-keys-file", "foreign-issuer",
        "foreign-keys-file", "get-requires-write", "issuer", "keys-file", "keys-reload-interval",
        "keyspace", "leeway", "max-age", "max-data-size", "max-lifetime", "max-sessions",
        "max-sessions-policy", "max-token-size", "not-before", "realms-file", "reuse-detection", "rotate-grace",
        "token-cache-size", "token-type", "touch-interval",
    ]);
    assert_eq!(settings["jrs.keys-file"], server.dir().join("keys").to_str().unwrap());
    let all: HashMap<String, String> = send(conn, &["CONFIG", "GET", "*"]).unwrap();
    assert!(all.values().all(|value| !value.contains(SECRET)));
    assert!(all.values().any(|value| value == "not a secret"), "the search finds values");
}

#[test]
fn config_get_leaks_no_memory() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let mut memory_after = |times: usize| -> i64 {
        let mut pipe = redis::pipe();
        for _ in 0..times {
            pipe.cmd("CONFIG").arg("GET").arg("jrs.*").ignore();
        }
        pipe.exec(conn).unwrap();
        let info: String = send(conn, &["INFO", "memory"]).unwrap();
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("INFO has used_memory");
        used.trim().parse().unwrap()
    };
    // Run once before measuring, because the buffers of the connection grow at first.
    memory_after(1000);
    let before = memory_after(1000);
    for _ in 0..10 {
        memory_after(1000);
    }
    let after = memory_after(1000);
    // The smallest string needs 24 bytes.
    assert!(after - before < 10_000 * 24, "{before} bytes before, {after} after");
}
