//! `JRS.CREATE owner data [CLAIMS json] [EX s | PX ms | EXAT s | PXAT ms] [REALM name]`

use std::{sync::Arc, time::Duration};

use super::common::{
    data_redaction::redact_data,
    issuing::{TokenSpec, UnsignedToken, claims_text},
    options::{CLAIMS, EX, Options, PX, REALM, Unit, named_realm, new_owner, once},
    signature_command::{Prepared, SignatureCommand},
};
use crate::{
    error::Error,
    realm::Realms,
    redis::{Access, ArgRef, ArgType, Args, Argument, Call, Intent, RedisString, Spec},
    session::{UnixMillis, check_json_object},
    state, store,
    threads::Lane,
    token::CallerClaims,
};

/// Creates a session and issues its token.
pub(super) struct Create;

impl SignatureCommand for Create {
    const SPEC: Spec = Spec {
        name: c"JRS.CREATE",
        flags: c"write deny-oom fast",
        summary:
            c"Creates a session and returns its token. EX, PX: the session's sliding TTL. EXAT, PXAT: its deadline.",
        complexity: c"O(N) where N is the size of the data and the claims",
        tips: Some(c"nondeterministic_output"),
        arguments: &[
            Argument::string(c"owner"),
            Argument::string(c"data"),
            CLAIMS,
            Argument::one_of(
                c"expiration",
                &[
                    EX,
                    PX,
                    Argument::after(c"EXAT", c"unix-time-seconds", ArgType::UnixTime),
                    Argument::after(c"PXAT", c"unix-time-milliseconds", ArgType::UnixTime),
                ],
            )
            .optional(),
            REALM,
        ],
        ..Spec::BASE
    };

    type Args<'c> = Args<'c>;
    type Job = UnsignedToken;
    type Outcome = Result<(UnsignedToken, Vec<u8>), Error>;

    fn read<'c>(call: &Call<'c>) -> Result<Args<'c>, Error> {
        Ok(call.args())
    }

    fn prepare(call: &Call<'_>, realms: &Arc<Realms>, args: &Args<'_>) -> Result<Prepared<UnsignedToken>, Error> {
        let token = unsigned_token(call, realms, *args)?;
        if !token.key.realm.signs_slowly() {
            return Ok(Prepared::Inline(token));
        }
        // A user without the permission must not fill the queue, so the ACL is checked before.
        call.ctx.check_access(&RedisString::new(token.key.name()), Access::Create)?;
        Ok(Prepared::Slow(Lane::Sign, token))
    }

    fn compute(realms: &Arc<Realms>, token: UnsignedToken) -> Self::Outcome {
        let signed = token.sign(realms)?;
        Ok((token, signed))
    }

    fn finish<'c>(call: &Call<'c>, _: &Arc<Realms>, args: Args<'c>, outcome: Self::Outcome) -> Result<(), Error> {
        let (UnsignedToken { key, lifetime, .. }, token) = outcome?;
        let data = args.get(1).ok_or(Error::WrongArity)?;
        let name = RedisString::new(key.name());
        call.ctx.check_access(&name, Access::Create)?;
        call.revalidate(&name, Intent::WriteMayGrow)?;
        let now = state::now(call.ctx);
        let expiry = lifetime.target(now);
        if expiry <= now {
            return Err(Error::DeadlinePassed);
        }
        store::create(call.ctx, &key, &name, &data.to_redis_string(), expiry)?;
        call.ctx.reply_bytes(token);
        Ok(())
    }

    fn redact(call: &Call<'_>) {
        redact_data(call, 1..2, &[]);
    }
}

/// Builds the token, and checks everything that does not depend on the time of the write.
fn unsigned_token(call: &Call<'_>, realms: &Realms, args: Args<'_>) -> Result<UnsignedToken, Error> {
    let (Some(owner), Some(data)) = (args.get(0), args.get(1)) else { return Err(Error::WrongArity) };
    let options = CreateOptions::read(args.skip(2))?;
    let owner = new_owner(call, owner)?;
    let realm = named_realm(realms, options.realm)?;
    if data.bytes().len() > realm.max_data_size {
        return Err(Error::TooBig("the data", "max-data-size"));
    }
    check_json_object(data.bytes()).map_err(|bad| Error::Data("the data", bad))?;
    let claims = match options.claims {
        Some(claims) => CallerClaims::read(claims_text(claims, realms.max_token_size)?, realm.claim_rules())
            .map_err(Error::Claims)?,
        None => CallerClaims::default(),
    };
    if claims.expires_at.is_some() && options.deadline.is_some() {
        return Err(Error::Other(
            "'exp' in CLAIMS and EXAT or PXAT both set the deadline: pass only one of them".into(),
        ));
    }
    let now = state::now(call.ctx);
    let spec = TokenSpec {
        owner,
        uuid: state::new_uuid(now)?,
        now,
        start: now.whole_seconds(),
        is_rotated: false,
        restarts_idle_timer: true,
        ttl: options.ttl,
        deadline: options.deadline,
        chain: None,
    };
    UnsignedToken::new(realm, spec, &claims)
}

/// The options of JRS.CREATE.
#[derive(Debug, Default)]
struct CreateOptions<'c> {
    /// JSON text, not checked.
    claims: Option<ArgRef<'c>>,
    /// The session's own sliding TTL, of EX or PX.
    ttl: Option<Duration>,
    /// A fixed deadline, of EXAT or PXAT.
    deadline: Option<UnixMillis>,
    /// The name of the realm.
    realm: Option<ArgRef<'c>>,
}

impl<'c> CreateOptions<'c> {
    fn read(arguments: Args<'c>) -> Result<Self, Error> {
        let mut parsed = Self::default();
        Options::each(arguments, |word, options| match word {
            b"CLAIMS" => once(&mut parsed.claims, options.value()?),
            b"REALM" => once(&mut parsed.realm, options.value()?),
            b"EX" => once(&mut parsed.ttl, options.span(Unit::Seconds)?),
            b"PX" => once(&mut parsed.ttl, options.span(Unit::Milliseconds)?),
            b"EXAT" => once(&mut parsed.deadline, options.time(Unit::Seconds)?),
            b"PXAT" => once(&mut parsed.deadline, options.time(Unit::Milliseconds)?),
            _ => Err(Error::Syntax),
        })?;
        if parsed.ttl.is_some() && parsed.deadline.is_some() {
            return Err(Error::Other(
                "EX or PX cannot be combined with EXAT or PXAT: for both, put 'exp' into CLAIMS".into(),
            ));
        }
        Ok(parsed)
    }
}
