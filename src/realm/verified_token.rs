//! A token whose signature and claims hold, and what follows from them at a moment.

use std::time::Duration;

use super::SessionKey;
use crate::{
    session::{Lifetime, UnixMillis},
    token::{Claims, TokenError},
};

/// A token that belongs to a realm: signature and claims hold. Time has not been looked at.
#[derive(Debug)]
pub struct VerifiedToken {
    /// The claims that JRS reads, but for the id, which is kept once: in `key`.
    pub claims: Claims,
    /// The payload: JSON text.
    pub payload: Vec<u8>,
    /// Whether another issuer signed it, by a key of the realm's `foreign-keys-file`.
    pub is_foreign: bool,
    /// The session's key.
    pub key: SessionKey,
}

/// How far ahead of the server's clock the start of a session may lie, at least: the clocks of two
/// servers in a failover differ, and a clock may be set back.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

impl VerifiedToken {
    /// When the session began, as far as the token tells at this moment.
    pub fn start(&self, now: UnixMillis) -> Option<UnixMillis> {
        let times = [self.claims.authenticated_at, self.claims.issued_at, self.key.id.created()];
        Lifetime::start(times, now, self.key.realm.leeway.max(CLOCK_TOLERANCE))
    }

    /// How long the token's session lives, as of this moment.
    pub fn lifetime(&self, now: UnixMillis) -> Lifetime {
        Lifetime {
            ttl: self.claims.ttl.unwrap_or(self.key.realm.max_age),
            deadline: Lifetime::deadline(self.start(now), self.key.realm.max_lifetime, self.claims.expires_at),
        }
    }

    /// Checks the token against the clock: `nbf`, `exp`, then the age of its session, which must be known if it is limited.
    pub fn check_time(&self, now: UnixMillis) -> Result<(), TokenError> {
        self.claims.check_time(now, self.key.realm.leeway)?;
        let Some(longest) = self.key.realm.max_lifetime else { return Ok(()) };
        let start = self.start(now).ok_or(TokenError::NoStart)?;
        if now >= start.plus(longest) { Err(TokenError::MaxLifetimeExceeded) } else { Ok(()) }
    }

    /// The memory that it takes beside itself, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let owner = self.claims.subject.as_ref().map_or(0, String::len);
        self.payload.len() + self.key.name().len() + owner
    }
}
