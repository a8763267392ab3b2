//! `JRS.CREATE owner data [CLAIMS json] [EX s | PX ms | EXAT s | PXAT ms] [REALM name]`

use super::options::{EX, Options, PX, Unit, once};
use crate::{
    counters::COUNTERS,
    error::Error,
    realm,
    redis::{Access, Arg, Argument, Call, Command, Kind, Routing, Spec, Text},
    session::{Lifetime, Millis, SessionId, check_json_object, check_owner},
    state,
    token::{CallerClaims, Standard},
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
        let [owner, data, options @ ..] = call.args() else { return Err(Error::WrongArity) };
        let wanted = Wanted::read(options)?;
        let owner = check_owner(owner.bytes()).map_err(Error::Owner)?;
        if owner.is_empty() && call.ctx.is_cluster_node() {
            return Err(Error::Cluster("a cluster node needs an owner to route by: pass any random string"));
        }
        let realm = state::realm()?;
        if wanted.realm.is_some_and(|name| name.bytes() != realm::DEFAULT.as_bytes()) {
            return Err(Error::UnknownRealm);
        }
        if data.bytes().len() > realm.max_data_size {
            return Err(Error::TooBig("the data", "jrs.max-data-size"));
        }
        check_json_object(data.bytes()).map_err(|bad| Error::Data("the data", bad))?;
        let claims = wanted.claims.map_or(Ok(CallerClaims::default()), |claims| read_claims(&realm, claims))?;
        if claims.expires_at.is_some() && wanted.deadline.is_some() {
            return Err(Error::Syntax);
        }

        let now = call.ctx.now();
        let deadline = wanted.deadline.or(claims.expires_at);
        let lifetime = Lifetime {
            ttl: wanted.ttl.unwrap_or(realm.max_age),
            deadline: Lifetime::deadline(Some(now), realm.max_lifetime, deadline),
        };
        let expiry = lifetime.target(now);
        if expiry <= now {
            return Err(Error::DeadlinePassed);
        }
        let signer = realm.signer().ok_or(Error::NoKeys(if realm.keys.keys().is_empty() {
            realm.without_keys
        } else {
            "none of the keys in jrs.keys-file can sign"
        }))?;

        let id = SessionId::new(owner, state::new_uuid(now)?);
        let expected = realm.expected();
        let payload = Standard {
            id: id.as_str(),
            issued_at: now,
            owner,
            issuer: expected.issuer,
            audience: expected.audience,
            expires_at: wanted.deadline,
            ttl: wanted.ttl,
        }
        .write(&claims);
        let token = signer.sign(&payload);
        if token.len() > realm.max_token_size {
            return Err(Error::TooBig("the token", "jrs.max-token-size"));
        }

        let key = Text::new(&realm.key_of(id.as_str()));
        call.ctx.check_access(&key, Access::Create)?;
        if !call.ctx.create(&key, *data, expiry)? {
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
    fn read(arguments: &'c [Arg<'c>]) -> Result<Self, Error> {
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

fn read_claims<'c>(realm: &realm::Realm, claims: Arg<'c>) -> Result<CallerClaims<'c>, Error> {
    // Longer claims cannot fit into a token, and need not be parsed to find that out.
    if claims.bytes().len() > realm.max_token_size {
        return Err(Error::TooBig("the token", "jrs.max-token-size"));
    }
    let claims = check_json_object(claims.bytes()).map_err(|bad| Error::Data("the CLAIMS", bad))?;
    CallerClaims::read(claims, realm.expected()).map_err(Error::Claims)
}
