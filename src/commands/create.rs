//! `JRS.CREATE owner data [CLAIMS json] [EX s | PX ms | EXAT s | PXAT ms] [REALM name]`

use std::sync::Arc;

use super::options::{EX, Options, PX, Unit, once};
use crate::{
    counters::COUNTERS,
    error::Error,
    realm::{self, Realm, Realms},
    redis::{Access, Arg, Args, Argument, Call, Command, Intent, Kind, Resume, Routing, Spec, Text},
    session::{Lifetime, Millis, SessionId, check_json_object, check_owner},
    state,
    token::{CallerClaims, Expected, Key, Standard},
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
            Argument::after(c"CLAIMS", c"claims", Kind::String).optional(),
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
            Argument::after(c"REALM", c"realm", Kind::String).optional(),
        ],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let draft = Draft::read(call)?;
        if draft.signer()?.algorithm().is_slow() && call.may_wait() {
            let work = move || {
                let token = draft.sign();
                Box::new(move |call: &Call<'_>| {
                    // A key that was taken out of force meanwhile must not have signed: then all begins anew, at once.
                    if state::is_in_force(&draft.realms) {
                        return draft.finish(call, token?);
                    }
                    let draft = Draft::read(call)?;
                    draft.finish(call, draft.sign()?)
                }) as Resume
            };
            return call.offload(&mut state::workers(), work).inspect_err(|_| COUNTERS.busy.count());
        }
        draft.finish(call, draft.sign()?)
    }
}

/// A session that is about to be created: everything is checked but what depends on the moment of writing.
struct Draft {
    realms: Arc<Realms>,
    realm: Arc<Realm>,
    id: SessionId,
    /// The token's payload.
    payload: String,
    /// When the session's key expires if nobody uses it.
    expiry: Millis,
}

impl Draft {
    fn read(call: &Call<'_>) -> Result<Self, Error> {
        let (Some(owner), Some(data)) = (call.args().get(0), call.args().get(1)) else { return Err(Error::WrongArity) };
        let wanted = Wanted::read(call.args().skip(2))?;
        let owner = check_owner(owner.bytes()).map_err(Error::Owner)?;
        if owner.is_empty() && call.ctx.is_cluster_node() {
            return Err(Error::Cluster("a cluster node needs an owner to route by: pass any random string"));
        }
        let realms = state::realms()?;
        let name = wanted.realm.map_or(realm::DEFAULT.as_bytes(), Arg::bytes);
        let realm = Arc::clone(realms.named(name).ok_or(Error::UnknownRealm)?);
        if data.bytes().len() > realm.max_data_size {
            return Err(Error::TooBig("the data", "max-data-size"));
        }
        check_json_object(data.bytes()).map_err(|bad| Error::Data("the data", bad))?;
        let expected = realm.expected();
        let claims = match wanted.claims {
            Some(claims) => read_claims(claims, realms.max_token_size, expected)?,
            None => CallerClaims::default(),
        };
        if claims.expires_at.is_some() && wanted.deadline.is_some() {
            return Err(Error::Syntax);
        }

        let now = call.ctx.now();
        // The session begins when its token will say that it does: `iat` has whole seconds.
        let start = now - now.rem_euclid(1000);
        let lifetime = Lifetime {
            ttl: wanted.ttl.unwrap_or(realm.max_age),
            deadline: Lifetime::deadline(Some(start), realm.max_lifetime, wanted.deadline.or(claims.expires_at)),
        };
        let expiry = lifetime.target(now);
        if expiry <= now {
            return Err(Error::DeadlinePassed);
        }
        let id = SessionId::new(owner, state::new_uuid(now)?);
        // Services that verify a public-key token offline see its end in `exp` alone.
        let is_public = realm.signer().is_some_and(|key| key.algorithm().is_slow());
        let offline_end = lifetime.deadline.filter(|_| is_public && claims.expires_at.is_none());
        let payload = Standard {
            id: id.as_str(),
            issued_at: start,
            owner,
            issuer: expected.issuer,
            audience: expected.audience,
            expires_at: offline_end.or(wanted.deadline),
            ttl: wanted.ttl,
        }
        .write(&claims);
        Ok(Self { realms, realm, id, payload, expiry })
    }

    fn signer(&self) -> Result<&Key, Error> {
        self.realm.signer().ok_or(if self.realm.keys.keys().is_empty() {
            Error::WITHOUT_KEYS
        } else {
            Error::NoKeys("none of the realm's keys can sign: its key file needs a private key or a secret")
        })
    }

    fn sign(&self) -> Result<String, Error> {
        let token = self.signer()?.sign(&self.payload).ok_or(Error::Other("the token cannot be signed".into()))?;
        if token.len() > self.realms.max_token_size {
            return Err(Error::TooBig("the token", "max-token-size"));
        }
        Ok(token)
    }

    /// Writes the session and replies with its token.
    fn finish(&self, call: &Call<'_>, token: String) -> Result<(), Error> {
        let data = call.args().get(1).ok_or(Error::WrongArity)?;
        let key = Text::new(&self.realm.key_of(self.id.as_str()));
        call.ctx.check_access(&key, Access::Create)?;
        call.recheck(&key, Intent::Grow)?;
        if !call.ctx.create(&key, data, self.expiry)? {
            return Err(Error::Other("a key with the new session's name exists already, try again".into()));
        }
        COUNTERS.created.count();
        call.ctx.reply_bytes(token);
        Ok(())
    }
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
        if wanted.ttl.is_some() && wanted.deadline.is_some() { Err(Error::Syntax) } else { Ok(wanted) }
    }
}

fn read_claims<'c>(claims: Arg<'c>, longest: usize, expected: Expected<'_>) -> Result<CallerClaims<'c>, Error> {
    // Longer claims cannot fit into a token, and need not be parsed to find that out.
    if claims.bytes().len() > longest {
        return Err(Error::TooBig("the token", "max-token-size"));
    }
    let claims = check_json_object(claims.bytes()).map_err(|bad| Error::Data("the argument of CLAIMS", bad))?;
    CallerClaims::read(claims, expected).map_err(Error::Claims)
}
