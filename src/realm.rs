//! A realm: keys, policy and keyspace, and what they make of a token.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    counters::COUNTERS,
    session::{Lifetime, Millis, SessionId},
    settings::Settings,
    token::{Cache, Claims, Expected, Key, KeyRing, Refusal},
};

/// The name of the realm that the `jrs.*` settings describe.
pub const DEFAULT: &str = "default";

/// Keys, policy and keyspace: what one instance of a session middleware is. It never changes; another takes its place.
#[derive(Debug)]
pub struct Realm {
    /// Its name.
    pub name: &'static str,
    /// The keys in force, shared with the realm that comes next if they stay.
    pub keys: Arc<KeyRing>,
    /// Why there are no keys, where there are none: what to configure.
    pub without_keys: &'static str,
    /// What session keys begin with.
    pub keyspace: String,
    /// The sliding time to live of sessions that have none of their own.
    pub max_age: Millis,
    /// How long a session lasts at all.
    pub max_lifetime: Option<Millis>,
    /// How much later the end of a session has to become for a read to move it.
    pub touch_interval: Millis,
    /// Grace for `exp` and `nbf`.
    pub leeway: Millis,
    /// The largest session data, in bytes.
    pub max_data_size: usize,
    /// The longest token, in bytes.
    pub max_token_size: usize,
    issuer: Option<String>,
    audience: Option<String>,
    /// Tokens that were verified with exactly these keys and demands: a change of any makes a new realm, and with it an
    /// empty cache.
    cache: TokenCache,
}

/// A token that belongs to a realm: signature and claims hold. Time has not been looked at.
#[derive(Debug)]
pub struct Ticket {
    /// The claims that JRS reads.
    pub claims: Claims,
    /// The payload: JSON text.
    pub payload: Vec<u8>,
    /// The name of the session's key.
    pub key: Vec<u8>,
    /// When the session began, as far as the token tells.
    start: Option<Millis>,
}

impl Realm {
    /// The realm that the settings describe, with these keys; `seed` is random and secret.
    pub fn new(settings: &Settings, keys: Arc<KeyRing>, without_keys: &'static str, seed: u64) -> Self {
        let seconds = |seconds: i64| seconds.saturating_mul(1000);
        let bytes = |bytes: i64| usize::try_from(bytes).unwrap_or(0);
        let optional = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            name: DEFAULT,
            keys,
            without_keys,
            keyspace: settings.keyspace.clone(),
            max_age: seconds(settings.max_age),
            max_lifetime: Some(seconds(settings.max_lifetime)).filter(|span| *span > 0),
            touch_interval: seconds(settings.touch_interval),
            leeway: seconds(settings.leeway),
            max_data_size: bytes(settings.max_data_size),
            max_token_size: bytes(settings.max_token_size),
            issuer: optional(&settings.issuer),
            audience: optional(&settings.audience),
            cache: TokenCache(Mutex::new(Cache::new(u64::try_from(settings.token_cache_size).unwrap_or(0), seed))),
        }
    }

    /// What the realm demands of `iss` and `aud`, and writes there.
    pub fn expected(&self) -> Expected<'_> {
        Expected { issuer: self.issuer.as_deref(), audience: self.audience.as_deref() }
    }

    /// The key that signs new tokens.
    pub fn signer(&self) -> Option<&Key> {
        self.keys.signer()
    }

    /// The name of a session's key.
    pub fn key_of(&self, id: &str) -> Vec<u8> {
        [self.keyspace.as_bytes(), id.as_bytes()].concat()
    }

    /// Verifies a token's size, shape, signature and claims, or remembers that they were.
    pub fn verify(&self, token: &[u8]) -> Result<Arc<Ticket>, Refusal> {
        if token.len() > self.max_token_size {
            return Err(Refusal::TooLong);
        }
        if let Some(ticket) = self.cache.lock().get(token) {
            COUNTERS.cache_hits.count();
            return Ok(ticket);
        }
        COUNTERS.cache_misses.count();
        let verified = self.keys.verify(token, self.expected())?;
        let claims = verified.claims;
        let start = Lifetime::start([claims.authenticated_at, claims.issued_at, SessionId::created_at(&claims.id)]);
        let ticket = Arc::new(Ticket { key: self.key_of(&claims.id), payload: verified.payload, start, claims });
        self.cache.lock().put(token, Arc::clone(&ticket), ticket.bytes());
        Ok(ticket)
    }

    /// How long the session of a token lives.
    pub fn lifetime(&self, ticket: &Ticket) -> Lifetime {
        Lifetime {
            ttl: ticket.claims.ttl.unwrap_or(self.max_age),
            deadline: Lifetime::deadline(ticket.start, self.max_lifetime, ticket.claims.expires_at),
        }
    }

    /// Checks a token against the clock: `nbf`, `exp`, then the age of its session.
    pub fn check_time(&self, ticket: &Ticket, now: Millis) -> Result<(), Refusal> {
        ticket.claims.check_time(now, self.leeway)?;
        match Lifetime::outlives(ticket.start, self.max_lifetime) {
            Some(end) if now >= end => Err(Refusal::Outlived),
            _ => Ok(()),
        }
    }

    /// How many bytes the cache of verified tokens weighs.
    pub fn cached_bytes(&self) -> u64 {
        self.cache.lock().bytes()
    }
}

impl Ticket {
    /// The memory that it takes beside itself, in bytes.
    fn bytes(&self) -> usize {
        let owner = self.claims.subject.as_ref().map_or(0, String::len);
        self.payload.len() + self.key.len() + self.claims.id.len() + owner
    }
}

/// The cache behind its lock, which is never held while the server is called.
struct TokenCache(Mutex<Cache<Ticket>>);

impl TokenCache {
    fn lock(&self) -> std::sync::MutexGuard<'_, Cache<Ticket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[tokens]")
    }
}
