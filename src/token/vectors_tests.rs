//! The examples of the RFCs, byte for byte: JRS reads their keys and verifies their signatures. The payload of RFC
//! 7515 is claims without `jti`, those of the others are sentences.

use jsonwebtoken as oracle;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ClaimRules, CompactJws, Header, KeyRing, TokenError, base64url_decode};
use crate::token::{Algorithm, AlgorithmExt, KeyDefaults, base64url::encode, read_keys};

/// Published keys and tokens, each with its source.
pub fn published() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/published.json")).expect("JSON")
}

/// An example: a token in its parts, and its key.
#[derive(Clone, Deserialize)]
struct Example {
    jwk: Value,
    header: String,
    payload: String,
    signature: String,
}

impl Example {
    fn ring(&self) -> KeyRing {
        // Few JWKs of these RFCs have an `alg`, so the setting is that of the token's header.
        let algorithm = Algorithm::from_name(&self.algorithm()).expect("an algorithm");
        read_keys(self.jwk.to_string().as_bytes(), KeyDefaults { algorithm, allow_weak_secret: false }).expect("a key")
    }

    /// The `alg` of the header.
    fn algorithm(&self) -> String {
        let header = base64url_decode(self.header.as_bytes()).expect("base64url");
        Header::read(&header).expect("a header").algorithm
    }

    fn token(&self, signature: &str) -> String {
        format!("{}.{}.{signature}", self.header, self.payload)
    }
}

/// Verifies a token's signature only, regardless of its claims.
fn checked(ring: &KeyRing, token: &str) -> Result<(), TokenError> {
    let [key] = ring.keys() else { panic!("one key is expected: {ring:?}") };
    key.verify_signature(&CompactJws::split(token.as_bytes()).expect("three parts"))
}

fn all() -> [Example; 7] {
    serde_json::from_value(published()["signatures"].take()).expect("examples")
}

#[test]
fn the_signatures_of_the_rfcs_hold() {
    for example in all() {
        let (ring, token) = (example.ring(), example.token(&example.signature));
        assert_eq!(ring.keys()[0].algorithm_name(), example.algorithm());
        assert_eq!(checked(&ring, &token), Ok(()), "{token}");
        // None is the token of a session, so each is refused after the signature.
        let error = ring.verify(token.as_bytes(), ClaimRules::default()).expect_err(&token);
        let has_claims = example.payload.starts_with("ey");
        let no_claims = TokenError::Malformed("the payload must be a JSON object with unique names");
        let expected = if has_claims { TokenError::Claim("jti") } else { no_claims };
        assert_eq!(error, expected, "{token}");
    }
}

#[test]
fn a_changed_example_is_refused() {
    for example in all() {
        let ring = example.ring();
        let signature = base64url_decode(example.signature.as_bytes()).expect("base64url");
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            let token = example.token(&encode(&changed));
            assert_eq!(checked(&ring, &token), Err(TokenError::Signature), "{token}");
        }
        for length in [1, signature.len() / 2, signature.len() - 1] {
            assert_eq!(checked(&ring, &example.token(&encode(&signature[..length]))), Err(TokenError::Signature));
        }
        assert_eq!(checked(&ring, &example.token(&encode(&[&*signature, &[0]].concat()))), Err(TokenError::Signature));
        let Example { header, payload, signature, .. } = example;
        for token in [format!("{header}A.{payload}.{signature}"), format!("{header}.{payload}A.{signature}")] {
            assert_eq!(checked(&ring, &token), Err(TokenError::Signature), "{token}");
        }
    }
}

#[test]
fn private_keys_of_the_rfcs_sign() {
    for example in all().into_iter().filter(|example| example.jwk.get("d").is_some()) {
        let ring = example.ring();
        let token = ring.signer().expect("a signer").sign(r#"{"jti":"a"}"#).expect("a token");
        assert_eq!(checked(&ring, &token), Ok(()), "{token}");
        assert_eq!(ring.verify(token.as_bytes(), ClaimRules::default()).expect("a good token").claims.id, "a");
        // The public half alone verifies, too.
        let mut public = example.jwk.clone();
        let members = public.as_object_mut().expect("an object");
        members.retain(|name, _| ["kty", "kid", "n", "e", "crv", "x", "y"].contains(&name.as_str()));
        let ring = Example { jwk: public, ..example }.ring();
        assert!(ring.signer().is_none());
        assert_eq!(checked(&ring, &token), Ok(()), "{token}");
    }
}

#[test]
fn keys_without_a_kid_are_named_by_their_thumbprint() {
    let thumbed = json!({"kty": "RSA", "n": published()["thumbed"]["n"], "e": "AQAB", "alg": "RS256", "use": "sig"});
    let [a_2, a_3, mut bilbo, _, _, ed25519, _] = all();
    let thumbed = Example { jwk: thumbed, ..a_2.clone() };
    bilbo.jwk.as_object_mut().expect("an object").remove("kid");
    for (example, thumbprint) in [
        (thumbed, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), // RFC 7638 section 3.1
        (ed25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"), // RFC 8037 appendix A.3
        (a_2, ""),
        (a_3, ""),
        (bilbo, ""),
    ] {
        let ring = example.ring();
        let here = ring.keys()[0].id().expect("a kid");
        let jwk: oracle::jwk::Jwk = serde_json::from_value(example.jwk).expect("a JWK");
        assert_eq!(here, jwk.thumbprint(oracle::jwk::ThumbprintHash::SHA256).expect("a thumbprint"));
        assert!(thumbprint.is_empty() || here == thumbprint, "{here}");
    }
}
