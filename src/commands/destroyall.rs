//! `JRS.DESTROYALL owner [EXCEPT token] [REALM name]`

use std::sync::Arc;

use super::common::{
    options::{REALM, once},
    owner_scope::OwnerScope,
    rotated,
    signature_command::{Prepared, SignatureCommand},
    verification::{RefusedToken, TimeCheck, Verification, VerificationOutcome, require_valid},
};
use crate::{
    error::Error,
    realm::Realms,
    redis::{Access, ArgRef, ArgType, Argument, Call, Ctx, Progress, SlicedJob, Spec},
    session::SessionName,
    state,
    store::{self, BulkDestroy, RemovalReason},
    token::{TokenError, could_be_token},
};

/// Destroys all sessions of an owner: "log out everywhere".
pub(super) struct DestroyAll;

impl SignatureCommand for DestroyAll {
    const SPEC: Spec = Spec {
        name: c"JRS.DESTROYALL",
        flags: c"write",
        summary: c"Destroys all sessions of an owner, except the one of a given token. Returns how many.",
        complexity: c"O(N) where N is the number of the owner's sessions",
        arguments: &[
            Argument::string(c"owner"),
            Argument::after(c"EXCEPT", c"token", ArgType::String).optional(),
            REALM,
        ],
        ..Spec::BASE
    };

    /// The owner, and the token of the session that stays.
    type Args<'c> = (OwnerScope, Option<ArgRef<'c>>);
    type Job = Option<Verification>;
    type Outcome = Option<VerificationOutcome>;
    const IN_SLICES: bool = true;

    fn read<'c>(call: &Call<'c>) -> Result<Self::Args<'c>, Error> {
        let mut except = None;
        let scope = OwnerScope::read(call, Access::Delete, |word, options| match word {
            b"EXCEPT" => once(&mut except, options.value()?),
            _ => Err(Error::Syntax),
        })?;
        Ok((scope, except))
    }

    fn prepare(_: &Call<'_>, realms: &Arc<Realms>, (_, except): &Self::Args<'_>) -> Result<Prepared<Self::Job>, Error> {
        Ok(match except.map(|token| Verification::begin(realms, token, None)) {
            Some(verification) => verification.prepared(Some),
            None => Prepared::Inline(None),
        })
    }

    fn compute(realms: &Arc<Realms>, job: Self::Job) -> Self::Outcome {
        job.map(|verification| verification.compute(realms))
    }

    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        (mut scope, _): Self::Args<'c>,
        verified: Self::Outcome,
    ) -> Result<(), Error> {
        let except = match verified {
            Some(verified) => {
                let result = verified.cached(realms);
                let result = result.and_then(|token| {
                    let refused = || RefusedToken::new(TokenError::WrongOwner, Some(&token.key.realm));
                    if scope.has(&token) { Ok(token) } else { Err(refused()) }
                });
                let now = state::now(call.ctx);
                let token = require_valid(result, TimeCheck::Enforce, now)?;
                let token = rotated::current(call, token, Access::Delete, now)?;
                SessionName::parse(token.key.name()).map(|name| name.uuid)
            }
            None => None,
        };
        scope.begin(call.ctx, None)?;
        let destroy = BulkDestroy::begin(call.ctx.database(), scope.prefix(), except);
        call.in_slices(DestroyJob { scope, destroy, destroyed: 0 })
    }

    /// Redacts every argument that may be a token, also one that is misplaced or malformed.
    fn redact(call: &Call<'_>) {
        let mut follows_except = false;
        for position in 1..call.args().len() {
            let argument = call.args().get(position).map(ArgRef::bytes).unwrap_or_default();
            if follows_except || could_be_token(argument) {
                call.redact(position);
            }
            follows_except = argument.eq_ignore_ascii_case(b"EXCEPT");
        }
    }
}

/// A running JRS.DESTROYALL. It destroys the sessions that existed when it began.
struct DestroyJob {
    scope: OwnerScope,
    destroy: Arc<BulkDestroy>,
    /// The number of destroyed sessions.
    destroyed: i64,
}

/// How many sessions one piece of the work destroys.
const PIECE: usize = 64;

impl SlicedJob for DestroyJob {
    type Error = Error;
    const WRITES: bool = true;

    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Error> {
        let problem = "the owner's slot is migrating: some sessions may be left, send the command again";
        let Some(page) = self.scope.page(ctx, PIECE, problem)? else { return Ok(Progress::Done) };
        for session in page.into_iter().filter(|session| self.destroy.covers(session.uuid)) {
            if ctx.open_no_touch(&session.key).is_some() {
                store::destroy(ctx, &self.scope.realm, &session.key, RemovalReason::Destroyed)?;
                self.destroyed += 1;
            }
        }
        Ok(Progress::More)
    }

    fn reply(&mut self, _: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress {
        out.reply_integer(self.destroyed);
        Progress::Done
    }
}

impl Drop for DestroyJob {
    fn drop(&mut self) {
        self.destroy.finish();
    }
}
