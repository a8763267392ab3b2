//! The index of an owner's sessions on a standalone server: a sorted set `<keyspace>{<owner>}`.
//!
//! Its members are the UUIDs, its scores the times of creation. It lives at least as long as its longest session. Sessions
//! that ended by themselves are forgotten as the index is used: a create looks at two members at random, a DESTROYALL at
//! all. So an entry means "may be alive", and whoever reads the index looks at the session itself.

use std::time::Duration;

use crate::{
    error::Error,
    realm::Realm,
    redis::{Adding, Ctx, Text, Written},
    session::{OwnedId, UnixMillis},
};

/// A session's place in its owner's index.
#[derive(Debug)]
pub struct Place {
    set: Text,
    member: Text,
    created: UnixMillis,
}

/// The name of an owner's index.
pub(super) fn name(realm: &Realm, owner: &str) -> Text {
    Text::new([realm.keyspace(), "{", owner, "}"].concat().as_bytes())
}

impl Place {
    /// The place of the session with this id; `None` in a cluster.
    pub fn of(ctx: Ctx<'_>, realm: &Realm, id: OwnedId<'_>) -> Option<Self> {
        (!ctx.is_cluster_node()).then(|| Self {
            set: name(realm, id.owner),
            member: Text::new(id.uuid.as_bytes()),
            created: id.created,
        })
    }

    /// Opens the index, to [enter](Entering::enter) a new session.
    ///
    /// # Errors
    /// [`Error::WrongType`] where something else is in its place.
    pub fn open<'c>(&self, ctx: Ctx<'c>) -> Result<Entering<'c, '_>, Error> {
        ctx.open_set_to_add(&self.set).map(|set| Entering { place: self, set })
    }

    /// Takes a session in that is not there, and lets the index live until `expiry` at least.
    ///
    /// `slack` is how much longer it may live at once, so that it need not be moved with each move of a session.
    pub fn keep(&self, ctx: Ctx<'_>, expiry: UnixMillis, slack: Duration) -> Result<(), Error> {
        let set = ctx.open_set(&self.set)?;
        let is_there = set.as_ref().is_some_and(|set| set.has(&self.member));
        let end = set.as_ref().and_then(|set| set.expiry());
        // An open key must not be changed.
        drop(set);
        if !is_there {
            let (_, added) = self.open(ctx)?.enter(expiry, slack)?;
            added.announce(ctx);
            return Ok(());
        }
        // An index that never expires was made so by hand.
        if end.is_some_and(|end| end < expiry) { ctx.expire_at(&self.set, expiry.plus(slack)) } else { Ok(()) }
    }

    /// Takes the session out.
    pub fn leave(&self, ctx: Ctx<'_>) -> Result<(), Error> {
        let is_there = ctx.open_set(&self.set)?.is_some_and(|set| set.has(&self.member));
        if is_there { ctx.remove_members(&self.set, std::slice::from_ref(&self.member)) } else { Ok(()) }
    }

    /// Forgets ended sessions among two members at random.
    pub fn prune(&self, ctx: Ctx<'_>) -> Result<(), Error> {
        // The index is named as what the sessions' keys begin with, up to the colon.
        let key = |uuid: &Text| Text::new(&[self.set.bytes(), b":", uuid.bytes()].concat());
        let mut members = ctx.random_members(&self.set, 2);
        members.retain(|uuid| ctx.glance(&key(uuid)).is_none());
        ctx.remove_members(&self.set, &members)
    }
}

/// An index that a session is about to enter.
#[derive(Debug)]
pub struct Entering<'c, 'p> {
    place: &'p Place,
    set: Adding<'c, 'p>,
}

impl<'p> Entering<'_, 'p> {
    /// Takes the session in; see [`Place::keep`]. Says how many there are then, dead ones included. The events are left to be
    /// announced.
    pub fn enter(self, expiry: UnixMillis, slack: Duration) -> Result<(usize, Written<'p>), Error> {
        self.set.add(&self.place.member, self.place.created, expiry, expiry.plus(slack))
    }
}
