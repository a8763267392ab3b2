//! `JRS.INSPECT [key] token`

use super::{
    options::{KEY, TOKEN},
    presented::{Place, Validity, admit},
};
use crate::{
    error::Error,
    realm::Realm,
    redis::{Access, Call, Command, Ctx, Routing, Spec, Text},
    state,
    token::{Header, Parts, decode_part},
};

/// Says what a token holds and why it is refused, if it is.
#[derive(Debug)]
pub(super) struct Inspect;

impl Command for Inspect {
    const SPEC: Spec = Spec {
        name: c"JRS.INSPECT",
        flags: c"readonly fast",
        categories: c"read fast jrs",
        arity: -2,
        routing: Routing::ByFirstArgument { writes: false },
        summary: c"Says what a token holds, whether its session is alive, and why it is refused if it is.",
        complexity: c"O(N) with N being the size of the token",
        since: c"0.1.0",
        tips: None,
        arguments: &[KEY, TOKEN],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let place = Place::find(call, 0)?;
        if !place.rest.is_empty() {
            return Err(Error::Syntax);
        }
        let realm = state::realm()?;
        let session = Session::find(call.ctx, &realm, place)?;
        let contents = Contents::read(place.token.bytes(), realm.max_token_size);
        reply(call.ctx, &session, &contents);
        Ok(())
    }
}

/// What the server knows of the token's session.
#[derive(Debug, Default)]
struct Session {
    /// Why GET would refuse the token or find nothing.
    problem: Option<String>,
    realm: Option<&'static str>,
    key: Option<Vec<u8>>,
    /// The seconds that the session has left.
    ttl: Option<i64>,
}

impl Session {
    fn find(ctx: Ctx<'_>, realm: &Realm, place: Place<'_>) -> Result<Self, Error> {
        let refused = |error: Error| Self { problem: Some(error.reply().into_owned()), ..Self::default() };
        if realm.keys.keys().is_empty() {
            return Ok(refused(Error::NoKeys(realm.without_keys)));
        }
        let now = ctx.now();
        let ticket = match admit(realm, place, Validity::Ever, now) {
            Ok(ticket) => ticket,
            Err(refusal) => return Ok(refused(refusal.into())),
        };
        // What is told from here on is about a key, and only for those who may read it.
        let key = Text::new(&ticket.key);
        ctx.check_access(&key, Access::Read)?;
        let (problem, ttl) = match ctx.open(&key) {
            Ok(Some(entry)) => {
                let target = realm.lifetime(&ticket).target(now);
                let left = entry.expiry().unwrap_or(target).saturating_sub(now).max(0).saturating_add(999) / 1000;
                (None, Some(left))
            }
            Ok(None) => (Some("there is no such session: it has ended or never was".to_owned()), None),
            Err(error) => (Some(error.reply().into_owned()), None),
        };
        let expired = realm.check_time(&ticket, now).err().map(|refusal| Error::from(refusal).reply().into_owned());
        Ok(Self { problem: expired.or(problem), realm: Some(realm.name), key: Some(ticket.key.clone()), ttl })
    }
}

/// What the token says of itself, as far as it can be read; nothing of it is verified.
#[derive(Debug, Default)]
struct Contents {
    header: Option<Vec<u8>>,
    claims: Option<Vec<u8>>,
    algorithm: Option<String>,
    key_id: Option<String>,
}

impl Contents {
    fn read(token: &[u8], longest: usize) -> Self {
        let Some(parts) = Some(token).filter(|token| token.len() <= longest).and_then(|token| Parts::cut(token).ok())
        else {
            return Self::default();
        };
        let json = |part| {
            let json = decode_part(part).ok()?;
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

fn reply(ctx: Ctx<'_>, session: &Session, contents: &Contents) {
    let bytes = |name: &str, value: Option<&[u8]>| {
        ctx.reply_bytes(name);
        match value {
            Some(value) => ctx.reply_bytes(value),
            None => ctx.reply_null(),
        }
    };
    ctx.reply_map(9);
    ctx.reply_bytes("active");
    ctx.reply_integer(i64::from(session.problem.is_none()));
    bytes("reason", session.problem.as_deref().map(str::as_bytes));
    bytes("realm", session.realm.map(str::as_bytes));
    bytes("alg", contents.algorithm.as_deref().map(str::as_bytes));
    bytes("kid", contents.key_id.as_deref().map(str::as_bytes));
    bytes("header", contents.header.as_deref());
    bytes("claims", contents.claims.as_deref());
    bytes("key", session.key.as_deref());
    ctx.reply_bytes("ttl");
    match session.ttl {
        Some(ttl) => ctx.reply_integer(ttl),
        None => ctx.reply_null(),
    }
}
