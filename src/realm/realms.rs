//! All realms of the server, and the verification of a token by the keys of its realm.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{
    Realm, SessionKey, VerifiedToken,
    index::{Conflict, RealmIndex},
};
use crate::{
    session::{SessionId, TOMBSTONE_SUFFIX},
    threads::lock,
    token::{Cache, CompactJws, Header, TokenError, base64url_decode},
};

/// All realms of the server. Immutable, apart from the cache: a reload builds new ones.
pub struct Realms {
    /// The default realm first.
    list: Vec<Arc<Realm>>,
    index: RealmIndex,
    /// The longest token, in bytes.
    pub max_token_size: usize,
    /// The tokens that these keys and claim rules verified. A change of either builds new realms with an empty cache.
    /// The lock is never held during a call to the server.
    cache: Mutex<Cache<VerifiedToken>>,
}

/// How a token can be verified, as known before any signature is computed.
#[derive(Debug)]
pub enum Lookup {
    /// The cache has it: it was verified before.
    Cached(Arc<VerifiedToken>),
    /// Its verification is fast.
    VerifyInline,
    /// Its verification is too slow for the server's thread.
    VerifyOffThread,
}

impl Realms {
    /// The realms in `list`, with the default realm first. `former` are the realms that they replace: keys that did not
    /// change are not indexed again. `seed` is secret and random; the cache hashes tokens with it.
    ///
    /// # Errors
    /// [`Conflict`] if two keyspaces overlap or a token could belong to two realms.
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

    /// All realms, the default realm first.
    pub fn all(&self) -> &[Arc<Realm>] {
        &self.list
    }

    /// The realm with this name.
    pub fn named(&self, name: &[u8]) -> Option<&Arc<Realm>> {
        // Most commands use the default realm, so it skips the index.
        let first = self.list.first().filter(|realm| realm.name.as_bytes() == name);
        first.or_else(|| self.list.get(self.index.named(str::from_utf8(name).ok()?)?))
    }

    /// The realm of a key that could be a session key: it is in the keyspace of the realm, and the rest could be an id.
    pub fn of_session(&self, key: &[u8]) -> Option<&Arc<Realm>> {
        let realm = self.index.of_session(key).and_then(|position| self.list.get(position))?;
        let id = key.strip_prefix(realm.keyspace().as_bytes())?;
        let is_tombstone = id.ends_with(TOMBSTONE_SUFFIX.as_bytes());
        (!id.is_empty() && !is_tombstone && str::from_utf8(id).is_ok()).then_some(realm)
    }

    /// The realm of a token that is refused. `None` if the token does not name a key of a realm.
    pub fn of_refused(&self, token: &[u8], error: TokenError) -> Option<&Arc<Realm>> {
        match (self.list.as_slice(), error) {
            ([only], _) => Some(only),
            // It is not read.
            (_, TokenError::TooLong) => None,
            _ => self.realm_of(token).ok(),
        }
    }

    /// Whether a token is refused only because this server has no keys of its own. The session may exist nevertheless,
    /// so the client must not treat the token as bad.
    ///
    /// A realm that has only keys of another issuer counts as without keys if the error concerns the key: the token's
    /// `kid`, algorithm or signature.
    pub fn lack_keys_for(&self, error: TokenError) -> bool {
        let is_of_key = matches!(error, TokenError::UnknownKey | TokenError::Algorithm | TokenError::Signature);
        self.list.iter().all(|realm| {
            let keys = &realm.keys;
            keys.keys().is_empty() || (is_of_key && keys.own().next().is_none())
        })
    }

    /// Looks a token up, and computes no signature.
    ///
    /// # Errors
    /// The reason if the token is refused without a signature being computed.
    pub fn look_up(&self, token: &[u8]) -> Result<Lookup, TokenError> {
        if token.len() > self.max_token_size {
            return Err(TokenError::TooLong);
        }
        if let Some(verified) = self.locked_cache().get(token) {
            return Ok(Lookup::Cached(verified));
        }
        let realm = self.realm_of(token)?;
        if realm.keys.is_slow(token, realm.claim_rules())? {
            Ok(Lookup::VerifyOffThread)
        } else {
            Ok(Lookup::VerifyInline)
        }
    }

    /// Verifies a token's shape, signature and claims, and caches the result if it is good.
    pub fn verify(&self, token: &[u8]) -> Result<Arc<VerifiedToken>, TokenError> {
        self.verify_uncached(token).inspect(|verified| self.cache(token, verified))
    }

    /// Adds a verified token to the cache. Call it on the server's thread only: other threads have a lower priority,
    /// and one that is interrupted while it holds the lock would make the server wait.
    pub fn cache(&self, token: &[u8], verified: &Arc<VerifiedToken>) {
        self.locked_cache().put(token, Arc::clone(verified), verified.heap_bytes());
    }

    /// As [`verify`](Self::verify), but on any thread and without the cache.
    pub fn verify_uncached(&self, token: &[u8]) -> Result<Arc<VerifiedToken>, TokenError> {
        let realm = self.realm_of(token)?;
        let verified = realm.keys.verify(token, realm.claim_rules())?;
        let mut claims = verified.claims;
        // A token of another issuer gives access to sessions of its own user only, if the session's id contains an
        // owner.
        let id = SessionId::parse(realm.keyspace(), &mem::take(&mut claims.id));
        if verified.is_foreign && id.owner().is_some() && id.owner() != claims.subject.as_deref() {
            return Err(TokenError::Claim("sub"));
        }
        let key = SessionKey { realm: Arc::clone(realm), id };
        Ok(Arc::new(VerifiedToken { key, payload: verified.payload, is_foreign: verified.is_foreign, claims }))
    }

    /// The memory of the cached tokens, in bytes.
    pub fn cached_bytes(&self) -> u64 {
        self.locked_cache().bytes()
    }

    /// The realm that has the key of a token's `kid`.
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
