//! Key files: any file is read or refused. Keys that were read work, and neither keys nor errors show a secret.
//!
//! The input is one byte of choices, and the file.

#![no_main]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jrs::token::{ALGORITHMS, ClaimRules, Key, KeyDefaults, KeyRing, read_keys};
use libfuzzer_sys::fuzz_target;

/// The key material of the seeds. No part of it occurs in a sentence.
const SECRETS: [&str; 7] = [
    // A secret, raw and as the `k` of a JWK.
    "Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3eFgAaViQyW5kZ2mTq9Jw4KpB1sYdR6uN8",
    "VnE3eFoybVRxOUp3NEtwQjFzWWRSNnVOOGhMY1hvM2VGZ0FhVmlReVc1a1oybVRxOUp3NEtwQjFzWWRSNnVOOA",
    // The `d` of JWKs on Ed25519 and P-256.
    "EtrQNWOJBmk-umP62bO1YGBlOUXzY4seSN-RYm4p2rA",
    "rP2tw_bnYM2F8hbHAk4auJmPNomO7kVQcNdorcxeGmo",
    // Lines of PEM files: Ed25519, P-256, RSA.
    "MC4CAQAwBQYDK2VwBCIEIBLa0DVjiQZpPrpj+tmztWBgZTlF82OLHkjfkWJuKdqw",
    "MHcCAQEEIKz9rcP252DNhfIWxwJOGriZjzaJju5FUHDXaK3MXhpqoAoGCCqGSM49",
    "jYQiTlDEnpYIMCb0MNhtW5FBR3u0aGZQfsR61pGS8R7nEInTbbL2ETVB2CG7JjOl",
];

/// The number of consecutive characters that would reveal a secret.
const TELLING: usize = 6;

const PAYLOAD: &str = r#"{"jti":"a"}"#;
const ANY: ClaimRules<'static> = ClaimRules { issuer: None, audience: None, token_type: None };

fuzz_target!(|input: &[u8]| {
    let Some((choices, file)) = input.split_first() else { return };
    let algorithm = ALGORITHMS[usize::from(choices >> 1) % ALGORITHMS.len()];
    let defaults = KeyDefaults { algorithm, allow_weak_secret: choices & 1 == 1 };
    match read_keys(file, defaults) {
        Ok(ring) => {
            assert!(!ring.keys().is_empty());
            ring.keys().iter().for_each(|key| check_key(key, &ring, defaults));
            check_unnamed(&ring);
            assert!(ring.warnings().iter().all(|warning| is_our_sentence(warning)), "{:?}", ring.warnings());
            refuse_tails(file, defaults);
        }
        Err(error) => {
            // A fixed text of JRS: it does not repeat the file.
            assert!(is_our_sentence(&error), "{error:?}");
        }
    }
});

/// The published JWK of a key.
fn published(key: &Key) -> Option<String> {
    key.public_jwk().map(|jwk| serde_json::to_string(&jwk).expect("a JWK"))
}

/// A key that signs verifies what it signed, and so does its public half alone.
fn check_key(key: &Key, ring: &KeyRing, defaults: KeyDefaults) {
    let token = key.sign(PAYLOAD);
    assert_eq!(token.is_some(), key.signs());
    if let Some(token) = &token {
        ring.verify(token.as_bytes(), ANY).expect("its own token");
    }
    let public = published(key);
    if let Some(public) = &public {
        let half = read_keys(public.as_bytes(), defaults).expect("a public key");
        let [only] = half.keys() else { panic!("{half:?}") };
        assert_eq!((only.id(), only.algorithm(), only.signs()), (key.id(), key.algorithm(), false));
        // The published key is the one that was read, in any format.
        assert_eq!(published(only).as_ref(), Some(public));
        if let Some(token) = &token {
            half.verify(token.as_bytes(), ANY).expect("the token of its private half");
        }
    }
    // A `kid` and all of a public key are public, regardless of their content.
    if key.signs() && !key.id().is_some_and(shows_secret) {
        assert!(!shows_secret(&format!("{key:?}")) && !public.is_some_and(|public| shows_secret(&public)));
    }
}

/// A fixed text of JRS: it does not repeat the file.
fn is_our_sentence(text: &str) -> bool {
    text.len() < 300 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !shows_secret(text)
}

/// No key may accept a token without `kid` that is forged with public data.
fn check_unnamed(ring: &KeyRing) {
    for name in ["HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "none"] {
        for id in ["", r#","kid":"""#] {
            let header = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{name}"{id}}}"#));
            let token = format!("{header}.eyJqdGkiOiJhIn0.{}", BASE64_URL_SAFE_NO_PAD.encode([1; 64]));
            assert!(ring.verify(token.as_bytes(), ANY).is_err(), "{name}");
        }
    }
}

/// No key of a PEM file may have trailing bytes.
fn refuse_tails(file: &[u8], defaults: KeyDefaults) {
    let Ok(blocks) = pem::parse_many(file) else { return };
    for block in blocks.iter().filter(|block| block.tag().ends_with("KEY") && block.headers().iter().next().is_none()) {
        for tail in [&[0][..], b"\n", block.contents()] {
            let longer = pem::Pem::new(block.tag(), [block.contents(), tail].concat());
            assert!(read_keys(pem::encode(&longer).as_bytes(), defaults).is_err());
        }
    }
}

fn shows_secret(text: &str) -> bool {
    let mut pieces = text.as_bytes().windows(TELLING);
    pieces.any(|piece| SECRETS.iter().any(|secret| secret.as_bytes().windows(TELLING).any(|window| window == piece)))
}
