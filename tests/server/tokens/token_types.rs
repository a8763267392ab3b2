//! The header's `typ`, which must be that of a session token, and the headers `enc` and `zip`, which are refused.

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, get, now, refusal, send},
    tokens::{SECRET, header, sign, signing_keys},
};

/// A token with this `typ`.
fn with_type(kind: &Json) -> String {
    sign(&json!({"alg": "HS256", "typ": kind}), &json!({"jti": "a", "iat": now()}), SECRET.as_bytes())
}

/// The reason in JRS.INSPECT of a refused token.
fn reason(conn: &mut Connection, token: &str) -> String {
    let report: Vec<Value> = send(conn, &["JRS.INSPECT", token]).unwrap();
    assert_eq!((&report[0], &report[1]), (&Value::BulkString(b"active".to_vec()), &Value::Int(0)), "{report:?}");
    redis::from_redis_value_ref(&report[3]).unwrap()
}

#[test]
fn only_types_of_session_tokens_are_accepted() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    for good in ["JWT", "jwt", "Jwt", "application/jwt", "application/JWT", "APPLICATION/JWT"] {
        assert!(get(conn, &with_type(&json!(good))).is_some(), "{good}");
    }
    for bad in [
        json!("at+jwt"),
        json!("AT+JWT"),
        json!("application/at+jwt"),
        json!("logout+jwt"),
        json!("JWE"),
        json!("JOSE"),
        json!("dpop+jwt"),
        json!("secevent+jwt"),
        json!("session+jwt"),
        json!("text/jwt"),
        json!("application/application/jwt"),
        json!(""),
        json!(" JWT"),
        json!("JWT\u{0}"),
        json!("JW\u{17f}"),
        json!(null),
        json!(5),
        json!(["JWT"]),
        json!({"a": "JWT"}),
    ] {
        let token = with_type(&bad);
        for words in [
            &["JRS.GET", &token][..],
            &["JRS.GET", "sess:a", &token],
            &["JRS.PEEK", &token],
            &["JRS.UPDATE", &token, r#"{"n":2}"#],
            &["JRS.TOUCH", &token],
            &["JRS.ROTATE", &token],
            &["JRS.DESTROY", &token],
        ] {
            assert_refused(conn, "BADTOKEN", words);
        }
        assert!(reason(conn, &token).contains("'typ'"), "{bad}");
    }
    for (name, value) in [("zip", json!("DEF")), ("enc", json!("A256GCM"))] {
        let header = json!({"alg": "HS256", name: value});
        let token = sign(&header, &json!({"jti": "a", "iat": now()}), SECRET.as_bytes());
        assert_refused(conn, "BADTOKEN", &["JRS.GET", &token]);
        assert!(reason(conn, &token).contains(&format!("'{name}'")));
    }
}

#[test]
fn a_realm_can_have_its_own_token_type() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let old = create(conn, "ada", "{}", &[]);
        assert_eq!(header(&old)["typ"], "JWT");
        assert!(get(conn, &old).is_some());

        exec(conn, &["CONFIG", "SET", "jrs.token-type", "session+jwt"]);
        let new = create(conn, "ada", "{}", &[]);
        assert_eq!(header(&new)["typ"], "session+jwt");
        // Tokens of the old type stay valid, and their successors have the new type.
        for token in [&old, &new, &new] {
            assert!(get(conn, token).is_some());
        }
        let rotated: String = send(conn, &["JRS.ROTATE", &old]).unwrap();
        assert_eq!(header(&rotated)["typ"], "session+jwt");

        // A type that is no longer set is refused at once, also for cached tokens.
        exec(conn, &["CONFIG", "SET", "jrs.token-type", "other+jwt"]);
        assert_eq!(refusal(conn, &new), "BADTOKEN");
        assert!(reason(conn, &new).contains("token-type"));
        exec(conn, &["CONFIG", "SET", "jrs.token-type", "APPLICATION/Session+JWT"]);
        assert!(get(conn, &new).is_some() && get(conn, &rotated).is_some());
        assert_eq!(header(&create(conn, "ada", "{}", &[]))["typ"], "APPLICATION/Session+JWT");
    }
}
