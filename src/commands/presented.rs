//! `[key] token`: how all commands on an existing session begin.

use std::sync::Arc;

use crate::{
    counters::COUNTERS,
    error::Error,
    realm::{Realm, Ticket},
    redis::{Access, Arg, Call, Entry, Text},
    session::{Lifetime, Millis},
    state,
    token::Refusal,
};

/// Whether a token has to be valid at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    /// `exp`, `nbf` and the session's age are checked.
    Now,
    /// They are not: a logout works with a token that has expired.
    Ever,
}

/// Where the token stands among a command's arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'c> {
    /// The key in front of the token.
    pub(super) key: Option<Arg<'c>>,
    pub(super) token: Arg<'c>,
    /// What follows the token.
    pub(super) rest: &'c [Arg<'c>],
}

/// A token that was presented, verified, and allowed to the calling user.
#[derive(Debug)]
pub(super) struct Presented<'c> {
    call: Call<'c>,
    pub(super) realm: Arc<Realm>,
    pub(super) ticket: Arc<Ticket>,
    /// The session's key.
    pub(super) key: Text,
    /// The moment that all of the command's times go by.
    pub(super) now: Millis,
    /// What follows the token.
    pub(super) rest: &'c [Arg<'c>],
}

impl<'c> Place<'c> {
    /// Finds the token and keeps it out of SLOWLOG and MONITOR. `after` is how many arguments must follow it.
    ///
    /// Argument 1 is the token if it begins with `ey`, as the base64url of every JSON header does, or if there are too
    /// few arguments for a key. A cluster node needs the key, which the command was routed by.
    pub(super) fn find(call: &Call<'c>, after: usize) -> Result<Self, Error> {
        let arguments = call.args();
        let (first, others) = arguments.split_first().ok_or(Error::WrongArity)?;
        if others.len() <= after || first.bytes().starts_with(b"ey") {
            call.redact(0);
            if call.ctx.is_cluster_node() {
                return Err(Error::Cluster(
                    "a cluster node needs the session's key in front of the token: the keyspace and the token's 'jti', \
                     such as sess:{owner}:uuid",
                ));
            }
            return Ok(Self { key: None, token: *first, rest: others });
        }
        call.redact(1);
        let (token, rest) = others.split_first().ok_or(Error::WrongArity)?;
        Ok(Self { key: Some(*first), token: *token, rest })
    }
}

impl<'c> Presented<'c> {
    /// Reads `[key] token`, verifies the token, and checks the user's permission on the session's key.
    #[inline]
    pub(super) fn read(call: &Call<'c>, after: usize, access: Access, validity: Validity) -> Result<Self, Error> {
        let place = Place::find(call, after)?;
        let realm = state::realm()?;
        if realm.keys.keys().is_empty() {
            return Err(Error::NoKeys(realm.without_keys));
        }
        let now = call.ctx.now();
        let ticket = admit(&realm, place, validity, now).inspect_err(|refusal| COUNTERS.count_refusal(*refusal))?;
        let key = place.key.map_or_else(|| Text::new(&ticket.key), Arg::to_text);
        call.ctx.check_access(&key, access)?;
        Ok(Self { call: *call, realm, ticket, key, now, rest: place.rest })
    }

    /// The session's key, open for reading; `None` if there is no such session.
    #[inline]
    pub(super) fn open(&self) -> Result<Option<Entry<'c>>, Error> {
        self.call.ctx.open(&self.key)
    }

    /// How long the session lives.
    #[inline]
    pub(super) fn lifetime(&self) -> Lifetime {
        self.realm.lifetime(&self.ticket)
    }

    /// The owner: the token's `sub`, "" where it has none.
    pub(super) fn owner(&self) -> &str {
        self.ticket.claims.subject.as_deref().unwrap_or_default()
    }

    /// Errs if anything follows the token.
    pub(super) fn nothing_follows(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Syntax) }
    }

    /// The seconds until `expiry`, rounded up.
    pub(super) fn seconds_until(&self, expiry: Millis) -> i64 {
        expiry.saturating_sub(self.now).max(0).saturating_add(999) / 1000
    }
}

/// Verifies a token against its realm, the clock, and the key that stands in front of it.
pub(super) fn admit(realm: &Realm, place: Place<'_>, validity: Validity, now: Millis) -> Result<Arc<Ticket>, Refusal> {
    let ticket = realm.verify(place.token.bytes())?;
    if place.key.is_some_and(|key| key.bytes() != ticket.key) {
        return Err(Refusal::WrongSession);
    }
    if validity == Validity::Now {
        realm.check_time(&ticket, now)?;
    }
    Ok(ticket)
}
