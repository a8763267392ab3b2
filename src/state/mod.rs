//! The active settings, the realms built from them, and the source of ids.
//!
//! No lock of this folder is held during a call to the server, which may call back.

mod activation;
mod files;
mod generated_key;
mod ids;
mod key_sources;
mod not_before;
mod reloading;
mod rotation;
mod watch;

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Instant,
};

use activation::{ActiveConfig, activate};
use files::FilesRead;
use generated_key::GeneratedKey;
use ids::BufferedIdSource;
use key_sources::KeySources;
pub use reloading::{LastReload, last_reload, reload, reload_if_changed};
pub use rotation::{drop_old_keys, rotate_key};
use uuid::Uuid;
use watch::Watch;

use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::Realms,
    redis::{Ctx, Level, log, server_time},
    session::UnixMillis,
    settings::{Settings, Value},
    store, threads,
    threads::lock,
};

/// The problem if the generator of the operating system fails.
const NO_RANDOM: &str = "the operating system returned no random numbers";

static STATE: State = State::new();

/// All globals of this folder.
struct State {
    /// The active realms. None before the module is loaded and after it is unloaded.
    realms: RwLock<Option<Arc<Realms>>>,
    /// The settings as the server last set them. [`apply`] makes them active.
    settings: Mutex<Settings>,
    /// The settings and files from which the active realms were built.
    active: Mutex<Option<ActiveConfig>>,
    /// Whether this server may sign with a generated key. False for good once the server has been a replica.
    can_generate_key: AtomicBool,
    /// Whether a realm encrypts session data.
    encrypts_data: AtomicBool,
    /// The source of session ids.
    ids: Mutex<BufferedIdSource>,
    /// What `keys-reload-interval` compares the files with.
    watch: Mutex<Watch>,
    /// The last reload, for INFO.
    last_reload: Mutex<LastReload>,
    /// The latest time that the server's clock has shown, in milliseconds since the epoch.
    latest_time: AtomicI64,
    /// When the next old key can be dropped, in the same form.
    next_drop: AtomicI64,
}

impl State {
    const fn new() -> Self {
        Self {
            realms: RwLock::new(None),
            settings: Mutex::new(Settings::UNSET),
            active: Mutex::new(None),
            can_generate_key: AtomicBool::new(false),
            encrypts_data: AtomicBool::new(false),
            ids: Mutex::new(BufferedIdSource::new()),
            watch: Mutex::new(Watch::new()),
            last_reload: Mutex::new(LastReload::NONE),
            latest_time: AtomicI64::new(0),
            next_drop: AtomicI64::new(i64::MAX),
        }
    }
}

/// The time of the server's clock.
#[inline]
pub fn now(ctx: Ctx<'_>) -> UnixMillis {
    UnixMillis::new(ctx.now())
}

/// The time of the server's clock, where there is no context.
pub fn wall_clock() -> UnixMillis {
    UnixMillis::new(server_time())
}

/// The active realms.
///
/// # Errors
/// [`Error::Other`] if the module is not loaded.
pub fn realms() -> Result<Arc<Realms>, Error> {
    let realms = STATE.realms.read().unwrap_or_else(PoisonError::into_inner);
    realms.as_ref().map(Arc::clone).ok_or(Error::Other("the module is not loaded".into()))
}

/// Whether these realms are still the active ones.
pub fn is_active(realms: &Arc<Realms>) -> bool {
    self::realms().is_ok_and(|now| Arc::ptr_eq(&now, realms))
}

/// Sets all settings to their defaults. The server then sets only those that its configuration mentions.
pub fn set_defaults(defaults: &[Value]) -> Result<(), String> {
    let mut settings = lock(&STATE.settings);
    defaults.iter().enumerate().try_for_each(|(position, value)| settings.set(position, value.clone()))
}

/// Makes the settings active for the first time. An error says why they cannot be.
pub fn load(ctx: Ctx<'_>) -> Result<(), String> {
    STATE.can_generate_key.store(!ctx.is_replica() && !ctx.is_cluster_node(), Ordering::Relaxed);
    let settings = lock(&STATE.settings).clone();
    let key_sources = read_sources(&settings).map_err(|(problem, _)| problem)?;
    activate(settings.clone(), key_sources.clone())?;
    lock(&STATE.watch).reset(key_sources.files.clone(), Instant::now());
    if ctx.is_replica() {
        generated_key::retire(&key_sources, &settings);
    }
    Ok(())
}

/// Whether a realm of this server encrypts session data.
#[inline]
pub fn encrypts_data() -> bool {
    STATE.encrypts_data.load(Ordering::Relaxed)
}

/// A UUID for a new session.
///
/// # Errors
/// [`Error::Other`] if the operating system gives no random bytes.
pub fn new_uuid(now: UnixMillis) -> Result<Uuid, Error> {
    lock(&STATE.ids).next(now).ok_or(Error::Other(NO_RANDOM.into()))
}

/// A UUID for a new access token. It is never the UUID of a session.
///
/// # Errors
/// As [`new_uuid`].
pub fn new_token_id() -> Result<Uuid, Error> {
    lock(&STATE.ids).next_random().ok_or(Error::Other(NO_RANDOM.into()))
}

/// The error for a command that needs a key, on a server where no realm has a key of its own.
pub fn without_keys() -> Error {
    let has_retired_key = lock(&STATE.active).as_ref().is_some_and(|active| active.key_sources.has_retired_key);
    if has_retired_key { Error::RETIRED_KEY } else { Error::WITHOUT_KEYS }
}

/// Whether `allow-unload` permits MODULE UNLOAD.
pub fn allows_unload() -> bool {
    lock(&STATE.settings).allow_unload
}

/// Whether JRS.GET is a command that writes: the setting `get-requires-write`.
pub fn get_requires_write() -> bool {
    lock(&STATE.settings).get_requires_write
}

/// Frees everything and joins all threads, because the server unmaps their code next.
pub fn unload() {
    threads::stop();
    *STATE.realms.write().unwrap_or_else(PoisonError::into_inner) = None;
    *lock(&STATE.active) = None;
    *lock(&STATE.settings) = Settings::UNSET;
    lock(&STATE.ids).forget();
    *lock(&STATE.watch) = Watch::new();
    *lock(&STATE.last_reload) = LastReload::NONE;
    COUNTERS.forget_realms();
    store::drop_index();
}

/// The value of a setting, by its position in [`settings::SETTINGS`](crate::settings::SETTINGS).
pub fn setting(position: usize) -> Option<Value> {
    lock(&STATE.settings).get(position)
}

/// Changes a setting; [`apply`] makes it active. An error says what is wrong with the value.
pub fn set(position: usize, value: Value) -> Result<(), String> {
    lock(&STATE.settings).set(position, value)
}

/// Makes all changed settings active together. An error says why they cannot be.
pub fn apply() -> Result<(), String> {
    let settings = lock(&STATE.settings).clone();
    let Some(before) = lock(&STATE.active).clone() else { return Ok(()) };
    if settings == before.settings {
        return Ok(());
    }
    // Read the files again only if a setting that names them or changes their meaning has changed. Otherwise only
    // a reload reads them.
    let same_files = settings.keys_file == before.settings.keys_file
        && settings.realms_file == before.settings.realms_file
        && settings.foreign_keys_file == before.settings.foreign_keys_file
        && settings.data_keys_file == before.settings.data_keys_file
        && settings.foreign_issuer == before.settings.foreign_issuer
        && settings.algorithm == before.settings.algorithm
        && settings.allow_weak_secret == before.settings.allow_weak_secret;
    if same_files {
        return activate(settings, before.key_sources);
    }
    let key_sources = read_sources(&settings).map_err(|(problem, _)| problem)?;
    let files = key_sources.files.clone();
    activate(settings, key_sources)?;
    lock(&STATE.watch).reset(files, Instant::now());
    Ok(())
}

/// Stops using the generated key, because this server replicates another one now.
pub fn became_replica() {
    if !STATE.can_generate_key.swap(false, Ordering::Relaxed) {
        return;
    }
    let Some(ActiveConfig { settings, key_sources }) = lock(&STATE.active).clone() else { return };
    generated_key::retire(&key_sources, &settings);
    if settings.keys_file.is_empty() {
        lock(&STATE.watch).forget(generated_key::FILE);
        // Removing a key cannot make realms conflict. No file is read, because it may be unreadable at this moment.
        let keys = Arc::new(key_sources.keys.without_own());
        let mut key_sources = KeySources { keys, has_retired_key: false, ..key_sources };
        key_sources.files.forget(generated_key::FILE);
        if let Err(problem) = activate(settings, key_sources) {
            log(Level::Warning, &format!("this server is a replica, but its generated key is still active: {problem}"));
        }
    }
}

/// Reads the files that the settings name, and the generated key if this server uses one.
///
/// # Errors
/// The problem, and the files that were read until then.
fn read_sources(settings: &Settings) -> Result<KeySources, (String, FilesRead)> {
    // If a generated key is active, its file must exist: a missing file was deleted by mistake, or `dir` changed.
    let has_generated_key =
        |now: &ActiveConfig| now.settings.keys_file.is_empty() && now.key_sources.keys.own().next().is_some();
    let generated_key = match STATE.can_generate_key.load(Ordering::Relaxed) {
        false => GeneratedKey::Never,
        true if lock(&STATE.active).as_ref().is_some_and(has_generated_key) => GeneratedKey::Keep,
        true => GeneratedKey::Make,
    };
    KeySources::read(settings, generated_key)
}
