//! JRS.ROTATE: the session gets a new id and a new token, and the old token finds no session.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use crate::support::{
    Server,
    cases::{cases, each},
    in_flight::{es256, rs256},
    owner_sessions::{assert_agree, info},
    sessions::{self, assert_refused, contents, create, exec, expiry, get, now, refused, send},
    tokens::{self, SECRET, claims, header, jwk, key, signing_keys, token},
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

/// Rotates a session and returns the new token. `options` follow the old token.
fn rotate(conn: &mut Connection, token: &str, options: &[&str]) -> String {
    send(conn, &[&["JRS.ROTATE", token], options].concat()).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

/// The claims without those that change in each token.
fn lasting(token: &str) -> Json {
    let mut claims = claims(token);
    for name in ["jti", "iat", "auth_time"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    claims
}

#[test]
fn the_session_continues_and_the_old_token_finds_nothing() {
    for keys in cases([("HS256", SECRET.to_owned()), ("ES256", es256()), ("RS256", rs256())]) {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        for owner in each(["ada", ""]) {
            let callers = r#"{"role":"user","limit":1.50,"iss":"me","aud":["a"]}"#;
            let old = create(conn, owner, r#"{"cart":[1]}"#, &["CLAIMS", callers, "EX", "5000"]);
            exec(conn, &["PEXPIRE", &key(&old), "77000"]);
            let end = expiry(conn, &key(&old));
            let new = rotate(conn, &old, &[]);
            assert_ne!(key(&new), key(&old));
            assert_eq!((expiry(conn, &key(&new)), lasting(&new)), (end, lasting(&old)), "expiry and claims");
            assert_eq!(send::<String>(conn, &["GET", &key(&new)]).unwrap(), r#"{"cart":[1]}"#);
            assert!(tokens::payload(&new).contains(r#""limit":1.50"#), "{}", tokens::payload(&new));
            assert_eq!(claims(&new)["auth_time"], claims(&old)["iat"]);
            for command in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.ROTATE"] {
                assert_eq!(send::<Value>(conn, &[command, &old]).unwrap(), Value::Nil, "{command}");
            }
            assert_eq!(send::<Value>(conn, &["JRS.UPDATE", &old, "{}"]).unwrap(), Value::Nil);
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &old]).unwrap(), 0);
            let session = get(conn, &new).unwrap();
            assert_eq!((session.owner.as_str(), session.ttl), (owner, 5000));
            let newer: String = send(conn, &["jrs.rotate", &key(&new), &new, "claims", "{}"]).unwrap();
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &newer]).unwrap(), 1);
        }
        assert!(contents(conn).is_empty());
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_rotated"), 4);
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_destroyed"), 2);
    }
}

#[test]
fn claims_are_kept_unless_replaced() {
    let server = server();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &["CLAIMS", r#"{"role":"user","name":"Zo\u00eb","nbf":5}"#]);
    let new = rotate(conn, &old, &["CLAIMS", r#" {"role":"admin","more":[{}],"n\u0061me":1} "#]);
    assert_eq!(lasting(&new), json!({"sub": "ada", "role": "admin", "nbf": 5, "more": [{}], "name": 1}));
    let new = rotate(conn, &new, &["OWNER", "bob", "CLAIMS", r#"{"role":null}"#]);
    assert_eq!(lasting(&new), json!({"sub": "bob", "role": null, "nbf": 5, "more": [{}], "name": 1}));
    let new = rotate(conn, &new, &["OWNER", ""]);
    assert_eq!(lasting(&new), json!({"role": null, "nbf": 5, "more": [{}], "name": 1}));
    exec(conn, &["CONFIG", "SET", "jrs.issuer", "here"]);
    let old = create(conn, "ada", "{}", &["CLAIMS", r#"{"aud":"x"}"#]);
    assert_eq!(lasting(&rotate(conn, &old, &[])), json!({"sub": "ada", "aud": "x", "iss": "here"}));
}

#[test]
fn refused_rotations_change_nothing() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let long = json!({"x": "x".repeat(9000)}).to_string();
    let past = json!({"exp": now() - 5}).to_string();
    for (word, options) in [
        ("ERR", &["NONSENSE"][..]),
        ("ERR", &["CLAIMS"]),
        ("ERR", &["OWNER"]),
        ("ERR", &["REAUTH", "REAUTH"]),
        ("ERR", &["OWNER", "a", "OWNER", "b"]),
        ("ERR", &["OWNER", "a{b"]),
        ("ERR", &["CLAIMS", r#"{"jti":"x"}"#]),
        ("ERR", &["CLAIMS", r#"{"auth_time":1}"#]),
        ("ERR", &["CLAIMS", r#"{"exp":"x"}"#]),
        ("ERR", &["CLAIMS", &past]),
        ("BADDATA", &["CLAIMS", "[]"]),
        ("BADDATA", &["CLAIMS", r#"{"a":1,"a":2}"#]),
        ("TOOBIG", &["CLAIMS", &long]),
    ] {
        assert_refused(conn, word, &[&["JRS.ROTATE", &*token], options].concat());
    }
    assert_refused(conn, "WRONGKEY", &["JRS.ROTATE", "sess:other", &token]);
    assert_refused(conn, "ERR", &["JRS.ROTATE"]);
    assert!(get(conn, &token).is_some());
}

#[test]
fn sessions_of_the_npm_package_can_be_rotated() {
    let server = server();
    let conn = &mut server.conn();
    let legacy = |conn: &mut Connection, id: &str, claims: Json| {
        exec(conn, &["SET", &format!("sess:{id}"), r#"{"old":1}"#, "EX", "500"]);
        let mut all = json!({"jti": id});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        token(&all)
    };
    let old = legacy(conn, "9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", json!({"iat": now() - 100, "user": 7, "ttl": "x"}));
    let new = rotate(conn, &old, &["OWNER", "ada"]);
    assert_eq!(lasting(&new), json!({"sub": "ada", "user": 7}));
    assert_eq!(claims(&new)["auth_time"], json!(claims(&old)["iat"]));
    assert_eq!(get(conn, &new).unwrap().data, r#"{"old":1}"#);
    assert_eq!(assert_agree(conn, "ada").len(), 1);
    assert!(get(conn, &old).is_none());
    // A subject that is not a valid owner must be replaced.
    for subject in each([json!("a{b}"), json!(7), json!(["ada"])]) {
        let old = legacy(conn, "y", json!({"sub": subject}));
        assert_refused(conn, "ERR", &["JRS.ROTATE", &old]);
        assert_eq!(lasting(&rotate(conn, &old, &["OWNER", "bob"])), json!({"sub": "bob"}));
    }
}

#[test]
fn one_of_many_concurrent_rotations_succeeds() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let replies = sessions::at_once(&server, 50, &["JRS.ROTATE", &token]);
        assert_eq!(replies.iter().filter(|reply| **reply != Value::Nil).count(), 1);
        assert_eq!(assert_agree(conn, "ada").len(), 1);
    }
}

#[test]
fn sessions_rotate_while_keys_change() {
    let key_file = |ids: [&str; 2]| {
        let keys = ids.map(|id| {
            let mut key = tokens::elliptic_jwk();
            key["kid"] = json!(id);
            key
        });
        json!({"keys": [keys[0], keys[1], jwk("quick", "HS256", SECRET.as_bytes())]}).to_string()
    };
    let files = [key_file(["one", "two"]), key_file(["two", "one"])];
    let server = Server::builder().keys(files[0].as_bytes()).arg("token-cache-size", "0").start();
    let (conn, done) = (&mut server.conn(), AtomicUsize::new(0));
    let tokens: Vec<String> = (0..8).map(|_| create(conn, "ada", r#"{"n":1}"#, &[])).collect();
    let reloads = 20;
    let client = &|mut token: String| {
        let conn = &mut server.conn();
        loop {
            let is_last = done.load(Ordering::SeqCst) == reloads;
            token = rotate(conn, &token, &[]);
            if is_last {
                return token;
            }
        }
    };
    let last: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = tokens.into_iter().map(|token| scope.spawn(move || client(token))).collect();
        for turn in 1..=reloads {
            fs::write(server.dir().join("keys"), &files[turn % 2]).unwrap();
            exec(conn, &["JRS.RELOAD"]);
            done.store(turn, Ordering::SeqCst);
        }
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for token in &last {
        assert_eq!(header(token)["kid"], json!("one"), "a rotation after the last change is signed with its key");
        assert_eq!(get(conn, token).unwrap().data, r#"{"n":1}"#);
    }
    assert_eq!(assert_agree(conn, "ada").len(), 8);
    exec(conn, &["CONFIG", "SET", "jrs.audience", "app"]);
    assert_eq!(refused(conn, &["JRS.ROTATE", &last[0]]), "BADTOKEN");
}
