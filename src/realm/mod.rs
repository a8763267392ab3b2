//! Realms: keys, policy and keyspace, and how a token finds its realm.

mod index;
mod realms;
mod session_key;
mod verified_token;

use std::{sync::Arc, time::Duration};

pub use index::Conflict;
pub use realms::{Lookup, Realms};
pub use session_key::{SessionKey, owner_prefix};
pub use verified_token::VerifiedToken;

use crate::{
    settings::Settings,
    token::{ClaimRules, Key, KeyRing},
};

/// Keys, policy and keyspace of one tenant. Immutable: a reload builds a new one.
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
        self.signer().is_some_and(Key::is_slow)
    }

    /// What session keys begin with.
    pub fn keyspace(&self) -> &str {
        &self.settings.keyspace
    }
}
