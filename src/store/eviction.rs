//! Which sessions `max-sessions` evicts when an owner gets one more.

use super::{IndexedSession, SessionCursor, expiry, index_follower};
use crate::{
    error::Error,
    realm::{Realm, owner_prefix},
    redis::Ctx,
    session::{UnixMillis, created_at},
    settings::MaxSessionsPolicy,
};

/// The sessions of an owner that must be evicted before a new one. Empty without a limit. Changes nothing.
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
    let policy = realm.settings.max_sessions_policy;
    let rejects = policy == MaxSessionsPolicy::Reject;
    // Sessions that the realm's `not-before` refuses must not keep the owner from logging in again, so they go first.
    let is_refused = |session: &IndexedSession| {
        created_at(session.uuid).is_some_and(|created| realm.not_before.is_some_and(|time| created < time))
    };
    let mut cursor = SessionCursor::new(database, prefix, None);
    let mut alive = Vec::new();
    loop {
        let page = cursor.next(256)?;
        if page.is_empty() {
            break;
        }
        for session in page {
            if rejects && is_refused(&session) {
                continue;
            }
            let Some(key) = ctx.open_no_touch(&session.key) else { continue };
            // Expiries are absolute, so the earliest one belongs to the session with the least time left.
            let expiry = expiry(&key).map_or(i64::MAX, UnixMillis::as_i64);
            alive.push((expiry, session));
        }
        if rejects && alive.len() >= most {
            realm.counters.too_many.count();
            return Err(Error::TooMany);
        }
    }
    if policy == MaxSessionsPolicy::EvictIdle {
        // The sort is stable: of sessions that expire together the oldest stays first.
        alive.sort_by_key(|(expiry, session)| (!is_refused(session), *expiry));
    }
    alive.truncate((alive.len() + 1).saturating_sub(most));
    Ok(alive.into_iter().map(|(_, session)| session).collect())
}
