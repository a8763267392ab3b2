//! JRS.ROTATE keeps the deadline and the lifetime of a session. REAUTH restarts the lifetime.

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    owner_sessions::assert_agree,
    sessions::{create, exec, expiry, millis, now, refusal, send},
    tokens::{SECRET, claims, key, signing_keys, token},
};

/// Rotates a session and returns the new token. `options` follow the old token.
fn rotate(conn: &mut Connection, token: &str, options: &[&str]) -> String {
    send(conn, &[&["JRS.ROTATE", token], options].concat()).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

#[test]
fn rotate_can_only_shorten_a_deadline() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let deadline = now() + 5000;
        let old = create(conn, "ada", "{}", &["EXAT", &deadline.to_string()]);
        let exp = |at: i64| json!({"exp": at}).to_string();
        let new = rotate(conn, &old, &["CLAIMS", &exp(deadline + 1000)]);
        assert_eq!((claims(&new)["exp"].as_i64(), expiry(conn, &key(&new))), (Some(deadline), deadline * 1000));
        let new = rotate(conn, &new, &["CLAIMS", &exp(deadline - 1000)]);
        assert_eq!(claims(&new)["exp"], json!(deadline - 1000));
        assert_eq!(expiry(conn, &key(&new)), (deadline - 1000) * 1000);
        let new = rotate(conn, &new, &["REAUTH", "OWNER", "bob"]);
        assert_eq!(claims(&new)["exp"], json!(deadline - 1000), "also with REAUTH");
        // A session without a deadline gets one.
        let old = create(conn, "ada", "{}", &[]);
        let new = rotate(conn, &old, &["CLAIMS", &exp(deadline)]);
        assert_eq!(claims(&new)["exp"], json!(deadline));
        assert_eq!(expiry(conn, &key(&new)), deadline * 1000);
    }
}

#[test]
fn rotate_never_extends_the_lifetime() {
    for keys in signing_keys() {
        let is_public = keys != SECRET;
        let args = ["max-lifetime", "3", "max-age", "100"];
        let server = Server::builder().keys(keys.as_bytes()).args(&args).start();
        let conn = &mut server.conn();
        let first = create(conn, "ada", "{}", &[]);
        let start = claims(&first)["iat"].as_i64().unwrap();
        let (mut token, mut rotations) = (first, 0);
        loop {
            let end = expiry(conn, &key(&token));
            assert!(end <= (start + 3) * 1000, "{end}");
            let exp = claims(&token)["exp"].as_i64();
            assert_eq!(exp, is_public.then_some(start + 3), "only tokens that others can verify have the end as exp");
            match send::<Option<String>>(conn, &["JRS.ROTATE", &token]) {
                Ok(Some(next)) => token = next,
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error.code(), Some("EXPIREDTOKEN"));
                    break;
                }
            }
            rotations += 1;
            assert_eq!(claims(&token)["auth_time"], json!(start));
        }
        assert!(millis() >= (start + 3) * 1000 && rotations > 10, "{rotations}");
        assert_eq!(refusal(conn, &token), "EXPIREDTOKEN");
        // The server removes a key after its last millisecond.
        await_that("the expiry of the key", || {
            (send::<i64>(conn, &["EXISTS", &key(&token)]).unwrap() == 0).then_some(())
        });
        assert_eq!(assert_agree(conn, "ada"), [""; 0]);
    }
}

#[test]
fn reauth_restarts_the_lifetime() {
    for keys in signing_keys() {
        let is_public = keys != SECRET;
        let server = Server::builder().keys(keys.as_bytes()).args(&["max-lifetime", "1000", "max-age", "900"]).start();
        let conn = &mut server.conn();
        let first = create(conn, "ada", "{}", &[]);
        let first_second = claims(&first)["iat"].as_i64().unwrap();
        await_that("another second", || (now() > first_second).then_some(()));
        exec(conn, &["PEXPIRE", &key(&first), "50000"]);
        let kept = rotate(conn, &first, &[]);
        assert!(expiry(conn, &key(&kept)) <= millis() + 50_000);
        let before = now();
        let reauthenticated = rotate(conn, &kept, &["reauth"]);
        let start = claims(&reauthenticated)["auth_time"].as_i64().unwrap();
        assert!((before..=now()).contains(&start) && start > first_second, "{start}");
        assert!(expiry(conn, &key(&reauthenticated)) > millis() + 890_000, "the idle timeout restarts too");
        assert_eq!(claims(&reauthenticated)["exp"].as_i64(), is_public.then_some(start + 1000));
        let later = rotate(conn, &reauthenticated, &[]);
        assert_eq!(claims(&later)["auth_time"], json!(start));
    }
}

#[test]
fn leeway_keeps_no_session_past_its_deadline() {
    let server = Server::builder().keys(SECRET.as_bytes()).args(&["leeway", "100"]).start();
    let conn = &mut server.conn();
    let over = token(&json!({"jti": "{ada}:x", "sub": "ada", "exp": now() - 1}));
    exec(conn, &["SET", "sess:{ada}:x", "{}"]);
    for command in ["JRS.GET", "JRS.TOUCH", "JRS.ROTATE"] {
        assert_eq!(send::<Value>(conn, &[command, &over]).unwrap(), Value::Nil, "{command}");
    }
}

#[test]
fn reauth_keeps_the_deadline() {
    for keys in signing_keys() {
        let is_public = keys != SECRET;
        let server = Server::builder().keys(keys.as_bytes()).args(&["max-lifetime", "1000", "max-age", "9000"]).start();
        let conn = &mut server.conn();
        let start = now();
        // Before and after the end by max-lifetime, which REAUTH extends.
        let deadlines = [start + 999, start + 1000, start + 1001, start + 2000];
        let mut sessions: Vec<(Option<i64>, String)> = Vec::new();
        for deadline in deadlines {
            sessions.push((Some(deadline), create(conn, "ada", "{}", &["EXAT", &deadline.to_string()])));
            let free = create(conn, "ada", "{}", &[]);
            sessions.push((Some(deadline), rotate(conn, &free, &["CLAIMS", &json!({"exp": deadline}).to_string()])));
        }
        sessions.push((None, create(conn, "ada", "{}", &[])));
        await_that("another second", || (now() > start + 2).then_some(()));
        for (deadline, token) in &mut sessions {
            for options in [&["REAUTH"][..], &[], &["REAUTH", "OWNER", "bob"]] {
                *token = rotate(conn, token, options);
                let end = expiry(conn, &key(token));
                assert!(deadline.is_none_or(|deadline| end <= deadline * 1000), "{deadline:?}, {options:?}: {end}");
            }
        }
        // After REAUTH the new max-lifetime applies, and the deadline of the caller stays.
        exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "5000"]);
        for (deadline, token) in &sessions {
            let reauthenticated = claims(&rotate(conn, token, &["REAUTH"]));
            let by_lifetime = is_public.then(|| reauthenticated["auth_time"].as_i64().unwrap() + 5000);
            assert_eq!(reauthenticated["exp"].as_i64(), deadline.or(by_lifetime), "{reauthenticated}");
        }
    }
}
