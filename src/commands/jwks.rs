//! `JRS.JWKS [REALM name]`

use super::options::{Options, once};
use crate::{
    error::Error,
    realm,
    redis::{Arg, Argument, Call, Command, Kind, Routing, Spec},
    state,
    token::Key,
};

/// Replies with a realm's public keys as a JWK Set (RFC 7517 section 5): what `/.well-known/jwks.json` would serve.
#[derive(Debug)]
pub(super) struct Jwks;

impl Command for Jwks {
    const SPEC: Spec = Spec {
        name: c"JRS.JWKS",
        flags: c"readonly fast allow-stale",
        categories: c"read fast jrs",
        arity: -1,
        routing: Routing::Anywhere,
        summary: c"Returns the public keys of a realm as a JWK Set; never a private key or a secret.",
        complexity: c"O(N) with N being the number of keys",
        since: c"0.1.0",
        tips: None,
        arguments: &[Argument::after(c"REALM", c"realm", Kind::String).optional()],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let mut name = None;
        let mut options = Options::new(call.args());
        while let Some(word) = options.word() {
            match word.as_slice() {
                b"REALM" => once(&mut name, options.value()?)?,
                _ => return Err(Error::Syntax),
            }
        }
        let realms = state::realms()?;
        let name = name.map_or(realm::DEFAULT.as_bytes(), Arg::bytes);
        let realm = realms.named(name).ok_or(Error::UnknownRealm)?;
        let keys: Vec<_> = realm.keys.keys().iter().filter_map(Key::public_jwk).collect();
        call.ctx.reply_bytes(format!("{{\"keys\":[{}]}}", keys.join(",")));
        Ok(())
    }
}
