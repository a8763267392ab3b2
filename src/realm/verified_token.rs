//! A verified token, and the checks of it that depend on the time.

use std::{borrow::Cow, mem, sync::Arc, time::Duration};

use super::{Realm, SessionKey};
use crate::{
    session::{Lifetime, SessionId, UnixMillis},
    token::{Claims, TokenError},
};

/// A token whose signature and claims a realm has verified. [`check_time`](Self::check_time) checks its times.
#[derive(Debug)]
pub struct VerifiedToken {
    /// The claims that JRS reads. `id` is empty: `key` has it.
    pub claims: Claims,
    /// The payload, as JSON text.
    pub payload: Vec<u8>,
    /// Whether another issuer signed it, with a key of the realm's `foreign-keys-file`.
    pub is_foreign: bool,
    /// The session's key.
    pub key: SessionKey,
}

/// How far the start of a session may be ahead of the server's clock, at least. After a failover the clock of the new
/// server may be behind that of the old one, and a clock may be set back.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

impl VerifiedToken {
    /// The start of the session: the earliest of `auth_time`, `iat` and the time in a v7 id. Ignores times in the
    /// future, apart from a tolerance. `None` if no time is left.
    pub fn start(&self, now: UnixMillis) -> Option<UnixMillis> {
        let times = [self.claims.authenticated_at, self.claims.issued_at, self.key.id.created()];
        Lifetime::start(times, now, self.clock_tolerance())
    }

    /// When the user authenticated: `auth_time` or, without it, the start of the session. `None` for an anonymous
    /// session and if the time is unknown, such as an `auth_time` in the future, apart from a tolerance.
    pub fn authenticated_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        if self.owner().is_empty() {
            return None;
        }
        match self.claims.authenticated_at {
            Some(time) => Lifetime::start([Some(time), None, None], now, self.clock_tolerance()),
            None => self.start(now),
        }
    }

    /// Checks that the user authenticated at most `max_age` ago.
    pub fn check_authentication(&self, max_age: Duration, now: UnixMillis) -> Result<(), TokenError> {
        let is_recent = self.authenticated_at(now).is_some_and(|time| now.since(time) <= max_age);
        if is_recent { Ok(()) } else { Err(TokenError::StaleAuthentication) }
    }

    /// The owner: the token's `sub`, or "" without one.
    pub fn owner(&self) -> &str {
        self.claims.subject.as_deref().unwrap_or_default()
    }

    fn clock_tolerance(&self) -> Duration {
        self.key.realm.leeway.max(CLOCK_TOLERANCE)
    }

    /// The limits of the session's lifetime at `now`.
    pub fn lifetime(&self, now: UnixMillis) -> Lifetime {
        Lifetime {
            ttl: self.claims.ttl.unwrap_or_else(|| self.key.realm.sliding_ttl(self.owner())),
            deadline: Lifetime::deadline(self.start(now), self.key.realm.max_lifetime, self.claims.expires_at),
        }
    }

    /// Checks `nbf` and `exp`, then the age of the session. A realm with a `max-lifetime` or a `not-before` refuses a
    /// token without a known start.
    pub fn check_time(&self, now: UnixMillis) -> Result<(), TokenError> {
        self.claims.check_time(now, self.key.realm.leeway)?;
        let Realm { max_lifetime, not_before, .. } = *self.key.realm;
        if max_lifetime.is_none() && not_before.is_none() {
            return Ok(());
        }
        let start = self.start(now).ok_or(TokenError::NoStart)?;
        if not_before.is_some_and(|not_before| start < not_before) {
            return Err(TokenError::LoggedOut);
        }
        if max_lifetime.is_some_and(|longest| now >= start.plus(longest)) {
            return Err(TokenError::MaxLifetimeExceeded);
        }
        Ok(())
    }

    /// The token with this payload, which this realm has signed.
    ///
    /// # Errors
    /// As [`Claims::read`]: the rules of the realm may have changed.
    pub fn from_payload(realm: Arc<Realm>, payload: Vec<u8>) -> Result<Self, TokenError> {
        let mut claims = Claims::read(&payload, realm.claim_rules())?;
        let id = SessionId::parse(realm.keyspace(), &mem::take(&mut claims.id));
        Ok(Self { claims, payload, is_foreign: false, key: SessionKey { realm, id } })
    }

    /// The id of the first session of the token's chain of rotations: its own without one.
    pub fn chain(&self) -> Cow<'_, SessionId> {
        let Some(claim) = &self.claims.chain else { return Cow::Borrowed(&self.key.id) };
        let keyspace = self.key.realm.keyspace();
        Cow::Owned(match (claim.strip_prefix(WHOLE_ID), self.key.id.owner()) {
            (Some(whole), _) => SessionId::parse(keyspace, whole),
            (None, Some(owner)) => SessionId::parse(keyspace, &["{", owner, "}:", claim].concat()),
            (None, None) => SessionId::parse(keyspace, claim),
        })
    }

    /// The memory that it allocates, in bytes, without the struct itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let owner = self.claims.subject.as_ref().map_or(0, String::len);
        let chain = self.claims.chain.as_ref().map_or(0, |chain| chain.len());
        self.payload.len() + self.key.name().len() + owner + chain
    }
}

/// In front of an id in `jrs_chain`, if the owner of the token's own id does not complete it.
const WHOLE_ID: &str = "id:";

/// The `jrs_chain` of a session's token, in a chain that begins with the session `first`.
pub fn chain_claim<'f>(first: &'f SessionId, session: &SessionId) -> Cow<'f, str> {
    let name = first.name_in_chain();
    // An id is as short as its UUID if nothing but the owner precedes it.
    if first.owner() == session.owner() && name.len() == 36 && first.created().is_some() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned([WHOLE_ID, first.as_str()].concat())
    }
}
