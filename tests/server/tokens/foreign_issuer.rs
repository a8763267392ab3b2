//! Keys of another issuer (`foreign-keys-file`): they verify only tokens of that issuer and never sign.

use std::fs;

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use crate::support::{
    Server,
    cases::{cases, each},
    in_flight::es256,
    sessions::{assert_refused, contents, create, exec, get, now, send},
    tokens::{SECRET, claims, header, jwk, key, sign},
};

const FOREIGN_SECRET: &str = "a secret of the other issuer, of 32 bytes and more";
const FOREIGN_ISSUER: &str = "https://idp.example";

/// `CONFIG SET`.
fn set(conn: &mut Connection, words: &[&str]) {
    exec(conn, &[&["CONFIG", "SET"], words].concat());
}

/// A server with its own key and one of another issuer.
fn server() -> Server {
    let server = Server::builder().keys(jwk("own", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    fs::write(server.dir().join("theirs"), jwk("theirs", "HS256", FOREIGN_SECRET.as_bytes()).to_string()).unwrap();
    set(&mut server.conn(), &["jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", FOREIGN_ISSUER]);
    server
}

/// A token of the other issuer.
fn foreign_token(claims: &Json) -> String {
    sign(&json!({"alg": "HS256", "kid": "theirs"}), claims, FOREIGN_SECRET.as_bytes())
}

/// The claims of a session's token with another `iss`.
fn with_issuer(token: &str, issuer: Json) -> Json {
    let mut claims = claims(token);
    claims["iss"] = issuer;
    claims
}

/// Checks that commands refuse the token and change nothing.
fn assert_bad(conn: &mut Connection, token: &str) {
    let before = contents(conn);
    for words in
        [&["JRS.GET", token][..], &["JRS.UPDATE", token, "{}"], &["JRS.DESTROY", token], &["JRS.ROTATE", token]]
    {
        assert_refused(conn, "BADTOKEN", words);
    }
    assert_eq!(contents(conn), before);
}

#[test]
fn a_foreign_token_must_have_its_issuer_and_the_owner() {
    let server = server();
    let conn = &mut server.conn();
    let own = create(conn, "ada", r#"{"a":1}"#, &[]);
    assert_eq!(header(&own)["kid"], "own");
    let good = foreign_token(&with_issuer(&own, FOREIGN_ISSUER.into()));
    assert_eq!(get(conn, &good).expect("a session").data, r#"{"a":1}"#);
    exec(conn, &["JRS.UPDATE", &good, r#"{"a":2}"#]);
    assert_eq!(get(conn, &own).expect("a session").data, r#"{"a":2}"#);
    for issuer in [Json::Null, "".into(), "https://other.example".into(), json!([FOREIGN_ISSUER]), 1.into()] {
        assert_bad(conn, &foreign_token(&with_issuer(&own, issuer)));
    }
    let mut without = claims(&own);
    assert_bad(conn, &foreign_token(&without));
    // A token for the session of another owner.
    without["iss"] = FOREIGN_ISSUER.into();
    for subject in [json!("bob"), json!(""), json!(["ada"]), Json::Null] {
        without["sub"] = subject;
        assert_bad(conn, &foreign_token(&without));
    }
    without.as_object_mut().unwrap().remove("sub");
    assert_bad(conn, &foreign_token(&without));
    // The id of this session has no owner.
    exec(conn, &["SET", "sess:their-id", "{}"]);
    assert!(
        get(conn, &foreign_token(&json!({"jti": "their-id", "iss": FOREIGN_ISSUER, "sub": "bob", "iat": now()})))
            .is_some()
    );
    // The realm's issuer is required of its own tokens, the foreign issuer of foreign tokens.
    set(conn, &["jrs.issuer", "https://own.example"]);
    assert!(get(conn, &good).is_some());
    assert_bad(conn, &own);
    assert_bad(conn, &foreign_token(&with_issuer(&own, "https://own.example".into())));
    let forged =
        sign(&json!({"alg": "HS256", "kid": "own"}), &with_issuer(&own, FOREIGN_ISSUER.into()), SECRET.as_bytes());
    assert_bad(conn, &forged);
    let new = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &new).is_some());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &good]).unwrap(), 1);
}

#[test]
fn claims_of_another_issuer_are_never_signed() {
    let server = server();
    let conn = &mut server.conn();
    for own_keys in cases([("HS256", jwk("own", "HS256", SECRET.as_bytes()).to_string()), ("ES256", es256())]) {
        fs::write(server.dir().join("keys"), own_keys).unwrap();
        exec(conn, &["JRS.RELOAD"]);
        let own = create(conn, "ada", "{}", &[]);
        let mut claims = with_issuer(&own, FOREIGN_ISSUER.into());
        claims["role"] = "admin".into();
        let foreign = foreign_token(&claims);
        for _ in 0..2 {
            let before = contents(conn);
            for options in each([&[][..], &["OWNER", "eve"], &["REAUTH"]]) {
                let error = send::<Value>(conn, &[&["JRS.ROTATE", &foreign], options].concat()).unwrap_err();
                assert_eq!(error.code(), Some("ERR"), "{error}");
                assert!(error.to_string().contains("JRS.CREATE"), "{error}");
            }
            assert_eq!(contents(conn), before);
            // In the second round the token is cached.
            assert!(get(conn, &foreign).is_some());
        }
        let rotated: String = send(conn, &["JRS.ROTATE", &own]).unwrap();
        assert!(get(conn, &rotated).is_some() && get(conn, &foreign).is_none());
    }
}

#[test]
fn foreign_keys_never_sign_and_are_not_published() {
    let server = server();
    let conn = &mut server.conn();
    // Both files have private keys. A foreign key does not sign, even if no own key can.
    for name in ["keys", "theirs"] {
        fs::write(server.dir().join(name), es256()).unwrap();
    }
    exec(conn, &["JRS.RELOAD"]);
    let own = header(&create(conn, "ada", "{}", &[]))["kid"].clone();
    let published: String = send(conn, &["JRS.JWKS"]).unwrap();
    let published: Json = serde_json::from_str(&published).unwrap();
    // JRS.REALMS and INFO show only the own keys.
    let (realms, info): (Value, String) = (send(conn, &["JRS.REALMS"]).unwrap(), send(conn, &["INFO", "jrs"]).unwrap());
    assert_eq!(format!("{realms:?}").matches("ES256").count(), 1, "{realms:?}");
    assert!(info.contains(&format!("keys={}\r\n", own.as_str().unwrap())), "{info}");
    assert_eq!((published["keys"].as_array().unwrap().len(), &published["keys"][0]["kid"]), (1, &own));
    let mut verifies = jwk("own", "HS256", SECRET.as_bytes());
    verifies["key_ops"] = json!(["verify"]);
    fs::write(server.dir().join("keys"), verifies.to_string()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert_refused(conn, "NOKEYS", &["JRS.CREATE", "ada", "{}"]);
}

#[test]
fn both_settings_are_needed_in_the_same_realm() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let good = foreign_token(&with_issuer(&token, FOREIGN_ISSUER.into()));
    fs::write(server.dir().join("same"), jwk("own", "HS256", FOREIGN_SECRET.as_bytes()).to_string()).unwrap();
    let renamed = jwk("renamed", "HS256", SECRET.as_bytes()).to_string();
    fs::write(server.dir().join("renamed"), renamed).unwrap();
    for (change, reason) in each([
        (&["jrs.foreign-keys-file", "renamed"][..], "one of its keys is also one of the realm's own keys"),
        (&["jrs.foreign-issuer", ""], "foreign-keys-file needs foreign-issuer"),
        (&["jrs.foreign-keys-file", ""], "foreign-issuer needs foreign-keys-file"),
        (&["jrs.foreign-keys-file", "none"], "no such file"),
        (&["jrs.foreign-keys-file", "same"], "the same kid 'own'"),
        (&["jrs.foreign-issuer", "a\nb"], "control characters"),
    ]) {
        let error = send::<Value>(conn, &[&["CONFIG", "SET"], change].concat()).unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains(FOREIGN_SECRET), "{error}");
        assert!(get(conn, &good).is_some());
    }
    // Another realm does not inherit the settings.
    fs::write(
        server.dir().join("other"),
        jwk("other", "HS256", "another secret, of 32 bytes: 1618".as_bytes()).to_string(),
    )
    .unwrap();
    let realm = "[realm.other]\nkeys-file = 'other'\nkeyspace = 'other:'\n";
    fs::write(server.dir().join("realms.toml"), realm).unwrap();
    set(conn, &["jrs.realms-file", "realms.toml"]);
    assert!(get(conn, &good).is_some());
    // Another realm may have the settings.
    set(conn, &["jrs.foreign-keys-file", "", "jrs.foreign-issuer", ""]);
    for setting in [&["jrs.foreign-issuer", FOREIGN_ISSUER], &["jrs.foreign-keys-file", "theirs"]] {
        assert_refused(conn, "ERR", &[&["CONFIG", "SET"], &setting[..]].concat());
    }
    for line in [&format!("foreign-issuer = '{FOREIGN_ISSUER}'\n"), "foreign-keys-file = 'theirs'\n"] {
        fs::write(server.dir().join("realms.toml"), format!("{realm}{line}")).unwrap();
        let error = send::<Value>(conn, &["JRS.RELOAD"]).unwrap_err().to_string();
        assert!(error.contains("'other'") && error.contains("needs foreign-"), "{error}");
    }
    assert_bad(conn, &good);
    fs::write(
        server.dir().join("realms.toml"),
        format!("{realm}foreign-keys-file = 'theirs'\nforeign-issuer = '{FOREIGN_ISSUER}'\n"),
    )
    .unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert_eq!(send::<Value>(conn, &["JRS.GET", &good]).unwrap(), Value::Nil, "the session is in the other realm");
    let there = create(conn, "ada", "{}", &["REALM", "other"]);
    assert!(get(conn, &foreign_token(&with_issuer(&there, FOREIGN_ISSUER.into()))).is_some());
    assert!(get(conn, &token).is_some(), "{}", key(&token));
}

#[test]
fn a_replica_keeps_foreign_keys_and_drops_its_generated_key() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    fs::write(server.dir().join("theirs"), jwk("theirs", "HS256", FOREIGN_SECRET.as_bytes()).to_string()).unwrap();
    set(conn, &["jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", FOREIGN_ISSUER]);
    let own = create(conn, "ada", "{}", &[]);
    let good = foreign_token(&with_issuer(&own, FOREIGN_ISSUER.into()));
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_ne!(send::<Value>(conn, &["JRS.PEEK", &good]).unwrap(), Value::Nil);
    // A token of the dropped key may be valid: BADTOKEN would log out its user.
    assert_refused(conn, "NOKEYS", &["JRS.PEEK", &own]);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_refused(conn, "NOKEYS", &["JRS.GET", &own]);
    assert_refused(conn, "NOKEYS", &["JRS.ROTATE", &own]);
    let error = send::<Value>(conn, &["JRS.CREATE", "ada", "{}"]).unwrap_err().to_string();
    assert!(error.contains("NOKEYS") && error.contains("jrs-keys.json.retired"), "{error}");
    assert!(get(conn, &good).is_some());
    // Invalid tokens of the foreign key get their own errors.
    assert_bad(conn, &foreign_token(&with_issuer(&own, "https://other.example".into())));
    let mut expired = with_issuer(&own, FOREIGN_ISSUER.into());
    expired["exp"] = 1.into();
    assert_refused(conn, "EXPIREDTOKEN", &["JRS.GET", &foreign_token(&expired)]);
    fs::copy(server.dir().join("jrs-keys.json.retired"), server.dir().join("shared")).unwrap();
    set(conn, &["jrs.keys-file", "shared"]);
    assert!(get(conn, &own).is_some() && get(conn, &good).is_some());
}

#[test]
fn an_unreadable_foreign_file_at_a_failover_removes_no_key() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    let file = server.dir().join("theirs");
    fs::write(&file, jwk("theirs", "HS256", FOREIGN_SECRET.as_bytes()).to_string()).unwrap();
    set(conn, &["jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", FOREIGN_ISSUER]);
    let own = create(conn, "ada", "{}", &[]);
    let good = foreign_token(&with_issuer(&own, FOREIGN_ISSUER.into()));
    fs::remove_file(&file).unwrap();
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_refused(conn, "NOKEYS", &["JRS.PEEK", &own]);
    assert_ne!(send::<Value>(conn, &["JRS.PEEK", &good]).unwrap(), Value::Nil);
    // A reload is refused, and the keys stay.
    assert_refused(conn, "ERR", &["JRS.RELOAD"]);
    assert_ne!(send::<Value>(conn, &["JRS.PEEK", &good]).unwrap(), Value::Nil);
}

#[test]
fn a_generated_key_file_stays_if_foreign_keys_file_names_it() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    fs::write(server.dir().join("keys"), jwk("own", "HS256", SECRET.as_bytes()).to_string()).unwrap();
    let own = ["jrs.keys-file", "keys"];
    set(conn, &[&own[..], &["jrs.foreign-keys-file", "jrs-keys.json", "jrs.foreign-issuer", FOREIGN_ISSUER]].concat());
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert!(server.dir().join("jrs-keys.json").exists());
    exec(conn, &["JRS.RELOAD"]);
}

#[test]
fn keys_without_kid_that_are_not_tried_are_logged() {
    let server = server();
    let conn = &mut server.conn();
    fs::write(server.dir().join("keys"), (0..8).map(|_| es256()).collect::<String>()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert!(!server.log().contains("have no 'kid'"));
    fs::write(server.dir().join("theirs"), es256()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    let warning = "together with the realm's own keys, 9 keys for ES256 have no 'kid': only the first 8 are tried";
    assert!(server.log().contains(warning), "{}", server.log());
}
