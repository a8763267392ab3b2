//! A caller's claims: accepted claims cannot change what JRS writes into the token.
//!
//! The input is one byte of choices, an owner, a line end, and the claims.

#![no_main]

use std::{collections::BTreeMap, time::Duration};

use jrs::{
    session::{SessionId, UnixMillis, check_owner},
    token::{CallerClaims, ClaimRules, Claims, ClaimsError, RegisteredClaims, carry_over_claims, has_claim},
};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);
const UUID: &str = "018bcfe5-6800-7000-8000-000000000000";

/// The claims that JRS reads.
const OWN: [&str; 10] = ["jti", "iat", "sub", "ttl", "auth_time", "jrs_exp", "exp", "nbf", "iss", "aud"];

/// The names of an object's members.
fn members(json: &str) -> Vec<String> {
    serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(json).expect("an object").into_keys().collect()
}

/// A name as a verifier that ignores case compares it: Go's `encoding/json`, or Java's `equalsIgnoreCase`.
fn folded(name: &str) -> String {
    let upper = |char: char| if char.to_uppercase().len() == 1 { char.to_uppercase().next() } else { None };
    let fold = |char: char| match char {
        '\u{130}' => 'i',
        _ => upper(char).filter(char::is_ascii).unwrap_or(char),
    };
    name.chars().map(fold).flat_map(char::to_lowercase).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((choices, rest)) = input.split_first() else { return };
    let chosen = |bit: u8| choices >> bit & 1 == 1;
    let (owner, json) = rest.split_at(rest.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    // A foreign token may have any claims.
    let _ = Claims::read(json, ClaimRules::default());
    let (Ok(owner), Ok(json)) = (check_owner(owner), str::from_utf8(json)) else { return };
    let expected = ClaimRules {
        issuer: chosen(0).then_some("https://issuer"),
        audience: chosen(1).then_some("an \"audience\""),
        token_type: None,
    };
    let caller = match CallerClaims::read(json, expected) {
        Ok(caller) => caller,
        Err(ClaimsError::Reserved(name) | ClaimsError::NotATime(name) | ClaimsError::TooFar(name)) => {
            assert!(has_claim(json.as_bytes(), name));
            return;
        }
        Err(ClaimsError::OtherSpelling(name)) => {
            assert!(members(json).iter().any(|member| member != name && folded(member) == name));
            return;
        }
        Err(ClaimsError::NotAnObject) => return,
        Err(ClaimsError::Missing(name)) => panic!("only access tokens need '{name}'"),
    };
    assert_eq!(has_claim(json.as_bytes(), "exp"), caller.expires_at.is_some());

    let id = SessionId::new("sess:", owner, UUID.parse().expect("a UUID"));
    // Either JRS or the caller writes `exp`, not both.
    let end = chosen(2).then_some(NOW.plus(Duration::from_millis(1500))).filter(|_| caller.expires_at.is_none());
    let registered = RegisteredClaims {
        id: id.as_str(),
        issued_at: NOW,
        owner,
        issuer: expected.issuer,
        audience: expected.audience,
        expires_at: end,
        // The session's own deadline: `exp`, a later one, or none.
        deadline: end.filter(|_| !chosen(3)).map(|end| end.plus(Duration::from_millis(chosen(6).into()))),
        ttl: chosen(4).then_some(Duration::from_millis(60_001)),
        authenticated_at: chosen(5).then_some(UnixMillis::new(NOW.as_i64() - 1)),
        chain: chosen(7).then_some(UUID),
    };
    let payload = registered.write(&caller);
    // A case-insensitive verifier reads what JRS wrote: no name differs only in case from one of JRS.
    let names = members(&payload);
    for own in OWN {
        assert!(names.iter().filter(|name| folded(name) == own).count() <= 1, "{own}");
        assert!(names.iter().all(|name| folded(name) != own || name == own), "{own}");
    }
    let claims = Claims::read(payload.as_bytes(), expected).expect("claims that JRS wrote");
    assert_eq!(claims.id, id.as_str());
    assert_eq!(claims.subject.as_deref().unwrap_or_default(), owner);
    assert_eq!(claims.issued_at, Some(NOW));
    assert_eq!(claims.expires_at, end.or(caller.expires_at));
    assert_eq!(claims.deadline, registered.deadline.or(caller.expires_at));
    assert_eq!((claims.ttl, claims.authenticated_at), (registered.ttl, registered.authenticated_at));
    let read = SessionId::parse("sess:", &claims.id);
    assert_eq!((read.owner().unwrap_or_default(), read.created()), (owner, Some(NOW)));
    assert_eq!(read, id);

    // The successor of this token has the caller's claims again, except `exp`.
    let following = carry_over_claims(payload.as_bytes(), json, expected).expect("claims that follow");
    let again = CallerClaims::read(&following, expected).expect("a caller's claims");
    assert_eq!(again.expires_at, None);
    let same = carry_over_claims(payload.as_bytes(), "{}", expected).expect("claims that follow");
    assert_eq!(following, same);
});
