//! Authenticates a token and authorizes the caller, before a command acts on the token's session.

use std::{borrow::Cow, cell::RefCell, sync::Arc, time::Duration};

use super::{
    rotated::{self, Successor},
    signature_command::{Prepared, SignatureCommand},
    token_args::TokenArgs,
    verification::{TimeCheck, Verification, VerificationOutcome, VerifyResult, require_valid},
};
use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::{Realm, Realms, VerifiedToken},
    redis::{Access, ArgRef, Args, Call, Ctx, Intent, RedisString, Spec, StringKey},
    session::{Lifetime, UnixMillis},
    state, store,
};

/// A command on the session of one token.
pub(in crate::commands) trait TokenCommand {
    /// See [`Command::SPEC`](crate::redis::Command::SPEC).
    const SPEC: Spec;
    /// What must hold before [`handle`](Self::handle) runs.
    const REQUIREMENTS: Requirements;

    /// Acts on the session and replies. On an error it has changed nothing and not replied.
    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error>;

    /// See [`SignatureCommand::redact`].
    fn redact(_: &Call<'_>) {}
}

/// What a command requires before it acts on a session.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Requirements {
    /// How many arguments must follow the token.
    pub(in crate::commands) after: usize,
    /// The permission on the session's key that the calling user needs.
    pub(in crate::commands) access: Access,
    /// Whether the token's times are checked.
    pub(in crate::commands) time: TimeCheck,
    /// What the command does with the session's key, for [`Call::revalidate`].
    pub(in crate::commands) intent: Intent,
}

impl<C: TokenCommand> SignatureCommand for C {
    const SPEC: Spec = <C as TokenCommand>::SPEC;
    type Args<'c> = TokenArgs<'c>;
    type Job = Verification;
    type Outcome = VerificationOutcome;

    #[inline]
    fn read<'c>(call: &Call<'c>) -> Result<TokenArgs<'c>, Error> {
        TokenArgs::find(call, C::REQUIREMENTS.after)
    }

    #[inline]
    fn prepare(_: &Call<'_>, realms: &Arc<Realms>, args: &TokenArgs<'_>) -> Result<Prepared<Verification>, Error> {
        Ok(Verification::begin(realms, args.token, args.key).prepared(|verification| verification))
    }

    #[inline]
    fn compute(realms: &Arc<Realms>, job: Verification) -> VerificationOutcome {
        job.compute(realms)
    }

    #[inline]
    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: TokenArgs<'c>,
        verified: VerificationOutcome,
    ) -> Result<(), Error> {
        let result = verified.cached(realms);
        C::handle(call, &AuthenticatedSession::authorize(call, args, C::REQUIREMENTS, result)?)
    }

    #[inline]
    fn redact(call: &Call<'_>) {
        <C as TokenCommand>::redact(call);
    }
}

/// A session whose token is verified and whose key the calling user may access. The session may not exist.
#[derive(Debug)]
pub(in crate::commands) struct AuthenticatedSession<'c> {
    call: Call<'c>,
    /// The session's token: the one of the successor for a token that is in grace after a rotation.
    pub(in crate::commands) token: Arc<VerifiedToken>,
    /// The name of the session's key.
    pub(in crate::commands) key: RedisString,
    /// The current time, for the whole command.
    pub(in crate::commands) now: UnixMillis,
    /// The arguments after the token.
    pub(in crate::commands) rest: Args<'c>,
    /// Whether the command's own token is an older one, in grace after a rotation.
    pub(in crate::commands) is_in_grace: bool,
    /// The session's key as `authorize` opened it, until the first [`open`](Self::open).
    opened: RefCell<Option<StringKey<'c>>>,
}

impl<'c> AuthenticatedSession<'c> {
    /// Checks the token's times, the user's permission, and what may have changed during a wait. Resolves a token that
    /// is in grace after a rotation to the successor.
    pub(in crate::commands) fn authorize(
        call: &Call<'c>,
        args: TokenArgs<'c>,
        requirements: Requirements,
        result: VerifyResult,
    ) -> Result<Self, Error> {
        let now = state::now(call.ctx);
        let token = require_valid(result, requirements.time, now)?;
        let key = args.key.map_or_else(|| RedisString::new(token.key.name()), ArgRef::to_redis_string);
        call.ctx.check_access(&key, requirements.access)?;
        call.revalidate(&key, requirements.intent)?;
        let opened = call.ctx.open(&key)?;
        let rest = args.rest;
        if opened.is_none()
            && let Some(Successor { token, key }) = rotated::successor(call, &token, requirements, now)?
        {
            return Ok(Self { call: *call, token, key, now, rest, is_in_grace: true, opened: RefCell::default() });
        }
        Ok(Self { call: *call, token, key, now, rest, is_in_grace: false, opened: RefCell::new(opened) })
    }

    /// The context of the command.
    #[inline]
    pub(in crate::commands) const fn ctx(&self) -> Ctx<'c> {
        self.call.ctx
    }

    /// The realm of the token.
    pub(in crate::commands) fn realm(&self) -> &Realm {
        &self.token.key.realm
    }

    /// Opens the session's key for reading. `None` if there is no such session.
    #[inline]
    pub(in crate::commands) fn open(&self) -> Result<Option<StringKey<'c>>, Error> {
        match self.opened.take() {
            Some(key) => Ok(Some(key)),
            None => Ok(self.call.ctx.open(&self.key)?),
        }
    }

    /// The session's data. `key` is the session's key, open.
    #[inline]
    pub(in crate::commands) fn data<'k>(&self, key: &'k StringKey<'_>) -> Result<Cow<'k, [u8]>, Error> {
        store::read_data(self.realm(), &self.key, key)
    }

    /// The limits of the session's lifetime. Its target may be in the past: `leeway` accepts a token for a while after
    /// the deadline, but the session has expired then.
    #[inline]
    pub(in crate::commands) fn lifetime(&self) -> Lifetime {
        self.token.lifetime(self.now)
    }

    /// Checks that the user authenticated at most `max_age` ago. Counts a refused token.
    pub(in crate::commands) fn require_recent_authentication(&self, max_age: Duration) -> Result<(), Error> {
        let outcome = self.token.check_authentication(max_age, self.now);
        Ok(outcome.inspect_err(|error| COUNTERS.count_refused_token(*error, Some(&self.realm().counters)))?)
    }

    /// The owner: the token's `sub`, or "" without one.
    pub(in crate::commands) fn owner(&self) -> &str {
        self.token.owner()
    }
}

/// The seconds from `now` until `expiry`, rounded up.
pub(in crate::commands) fn seconds_until(expiry: UnixMillis, now: UnixMillis) -> i64 {
    let left = expiry.since(now);
    left.as_secs().cast_signed() + i64::from(left.subsec_nanos() > 0)
}
