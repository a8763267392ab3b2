//! What INFO counts since the module was loaded.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{threads::Lane, token::Refusal};

/// The counters of this server.
pub static COUNTERS: Counters = Counters::new();

/// A number that only grows.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one more.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters.
#[derive(Debug)]
pub struct Counters {
    /// Sessions created.
    pub created: Counter,
    /// Sessions read, by GET or PEEK.
    pub read: Counter,
    /// Sessions whose data was changed.
    pub updated: Counter,
    /// Sessions whose end was moved by TOUCH.
    pub touched: Counter,
    /// Sessions that went on under a new id.
    pub rotated: Counter,
    /// Sessions ended by DESTROY, DESTROYALL and REVOKE.
    pub destroyed: Counter,
    /// Sessions ended because their owner had too many.
    pub evicted: Counter,
    /// Tokens found in the cache of verified tokens.
    pub cache_hits: Counter,
    /// Tokens that had to be verified.
    pub cache_misses: Counter,
    /// Commands refused because too many tokens were waiting to be signed.
    pub busy_signing: Counter,
    /// Commands refused because too many tokens were waiting to be verified.
    pub busy_verifying: Counter,
    refused: [Counter; Refusal::KINDS],
}

impl Counters {
    const fn new() -> Self {
        Self {
            created: Counter::new(),
            read: Counter::new(),
            updated: Counter::new(),
            touched: Counter::new(),
            rotated: Counter::new(),
            destroyed: Counter::new(),
            evicted: Counter::new(),
            cache_hits: Counter::new(),
            cache_misses: Counter::new(),
            busy_signing: Counter::new(),
            busy_verifying: Counter::new(),
            refused: [const { Counter::new() }; Refusal::KINDS],
        }
    }

    /// Counts a command that found no room in a queue.
    pub fn count_busy(&self, lane: Lane) {
        match lane {
            Lane::Sign => self.busy_signing.count(),
            Lane::Verify => self.busy_verifying.count(),
            // Never refused.
            Lane::Drop => {}
        }
    }

    /// Counts a token that was refused.
    pub fn count_refusal(&self, refusal: Refusal) {
        if let Some(counter) = self.refused.get(refusal.index()) {
            counter.count();
        }
    }

    /// How many tokens were refused for each kind of reason.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refusal::kinds().into_iter().zip(self.refused.iter().map(Counter::value))
    }
}
