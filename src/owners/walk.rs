//! A walk over an owner's sessions, a few at a time: what others do in between does not disturb it.

use super::{index, prefix};
use crate::{
    error::Error,
    realm::Realm,
    redis::{Ctx, Member, Slot, Text},
    session::{Millis, SessionId},
};

/// A session that may be alive.
#[derive(Debug)]
pub struct Found {
    /// The name of its key.
    pub key: Text,
    /// Its UUID.
    pub uuid: Text,
    /// When it was created.
    pub created: Millis,
}

/// A walk, the oldest session first. A session that is there all the time is met once.
#[derive(Debug)]
pub struct Walk {
    prefix: Vec<u8>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The owner's index, behind the member that was met last.
    Index { set: Text, last: Option<Member> },
    /// What the slot held when the walk began.
    Slot(std::vec::IntoIter<Found>),
}

impl Walk {
    /// Begins at the oldest session.
    ///
    /// # Errors
    /// [`Error::WrongType`] where something else is in the index's place.
    pub fn begin(ctx: Ctx<'_>, realm: &Realm, owner: &str) -> Result<Self, Error> {
        let prefix = prefix(realm, owner);
        let source = if ctx.is_cluster_node() {
            Source::Slot(in_slot(ctx, &prefix)?.into_iter())
        } else {
            let set = index::name(realm, owner);
            ctx.open_set(&set)?;
            Source::Index { set, last: None }
        };
        Ok(Self { prefix, source })
    }

    /// How many sessions there may be at most, as far as that is known without looking at them.
    pub fn at_most(&self, ctx: Ctx<'_>) -> usize {
        match &self.source {
            Source::Index { set, .. } => ctx.open_set(set).ok().flatten().map_or(0, |set| set.len()),
            Source::Slot(found) => found.len(),
        }
    }

    /// Up to `count` more sessions; none at the end.
    pub fn next(&mut self, ctx: Ctx<'_>, count: usize) -> Vec<Found> {
        match &mut self.source {
            Source::Slot(found) => found.take(count).collect(),
            Source::Index { set, last } => {
                // Whoever put something else in the index's place has taken the index away.
                let Ok(Some(open)) = ctx.open_set(set) else { return Vec::new() };
                let members = open.members(last.as_ref(), count);
                drop(open);
                let found = |member: &Member| Found {
                    key: Text::new(&[&self.prefix, member.name.bytes()].concat()),
                    uuid: Text::new(member.name.bytes()),
                    created: member.score,
                };
                let found = members.iter().map(found).collect();
                *last = members.into_iter().last().or(last.take());
                found
            }
        }
    }

    /// Takes sessions that have ended out of the index.
    pub fn forget(&self, ctx: Ctx<'_>, ended: &[Text]) -> Result<(), Error> {
        match &self.source {
            Source::Index { set, .. } => ctx.remove_members(set, ended),
            Source::Slot(_) => Ok(()),
        }
    }
}

/// The owner's sessions in its slot, the oldest first.
fn in_slot(ctx: Ctx<'_>, prefix: &[u8]) -> Result<Vec<Found>, Error> {
    let keys = slot(ctx, prefix).and_then(|slot| ctx.keys_in_slot(&slot, ctx.count_keys_in_slot(&slot)?));
    let keys = keys.ok_or(Error::TryAgain("the cluster does not answer, nothing was done"))?;
    let found = |key: Text| {
        let uuid = str::from_utf8(key.bytes().strip_prefix(prefix)?).ok()?;
        let (created, uuid) = (SessionId::created_at(uuid)?, Text::new(uuid.as_bytes()));
        Some(Found { key, uuid, created })
    };
    let mut found: Vec<_> = keys.into_iter().filter_map(found).collect();
    found.sort_unstable_by(|one, other| (one.created, one.uuid.bytes()).cmp(&(other.created, other.uuid.bytes())));
    Ok(found)
}

/// The slot of an owner's sessions.
pub(super) fn slot(ctx: Ctx<'_>, prefix: &[u8]) -> Option<Slot> {
    ctx.slot_of(&Text::new(prefix))
}
