//! The start of a session by its token, and tokens without a known start.

use redis::{Connection, Value};
use serde_json::json;
use uuid::{Builder, Uuid};

use crate::support::{
    Server,
    sessions::{assert_refused, exec, expiry, get, millis, now, refusal, send},
    tokens::{SECRET, claims, key, sign},
};

/// `max-lifetime`, in seconds.
const MAX_LIFETIME: i64 = 1000;

/// A token with only these claims.
fn token(claims: &serde_json::Value) -> String {
    sign(&json!({"alg": "HS256"}), claims, SECRET.as_bytes())
}

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).arg("max-lifetime", &MAX_LIFETIME.to_string()).start()
}

/// A version 7 UUID of this time.
fn id(millis: i64) -> String {
    let uuid: Uuid = Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &[7; 10]).into_uuid();
    uuid.to_string()
}

/// Stores a session without JRS.
fn put(conn: &mut Connection, id: &str) {
    exec(conn, &["SET", &format!("sess:{id}"), "{}", "EX", "100000"]);
}

#[test]
fn a_token_without_a_known_start_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let (future, late_id) = (now() + 3600, id(millis() + 3_600_000));
    for unknown in [
        json!({"jti": "a"}),
        json!({"jti": "a", "iat": millis()}),
        json!({"jti": "a", "iat": millis() * 1000}),
        json!({"jti": "a", "iat": future}),
        json!({"jti": "a", "iat": 1e300}),
        json!({"jti": "a", "iat": future, "auth_time": future}),
        json!({"jti": "a", "auth_time": millis()}),
        json!({"jti": "a", "exp": now() + 100}),
        json!({"jti": "9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11"}),
        json!({"jti": late_id, "iat": millis()}),
        json!({"jti": late_id}),
    ] {
        let id = unknown["jti"].as_str().unwrap().to_owned();
        put(conn, &id);
        let token = token(&unknown);
        let token_only = [&*token];
        let with_key = [&format!("sess:{id}"), &*token];
        // The last time the token is cached, and the reply is the same.
        for session in [&token_only[..], &with_key, &token_only] {
            for (name, rest) in [
                ("JRS.GET", &[][..]),
                ("JRS.PEEK", &[]),
                ("JRS.TOUCH", &[]),
                ("JRS.UPDATE", &[r#"{"n":2}"#]),
                ("JRS.ROTATE", &[]),
                ("JRS.ROTATE", &["REAUTH"]),
            ] {
                assert_refused(conn, "BADTOKEN", &[&[name], session, rest].concat());
            }
        }
        let report = format!("{:?}", send::<Value>(conn, &["JRS.INSPECT", &token]).unwrap());
        assert!(report.contains("BADTOKEN the token does not say when its session started"), "{report}");
        // A logout is always possible.
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1, "{unknown}");
    }
    let info: String = send(conn, &["INFO", "jrs_tokens"]).unwrap();
    assert!(info.contains("jrs_tokens_refused_no_start:198\r\n"), "{info}");
}

#[test]
fn a_start_in_the_future_is_ignored() {
    let server = server();
    let conn = &mut server.conn();
    let start = now() - 400;
    let early_id = id(start * 1000);
    for known in [
        json!({"jti": "a", "iat": start}),
        json!({"jti": "a", "iat": start, "auth_time": millis()}),
        json!({"jti": "a", "iat": millis(), "auth_time": start}),
        json!({"jti": "a", "iat": now() + 3600, "auth_time": start}),
        json!({"jti": "9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", "iat": start}),
        json!({"jti": early_id}),
        json!({"jti": early_id, "iat": millis()}),
        json!({"jti": early_id, "iat": now() - 10, "auth_time": now() + 3600}),
    ] {
        let id = known["jti"].as_str().unwrap();
        put(conn, id);
        assert!(get(conn, &token(&known)).is_some(), "{known}");
        assert_eq!(expiry(conn, &format!("sess:{id}")), (start + MAX_LIFETIME) * 1000, "{known}");
    }
    for over in [
        json!({"jti": "a", "iat": now() - MAX_LIFETIME - 1}),
        json!({"jti": "a", "iat": now() - MAX_LIFETIME - 1, "auth_time": millis()}),
    ] {
        assert_eq!(refusal(conn, &token(&over)), "EXPIREDTOKEN", "{over}");
    }
}

#[test]
fn a_start_slightly_in_the_future_is_accepted() {
    let server = server();
    let conn = &mut server.conn();
    put(conn, "a");
    let soon = now() + 30;
    let token = token(&json!({"jti": "a", "iat": soon}));
    assert!(get(conn, &token).is_some());
    assert_eq!(expiry(conn, "sess:a"), (soon + MAX_LIFETIME) * 1000);
    let rotated: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
    assert_eq!(claims(&rotated)["auth_time"], soon);
}

#[test]
fn without_max_lifetime_no_start_is_needed() {
    let server = server();
    let conn = &mut server.conn();
    let tokens = [json!({"jti": "a"}), json!({"jti": "a", "iat": millis()}), json!({"jti": "a", "iat": now() + 3600})];
    for unknown in tokens {
        put(conn, "a");
        let token = token(&unknown);
        assert_eq!(refusal(conn, &token), "BADTOKEN", "{unknown}");
        exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "0"]);
        assert!(get(conn, &token).is_some(), "{unknown}");
        // The start of the successor is not known either: a rotation does not make a session young.
        let rotated: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
        let twice: String = send(conn, &["JRS.ROTATE", &rotated]).unwrap();
        assert_eq!((&claims(&rotated)["auth_time"], &claims(&twice)["auth_time"]), (&json!(0), &json!(0)), "{unknown}");
        assert!(get(conn, &twice).is_some(), "{unknown}");
        exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", &MAX_LIFETIME.to_string()]);
        assert_eq!(refusal(conn, &twice), "EXPIREDTOKEN", "{unknown}");
        // With REAUTH it starts now.
        exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "0"]);
        let before = now();
        let known: String = send(conn, &["JRS.ROTATE", &twice, "REAUTH"]).unwrap();
        let iat = claims(&known)["iat"].as_i64().unwrap();
        assert!((before..=now()).contains(&iat) && claims(&known)["auth_time"] == iat, "{unknown}");
        exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", &MAX_LIFETIME.to_string()]);
        assert!(get(conn, &known).is_some(), "{unknown}");
        assert!(expiry(conn, &key(&known)) <= (iat + MAX_LIFETIME) * 1000, "{unknown}");
    }
}
