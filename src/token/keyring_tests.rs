use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken as oracle;
use proptest::prelude::*;

use super::{ClaimRules, Claims, Key, KeyRing, TokenError};
use crate::token::Algorithm;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SECRETS: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
const ANY: ClaimRules<'static> = ClaimRules { issuer: None, audience: None, token_type: None };

fn ring(algorithm: Algorithm, id: Option<&str>) -> KeyRing {
    KeyRing::new(vec![Key::from_secret(id.map(str::to_owned), algorithm, true, SECRET)])
}

fn sign(header: &str, payload: &str, algorithm: Algorithm, secret: &[u8]) -> String {
    let signed = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
    let key = oracle::EncodingKey::from_secret(secret);
    let signature = oracle::crypto::sign(signed.as_bytes(), &key, algorithm).expect("a signature");
    format!("{signed}.{signature}")
}

/// The result of jsonwebtoken for the signature only.
fn oracle_accepts(token: &str, algorithm: Algorithm) -> bool {
    let mut validation = oracle::Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let key = oracle::DecodingKey::from_secret(SECRET);
    oracle::decode::<serde_json::Value>(token, &key, &validation).is_ok()
}

#[test]
fn a_signed_token_verifies_here_and_elsewhere() {
    for algorithm in SECRETS {
        for id in [None, Some("k1")] {
            let ring = ring(algorithm, id);
            let token = ring.signer().expect("a signer").sign(r#"{"jti":"a","x":1}"#).expect("a token");
            let verified = ring.verify(token.as_bytes(), ANY).expect("a good token");
            assert_eq!(verified.claims, Claims { id: "a".to_owned(), ..Claims::default() });
            assert_eq!(verified.payload, br#"{"jti":"a","x":1}"#);
            assert!(oracle_accepts(&token, algorithm));
        }
    }
}

#[test]
fn a_token_of_another_library_verifies() {
    for algorithm in SECRETS {
        let header = oracle::Header::new(algorithm);
        let key = oracle::EncodingKey::from_secret(SECRET);
        let token = oracle::encode(&header, &serde_json::json!({"jti": "a"}), &key).expect("a token");
        assert_eq!(ring(algorithm, None).verify(token.as_bytes(), ANY).expect("a good token").claims.id, "a");
    }
}

#[test]
fn headers_cannot_choose_another_way() {
    let ring = ring(Algorithm::HS256, Some("k"));
    let refusal = |header: &str, algorithm| {
        let token = sign(header, r#"{"jti":"a"}"#, algorithm, SECRET);
        ring.verify(token.as_bytes(), ANY).map(|verified| verified.claims.id).expect_err(header)
    };
    assert_eq!(refusal(r#"{"alg":"none","kid":"k"}"#, Algorithm::HS256), TokenError::Algorithm);
    assert_eq!(refusal(r#"{"alg":"HS512","kid":"k"}"#, Algorithm::HS512), TokenError::Algorithm);
    assert_eq!(refusal(r#"{"alg":"hs256","kid":"k"}"#, Algorithm::HS256), TokenError::Algorithm);
    assert_eq!(refusal(r#"{"alg":"HS256"}"#, Algorithm::HS256), TokenError::UnknownKey);
    assert_eq!(refusal(r#"{"alg":"HS256","kid":"k "}"#, Algorithm::HS256), TokenError::UnknownKey);
    assert_eq!(refusal(r#"{"alg":"HS256","kid":"k"}"#, Algorithm::HS384), TokenError::Signature);
    let unsigned = format!("{}.{}.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), "eyJqdGkiOiJhIn0");
    assert!(matches!(ring.verify(unsigned.as_bytes(), ANY), Err(TokenError::Malformed(_))));
    // Another order of the same members is another spelling of the same header.
    let token = sign(r#"{"kid":"k","alg":"HS256"}"#, r#"{"jti":"a"}"#, Algorithm::HS256, SECRET);
    assert!(ring.verify(token.as_bytes(), ANY).is_ok());
}

#[test]
fn all_keys_verify_and_the_first_signs() {
    let other = b"another secret of sufficient length for HS256";
    let keys = || {
        vec![
            Key::from_secret(None, Algorithm::HS256, false, other),
            Key::from_secret(None, Algorithm::HS256, true, SECRET),
        ]
    };
    let ring = KeyRing::new(keys());
    let token = ring.signer().expect("a signer").sign(r#"{"jti":"a"}"#).expect("a token");
    assert!(oracle_accepts(&token, Algorithm::HS256));
    assert!(ring.verify(token.as_bytes(), ANY).is_ok());
    let by_other = sign(r#"{"alg":"HS256"}"#, r#"{"jti":"a"}"#, Algorithm::HS256, other);
    assert!(ring.verify(by_other.as_bytes(), ANY).is_ok());
    assert!(KeyRing::new(Vec::new()).verify(token.as_bytes(), ANY).is_err());
    assert!(!format!("{ring:?}").contains("another secret"));
}

#[test]
fn secrets_without_kid_that_would_not_be_tried_are_refused() {
    let secrets = |numbers: std::ops::Range<usize>, algorithm| {
        KeyRing::new(numbers.map(|at| Key::from_secret(None, algorithm, true, &secret(at))).collect())
    };
    let join = |own, foreign| secrets(own, Algorithm::HS256).with_foreign(secrets(foreign, Algorithm::HS256), "x");
    let refused = join(0..8, 8..9).expect_err("too many");
    assert!(refused.contains("together") && refused.contains("9 keys for HS256"), "{refused}");
    assert!(join(0..7, 7..8).is_ok());
    assert_eq!(join(0..2, 1..3).expect_err("the same key"), "one of its keys is also one of the realm's own keys");
    let other = secrets(0..8, Algorithm::HS256).with_foreign(secrets(0..8, Algorithm::HS384), "x").expect("two kinds");
    assert_eq!((other.own().count(), other.without_own().keys().len(), other.without_own().own().count()), (8, 8, 0));
    assert!(other.warnings().is_empty());
}

/// With thousands of keys, each token is verified with its own key only.
#[test]
fn a_token_costs_the_same_among_many_keys() {
    const MANY: usize = 40_000;
    let key = |number: usize| Key::from_secret(Some(format!("key {number}")), Algorithm::HS256, true, &secret(number));
    let ring = KeyRing::new((0..MANY).map(key).collect());
    let meets = |token: &str| {
        let parts = super::CompactJws::split(token.as_bytes()).expect("a token");
        ring.candidates(&parts, ANY).map(Iterator::count)
    };
    for number in 0..MANY {
        let token = ring.keys()[number].sign(r#"{"jti":"a"}"#).expect("a token");
        assert!(ring.verify(token.as_bytes(), ANY).is_ok(), "{number}");
        assert_eq!(meets(&token), Ok(1), "{number}");
        assert!(ring.knows(Some(&format!("key {number}"))));
    }
    let unknown = sign(r#"{"alg":"HS256","kid":"key"}"#, r#"{"jti":"a"}"#, Algorithm::HS256, &secret(0));
    assert_eq!(meets(&unknown), Err(TokenError::UnknownKey));
    assert_eq!(ring.verify(unknown.as_bytes(), ANY).map(|_| ()), Err(TokenError::UnknownKey));
    // A key is found by its own kid only.
    let posing = sign(r#"{"alg":"HS256","kid":"key 9"}"#, r#"{"jti":"a"}"#, Algorithm::HS256, &secret(39_999));
    assert_eq!(ring.verify(posing.as_bytes(), ANY).map(|_| ()), Err(TokenError::Signature));
}

fn secret(number: usize) -> Vec<u8> {
    format!("a secret of its own, at least 32 bytes long: {number}").into_bytes()
}

proptest! {
    #[test]
    fn a_changed_token_is_refused(at in 0usize..100, byte in any::<u8>()) {
        let ring = ring(Algorithm::HS256, None);
        let token = ring.signer().expect("a signer").sign(r#"{"jti":"abc"}"#).expect("a token");
        let mut changed = token.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        prop_assume!(changed != token.as_bytes());
        prop_assert!(ring.verify(&changed, ANY).is_err());
    }

    #[test]
    fn garbage_is_refused_like_elsewhere(garbage in any::<Vec<u8>>(), text in "[A-Za-z0-9_.=-]{0,200}") {
        let ring = ring(Algorithm::HS256, None);
        prop_assert!(ring.verify(&garbage, ANY).is_err());
        prop_assert!(ring.verify(text.as_bytes(), ANY).is_err());
        prop_assert!(!oracle_accepts(&text, Algorithm::HS256));
    }

    /// jsonwebtoken accepts every token that JRS accepts.
    #[test]
    fn nothing_is_accepted_that_another_library_refuses(
        header in r#"\{("alg":"(HS256|HS384|none)")?(,?"typ":"JWT")?(,?"kid":"k")?(,"alg":"HS256")?\}"#,
        payload in r#"[\{\[](("jti":"a")|("jti":1))?(,"exp":1)?[\}\]]"#,
    ) {
        let token = sign(&header, &payload, Algorithm::HS256, SECRET);
        if ring(Algorithm::HS256, None).verify(token.as_bytes(), ANY).is_ok() {
            prop_assert!(oracle_accepts(&token, Algorithm::HS256));
        }
    }
}
