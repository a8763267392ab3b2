//! Which sessions `max-sessions` evicts when an owner gets one more.

use super::{IndexedSession, SessionCursor, index_follower};
use crate::{
    error::Error,
    realm::{Realm, owner_prefix},
    redis::Ctx,
    session::created_at,
    settings::MaxSessionsPolicy,
};

/// The oldest sessions of an owner that must be evicted before a new one. Empty without a limit. Changes nothing.
///
/// # Errors
/// [`Error::TooMany`] if the realm refuses the new session instead, [`Error::TryAgain`] while the index is incomplete or
/// some of the owner's sessions may be on another node.
pub(super) fn plan(ctx: Ctx<'_>, realm: &Realm, owner: &str) -> Result<Vec<IndexedSession>, Error> {
    let Some(most) = realm.max_sessions.filter(|_| !owner.is_empty()) else { return Ok(Vec::new()) };
    let (database, prefix) = (ctx.database(), owner_prefix(realm, owner));
    if ctx.is_cluster_node() && !ctx.holds_slot_of(&prefix) {
        return Err(Error::TryAgain("the owner's slot is migrating and max-sessions is set, nothing was done"));
    }
    if index_follower::with_complete(|index| index.count(database, &prefix))? < most {
        return Ok(Vec::new());
    }
    let rejects = realm.settings.max_sessions_policy == MaxSessionsPolicy::Reject;
    // Sessions that the realm's `not-before` refuses must not keep the owner from logging in again. Where the oldest
    // session is evicted, they go first.
    let is_refused = |session: &IndexedSession| {
        rejects && created_at(session.uuid).is_some_and(|created| realm.not_before.is_some_and(|time| created < time))
    };
    let mut cursor = SessionCursor::new(database, prefix, None);
    let mut alive = Vec::new();
    loop {
        let page = cursor.next(256)?;
        if page.is_empty() {
            break;
        }
        let counts = |session: &IndexedSession| !is_refused(session) && ctx.open_no_touch(&session.key).is_some();
        alive.extend(page.into_iter().filter(counts));
        if rejects && alive.len() >= most {
            return Err(Error::TooMany);
        }
    }
    alive.truncate((alive.len() + 1).saturating_sub(most));
    Ok(alive)
}
