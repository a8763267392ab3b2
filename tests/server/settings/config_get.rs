//! What CONFIG GET shows of the settings.

use std::collections::HashMap;

use crate::support::{Server, sessions::send, tokens::SECRET};

#[test]
fn config_get_names_every_setting_and_shows_no_secret() {
    let conf = "\"a note that is no secret\"";
    let server = Server::builder().keys(SECRET.as_bytes()).config("jrs.issuer", conf).start();
    let conn = &mut server.conn();
    let settings: HashMap<String, String> = send(conn, &["CONFIG", "GET", "jrs.*"]).unwrap();
    let mut names: Vec<&str> = settings.keys().map(|name| name.strip_prefix("jrs.").unwrap()).collect();
    names.sort_unstable();
    #[rustfmt::skip]
    assert_eq!(names, [
        "algorithm", "allow-unload", "allow-weak-secret", "audience", "crypto-queue", "crypto-threads", "foreign-issuer",
        "foreign-keys-file", "issuer", "keys-file",
        "keyspace", "leeway", "max-age", "max-data-size", "max-lifetime", "max-sessions",
        "max-sessions-policy", "max-token-size", "realms-file", "token-cache-size", "token-type", "touch-interval",
    ]);
    assert_eq!(settings["jrs.keys-file"], server.dir().join("keys").to_str().unwrap());
    let all: HashMap<String, String> = send(conn, &["CONFIG", "GET", "*"]).unwrap();
    assert!(all.values().all(|value| !value.contains(SECRET)));
    assert!(all.values().any(|value| value == "a note that is no secret"), "secrets would be found");
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
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("the memory that is used");
        used.trim().parse().unwrap()
    };
    // Buffers of the connection grow at first, and the pipes of both measurements are alike.
    memory_after(1000);
    let before = memory_after(1000);
    for _ in 0..10 {
        memory_after(1000);
    }
    let after = memory_after(1000);
    // The smallest string takes 24 bytes.
    assert!(after - before < 10_000 * 24, "{before} bytes have become {after}");
}
