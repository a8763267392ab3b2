//! When JRS.MINT refuses. A refused command changes nothing.

use std::fs;

use redis::Value;
use serde_json::json;

use super::{AUDIENCE, ISSUER, mint, server};
use crate::support::{
    Server,
    cases::each,
    keypairs::{pem, public_pem},
    sessions::{assert_refused, create, exec, now, send},
    tokens::{self, SECRET, jwk, key, sign, signing_keys},
};

/// The sentence of the error.
fn error(conn: &mut redis::Connection, words: &[&str]) -> String {
    send::<Value>(conn, words).expect_err("a refusal").to_string()
}

#[test]
fn options_and_claims_are_checked() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        let session = create(conn, "ada", "{}", &[]);
        // An extension would be due.
        exec(conn, &["PEXPIRE", &key(&session), "1000000"]);
        let (long, longer) = ("x".repeat(1025), json!({"x": "x".repeat(9000)}).to_string());
        let signed = json!({"x": "x".repeat(6000)}).to_string();
        for (word, options) in each([
            ("ERR", &["NONSENSE"][..]),
            ("ERR", &["REALM", "default"]),
            ("ERR", &["CLAIMS"]),
            ("ERR", &["CLAIMS", "{}", "CLAIMS", "{}"]),
            ("ERR", &["AUDIENCE"]),
            ("ERR", &["AUDIENCE", "a", "AUDIENCE", "a"]),
            ("ERR", &["AUDIENCE", ""]),
            ("ERR", &["AUDIENCE", "a\nb"]),
            ("ERR", &["AUDIENCE", "a\u{85}b"]),
            ("ERR", &["AUDIENCE", &long]),
            ("ERR", &["CLAIMS", r#"{"jti":"x"}"#]),
            ("ERR", &["CLAIMS", r#"{"iat":1}"#]),
            ("ERR", &["CLAIMS", r#"{"exp":4102444800}"#]),
            ("ERR", &["CLAIMS", r#"{"sub":"bob"}"#]),
            ("ERR", &["CLAIMS", r#"{"iss":"me"}"#]),
            ("ERR", &["CLAIMS", r#"{"aud":"me"}"#]),
            ("ERR", &["AUDIENCE", "a", "CLAIMS", r#"{"aud":"me"}"#]),
            ("ERR", &["CLAIMS", r#"{"sid":"x"}"#]),
            ("ERR", &["CLAIMS", r#"{"\u0073id":"x"}"#]),
            ("ERR", &["CLAIMS", r#"{"auth_time":1}"#]),
            ("ERR", &["CLAIMS", r#"{"Exp":1}"#]),
            ("ERR", &["CLAIMS", "{\"\u{17f}id\":1}"]),
            ("ERR", &["CLAIMS", r#"{"AUD":"x"}"#]),
            ("ERR", &["CLAIMS", r#"{"NBF":1}"#]),
            ("ERR", &["CLAIMS", r#"{"nbf":"1"}"#]),
            ("ERR", &["CLAIMS", r#"{"nbf":4102444800000}"#]),
            ("BADDATA", &["CLAIMS", "[]"]),
            ("BADDATA", &["CLAIMS", "no JSON"]),
            ("BADDATA", &["CLAIMS", r#"{"a":1,"a":2}"#]),
            ("TOOBIG", &["CLAIMS", &longer]),
            ("TOOBIG", &["CLAIMS", &signed]),
        ]) {
            assert_refused(conn, word, &[&["JRS.MINT", &*session], options].concat());
        }
        assert!(error(conn, &["JRS.MINT", &session, "CLAIMS", r#"{"exp":5}"#]).contains("EX or PX"));
        for (nbf, is_valid) in each([(now() + 250, true), (now() + 302, false), (99_999_999_999, false)]) {
            let claims = json!({ "nbf": nbf }).to_string();
            let words = ["JRS.MINT", &session, "EX", "300", "CLAIMS", &claims];
            if is_valid {
                send::<String>(conn, &words).unwrap();
            } else {
                assert_refused(conn, "ERR", &words);
                assert!(error(conn, &words).contains("'nbf'"));
            }
        }
        assert_refused(conn, "ERR", &["JRS.MINT"]);
        assert_refused(conn, "WRONGKEY", &["JRS.MINT", "sess:other", &session]);
        assert_refused(conn, "BADTOKEN", &["JRS.MINT", &session[..session.len() - 4]]);
        exec(conn, &["DEL", &key(&session)]);
        exec(conn, &["LPUSH", &key(&session), "x"]);
        assert_refused(conn, "WRONGTYPE", &["JRS.MINT", &session]);
    }
}

#[test]
fn an_issuer_an_audience_and_a_user_are_required() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let session = create(conn, "ada", "{}", &[]);
        for (options, what) in each([
            (&[][..], "an issuer"),
            (&["AUDIENCE", "a"], "an issuer"),
            (&["AUDIENCE", "a", "CLAIMS", r#"{"iss":""}"#], "an issuer"),
            (&["AUDIENCE", "a", "CLAIMS", r#"{"iss":["me"]}"#], "an issuer"),
            (&["CLAIMS", r#"{"iss":"me"}"#], "an audience"),
            (&["CLAIMS", r#"{"iss":"me","aud":[]}"#], "an audience"),
            (&["CLAIMS", r#"{"iss":"me","aud":7}"#], "an audience"),
        ]) {
            let words = [&["JRS.MINT", &*session], options].concat();
            assert_refused(conn, "ERR", &words);
            let text = error(conn, &words);
            assert!(text.contains(what), "{text}");
        }
        let anonymous = create(conn, "", "{}", &[]);
        let words = ["JRS.MINT", &anonymous, "AUDIENCE", "a", "CLAIMS", r#"{"iss":"me"}"#];
        assert_refused(conn, "ERR", &words);
        assert!(error(conn, &words).contains("anonymous"));
        // The remedy in the sentence.
        let named: String = send(conn, &["JRS.ROTATE", &anonymous, "OWNER", "ada"]).unwrap();
        mint(conn, &named, &words[2..]);
        assert_eq!(send::<Value>(conn, &words).unwrap(), Value::Nil, "it was rotated");
        let destroyed = create(conn, "", "{}", &[]);
        exec(conn, &["JRS.DESTROY", &destroyed]);
        assert_eq!(send::<Value>(conn, &[&words[..1], &[&destroyed], &words[2..]].concat()).unwrap(), Value::Nil);
    }
}

#[test]
fn tokens_of_another_issuer_are_refused() {
    const THEIRS: &str = "a secret of the other issuer, of 32 bytes and more";
    let server = server(&jwk("own", "HS256", SECRET.as_bytes()).to_string());
    let conn = &mut server.conn();
    fs::write(server.dir().join("theirs"), jwk("theirs", "HS256", THEIRS.as_bytes()).to_string()).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", "https://idp.example"]);
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    let claims = json!({"jti": "a", "sub": "ada", "iat": now(), "iss": "https://idp.example", "aud": AUDIENCE});
    let foreign = sign(&json!({"alg": "HS256", "kid": "theirs"}), &claims, THEIRS.as_bytes());
    exec(conn, &["JRS.PEEK", &foreign]);
    assert_refused(conn, "ERR", &["JRS.MINT", &foreign]);
    assert!(error(conn, &["JRS.MINT", &foreign]).contains("another issuer"));
}

#[test]
fn expired_tokens_and_missing_keys_are_refused() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:a", "{}"]);
    let expired = json!({"jti": "a", "sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "exp": now() - 10});
    assert_refused(conn, "EXPIREDTOKEN", &["JRS.MINT", &tokens::token(&expired)]);

    // A server that has only the public key verifies, but cannot sign.
    let private = pem("ES256");
    let signing = super::server(&private);
    let session = create(&mut signing.conn(), "ada", "{}", &[]);
    let verifying = super::server(&public_pem(&private));
    let conn = &mut verifying.conn();
    exec(conn, &["SET", &key(&session), "{}", "EX", "1000"]);
    assert_refused(conn, "NOKEYS", &["JRS.MINT", &session]);
}
