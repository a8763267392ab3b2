//! A data key file that cannot be used is refused, and what was active stays active. No text shows key material.

use std::{fs, os::unix::fs::PermissionsExt};

use redis::Value;
use serde_json::json;

use super::{DATA, key_set, server};
use crate::support::{
    Server,
    cases::cases,
    sessions::{create, exec, get, send},
    tokens::{SECRET, elliptic_jwk, jwk, key},
};

#[test]
fn a_wrong_file_is_refused() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let token = create(conn, "ada", DATA, &[]);
    let signing = json!({"keys": [jwk("sign", "HS256", &[3; 32])]}).to_string();
    let same = jwk("same", "A256GCM", SECRET.as_bytes()).to_string();
    for (text, problem) in cases([
        ("a raw secret", (SECRET.to_owned(), "a JWK Set of data keys")),
        (
            "PEM",
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned(), "a JWK Set of data keys"),
        ),
        ("a signing secret", (signing, "belongs in keys-file")),
        ("a private key", (elliptic_jwk().to_string(), "belongs in keys-file")),
        ("a long key", (same, "64 bytes")),
        ("no keys", (r#"{"keys":[]}"#.to_owned(), "no key")),
    ]) {
        fs::write(server.dir().join("wrong.json"), &text).unwrap();
        for words in [&["CONFIG", "SET", "jrs.data-keys-file", "wrong.json"][..], &["JRS.RELOAD"]] {
            if words.len() == 1 {
                fs::write(server.dir().join("data.json"), &text).unwrap();
            }
            let error = send::<Value>(conn, words).expect_err(problem).to_string();
            assert!(error.contains(problem) && error.contains(".json' is refused"), "{error}");
        }
        assert_eq!(get(conn, &token).expect("a session").data, DATA, "the active keys stay");
    }
    let error = send::<Value>(conn, &["CONFIG", "SET", "jrs.data-keys-file", "none.json"]).expect_err("no file");
    assert!(error.to_string().contains("data key file 'none.json' cannot be read: no such file"), "{error}");
}

/// One secret for two purposes is refused, whatever the algorithm of the signing key.
#[test]
fn a_signing_secret_is_no_data_key() {
    let secret = [7; 32];
    let file = json!({"keys": [jwk("sign", "HS256", &secret)]}).to_string();
    let server = Server::builder().keys(file.as_bytes()).start();
    let conn = &mut server.conn();
    fs::write(server.dir().join("data.json"), key_set(&[("data", 7)])).unwrap();
    let error =
        send::<Value>(conn, &["CONFIG", "SET", "jrs.data-keys-file", "data.json"]).expect_err("the same secret");
    assert!(error.to_string().contains("also one of the realm's signing keys"), "{error}");
    let token = create(conn, "ada", DATA, &[]);
    assert_eq!(send::<String>(conn, &["GET", &key(&token)]).unwrap(), DATA);
}

#[test]
fn nothing_shows_key_material() {
    let server = server(Server::builder(), &[("k1", 0x41)]);
    let conn = &mut server.conn();
    let path = server.dir().join("data.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert!(server.log().contains("the key file 'data.json' can be read by all users"));
    let mut shown = vec![server.log()];
    for words in [&["INFO", "everything"][..], &["CONFIG", "GET", "*"], &["JRS.REALMS"], &["JRS.HELP"]] {
        shown.push(format!("{:?}", send::<Value>(conn, words).unwrap()));
    }
    for text in shown {
        assert!(!text.contains("QUFBQUFB") && !text.contains("AAAAAAAAAAAA"), "{text}");
    }
}
