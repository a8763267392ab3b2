//! The options of JRS.ROTATE, and the successor that they ask for.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::super::common::{
    issuing::{TokenSpec, UnsignedToken, claims_text},
    options::{Options, new_owner, once},
};
use crate::{
    error::Error,
    realm::{Realm, Realms, VerifiedToken},
    redis::{Args, Call},
    session::{UnixMillis, check_owner},
    state,
    token::{CallerClaims, carry_over_claims, has_claim},
};

/// The options for the successor, owned, because another thread may build and sign it.
#[derive(Debug)]
pub(super) struct RotateOptions {
    /// JSON text.
    claims: Option<String>,
    /// The new owner, if it changes.
    owner: Option<String>,
    /// Whether the user has just authenticated.
    reauth: bool,
    /// How long the old token acts on the successor, if not as long as the realm says.
    grace: Option<Duration>,
    /// The UUID of the new session.
    uuid: Uuid,
    /// When the new token is issued.
    now: UnixMillis,
}

impl RotateOptions {
    pub(super) fn read(call: &Call<'_>, realms: &Realms, arguments: Args<'_>) -> Result<Self, Error> {
        let (mut claims, mut owner, mut reauth, mut grace) = (None, None, None, None);
        Options::each(arguments, |word, options| match word {
            b"CLAIMS" => once(&mut claims, options.value()?),
            b"OWNER" => once(&mut owner, options.value()?),
            b"REAUTH" => once(&mut reauth, ()),
            b"GRACE" => once(&mut grace, options.grace()?),
            _ => Err(Error::Syntax),
        })?;
        if grace.is_some() && (owner.is_some() || reauth.is_some()) {
            return Err(Error::Other(
                "GRACE cannot be combined with OWNER or REAUTH: after a login the old token must not work".into(),
            ));
        }
        let owner = owner.map(|owner| new_owner(call, owner)).transpose()?;
        let claims = claims.map(|claims| claims_text(claims, realms.max_token_size)).transpose()?;
        let now = state::now(call.ctx);
        Ok(Self {
            claims: claims.map(str::to_owned),
            owner: owner.map(str::to_owned),
            reauth: reauth.is_some(),
            grace,
            uuid: state::new_uuid(now)?,
            now,
        })
    }

    /// Whether the rotation is a login, after which no older token works.
    pub(super) const fn ends_chain(&self) -> bool {
        self.owner.is_some() || self.reauth
    }

    /// How long the old token acts on the successor.
    pub(super) fn grace(&self, realm: &Realm) -> Duration {
        let default = Duration::from_millis(realm.settings.rotate_grace.unsigned_abs());
        if self.ends_chain() { Duration::ZERO } else { self.grace.unwrap_or(default) }
    }

    /// Whether the successor is in a chain with the old session.
    pub(super) fn keeps_chain(&self, realm: &Realm) -> bool {
        !self.ends_chain() && (realm.settings.reuse_detection || !self.grace(realm).is_zero())
    }

    /// Builds and signs the successor of a verified token. Runs on any thread.
    pub(super) fn successor(
        &self,
        realms: &Realms,
        verified: &VerifiedToken,
    ) -> Result<(UnsignedToken, Vec<u8>), Error> {
        if verified.is_foreign {
            return Err(Error::Foreign(
                "the token is from another issuer and cannot be rotated: verify it with JRS.GET, \
                 then create a session with JRS.CREATE",
            ));
        }
        let realm = &verified.key.realm;
        let given = self.claims.as_deref().unwrap_or("{}");
        let new_deadline = CallerClaims::read(given, realm.claim_rules()).map_err(Error::Claims)?.expires_at;
        let claims = carry_over_claims(&verified.payload, given, realm.claim_rules()).map_err(Error::Claims)?;
        let claims = CallerClaims::read(&claims, realm.claim_rules()).map_err(Error::Claims)?;
        let owner = match &self.owner {
            Some(owner) => owner,
            None => current_owner(verified)?,
        };
        let start = if self.reauth {
            self.now.whole_seconds()
        } else {
            // An unknown start stays unknown. A later one would say that the user has just authenticated.
            verified.start(self.now).unwrap_or(UnixMillis::EPOCH)
        };
        // The expiry of a guest's session must not end that of the user.
        let other_ttl =
            verified.claims.ttl.is_none() && realm.sliding_ttl(owner) != realm.sliding_ttl(verified.owner());
        let chain = verified.chain();
        let spec = TokenSpec {
            owner,
            uuid: self.uuid,
            now: self.now,
            start,
            is_rotated: true,
            restarts_idle_timer: self.reauth || other_ttl,
            ttl: verified.claims.ttl,
            // A new deadline can only shorten the session.
            deadline: [verified.claims.deadline, new_deadline].into_iter().flatten().min(),
            chain: self.keeps_chain(realm).then_some(&*chain),
        };
        let successor = UnsignedToken::new(Arc::clone(realm), spec, &claims)?;
        let token = successor.sign(realms)?;
        Ok((successor, token))
    }
}

/// The current owner of the session. An error if the `sub` of a token that JRS did not issue cannot be an owner.
fn current_owner(verified: &VerifiedToken) -> Result<&str, Error> {
    const FOREIGN: Error = Error::Foreign("the token's 'sub' cannot be an owner: pass OWNER");
    match &verified.claims.subject {
        Some(subject) => check_owner(subject.as_bytes()).map_err(|_| FOREIGN),
        None if has_claim(&verified.payload, "sub") => Err(FOREIGN),
        None => Ok(""),
    }
}
