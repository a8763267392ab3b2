//! The source of session ids.

use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::session::{IdSource, UnixMillis};

/// Makes session ids, with a buffer of random bytes: a system call for each id would cost more than all the rest.
pub struct BufferedIdSource {
    source: Option<IdSource>,
    random: [u8; Self::BUFFER],
    /// How many bytes of `random` are used up.
    used: usize,
}

impl BufferedIdSource {
    /// In bytes: enough for 128 ids.
    const BUFFER: usize = 128 * IdSource::RANDOM_BYTES;

    /// An empty buffer; the first id fills it.
    pub const fn new() -> Self {
        Self { source: None, random: [0; Self::BUFFER], used: Self::BUFFER }
    }

    /// The next UUID. None if the operating system gives no random bytes.
    pub fn next(&mut self, now: UnixMillis) -> Option<Uuid> {
        if self.used + IdSource::RANDOM_BYTES > self.random.len() {
            SystemRandom::new().fill(&mut self.random).ok()?;
            self.used = 0;
        }
        let bytes = self.random.get_mut(self.used..)?.first_chunk_mut()?;
        self.used += IdSource::RANDOM_BYTES;
        let random = std::mem::replace(bytes, [0; IdSource::RANDOM_BYTES]);
        Some(self.source.get_or_insert_default().next(now, random))
    }

    /// Overwrites the unused random bytes.
    pub fn forget(&mut self) {
        self.random.fill(0);
        self.used = self.random.len();
    }
}
