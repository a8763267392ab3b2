//! Settings that are refused: at the start they stop the server, later the old value stays active.

use std::{collections::HashMap, fs};

use redis::Connection;

use crate::support::{
    Builder, Server, error_word,
    sessions::{create, exec, get, send},
    tokens::{SECRET, claims, header, key},
};

/// A setting, an invalid value, and a text of the error; "one|other" where servers differ.
const BAD: [(&str, &str, &str); 50] = [
    ("algorithm", "none", "HS256"),
    ("algorithm", "HS", "HS256"),
    ("algorithm", "", "HS256"),
    ("keyspace", "", "1 to 64 bytes"),
    ("keyspace", "a123456789b123456789c123456789d123456789e123456789f123456789g1234", "1 to 64 bytes"),
    ("keyspace", "a{b:", "braces"),
    ("keyspace", "a}b:", "braces"),
    ("keyspace", "a\tb:", "control"),
    ("keyspace", "eyes:", "'ey'"),
    ("max-age", "0", "between 1 and"),
    ("max-age", "-1", "between 1 and"),
    ("max-age", "3153600001", "3153600000"),
    ("max-age", "1.5", "integer"),
    ("max-age", "1h", "integer"),
    ("max-age", "", "integer"),
    ("max-age", "99999999999999999999", "integer"),
    ("max-lifetime", "-1", "between 0 and"),
    ("max-lifetime", "3153600001", "3153600000"),
    ("touch-interval", "-1", "between 0 and"),
    ("touch-interval", "31536001", "31536000"),
    ("leeway", "-1", "between 0 and 300"),
    ("leeway", "301", "between 0 and 300"),
    ("issuer", "a\tb", "control"),
    ("audience", "a\tb", "control"),
    ("token-type", "", "media type"),
    ("token-type", "a b", "media type"),
    ("token-type", "a\"b", "media type"),
    ("token-type", "at+jwt", "another kind of token"),
    ("token-type", "application/JWE", "another kind of token"),
    ("keyspace", "ewe:", "'ew'"),
    ("max-data-size", "1", "between 2 and"),
    ("max-data-size", "513mb", "536870912"),
    ("max-data-size", "-8kb", "memory"),
    ("max-data-size", "8xb", "memory"),
    ("max-token-size", "255", "between 256 and"),
    ("max-token-size", "1025kb", "1048576"),
    ("max-token-size", "", "between 256 and"),
    ("max-sessions", "-1", "between 0 and"),
    ("max-sessions", "1000001", "1000000"),
    ("max-sessions", "many", "integer"),
    ("max-sessions", "1k", "integer"),
    ("max-sessions-policy", "", "evict-oldest"),
    ("max-sessions-policy", "evict", "evict-oldest"),
    ("max-sessions-policy", "reject,evict-oldest", "reject"),
    ("token-cache-size", "-1", "memory"),
    ("token-cache-size", "65gb", "68719476736"),
    ("token-cache-size", "99999999999999999999", "between 0 and|memory"),
    ("allow-weak-secret", "perhaps", "yes"),
    ("allow-unload", "perhaps", "yes"),
    ("allow-weak-secret", "1", "yes"),
];

/// The error of a CONFIG SET. The command must be refused.
fn refusal_of(conn: &mut Connection, words: &[&str]) -> String {
    let error = send::<redis::Value>(conn, &[&["CONFIG", "SET"], words].concat()).expect_err("a refusal");
    assert_eq!(error.code(), Some("ERR"), "{error}");
    error.detail().unwrap_or_default().to_owned()
}

fn settings(conn: &mut Connection) -> HashMap<String, String> {
    send(conn, &["CONFIG", "GET", "jrs.*"]).unwrap()
}

/// Properties of a new session that show which settings are active.
fn active_defaults(conn: &mut Connection) -> (String, i64, bool, String) {
    let token = create(conn, "ada", "{}", &[]);
    let exists = send(conn, &["EXISTS", &key(&token)]).unwrap();
    (
        header(&token)["alg"].to_string(),
        get(conn, &token).expect("a session").ttl,
        exists,
        claims(&token)["iss"].to_string(),
    )
}

/// With touch-interval 0 each JRS.GET restarts the TTL, so its reply is exact.
fn builder() -> Builder {
    Server::builder().keys(SECRET.as_bytes()).arg("touch-interval", "0")
}

#[test]
fn config_set_refuses_an_invalid_value_and_keeps_the_old_one() {
    let server = builder().start();
    let conn = &mut server.conn();
    let (before, defaults) = (settings(conn), active_defaults(conn));
    for (name, value, reason) in BAD {
        let problem = refusal_of(conn, &[&format!("jrs.{name}"), value]);
        let has_reason = reason.split('|').any(|reason| problem.contains(reason));
        assert!(problem.contains(name) && has_reason, "{name} {value:?}: {problem}");
        assert_eq!(settings(conn), before, "{name} {value:?}");
    }
    let not_utf8 = redis::cmd("CONFIG").arg("SET").arg("jrs.issuer").arg(b"\xff").query(conn);
    assert_eq!(error_word(not_utf8), "ERR");
    assert_eq!(settings(conn), before);
    assert_eq!(active_defaults(conn), defaults);
}

#[test]
fn an_unknown_setting_is_refused() {
    let server = builder().start();
    let conn = &mut server.conn();
    assert!(refusal_of(conn, &["jrs.no-such", "1"]).contains("jrs.no-such"));
    refusal_of(conn, &["jrs.max-age", "50", "jrs.no-such", "1"]);
    assert_eq!(settings(conn)["jrs.max-age"], "86400");
}

#[test]
fn one_invalid_value_refuses_all() {
    let server = builder().start();
    let conn = &mut server.conn();
    let (before, defaults) = (settings(conn), active_defaults(conn));
    for words in [
        &["jrs.max-age", "50", "jrs.issuer", "me", "jrs.leeway", "301"][..],
        &["jrs.leeway", "301", "jrs.max-age", "50", "jrs.issuer", "me"],
        &["jrs.keyspace", "s2:", "maxmemory", "much"],
        &["maxmemory", "1gb", "jrs.keyspace", "s2:", "jrs.max-age", "0"],
        // Each value is valid, but activating them fails.
        &["jrs.max-age", "50", "jrs.keyspace", "s2:", "jrs.keys-file", "/no/such/file"],
        &["jrs.keys-file", "/no/such/file", "jrs.issuer", "me", "maxmemory", "1gb"],
        &["jrs.max-age", "50", "jrs.max-age", "60"],
    ] {
        refusal_of(conn, words);
        assert_eq!(settings(conn), before, "{words:?}");
        assert_eq!(active_defaults(conn), defaults, "{words:?}");
        let [_, memory]: [String; 2] = send(conn, &["CONFIG", "GET", "maxmemory"]).unwrap();
        assert_eq!(memory, "0", "{words:?}");
    }
    // The next change does not activate refused values.
    exec(conn, &["CONFIG", "SET", "jrs.max-token-size", "4kb"]);
    assert_eq!(active_defaults(conn), defaults);
}

#[test]
fn settings_that_depend_on_each_other_are_checked_together() {
    let server = builder().keys(b"0123456789abcdef0123456789abcdef").start();
    let conn = &mut server.conn();
    fs::write(server.dir().join("weak"), "weak").unwrap();
    let old = create(conn, "ada", "{}", &[]);

    assert!(refusal_of(conn, &["jrs.algorithm", "HS512"]).contains("jrs.allow-weak-secret"));
    assert!(refusal_of(conn, &["jrs.keys-file", "weak"]).contains("jrs.allow-weak-secret"));
    assert!(get(conn, &old).is_some());
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "weak", "jrs.allow-weak-secret", "yes"]);
    let weak = create(conn, "ada", "{}", &[]);
    let before = settings(conn);
    assert!(refusal_of(conn, &["jrs.allow-weak-secret", "no", "jrs.max-age", "50"]).contains("allow-weak-secret"));
    assert_eq!(settings(conn), before);
    assert!(get(conn, &weak).is_some());
    assert_eq!(get(conn, &weak).expect("a session").ttl, 86_400);
}

#[test]
fn an_invalid_value_in_redis_conf_stops_the_start() {
    let mut started = Vec::new();
    for (name, value, _) in BAD {
        let line = format!("\"{}\"", value.replace('\t', "\\t"));
        match builder().config(&format!("jrs.{name}"), &line).try_start() {
            Ok(_) => started.push((name, value)),
            Err(log) => {
                assert!(log.lines().any(|line| line.contains(name)), "{name} {value:?}:\n{log}");
                assert!(!log.contains("REDIS BUG REPORT") && !log.contains("panicked"), "{name} {value:?}:\n{log}");
            }
        }
    }
    assert!(started.is_empty(), "the server started with each of {started:?}");
}

#[test]
fn an_unknown_setting_in_redis_conf_stops_the_start() {
    assert!(builder().config("jrs.no-such", "1").try_start().is_err());
}
