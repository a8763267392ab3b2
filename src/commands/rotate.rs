//! `JRS.ROTATE [key] token [CLAIMS json] [OWNER owner] [REAUTH]`

use std::sync::Arc;

use uuid::Uuid;

use super::common::{
    authentication::{AuthenticatedSession, Requirements},
    issuing::{TokenSpec, UnsignedToken, claims_text},
    options::{CLAIMS, KEY, Options, TOKEN, new_owner, once},
    signature_command::{Prepared, SignatureCommand},
    token_args::TokenArgs,
    verification::{TimeCheck, Verification, VerificationOutcome},
};
use crate::{
    error::Error,
    realm::{Realms, VerifiedToken},
    redis::{Access, ArgType, Args, Argument, Call, Intent, RedisString, Spec},
    session::{UnixMillis, check_owner},
    state,
    store::{self, BulkDestroy},
    threads::Lane,
    token::{CallerClaims, carry_over_claims, has_claim},
};

/// Gives a session a new id and a new token. The old ones stop working at once. This prevents session fixation.
pub(super) struct Rotate;

impl SignatureCommand for Rotate {
    const SPEC: Spec = Spec {
        name: c"JRS.ROTATE",
        flags: c"write deny-oom fast",
        summary: c"Gives a session a new id and returns its new token. The old token is refused from then on.",
        complexity: c"O(N) where N is the size of the data and the claims",
        tips: Some(c"nondeterministic_output"),
        arguments: &[
            KEY,
            TOKEN,
            CLAIMS,
            Argument::after(c"OWNER", c"owner", ArgType::String).optional(),
            Argument::word(c"reauth", c"REAUTH").optional(),
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
        let job = (Verification::begin(realms, args.token, args.key), options);
        match &job.0 {
            Verification::Slow(..) => Ok(Prepared::Slow(Lane::Verify, job)),
            Verification::Done(Ok(token)) if !token.is_foreign && token.key.realm.signs_slowly() => {
                // A refused token, and a token without a session, must not cost a slow signature.
                let session = AuthenticatedSession::authorize(call, *args, REQUIREMENTS, Ok(Arc::clone(token)))?;
                if session.open()?.is_some() {
                    return Ok(Prepared::Slow(Lane::Sign, job));
                }
                call.ctx.reply_null();
                Ok(Prepared::Replied)
            }
            Verification::Done(_) => Ok(Prepared::Inline(job)),
        }
    }

    fn compute(realms: &Arc<Realms>, (verification, options): Job) -> Outcome {
        let verified = verification.compute(realms);
        let successor = verified.result.as_ref().ok().map(|token| options.successor(realms, token));
        (verified, successor)
    }

    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: TokenArgs<'c>,
        (verified, successor): Outcome,
    ) -> Result<(), Error> {
        let result = verified.cached(realms);
        let session = AuthenticatedSession::authorize(call, args, REQUIREMENTS, result)?;
        if session.lifetime().target(session.now) <= session.now {
            call.ctx.reply_null();
            return Ok(());
        }
        // Always present: `compute` builds a successor for every verified token.
        let (successor, token) = successor.ok_or(Error::Other("internal error: the new token is missing".into()))??;
        rotate(call, &session, &successor, token)
    }
}

/// The verification of the old token, and the options for its successor.
type Job = (Verification, RotateOptions);

/// The result for the old token and, if that is verified, its signed successor.
type Outcome = (VerificationOutcome, Option<Result<(UnsignedToken, Vec<u8>), Error>>);

const REQUIREMENTS: Requirements =
    Requirements { after: 0, access: Access::Move, time: TimeCheck::Enforce, intent: Intent::WriteMayGrow };

/// Replaces the session by its successor, and replies with the new token.
fn rotate(
    call: &Call<'_>,
    session: &AuthenticatedSession<'_>,
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
    store::replace_session(ctx, (&successor.key, &name), (&session.token.key, &session.key), &data, expiry)?;
    ctx.reply_bytes(token);
    Ok(())
}

/// The options for the successor, owned, because another thread may build and sign it.
#[derive(Debug)]
pub(super) struct RotateOptions {
    /// JSON text.
    claims: Option<String>,
    /// The new owner, if it changes.
    owner: Option<String>,
    /// Whether the user has just authenticated.
    reauth: bool,
    /// The UUID of the new session.
    uuid: Uuid,
    /// When the new token is issued.
    now: UnixMillis,
}

impl RotateOptions {
    fn read(call: &Call<'_>, realms: &Realms, arguments: Args<'_>) -> Result<Self, Error> {
        let (mut claims, mut owner, mut reauth) = (None, None, None);
        Options::each(arguments, |word, options| match word {
            b"CLAIMS" => once(&mut claims, options.value()?),
            b"OWNER" => once(&mut owner, options.value()?),
            b"REAUTH" => once(&mut reauth, ()),
            _ => Err(Error::Syntax),
        })?;
        let owner = owner.map(|owner| new_owner(call, owner)).transpose()?;
        let claims = claims.map(|claims| claims_text(claims, realms.max_token_size)).transpose()?;
        let now = state::now(call.ctx);
        Ok(Self {
            claims: claims.map(str::to_owned),
            owner: owner.map(str::to_owned),
            reauth: reauth.is_some(),
            uuid: state::new_uuid(now)?,
            now,
        })
    }

    /// Builds and signs the successor of a verified token. Runs on any thread.
    fn successor(&self, realms: &Realms, verified: &VerifiedToken) -> Result<(UnsignedToken, Vec<u8>), Error> {
        if verified.is_foreign {
            return Err(Error::Foreign(
                "the token is from another issuer and cannot be rotated: verify it with JRS.GET, \
                 then create a session with JRS.CREATE",
            ));
        }
        let realm = &verified.key.realm;
        let given = self.claims.as_deref().unwrap_or("{}");
        let new_deadline = CallerClaims::read(given, realm.claim_rules()).map_err(Error::Claims)?.expires_at;
        let claims = carry_over_claims(&verified.payload, given, realm.claim_rules()).map_err(Error::Claims)?;
        let claims = CallerClaims::read(&claims, realm.claim_rules()).map_err(Error::Claims)?;
        let owner = match &self.owner {
            Some(owner) => owner,
            None => current_owner(verified)?,
        };
        let start = if self.reauth {
            self.now.whole_seconds()
        } else {
            // An unknown start stays unknown. A later one would say that the user has just authenticated.
            verified.start(self.now).unwrap_or(UnixMillis::EPOCH)
        };
        // The expiry of a guest's session must not end that of the user.
        let other_ttl =
            verified.claims.ttl.is_none() && realm.sliding_ttl(owner) != realm.sliding_ttl(verified.owner());
        let spec = TokenSpec {
            owner,
            uuid: self.uuid,
            now: self.now,
            start,
            is_rotated: true,
            restarts_idle_timer: self.reauth || other_ttl,
            ttl: verified.claims.ttl,
            // A new deadline can only shorten the session.
            deadline: [verified.claims.deadline, new_deadline].into_iter().flatten().min(),
        };
        let successor = UnsignedToken::new(Arc::clone(realm), spec, &claims)?;
        let token = successor.sign(realms)?;
        Ok((successor, token))
    }
}

/// The current owner of the session. An error if the `sub` of a token that JRS did not issue cannot be an owner.
fn current_owner(verified: &VerifiedToken) -> Result<&str, Error> {
    const FOREIGN: Error = Error::Foreign("the token's 'sub' cannot be an owner: pass OWNER");
    match &verified.claims.subject {
        Some(subject) => check_owner(subject.as_bytes()).map_err(|_| FOREIGN),
        None if has_claim(&verified.payload, "sub") => Err(FOREIGN),
        None => Ok(""),
    }
}
