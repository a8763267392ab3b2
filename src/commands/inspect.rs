//! `JRS.INSPECT [key] token`

use std::sync::Arc;

use super::common::{
    authentication::{Requirements, seconds_until},
    options::{KEY, TOKEN},
    rotated::{self, Successor},
    signature_command::{Prepared, SignatureCommand},
    token_args::{TokenArgs, nothing_follows},
    verification::{TimeCheck, Verification, VerificationOutcome, VerifyResult},
};
use crate::{
    error::Error,
    realm::{Realms, VerifiedToken},
    redis::{Access, Call, Ctx, Intent, RedisString, Spec},
    session::UnixMillis,
    state, store,
    token::{CompactJws, Header, base64url_decode},
};

/// Explains why a token is accepted or refused. A bad token is not an error here.
pub(super) struct Inspect;

impl SignatureCommand for Inspect {
    const SPEC: Spec = Spec {
        name: c"JRS.INSPECT",
        flags: c"readonly fast",
        summary: c"Explains a token: its contents, whether its session is alive, and why it is refused.",
        complexity: c"O(N) where N is the size of the token",
        arguments: &[KEY, TOKEN],
        ..Spec::BASE
    };

    type Args<'c> = TokenArgs<'c>;
    type Job = Verification;
    type Outcome = VerificationOutcome;

    fn read<'c>(call: &Call<'c>) -> Result<TokenArgs<'c>, Error> {
        let args = TokenArgs::find(call, 0)?;
        nothing_follows(args.rest).map(|()| args)
    }

    fn prepare(_: &Call<'_>, realms: &Arc<Realms>, args: &TokenArgs<'_>) -> Result<Prepared<Verification>, Error> {
        Ok(Verification::begin(realms, args.token, args.key).prepared(|verification| verification))
    }

    fn compute(realms: &Arc<Realms>, job: Verification) -> VerificationOutcome {
        job.compute(realms)
    }

    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: TokenArgs<'c>,
        verified: VerificationOutcome,
    ) -> Result<(), Error> {
        let session = SessionReport::find(call, realms, verified.cached(realms))?;
        let contents = Contents::read(args.token.bytes(), realms.max_token_size);
        reply(call.ctx, &session, &contents);
        // A refused token may be in the key's place: redact as for a command that fails.
        if session.problem.is_some() {
            call.redact_secrets();
        }
        Ok(())
    }
}

/// What the server knows about the token's session.
#[derive(Debug, Default)]
struct SessionReport {
    /// Why GET would refuse the token or find nothing.
    problem: Option<String>,
    /// Whether the token was rotated and is in grace. `key` and `ttl` are those of the successor.
    is_in_grace: bool,
    /// The name of the realm. `None` if the token is not verified, like `key` and `ttl`.
    realm: Option<String>,
    /// The name of the session's key.
    key: Option<Vec<u8>>,
    /// The seconds until the session expires. `None` if there is no session.
    ttl: Option<i64>,
    /// When the user authenticated. `None` for an anonymous session and if the time is unknown.
    authenticated_at: Option<UnixMillis>,
}

impl SessionReport {
    fn find(call: &Call<'_>, realms: &Realms, result: VerifyResult) -> Result<Self, Error> {
        let problem = |error: Error| error.reply();
        let verified = match result {
            Ok(verified) => verified,
            Err(refused) => {
                let error = refused.error;
                let without_keys = realms.lack_keys_for(error);
                let error = if without_keys { state::without_keys() } else { error.into() };
                return Ok(Self { problem: Some(problem(error)), ..Self::default() });
            }
        };
        // The rest of the reply is about the session's key, so the caller needs permission to read it.
        let key = RedisString::new(verified.key.name());
        call.ctx.check_access(&key, Access::Read)?;
        call.revalidate(&key, Intent::Read)?;
        let now = state::now(call.ctx);
        let expired = verified.check_time(now).err().map(|error| problem(error.into()));
        let mut report = Self::of(call, &verified, &key, now);
        if report.ttl.is_none() && expired.is_none() && report.problem.is_none() {
            match rotated::successor(call, &verified, REQUIREMENTS, now) {
                Ok(Some(Successor { token, key })) => {
                    report = Self { is_in_grace: true, ..Self::of(call, &token, &key, now) };
                }
                Ok(None) => {}
                Err(error) => report.problem = Some(problem(error)),
            }
        }
        let is_missing = report.problem.is_none() && report.ttl.is_none();
        let missing = is_missing.then(|| MISSING.to_owned());
        Ok(Self { problem: expired.or(report.problem).or(missing), ..report })
    }

    /// The report on a session. Neither `problem` nor `ttl` if the session does not exist.
    fn of(call: &Call<'_>, token: &VerifiedToken, key: &RedisString, now: UnixMillis) -> Self {
        let lifetime = token.lifetime(now);
        let (problem, ttl) = match call.ctx.open(key) {
            Ok(Some(key)) if lifetime.target(now) > now => {
                (None, Some(seconds_until(lifetime.keep(now, store::expiry(&key)), now)))
            }
            Ok(_) => (None, None),
            Err(refused) => (Some(Error::from(refused).reply()), None),
        };
        Self {
            problem,
            is_in_grace: false,
            realm: Some(token.key.realm.name.clone()),
            key: Some(token.key.name().to_vec()),
            ttl,
            authenticated_at: token.authenticated_at(now),
        }
    }
}

const MISSING: &str = "there is no such session: it has expired, was destroyed or never existed";
/// The reason for a token that works although its session was rotated.
const IN_GRACE: &str = "the session was rotated, and this token acts on its successor until the end of its grace";

/// For the successor of a session.
const REQUIREMENTS: Requirements =
    Requirements { after: 0, access: Access::Read, time: TimeCheck::Enforce, intent: Intent::Read };

/// The decoded token, as far as it can be read. Not verified.
#[derive(Debug, Default)]
struct Contents {
    /// The header, as JSON text.
    header: Option<Vec<u8>>,
    /// The payload, as JSON text.
    claims: Option<Vec<u8>>,
    /// The header's `alg`.
    algorithm: Option<String>,
    /// The header's `kid`.
    key_id: Option<String>,
}

impl Contents {
    /// Decodes a token of at most `max_size` bytes.
    fn read(token: &[u8], max_size: usize) -> Self {
        let Some(parts) =
            Some(token).filter(|token| token.len() <= max_size).and_then(|token| CompactJws::split(token).ok())
        else {
            return Self::default();
        };
        let json = |part| {
            let json = base64url_decode(part).ok()?;
            serde_json::from_slice::<serde::de::IgnoredAny>(&json)
                .is_ok_and(|_| str::from_utf8(&json).is_ok())
                .then_some(json)
        };
        let header = json(parts.header);
        let read = header.as_deref().and_then(|header| Header::read(header).ok());
        Self {
            claims: json(parts.payload),
            algorithm: read.as_ref().map(|read| read.algorithm.clone()),
            key_id: read.and_then(|read| read.key_id),
            header,
        }
    }
}

fn reply(ctx: Ctx<'_>, session: &SessionReport, contents: &Contents) {
    let bytes = |name: &str, value: Option<&[u8]>| {
        ctx.reply_bytes(name);
        value.map_or_else(|| ctx.reply_null(), |value| ctx.reply_bytes(value));
    };
    ctx.reply_map(10);
    ctx.reply_bytes("active");
    ctx.reply_integer(i64::from(session.problem.is_none()));
    let note = session.is_in_grace.then_some(IN_GRACE);
    bytes("reason", session.problem.as_deref().or(note).map(str::as_bytes));
    bytes("realm", session.realm.as_deref().map(str::as_bytes));
    bytes("alg", contents.algorithm.as_deref().map(str::as_bytes));
    bytes("kid", contents.key_id.as_deref().map(str::as_bytes));
    bytes("header", contents.header.as_deref());
    bytes("claims", contents.claims.as_deref());
    bytes("key", session.key.as_deref());
    ctx.reply_bytes("ttl");
    session.ttl.map_or_else(|| ctx.reply_null(), |ttl| ctx.reply_integer(ttl));
    ctx.reply_bytes("auth_time");
    let seconds = session.authenticated_at.map(|time| time.as_i64().div_euclid(1000));
    seconds.map_or_else(|| ctx.reply_null(), |seconds| ctx.reply_integer(seconds));
}
