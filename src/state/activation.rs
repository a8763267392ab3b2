//! Builds realms from settings and keys, and makes them active.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use ring::rand::{SecureRandom, SystemRandom};

use super::{
    NO_RANDOM, STATE, files::FilesRead, key_sources::KeySources, not_before, realms, rotation::schedule_drop,
    wall_clock,
};
use crate::{
    realm::{Conflict, Realm, Realms},
    session::DataKeys,
    settings::{DEFAULT_REALM, Settings},
    threads,
    threads::lock,
    token::KeyRing,
};

/// The largest cache that is freed at once, in bytes. Freeing it takes well below a millisecond.
const DROPPED_AT_ONCE: u64 = 1 << 20;

/// The settings and the content of their files.
#[derive(Clone)]
pub struct ActiveConfig {
    pub settings: Settings,
    pub key_sources: KeySources,
}

/// A configuration and its realms, which can become active.
pub struct NextConfig {
    config: ActiveConfig,
    realms: Realms,
}

impl NextConfig {
    /// Builds the realms.
    ///
    /// # Errors
    /// A sentence that says why they cannot be active together.
    pub fn build(settings: Settings, key_sources: KeySources) -> Result<Self, String> {
        let mut seed = [0; 8];
        SystemRandom::new().fill(&mut seed).map_err(|_| NO_RANDOM.to_owned())?;
        let former = realms().ok();
        let build = |name: &str, settings: Settings, keys: &Arc<KeyRing>, data_keys: &Option<Arc<DataKeys>>| {
            let realm = Realm::new(name, settings, Arc::clone(keys)).with_data_keys(data_keys.clone());
            let former = former.as_ref().and_then(|former| former.named(name.as_bytes()));
            let same = former.filter(|former| match (former.signer(), realm.signer()) {
                (Some(former), Some(now)) => former.is_same_key(now),
                _ => false,
            });
            Arc::new(Realm { signing_since: same.map_or_else(wall_clock, |former| former.signing_since), ..realm })
        };
        let mut list = vec![build(DEFAULT_REALM, settings.clone(), &key_sources.keys, &key_sources.data_keys)];
        for (spec, keys, data_keys) in &key_sources.realms {
            let own = spec.settings(&settings).map_err(|problem| format!("the realm '{}': {problem}", spec.name))?;
            list.push(build(&spec.name, own, keys, data_keys));
        }
        not_before::check(&list, former.as_deref())?;
        let realms = Realms::new(list, former.as_deref(), u64::from_ne_bytes(seed));
        let realms = realms.map_err(|Conflict { later, problem }| {
            let line = key_sources.realms.iter().find(|(spec, ..)| spec.name == later).map_or(1, |(one, ..)| one.line);
            format!("line {line} of the realms file '{}': {problem}", settings.realms_file)
        })?;
        Ok(Self { config: ActiveConfig { settings, key_sources }, realms })
    }

    /// The files that were read.
    pub const fn files(&mut self) -> &mut FilesRead {
        &mut self.config.key_sources.files
    }

    /// Makes the realms active.
    pub fn activate(self) {
        schedule_drop(&self.config);
        let size = |number: i64| usize::try_from(number).unwrap_or(1);
        let settings = &self.config.settings;
        threads::pool().resize(size(settings.crypto_threads), size(settings.crypto_queue));
        let encrypts_data = self.realms.all().iter().any(|realm| realm.data_keys.is_some());
        STATE.encrypts_data.store(encrypts_data, Ordering::Relaxed);
        *lock(&STATE.active) = Some(self.config);
        let realms = Arc::new(self.realms);
        let former = STATE.realms.write().unwrap_or_else(PoisonError::into_inner).replace(realms);
        // Freeing a full cache of verified tokens on this thread would block the server.
        former.into_iter().filter(|former| former.cached_bytes() > DROPPED_AT_ONCE).for_each(threads::drop_later);
    }
}

/// Builds the realms and makes them active. On an error the active ones stay.
pub fn activate(settings: Settings, key_sources: KeySources) -> Result<(), String> {
    NextConfig::build(settings, key_sources).map(NextConfig::activate)
}
