//! The source of session ids.

use std::sync::Mutex;

use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::{
    error::Error,
    session::{IdSource, UnixMillis},
    threads::lock,
};

static IDS: Mutex<Ids> = Mutex::new(Ids::new());

/// A new session's UUID.
pub fn new_uuid(now: UnixMillis) -> Result<Uuid, Error> {
    lock(&IDS).next(now).ok_or(Error::Other("the operating system gives no random numbers".into()))
}

/// Forgets the random bytes that are left.
pub(super) fn forget() {
    lock(&IDS).forget();
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

    fn next(&mut self, now: UnixMillis) -> Option<Uuid> {
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
