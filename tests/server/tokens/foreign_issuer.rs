//! Keys of another issuer: they verify its tokens alone, sign nothing, and their claims are never signed again.

use std::fs;

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use crate::support::{
    Server,
    in_flight::es256,
    sessions::{assert_refused, contents, create, exec, get, now, send},
    tokens::{SECRET, claims, header, jwk, key, sign},
};

const THEIRS: &str = "a secret of the other issuer, of 32 bytes and more";
const ISSUER: &str = "https://idp.example";

fn set(conn: &mut Connection, words: &[&str]) {
    exec(conn, &[&["CONFIG", "SET"], words].concat());
}

/// A server with a key of its own, and one of another issuer.
fn server() -> Server {
    let server = Server::builder().keys(jwk("own", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    fs::write(server.dir().join("theirs"), jwk("theirs", "HS256", THEIRS.as_bytes()).to_string()).unwrap();
    set(&mut server.conn(), &["jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", ISSUER]);
    server
}

fn theirs(claims: &Json) -> String {
    sign(&json!({"alg": "HS256", "kid": "theirs"}), claims, THEIRS.as_bytes())
}

/// The claims of a session's own token, as the other issuer would state them.
fn restated(token: &str, issuer: Json) -> Json {
    let mut claims = claims(token);
    claims["iss"] = issuer;
    claims
}

/// Checks that a token opens nothing and changes nothing.
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
fn a_foreign_token_has_its_own_issuer_and_owner() {
    let server = server();
    let conn = &mut server.conn();
    let own = create(conn, "ada", r#"{"a":1}"#, &[]);
    assert_eq!(header(&own)["kid"], "own");
    let good = theirs(&restated(&own, ISSUER.into()));
    assert_eq!(get(conn, &good).expect("a session").data, r#"{"a":1}"#);
    exec(conn, &["JRS.UPDATE", &good, r#"{"a":2}"#]);
    assert_eq!(get(conn, &own).expect("a session").data, r#"{"a":2}"#);
    for issuer in [Json::Null, "".into(), "https://other.example".into(), json!([ISSUER]), 1.into()] {
        assert_bad(conn, &theirs(&restated(&own, issuer)));
    }
    let mut without = claims(&own);
    assert_bad(conn, &theirs(&without));
    // A user of theirs who names somebody else's session.
    without["iss"] = ISSUER.into();
    for subject in [json!("bob"), json!(""), json!(["ada"]), Json::Null] {
        without["sub"] = subject;
        assert_bad(conn, &theirs(&without));
    }
    without.as_object_mut().unwrap().remove("sub");
    assert_bad(conn, &theirs(&without));
    // A session whose name tells no owner.
    exec(conn, &["SET", "sess:their-id", "{}"]);
    assert!(get(conn, &theirs(&json!({"jti": "their-id", "iss": ISSUER, "sub": "bob", "iat": now()}))).is_some());
    // The realm's own issuer is asked of its own tokens, and theirs of theirs.
    set(conn, &["jrs.issuer", "https://own.example"]);
    assert!(get(conn, &good).is_some());
    assert_bad(conn, &own);
    assert_bad(conn, &theirs(&restated(&own, "https://own.example".into())));
    let posing = sign(&json!({"alg": "HS256", "kid": "own"}), &restated(&own, ISSUER.into()), SECRET.as_bytes());
    assert_bad(conn, &posing);
    let new = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &new).is_some());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &good]).unwrap(), 1);
}

#[test]
fn claims_of_another_issuer_are_not_signed_again() {
    let server = server();
    let conn = &mut server.conn();
    for own_keys in [jwk("own", "HS256", SECRET.as_bytes()).to_string(), es256()] {
        fs::write(server.dir().join("keys"), own_keys).unwrap();
        exec(conn, &["JRS.RELOAD"]);
        let own = create(conn, "ada", "{}", &[]);
        let mut claims = restated(&own, ISSUER.into());
        claims["role"] = "admin".into();
        let foreign = theirs(&claims);
        for _ in 0..2 {
            let before = contents(conn);
            for options in [&[][..], &["OWNER", "eve"], &["REAUTH"]] {
                let error = send::<Value>(conn, &[&["JRS.ROTATE", &foreign], options].concat()).unwrap_err();
                assert_eq!(error.code(), Some("ERR"), "{error}");
                assert!(error.to_string().contains("JRS.CREATE"), "{error}");
            }
            assert_eq!(contents(conn), before);
            // The second time the token is known.
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
    // Both files hold private keys; an own file with none that signs does not borrow one.
    for name in ["keys", "theirs"] {
        fs::write(server.dir().join(name), es256()).unwrap();
    }
    exec(conn, &["JRS.RELOAD"]);
    let own = header(&create(conn, "ada", "{}", &[]))["kid"].clone();
    let published: String = send(conn, &["JRS.JWKS"]).unwrap();
    let published: Json = serde_json::from_str(&published).unwrap();
    // Nor are they told as keys of the realm.
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
fn the_two_settings_go_together_and_are_a_realms_own() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let good = theirs(&restated(&token, ISSUER.into()));
    fs::write(server.dir().join("same"), jwk("own", "HS256", THEIRS.as_bytes()).to_string()).unwrap();
    let renamed = jwk("renamed", "HS256", SECRET.as_bytes()).to_string();
    fs::write(server.dir().join("renamed"), renamed).unwrap();
    for (change, reason) in [
        (&["jrs.foreign-keys-file", "renamed"][..], "one of its keys is also one of the realm's own keys"),
        (&["jrs.foreign-issuer", ""], "foreign-keys-file needs foreign-issuer"),
        (&["jrs.foreign-keys-file", ""], "foreign-issuer needs foreign-keys-file"),
        (&["jrs.foreign-keys-file", "none"], "no such file"),
        (&["jrs.foreign-keys-file", "same"], "the same kid 'own'"),
        (&["jrs.foreign-issuer", "a\nb"], "control characters"),
    ] {
        let error = send::<Value>(conn, &[&["CONFIG", "SET"], change].concat()).unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains(THEIRS), "{error}");
        assert!(get(conn, &good).is_some());
    }
    // Another realm does not inherit them: two realms would have the same key.
    fs::write(
        server.dir().join("other"),
        jwk("other", "HS256", "another secret, of 32 bytes: 1618".as_bytes()).to_string(),
    )
    .unwrap();
    let realm = "[realm.other]\nkeys-file = 'other'\nkeyspace = 'other:'\n";
    fs::write(server.dir().join("realms.toml"), realm).unwrap();
    set(conn, &["jrs.realms-file", "realms.toml"]);
    assert!(get(conn, &good).is_some());
    // And may have its own.
    set(conn, &["jrs.foreign-keys-file", "", "jrs.foreign-issuer", ""]);
    for one in [&["jrs.foreign-issuer", ISSUER], &["jrs.foreign-keys-file", "theirs"]] {
        assert_refused(conn, "ERR", &[&["CONFIG", "SET"], &one[..]].concat());
    }
    for one in [&format!("foreign-issuer = '{ISSUER}'\n"), "foreign-keys-file = 'theirs'\n"] {
        fs::write(server.dir().join("realms.toml"), format!("{realm}{one}")).unwrap();
        let error = send::<Value>(conn, &["JRS.RELOAD"]).unwrap_err().to_string();
        assert!(error.contains("'other'") && error.contains("needs foreign-"), "{error}");
    }
    assert_bad(conn, &good);
    fs::write(
        server.dir().join("realms.toml"),
        format!("{realm}foreign-keys-file = 'theirs'\nforeign-issuer = '{ISSUER}'\n"),
    )
    .unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert_eq!(send::<Value>(conn, &["JRS.GET", &good]).unwrap(), Value::Nil, "there is no such session in that realm");
    let there = create(conn, "ada", "{}", &["REALM", "other"]);
    assert!(get(conn, &theirs(&restated(&there, ISSUER.into()))).is_some());
    assert!(get(conn, &token).is_some(), "{}", key(&token));
}

#[test]
fn a_replica_keeps_the_foreign_keys_and_not_its_own() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    fs::write(server.dir().join("theirs"), jwk("theirs", "HS256", THEIRS.as_bytes()).to_string()).unwrap();
    set(conn, &["jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", ISSUER]);
    let own = create(conn, "ada", "{}", &[]);
    let good = theirs(&restated(&own, ISSUER.into()));
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_ne!(send::<Value>(conn, &["JRS.PEEK", &good]).unwrap(), Value::Nil);
    // A token of the lost key may be good: BADTOKEN would log its user out.
    assert_refused(conn, "NOKEYS", &["JRS.PEEK", &own]);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_refused(conn, "NOKEYS", &["JRS.GET", &own]);
    assert_refused(conn, "NOKEYS", &["JRS.ROTATE", &own]);
    let error = send::<Value>(conn, &["JRS.CREATE", "ada", "{}"]).unwrap_err().to_string();
    assert!(error.contains("NOKEYS") && error.contains("jrs-keys.json.retired"), "{error}");
    assert!(get(conn, &good).is_some());
    // What is wrong with a token that the foreign key signed is said of it.
    assert_bad(conn, &theirs(&restated(&own, "https://other.example".into())));
    let mut expired = restated(&own, ISSUER.into());
    expired["exp"] = 1.into();
    assert_refused(conn, "EXPIREDTOKEN", &["JRS.GET", &theirs(&expired)]);
    fs::copy(server.dir().join("jrs-keys.json.retired"), server.dir().join("shared")).unwrap();
    set(conn, &["jrs.keys-file", "shared"]);
    assert!(get(conn, &own).is_some() && get(conn, &good).is_some());
}

#[test]
fn a_foreign_file_that_cannot_be_read_at_a_failover_takes_no_key_away() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    let file = server.dir().join("theirs");
    fs::write(&file, jwk("theirs", "HS256", THEIRS.as_bytes()).to_string()).unwrap();
    set(conn, &["jrs.foreign-keys-file", "theirs", "jrs.foreign-issuer", ISSUER]);
    let own = create(conn, "ada", "{}", &[]);
    let good = theirs(&restated(&own, ISSUER.into()));
    fs::remove_file(&file).unwrap();
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_refused(conn, "NOKEYS", &["JRS.PEEK", &own]);
    assert_ne!(send::<Value>(conn, &["JRS.PEEK", &good]).unwrap(), Value::Nil);
    // A reload says what is missing, and takes nothing away either.
    assert_refused(conn, "ERR", &["JRS.RELOAD"]);
    assert_ne!(send::<Value>(conn, &["JRS.PEEK", &good]).unwrap(), Value::Nil);
}

#[test]
fn a_servers_own_key_file_stays_where_foreign_keys_file_names_it() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    fs::write(server.dir().join("keys"), jwk("own", "HS256", SECRET.as_bytes()).to_string()).unwrap();
    let own = ["jrs.keys-file", "keys"];
    set(conn, &[&own[..], &["jrs.foreign-keys-file", "jrs-keys.json", "jrs.foreign-issuer", ISSUER]].concat());
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert!(server.dir().join("jrs-keys.json").exists());
    exec(conn, &["JRS.RELOAD"]);
}

#[test]
fn no_key_without_kid_is_left_untried_in_silence() {
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
