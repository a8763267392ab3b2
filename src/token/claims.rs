//! The claims of a token (RFC 7519 section 4).

use std::{borrow::Cow, collections::HashSet, time::Duration};

use super::{
    TokenError,
    claim_names::{CHAIN, Meaning, SESSION_DEADLINE, meaning},
    json::{Members, number, text, texts},
    registered_claims::push_text,
};
use crate::session::{TOMBSTONE_SUFFIX, UnixMillis};

/// The claims that JRS reads. Times saturate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `jti`: the id of the session. Never empty, without control characters, and not the end of a tombstone's name.
    pub id: String,
    /// `sub`, if it is a string. In a foreign token it may have another type, which means no owner.
    pub subject: Option<String>,
    /// `iat`: when the token was issued.
    pub issued_at: Option<UnixMillis>,
    /// `exp`: the end.
    pub expires_at: Option<UnixMillis>,
    /// The session's own deadline: `jrs_exp` if it is later than `exp` or null, otherwise `exp`. JRS writes `jrs_exp` if
    /// `exp` is only the end by max-lifetime, for verifiers without Redis.
    pub deadline: Option<UnixMillis>,
    /// `nbf`: not valid before.
    pub not_before: Option<UnixMillis>,
    /// `auth_time`: when the user authenticated, if the token was rotated since.
    pub authenticated_at: Option<UnixMillis>,
    /// `ttl`: the session's own sliding time to live. `None` for anything but a positive number.
    pub ttl: Option<Duration>,
    /// `jrs_chain`: the first session of the chain, if the token was rotated with a grace or reuse detection.
    pub chain: Option<Box<str>>,
}

/// A realm's rules for the claims of a token.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClaimRules<'r> {
    /// The required `iss`.
    pub issuer: Option<&'r str>,
    /// The required `aud`, alone or in an array.
    pub audience: Option<&'r str>,
    /// The `typ` that is accepted in addition to `JWT`.
    pub token_type: Option<&'r str>,
}

impl Claims {
    /// Reads a decoded payload.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if it is not a JSON object with unique names, [`TokenError::Claim`] if `jti` is not a
    /// usable string or a time is not a number, [`TokenError::Issuer`] and [`TokenError::Audience`].
    pub fn read(json: &[u8], rules: ClaimRules<'_>) -> Result<Self, TokenError> {
        let members = Members::read(json)
            .map_err(|_| TokenError::Malformed("the payload must be a JSON object with unique names"))?;
        let read = |name| move |value| number(value).map(to_moment).ok_or(TokenError::Claim(name));
        let time = |name| members.get(name).map(read(name)).transpose();
        let expires_at = time("exp")?;
        let own_end = match members.get(SESSION_DEADLINE) {
            Some(value) if value.get() == "null" => Some(None),
            _ => time(SESSION_DEADLINE)?.map(Some),
        };
        // JRS writes `jrs_exp` only for a later end than `exp`.
        let deadline =
            own_end.filter(|own| expires_at.is_some_and(|exp| own.is_none_or(|own| own > exp))).unwrap_or(expires_at);
        if let Some(issuer) = rules.issuer
            && members.get("iss").and_then(text).as_deref() != Some(issuer)
        {
            return Err(TokenError::Issuer);
        }
        if let Some(audience) = rules.audience
            && !members.get("aud").and_then(texts).is_some_and(|all| all.iter().any(|one| one == audience))
        {
            return Err(TokenError::Audience);
        }
        Ok(Self {
            id: members
                .get("jti")
                .and_then(text)
                .filter(|id| !id.is_empty() && !id.chars().any(char::is_control) && !id.ends_with(TOMBSTONE_SUFFIX))
                .ok_or(TokenError::Claim("jti"))?
                .into_owned(),
            subject: members.get("sub").and_then(text).map(Cow::into_owned),
            issued_at: time("iat")?,
            expires_at,
            deadline,
            not_before: time("nbf")?,
            authenticated_at: time("auth_time")?,
            ttl: members.get("ttl").and_then(number).map(to_span).filter(|ttl| !ttl.is_zero()),
            chain: members.get(CHAIN).and_then(text).map(Into::into),
        })
    }

    /// Checks `nbf` and `exp` against the clock, with `leeway` for each.
    pub fn check_time(&self, now: UnixMillis, leeway: Duration) -> Result<(), TokenError> {
        if self.not_before.is_some_and(|not_before| now.plus(leeway) < not_before) {
            return Err(TokenError::NotYetValid);
        }
        if self.expires_at.is_some_and(|expires_at| now >= expires_at.plus(leeway)) {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

/// A NumericDate (RFC 7519 section 2) in seconds, which may be fractional or out of range.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and absurd times are meant to")]
pub(super) fn to_moment(seconds: f64) -> UnixMillis {
    UnixMillis::new((seconds * 1000.0).round() as i64)
}

/// A span in seconds, zero for a negative one.
fn to_span(seconds: f64) -> Duration {
    to_moment(seconds).since(UnixMillis::EPOCH)
}

/// The claims that a caller adds to a token, checked and otherwise unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallerClaims<'c> {
    /// The members between the braces.
    pub(super) inner: &'c str,
    /// The caller's `exp`.
    pub expires_at: Option<UnixMillis>,
    /// The caller's `nbf`.
    pub not_before: Option<UnixMillis>,
}

/// Why a caller's claims cannot go into a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsError {
    /// It is not a JSON object, or has a name twice.
    NotAnObject,
    /// Only JRS writes this claim.
    Reserved(&'static str),
    /// A claim's name differs only in case from this one, which JRS reads.
    OtherSpelling(&'static str),
    /// This claim must be a number of seconds.
    NotATime(&'static str),
    /// This claim is after the year 9999.
    TooFar(&'static str),
    /// An access token needs this claim.
    Missing(&'static str),
}

impl<'c> CallerClaims<'c> {
    /// Checks `json`. `jti`, `iat`, `sub`, `ttl`, `auth_time`, `jrs_exp` and `jrs_chain` are reserved, and `iss` and
    /// `aud` if the realm sets them. Other upper and lower case spellings of these and of `exp`, `nbf`, `iss` and `aud`
    /// are refused. `exp` and `nbf` must be numbers of seconds.
    pub fn read(json: &'c str, rules: ClaimRules<'_>) -> Result<Self, ClaimsError> {
        Self::of_members(json, &Self::members(json)?, |name| meaning(name, rules))
    }

    pub(super) fn members(json: &str) -> Result<Members<'_>, ClaimsError> {
        Members::read(json.as_bytes()).map_err(|_| ClaimsError::NotAnObject)
    }

    /// Checks `json`, whose members are `members`.
    pub(super) fn of_members(
        json: &'c str,
        members: &Members<'_>,
        meaning: impl Fn(&str) -> Meaning,
    ) -> Result<Self, ClaimsError> {
        for (name, _) in members.iter() {
            match meaning(name) {
                Meaning::Reserved(name) => return Err(ClaimsError::Reserved(name)),
                Meaning::OtherSpelling(name) => return Err(ClaimsError::OtherSpelling(name)),
                Meaning::Free => {}
            }
        }
        let read = |name| {
            move |value| match number(value).map(to_moment) {
                None => Err(ClaimsError::NotATime(name)),
                // A later time is probably in milliseconds, not seconds.
                Some(time) if time > UnixMillis::YEAR_9999 => Err(ClaimsError::TooFar(name)),
                Some(time) => Ok(time),
            }
        };
        let time = |name| members.get(name).map(read(name)).transpose();
        let not_before = time("nbf")?;
        let inner = json
            .trim_ascii()
            .strip_prefix('{')
            .and_then(|json| json.strip_suffix('}'))
            .ok_or(ClaimsError::NotAnObject)?;
        Ok(Self { inner: inner.trim_ascii(), expires_at: time("exp")?, not_before })
    }

    /// Appends these claims and the closing brace to a payload that has other claims.
    pub(super) fn close(&self, json: &mut String) {
        if !self.inner.is_empty() {
            json.push(',');
            json.push_str(self.inner);
        }
        json.push('}');
    }
}

/// Whether a payload has a claim with that name, of any type.
pub fn has_claim(json: &[u8], name: &str) -> bool {
    Members::read(json).is_ok_and(|members| members.get(name).is_some())
}

/// The custom claims of the successor of a token: those of the `old` payload, overridden by `new`. Leaves out `exp`,
/// which the caller handles, and names that a caller may not write: JRS does not sign a name that only a foreign key
/// has signed. Returns JSON text, to be [read](CallerClaims::read) like a caller's claims.
///
/// # Errors
/// [`ClaimsError::NotAnObject`] if `old` or `new` is not a JSON object.
pub fn carry_over_claims(old: &[u8], new: &str, rules: ClaimRules<'_>) -> Result<String, ClaimsError> {
    let read = |json| Members::read(json).map_err(|_| ClaimsError::NotAnObject);
    let (old, new) = (read(old)?, read(new.as_bytes())?);
    let given: HashSet<&str> = new.iter().map(|(name, _)| name).collect();
    let is_kept = |name: &str| !given.contains(name) && meaning(name, rules) == Meaning::Free;
    let mut json = String::from("{");
    let kept = old.iter().filter(|(name, _)| is_kept(name)).chain(new.iter()).filter(|(name, _)| *name != "exp");
    for (name, value) in kept {
        if json.len() > 1 {
            json.push(',');
        }
        push_text(&mut json, name);
        json.push(':');
        json.push_str(value.get());
    }
    json.push('}');
    Ok(json)
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
