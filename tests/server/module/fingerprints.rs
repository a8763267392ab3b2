//! The fingerprints of keys without `kid`: they tell apart servers with different secrets.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use redis::Value;

use crate::support::{
    Server,
    cases::cases,
    sessions::{create, get, send},
    tokens::{SECRET, jwk},
};

/// `INFO jrs`, and the only key in the reply to JRS.REALMS, of a server with this key file and algorithm.
fn shown(keys: &str, algorithm: &str) -> (String, HashMap<String, Value>) {
    let server = Server::builder().keys(keys.as_bytes()).arg("algorithm", algorithm).start();
    let conn = &mut server.conn3();
    let token = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &token).is_some());
    let info = send(conn, &["INFO", "jrs"]).unwrap();
    let realms: Vec<HashMap<String, Value>> = send(conn, &["JRS.REALMS"]).unwrap();
    let mut keys: Vec<_> = redis::from_redis_value_ref(&realms[0]["keys"]).unwrap();
    (info, keys.pop().unwrap())
}

/// The first 4 bytes of the HMAC-SHA256 of the documented text.
fn fingerprint(secret: &str) -> String {
    let label = b"JRS short fingerprint of a secret";
    let mac = crypto::sign(label, &EncodingKey::from_secret(secret.as_bytes()), Algorithm::HS256).unwrap();
    BASE64_URL_SAFE_NO_PAD.decode(mac).unwrap()[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn servers_with_different_raw_secrets_differ() {
    let other = SECRET.replace('s', "z");
    let (one, two) = (fingerprint(SECRET), fingerprint(&other));
    assert_ne!(one, two);
    for (secret, algorithm, expected) in cases([
        ("a secret", (SECRET, "HS256", &one)),
        ("the same secret", (SECRET, "HS256", &one)),
        ("the same secret with a line end", (&format!("{SECRET}\n"), "HS256", &one)),
        ("the same secret for another algorithm", (SECRET, "HS512", &one)),
        ("another secret", (&other, "HS256", &two)),
    ]) {
        let (info, key) = shown(secret, algorithm);
        assert!(info.contains(&format!("keys=(without kid {expected})\r\n")), "{info}");
        assert!(!info.contains(secret.trim_end()) && !info.contains("secret"), "{info}");
        assert_eq!(key["kid"], Value::Nil);
        assert_eq!(key["fingerprint"], Value::BulkString(expected.clone().into()));
    }
}

#[test]
fn a_key_with_a_kid_has_no_fingerprint() {
    let (info, key) = shown(&jwk("2026", "HS256", SECRET.as_bytes()).to_string(), "HS256");
    assert!(info.contains("keys=2026\r\n") && !info.contains(&fingerprint(SECRET)), "{info}");
    assert!(key.contains_key("kid") && !key.contains_key("fingerprint"), "{key:?}");
}
