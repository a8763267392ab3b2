//! The setting `anonymous-max-age`: the TTL of sessions without an owner.

use std::fs;

use redis::Connection;
use serde_json::json;

use crate::support::{
    Server,
    sessions::{create, exec, expiry, get, millis, now, send},
    tokens::{SECRET, claims, jwk, key, sign, signing_keys},
};

/// Checks that a session's key expires after this time, in seconds.
#[track_caller]
fn assert_expires(conn: &mut Connection, key: &str, seconds: i64) {
    let left = expiry(conn, key) - millis();
    assert!((seconds * 1000 - 60_000..=seconds * 1000).contains(&left), "{left} ms left, expected {seconds} s");
}

#[test]
fn sessions_without_an_owner_have_their_own_ttl() {
    for keys in signing_keys() {
        let args = ["max-age", "5000", "anonymous-max-age", "600", "touch-interval", "0"];
        let server = Server::builder().keys(keys.as_bytes()).args(&args).start();
        let conn = &mut server.conn();
        let (user, guest) = (create(conn, "ada", "{}", &[]), create(conn, "", "{}", &[]));
        let own = create(conn, "", "{}", &["EX", "2000"]);
        for (token, ttl) in [(&user, 5000), (&guest, 600), (&own, 2000)] {
            let key = &key(token);
            assert_expires(conn, key, ttl);
            for words in [&["JRS.GET", token][..], &["JRS.TOUCH", token], &["JRS.UPDATE", token, "{}"]] {
                exec(conn, &["EXPIRE", key, "100"]);
                exec(conn, words);
                assert_expires(conn, key, ttl);
            }
            exec(conn, &["PERSIST", key]);
            assert_eq!(send::<i64>(conn, &["JRS.TOUCH", token]).unwrap(), ttl);
        }
        // The user's session has the user's TTL at once, also without REAUTH.
        for options in [&["OWNER", "ada"][..], &["OWNER", "ada", "REAUTH"]] {
            let guest = create(conn, "", "{}", &[]);
            exec(conn, &["EXPIRE", &key(&guest), "100"]);
            let rotated: String = send(conn, &[&["JRS.ROTATE", &guest], options].concat()).unwrap();
            assert_expires(conn, &key(&rotated), 5000);
        }
        // A guest again. And with the same TTL the expiry stays.
        let rotated: String = send(conn, &["JRS.ROTATE", &user, "OWNER", ""]).unwrap();
        assert_expires(conn, &key(&rotated), 600);
        exec(conn, &["EXPIRE", &key(&rotated), "100"]);
        let rotated: String = send(conn, &["JRS.ROTATE", &rotated]).unwrap();
        assert_expires(conn, &key(&rotated), 100);
        exec(conn, &["EXPIRE", &key(&own), "100"]);
        let rotated: String = send(conn, &["JRS.ROTATE", &own, "OWNER", "ada"]).unwrap();
        assert_expires(conn, &key(&rotated), 100);
        // The end of the session is not later.
        let deadline = now() + 300;
        let short = create(conn, "", "{}", &["EXAT", &deadline.to_string()]);
        assert_eq!(expiry(conn, &key(&short)), deadline * 1000);
        assert_eq!(claims(&short)["exp"], deadline);
        // 0 is the value of max-age.
        exec(conn, &["CONFIG", "SET", "jrs.anonymous-max-age", "0"]);
        exec(conn, &["JRS.GET", &guest]);
        assert_expires(conn, &key(&guest), 5000);
    }
}

#[test]
fn tokens_without_sub_are_anonymous() {
    let server =
        Server::builder().keys(SECRET.as_bytes()).args(&["max-age", "5000", "anonymous-max-age", "600"]).start();
    let conn = &mut server.conn();
    for (sub, ttl) in [(None, 600), (Some(json!("")), 600), (Some(json!(5)), 600), (Some(json!("ada")), 5000)] {
        let mut claims = json!({"jti": "a", "iat": now()});
        if let Some(sub) = sub {
            claims["sub"] = sub;
        }
        let token = sign(&json!({"alg": "HS256"}), &claims, SECRET.as_bytes());
        exec(conn, &["SET", "sess:a", "{}"]);
        assert_eq!(get(conn, &token).expect("a session").ttl, ttl, "{claims}");
    }
}

#[test]
fn a_realm_has_its_own_value_or_that_of_the_default_realm() {
    let server = Server::builder().keys(jwk("k", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    let realm = |name: &str, settings: &str| {
        let secret = format!("the secret of the realm {name}, which is long enough for HS256");
        fs::write(server.dir().join(name), jwk(name, "HS256", secret.as_bytes()).to_string()).unwrap();
        format!("[realm.{name}]\nkeys-file = '{name}'\nkeyspace = '{name}:'\nmax-age = 3000\n{settings}\n")
    };
    let text = [realm("one", ""), realm("two", "anonymous-max-age = 700"), realm("three", "anonymous-max-age = 0")];
    fs::write(server.dir().join("realms.toml"), text.concat()).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml", "jrs.anonymous-max-age", "600"]);
    for (name, ttl) in [("default", 600), ("one", 600), ("two", 700), ("three", 3000)] {
        let guest = create(conn, "", "{}", &["REALM", name]);
        assert_eq!(get(conn, &guest).expect("a session").ttl, ttl, "{name}");
    }
}
