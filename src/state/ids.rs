//! The source of the ids of sessions and access tokens.

use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

use crate::session::{IdSource, UnixMillis};

/// Makes ids, with a buffer of random bytes: a system call for each id would cost more than all the rest.
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
        let random = self.random()?;
        Some(self.source.get_or_insert_default().next(now, random))
    }

    /// A random UUID, version 4. It never equals one of [`next`](Self::next), which have version 7.
    pub fn next_random(&mut self) -> Option<Uuid> {
        Some(Builder::from_random_bytes(self.random()?).into_uuid())
    }

    /// Takes random bytes out of the buffer.
    fn random<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.used + N > self.random.len() {
            SystemRandom::new().fill(&mut self.random).ok()?;
            self.used = 0;
        }
        let bytes = self.random.get_mut(self.used..)?.first_chunk_mut()?;
        self.used += N;
        Some(std::mem::replace(bytes, [0; N]))
    }

    /// Overwrites the unused random bytes.
    pub fn forget(&mut self) {
        self.random.fill(0);
        self.used = self.random.len();
    }
}
