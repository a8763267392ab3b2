//! A session as the server stores it.
//!
//! Whatever is written to a session goes through here, so that its owner's index follows, those who listen are told, and
//! INFO counts. What can be refused is checked before the first write.

use std::time::Duration;

use crate::{
    counters::COUNTERS,
    error::Error,
    owners::{Ending, InTheWay, Place},
    realm::Realm,
    redis::{Ctx, Text},
    session::{OwnedId, SessionId, UnixMillis},
};

/// A session's place in the server: its realm, its id, its key.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'s> {
    /// The running call.
    pub ctx: Ctx<'s>,
    /// The realm that the session belongs to.
    pub realm: &'s Realm,
    /// The session's id.
    pub id: &'s str,
    /// The name of its key.
    pub key: &'s Text,
}

/// Why a session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody wanted it to: a logout.
    Destroyed,
    /// Its owner has more sessions than the realm allows.
    Evicted,
}

impl<'s> Stored<'s> {
    /// Writes a new session, and ends the owner's oldest ones where the realm allows no more.
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::WrongType`] for what is in the index's place, and for a key that exists.
    pub fn create(self, data: &Text, expiry: UnixMillis) -> Result<(), Error> {
        self.add(data, expiry, None)?;
        COUNTERS.created.count();
        self.ctx.announce_own(c"jrs.create", self.key);
        Ok(())
    }

    /// Writes this session in place of `old`, which ends in the same instant. Where it has another owner than the old one,
    /// it counts as new for the realm's limit.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn take_over(self, old: Stored<'_>, data: &Text, expiry: UnixMillis) -> Result<(), Error> {
        let owner = self.owned().map(|id| id.owner);
        if owner == old.owned().map(|id| id.owner) {
            let place = self.write(data, expiry, Some(old))?;
            self.tidy(place)?;
        } else {
            self.add(data, expiry, Some(old))?;
        }
        old.leave_index();
        COUNTERS.rotated.count();
        // Whoever follows the old key learns that it goes on elsewhere, and whoever follows the new one where it is from.
        self.ctx.announce_own(c"jrs.rotate", old.key);
        self.ctx.announce_own(c"jrs.rotate", self.key);
        Ok(())
    }

    /// Replaces the data of a session that exists.
    pub fn replace(self, data: &Text, expiry: UnixMillis) -> Result<(), Error> {
        self.ctx.replace(self.key, data, expiry)?;
        self.keep_in_index(expiry);
        COUNTERS.updated.count();
        self.ctx.announce_own(c"jrs.update", self.key);
        Ok(())
    }

    /// Moves the end of a session that exists.
    pub fn move_end(self, expiry: UnixMillis) -> Result<(), Error> {
        self.ctx.expire_at(self.key, expiry)?;
        self.keep_in_index(expiry);
        Ok(())
    }

    /// Ends a session that exists.
    pub fn end(self, reason: Reason) -> Result<(), Error> {
        self.delete()?;
        count_end(self.ctx, self.key, reason);
        Ok(())
    }

    /// Writes one more session of its owner, and deletes the one that it replaces.
    fn add(self, data: &Text, expiry: UnixMillis, old: Option<Stored<'_>>) -> Result<(), Error> {
        let owner = self.owned().map_or("", |id| id.owner);
        let in_the_way = InTheWay::find(self.ctx, self.realm, owner)?;
        let place = self.write(data, expiry, old)?;
        if in_the_way.has_seen_all() {
            in_the_way.forget_ended(self.ctx)?;
        } else {
            self.tidy(place)?;
        }
        for oldest in &in_the_way.surplus {
            let uuid = str::from_utf8(oldest.uuid.bytes()).unwrap_or_default();
            Stored { id: &SessionId::join(owner, uuid), key: &oldest.key, ..self }.end(Reason::Evicted)?;
        }
        Ok(())
    }

    /// Writes the session and its place in the index, and deletes the session that it replaces. Returns the place if it is
    /// not the only one.
    ///
    /// Other modules hear of all this at its end: by then no key is open, and the old session is gone.
    fn write(self, data: &Text, expiry: UnixMillis, old: Option<Stored<'_>>) -> Result<Option<Place>, Error> {
        let exists = || Error::Other("a key with the new session's name exists already, try again".into());
        let place = self.place();
        // Both keys are opened, and so looked at, before either is changed. The index comes first: one that has expired is
        // deleted by this, which others hear of.
        let index = place.as_ref().map(|place| place.open(self.ctx)).transpose()?;
        let vacant = self.ctx.vacant(self.key)?.ok_or_else(exists)?;
        let filled = vacant.fill(self.key, data, expiry)?;
        let entered = index.map(|index| index.enter(expiry, self.slack(expiry))).transpose()?;
        let deleted = old.map(|old| old.ctx.delete_silently(old.key)).transpose()?;
        Ending::spare(self.ctx.database(), self.key.bytes());
        let (entries, added) = entered.map_or((0, None), |(entries, added)| (entries, Some(added)));
        for written in [Some(filled), added, deleted].into_iter().flatten() {
            written.announce(self.ctx);
        }
        Ok(place.filter(|_| entries > 1))
    }

    /// Keeps an index from filling up with sessions that ended by themselves.
    fn tidy(self, place: Option<Place>) -> Result<(), Error> {
        place.map_or(Ok(()), |place| place.prune(self.ctx))
    }

    /// A session goes on without an index where something else has taken its place.
    fn keep_in_index(self, expiry: UnixMillis) {
        if let Some(place) = self.place() {
            let _ = place.keep(self.ctx, expiry, self.slack(expiry));
        }
    }

    fn delete(self) -> Result<(), Error> {
        self.ctx.delete(self.key)?;
        self.leave_index();
        Ok(())
    }

    /// As above: a logout works without an index.
    fn leave_index(self) {
        if let Some(place) = self.place() {
            let _ = place.leave(self.ctx);
        }
    }

    fn owned(self) -> Option<OwnedId<'s>> {
        OwnedId::read(self.id)
    }

    fn place(self) -> Option<Place> {
        Place::of(self.ctx, self.realm, self.owned()?)
    }

    /// As for the session's own end: it is not worth a write to move the index by less.
    fn slack(self, expiry: UnixMillis) -> Duration {
        self.realm.touch_interval.min(expiry.since(self.ctx.now()) / 10)
    }
}

/// Tells and counts that a session has ended.
pub fn count_end(ctx: Ctx<'_>, key: &Text, reason: Reason) {
    let (event, counter) = match reason {
        Reason::Destroyed => (c"jrs.destroy", &COUNTERS.destroyed),
        Reason::Evicted => (c"jrs.evict", &COUNTERS.evicted),
    };
    counter.count();
    ctx.announce_own(event, key);
}
