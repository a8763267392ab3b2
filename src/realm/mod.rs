//! Realms: the keys, policy and keyspace of a tenant, and the look-up of a token's realm.

mod index;
mod realms;
mod session_key;
mod verified_token;

use std::{sync::Arc, time::Duration};

pub use index::Conflict;
pub use realms::{Lookup, Realms};
pub use session_key::{SessionKey, owner_prefix};
pub use verified_token::{VerifiedToken, chain_claim};

use crate::{
    metrics::{COUNTERS, RealmCounters},
    session::{DataKeys, UnixMillis},
    settings::Settings,
    token::{ClaimRules, Key, KeyRing},
};

/// Keys, policy and keyspace of one tenant. Immutable: a reload builds a new one.
#[derive(Debug)]
pub struct Realm {
    /// The name in the realms file, or that of the default realm.
    pub name: String,
    /// The settings that apply to this realm.
    pub settings: Settings,
    /// The active keys. The realm of the next configuration shares them if they did not change.
    pub keys: Arc<KeyRing>,
    /// Since when this server signs with the signing key. It may have done so before its last start.
    pub signing_since: UnixMillis,
    /// What the realms of this name have counted.
    pub counters: Arc<RealmCounters>,
    /// The keys that encrypt session data. `None` if the realm stores data plain.
    pub data_keys: Option<Arc<DataKeys>>,
    /// The sliding TTL of sessions with an owner. See [`sliding_ttl`](Self::sliding_ttl).
    pub max_age: Duration,
    /// The sliding TTL of sessions without an owner.
    pub anonymous_max_age: Duration,
    /// The longest lifetime of a session from its start. `None` without a limit.
    pub max_lifetime: Option<Duration>,
    /// Sessions that started before this time are refused.
    pub not_before: Option<UnixMillis>,
    /// A read extends a session only by more than this, or by more than a tenth of the TTL if that is less.
    pub touch_interval: Duration,
    /// The clock difference that `exp` and `nbf` tolerate.
    pub leeway: Duration,
    /// The lifetime of an access token, if the command gives none.
    pub access_token_age: Duration,
    /// The largest session data, in bytes.
    pub max_data_size: usize,
    /// How many live sessions an owner may have. `None` without a limit.
    pub max_sessions: Option<usize>,
}

impl Realm {
    /// A realm with these settings and keys.
    pub fn new(name: &str, settings: Settings, keys: Arc<KeyRing>) -> Self {
        let seconds = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Self {
            name: name.to_owned(),
            keys,
            signing_since: UnixMillis::EPOCH,
            counters: COUNTERS.of_realm(name),
            data_keys: None,
            max_age: seconds(settings.max_age),
            anonymous_max_age: seconds(match settings.anonymous_max_age {
                0 => settings.max_age,
                own => own,
            }),
            max_lifetime: Some(seconds(settings.max_lifetime)).filter(|span| !span.is_zero()),
            not_before: (settings.not_before > 0).then(|| UnixMillis::EPOCH.plus(seconds(settings.not_before))),
            touch_interval: seconds(settings.touch_interval),
            leeway: seconds(settings.leeway),
            access_token_age: seconds(settings.access_token_age),
            max_data_size: usize::try_from(settings.max_data_size).unwrap_or(0),
            max_sessions: usize::try_from(settings.max_sessions).ok().filter(|number| *number > 0),
            settings,
        }
    }

    /// The same realm with the keys that encrypt its session data.
    pub fn with_data_keys(self, data_keys: Option<Arc<DataKeys>>) -> Self {
        Self { data_keys, ..self }
    }

    /// The sliding TTL of a session of this owner whose token has none. The owner is "" for an anonymous session.
    #[inline]
    pub const fn sliding_ttl(&self, owner: &str) -> Duration {
        if owner.is_empty() { self.anonymous_max_age } else { self.max_age }
    }

    /// The `iss`, `aud` and `typ` that the realm writes into tokens and requires of them.
    pub fn claim_rules(&self) -> ClaimRules<'_> {
        let is_set = |text: &'_ str| !text.is_empty();
        ClaimRules {
            issuer: Some(self.settings.issuer.as_str()).filter(|text| is_set(text)),
            audience: Some(self.settings.audience.as_str()).filter(|text| is_set(text)),
            token_type: Some(self.settings.token_type.as_str()),
        }
    }

    /// The key that signs new tokens. `None` if no key can sign.
    pub fn signer(&self) -> Option<&Key> {
        self.keys.signer()
    }

    /// Whether the signing key has a public-key algorithm: signing is slow, and others can verify the tokens.
    pub fn signs_slowly(&self) -> bool {
        self.signer().is_some_and(Key::is_slow)
    }

    /// The prefix of the names of session keys.
    pub fn keyspace(&self) -> &str {
        &self.settings.keyspace
    }
}
