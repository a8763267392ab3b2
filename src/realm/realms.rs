//! All realms of the server, and the verification of a token by its realm.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{
    Realm, SessionKey, VerifiedToken,
    index::{Conflict, RealmIndex},
};
use crate::{
    session::SessionId,
    threads::lock,
    token::{Cache, CompactJws, Header, TokenError, base64url_decode},
};

/// All realms of the server. They never change; others take their place.
pub struct Realms {
    /// The default one first.
    list: Vec<Arc<Realm>>,
    index: RealmIndex,
    /// The longest token, in bytes.
    pub max_token_size: usize,
    /// Tokens that were verified with exactly these keys and demands: a change of any makes new realms, and with them an
    /// empty cache. The lock is never held while the server is called.
    cache: Mutex<Cache<VerifiedToken>>,
}

/// What is known of a token before a signature is computed.
#[derive(Debug)]
pub enum Lookup {
    /// It was verified before.
    Cached(Arc<VerifiedToken>),
    /// It has to be verified, which is quick.
    VerifyInline,
    /// It has to be verified, which is too slow for the server's thread.
    VerifyOffThread,
}

impl Realms {
    /// Puts realms together, the default one first, which take the place of `former` ones; `seed` is random and secret.
    ///
    /// # Errors
    /// [`Conflict`], if two keyspaces overlap, or a token could belong to two realms.
    pub fn new(list: Vec<Arc<Realm>>, former: Option<&Self>, seed: u64) -> Result<Self, Conflict> {
        let index = RealmIndex::new(&list, former.map(|former| &former.index))?;
        let sizes = list.first().map(|realm| (realm.settings.max_token_size, realm.settings.token_cache_size));
        let (longest, cache) = sizes.unwrap_or_default();
        Ok(Self {
            list,
            index,
            max_token_size: usize::try_from(longest).unwrap_or(0),
            cache: Mutex::new(Cache::new(u64::try_from(cache).unwrap_or(0), seed)),
        })
    }

    /// All realms, the default one first.
    pub fn all(&self) -> &[Arc<Realm>] {
        &self.list
    }

    /// The realm of that name.
    pub fn named(&self, name: &[u8]) -> Option<&Arc<Realm>> {
        // Almost always it is the default one.
        let first = self.list.first().filter(|realm| realm.name.as_bytes() == name);
        first.or_else(|| self.list.get(self.index.named(str::from_utf8(name).ok()?)?))
    }

    /// Whether a key is in a realm's keyspace and could be a session's.
    pub fn could_be_session(&self, key: &[u8]) -> bool {
        let realm = self.index.of_session(key).and_then(|position| self.list.get(position));
        let id = realm.and_then(|realm| key.strip_prefix(realm.keyspace().as_bytes()));
        id.is_some_and(|id| !id.is_empty() && str::from_utf8(id).is_ok())
    }

    /// Whether a token is refused because no realm has a key of its own: this does not say that the session is gone. Keys of
    /// another issuer do not count, but what is wrong with a token behind its good signature is the token's fault.
    pub fn lack_keys_for(&self, refusal: TokenError) -> bool {
        let is_of_key = matches!(refusal, TokenError::UnknownKey | TokenError::Algorithm | TokenError::Signature);
        self.list.iter().all(|realm| {
            let keys = &realm.keys;
            keys.keys().is_empty() || (is_of_key && keys.own().next().is_none())
        })
    }

    /// What can be said of a token before a signature is computed. Errs where that is enough to refuse it.
    pub fn look_up(&self, token: &[u8]) -> Result<Lookup, TokenError> {
        if token.len() > self.max_token_size {
            return Err(TokenError::TooLong);
        }
        if let Some(verified) = self.locked_cache().get(token) {
            return Ok(Lookup::Cached(verified));
        }
        let realm = self.realm_of(token)?;
        if realm.keys.is_slow(token, realm.expected())? {
            Ok(Lookup::VerifyOffThread)
        } else {
            Ok(Lookup::VerifyInline)
        }
    }

    /// Verifies a token, and remembers that it is good.
    pub fn verify(&self, token: &[u8]) -> Result<Arc<VerifiedToken>, TokenError> {
        self.verify_uncached(token).inspect(|verified| self.cache(token, verified))
    }

    /// Remembers a token that is good. For the server's own thread: it would have to wait for any other that has a lower
    /// priority and was interrupted here.
    pub fn cache(&self, token: &[u8], verified: &Arc<VerifiedToken>) {
        self.locked_cache().put(token, Arc::clone(verified), verified.bytes());
    }

    /// Verifies a token's shape, signature and claims.
    pub fn verify_uncached(&self, token: &[u8]) -> Result<Arc<VerifiedToken>, TokenError> {
        let realm = self.realm_of(token)?;
        let verified = realm.keys.verify(token, realm.expected())?;
        let mut claims = verified.claims;
        // Another issuer's token names its own user's sessions only, where the name of a session tells whose it is.
        let id = SessionId::parse(realm.keyspace(), &mem::take(&mut claims.id));
        if verified.is_foreign && id.owner().is_some() && id.owner() != claims.subject.as_deref() {
            return Err(TokenError::Claim("sub"));
        }
        let key = SessionKey { realm: Arc::clone(realm), id };
        Ok(Arc::new(VerifiedToken { key, payload: verified.payload, is_foreign: verified.is_foreign, claims }))
    }

    /// How many bytes the cache of verified tokens weighs.
    pub fn cached_bytes(&self) -> u64 {
        self.locked_cache().bytes()
    }

    /// The realm that has the key that a token names.
    fn realm_of(&self, token: &[u8]) -> Result<&Arc<Realm>, TokenError> {
        if let [only] = self.list.as_slice() {
            return Ok(only);
        }
        let header = Header::read(&base64url_decode(CompactJws::split(token)?.header)?)?;
        let position = self.index.of_token(&header);
        position.and_then(|position| self.list.get(position)).ok_or(TokenError::UnknownKey)
    }

    fn locked_cache(&self) -> MutexGuard<'_, Cache<VerifiedToken>> {
        lock(&self.cache)
    }
}
