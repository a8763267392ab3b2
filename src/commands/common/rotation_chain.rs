//! The tombstone after a rotation, and after the expiry of its session moved.

use std::time::Duration;

use super::{authentication::AuthenticatedSession, issuing::UnsignedToken, rotated::is_moving};
use crate::{
    error::Error,
    redis::Call,
    session::{RotationChain, UnixMillis},
    store::{self, ChainChange},
};

/// How a rotation of `session` to `successor`, which expires at `expiry`, changes the tombstone of the chain. `grace` is
/// that of the old token; without one the rotation ends the chain.
pub(in crate::commands) fn chain_change(
    call: &Call<'_>,
    session: &AuthenticatedSession<'_>,
    grace: Option<Duration>,
    (successor, expiry): (&UnsignedToken, UnixMillis),
) -> Result<ChainChange, Error> {
    let (ctx, realm, now) = (call.ctx, session.realm(), session.now);
    let is_in_chain = session.token.claims.chain.is_some();
    let Some(grace) = grace else {
        let name = is_in_chain.then(|| store::tombstone_name(ctx, &session.token)).flatten();
        return Ok(name.map_or(ChainChange::None, ChainChange::Delete));
    };
    let name = store::tombstone_name(ctx, &session.token).ok_or(Error::CrossSlot)?;
    let former = store::read_chain(ctx, realm, &name);
    // A second tombstone with that name would make the migration of the slot fail.
    if is_in_chain && former.is_none() && is_moving(call, &session.token) {
        return Err(Error::TryAgain("the session's slot is migrating, nothing was done"));
    }
    let names = (session.token.key.id.name_in_chain(), successor.key.id.name_in_chain());
    let end = Some(now.plus(grace)).filter(|_| !grace.is_zero());
    let Some(chain) = RotationChain::rotated(former, names, successor.payload.clone(), now, end) else {
        realm.counters.too_many.count();
        return Err(Error::TooManyInGrace);
    };
    let detection_end = if realm.settings.reuse_detection { expiry } else { now };
    let expiry = chain.ends_with(detection_end);
    Ok(ChainChange::Write(name, chain, expiry))
}

/// Moves the expiry of the tombstone of a session's chain after the expiry of the session moved to `expiry`: the reuse of
/// a token is detected as long as the session can live. `accepts_writes` as for [`store::move_chain`].
#[inline]
pub(in crate::commands) fn move_tombstone(
    session: &AuthenticatedSession<'_>,
    expiry: UnixMillis,
    accepts_writes: bool,
) -> Result<(), Error> {
    if session.token.claims.chain.is_none() || !session.realm().settings.reuse_detection {
        return Ok(());
    }
    let (ctx, realm) = (session.ctx(), session.realm());
    match store::tombstone_name(ctx, &session.token) {
        Some(name) => store::move_chain(ctx, realm, &name, expiry, accepts_writes),
        None => Ok(()),
    }
}
