//! `JRS.DESTROY [key] token`

use super::common::{
    authentication::{AuthenticatedSession, Requirements, TokenCommand},
    options::{KEY, TOKEN},
    token_args::nothing_follows,
    verification::TimeCheck,
};
use crate::{
    error::Error,
    redis::{Access, Call, Intent, Spec},
    store::{self, RemovalReason},
};

/// Destroys the session of a token: a logout.
pub(super) struct Destroy;

impl TokenCommand for Destroy {
    const SPEC: Spec = Spec {
        name: c"JRS.DESTROY",
        summary: c"Destroys a session, also with an expired token. Returns 1, or 0 if there is no such session.",
        arguments: &[KEY, TOKEN],
        ..Spec::BASE
    };

    const REQUIREMENTS: Requirements =
        Requirements { after: 0, access: Access::Delete, time: TimeCheck::Skip, intent: Intent::Write };

    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        nothing_follows(session.rest)?;
        let existed = session.open()?.is_some();
        if existed {
            store::destroy(call.ctx, session.realm(), &session.key, RemovalReason::Destroyed)?;
        }
        // An old token after its grace must not end the grace of others.
        if existed
            && session.token.claims.chain.is_some()
            && let Some(tombstone) = store::tombstone_name(call.ctx, &session.token)
        {
            store::delete_chain(call.ctx, &tombstone)?;
        }
        call.ctx.reply_integer(i64::from(existed));
        Ok(())
    }
}
