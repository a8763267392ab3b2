//! `JRS.JWKS [REALM name]`

use super::common::options::{REALM, realm_option};
use jsonwebtoken::jwk::JwkSet;

use crate::{
    error::Error,
    redis::{Call, Command, Spec},
    token::Key,
};

/// Replies with a realm's public keys as a JWK Set (RFC 7517 section 5), ready to serve as `/.well-known/jwks.json`.
pub(super) struct Jwks;

impl Command for Jwks {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.JWKS",
        flags: c"readonly fast allow-stale",
        is_routed: false,
        summary: c"Returns the public keys of a realm as a JWK Set; never a private key or a secret.",
        complexity: c"O(N) where N is the number of keys",
        arguments: &[REALM],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let realm = realm_option(call)?;
        let keys = realm.keys.own().filter_map(Key::public_jwk).collect();
        let set = serde_json::to_string(&JwkSet { keys });
        call.ctx.reply_bytes(set.map_err(|_| Error::Other("cannot write the keys".into()))?);
        Ok(())
    }
}
