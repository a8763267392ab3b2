//! A walk over an owner's sessions, a few at a time: what others do in between does not disturb it.

use std::collections::BTreeSet;

use super::{index, prefix};
use crate::{
    error::Error,
    realm::Realm,
    redis::{Ctx, Member, SlotScan, Text},
    session::{SessionId, UnixMillis},
};

/// A session that may be alive.
#[derive(Debug)]
pub struct Found {
    /// The name of its key.
    pub key: Text,
    /// Its UUID.
    pub uuid: Text,
    /// When it was created.
    pub created: UnixMillis,
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
    /// A cluster node's slot, which is searched to the end before the first session is met.
    Slot { search: SlotScan, found: BTreeSet<(UnixMillis, Uuid)> },
}

/// A UUID as it is written in a key. It needs no allocation, so that many of them are freed at once in no time.
type Uuid = [u8; 36];

impl Walk {
    /// Begins at the oldest session; others may be served in between if it `may_pause`.
    ///
    /// # Errors
    /// [`Error::WrongType`] where something else is in the index's place, [`Error::TryAgain`] where a cluster node does not
    /// tell what it holds.
    pub fn begin(ctx: Ctx<'_>, realm: &Realm, owner: &str, may_pause: bool) -> Result<Self, Error> {
        let prefix = prefix(realm, owner);
        let source = if ctx.is_cluster_node() {
            Source::Slot { search: SlotScan::begin(ctx, &prefix, may_pause)?, found: BTreeSet::new() }
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
            Source::Slot { search, .. } => search.at_most(),
        }
    }

    /// Up to `count` more sessions, perhaps none; `None` at the end.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where a cluster node does not tell what it holds; no session was met then.
    pub fn next(&mut self, ctx: Ctx<'_>, count: usize) -> Result<Option<Vec<Found>>, Error> {
        let prefix = &self.prefix;
        let met =
            |uuid: &[u8], created| Found { key: Text::new(&[prefix, uuid].concat()), uuid: Text::new(uuid), created };
        let some: Vec<_> = match &mut self.source {
            Source::Slot { search, found } => {
                if let Some(keys) = search.step(ctx)? {
                    found.extend(keys.iter().filter_map(|key| uuid_of(key.bytes(), prefix)));
                    return Ok(Some(Vec::new()));
                }
                let some = std::iter::from_fn(|| found.pop_first()).take(count);
                some.map(|(created, uuid)| met(&uuid, created)).collect()
            }
            Source::Index { set, last } => {
                // Whoever put something else in the index's place has taken the index away.
                let Ok(Some(open)) = ctx.open_set(set) else { return Ok(None) };
                let members = open.members(last.as_ref(), count);
                drop(open);
                let some = members.iter().map(|member| met(member.name.bytes(), member.score)).collect();
                *last = members.into_iter().last().or(last.take());
                some
            }
        };
        Ok(Some(some).filter(|some| !some.is_empty()))
    }

    /// Takes sessions that have ended out of the index.
    pub fn forget(&self, ctx: Ctx<'_>, ended: &[Text]) -> Result<(), Error> {
        match &self.source {
            Source::Index { set, .. } => ctx.remove_members(set, ended),
            Source::Slot { .. } => Ok(()),
        }
    }
}

/// The UUID in a key of the owner's, and when it was made; `None` for a key that is no session's.
fn uuid_of(key: &[u8], prefix: &[u8]) -> Option<(UnixMillis, Uuid)> {
    let uuid = Uuid::try_from(key.strip_prefix(prefix)?).ok()?;
    Some((SessionId::created_at(str::from_utf8(&uuid).ok()?)?, uuid))
}
