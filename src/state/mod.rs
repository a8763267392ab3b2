//! What the loaded module holds: the settings, the realms that they make, and the source of ids.
//!
//! Everything is behind locks that are never held while the server may call back.

mod ids;
mod key_sources;

pub use ids::new_uuid;

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use key_sources::{GeneratedKey, KeySources};
use ring::rand::{SecureRandom, SystemRandom};

use crate::{
    error::Error,
    realm::{Conflict, Realm, Realms},
    redis::{Ctx, Level, log},
    session::UnixMillis,
    settings::{DEFAULT_REALM, Settings, Value},
    store, threads,
    threads::lock,
};

/// The realms in force. None before the module is loaded and after it is unloaded.
static REALMS: RwLock<Option<Arc<Realms>>> = RwLock::new(None);
/// The settings as the server last set them.
static SETTINGS: Mutex<Settings> = Mutex::new(Settings::UNSET);
/// What the realms in force were made of.
static ACTIVE: Mutex<Option<ActiveConfig>> = Mutex::new(None);
/// Whether this server may sign with a key that it made itself. Once it has been a replica it never may again.
static CAN_GENERATE_KEY: AtomicBool = AtomicBool::new(false);

#[derive(Clone)]
struct ActiveConfig {
    settings: Settings,
    source: KeySources,
}

/// The time by the server's clock.
#[inline]
pub fn now(ctx: Ctx<'_>) -> UnixMillis {
    UnixMillis::new(ctx.now())
}

/// The realms in force.
pub fn realms() -> Result<Arc<Realms>, Error> {
    let realms = REALMS.read().unwrap_or_else(PoisonError::into_inner);
    realms.as_ref().map(Arc::clone).ok_or(Error::Other("the module is not loaded".into()))
}

/// Whether these realms are still those in force.
pub fn is_active(realms: &Arc<Realms>) -> bool {
    self::realms().is_ok_and(|now| Arc::ptr_eq(&now, realms))
}

/// Begins with the defaults: the server does not set what it finds to be so already.
pub fn begin(defaults: &[Value]) -> Result<(), String> {
    let mut settings = lock(&SETTINGS);
    defaults.iter().enumerate().try_for_each(|(position, value)| settings.set(position, value.clone()))
}

/// Puts the settings in force for the first time.
pub fn load(ctx: Ctx<'_>) -> Result<(), String> {
    CAN_GENERATE_KEY.store(!ctx.is_replica() && !ctx.is_cluster_node(), Ordering::Relaxed);
    let settings = lock(&SETTINGS).clone();
    let source = read_source(&settings)?;
    activate(settings.clone(), source.clone())?;
    if ctx.is_replica() {
        source.retire_generated_key(&settings);
    }
    Ok(())
}

/// Reads key and realm files again. On an error what is in force stays, all of it.
pub fn reload() -> Result<(), String> {
    let settings = lock(&SETTINGS).clone();
    let source = read_source(&settings)?;
    activate(settings, source)
}

/// Whether the module may be taken out of the running server.
pub fn allows_unload() -> bool {
    lock(&SETTINGS).allow_unload
}

/// Frees everything, and ends all threads: their code is about to be unmapped.
pub fn unload() {
    threads::stop();
    *REALMS.write().unwrap_or_else(PoisonError::into_inner) = None;
    *lock(&ACTIVE) = None;
    *lock(&SETTINGS) = Settings::UNSET;
    ids::forget();
    store::forget();
}

/// The value of a setting, by its position in [`settings::SETTINGS`](crate::settings::SETTINGS).
pub fn setting(position: usize) -> Option<Value> {
    lock(&SETTINGS).get(position)
}

/// Changes a setting, which takes effect when [`apply`] is called. An error says what is wrong with the value.
pub fn set(position: usize, value: Value) -> Result<(), String> {
    lock(&SETTINGS).set(position, value)
}

/// Makes all changed settings active together, or says why they cannot be.
pub fn apply() -> Result<(), String> {
    let settings = lock(&SETTINGS).clone();
    let Some(before) = lock(&ACTIVE).clone() else { return Ok(()) };
    if settings == before.settings {
        return Ok(());
    }
    // Files are read when they are named and when JRS.RELOAD says so, not whenever some setting changes.
    let same_files = settings.keys_file == before.settings.keys_file
        && settings.realms_file == before.settings.realms_file
        && settings.foreign_keys_file == before.settings.foreign_keys_file
        && settings.foreign_issuer == before.settings.foreign_issuer
        && settings.algorithm == before.settings.algorithm
        && settings.allow_weak_secret == before.settings.allow_weak_secret;
    let source = if same_files { before.source } else { read_source(&settings)? };
    activate(settings, source)
}

/// Puts the key that this server made itself out of force: it replicates another server from now on.
pub fn became_replica() {
    if !CAN_GENERATE_KEY.swap(false, Ordering::Relaxed) {
        return;
    }
    let Some(ActiveConfig { settings, source }) = lock(&ACTIVE).clone() else { return };
    source.retire_generated_key(&settings);
    if settings.keys_file.is_empty() {
        // Realms that were apart with this key are apart without it. The keys of another issuer stay as they are: their
        // file may not be readable at this moment.
        let keys = Arc::new(source.keys.without_own());
        if let Err(problem) = activate(settings, KeySources { keys, ..source }) {
            log(Level::Warning, &format!("this server is a replica, but its own key is still active: {problem}"));
        }
    }
}

fn read_source(settings: &Settings) -> Result<KeySources, String> {
    // The server's folder may have changed, or the file may have been deleted by mistake.
    let has_one = |now: &ActiveConfig| now.settings.keys_file.is_empty() && now.source.keys.own().next().is_some();
    let generated_key = match CAN_GENERATE_KEY.load(Ordering::Relaxed) {
        false => GeneratedKey::Never,
        true if lock(&ACTIVE).as_ref().is_some_and(has_one) => GeneratedKey::Keep,
        true => GeneratedKey::Make,
    };
    KeySources::read(settings, generated_key)
}

fn activate(settings: Settings, source: KeySources) -> Result<(), String> {
    let mut seed = [0; 8];
    SystemRandom::new().fill(&mut seed).map_err(|_| "the operating system gives no random numbers".to_owned())?;
    let mut list = vec![Arc::new(Realm::new(DEFAULT_REALM, settings.clone(), Arc::clone(&source.keys)))];
    for (spec, keys) in &source.realms {
        let settings = spec.settings(&settings).map_err(|problem| format!("the realm '{}': {problem}", spec.name))?;
        list.push(Arc::new(Realm::new(&spec.name, settings, Arc::clone(keys))));
    }
    let realms = Realms::new(list, self::realms().ok().as_deref(), u64::from_ne_bytes(seed)).map_err(
        |Conflict { later, problem }| {
            let line = source.realms.iter().find(|(spec, _)| spec.name == later).map_or(1, |(one, _)| one.line);
            format!("line {line} of the realms file '{}': {problem}", settings.realms_file)
        },
    )?;
    let size = |number: i64| usize::try_from(number).unwrap_or(1);
    threads::pool().resize(size(settings.crypto_threads), size(settings.crypto_queue));
    *lock(&ACTIVE) = Some(ActiveConfig { settings, source });
    let former = REALMS.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(realms));
    // The server would stand still while a full cache of verified tokens is freed.
    former.into_iter().filter(|former| former.cached_bytes() > DROPPED_AT_ONCE).for_each(threads::drop_later);
    Ok(())
}

/// Freeing up to this many bytes takes well below a millisecond.
const DROPPED_AT_ONCE: u64 = 1 << 20;
