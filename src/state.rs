//! What the loaded module holds: the settings, the realm that they make, and the source of session ids.
//!
//! Everything is behind locks that are never held while the server is called, because it may call back.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::{
    error::Error,
    keys_file,
    realm::Realm,
    redis::{Ctx, RoleListener, Store},
    session::{IdSource, Millis},
    settings::{Settings, Value},
    token::{KeyRing, Parsing},
};

/// The realm in force. None before the module is loaded and after it is unloaded.
static REALM: RwLock<Option<Arc<Realm>>> = RwLock::new(None);
/// The settings as the server last set them.
static SETTINGS: Mutex<Settings> = Mutex::new(Settings::BLANK);
/// The settings that the realm in force was made of.
static IN_FORCE: Mutex<Settings> = Mutex::new(Settings::BLANK);
/// Whether this server may sign with a key that it made itself. Once it has been a replica it never may again.
static MAY_SELF_MAKE: AtomicBool = AtomicBool::new(false);
static IDS: Mutex<Ids> = Mutex::new(Ids::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The realm in force.
pub fn realm() -> Result<Arc<Realm>, Error> {
    let realm = REALM.read().unwrap_or_else(PoisonError::into_inner);
    realm.as_ref().map(Arc::clone).ok_or(Error::Other("the module is not loaded".into()))
}

/// Puts the settings in force for the first time.
pub fn load(ctx: Ctx<'_>) -> Result<(), String> {
    MAY_SELF_MAKE.store(!ctx.is_replica() && !ctx.is_cluster_node(), Ordering::Relaxed);
    let settings = lock(&SETTINGS).clone();
    let keys = read_keys(&settings)?;
    put_in_force(settings, keys)
}

/// Reads the key file again. On an error the keys in force stay.
pub fn reload() -> Result<(), String> {
    let settings = lock(&IN_FORCE).clone();
    let keys = read_keys(&settings)?;
    put_in_force(settings, keys)
}

/// Lets go of everything.
pub fn unload() {
    *REALM.write().unwrap_or_else(PoisonError::into_inner) = None;
    *lock(&SETTINGS) = Settings::BLANK;
    *lock(&IN_FORCE) = Settings::BLANK;
    lock(&IDS).forget();
}

/// A new session's UUID.
pub fn new_uuid(now: Millis) -> Result<Uuid, Error> {
    lock(&IDS).next(now).ok_or(Error::Other("the operating system gives no random numbers".into()))
}

/// The settings, for the server's configuration.
#[derive(Debug)]
pub struct Configuration;

impl Store for Configuration {
    fn get(position: usize) -> Option<Value> {
        lock(&SETTINGS).get(position)
    }

    fn set(position: usize, value: Value) -> Result<(), String> {
        lock(&SETTINGS).set(position, value)
    }

    /// Called once for each setting that a CONFIG SET changes, after all of them were set: the first call does the
    /// work.
    fn apply(_: Ctx<'_>) -> Result<(), String> {
        let settings = lock(&SETTINGS).clone();
        let before = lock(&IN_FORCE).clone();
        let Ok(realm) = realm() else { return Ok(()) };
        if settings == before {
            return Ok(());
        }
        let same_keys = settings.keys_file == before.keys_file
            && settings.algorithm == before.algorithm
            && settings.allow_weak_secret == before.allow_weak_secret;
        // Key files are read when they are named and when JRS.RELOAD says so, not whenever some setting changes.
        let keys = if same_keys { (Arc::clone(&realm.keys), realm.without_keys) } else { read_keys(&settings)? };
        put_in_force(settings, keys)
    }
}

impl RoleListener for Configuration {
    fn became_replica() {
        if !MAY_SELF_MAKE.swap(false, Ordering::Relaxed) {
            return;
        }
        let settings = lock(&IN_FORCE).clone();
        if settings.keys_file.is_empty() {
            keys_file::retire();
            // Nothing can fail here: without a file there is nothing to read.
            let _ = put_in_force(settings, (Arc::default(), WITHOUT_KEYS));
        }
    }
}

const WITHOUT_KEYS: &str = "no signing keys: a replica or cluster node does not make its own, because all nodes have to \
                            share them; set jrs.keys-file to the same file on every node";

type Keys = (Arc<KeyRing>, &'static str);

fn read_keys(settings: &Settings) -> Result<Keys, String> {
    let parsing = Parsing { algorithm: settings.algorithm, allow_weak_secret: settings.allow_weak_secret };
    let keys = if !settings.keys_file.is_empty() {
        keys_file::read(&settings.keys_file, parsing)?
    } else if MAY_SELF_MAKE.load(Ordering::Relaxed) {
        keys_file::read_or_make(parsing)?
    } else {
        KeyRing::default()
    };
    Ok((Arc::new(keys), WITHOUT_KEYS))
}

fn put_in_force(settings: Settings, (keys, without_keys): Keys) -> Result<(), String> {
    let mut seed = [0; 8];
    SystemRandom::new().fill(&mut seed).map_err(|_| "the operating system gives no random numbers".to_owned())?;
    let realm = Realm::new(&settings, keys, without_keys, u64::from_ne_bytes(seed));
    *lock(&IN_FORCE) = settings;
    *REALM.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(realm));
    Ok(())
}

/// The source of ids with a store of random bytes: asking the operating system for ten at a time costs more than all
/// the rest of an id.
struct Ids {
    source: Option<IdSource>,
    random: [u8; Self::STORE],
    used: usize,
}

impl Ids {
    const STORE: usize = 128 * IdSource::RANDOM_BYTES;

    const fn new() -> Self {
        Self { source: None, random: [0; Self::STORE], used: Self::STORE }
    }

    fn next(&mut self, now: Millis) -> Option<Uuid> {
        if self.used + IdSource::RANDOM_BYTES > self.random.len() {
            SystemRandom::new().fill(&mut self.random).ok()?;
            self.used = 0;
        }
        let bytes = self.random.get_mut(self.used..)?.first_chunk_mut()?;
        self.used += IdSource::RANDOM_BYTES;
        let random = std::mem::replace(bytes, [0; IdSource::RANDOM_BYTES]);
        Some(self.source.get_or_insert_default().next(now, random))
    }

    fn forget(&mut self) {
        self.random.fill(0);
        self.used = self.random.len();
    }
}
