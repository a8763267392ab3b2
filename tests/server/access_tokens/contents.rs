//! The header and the claims of access tokens, and other libraries that verify them.

use std::collections::BTreeSet;

use redis::{Connection, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{AUDIENCE, ISSUER, mint, server};
use crate::support::{
    Server,
    cases::cases,
    keypairs::{ALGORITHMS, jwks, pem},
    owner_sessions::info,
    programs,
    sessions::{create, exec, now, send},
    tokens::{SECRET, claims, header, id, jwk, key, payload, signing_keys},
};

const HMAC: [&str; 3] = ["HS256", "HS384", "HS512"];

/// A server whose key has this algorithm, and that key for the libraries.
fn server_with(algorithm: &'static str) -> (Server, Json) {
    if HMAC.contains(&algorithm) {
        return (server(&jwk("k", algorithm, SECRET.as_bytes()).to_string()), json!({"secret": SECRET}));
    }
    let args = ["issuer", ISSUER, "audience", AUDIENCE, "algorithm", algorithm];
    let server = Server::builder().keys(pem(algorithm).as_bytes()).args(&args).start();
    let published = jwks(&mut server.conn());
    (server, json!({"jwks": published}))
}

#[test]
fn libraries_verify_access_tokens_of_each_algorithm() {
    let mut tasks = Vec::new();
    for algorithm in HMAC.into_iter().chain(ALGORITHMS) {
        let (server, key) = server_with(algorithm);
        let conn = &mut server.conn();
        let session = create(conn, "alice", "{}", &[]);
        let minted = mint(conn, &session, &["CLAIMS", r#"{"client_id":"shop","name":"Zoë"}"#]);
        assert_eq!((&header(&minted)["alg"], &header(&minted)["typ"]), (&json!(algorithm), &json!("at+jwt")));
        assert_eq!(header(&minted)["kid"], header(&session)["kid"]);
        // The libraries refuse the session's token, because of its `typ`.
        for token in [minted, session] {
            tasks.push(
                json!({"key": key, "algorithm": algorithm, "token": token, "issuer": ISSUER, "audience": AUDIENCE,
                "typ": "at+jwt"}),
            );
        }
    }
    for (library, program) in [("jose", "verify.mjs"), ("pyjwt", "pyjwt_verify.py")] {
        let outcomes = programs::run(
            program,
            &if library == "jose" { json!({"library": library, "tasks": tasks}) } else { json!({"tasks": tasks}) },
        );
        for (outcome, task) in outcomes.as_array().unwrap().chunks(2).zip(tasks.chunks(2)) {
            let token = task[0]["token"].as_str().unwrap();
            assert_eq!(outcome[0]["claims"], claims(token), "{library}, {}: {}", task[0]["algorithm"], outcome[0]);
            assert!(outcome[1]["refused"].is_string(), "{library}: {}", outcome[1]);
        }
    }
}

#[test]
fn an_access_token_has_the_claims_of_rfc_9068_and_those_given() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        let given = r#"{"role":"user"}"#;
        let session = create(conn, "user:42", "{}", &["CLAIMS", given]);
        let before = now();
        let minted = mint(conn, &session, &["CLAIMS", r#" { "client_id" : "shop", "limit":1.50, "nbf":5 } "#]);
        let found = claims(&minted);
        let issued_at = found["iat"].as_i64().unwrap();
        assert!((before..=now()).contains(&issued_at), "{issued_at}");
        let limit: Json = serde_json::from_str("1.50").unwrap();
        // The claims of the session's token are not copied.
        assert_eq!(
            found,
            json!({
                "jti": found["jti"], "iat": issued_at, "exp": issued_at + 300, "iss": ISSUER, "sub": "user:42", "aud": AUDIENCE,
                "sid": id(&session), "auth_time": claims(&session)["iat"], "client_id": "shop", "limit": limit, "nbf": 5,
            })
        );
        assert!(payload(&minted).contains(r#""limit":1.50"#), "a number keeps its digits: {}", payload(&minted));
    }
}

#[test]
fn each_access_token_has_an_id_of_its_own() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let session = create(conn, "ada", "{}", &[]);
    let ids: BTreeSet<String> = (0..300).map(|_| id(&mint(conn, &session, &[]))).collect();
    assert_eq!(ids.len(), 300);
    // Version 4: the ids of sessions have version 7.
    assert!(ids.iter().all(|id| Uuid::parse_str(id).unwrap().get_version_num() == 4), "{ids:?}");
    assert_eq!(info(conn, "jrs_tokens", "jrs_access_tokens_minted"), 300);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_read"), 0);
    assert_eq!(send::<Vec<String>>(conn, &["KEYS", "*"]).unwrap(), [key(&session)], "nothing is stored");
}

#[test]
fn issuer_and_audience_are_those_of_the_command_or_the_realm() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let both = |token: &str| (claims(token)["iss"].clone(), claims(token)["aud"].clone());
    let session = create(conn, "ada", "{}", &[]);
    for audience in cases([("plain", "a"), ("escaped", r#"a "b" \ ë"#), ("longest", &*"x".repeat(1024))]) {
        assert_eq!(both(&mint(conn, &session, &["AUDIENCE", audience])), (json!(ISSUER), json!(audience)));
    }
    exec(conn, &["CONFIG", "SET", "jrs.issuer", "", "jrs.audience", ""]);
    let session = create(conn, "ada", "{}", &[]);
    for (options, expected) in [
        (&["CLAIMS", r#"{"iss":"me","aud":"b"}"#][..], ("me", json!("b"))),
        (&["CLAIMS", r#"{"iss":"me","aud":["b","c"]}"#], ("me", json!(["b", "c"]))),
        (&["CLAIMS", r#"{"iss":"me"}"#, "audience", "d"], ("me", json!("d"))),
    ] {
        assert_eq!(both(&mint(conn, &session, options)), (json!(expected.0), expected.1), "{options:?}");
    }
}

#[test]
fn auth_time_is_when_the_user_last_authenticated() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let start = now() - 5000;
    let known = |conn: &mut Connection, name: &str, more: Json| {
        exec(conn, &["SET", &format!("sess:{name}"), "{}", "EX", "1000"]);
        let mut all = json!({"jti": name, "sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "iat": now()});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        crate::support::tokens::token(&all)
    };
    let rotated = known(conn, "rotated", json!({"auth_time": start}));
    assert_eq!(claims(&mint(conn, &rotated, &[]))["auth_time"], json!(start));
    // A NumericDate with a fraction is rounded down.
    let fraction = known(conn, "fraction", json!({"auth_time": 0.5 + 1_700_000_000.0}));
    exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "0"]);
    assert_eq!(claims(&mint(conn, &fraction, &[]))["auth_time"], json!(1_700_000_000));
    // Without max-lifetime the start may be unknown.
    let unknown = known(conn, "unknown", json!({"iat": now() * 1000}));
    assert_eq!(claims(&mint(conn, &unknown, &[])).get("auth_time"), None);
    // REAUTH is an authentication.
    let rotated: String = send(conn, &["JRS.ROTATE", &rotated, "REAUTH"]).unwrap();
    let again = claims(&mint(conn, &rotated, &[]))["auth_time"].as_i64().unwrap();
    assert!((now() - 60..=now()).contains(&again), "{again}");
}

#[test]
fn the_reply_is_a_bulk_string_with_both_protocols_and_with_the_key() {
    let server = server(SECRET);
    for conn in [&mut server.conn(), &mut server.conn3()] {
        let session = create(conn, "ada", "{}", &[]);
        for words in [&["JRS.MINT", &session][..], &["jrs.mint", &key(&session), &session, "ex", "60"]] {
            assert!(matches!(send(conn, words).unwrap(), Value::BulkString(_)), "{words:?}");
        }
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &session]).unwrap(), 1);
        assert_eq!(send::<Value>(conn, &["JRS.MINT", &session]).unwrap(), Value::Nil);
    }
}
