//! Each setting takes effect: as a module argument, in redis.conf, and by CONFIG SET.

use std::collections::HashMap;

use redis::Value;

use super::setting_cases::{CASES, shown};
use crate::support::{
    Builder, Server, owner_sessions,
    sessions::{contents, create, exec, get, refusal, refused, send},
    tokens::{SECRET, claims, key},
};

fn builder() -> Builder {
    Server::builder().keys(SECRET.as_bytes())
}

#[test]
fn each_setting_works_as_a_module_argument() {
    for case in CASES {
        case.check(&builder().arg(case.name, &case.plain()).start(), true);
        case.check(&builder().arg(&case.full_name(), &case.plain()).start(), true);
    }
}

#[test]
fn each_setting_works_in_redis_conf() {
    for case in CASES {
        case.check(&builder().config(&case.full_name(), &format!("\"{}\"", case.value)).start(), true);
    }
}

#[test]
fn redis_conf_overrides_module_arguments() {
    let defaults: HashMap<String, String> = send(&mut builder().start().conn(), &["CONFIG", "GET", "jrs.*"]).unwrap();
    for case in CASES {
        let default = &defaults[&case.full_name()];
        assert_ne!(default, case.shown);
        let conf = format!("\"{default}\"");
        case.check(&builder().arg(case.name, &case.plain()).config(&case.full_name(), &conf).start(), false);
    }
}

#[test]
fn config_set_changes_each_setting_and_back() {
    let server = builder().start();
    let conn = &mut server.conn();
    for case in CASES {
        let name = case.full_name();
        let before = shown(conn, &name);
        case.check(&server, false);
        exec(conn, &["CONFIG", "SET", &name, &case.plain()]);
        case.check(&server, true);
        exec(conn, &["CONFIG", "SET", &name.to_uppercase(), &before]);
        case.check(&server, false);
    }
}

#[test]
fn one_config_set_changes_several_settings() {
    let server = builder().start();
    let conn = &mut server.conn();
    let words = [
        "CONFIG",
        "SET",
        "jrs.touch-interval",
        "0",
        "jrs.max-age",
        "70",
        "maxmemory",
        "1gb",
        "jrs.keyspace",
        "s2:",
        "jrs.issuer",
        "me",
    ];
    exec(conn, &words);
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(claims(&token)["iss"], "me");
    let keys: Vec<String> = contents(conn).into_keys().collect();
    let id = claims(&token)["jti"].as_str().unwrap().to_owned();
    assert_eq!(keys, [format!("s2:{id}")], "one session");
    assert_eq!(owner_sessions::ids(conn, "ada"), [id]);
    assert_eq!(get(conn, &token).expect("a session").ttl, 70);
    assert_eq!(shown(conn, "maxmemory"), "1073741824");
}

#[test]
fn a_change_applies_to_cached_tokens() {
    let server = builder().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &token).is_some());
    for (name, value, default, word) in [
        ("jrs.issuer", "me", "", "BADTOKEN"),
        ("jrs.audience", "shop", "", "BADTOKEN"),
        ("jrs.max-token-size", "256", "8kb", "BADTOKEN"),
        ("jrs.algorithm", "HS384", "HS256", "BADTOKEN"),
    ] {
        let long = create(conn, "ada", "{}", &["CLAIMS", &format!(r#"{{"a":"{}"}}"#, "x".repeat(300))]);
        assert!(get(conn, &long).is_some());
        exec(conn, &["CONFIG", "SET", name, value]);
        assert_eq!(refusal(conn, &long), word, "{name}");
        exec(conn, &["CONFIG", "SET", name, default]);
        assert!(get(conn, &long).is_some(), "{name}");
    }
    exec(conn, &["CONFIG", "SET", "jrs.keyspace", "s2:"]);
    assert!(get(conn, &token).is_none(), "the session is in the old keyspace");
    assert!(send::<Vec<Value>>(conn, &["JRS.LIST", "ada"]).unwrap().is_empty());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 0);
    assert_eq!(refused(conn, &["JRS.REVOKE", &key(&token)]), "WRONGKEY");
    exec(conn, &["CONFIG", "SET", "jrs.keyspace", "sess:"]);
    assert!(get(conn, &token).is_some());
}
