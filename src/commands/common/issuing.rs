//! A token that is about to be issued.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{
    error::Error,
    realm::{Realm, Realms, SessionKey},
    redis::ArgRef,
    session::{Lifetime, SessionId, UnixMillis, check_json_object},
    token::{CallerClaims, ClaimRules, RegisteredClaims},
};

/// A session that is going to be written, and what its token says.
#[derive(Debug)]
pub(in crate::commands) struct UnsignedToken {
    /// The new session's key.
    pub(in crate::commands) key: SessionKey,
    /// How long it lives.
    pub(in crate::commands) lifetime: Lifetime,
    /// Whether its idle time starts again with this token.
    pub(in crate::commands) restarts_idle_timer: bool,
    /// The token's payload.
    payload: String,
}

/// The times and names that go into a token.
#[derive(Debug)]
pub(in crate::commands) struct TokenSpec<'f> {
    pub(in crate::commands) owner: &'f str,
    pub(in crate::commands) uuid: Uuid,
    /// When the token is issued.
    pub(in crate::commands) now: UnixMillis,
    /// When the session began, and whether that was before the token is issued.
    pub(in crate::commands) start: UnixMillis,
    pub(in crate::commands) is_rotated: bool,
    pub(in crate::commands) restarts_idle_timer: bool,
    /// The session's own sliding TTL.
    pub(in crate::commands) ttl: Option<Duration>,
    /// A deadline that is not among the caller's claims.
    pub(in crate::commands) deadline: Option<UnixMillis>,
}

impl UnsignedToken {
    pub(in crate::commands) fn new(
        realm: Arc<Realm>,
        spec: TokenSpec<'_>,
        claims: &CallerClaims<'_>,
    ) -> Result<Self, Error> {
        let wanted_end = spec.deadline.or(claims.expires_at);
        let lifetime = Lifetime {
            ttl: spec.ttl.unwrap_or(realm.max_age),
            deadline: Lifetime::deadline(Some(spec.start), realm.max_lifetime, wanted_end),
        };
        if lifetime.target(spec.now) <= spec.now {
            return Err(Error::DeadlinePassed);
        }
        // Services that verify a public-key token offline see its end in `exp` alone.
        let offline_end = lifetime.deadline.filter(|_| realm.signs_slowly() && claims.expires_at.is_none());
        let key = SessionKey { id: SessionId::new(realm.keyspace(), spec.owner, spec.uuid), realm };
        let ClaimRules { issuer, audience, .. } = key.realm.claim_rules();
        let payload = RegisteredClaims {
            id: key.id.as_str(),
            // A session begins when its token will say that it does.
            issued_at: spec.now.whole_seconds(),
            owner: spec.owner,
            issuer,
            audience,
            expires_at: offline_end.or(spec.deadline),
            deadline: spec.deadline,
            ttl: spec.ttl,
            authenticated_at: spec.is_rotated.then_some(spec.start),
        }
        .write(claims);
        Ok(Self { key, lifetime, restarts_idle_timer: spec.restarts_idle_timer, payload })
    }

    /// Signs the token.
    ///
    /// # Errors
    /// [`Error::NoKeys`], and [`Error::TooBig`] for a token that no command would take.
    pub(in crate::commands) fn sign(&self, realms: &Realms) -> Result<Vec<u8>, Error> {
        let realm = &self.key.realm;
        let signer = realm.signer().ok_or(if realm.keys.own().next().is_none() {
            Error::WITHOUT_KEYS
        } else {
            Error::NoKeys("none of the realm's keys can sign: its key file needs a private key or a secret")
        })?;
        let token = signer
            .sign_as(&realm.settings.token_type, &self.payload)
            .ok_or(Error::Other("the token cannot be signed".into()))?;
        if token.len() > realms.max_token_size {
            return Err(Error::TooBig("the token", "max-token-size"));
        }
        Ok(token)
    }
}

/// The argument of CLAIMS: a JSON object that could fit into a token.
pub(in crate::commands) fn claims_text<'c>(claims: ArgRef<'c>, longest: usize) -> Result<&'c str, Error> {
    // Longer claims need not be parsed to find out that they do not fit.
    if claims.bytes().len() > longest {
        return Err(Error::TooBig("the token", "max-token-size"));
    }
    check_json_object(claims.bytes()).map_err(|bad| Error::Data("the argument of CLAIMS", bad))
}
