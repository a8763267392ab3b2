//! `JRS.UPDATE [key] token data [REPLACE | MERGE | PATCH] [IFMATCH etag] [KEEPTTL | EX s | PX ms]`

use std::time::Duration;

use super::common::{
    authentication::{AuthenticatedSession, Requirements, TokenCommand},
    data_redaction::redact_data,
    options::{EX, KEY, Options, PX, TOKEN, Unit, once},
    rotation_chain::move_tombstone,
    verification::TimeCheck,
};
use crate::{
    error::Error,
    redis::{Access, ArgRef, ArgType, Args, Argument, Call, Intent, RedisString, Spec},
    session::{PatchError, check_json_object, etag, merged, patched},
    store,
};

/// Changes the data of a session.
pub(super) struct Update;

impl TokenCommand for Update {
    const SPEC: Spec = Spec {
        name: c"JRS.UPDATE",
        flags: c"write deny-oom fast",
        summary: c"Changes the data of a session. Returns the new etag, or null if there is no such session.",
        complexity: c"O(N) where N is the size of the data",
        arguments: &[
            KEY,
            TOKEN,
            Argument::string(c"data"),
            Argument::one_of(
                c"mode",
                &[
                    Argument::word(c"replace", c"REPLACE"),
                    Argument::word(c"merge", c"MERGE"),
                    Argument::word(c"patch", c"PATCH"),
                ],
            )
            .optional(),
            Argument::after(c"IFMATCH", c"etag", ArgType::String).optional(),
            Argument::one_of(c"expiration", &[Argument::word(c"keepttl", c"KEEPTTL"), EX, PX]).optional(),
        ],
        ..Spec::BASE
    };

    const REQUIREMENTS: Requirements =
        Requirements { after: 1, access: Access::Update, time: TimeCheck::Enforce, intent: Intent::WriteMayGrow };

    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        let given = session.rest.get(0).ok_or(Error::WrongArity)?;
        let options = UpdateOptions::read(session.rest.skip(1))?;
        if options.mode != UpdateMode::Replace || options.if_match.is_some() {
            // The reply depends on the stored data, so the user needs permission to read it.
            call.ctx.check_access(&session.key, Access::ReadAndTouch)?;
        }
        let limit = session.realm().max_data_size;
        if given.bytes().len() > limit {
            return Err(Error::TooBig(options.mode.argument(), "max-data-size"));
        }
        if options.mode == UpdateMode::Replace {
            check_json_object(given.bytes()).map_err(|bad| Error::Data(options.mode.argument(), bad))?;
        }

        let Some(key) = session.open()? else {
            call.ctx.reply_null();
            return Ok(());
        };
        let lifetime = session.lifetime();
        let expiry = match options.ttl {
            Ttl::Slide => lifetime.target(session.now),
            Ttl::Keep => lifetime.keep(session.now, store::expiry(&key)),
            Ttl::Once(ttl) => lifetime.with_ttl(ttl).target(session.now),
        };
        if expiry <= session.now {
            call.ctx.reply_null();
            return Ok(());
        }
        if let Some(expected) = options.if_match
            && expected.bytes() != etag(&session.data(&key)?)
        {
            session.realm().counters.conflicts.count();
            return Err(not_an_etag(expected.bytes()).map_or(Error::Conflict, Error::NotAnEtag));
        }
        let data = match options.mode {
            UpdateMode::Replace => given.to_redis_string(),
            UpdateMode::Merge => changed_data(merged(&session.data(&key)?, given.bytes(), limit))?,
            UpdateMode::Patch => changed_data(patched(&session.data(&key)?, given.bytes(), limit))?,
        };
        let moves = store::expiry(&key) != Some(expiry);
        drop(key);
        store::update(call.ctx, session.realm(), &session.key, &data, expiry)?;
        if moves {
            move_tombstone(session, expiry, true)?;
        }
        call.ctx.reply_bytes(etag(data.bytes()));
        Ok(())
    }

    fn redact(call: &Call<'_>) {
        // The data is argument 3 if the session's key is given, and argument 2 otherwise.
        redact_data(call, 1..3, &[b"REPLACE", b"MERGE", b"PATCH", b"IFMATCH", b"KEEPTTL", b"EX", b"PX"]);
    }
}

/// The changed data, as a string of the server.
fn changed_data(changed: Result<String, PatchError>) -> Result<RedisString, Error> {
    changed.map(|data| RedisString::new(data.as_bytes())).map_err(Error::Patch)
}

/// Why these bytes cannot be an etag. `None` if they can.
fn not_an_etag(given: &[u8]) -> Option<&'static str> {
    match given {
        [b'W', b'/', ..] => Some("is a weak HTTP etag (W/ and quotes)"),
        [b'"' | b'\'', ..] | [.., b'"' | b'\''] => Some("is in quotes"),
        b"" => Some("is empty"),
        b"undefined" | b"null" | b"None" | b"nil" | b"false" | b"NaN" => Some("looks like an unset variable"),
        _ if given.len() != 16 => Some("is not 16 bytes long"),
        _ if given.iter().any(u8::is_ascii_uppercase) => Some("has uppercase letters"),
        _ if !given.iter().all(u8::is_ascii_hexdigit) => Some("is not hexadecimal"),
        _ => None,
    }
}

/// The options of JRS.UPDATE.
#[derive(Debug)]
struct UpdateOptions<'c> {
    mode: UpdateMode,
    /// The etag that the stored data must have.
    if_match: Option<ArgRef<'c>>,
    ttl: Ttl,
}

/// What the argument is, and how it changes the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UpdateMode {
    /// The new data.
    Replace,
    /// A merge patch (RFC 7396).
    Merge,
    /// A JSON Patch (RFC 6902).
    Patch,
}

impl UpdateMode {
    /// The name of the argument in errors.
    const fn argument(self) -> &'static str {
        match self {
            Self::Replace => "the data",
            Self::Merge | Self::Patch => "the change",
        }
    }
}

/// The new expiry of the session.
#[derive(Clone, Copy, Debug)]
enum Ttl {
    /// The session's full TTL from now.
    Slide,
    /// The current expiry, for KEEPTTL.
    Keep,
    /// This TTL from now, for EX or PX. The next read applies the session's own TTL again.
    Once(Duration),
}

impl<'c> UpdateOptions<'c> {
    fn read(arguments: Args<'c>) -> Result<Self, Error> {
        let (mut mode, mut if_match, mut ttl) = (None, None, None);
        Options::each(arguments, |word, options| match word {
            b"REPLACE" => once(&mut mode, UpdateMode::Replace),
            b"MERGE" => once(&mut mode, UpdateMode::Merge),
            b"PATCH" => once(&mut mode, UpdateMode::Patch),
            b"IFMATCH" => once(&mut if_match, options.value()?),
            b"KEEPTTL" => once(&mut ttl, Ttl::Keep),
            b"EX" => once(&mut ttl, Ttl::Once(options.span(Unit::Seconds)?)),
            b"PX" => once(&mut ttl, Ttl::Once(options.span(Unit::Milliseconds)?)),
            _ => Err(Error::Syntax),
        })?;
        Ok(Self { mode: mode.unwrap_or(UpdateMode::Replace), if_match, ttl: ttl.unwrap_or(Ttl::Slide) })
    }
}
