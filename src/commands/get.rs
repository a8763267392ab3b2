//! `JRS.GET [key] token` and `JRS.PEEK [key] token`

use super::common::{
    authentication::{AuthenticatedSession, Requirements, TokenCommand, seconds_until},
    live_session::{Extension, LiveSession},
    options::{KEY, TOKEN},
    token_args::nothing_follows,
    verification::TimeCheck,
};
use crate::{
    error::Error,
    metrics::COUNTERS,
    redis::{Access, Argument, Call, Intent, Spec},
    session::etag,
};

const ARGUMENTS: &[Argument] = &[KEY, TOKEN];

/// Returns the session of a token and extends it.
pub(super) struct Get;

impl TokenCommand for Get {
    const SPEC: Spec = Spec {
        name: c"JRS.GET",
        summary: c"Verifies a token, returns its session (id, owner, data, claims, ttl, etag) and extends it.",
        complexity: c"O(N) where N is the size of the data",
        arguments: ARGUMENTS,
        ..Spec::BASE
    };

    const REQUIREMENTS: Requirements = requirements(Access::ReadAndTouch);

    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        // If the server began to refuse writes during the client's wait, the session is read but not extended.
        let may_extend = call.revalidate(&session.key, Intent::Write).is_ok();
        reply(call, session, if may_extend { Extension::Required } else { Extension::Never })
    }
}

/// `JRS.GET` with `get-requires-write no`: the server runs it also while it refuses writes.
///
/// The server delays a command with the flag `may-replicate` while writes are paused, as one with `write`.
pub(super) struct GetWithoutWrite;

impl TokenCommand for GetWithoutWrite {
    const SPEC: Spec = Spec { flags: c"may-replicate fast", ..<Get as TokenCommand>::SPEC };

    const REQUIREMENTS: Requirements = <Get as TokenCommand>::REQUIREMENTS;

    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        if call.ctx.is_read_only() {
            return Err(Error::ReadOnly);
        }
        reply(call, session, Extension::IfAllowed)
    }
}

/// Returns the session of a token without extending it.
pub(super) struct Peek;

impl TokenCommand for Peek {
    const SPEC: Spec = Spec {
        name: c"JRS.PEEK",
        flags: c"readonly fast",
        summary: c"Verifies a token and returns its session without extending it; works on replicas.",
        complexity: c"O(N) where N is the size of the data",
        arguments: ARGUMENTS,
        ..Spec::BASE
    };

    const REQUIREMENTS: Requirements = requirements(Access::Read);

    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        reply(call, session, Extension::Never)
    }
}

const fn requirements(access: Access) -> Requirements {
    Requirements { after: 0, access, time: TimeCheck::Enforce, intent: Intent::Read }
}

/// Replies with the session, or null. First extends it, as `extension` says.
fn reply(call: &Call<'_>, session: &AuthenticatedSession<'_>, extension: Extension) -> Result<(), Error> {
    nothing_follows(session.rest)?;
    let ctx = call.ctx;
    let live = match LiveSession::find(session)? {
        Some(live) => {
            // Data that cannot be read must not extend the session.
            if live.is_due(extension) {
                live.data()?;
            }
            live.extend(extension)?
        }
        None => None,
    };
    let Some(live) = live else {
        ctx.reply_null();
        return Ok(());
    };
    let data = live.data()?;
    COUNTERS.read.count();
    ctx.reply_map(6);
    ctx.reply_bytes("id");
    ctx.reply_bytes(session.token.key.id.as_str());
    ctx.reply_bytes("owner");
    ctx.reply_bytes(session.owner());
    ctx.reply_bytes("data");
    ctx.reply_bytes(&data);
    ctx.reply_bytes("claims");
    ctx.reply_bytes(&session.token.payload);
    ctx.reply_bytes("ttl");
    ctx.reply_integer(seconds_until(live.end(), session.now));
    ctx.reply_bytes("etag");
    ctx.reply_bytes(etag(&data));
    Ok(())
}
