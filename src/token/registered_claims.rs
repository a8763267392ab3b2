//! Writes the payload of a session token.

use std::{fmt::Write, time::Duration};

use super::{
    CallerClaims,
    claim_names::{CHAIN, SESSION_DEADLINE},
};
use crate::session::UnixMillis;

/// The claims that JRS writes, in this order.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegisteredClaims<'s> {
    /// `jti`.
    pub id: &'s str,
    /// `iat`.
    pub issued_at: UnixMillis,
    /// `sub`; left out if empty.
    pub owner: &'s str,
    /// `iss`.
    pub issuer: Option<&'s str>,
    /// `aud`.
    pub audience: Option<&'s str>,
    /// `exp`.
    pub expires_at: Option<UnixMillis>,
    /// The session's own deadline; written as `jrs_exp` if it is not `exp`.
    pub deadline: Option<UnixMillis>,
    /// `ttl`, a span.
    pub ttl: Option<Duration>,
    /// `auth_time`.
    pub authenticated_at: Option<UnixMillis>,
    /// `jrs_chain`.
    pub chain: Option<&'s str>,
}

impl RegisteredClaims<'_> {
    /// Writes a payload: these claims, then the caller's.
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
            push_name(&mut json, SESSION_DEADLINE);
            match self.deadline {
                Some(deadline) => push_seconds(&mut json, deadline),
                None => json.push_str("null"),
            }
        }
        if let Some(chain) = self.chain {
            push_name(&mut json, CHAIN);
            push_text(&mut json, chain);
        }
        caller.close(&mut json);
        json
    }
}

pub(super) fn push_name(json: &mut String, name: &str) {
    json.push_str(",\"");
    json.push_str(name);
    json.push_str("\":");
}

/// Appends a JSON string.
pub(super) fn push_text(json: &mut String, text: &str) {
    // Almost no id or owner needs an escape, so only quotes are added. The check reads many bytes at a time.
    if text.bytes().fold(false, |needs, byte| needs | (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
        json.push_str(&serde_json::Value::from(text).to_string());
    } else {
        json.push('"');
        json.push_str(text);
        json.push('"');
    }
}

/// Appends the seconds since the epoch, with a fraction if there is one.
pub(super) fn push_seconds(json: &mut String, time: UnixMillis) {
    let (seconds, fraction) = (time.as_i64().div_euclid(1000), time.as_i64().rem_euclid(1000));
    // Writing to a string never fails.
    let _ = write!(json, "{seconds}");
    if fraction != 0 {
        let _ = write!(json, ".{fraction:03}");
        json.truncate(json.trim_end_matches('0').len());
    }
}
