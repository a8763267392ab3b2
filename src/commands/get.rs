//! `JRS.GET [key] token [MAXAUTHAGE s] [COMPACT]`, and `JRS.PEEK` with the same arguments.

use std::time::Duration;

use super::common::{
    authentication::{AuthenticatedSession, Requirements, TokenCommand, seconds_until},
    live_session::{Extension, LiveSession},
    options::{KEY, Options, TOKEN, once},
    verification::TimeCheck,
};
use crate::{
    error::Error,
    redis::{Access, ArgType, Args, Argument, Call, Intent, Spec},
    session::etag,
};

const ARGUMENTS: &[Argument] = &[
    KEY,
    TOKEN,
    Argument::after(c"MAXAUTHAGE", c"seconds", ArgType::Integer).optional(),
    Argument::word(c"compact", c"COMPACT").optional(),
];

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
    let options = if session.rest.is_empty() { ReadOptions::default() } else { ReadOptions::read(session.rest)? };
    let ctx = call.ctx;
    let mut saves_touch = false;
    let live = match LiveSession::find(session)? {
        Some(live) => {
            if let Some(max_age) = options.max_auth_age {
                session.require_recent_authentication(max_age)?;
            }
            match live.due().filter(|_| extension != Extension::Never) {
                Some(expiry) => {
                    // Data that cannot be read must not extend the session.
                    live.data()?;
                    live.extend(expiry, extension)?
                }
                None => {
                    saves_touch = extension != Extension::Never && live.is_behind_target();
                    Some(live)
                }
            }
        }
        None => None,
    };
    let Some(live) = live else {
        session.realm().counters.null_reads.count();
        ctx.reply_null();
        return Ok(());
    };
    let data = live.data()?;
    let counters = &session.realm().counters;
    counters.read.count();
    if saves_touch {
        counters.touches_saved.count();
    }
    let id = session.token.key.id.as_str();
    let ttl = seconds_until(live.end(), session.now);
    if options.is_compact {
        ctx.reply_array(5);
        ctx.reply_bytes(id);
        ctx.reply_bytes(session.owner());
        ctx.reply_bytes(&data);
        ctx.reply_bytes(&session.token.payload);
        ctx.reply_integer(ttl);
        return Ok(());
    }
    ctx.reply_map(6);
    ctx.reply_bytes("id");
    ctx.reply_bytes(id);
    ctx.reply_bytes("owner");
    ctx.reply_bytes(session.owner());
    ctx.reply_bytes("data");
    ctx.reply_bytes(&data);
    ctx.reply_bytes("claims");
    ctx.reply_bytes(&session.token.payload);
    ctx.reply_bytes("ttl");
    ctx.reply_integer(ttl);
    ctx.reply_bytes("etag");
    ctx.reply_bytes(etag(&data));
    Ok(())
}

#[derive(Default)]
struct ReadOptions {
    /// How long ago the user may have authenticated.
    max_auth_age: Option<Duration>,
    /// Whether the reply is an array of the values, without their names and without the etag.
    is_compact: bool,
}

impl ReadOptions {
    fn read(arguments: Args<'_>) -> Result<Self, Error> {
        let (mut max_auth_age, mut compact) = (None, None);
        Options::each(arguments, |word, options| match word {
            b"MAXAUTHAGE" => once(&mut max_auth_age, options.max_auth_age()?),
            b"COMPACT" => once(&mut compact, ()),
            _ => Err(Error::Syntax),
        })?;
        Ok(Self { max_auth_age, is_compact: compact.is_some() })
    }
}
