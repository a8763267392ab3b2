//! `JRS.INSPECT`: its reply for each kind of token. It is never an error and changes nothing.

use std::{collections::HashMap, fmt::Debug};

use jsonwebtoken::Algorithm;
use redis::{Connection, FromRedisValue, ToRedisArgs, Value};
use serde_json::json;

use crate::support::{
    Server,
    cases::each,
    sessions::{contents, create, exec, now, send},
    tokens::{SECRET, claims, jwk, key, part, payload, sign, sign_bytes, token},
};

const FIELDS: [&str; 10] = ["active", "reason", "realm", "alg", "kid", "header", "claims", "key", "ttl", "auth_time"];

/// The reply. A null is `None`.
#[derive(Debug, Default, PartialEq)]
struct Report {
    active: bool,
    /// The first word.
    reason: Option<String>,
    realm: Option<String>,
    algorithm: Option<String>,
    key_id: Option<String>,
    header: Option<String>,
    claims: Option<String>,
    key: Option<String>,
    ttl: Option<i64>,
    auth_time: Option<i64>,
}

/// `JRS.INSPECT` of a token, with or without the key before it. It must not fail or change anything.
fn inspect(conn: &mut Connection, words: &[impl ToRedisArgs + Debug]) -> Report {
    let before = contents(conn);
    let fields: HashMap<String, Value> =
        redis::cmd("JRS.INSPECT").arg(words).query(conn).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    assert_eq!(contents(conn), before, "{words:?}");
    assert_eq!(fields.len(), FIELDS.len(), "{fields:?}");
    let text = |name: &str| Option::<String>::from_redis_value_ref(&fields[name]).unwrap();
    Report {
        active: fields["active"] == Value::Int(1),
        reason: text("reason").map(|reason| reason.split(' ').next().unwrap().to_owned()),
        realm: text("realm"),
        algorithm: text("alg"),
        key_id: text("kid"),
        header: text("header"),
        claims: text("claims"),
        key: text("key"),
        ttl: Option::from_redis_value_ref(&fields["ttl"]).unwrap(),
        auth_time: Option::from_redis_value_ref(&fields["auth_time"]).unwrap(),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

#[test]
fn the_reply_is_a_map_of_ten_fields() {
    let server = server();
    let token = create(&mut server.conn(), "ada", "{}", &["EX", "1000"]);
    let Value::Array(flat) = send(&mut server.conn(), &["JRS.INSPECT", &token]).unwrap() else { panic!("RESP2") };
    let names: Vec<String> = flat.iter().step_by(2).map(|name| String::from_redis_value_ref(name).unwrap()).collect();
    assert_eq!(names, FIELDS);
    let Value::Map(map) = send(&mut server.conn3(), &["JRS.INSPECT", &token]).unwrap() else { panic!("RESP3") };
    let flattened: Vec<Value> = map.into_iter().flat_map(|(name, value)| [name, value]).collect();
    assert_eq!(flattened[..FIELDS.len() * 2 - 3], flat[..FIELDS.len() * 2 - 3]);
    assert_eq!((&flat[1], &flat[3]), (&Value::Int(1), &Value::Nil));
}

#[test]
fn an_active_session_is_reported() {
    let server = Server::builder().keys(jwk("2026-01", "HS384", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    let token = create(conn, "zoë", "{}", &["EX", "1000", "CLAIMS", r#"{"role": "admin"}"#]);
    for arguments in each([vec![token.clone()], vec![key(&token), token.clone()]]) {
        let mut report = inspect(conn, &arguments);
        assert!(report.ttl.take().is_some_and(|ttl| (990..=1000).contains(&ttl)));
        let expected = Report {
            active: true,
            reason: None,
            realm: some("default"),
            algorithm: some("HS384"),
            key_id: some("2026-01"),
            header: Some(String::from_utf8(part(&token, 0)).unwrap()),
            claims: Some(payload(&token)),
            key: Some(key(&token)),
            ttl: None,
            auth_time: claims(&token)["iat"].as_i64(),
        };
        assert_eq!(report, expected);
    }
    // Without an expiry, the report has the TTL that GET would set.
    exec(conn, &["PERSIST", &key(&token)]);
    assert_eq!(inspect(conn, &[&token]).ttl, Some(1000));
}

#[test]
fn a_token_outside_its_time_is_reported() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    let cases = [
        ("EXPIREDTOKEN", json!({"jti": "a", "exp": now() - 100})),
        ("EXPIREDTOKEN", json!({"jti": "a", "iat": now() - 40 * 86_400})),
        ("BADTOKEN", json!({"jti": "a", "nbf": now() + 1000})),
    ];
    for (reason, claims) in cases {
        let token = token(&claims);
        let report = inspect(conn, &[&token]);
        assert_eq!((report.active, report.reason.as_deref()), (false, Some(reason)), "{claims}");
        assert_eq!((report.realm.as_deref(), report.key.as_deref()), (Some("default"), Some("sess:a")), "{claims}");
        // After the deadline of a session its TTL is null, regardless of the key's TTL.
        match reason {
            "EXPIREDTOKEN" => assert_eq!(report.ttl, None, "{claims}"),
            _ => assert!(report.ttl.is_some_and(|ttl| (990..=1000).contains(&ttl)), "{claims}: {:?}", report.ttl),
        }
        assert_eq!(report.claims, Some(payload(&token)));
    }
}

#[test]
fn the_time_of_authentication_is_reported() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("max-lifetime", "0").start();
    let conn = &mut server.conn();
    let (start, auth_time) = (now() - 1000, now() - 10);
    for (claims, expected) in [
        (json!({"jti": "a", "sub": "ada", "iat": start}), Some(start)),
        (json!({"jti": "a", "sub": "ada", "iat": start, "auth_time": auth_time}), Some(auth_time)),
        (json!({"jti": "a", "sub": "ada", "iat": start, "auth_time": now() + 3600}), None),
        (json!({"jti": "a", "sub": "ada"}), None),
        (json!({"jti": "a", "iat": start, "auth_time": auth_time}), None),
    ] {
        let token = sign(&json!({"alg": "HS256"}), &claims, SECRET.as_bytes());
        assert_eq!(inspect(conn, &[&token]).auth_time, expected, "{claims}");
    }
    let token = create(conn, "ada", "{}", &[]);
    let rotated: String = send(conn, &["JRS.ROTATE", &token, "REAUTH"]).unwrap();
    assert_eq!(inspect(conn, &[&rotated]).auth_time, claims(&rotated)["auth_time"].as_i64());
}

#[test]
fn a_destroyed_session_is_reported() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1);
    let report = inspect(conn, &[&token]);
    assert!(!report.active && report.reason.is_some() && report.ttl.is_none(), "{report:?}");
    assert_eq!((report.realm.as_deref(), report.key), (Some("default"), Some(key(&token))));
}

#[test]
fn a_key_with_a_list_is_reported() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    exec(conn, &["DEL", &key]);
    exec(conn, &["RPUSH", &key, "a", "b"]);
    for words in each([&[&token][..], &[&key, &token]]) {
        let report = inspect(conn, words);
        assert_eq!((report.active, report.reason.as_deref(), report.ttl), (false, Some("WRONGTYPE"), None));
    }
}

#[test]
fn a_forged_token_shows_only_its_own_content() {
    let server = server();
    let conn = &mut server.conn();
    let good = create(conn, "ada", r#"{"secret":1}"#, &[]);
    let headers = [
        json!({"alg": "HS256", "typ": "JWT"}),
        json!({"alg": "none"}),
        json!({"alg": "HS512", "kid": "zoë"}),
        json!({"alg": "RS256", "kid": "x", "jku": "https://evil.example"}),
    ];
    for header in headers {
        let forged = sign(&header, &claims(&good), b"the secret of another issuer");
        let expected = Report {
            reason: some("BADTOKEN"),
            algorithm: header["alg"].as_str().map(str::to_owned),
            key_id: header["kid"].as_str().map(str::to_owned),
            header: Some(header.to_string()),
            claims: Some(claims(&good).to_string()),
            ..Report::default()
        };
        assert_eq!(inspect(conn, &[&forged]), expected);
        assert_eq!(inspect(conn, &[&key(&good), &forged]), expected);
    }
}

#[test]
fn the_key_of_another_session_is_reported() {
    let server = server();
    let conn = &mut server.conn();
    let (token, other) = (create(conn, "ada", "{}", &[]), create(conn, "bob", "{}", &[]));
    for key in [&key(&other), "", "sess:", "\0"] {
        let report = inspect(conn, &[key, &token]);
        assert_eq!((report.active, report.reason.as_deref()), (false, Some("WRONGKEY")), "{key}");
        assert_eq!((report.key, report.ttl), (None, None), "{key}");
    }
}

#[test]
fn malformed_tokens_are_reported() {
    let server = server();
    let conn = &mut server.conn();
    let good = create(conn, "ada", "{}", &[]);
    let nothing = Report { reason: some("BADTOKEN"), ..Report::default() };
    let long = format!("{good}{}", "A".repeat(1 << 20));
    let shapeless: [&[u8]; 14] = [
        b"",
        b".",
        b"..",
        b"...",
        b"a.b.c",
        b"\xff\xfe",
        b"ey",
        b"ey..",
        b"ey.ey.ey",
        b"\0\0\0",
        b"%s%n",
        b"-",
        b"{}",
        long.as_bytes(),
    ];
    for token in shapeless {
        assert_eq!(inspect(conn, &[token]), nothing, "{}", token.escape_ascii());
        assert_eq!(inspect(conn, &[b"sess:a", token]), nothing, "{}", token.escape_ascii());
    }

    // The header and the claims are each shown if they are JSON.
    let parts: [(&[u8], &[u8]); 5] = [
        (b"[]", b"{\"a\":1}"),
        (b"\"", b"1"),
        (b"{\"alg\":1}", b"\xff"),
        (b"null", b"{}{}"),
        (b"{\"alg\":\"x\"}\0", b"["),
    ];
    let shown = |part: &[u8]| serde_json::from_slice::<serde_json::Value>(part).ok().map(|_| part.to_vec());
    for (header, claims) in parts {
        let report = inspect(conn, &[sign_bytes(header, claims, Algorithm::HS256, SECRET.as_bytes())]);
        assert_eq!(report.reason.as_deref(), Some("BADTOKEN"));
        assert_eq!(report.header.map(String::into_bytes), shown(header));
        assert_eq!(report.claims.map(String::into_bytes), shown(claims));
        assert_eq!((report.key, report.realm, report.ttl), (None, None, None));
    }
}

#[test]
fn active_means_that_a_read_finds_the_session() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("leeway", "300").start();
    let conn = &mut server.conn();
    let times = [
        json!({}),
        json!({"exp": now() + 1000}),
        json!({"exp": now() - 1000}),
        json!({"nbf": now() + 1000}),
        json!({"nbf": now() + 100}),
        json!({"iat": now() - 40 * 86_400}),
        // The leeway admits the token, but the session ends at its deadline.
        json!({"exp": now() - 100}),
    ];
    let states: [&[&str]; 4] = [
        &["SET", "sess:a", "{}", "EX", "1000"],
        // As an application without JRS may store it.
        &["SET", "sess:a", "{}"],
        &["DEL", "sess:a"],
        &["RPUSH", "sess:a", "{}"],
    ];
    for claims in times {
        let mut claims = claims;
        claims["jti"] = json!("a");
        let token = token(&claims);
        for state in states {
            exec(conn, &["DEL", "sess:a"]);
            exec(conn, state);
            let read = send::<Value>(conn, &["JRS.PEEK", &token]);
            let found = read.as_ref().is_ok_and(|reply| *reply != Value::Nil);
            let report = inspect(conn, &[&token]);
            assert_eq!(report.active, found, "{claims} after {state:?}: {read:?}");
            assert_eq!(report.reason.is_none(), found, "{claims} after {state:?}: {report:?}");
        }
    }
}
