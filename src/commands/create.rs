//! `JRS.CREATE owner data [CLAIMS json] [EX s | PX ms | EXAT s | PXAT ms] [REALM name]`

use std::sync::Arc;

use super::{
    options::{self, CLAIMS, EX, Options, PX, REALM, Unit, named_realm, once},
    signing::{Draft, Facts, claims_text, whole_seconds},
};
use crate::{
    counters::COUNTERS,
    error::Error,
    redis::{Access, Arg, Args, Argument, Call, Command, Intent, Kind, Resume, Routing, Spec, Text},
    session::{Millis, SessionId, check_json_object},
    state,
    stored::Stored,
    threads::{self, Lane},
    token::CallerClaims,
};

/// Creates a session and replies with its token.
#[derive(Debug)]
pub(super) struct Create;

impl Command for Create {
    const SPEC: Spec = Spec {
        name: c"JRS.CREATE",
        flags: c"write deny-oom fast",
        categories: c"write fast jrs",
        arity: -3,
        routing: Routing::ByFirstArgument { writes: true },
        summary: c"Creates a session and returns its token.",
        complexity: c"O(N) with N being the size of the data and the claims",
        since: c"0.1.0",
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
                    Argument::after(c"EXAT", c"unix-time-seconds", Kind::UnixTime),
                    Argument::after(c"PXAT", c"unix-time-milliseconds", Kind::UnixTime),
                ],
            )
            .optional(),
            REALM,
        ],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let draft = draft(call)?;
        if draft.realm.signs_slowly() && call.may_wait() {
            // Checked first: a user without the permission must not fill the queue.
            call.ctx.check_access(&Text::new(&draft.realm.key_of(&draft.id)), Access::Create)?;
            let work = move || {
                let token = draft.sign();
                Box::new(move |call: &Call<'_>| {
                    // A key that was taken out of force meanwhile must not have signed: then all begins anew, at once.
                    if state::is_in_force(&draft.realms) {
                        return finish(call, &draft, token?);
                    }
                    let draft = self::draft(call)?;
                    finish(call, &draft, draft.sign()?)
                }) as Resume
            };
            return call
                .offload(&mut threads::pool(), Lane::Sign, work)
                .inspect_err(|_| COUNTERS.count_busy(Lane::Sign));
        }
        finish(call, &draft, draft.sign()?)
    }
}

/// Checks everything but what depends on the moment of writing.
fn draft(call: &Call<'_>) -> Result<Draft, Error> {
    let (Some(owner), Some(data)) = (call.args().get(0), call.args().get(1)) else { return Err(Error::WrongArity) };
    let wanted = Wanted::read(call.args().skip(2))?;
    let owner = options::owner(owner)?;
    if owner.is_empty() && call.ctx.is_cluster_node() {
        return Err(Error::Cluster("a cluster node needs an owner to route by: pass any random string"));
    }
    let realms = state::realms()?;
    let realm = named_realm(&realms, wanted.realm)?;
    if data.bytes().len() > realm.max_data_size {
        return Err(Error::TooBig("the data", "max-data-size"));
    }
    check_json_object(data.bytes()).map_err(|bad| Error::Data("the data", bad))?;
    let claims = match wanted.claims {
        Some(claims) => {
            CallerClaims::read(claims_text(claims, realms.max_token_size)?, realm.expected()).map_err(Error::Claims)?
        }
        None => CallerClaims::default(),
    };
    if claims.expires_at.is_some() && wanted.deadline.is_some() {
        return Err(Error::Other(
            "both 'exp' in CLAIMS and EXAT or PXAT give the deadline: leave one of them out".into(),
        ));
    }
    let now = call.ctx.now();
    let facts = Facts {
        owner,
        id: SessionId::new(owner, state::new_uuid(now)?).into(),
        now,
        start: whole_seconds(now),
        is_rotated: false,
        begins_anew: true,
        ttl: wanted.ttl,
        deadline: wanted.deadline,
    };
    Draft::new(Arc::clone(&realms), realm, facts, &claims)
}

/// Writes the session and replies with its token.
fn finish(call: &Call<'_>, draft: &Draft, token: String) -> Result<(), Error> {
    let data = call.args().get(1).ok_or(Error::WrongArity)?;
    let key = Text::new(&draft.realm.key_of(&draft.id));
    call.ctx.check_access(&key, Access::Create)?;
    call.recheck(&key, Intent::Grow)?;
    let now = call.ctx.now();
    let expiry = draft.lifetime.target(now);
    if expiry <= now {
        return Err(Error::DeadlinePassed);
    }
    Stored { ctx: call.ctx, realm: &draft.realm, id: &draft.id, key: &key }.create(&data.to_text(), expiry)?;
    call.ctx.reply_bytes(token);
    Ok(())
}

/// The options of the command.
#[derive(Debug, Default)]
struct Wanted<'c> {
    claims: Option<Arg<'c>>,
    /// The session's own sliding TTL.
    ttl: Option<Millis>,
    /// A fixed deadline.
    deadline: Option<Millis>,
    realm: Option<Arg<'c>>,
}

impl<'c> Wanted<'c> {
    fn read(arguments: Args<'c>) -> Result<Self, Error> {
        let mut wanted = Self::default();
        let mut options = Options::new(arguments);
        while let Some(word) = options.word() {
            match word.as_slice() {
                b"CLAIMS" => once(&mut wanted.claims, options.value()?)?,
                b"REALM" => once(&mut wanted.realm, options.value()?)?,
                b"EX" => once(&mut wanted.ttl, options.time(Unit::Seconds)?)?,
                b"PX" => once(&mut wanted.ttl, options.time(Unit::Milliseconds)?)?,
                b"EXAT" => once(&mut wanted.deadline, options.time(Unit::Seconds)?)?,
                b"PXAT" => once(&mut wanted.deadline, options.time(Unit::Milliseconds)?)?,
                _ => return Err(Error::Syntax),
            }
        }
        if wanted.ttl.is_some() && wanted.deadline.is_some() {
            return Err(Error::Other(
                "EX or PX cannot be given with EXAT or PXAT: for both, put 'exp' into CLAIMS".into(),
            ));
        }
        Ok(wanted)
    }
}
