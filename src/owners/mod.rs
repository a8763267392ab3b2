//! An owner's sessions: which there are, and how many there may be.
//!
//! On a standalone server an [index](index) says which, a sorted set beside them. On a cluster node it is the slot, which
//! holds all of an owner's sessions, and where an extra key would be in the way when the slot moves.
#![forbid(unsafe_code)]

mod endings;
mod index;
mod walk;

pub use endings::Ending;
pub use index::Place;
pub use walk::{Found, Walk};

use crate::{
    error::Error,
    realm::Realm,
    redis::{Ctx, Level, Text, log},
    settings::Policy,
};

/// What the keys of an owner's sessions begin with; the rest is the UUID.
pub fn prefix(realm: &Realm, owner: &str) -> Vec<u8> {
    [realm.keyspace(), "{", owner, "}:"].concat().into_bytes()
}

/// Warns where the server may throw away an index to save memory: then lists and limits no longer see all sessions.
pub fn warn_of_eviction(ctx: Ctx<'_>) {
    match ctx.info_field(c"memory", c"maxmemory_policy") {
        Some(policy) if policy != "noeviction" && !ctx.is_cluster_node() => log(
            Level::Warning,
            &format!(
                "maxmemory-policy {policy} may evict the index of an owner's sessions: JRS.LIST, JRS.DESTROYALL and \
                 jrs.max-sessions see all sessions only under noeviction"
            ),
        ),
        _ => {}
    }
}

/// What has to go before an owner may have one more session.
#[derive(Debug, Default)]
pub struct InTheWay {
    /// The oldest sessions, as many as are too many.
    pub surplus: Vec<Found>,
    /// UUIDs in the index whose sessions have ended by themselves.
    ended: Vec<Text>,
    walk: Option<Walk>,
}

impl InTheWay {
    /// Looks at the owner's sessions where the realm limits their number; nothing is changed.
    ///
    /// # Errors
    /// [`Error::TooMany`] where the realm would rather refuse the new one.
    pub fn find(ctx: Ctx<'_>, realm: &Realm, owner: &str) -> Result<Self, Error> {
        let Some(most) = realm.max_sessions.filter(|_| !owner.is_empty()) else { return Ok(Self::default()) };
        let mut walk = Walk::begin(ctx, realm, owner, false)?;
        if walk.at_most(ctx) < most {
            return Ok(Self::default());
        }
        let rejects = realm.settings.max_sessions_policy == Policy::Reject;
        let (mut surplus, mut ended) = (Vec::new(), Vec::new());
        while let Some(found) = walk.next(ctx, 256)? {
            for found in found {
                if ctx.glance(&found.key).is_some() { surplus.push(found) } else { ended.push(found.uuid) }
            }
            if rejects && surplus.len() >= most {
                return Err(Error::TooMany);
            }
        }
        surplus.truncate((surplus.len() + 1).saturating_sub(most));
        Ok(Self { surplus, ended, walk: Some(walk) })
    }

    /// Whether each session of the index was looked at.
    pub const fn has_seen_all(&self) -> bool {
        self.walk.is_some()
    }

    /// Takes sessions that have ended by themselves out of the index.
    pub fn forget_ended(&self, ctx: Ctx<'_>) -> Result<(), Error> {
        self.walk.as_ref().map_or(Ok(()), |walk| walk.forget(ctx, &self.ended))
    }
}
