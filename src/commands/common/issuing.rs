//! Builds and signs the token of a new session.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{
    error::Error,
    realm::{Realm, Realms, SessionKey, chain_claim},
    redis::ArgRef,
    session::{Lifetime, SessionId, UnixMillis, check_json_object},
    state,
    token::{CallerClaims, ClaimRules, RegisteredClaims},
};

/// A new session that is not stored yet, and its token that is not signed yet.
#[derive(Debug)]
pub(in crate::commands) struct UnsignedToken {
    /// The new session's key.
    pub(in crate::commands) key: SessionKey,
    /// The limits of the session's lifetime.
    pub(in crate::commands) lifetime: Lifetime,
    /// Whether the session's idle timer restarts, instead of keeping the expiry of its predecessor.
    pub(in crate::commands) restarts_idle_timer: bool,
    /// The token's payload, as JSON text.
    pub(in crate::commands) payload: String,
}

/// The owner, id and times of a new token.
#[derive(Debug)]
pub(in crate::commands) struct TokenSpec<'f> {
    /// The token's `sub`. Empty for an anonymous session.
    pub(in crate::commands) owner: &'f str,
    /// The UUID at the end of the session's id.
    pub(in crate::commands) uuid: Uuid,
    /// When the token is issued.
    pub(in crate::commands) now: UnixMillis,
    /// The start of the session.
    pub(in crate::commands) start: UnixMillis,
    /// Whether the token states `start` as its `auth_time`, because `iat` is later.
    pub(in crate::commands) is_rotated: bool,
    /// See [`UnsignedToken::restarts_idle_timer`].
    pub(in crate::commands) restarts_idle_timer: bool,
    /// The session's own sliding TTL, instead of the realm's.
    pub(in crate::commands) ttl: Option<Duration>,
    /// A fixed deadline that is not among the caller's claims.
    pub(in crate::commands) deadline: Option<UnixMillis>,
    /// The id of the first session of its chain of rotations, if the new token is part of one.
    pub(in crate::commands) chain: Option<&'f SessionId>,
}

impl UnsignedToken {
    /// Builds the payload.
    ///
    /// # Errors
    /// [`Error::DeadlinePassed`] if the session would have expired already.
    pub(in crate::commands) fn new(
        realm: Arc<Realm>,
        spec: TokenSpec<'_>,
        claims: &CallerClaims<'_>,
    ) -> Result<Self, Error> {
        let requested_end = spec.deadline.or(claims.expires_at);
        let lifetime = Lifetime {
            ttl: spec.ttl.unwrap_or_else(|| realm.sliding_ttl(spec.owner)),
            deadline: Lifetime::deadline(Some(spec.start), realm.max_lifetime, requested_end),
        };
        if lifetime.target(spec.now) <= spec.now {
            return Err(Error::DeadlinePassed);
        }
        // A service that verifies a public-key token offline knows the end of the session from `exp` only.
        let offline_end = lifetime.deadline.filter(|_| realm.signs_slowly() && claims.expires_at.is_none());
        let key = SessionKey { id: SessionId::new(realm.keyspace(), spec.owner, spec.uuid), realm };
        let ClaimRules { issuer, audience, .. } = key.realm.claim_rules();
        let payload = RegisteredClaims {
            id: key.id.as_str(),
            // Whole seconds, as `spec.start`: both state the same time.
            issued_at: spec.now.whole_seconds(),
            owner: spec.owner,
            issuer,
            audience,
            expires_at: offline_end.or(spec.deadline),
            deadline: spec.deadline,
            ttl: spec.ttl,
            authenticated_at: spec.is_rotated.then_some(spec.start),
            chain: spec.chain.map(|first| chain_claim(first, &key.id)).as_deref(),
        }
        .write(claims);
        Ok(Self { key, lifetime, restarts_idle_timer: spec.restarts_idle_timer, payload })
    }

    /// Signs the token.
    ///
    /// # Errors
    /// As [`sign`].
    pub(in crate::commands) fn sign(&self, realms: &Realms) -> Result<Vec<u8>, Error> {
        sign(realms, &self.key.realm, &self.key.realm.settings.token_type, &self.payload)
    }
}

/// Signs a payload with the realm's signing key, as a token of type `token_type`.
///
/// # Errors
/// [`Error::NoKeys`] without a signing key, [`Error::TooBig`] for a token over `max-token-size`.
pub(in crate::commands) fn sign(
    realms: &Realms,
    realm: &Realm,
    token_type: &str,
    payload: &str,
) -> Result<Vec<u8>, Error> {
    let signer = realm.signer().ok_or(if realm.keys.own().next().is_none() {
        state::without_keys()
    } else {
        Error::NoKeys("none of the realm's keys can sign: its key file needs a private key or a secret")
    })?;
    let token = signer.sign_as(token_type, payload).ok_or(Error::Other("cannot sign the token".into()))?;
    if token.len() > realms.max_token_size {
        return Err(Error::TooBig("the token", "max-token-size"));
    }
    Ok(token)
}

/// Checks the argument of CLAIMS: a JSON object of at most `longest` bytes, the maximum size of a token.
pub(in crate::commands) fn claims_text<'c>(claims: ArgRef<'c>, longest: usize) -> Result<&'c str, Error> {
    // Claims that are longer than a token cannot fit, so they are not parsed.
    if claims.bytes().len() > longest {
        return Err(Error::TooBig("the token", "max-token-size"));
    }
    check_json_object(claims.bytes()).map_err(|bad| Error::Data("the CLAIMS argument", bad))
}
