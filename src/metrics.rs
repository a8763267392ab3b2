//! What INFO counts since the module was loaded.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{threads::Lane, token::TokenError};

/// The counters of this process.
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

/// Makes the counters of one list.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// All counters.
        #[derive(Debug)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
            refused: [Counter; TokenError::KINDS.len()],
        }

        impl Counters {
            const fn new() -> Self {
                Self { $($name: Counter::new(),)* refused: [const { Counter::new() }; TokenError::KINDS.len()] }
            }
        }
    };
}

counters! {
    /// Sessions created.
    created,
    /// Sessions read, by GET or PEEK.
    read,
    /// Sessions whose data was changed.
    updated,
    /// Sessions whose end was moved by TOUCH.
    touched,
    /// Sessions that went on under a new id.
    rotated,
    /// Sessions ended by DESTROY, DESTROYALL and REVOKE.
    destroyed,
    /// Sessions ended because their owner had too many.
    evicted,
    /// Tokens found in the cache of verified tokens.
    cache_hits,
    /// Tokens that had to be verified.
    cache_misses,
    /// Commands refused because too many tokens were waiting to be signed.
    busy_signing,
    /// Commands refused because too many tokens were waiting to be verified.
    busy_verifying,
}

impl Counters {
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
    pub fn count_refused_token(&self, refusal: TokenError) {
        if let Some(counter) = self.refused.get(refusal.index()) {
            counter.count();
        }
    }

    /// How many tokens were refused for each kind of reason.
    pub fn refused_tokens(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TokenError::KINDS.iter().copied().zip(self.refused.iter().map(Counter::value))
    }
}
