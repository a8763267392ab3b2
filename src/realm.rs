//! Realms: keys, policy and keyspace, and how a token finds its realm.

mod session_key;

pub use session_key::{SessionKey, owner_prefix};

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use crate::{
    counters::COUNTERS,
    lock::lock,
    realm_index::{Conflict, RealmIndex},
    session::{Lifetime, SessionId, UnixMillis},
    settings::Settings,
    token::{Cache, ClaimRules, Claims, CompactJws, Header, Key, KeyRing, TokenError, base64url_decode},
};

/// The name of the realm that the `jrs.*` settings describe.
pub const DEFAULT: &str = "default";

/// Keys, policy and keyspace: what one instance of a session middleware is. It never changes; another takes its place.
#[derive(Debug)]
pub struct Realm {
    /// Its name.
    pub name: String,
    /// The settings that it was made of.
    pub settings: Settings,
    /// The keys in force, shared with the realm that comes next if they stay.
    pub keys: Arc<KeyRing>,
    /// The sliding time to live of sessions that have none of their own.
    pub max_age: Duration,
    /// How long a session lasts at all.
    pub max_lifetime: Option<Duration>,
    /// How much later the end of a session has to become for a read to move it.
    pub touch_interval: Duration,
    /// Grace for `exp` and `nbf`.
    pub leeway: Duration,
    /// The largest session data, in bytes.
    pub max_data_size: usize,
    /// How many sessions an owner may have at a time.
    pub max_sessions: Option<usize>,
}

/// A token that belongs to a realm: signature and claims hold. Time has not been looked at.
#[derive(Debug)]
pub struct VerifiedToken {
    /// The claims that JRS reads, but for the id, which is kept once: in `key`.
    pub claims: Claims,
    /// The payload: JSON text.
    pub payload: Vec<u8>,
    /// Whether another issuer signed it, by a key of the realm's `foreign-keys-file`.
    pub is_foreign: bool,
    /// The session's key.
    pub key: SessionKey,
}

/// How far ahead of the server's clock the start of a session may lie, at least: the clocks of two
/// servers in a failover differ, and a clock may be set back.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

impl Realm {
    /// The realm that these settings describe, with these keys.
    pub fn new(name: &str, settings: Settings, keys: Arc<KeyRing>) -> Self {
        let seconds = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Self {
            name: name.to_owned(),
            keys,
            max_age: seconds(settings.max_age),
            max_lifetime: Some(seconds(settings.max_lifetime)).filter(|span| !span.is_zero()),
            touch_interval: seconds(settings.touch_interval),
            leeway: seconds(settings.leeway),
            max_data_size: usize::try_from(settings.max_data_size).unwrap_or(0),
            max_sessions: usize::try_from(settings.max_sessions).ok().filter(|number| *number > 0),
            settings,
        }
    }

    /// What the realm demands of `iss` and `aud`, and writes there.
    pub fn expected(&self) -> ClaimRules<'_> {
        let optional = |text: &'_ str| !text.is_empty();
        ClaimRules {
            issuer: Some(self.settings.issuer.as_str()).filter(|text| optional(text)),
            audience: Some(self.settings.audience.as_str()).filter(|text| optional(text)),
            token_type: Some(self.settings.token_type.as_str()),
        }
    }

    /// The key that signs new tokens.
    pub fn signer(&self) -> Option<&Key> {
        self.keys.signer()
    }

    /// Whether to sign a token takes a slow algorithm, which is also one whose tokens others can verify.
    pub fn signs_slowly(&self) -> bool {
        self.signer().is_some_and(|key| key.algorithm().is_slow())
    }

    /// What session keys begin with.
    pub fn keyspace(&self) -> &str {
        &self.settings.keyspace
    }
}

impl VerifiedToken {
    /// When the session began, as far as the token tells at this moment.
    pub fn start(&self, now: UnixMillis) -> Option<UnixMillis> {
        let times = [self.claims.authenticated_at, self.claims.issued_at, self.key.id.created()];
        Lifetime::start(times, now, self.key.realm.leeway.max(CLOCK_TOLERANCE))
    }

    /// How long the token's session lives, as of this moment.
    pub fn lifetime(&self, now: UnixMillis) -> Lifetime {
        Lifetime {
            ttl: self.claims.ttl.unwrap_or(self.key.realm.max_age),
            deadline: Lifetime::deadline(self.start(now), self.key.realm.max_lifetime, self.claims.expires_at),
        }
    }

    /// Checks the token against the clock: `nbf`, `exp`, then the age of its session, which must be known if it is limited.
    pub fn check_time(&self, now: UnixMillis) -> Result<(), TokenError> {
        self.claims.check_time(now, self.key.realm.leeway)?;
        let Some(longest) = self.key.realm.max_lifetime else { return Ok(()) };
        let start = self.start(now).ok_or(TokenError::NoStart)?;
        if now >= start.plus(longest) { Err(TokenError::MaxLifetimeExceeded) } else { Ok(()) }
    }

    /// The memory that it takes beside itself, in bytes.
    fn bytes(&self) -> usize {
        let owner = self.claims.subject.as_ref().map_or(0, String::len);
        self.payload.len() + self.key.name().len() + owner
    }
}

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
            COUNTERS.cache_hits.count();
            return Ok(Lookup::Cached(verified));
        }
        COUNTERS.cache_misses.count();
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
