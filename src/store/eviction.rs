//! What has to go before an owner may have one more session.

use super::{IndexedSession, SessionCursor, index_follower};
use crate::{
    error::Error,
    realm::{Realm, owner_prefix},
    redis::Ctx,
    settings::Policy,
};

/// The oldest sessions of an owner, as many as are too many with a new one where the realm limits their number. Nothing is
/// changed.
///
/// # Errors
/// [`Error::TooMany`] where the realm refuses the new one instead, [`Error::TryAgain`] while the owner's sessions are not known.
pub(super) fn plan(ctx: Ctx<'_>, realm: &Realm, owner: &str) -> Result<Vec<IndexedSession>, Error> {
    let Some(most) = realm.max_sessions.filter(|_| !owner.is_empty()) else { return Ok(Vec::new()) };
    let (database, prefix) = (ctx.database(), owner_prefix(realm, owner));
    if index_follower::with_complete(|index| index.count(database, &prefix))? < most {
        return Ok(Vec::new());
    }
    let rejects = realm.settings.max_sessions_policy == Policy::Reject;
    let mut cursor = SessionCursor::new(database, prefix, None);
    let mut alive = Vec::new();
    loop {
        let page = cursor.next(256)?;
        if page.is_empty() {
            break;
        }
        alive.extend(page.into_iter().filter(|session| ctx.open_no_touch(&session.key).is_some()));
        if rejects && alive.len() >= most {
            return Err(Error::TooMany);
        }
    }
    alive.truncate((alive.len() + 1).saturating_sub(most));
    Ok(alive)
}
