use serde_json::{Value, json};

use super::{KeyRing, read_data_keys};
use crate::token::{Algorithm, KeyDefaults, base64url::encode, read_keys};

const DEFAULTS: KeyDefaults = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: false };

fn jwk(id: &str, byte: u8) -> Value {
    json!({"kty": "oct", "kid": id, "k": encode(&[byte; 32])})
}

/// A data key with other members.
fn with(members: Value) -> Value {
    let mut jwk = jwk("k", 1);
    for (name, value) in members.as_object().expect("members") {
        jwk[name] = value.clone();
    }
    jwk
}

fn read(file: &Value) -> Result<Vec<String>, String> {
    let keys = read_data_keys(file.to_string().as_bytes(), &KeyRing::default())?;
    Ok(keys.ids().map(str::to_owned).collect())
}

#[test]
fn keys_are_read_in_order() {
    assert_eq!(read(&jwk("one", 1)), Ok(vec!["one".to_owned()]));
    assert_eq!(read(&json!({"keys": [jwk("b", 2), jwk("a", 1)]})), Ok(vec!["b".to_owned(), "a".to_owned()]));
    let known = json!({"alg": "A256GCM", "use": "enc", "key_ops": ["decrypt", "encrypt"], "ext": true});
    assert!(read(&with(known)).is_ok());
    assert!(read(&jwk(&"x".repeat(64), 1)).is_ok());
    assert!(read_data_keys(format!("\u{feff} {}\n", jwk("k", 1)).as_bytes(), &KeyRing::default()).is_ok());
}

#[test]
fn other_keys_are_refused() {
    let short = encode(&[1; 31]);
    for (file, problem) in [
        (json!({"keys": []}), "no key"),
        (json!({"keys": {}}), "an array"),
        (json!({"keys": [jwk("a", 1), jwk("a", 2)]}), "key 2: an earlier key has the same 'kid'"),
        (json!({"keys": [jwk("a", 1), jwk("b", 1)]}), "key 2: an earlier key has the same 'k'"),
        (json!({"keys": [jwk("a", 1), 7]}), "key 2: it must be a JSON object"),
        (json!({"kid": "a"}), "no 'kty'"),
        (with(json!({"kty": "RSA"})), "keys-file"),
        (with(json!({"alg": "HS256"})), "keys-file"),
        (with(json!({"alg": "dir"})), "keys-file"),
        (with(json!({"use": "sig"})), "keys-file"),
        (with(json!({"key_ops": ["sign", "verify"]})), "keys-file"),
        (with(json!({"key_ops": ["decrypt"]})), "encrypt and decrypt"),
        (with(json!({"key_ops": 1})), "an array"),
        (json!({"kty": "oct", "k": encode(&[1; 32])}), "no 'kid'"),
        (jwk("", 1), "1 to 64"),
        (jwk(&"x".repeat(65), 1), "1 to 64"),
        (jwk("a.b", 1), "1 to 64"),
        (jwk("a b", 1), "1 to 64"),
        (jwk("\u{e9}", 1), "1 to 64"),
        (with(json!({"kid": 7})), "'kid' must be a string"),
        (json!({"kty": "oct", "kid": "k"}), "no 'k'"),
        (with(json!({"k": 7})), "'k' must be a string"),
        (with(json!({"k": short})), "31 bytes"),
        (with(json!({"k": format!("{}=", encode(&[1; 32]))})), "base64url"),
    ] {
        let error = read(&file).expect_err(problem);
        assert!(error.contains(problem), "{file}: {error}");
        assert!(!error.contains(&short) && !error.contains(&encode(&[1; 32])), "{error}");
    }
    let pem = "-----BEGIN PRIVATE KEY-----\nVq7xZ2mTq9Jw\n-----END PRIVATE KEY-----\n";
    for text in [pem, "Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e", "", "{\"keys\":[],\"keys\":[]}", "\u{0}"] {
        let error = read_data_keys(text.as_bytes(), &KeyRing::default()).expect_err(text);
        assert!(error.contains("a JWK Set of data keys") && !error.contains("Vq7x"), "{error}");
    }
}

#[test]
fn a_signing_secret_is_refused() {
    let file = json!({"keys": [jwk("new", 3), jwk("data", 1)]}).to_string();
    for algorithm in ["HS256", "HS384", "HS512"] {
        let signing = json!({"kty": "oct", "kid": "sign", "alg": algorithm, "k": encode(&[1; 32])}).to_string();
        let defaults = KeyDefaults { allow_weak_secret: true, ..DEFAULTS };
        let signing = read_keys(signing.as_bytes(), defaults).expect("a signing key");
        let error = read_data_keys(file.as_bytes(), &signing).expect_err(algorithm);
        assert!(error.starts_with("key 2: it is also one of the realm's signing keys"), "{error}");
    }
    let signing = read_keys(jwk("data", 9).to_string().as_bytes(), DEFAULTS).expect("a signing key");
    assert!(read_data_keys(file.as_bytes(), &signing).is_ok());
}
