//! A token that is about to be issued.

use std::{sync::Arc, time::Duration};

use crate::{
    error::Error,
    realm::{Realm, Realms},
    redis::Arg,
    session::{Lifetime, UnixMillis, check_json_object},
    token::{CallerClaims, Expected, Standard},
};

/// Whose token it is to be, and what it says.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) realms: Arc<Realms>,
    pub(super) realm: Arc<Realm>,
    /// The new session's id.
    pub(super) id: String,
    /// How long it lives.
    pub(super) lifetime: Lifetime,
    /// Whether the session's idle time starts anew with it.
    pub(super) begins_anew: bool,
    /// The token's payload.
    pub(super) payload: String,
}

/// The times and names that go into a token.
#[derive(Debug)]
pub(super) struct Facts<'f> {
    pub(super) owner: &'f str,
    pub(super) id: String,
    /// When the token is issued.
    pub(super) now: UnixMillis,
    /// When the session began, and whether that was before the token is issued.
    pub(super) start: UnixMillis,
    pub(super) is_rotated: bool,
    /// Whether its idle time starts anew.
    pub(super) begins_anew: bool,
    /// The session's own sliding TTL.
    pub(super) ttl: Option<Duration>,
    /// A deadline that is not among the caller's claims.
    pub(super) deadline: Option<UnixMillis>,
}

impl Draft {
    pub(super) fn new(
        realms: Arc<Realms>,
        realm: Arc<Realm>,
        facts: Facts<'_>,
        claims: &CallerClaims<'_>,
    ) -> Result<Self, Error> {
        let wanted_end = facts.deadline.or(claims.expires_at);
        let lifetime = Lifetime {
            ttl: facts.ttl.unwrap_or(realm.max_age),
            deadline: Lifetime::deadline(Some(facts.start), realm.max_lifetime, wanted_end),
        };
        if lifetime.target(facts.now) <= facts.now {
            return Err(Error::DeadlinePassed);
        }
        // Services that verify a public-key token offline see its end in `exp` alone.
        let offline_end = lifetime.deadline.filter(|_| realm.signs_slowly() && claims.expires_at.is_none());
        let Expected { issuer, audience, .. } = realm.expected();
        let payload = Standard {
            id: &facts.id,
            // A session begins when its token will say that it does.
            issued_at: facts.now.whole_seconds(),
            owner: facts.owner,
            issuer,
            audience,
            expires_at: offline_end.or(facts.deadline),
            deadline: facts.deadline,
            ttl: facts.ttl,
            authenticated_at: facts.is_rotated.then_some(facts.start),
        }
        .write(claims);
        Ok(Self { realms, realm, id: facts.id, lifetime, begins_anew: facts.begins_anew, payload })
    }

    /// Signs the token.
    ///
    /// # Errors
    /// [`Error::NoKeys`], and [`Error::TooBig`] for a token that no command would take.
    pub(super) fn sign(&self) -> Result<String, Error> {
        let signer = self.realm.signer().ok_or(if self.realm.keys.own().next().is_none() {
            Error::WITHOUT_KEYS
        } else {
            Error::NoKeys("none of the realm's keys can sign: its key file needs a private key or a secret")
        })?;
        let token = signer
            .sign_as(&self.realm.settings.token_type, &self.payload)
            .ok_or(Error::Other("the token cannot be signed".into()))?;
        if token.len() > self.realms.max_token_size {
            return Err(Error::TooBig("the token", "max-token-size"));
        }
        Ok(token)
    }
}

/// The argument of CLAIMS: a JSON object that could fit into a token.
pub(super) fn claims_text<'c>(claims: Arg<'c>, longest: usize) -> Result<&'c str, Error> {
    // Longer claims need not be parsed to find out that they do not fit.
    if claims.bytes().len() > longest {
        return Err(Error::TooBig("the token", "max-token-size"));
    }
    check_json_object(claims.bytes()).map_err(|bad| Error::Data("the argument of CLAIMS", bad))
}
