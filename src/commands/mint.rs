//! `JRS.MINT [key] token [EX s | PX ms] [AUDIENCE aud] [CLAIMS json]`

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::common::{
    authentication::{AuthenticatedSession, Requirements},
    issuing::{claims_text, sign},
    live_session::{Extension, LiveSession},
    options::{CLAIMS, EX, KEY, Options, PX, TOKEN, Unit, once},
    signature_command::{Prepared, SignatureCommand},
    token_args::TokenArgs,
    verification::{TimeCheck, Verification, VerificationOutcome},
};
use crate::{
    error::Error,
    realm::{Realm, Realms, VerifiedToken},
    redis::{Access, ArgRef, ArgType, Args, Argument, Call, Intent, Spec},
    session::UnixMillis,
    settings::{MAX_ACCESS_TOKEN_AGE, check_name},
    state,
    store::BulkDestroy,
    threads::Lane,
    token::{ACCESS_TOKEN, AccessClaims, CallerClaims, ClaimRules, read_access_claims},
};

/// Signs a short-lived access token (RFC 9068) of a session, for services that verify it without this server. Extends
/// the session as JRS.GET does, and stores nothing.
pub(super) struct Mint;

impl SignatureCommand for Mint {
    const SPEC: Spec = Spec {
        name: c"JRS.MINT",
        summary: c"Returns a short-lived access token of a session, for other services, and extends the session.",
        since: c"0.2.0",
        complexity: c"O(N) where N is the size of the claims",
        tips: Some(c"nondeterministic_output"),
        arguments: &[
            KEY,
            TOKEN,
            Argument::one_of(c"expiration", &[EX, PX]).optional(),
            Argument::after(c"AUDIENCE", c"audience", ArgType::String).optional(),
            CLAIMS,
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
        let options = MintOptions::read(realms, args.rest)?;
        let verification = Verification::begin(realms, args.token, args.key);
        let now = state::now(call.ctx);
        let token = match &verification {
            Verification::Done(Ok(token)) if token.key.realm.signs_slowly() => Arc::clone(token),
            _ => return Ok(verification.prepared(|verification| Job { verification, options, now, known: None })),
        };
        // A refused token, and a token without a session, must not cost a slow signature.
        let session = AuthenticatedSession::authorize(call, *args, REQUIREMENTS, Ok(token))?;
        let contents = options.contents(&session.token)?;
        let Some(live) = live_session(&session)? else {
            call.ctx.reply_null();
            return Ok(Prepared::Replied);
        };
        contents.subject()?;
        let known = Some((Arc::clone(&session.token), live.end_if_extended()));
        Ok(Prepared::Slow(Lane::Sign, Job { verification, options, now, known }))
    }

    fn compute(realms: &Arc<Realms>, Job { verification, options, now, known }: Job) -> Outcome {
        let verified = verification.compute(realms);
        let known = known.or_else(|| {
            // Without the session's key only the latest end is known. `finish` signs again if the session ends earlier.
            let token = verified.result.as_ref().ok()?;
            Some((Arc::clone(token), token.lifetime(now).target(now)))
        });
        // `finish` computes a fast signature, when it knows the session.
        let known = known.filter(|(token, _)| token.key.realm.signs_slowly());
        let signed = known.and_then(|(token, end)| {
            options.contents(&token).and_then(|contents| contents.sign(realms, now, end)).transpose()
        });
        (verified, options, signed)
    }

    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: TokenArgs<'c>,
        (verified, options, signed): Outcome,
    ) -> Result<(), Error> {
        let session = AuthenticatedSession::authorize(call, args, REQUIREMENTS, verified.cached(realms))?;
        let contents = options.contents(&session.token)?;
        let Some(live) = live_session(&session)? else {
            call.ctx.reply_null();
            return Ok(());
        };
        let end = live.end_if_extended();
        let signed = match signed.transpose()? {
            Some(signed) if signed.is_valid_for(&session, end) => Some(signed),
            // It is not signed yet, or the session ends earlier than was known before the wait.
            _ => contents.sign(realms, session.now, end)?,
        };
        let Some(signed) = signed else {
            call.ctx.reply_null();
            return Ok(());
        };
        if let Some(expiry) = live.due()
            && live.extend(expiry, Extension::Required)?.is_none()
        {
            call.ctx.reply_null();
            return Ok(());
        }
        session.realm().counters.minted.count();
        call.ctx.reply_bytes(signed.text);
        Ok(())
    }
}

const REQUIREMENTS: Requirements =
    Requirements { after: 0, access: Access::ReadAndTouch, time: TimeCheck::Enforce, intent: Intent::Write };

/// The session, unless a DESTROYALL that has not reached it yet covers it: such a session counts as destroyed.
fn live_session<'s, 'c>(session: &'s AuthenticatedSession<'c>) -> Result<Option<LiveSession<'s, 'c>>, Error> {
    let is_destroyed = BulkDestroy::covers_key(session.ctx().database(), session.key.bytes());
    Ok(LiveSession::find(session)?.filter(|_| !is_destroyed))
}

/// The input of `compute`.
#[derive(Debug)]
pub(super) struct Job {
    verification: Verification,
    options: MintOptions,
    /// The time of the command.
    now: UnixMillis,
    /// The token and the end of the session, if they are known before the wait.
    known: Option<(Arc<VerifiedToken>, UnixMillis)>,
}

/// The result for the session's token, and the access token if a slow signature was computed.
type Outcome = (VerificationOutcome, MintOptions, Option<Result<AccessToken, Error>>);

/// A signed access token.
#[derive(Debug)]
pub(super) struct AccessToken {
    /// The `sid`.
    session: String,
    /// The `exp`.
    expires_at: UnixMillis,
    text: Vec<u8>,
}

impl AccessToken {
    /// Whether it is still a token of this session, which ends at `end`, and has not expired during the wait.
    fn is_valid_for(&self, session: &AuthenticatedSession<'_>, end: UnixMillis) -> bool {
        self.session == session.token.key.id.as_str() && session.now < self.expires_at && self.expires_at <= end
    }
}

/// The options, owned, because another thread may build and sign the token.
#[derive(Debug)]
pub(super) struct MintOptions {
    /// The lifetime of the access token, of EX or PX.
    lifetime: Option<Duration>,
    audience: Option<String>,
    /// JSON text.
    claims: Option<String>,
    /// The `jti`.
    id: Uuid,
}

impl MintOptions {
    fn read(realms: &Realms, arguments: Args<'_>) -> Result<Self, Error> {
        let (mut lifetime, mut audience, mut claims) = (None, None, None);
        Options::each(arguments, |word, options| match word {
            b"EX" => once(&mut lifetime, options.span(Unit::Seconds)?),
            b"PX" => once(&mut lifetime, options.span(Unit::Milliseconds)?),
            b"AUDIENCE" => once(&mut audience, options.value()?),
            b"CLAIMS" => once(&mut claims, options.value()?),
            _ => Err(Error::Syntax),
        })?;
        Ok(Self {
            lifetime: lifetime.map(check_lifetime).transpose()?,
            audience: audience.map(check_audience).transpose()?.map(str::to_owned),
            claims: claims.map(|claims| claims_text(claims, realms.max_token_size)).transpose()?.map(str::to_owned),
            id: state::new_token_id()?,
        })
    }

    /// The contents of an access token of the session with this token. Checks what the session and its realm lack for
    /// one.
    fn contents<'o>(&'o self, token: &'o VerifiedToken) -> Result<Contents<'o>, Error> {
        if token.is_foreign {
            return Err(Error::Foreign(
                "the token is from another issuer, so JRS signs no access token for it: verify it with JRS.GET, then \
                 create a session with JRS.CREATE",
            ));
        }
        let realm: &Realm = &token.key.realm;
        let ClaimRules { issuer, audience, .. } = realm.claim_rules();
        let rules = ClaimRules { issuer, audience: self.audience.as_deref().or(audience), token_type: None };
        let claims = read_access_claims(self.claims.as_deref().unwrap_or("{}"), rules).map_err(Error::Claims)?;
        let lifetime = self.lifetime.unwrap_or(realm.access_token_age);
        Ok(Contents { token, rules, claims, lifetime, id: self.id })
    }
}

/// An access token without its times.
#[derive(Debug)]
struct Contents<'o> {
    /// The session's token.
    token: &'o VerifiedToken,
    /// The `iss` and `aud` that JRS writes.
    rules: ClaimRules<'o>,
    claims: CallerClaims<'o>,
    lifetime: Duration,
    id: Uuid,
}

impl Contents<'_> {
    /// The `sub`. The command finds the session first: null says more about a session that does not exist.
    fn subject(&self) -> Result<&str, Error> {
        let subject = self.token.claims.subject.as_deref().filter(|subject| !subject.is_empty());
        subject.ok_or(Error::Other(
            "an access token needs a user, and the session is anonymous: give it an owner with JRS.ROTATE".into(),
        ))
    }

    /// Signs the token of a session that ends at `end`. `None` if it would expire at once: `exp` is in whole seconds,
    /// and not after `end`. Runs on any thread.
    fn sign(&self, realms: &Realms, now: UnixMillis, end: UnixMillis) -> Result<Option<AccessToken>, Error> {
        let subject = self.subject()?;
        let expires_at = now.plus(self.lifetime).min(end).whole_seconds();
        if expires_at <= now {
            return Ok(None);
        }
        if self.claims.not_before.is_some_and(|not_before| not_before >= expires_at) {
            return Err(Error::Other(
                "the claim 'nbf' must be before the access token expires, or the token is never valid".into(),
            ));
        }
        let session = self.token.key.id.as_str();
        let payload = AccessClaims {
            id: self.id,
            issued_at: now.whole_seconds(),
            expires_at,
            issuer: self.rules.issuer,
            subject,
            audience: self.rules.audience,
            session,
            authenticated_at: self.token.authenticated_at(now).map(UnixMillis::whole_seconds),
        }
        .write(&self.claims);
        let text = sign(realms, &self.token.key.realm, ACCESS_TOKEN, &payload)?;
        Ok(Some(AccessToken { session: session.to_owned(), expires_at, text }))
    }
}

/// Checks the value of EX or PX.
fn check_lifetime(lifetime: Duration) -> Result<Duration, Error> {
    let bounds = Duration::from_secs(1)..=Duration::from_secs(MAX_ACCESS_TOKEN_AGE.unsigned_abs());
    if bounds.contains(&lifetime) {
        Ok(lifetime)
    } else {
        Err(Error::Other("invalid expire time: an access token lives 1 to 3600 seconds".into()))
    }
}

/// Checks the value of AUDIENCE, as the setting `audience`.
fn check_audience(audience: ArgRef<'_>) -> Result<&str, Error> {
    let text = str::from_utf8(audience.bytes()).ok().filter(|text| !text.is_empty() && check_name(text).is_ok());
    text.ok_or(Error::Other("AUDIENCE must be 1 to 1024 bytes of UTF-8 without control characters".into()))
}
