//! Rotates the generated key, and drops old ones whose tokens have all expired.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    STATE,
    activation::{ActiveConfig, NextConfig},
    files::LARGEST,
    generated_key::{self, FILE, GeneratedFile},
    key_sources::{KeySources, key_defaults},
    without_keys,
};
use crate::{
    error::Error,
    realm::Realm,
    redis::{Level, log},
    session::UnixMillis,
    settings::{DEFAULT_REALM, Settings},
    threads::lock,
    token::{Key, KeySet, read_keys},
};

/// The largest number of keys in the generated key file.
const MOST_KEYS: usize = 100;

/// How long after a failed attempt to drop keys the next one is made.
const RETRY: Duration = Duration::from_secs(3600);

/// Makes a new key the signing key of a realm, and returns its `kid`. The old keys verify until their tokens have
/// expired. On an error nothing is changed.
///
/// # Errors
/// [`Error::NoKeys`] if this server generates no key, [`Error::Other`] if the operator manages the realm's key file, or
/// if the new key cannot be made or saved.
pub fn rotate_key(realm: &Realm, now: UnixMillis) -> Result<String, Error> {
    let active = lock(&STATE.active).clone().ok_or(Error::Other("the module is not loaded".into()))?;
    if realm.name != DEFAULT_REALM || !active.settings.keys_file.is_empty() {
        return Err(Error::OPERATORS_KEYS);
    }
    if !uses_generated_key(&active) {
        return Err(without_keys());
    }
    rotate(active, now).map_err(|problem| Error::Other(problem.into()))
}

fn rotate(active: ActiveConfig, now: UnixMillis) -> Result<String, String> {
    let file = GeneratedFile::read()?;
    let mut set = read_set(&file, &active.settings)?;
    let signer = active.key_sources.keys.signer();
    let retired_at = retirement_time(signer, now);
    let dropped = set.remove(|key| is_useless(key, &active.settings, now));
    set.retire(signer, retired_at);
    if set.key_count() >= MOST_KEYS {
        return Err(format!(
            "{FILE} already has {MOST_KEYS} keys, and none of them can be dropped yet: an old key is dropped \
             max-lifetime seconds after it stopped signing, and never if max-lifetime is 0. To rotate now, remove old \
             keys from the file and send JRS.RELOAD, which logs out the users whose tokens they signed"
        ));
    }
    let (kid, jwk) = generated_key::new_jwk(now)?;
    let old = signer.map_or_else(|| "(none)".to_owned(), Key::label);
    replace(&file, &set.write(Some(&jwk)), active)?;
    log(Level::Notice, &format!("rotated the signing key: '{kid}' signs now, and '{old}' still verifies"));
    log_dropped(&dropped);
    Ok(kid)
}

/// Drops the keys whose tokens have all expired. The server's timer calls this.
pub fn drop_old_keys(now: UnixMillis) {
    STATE.latest_time.fetch_max(now.as_i64(), Ordering::Relaxed);
    if now.as_i64() < STATE.next_drop.load(Ordering::Relaxed) {
        return;
    }
    STATE.next_drop.store(now.plus(RETRY).as_i64(), Ordering::Relaxed);
    let Some(active) = lock(&STATE.active).clone() else { return };
    let drop = || {
        let file = GeneratedFile::read()?;
        // A change that is not active yet may be half of what the operator wants: the reload comes first.
        if !active.key_sources.files.has(FILE, file.stamp()) {
            return Ok(Vec::new());
        }
        let mut set = read_set(&file, &active.settings)?;
        let dropped = set.remove(|key| is_useless(key, &active.settings, now));
        if !dropped.is_empty() {
            replace(&file, &set.write(None), active)?;
        }
        Ok(dropped)
    };
    match drop() {
        Ok(dropped) => log_dropped(&dropped),
        Err(problem) => {
            let problem: String = problem;
            log(Level::Warning, &format!("cannot drop an old key, trying again in an hour: {problem}"));
        }
    }
}

/// Computes when the next key can be dropped. Call it whenever keys or settings become active.
pub fn schedule_drop(config: &ActiveConfig) {
    let own = || config.key_sources.keys.own();
    let signer = own().position(Key::signs);
    let old = own().enumerate().filter(|(position, _)| Some(*position) != signer);
    let ends = old.filter_map(|(_, key)| end(key, &config.settings));
    let next = ends.min().filter(|_| uses_generated_key(config));
    STATE.next_drop.store(next.map_or(i64::MAX, UnixMillis::as_i64), Ordering::Relaxed);
}

fn uses_generated_key(config: &ActiveConfig) -> bool {
    config.settings.keys_file.is_empty() && config.key_sources.keys.own().next().is_some()
}

/// When all tokens of a key have expired: none was signed after the key stopped signing, and none lives longer than
/// `max-lifetime`. `None` if the key did not stop, or if there is no limit.
fn end(key: &Key, settings: &Settings) -> Option<UnixMillis> {
    let seconds = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let longest = Some(seconds(settings.max_lifetime)).filter(|span| !span.is_zero())?;
    Some(key.retired_at()?.plus(longest).plus(seconds(settings.leeway)))
}

fn is_useless(key: &Key, settings: &Settings, now: UnixMillis) -> bool {
    end(key, settings).is_some_and(|end| end <= now)
}

/// The time that is written for a key that stops signing now. After the clock was set back it is the latest time that is
/// known, because the key has signed tokens until then.
fn retirement_time(signer: Option<&Key>, now: UnixMillis) -> UnixMillis {
    let earlier = UnixMillis::new(STATE.latest_time.fetch_max(now.as_i64(), Ordering::Relaxed));
    now.max(earlier).max(signer.and_then(Key::issued_at).unwrap_or(now))
}

fn read_set<'f>(file: &'f GeneratedFile, settings: &Settings) -> Result<KeySet<'f>, String> {
    KeySet::read(&file.bytes, key_defaults(settings)).map_err(|problem| format!("{FILE} is refused: {problem}"))
}

/// Replaces the key file and makes its keys active. On an error nothing is changed.
fn replace(file: &GeneratedFile, text: &str, active: ActiveConfig) -> Result<(), String> {
    let ActiveConfig { settings, key_sources } = active;
    let refused = |problem| format!("{FILE} is refused: {problem}");
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        return Err(refused(format!("it would be larger than {LARGEST} bytes")));
    }
    let keys = read_keys(text.as_bytes(), key_defaults(&settings)).map_err(refused)?;
    let keys = Arc::new(keys.with_foreign_of(&key_sources.keys).map_err(refused)?);
    let mut next = NextConfig::build(settings, KeySources { keys, ..key_sources })?;
    file.replace(text)?;
    next.files().look_at_again(FILE);
    next.activate();
    lock(&STATE.watch).look_at_again(FILE, Instant::now());
    Ok(())
}

fn log_dropped(keys: &[Key]) {
    for key in keys {
        let text = format!("dropped the old key '{}': all tokens that it signed have expired", key.label());
        log(Level::Notice, &text);
    }
}
