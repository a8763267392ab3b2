//! The index of an owner's sessions on a standalone server: a sorted set `<keyspace>{<owner>}`.
//!
//! Its members are the UUIDs, its scores the times of creation. It lives at least as long as its longest session. Sessions
//! that ended by themselves are forgotten as the index is used: a create looks at two members at random, a DESTROYALL at
//! all. So an entry means "may be alive", and whoever reads the index looks at the session itself.

use super::prefix;
use crate::{
    error::Error,
    realm::Realm,
    redis::{Ctx, Text},
    session::{Millis, SessionId},
};

/// A session's place in its owner's index.
#[derive(Debug)]
pub struct Place {
    set: Text,
    member: Text,
    created: Millis,
}

/// The name of an owner's index.
pub(super) fn name(realm: &Realm, owner: &str) -> Text {
    Text::new([realm.keyspace(), "{", owner, "}"].concat().as_bytes())
}

impl Place {
    /// The place of the session with this id; `None` in a cluster, and for ids without an owner.
    pub fn of(ctx: Ctx<'_>, realm: &Realm, id: &str) -> Option<Self> {
        let (owner, uuid) = SessionId::parts(id)?;
        if ctx.is_cluster_node() {
            return None;
        }
        let created = SessionId::created_at(id)?;
        Some(Self { set: name(realm, owner), member: Text::new(uuid.as_bytes()), created })
    }

    /// Errs where something else is in the index's place.
    pub fn check(&self, ctx: Ctx<'_>) -> Result<(), Error> {
        ctx.open_set(&self.set).map(drop)
    }

    /// Takes the session in, if it is not there, and lets the index live until `expiry` at least.
    ///
    /// `slack` is how much longer it may live at once, so that it need not be moved with each move of a session.
    pub fn keep(&self, ctx: Ctx<'_>, expiry: Millis, slack: Millis) -> Result<(), Error> {
        let set = ctx.open_set(&self.set)?;
        let is_new = set.is_none();
        let is_there = set.as_ref().is_some_and(|set| set.has(&self.member));
        let end = set.as_ref().and_then(|set| set.expiry());
        // An open key must not be changed.
        drop(set);
        if !is_there {
            ctx.add_member(&self.set, &self.member, self.created)?;
        }
        // An index that never expires was made so by hand.
        if is_new || end.is_some_and(|end| end < expiry) {
            ctx.expire_at(&self.set, expiry.saturating_add(slack))?;
        }
        Ok(())
    }

    /// Takes the session out.
    pub fn leave(&self, ctx: Ctx<'_>) -> Result<(), Error> {
        let is_there = ctx.open_set(&self.set)?.is_some_and(|set| set.has(&self.member));
        if is_there { ctx.remove_members(&self.set, std::slice::from_ref(&self.member)) } else { Ok(()) }
    }

    /// Forgets ended sessions among two members at random.
    pub fn prune(&self, ctx: Ctx<'_>, realm: &Realm, owner: &str) -> Result<(), Error> {
        if ctx.open_set(&self.set)?.is_none_or(|set| set.len() < 2) {
            return Ok(());
        }
        let prefix = prefix(realm, owner);
        let ended = |member: &Text| ctx.glance(&Text::new(&[&prefix, member.bytes()].concat())).is_none();
        let mut members = ctx.random_members(&self.set, 2);
        members.retain(ended);
        ctx.remove_members(&self.set, &members)
    }
}
