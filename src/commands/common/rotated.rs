//! Resolves a token whose session was rotated to the session's successor.

use std::sync::Arc;

use super::{
    authentication::Requirements,
    verification::{RefusedToken, TimeCheck, require_valid},
};
use crate::{
    error::Error,
    realm::{Realm, VerifiedToken, owner_prefix},
    redis::{Access, Call, Intent, RedisString},
    session::{ChainPlace, UnixMillis},
    store,
};

/// The token of the current session of a chain, and the name of that session's key.
#[derive(Debug)]
pub(in crate::commands) struct Successor {
    pub(in crate::commands) token: Arc<VerifiedToken>,
    pub(in crate::commands) key: RedisString,
}

/// Looks for the successor of a session whose key does not exist. `None` without a chain, without a living successor, or
/// after the end of the token's grace.
///
/// # Errors
/// [`Error::Reused`] if the token was used again after its grace: ends the chain if the command may write.
/// [`Error::TryAgain`] on a cluster node that does not hold the whole slot. Otherwise as for the successor's own token.
#[cold]
#[inline(never)]
pub(in crate::commands) fn successor(
    call: &Call<'_>,
    presented: &Arc<VerifiedToken>,
    requirements: Requirements,
    now: UnixMillis,
) -> Result<Option<Successor>, Error> {
    if presented.is_foreign {
        return Ok(None);
    }
    let ctx = call.ctx;
    let realm = &presented.key.realm;
    let Some(tombstone) = store::tombstone_name(ctx, presented) else { return Ok(None) };
    let Some(chain) = store::read_chain(ctx, realm, &tombstone) else {
        return none_unless_moving(call, presented);
    };
    let place = chain.place(presented.key.id.name_in_chain(), now);
    let detects_reuse = realm.settings.reuse_detection;
    match place {
        ChainPlace::Ended => return Err(Error::Reused),
        ChainPlace::Retired if !detects_reuse => return Ok(None),
        ChainPlace::Current => return none_unless_moving(call, presented),
        ChainPlace::InGrace | ChainPlace::Retired => {}
    }
    let token = VerifiedToken::from_payload(Arc::clone(realm), chain.payload().as_bytes().to_vec());
    let (key, latest_expiry) = match &token {
        Ok(token) => (RedisString::new(token.key.name()), token.lifetime(now).target(now)),
        Err(error) => return Err((*error).into()),
    };
    if ctx.open_no_touch(&key).is_none() {
        return none_unless_moving(call, presented);
    }
    if place == ChainPlace::Retired {
        if may_write(call, requirements.access) {
            store::end_reused_chain(ctx, realm, &key, (&tombstone, chain), latest_expiry)?;
        }
        return Err(Error::Reused);
    }
    let token = token.map(Arc::new).map_err(|error| RefusedToken::new(error, Some(realm)));
    let token = require_valid(token, requirements.time, now)?;
    call.check_access(&key, requirements.access)?;
    call.revalidate(&key, requirements.intent)?;
    Ok(Some(Successor { token, key }))
}

/// The session that a token acts on: the token's own, or its successor if the token is in grace. For a command that
/// needs only the token.
///
/// # Errors
/// As [`successor`].
pub(in crate::commands) fn current(
    call: &Call<'_>,
    token: Arc<VerifiedToken>,
    access: Access,
    now: UnixMillis,
) -> Result<Arc<VerifiedToken>, Error> {
    if call.ctx.open_no_touch(&RedisString::new(token.key.name())).is_some() {
        return Ok(token);
    }
    let requirements = Requirements { after: 0, access, time: TimeCheck::Enforce, intent: Intent::Write };
    Ok(successor(call, &token, requirements, now)?.map_or(token, |successor| successor.token))
}

/// Whether the command may end a chain: it is not a read-only command, and this is not a replica.
fn may_write(call: &Call<'_>, access: Access) -> bool {
    access != Access::Read && !call.ctx.is_replica()
}

/// No successor.
///
/// # Errors
/// [`Error::TryAgain`] if the tombstone or the session may be on another node.
fn none_unless_moving(call: &Call<'_>, token: &VerifiedToken) -> Result<Option<Successor>, Error> {
    if may_have_chain(token) && is_moving(call, token) {
        return Err(Error::TryAgain("the session's slot is migrating, and its token may have been rotated"));
    }
    Ok(None)
}

fn may_have_chain(token: &VerifiedToken) -> bool {
    let Realm { settings, .. } = &*token.key.realm;
    token.claims.chain.is_some() || settings.rotate_grace > 0 || settings.reuse_detection
}

/// Whether some keys of the session's slot may be on another node.
pub(in crate::commands) fn is_moving(call: &Call<'_>, token: &VerifiedToken) -> bool {
    let prefix = token.key.id.owner().map(|owner| owner_prefix(&token.key.realm, owner));
    call.ctx.is_cluster_node() && prefix.is_some_and(|prefix| !call.ctx.holds_slot_of(&prefix))
}
