//! The claims of an access token (RFC 9068 section 2.2).

use uuid::Uuid;

use super::{
    claim_names::access_token_meaning,
    claims::{CallerClaims, ClaimRules, ClaimsError},
    json::{text, texts},
    registered_claims::{push_name, push_seconds, push_text},
};
use crate::session::UnixMillis;

/// The claims that JRS writes into an access token, in this order.
#[derive(Clone, Copy, Debug)]
pub struct AccessClaims<'s> {
    /// `jti`.
    pub id: Uuid,
    /// `iat`.
    pub issued_at: UnixMillis,
    /// `exp`.
    pub expires_at: UnixMillis,
    /// `iss`, unless it is among the caller's claims.
    pub issuer: Option<&'s str>,
    /// `sub`.
    pub subject: &'s str,
    /// `aud`, unless it is among the caller's claims.
    pub audience: Option<&'s str>,
    /// `sid`: the id of the session.
    pub session: &'s str,
    /// `auth_time`: when the user authenticated, if it is known.
    pub authenticated_at: Option<UnixMillis>,
}

impl AccessClaims<'_> {
    /// Writes a payload: these claims, then the caller's.
    pub fn write(&self, caller: &CallerClaims<'_>) -> String {
        let mut buffer = Uuid::encode_buffer();
        let mut json = String::with_capacity(512);
        json.push_str(r#"{"jti":"#);
        push_text(&mut json, self.id.hyphenated().encode_lower(&mut buffer));
        for (name, time) in [("iat", self.issued_at), ("exp", self.expires_at)] {
            push_name(&mut json, name);
            push_seconds(&mut json, time);
        }
        let texts =
            [("iss", self.issuer), ("sub", Some(self.subject)), ("aud", self.audience), ("sid", Some(self.session))];
        for (name, value) in texts {
            if let Some(value) = value {
                push_name(&mut json, name);
                push_text(&mut json, value);
            }
        }
        if let Some(time) = self.authenticated_at {
            push_name(&mut json, "auth_time");
            push_seconds(&mut json, time);
        }
        caller.close(&mut json);
        json
    }
}

/// Checks the claims that a caller adds to an access token. `rules` has the `iss` and `aud` that JRS writes.
///
/// # Errors
/// As [`CallerClaims::read`]. The claims of [`AccessClaims`] are reserved, and `iss` and `aud` if JRS writes them.
/// [`ClaimsError::Missing`] if neither JRS nor the caller writes `iss` or `aud` (RFC 9068 section 2.2 requires both).
pub fn read_access_claims<'c>(json: &'c str, rules: ClaimRules<'_>) -> Result<CallerClaims<'c>, ClaimsError> {
    let members = CallerClaims::members(json)?;
    let claims = CallerClaims::of_members(json, &members, |name| access_token_meaning(name, rules))?;
    if rules.issuer.is_none() && members.get("iss").and_then(text).is_none_or(|issuer| issuer.is_empty()) {
        return Err(ClaimsError::Missing("iss"));
    }
    let has_audience = || members.get("aud").and_then(texts).is_some_and(|all| all.iter().any(|one| !one.is_empty()));
    if rules.audience.is_none() && !has_audience() {
        return Err(ClaimsError::Missing("aud"));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::{AccessClaims, CallerClaims, ClaimRules, ClaimsError, UnixMillis, Uuid, read_access_claims};

    const BOTH: ClaimRules<'static> = ClaimRules { issuer: Some("i"), audience: Some("a"), token_type: None };
    const NONE: ClaimRules<'static> = ClaimRules { issuer: None, audience: None, token_type: None };

    #[test]
    fn claims_are_written_in_order() {
        let claims = AccessClaims {
            id: Uuid::from_u128(7),
            issued_at: UnixMillis::new(1000),
            expires_at: UnixMillis::new(301_000),
            issuer: Some("https://a.example"),
            subject: "a\"b",
            audience: Some("api"),
            session: "{a}:1",
            authenticated_at: Some(UnixMillis::new(500)),
        };
        let given = read_access_claims(r#" { "scope" : "read" } "#, BOTH).expect("claims");
        assert_eq!(
            claims.write(&given),
            r#"{"jti":"00000000-0000-0000-0000-000000000007","iat":1,"exp":301,"iss":"https://a.example","#.to_owned()
                + r#""sub":"a\"b","aud":"api","sid":"{a}:1","auth_time":0.5,"scope" : "read"}"#
        );
        let bare = AccessClaims { issuer: None, audience: None, authenticated_at: None, ..claims };
        assert!(bare.write(&CallerClaims::default()).ends_with(r#""exp":301,"sub":"a\"b","sid":"{a}:1"}"#));
    }

    #[test]
    fn names_that_jrs_writes_are_reserved() {
        for name in ["jti", "iat", "exp", "iss", "sub", "aud", "sid", "auth_time"] {
            let read = |name: &str| read_access_claims(&format!(r#"{{"{name}":1}}"#), BOTH).map(|_| ());
            assert_eq!(read(name), Err(ClaimsError::Reserved(name)));
            assert_eq!(read(&name.to_uppercase()), Err(ClaimsError::OtherSpelling(name)));
        }
        assert!(read_access_claims(r#"{"client_id":"shop","nbf":1,"ttl":5}"#, BOTH).is_ok());
        assert_eq!(read_access_claims(r#"{"nbf":"x"}"#, BOTH).map(|_| ()), Err(ClaimsError::NotATime("nbf")));
        assert_eq!(read_access_claims(r#"{"a":1,"a":2}"#, BOTH).map(|_| ()), Err(ClaimsError::NotAnObject));
    }

    #[test]
    fn issuer_and_audience_are_required() {
        for (json, expected) in [
            (r#"{"iss":"i","aud":"a"}"#, Ok(())),
            (r#"{"iss":"i","aud":["a","b"]}"#, Ok(())),
            ("{}", Err(ClaimsError::Missing("iss"))),
            (r#"{"iss":"","aud":"a"}"#, Err(ClaimsError::Missing("iss"))),
            (r#"{"iss":5,"aud":"a"}"#, Err(ClaimsError::Missing("iss"))),
            (r#"{"iss":"i"}"#, Err(ClaimsError::Missing("aud"))),
            (r#"{"iss":"i","aud":[]}"#, Err(ClaimsError::Missing("aud"))),
            (r#"{"iss":"i","aud":""}"#, Err(ClaimsError::Missing("aud"))),
            (r#"{"iss":"i","aud":[1]}"#, Err(ClaimsError::Missing("aud"))),
        ] {
            assert_eq!(read_access_claims(json, NONE).map(|_| ()), expected, "{json}");
        }
    }
}
