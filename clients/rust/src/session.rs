//! What the commands reply with. `Debug` shows neither data nor claims.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use crate::Claims;

/// A session as the server has stored it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Session<T = Value> {
    /// The id of the session. It is not a secret.
    pub id: String,
    /// The user that the session belongs to; empty if it is anonymous.
    pub owner: String,
    /// The claims of the token, which the server has verified.
    pub claims: Claims,
    /// The data.
    pub data: T,
    /// The time until the session expires if it is not used.
    pub ttl: Option<Duration>,
    /// A text that changes with the data, for [`UpdateOptions::if_match`](crate::UpdateOptions::if_match).
    pub etag: String,
}

impl<T> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { id, owner, ttl, etag, .. } = self;
        let mut debug = f.debug_struct("Session");
        debug.field("id", id).field("owner", owner).field("ttl", ttl).field("etag", etag).finish_non_exhaustive()
    }
}

/// A session whose data and claims are still JSON text.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) struct RawSession {
    /// As in [`Session`].
    pub(crate) id: String,
    /// As in [`Session`].
    pub(crate) owner: String,
    /// The data.
    pub(crate) data: Vec<u8>,
    /// The claims of the token.
    pub(crate) claims: Vec<u8>,
    /// As in [`Session`].
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only the cookies of axum are renewed"))]
    pub(crate) ttl: Option<Duration>,
}

/// One of the sessions of an owner.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ListedSession<T = Value> {
    /// The id, which [`Jrs::revoke`](crate::Jrs::revoke) takes.
    pub id: String,
    /// When the id was created. A rotation creates a new id.
    pub created: SystemTime,
    /// The time until the session expires if it is not used.
    pub ttl: Option<Duration>,
    /// The data, if it was asked for and can be read.
    pub data: Option<T>,
    /// The values at the pointers of [`ListOptions::fields`](crate::ListOptions::fields), in their order; `None` where
    /// the data has no such value.
    pub fields: Vec<Option<Value>>,
}

impl<T> fmt::Debug for ListedSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ListedSession { id, created, ttl, .. } = self;
        let mut debug = f.debug_struct("ListedSession");
        debug.field("id", id).field("created", created).field("ttl", ttl).finish_non_exhaustive()
    }
}

/// Why a token is good or refused. For support tools; applications use `get`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// Whether `get` would find a session.
    pub active: bool,
    /// Why not, or that the token is in the grace of a rotation.
    pub reason: Option<String>,
    /// The realm that verified the token. **Without it, do not trust the other fields**: anyone can have written them.
    pub realm: Option<String>,
    /// The algorithm.
    pub alg: Option<String>,
    /// The id of the key.
    pub kid: Option<String>,
    /// The token's header.
    pub header: Option<Map<String, Value>>,
    /// The token's claims.
    pub claims: Option<Claims>,
    /// The session's key.
    pub key: Option<String>,
    /// The time until the session expires.
    pub ttl: Option<Duration>,
    /// When the user authenticated, in whole seconds.
    pub auth_time: Option<SystemTime>,
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inspection { active, reason, realm, alg, kid, key, ttl, auth_time, .. } = self;
        let mut debug = f.debug_struct("Inspection");
        debug.field("active", active).field("reason", reason).field("realm", realm).field("alg", alg);
        debug
            .field("kid", kid)
            .field("key", key)
            .field("ttl", ttl)
            .field("auth_time", auth_time)
            .finish_non_exhaustive()
    }
}

/// A realm of the server. Durations of 0 mean "no limit", as in the settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Realm {
    /// The name.
    pub name: String,
    /// The algorithm of new tokens.
    pub algorithm: String,
    /// What the names of the session keys begin with.
    pub keyspace: String,
    /// How long a session lives without being used.
    pub max_age: Duration,
    /// The same for sessions without an owner; 0: as `max_age`.
    pub anonymous_max_age: Duration,
    /// How long a session lives at most.
    pub max_lifetime: Duration,
    /// The `iss` of tokens; empty if there is none.
    pub issuer: String,
    /// The `aud` of tokens; empty if there is none.
    pub audience: String,
    /// The active keys.
    pub keys: Vec<Key>,
}

/// A key of a realm, without the key itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Key {
    /// The id of the key, if it has one.
    pub kid: Option<String>,
    /// The algorithm.
    pub alg: String,
    /// Whether it can sign. The first key that can sign signs.
    pub signs: bool,
}
