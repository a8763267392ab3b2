//! `JRS.ROTATE [key] token [CLAIMS json] [OWNER owner] [REAUTH] [GRACE milliseconds]`

mod options;

use std::sync::Arc;

use options::RotateOptions;

use super::common::{
    authentication::{AuthenticatedSession, Requirements},
    issuing::{UnsignedToken, sign},
    options::{CLAIMS, KEY, TOKEN},
    rotation_chain::chain_change,
    signature_command::{Prepared, SignatureCommand},
    token_args::TokenArgs,
    verification::{TimeCheck, Verification, VerificationOutcome},
};
use crate::{
    error::Error,
    realm::{Realms, VerifiedToken},
    redis::{Access, ArgType, Argument, Call, Intent, RedisString, Spec},
    store::{self, BulkDestroy},
    threads::Lane,
};

/// Gives a session a new id and a new token. The old ones stop working at once, or when their grace ends. This prevents
/// session fixation.
pub(super) struct Rotate;

impl SignatureCommand for Rotate {
    const SPEC: Spec = Spec {
        name: c"JRS.ROTATE",
        flags: c"write deny-oom fast",
        summary:
            c"Gives a session a new id and returns its new token. With GRACE the old token still works for that time.",
        complexity: c"O(N) where N is the size of the data and the claims",
        tips: Some(c"nondeterministic_output"),
        arguments: &[
            KEY,
            TOKEN,
            CLAIMS,
            Argument::after(c"OWNER", c"owner", ArgType::String).optional(),
            Argument::word(c"reauth", c"REAUTH").optional(),
            Argument::after(c"GRACE", c"milliseconds", ArgType::Integer).optional(),
        ],
        ..Spec::BASE
    };

    type Args<'c> = TokenArgs<'c>;
    type Job = Job;
    type Outcome = Outcome;

    fn read<'c>(call: &Call<'c>) -> Result<TokenArgs<'c>, Error> {
        TokenArgs::find(call, 0)
    }

    fn prepare(call: &Call<'_>, realms: &Arc<Realms>, args: &TokenArgs<'_>) -> Result<Prepared<Job>, Error> {
        let options = RotateOptions::read(call, realms, args.rest)?;
        let verification = Verification::begin(realms, args.token, args.key);
        let mut job = Job { verification, options, in_grace_of: None };
        match &job.verification {
            Verification::Slow(..) => Ok(Prepared::Slow(Lane::Verify, job)),
            Verification::Done(Ok(token)) if !token.is_foreign && token.key.realm.signs_slowly() => {
                // A refused token, and a token without a session, must not cost a slow signature.
                let session = AuthenticatedSession::authorize(call, *args, REQUIREMENTS, Ok(Arc::clone(token)))?;
                if session.open()?.is_some() {
                    job.in_grace_of = session.is_in_grace.then_some(session.token);
                    return Ok(Prepared::Slow(Lane::Sign, job));
                }
                call.ctx.reply_null();
                Ok(Prepared::Replied)
            }
            Verification::Done(_) => Ok(Prepared::Inline(job)),
        }
    }

    fn compute(realms: &Arc<Realms>, Job { verification, options, in_grace_of }: Job) -> Outcome {
        let verified = verification.compute(realms);
        let signed = match (in_grace_of, &verified.result) {
            (Some(current), Ok(_)) => Some(Signed::new(realms, &options, current, true)),
            (None, Ok(token)) => Some(Signed::new(realms, &options, Arc::clone(token), false)),
            (_, Err(_)) => None,
        };
        Outcome { verified, options, signed }
    }

    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: TokenArgs<'c>,
        Outcome { verified, options, signed }: Outcome,
    ) -> Result<(), Error> {
        let result = verified.cached(realms);
        let session = AuthenticatedSession::authorize(call, args, REQUIREMENTS, result)?;
        if session.lifetime().target(session.now) <= session.now {
            call.ctx.reply_null();
            return Ok(());
        }
        let is_of_session = |signed: &Signed| signed.of.key.id == session.token.key.id;
        // Another rotation came first, and this signature is of no use.
        let signed = signed
            .filter(is_of_session)
            .unwrap_or_else(|| Signed::new(realms, &options, Arc::clone(&session.token), session.is_in_grace));
        match signed.token {
            SignedToken::Current(token) => reply_with_current(call, &session, token?),
            SignedToken::Successor(signed) => {
                let (successor, token) = *signed?;
                rotate(call, &session, &options, &successor, token)
            }
        }
    }
}

/// A token to sign.
#[derive(Debug)]
pub(super) struct Job {
    /// The verification of the old token.
    verification: Verification,
    options: RotateOptions,
    /// The current token of the session, if the old one is in grace.
    in_grace_of: Option<Arc<VerifiedToken>>,
}

/// A signed token.
#[derive(Debug)]
pub(super) struct Outcome {
    verified: VerificationOutcome,
    options: RotateOptions,
    /// `None` if the old token is refused.
    signed: Option<Signed>,
}

/// The token for the reply.
#[derive(Debug)]
struct Signed {
    /// The token of the session that it was signed for.
    of: Arc<VerifiedToken>,
    token: SignedToken,
}

#[derive(Debug)]
enum SignedToken {
    /// The current token, for a caller whose token is in grace: the session is not rotated again.
    Current(Result<Vec<u8>, Error>),
    /// The successor, and its token.
    Successor(Result<Box<(UnsignedToken, Vec<u8>)>, Error>),
}

impl Signed {
    /// Signs what the reply to a command on the session of `of` needs. Runs on any thread.
    fn new(realms: &Realms, options: &RotateOptions, of: Arc<VerifiedToken>, is_in_grace: bool) -> Self {
        let token = if is_in_grace && !options.ends_chain() {
            let payload = str::from_utf8(&of.payload).map_err(|_| Error::Other("internal error: bad payload".into()));
            SignedToken::Current(
                payload.and_then(|payload| sign(realms, &of.key.realm, &of.key.realm.settings.token_type, payload)),
            )
        } else {
            SignedToken::Successor(options.successor(realms, &of).map(Box::new))
        };
        Self { of, token }
    }
}

const REQUIREMENTS: Requirements =
    Requirements { after: 0, access: Access::Move, time: TimeCheck::Enforce, intent: Intent::WriteMayGrow };

/// Replies with the token of the session, which another client has rotated.
fn reply_with_current(call: &Call<'_>, session: &AuthenticatedSession<'_>, token: Vec<u8>) -> Result<(), Error> {
    let is_destroyed = BulkDestroy::covers_key(call.ctx.database(), session.key.bytes());
    if is_destroyed || session.open()?.is_none() {
        call.ctx.reply_null();
    } else {
        call.ctx.reply_bytes(token);
    }
    Ok(())
}

/// Replaces the session by its successor, and replies with the new token.
fn rotate(
    call: &Call<'_>,
    session: &AuthenticatedSession<'_>,
    options: &RotateOptions,
    successor: &UnsignedToken,
    token: Vec<u8>,
) -> Result<(), Error> {
    let ctx = call.ctx;
    let name = RedisString::new(successor.key.name());
    ctx.check_access(&name, Access::Create)?;
    // If the server cannot tell a slot, the command is refused: the new key could be in a slot of another node.
    let has_same_slot = || ctx.slot_of(&name).is_some_and(|slot| ctx.slot_of(&session.key) == Some(slot));
    if ctx.is_cluster_node() && !has_same_slot() {
        return Err(Error::CrossSlot);
    }
    // A session that a DESTROYALL has not reached yet counts as destroyed.
    let is_destroyed = BulkDestroy::covers_key(ctx.database(), session.key.bytes());
    let Some(key) = session.open()?.filter(|_| !is_destroyed) else {
        ctx.reply_null();
        return Ok(());
    };
    let lifetime = successor.lifetime;
    // The idle timer restarts for a user who has just authenticated, and if the new owner has another TTL.
    let expiry = if successor.restarts_idle_timer {
        lifetime.target(session.now)
    } else {
        lifetime.keep(session.now, store::expiry(&key))
    };
    let data = RedisString::new(&session.data(&key)?);
    drop(key);
    if expiry <= session.now {
        ctx.reply_null();
        return Ok(());
    }
    let realm = session.realm();
    let grace = options.keeps_chain(realm).then(|| options.grace(realm));
    let chain = chain_change(call, session, grace, (successor, expiry))?;
    let old = (&session.token.key, &session.key);
    store::replace_session(ctx, (&successor.key, &name), old, (&data, expiry), chain)?;
    ctx.reply_bytes(token);
    Ok(())
}
