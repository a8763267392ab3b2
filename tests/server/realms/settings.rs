//! Each realm has its own settings.

use redis::Value;
use serde_json::{Value as Json, json};

use super::three_realms::{ADMIN, PARTNER, server};
use crate::support::{
    owner_sessions,
    sessions::{assert_lives, assert_refused, contents, create, exec, get, now, refusal, refused, send},
    tokens::{claims, header, sign},
};

#[test]
fn each_realm_uses_its_own_settings() {
    let server = server();
    let conn = &mut server.conn();
    let admin = &*create(conn, "ada", "{}", &["REALM", "admin"]);
    let partner = &*create(conn, "ada", "{}", &["REALM", "partner.v2"]);
    let plain = &*create(conn, "ada", "{}", &["REALM", "default"]);
    let mut lives = Vec::new();
    for (token, kid, keyspace, issuer, audience, ttl) in [
        (admin, "admin", "admin:", json!("https://admin.example"), json!("console"), 600),
        (partner, "partner", "partner:", json!("partner"), Json::Null, 5000),
        (plain, "main", "sess:", Json::Null, Json::Null, 5000),
    ] {
        assert_eq!(header(token)["kid"], kid);
        let claims = claims(token);
        assert_eq!((&claims["iss"], &claims["aud"]), (&issuer, &audience), "{kid}");
        let key = format!("{keyspace}{}", claims["jti"].as_str().unwrap());
        assert_eq!(send::<String>(conn, &["GET", &key]).unwrap(), "{}");
        for words in [&["JRS.GET", token][..], &["JRS.PEEK", token], &["JRS.GET", &key, token]] {
            assert_ne!(send::<Value>(conn, words).unwrap(), Value::Nil, "{words:?}");
        }
        let left = get(conn, token).expect("a session").ttl;
        assert!((ttl - 60..=ttl).contains(&left), "{left} of {ttl}");
        assert_lives(conn, &key, ttl * 1000, |conn| send::<Value>(conn, &["JRS.TOUCH", token]).unwrap());
        assert_lives(conn, &key, ttl * 1000, |conn| send::<Value>(conn, &["JRS.UPDATE", token, "{}"]).unwrap());
        lives.push(key);
    }
    assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), lives);
    for ((realm, keyspace), key) in
        [("admin", "admin:"), ("partner.v2", "partner:"), ("default", "sess:")].into_iter().zip(&lives)
    {
        let listed = owner_sessions::list(conn, &["ada", "REALM", realm]);
        let listed: Vec<String> = listed.into_iter().map(|session| format!("{keyspace}{}", session.id)).collect();
        assert_eq!(listed, [key.as_str()], "{realm}");
        assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada", "REALM", realm]).unwrap(), 1, "{realm}");
    }
    // Only the realm with touch-interval 0 moves an expiry that is 5 s early.
    for (token, key, moves) in [(admin, &lives[0], true), (partner, &lives[1], false)] {
        let ttl: i64 = send(conn, &["TTL", key]).unwrap();
        exec(conn, &["EXPIRE", key, &(ttl - 5).to_string()]);
        assert_eq!(get(conn, token).expect("a session").ttl > ttl - 5, moves, "{key}");
    }
    let data = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
    for (token, realm, limit) in [(admin, "admin", 100), (partner, "partner.v2", 1024), (plain, "default", 200)] {
        create(conn, "ada", &data(limit), &["REALM", realm]);
        exec(conn, &["JRS.UPDATE", token, &data(limit)]);
        assert_refused(conn, "TOOBIG", &["JRS.CREATE", "ada", &data(limit + 1), "REALM", realm]);
        assert_refused(conn, "TOOBIG", &["JRS.UPDATE", token, &data(limit + 1)]);
    }
    for token in [admin, partner, plain] {
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1, "{token}");
    }
    for unknown in ["unknown", "", "ADMIN", "realm.admin", "partner"] {
        assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "REALM", unknown]);
        assert_eq!(refused(conn, &["JRS.JWKS", "REALM", unknown]), "ERR");
    }
}

#[test]
fn leeway_and_max_lifetime_belong_to_the_realm() {
    let server = server();
    let conn = &mut server.conn();
    let signed = |kid: &str, secret: &str, iat: i64, exp: i64| {
        let claims = json!({"jti": "j", "iat": iat, "exp": exp, "iss": match kid { "admin" => "https://admin.example", _ => "partner" }, "aud": "console"});
        sign(&json!({"alg": "HS256", "kid": kid}), &claims, secret.as_bytes())
    };
    for keyspace in ["admin:", "partner:"] {
        exec(conn, &["SET", &format!("{keyspace}j"), "{}"]);
    }
    let now = now();
    // The leeway is 30 s in the first realm and 7 s in the other.
    assert_eq!(send::<Value>(conn, &["JRS.GET", &signed("admin", ADMIN, now, now - 20)]).unwrap(), Value::Nil);
    assert_eq!(refusal(conn, &signed("admin", ADMIN, now, now - 40)), "EXPIREDTOKEN");
    assert_eq!(refusal(conn, &signed("partner", PARTNER, now, now - 20)), "EXPIREDTOKEN");
    // The max-lifetime is 20 minutes in the first realm and 30 days in the other.
    assert!(get(conn, &signed("admin", ADMIN, now - 1100, now + 9000)).expect("a session").ttl <= 100);
    assert_eq!(refusal(conn, &signed("admin", ADMIN, now - 1300, now + 9000)), "EXPIREDTOKEN");
    assert!(get(conn, &signed("partner", PARTNER, now - 1300, now + 9000)).is_some());
}

#[test]
fn issuer_and_audience_are_required() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["SET", "admin:j", "{}"]);
    let token = |iss: Json, aud: Json| {
        let mut claims = json!({"jti": "j", "iat": now(), "iss": iss, "aud": aud});
        let members = claims.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
        sign(&json!({"alg": "HS256", "kid": "admin"}), &claims, ADMIN.as_bytes())
    };
    let issuer = json!("https://admin.example");
    for audience in [json!("console"), json!(["console"]), json!(["another", "console"])] {
        assert!(get(conn, &token(issuer.clone(), audience.clone())).is_some(), "{audience}");
    }
    for audience in
        [Json::Null, json!(""), json!("consol"), json!([]), json!(["another"]), json!(7), json!([7]), json!({})]
    {
        assert_eq!(refusal(conn, &token(issuer.clone(), audience.clone())), "BADTOKEN", "{audience}");
    }
    for issuer in [Json::Null, json!(""), json!("partner"), json!(["https://admin.example"]), json!(1)] {
        assert_eq!(refusal(conn, &token(issuer.clone(), json!("console"))), "BADTOKEN", "{issuer}");
    }
    for reserved in [r#"{"iss":"partner"}"#, r#"{"aud":"console"}"#] {
        assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "REALM", "admin", "CLAIMS", reserved]);
    }
    // In a realm without an audience the caller may set one.
    let own = create(conn, "ada", "{}", &["REALM", "partner.v2", "CLAIMS", r#"{"aud":["x"]}"#]);
    assert_eq!((claims(&own)["aud"].clone(), get(conn, &own).is_some()), (json!(["x"]), true));
}
