//! Tokens: only the exact text that a key of the ring signed is accepted.
//!
//! The input is one byte that picks a key, a payload, a line end, and edits of three bytes each (what, where, with
//! what). The whole input is also tried as a token.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use jrs::{
    session::UnixMillis,
    token::{Algorithm, ClaimRules, Claims, Key, KeyDefaults, KeyRing, TokenError, could_be_token, read_keys},
};
use libfuzzer_sys::fuzz_target;

const ANY: ClaimRules<'static> = ClaimRules { issuer: None, audience: None, token_type: None };

/// Keys with an id, and several without one, which are all tried.
const KEYS: &str = r#"{"keys":[
    {"kty":"oct","alg":"HS256","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","kid":"a"},
    {"kty":"oct","alg":"HS256","k":"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"},
    {"kty":"oct","alg":"HS256","k":"AgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICE"},
    {"kty":"oct","alg":"HS384","k":"AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISI","kid":"b"},
    {"kty":"oct","alg":"HS512","k":"BAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiM"}]}"#;

/// Other secrets with the same ids.
static OTHERS: LazyLock<KeyRing> = LazyLock::new(|| ring(&KEYS.replace("\"k\":\"", "\"k\":\"ZZZZ")));
static RING: LazyLock<KeyRing> = LazyLock::new(|| ring(KEYS));

const ISSUER: &str = "idp";
/// Another secret, and the keys of [`RING`] as those of a foreign issuer.
static BOUND: LazyLock<KeyRing> = LazyLock::new(|| {
    let own = ring(r#"{"kty":"oct","k":"BQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQ"}"#);
    own.with_foreign(ring(KEYS), ISSUER).expect("other kids")
});

fn ring(keys: &str) -> KeyRing {
    let parsing = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: true };
    read_keys(keys.as_bytes(), parsing).expect("keys")
}

fuzz_target!(|input: &[u8]| {
    check_foreign(input);
    let Some((pick, rest)) = input.split_first() else { return };
    let (payload, edits) = rest.split_at(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    let Ok(payload) = str::from_utf8(payload) else { return };
    let key = &RING.keys()[usize::from(*pick) % RING.keys().len()];
    let token = key.sign(payload).expect("a token");
    check_signed(&token, payload);
    check_bound(&token, payload);
    check_types(&RING.keys()[0], payload, rest);
    let mut edited = token.clone().into_bytes();
    for edit in edits.get(1..).unwrap_or_default().chunks_exact(3) {
        apply(edit, &mut edited, payload);
        // Each intermediate state is tried as a token.
        if edited != token.as_bytes() {
            check_foreign(&edited);
        }
    }
});

/// Tokens that the same keys sign for other purposes are not accepted.
fn check_types(key: &Key, payload: &str, rest: &[u8]) {
    if payload.is_empty() {
        return;
    }
    let own = ClaimRules { token_type: Some("session+jwt"), ..ANY };
    for (kind, is_always, is_own) in [
        ("JWT", true, true),
        ("jwt", true, true),
        ("application/JWT", true, true),
        ("Session+JWT", false, true),
        ("application/session+jwt", false, true),
        ("at+jwt", false, false),
        ("logout+jwt", false, false),
        ("JWE", false, false),
    ] {
        let token = key.sign_as(kind, payload).expect("a token");
        let refused_for_type = |expected| matches!(RING.verify(&token, expected), Err(TokenError::Header(_)));
        assert_eq!((refused_for_type(ANY), refused_for_type(own)), (!is_always, !is_own), "{kind}");
        // It is redacted with any prefix.
        assert!(could_be_token(&[rest, &token].concat()) || rest.len() > 8192, "{kind}");
    }
}

/// A signed token is accepted if and only if its claims are valid, and has the signed payload.
fn check_signed(token: &str, payload: &str) {
    match (RING.verify(token.as_bytes(), ANY), Claims::read(payload.as_bytes(), ANY)) {
        (Ok(verified), Ok(claims)) => {
            assert_eq!(verified.payload, payload.as_bytes());
            assert_eq!(verified.claims, claims);
            assert!(!claims.id.is_empty());
            for now in [i64::MIN, 0, i64::MAX] {
                let _ = claims.check_time(UnixMillis::new(now), Duration::MAX);
            }
        }
        // An empty payload is refused.
        (Err(error), Err(reason)) => assert!(error == reason || payload.is_empty(), "{error:?}, {reason:?}"),
        (verified, claims) => panic!("{verified:?} of the token, {claims:?} of its claims"),
    }
    assert!(OTHERS.verify(token.as_bytes(), ANY).is_err());
}

/// A foreign issuer's token is accepted if and only if it is valid and has its `iss`.
fn check_bound(token: &str, payload: &str) {
    let expected = Claims::read(payload.as_bytes(), ClaimRules { issuer: Some(ISSUER), ..ANY });
    // The realm's rules for its own tokens do not apply.
    for realms in [None, Some("own")] {
        match BOUND.verify(token.as_bytes(), ClaimRules { issuer: realms, ..ANY }) {
            Ok(verified) => assert!(verified.is_foreign && expected.as_ref() == Ok(&verified.claims)),
            Err(error) => assert!(payload.is_empty() || expected == Err(error), "{error:?}, {expected:?}"),
        }
    }
    assert!(BOUND.keys().iter().skip(1).all(|key| key.sign(payload).is_none()));
}

/// Any other text is refused, unless a key would sign exactly this text.
fn check_foreign(token: &[u8]) {
    assert_eq!(RING.is_slow(token, ANY), Ok(false));
    match RING.verify(token, ANY) {
        Ok(verified) => {
            let payload = str::from_utf8(&verified.payload).expect("JSON text");
            assert!(RING.keys().iter().any(|key| key.sign(payload).is_some_and(|signed| signed.as_bytes() == token)));
        }
        Err(error) => assert!(error.text().is_ascii() && error.index() < TokenError::INFO_NAMES.len()),
    }
    assert!(OTHERS.verify(token, ANY).is_err());
}

/// Replaces, inserts or removes a byte, flips a bit, truncates, or replaces a part by that of another key.
fn apply(edit: &[u8], token: &mut Vec<u8>, payload: &str) {
    let [what, place, with] = [edit[0], edit[1], edit[2]];
    // Odd kinds count from the end, where the signature is.
    let from_start = usize::from(place) % (token.len() + 1);
    let at = if what % 2 == 1 { token.len() - from_start } else { from_start };
    match what / 2 % 6 {
        0 => token.insert(at, with),
        1 if at < token.len() => token[at] = with,
        2 if at < token.len() => token[at] ^= 1 << (with % 8),
        3 if at < token.len() => drop(token.remove(at)),
        4 => token.truncate(at),
        5 => {
            let key = &RING.keys()[usize::from(with) % RING.keys().len()];
            let other = key.sign(payload).expect("a token");
            let other: Vec<&[u8]> = other.as_bytes().split(|byte| *byte == b'.').collect();
            let mut parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
            let part = usize::from(place) % 3;
            if let Some(place) = parts.get_mut(part) {
                *place = other[part];
            }
            *token = parts.join(&b'.');
        }
        _ => {}
    }
}
