//! The claims of a token (RFC 7519 section 4).

use std::{borrow::Cow, collections::HashSet, fmt::Write, time::Duration};

use super::{
    TokenError,
    claim_names::{Meaning, OWN_END, meaning},
    json::{Members, number, text, texts},
};
use crate::session::UnixMillis;

/// The claims that JRS reads. Times may be however far away (they saturate).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `jti`: the id of the session. Never empty, and without control characters.
    pub id: String,
    /// `sub`, where it is a string. A foreign token's may be anything; then there is no owner.
    pub subject: Option<String>,
    /// `iat`: when the token was issued.
    pub issued_at: Option<UnixMillis>,
    /// `exp`: the end.
    pub expires_at: Option<UnixMillis>,
    /// The end that the session was given: `exp`, or `jrs_exp` where JRS wrote an earlier `exp` by itself, to tell others of
    /// the realm's max-lifetime.
    pub deadline: Option<UnixMillis>,
    /// `nbf`: not valid before.
    pub not_before: Option<UnixMillis>,
    /// `auth_time`: when the user proved who they are, where the token has been rotated since.
    pub authenticated_at: Option<UnixMillis>,
    /// `ttl`: the session's own sliding time to live, a span. Anything but a positive number reads as none.
    pub ttl: Option<Duration>,
}

/// What a realm demands of a token.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClaimRules<'r> {
    /// The `iss` to be found.
    pub issuer: Option<&'r str>,
    /// The `aud` to be found, alone or in an array.
    pub audience: Option<&'r str>,
    /// The `typ` that is accepted beside `JWT`.
    pub token_type: Option<&'r str>,
}

impl Claims {
    /// Reads a decoded payload.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if it is no JSON object with unique names, [`TokenError::Claim`] for a `jti` that is not a
    /// usable string or a time that is no number, [`TokenError::Issuer`] and [`TokenError::Audience`].
    pub fn read(json: &[u8], expected: ClaimRules<'_>) -> Result<Self, TokenError> {
        let members = Members::read(json)
            .map_err(|_| TokenError::Malformed("the payload is no JSON object with unique members"))?;
        let read = |name| move |value| number(value).map(to_moment).ok_or(TokenError::Claim(name));
        let time = |name| members.get(name).map(read(name)).transpose();
        let expires_at = time("exp")?;
        let own_end = match members.get(OWN_END) {
            Some(value) if value.get() == "null" => Some(None),
            _ => time(OWN_END)?.map(Some),
        };
        // JRS writes it for nothing but a later end than `exp`.
        let deadline =
            own_end.filter(|own| expires_at.is_some_and(|exp| own.is_none_or(|own| own > exp))).unwrap_or(expires_at);
        if let Some(issuer) = expected.issuer
            && members.get("iss").and_then(text).as_deref() != Some(issuer)
        {
            return Err(TokenError::Issuer);
        }
        if let Some(audience) = expected.audience
            && !members.get("aud").and_then(texts).is_some_and(|all| all.iter().any(|one| one == audience))
        {
            return Err(TokenError::Audience);
        }
        Ok(Self {
            id: members
                .get("jti")
                .and_then(text)
                .filter(|id| !id.is_empty() && !id.chars().any(char::is_control))
                .ok_or(TokenError::Claim("jti"))?
                .into_owned(),
            subject: members.get("sub").and_then(text).map(Cow::into_owned),
            issued_at: time("iat")?,
            expires_at,
            deadline,
            not_before: time("nbf")?,
            authenticated_at: time("auth_time")?,
            ttl: members.get("ttl").and_then(number).map(to_span).filter(|ttl| !ttl.is_zero()),
        })
    }

    /// Checks `nbf` and `exp` against the clock, each with `leeway` as grace.
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

/// A NumericDate (RFC 7519 section 2), seconds that may be fractional or absurd.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and absurd times are meant to")]
fn to_moment(seconds: f64) -> UnixMillis {
    UnixMillis::new((seconds * 1000.0).round() as i64)
}

/// A span in seconds, zero for a negative one.
fn to_span(seconds: f64) -> Duration {
    to_moment(seconds).since(UnixMillis::EPOCH)
}

/// The claims that JRS writes itself, in the order in which they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegisteredClaims<'s> {
    /// `jti`.
    pub id: &'s str,
    /// `iat`.
    pub issued_at: UnixMillis,
    /// `sub`; none where it is empty.
    pub owner: &'s str,
    /// `iss`.
    pub issuer: Option<&'s str>,
    /// `aud`.
    pub audience: Option<&'s str>,
    /// `exp`.
    pub expires_at: Option<UnixMillis>,
    /// The end that the session was given; written as `jrs_exp` where it is not `exp`.
    pub deadline: Option<UnixMillis>,
    /// `ttl`, a span.
    pub ttl: Option<Duration>,
    /// `auth_time`.
    pub authenticated_at: Option<UnixMillis>,
}

impl RegisteredClaims<'_> {
    /// The text of a payload: these claims, then the caller's.
    pub fn write(&self, caller: &CallerClaims<'_>) -> String {
        let mut json = String::with_capacity(160 + self.id.len() + self.owner.len() + caller.inner.len());
        json.push_str(r#"{"jti":"#);
        push_text(&mut json, self.id);
        push_name(&mut json, "iat");
        push_seconds(&mut json, self.issued_at);
        for (name, value) in [("sub", Some(self.owner)), ("iss", self.issuer), ("aud", self.audience)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                push_name(&mut json, name);
                push_text(&mut json, value);
            }
        }
        let ttl = self.ttl.map(|ttl| UnixMillis::EPOCH.plus(ttl));
        for (name, time) in [("exp", self.expires_at), ("ttl", ttl), ("auth_time", self.authenticated_at)] {
            if let Some(time) = time {
                push_name(&mut json, name);
                push_seconds(&mut json, time);
            }
        }
        if self.deadline != self.expires_at {
            push_name(&mut json, OWN_END);
            match self.deadline {
                Some(deadline) => push_seconds(&mut json, deadline),
                None => json.push_str("null"),
            }
        }
        if !caller.inner.is_empty() {
            json.push(',');
            json.push_str(caller.inner);
        }
        json.push('}');
        json
    }
}

fn push_name(json: &mut String, name: &str) {
    json.push_str(",\"");
    json.push_str(name);
    json.push_str("\":");
}

/// Appends a JSON string.
fn push_text(json: &mut String, text: &str) {
    // Almost no id or owner needs an escape, and then quotes are all it takes. All bytes are looked at, many at a time.
    if text.bytes().fold(false, |needs, byte| needs | (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
        json.push_str(&serde_json::Value::from(text).to_string());
    } else {
        json.push('"');
        json.push_str(text);
        json.push('"');
    }
}

/// Appends the seconds since the epoch, with a fraction only where there is one.
fn push_seconds(json: &mut String, time: UnixMillis) {
    let (seconds, fraction) = (time.as_i64().div_euclid(1000), time.as_i64().rem_euclid(1000));
    // A string takes all that is written to it.
    let _ = write!(json, "{seconds}");
    if fraction != 0 {
        let _ = write!(json, ".{fraction:03}");
        json.truncate(json.trim_end_matches('0').len());
    }
}

/// The claims that a caller adds to a token, checked but otherwise as they were given.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallerClaims<'c> {
    /// The members between the braces.
    inner: &'c str,
    /// The caller's `exp`.
    pub expires_at: Option<UnixMillis>,
}

/// Why a caller's claims cannot go into a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsError {
    /// No JSON object, or a name is given twice.
    NotAnObject,
    /// This claim is written by JRS alone.
    Reserved(&'static str),
    /// A claim's name differs from this one, which JRS reads, in case only.
    OtherSpelling(&'static str),
    /// This claim has to be a number of seconds.
    NotATime(&'static str),
    /// This claim lies beyond the year 9999.
    TooFar(&'static str),
}

impl<'c> CallerClaims<'c> {
    /// Checks `json`. `jti`, `iat`, `sub`, `ttl`, `auth_time` and `jrs_exp` are reserved, and `iss` and `aud` where the
    /// realm sets them; so are all of their other spellings in upper and lower case, and those of `exp`, `nbf`, `iss` and
    /// `aud`. `exp` and `nbf` must be numbers of seconds.
    pub fn read(json: &'c str, expected: ClaimRules<'_>) -> Result<Self, ClaimsError> {
        let members = Members::read(json.as_bytes()).map_err(|_| ClaimsError::NotAnObject)?;
        for (name, _) in members.iter() {
            match meaning(name, expected) {
                Meaning::Reserved(name) => return Err(ClaimsError::Reserved(name)),
                Meaning::OtherSpelling(name) => return Err(ClaimsError::OtherSpelling(name)),
                Meaning::Free => {}
            }
        }
        let read = |name| {
            move |value| match number(value).map(to_moment) {
                None => Err(ClaimsError::NotATime(name)),
                // A later one is in milliseconds, not seconds.
                Some(time) if time > UnixMillis::YEAR_9999 => Err(ClaimsError::TooFar(name)),
                Some(time) => Ok(time),
            }
        };
        let time = |name| members.get(name).map(read(name)).transpose();
        time("nbf")?;
        let inner = json
            .trim_ascii()
            .strip_prefix('{')
            .and_then(|json| json.strip_suffix('}'))
            .ok_or(ClaimsError::NotAnObject)?;
        Ok(Self { inner: inner.trim_ascii(), expires_at: time("exp")? })
    }
}

/// Whether a payload has a claim of that name, of whatever type.
pub fn has_claim(json: &[u8], name: &str) -> bool {
    Members::read(json).is_ok_and(|members| members.get(name).is_some())
}

/// The custom claims of a token that is to follow another one: those of the `old` payload, each until `new` gives it anew.
/// `exp` is left out, for it is no longer either's alone, and so is what a caller may not write: JRS does not sign a name
/// that only somebody else's key has signed. JSON text, to be [read](CallerClaims::read) like a caller's.
///
/// # Errors
/// [`ClaimsError::NotAnObject`] if one of the two is none.
pub fn carry_over_claims(old: &[u8], new: &str, expected: ClaimRules<'_>) -> Result<String, ClaimsError> {
    let read = |json| Members::read(json).map_err(|_| ClaimsError::NotAnObject);
    let (old, new) = (read(old)?, read(new.as_bytes())?);
    let given: HashSet<&str> = new.iter().map(|(name, _)| name).collect();
    let is_kept = |name: &str| !given.contains(name) && meaning(name, expected) == Meaning::Free;
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
