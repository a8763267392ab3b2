//! Counters for INFO, since the module was loaded.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{threads::Lane, token::TokenError};

/// The counters of this process.
pub static COUNTERS: Counters = Counters::new();

/// A monotonic counter.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds one.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The current count.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Defines [`Counters`], with one field for each row.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// All counters of the module.
        #[derive(Debug)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
            refused: [Counter; TokenError::INFO_NAMES.len()],
        }

        impl Counters {
            const fn new() -> Self {
                Self { $($name: Counter::new(),)* refused: [const { Counter::new() }; TokenError::INFO_NAMES.len()] }
            }
        }
    };
}

counters! {
    /// Sessions created.
    created,
    /// Sessions read by GET or PEEK.
    read,
    /// Sessions whose data UPDATE changed.
    updated,
    /// Sessions whose expiry TOUCH set.
    touched,
    /// Sessions that ROTATE replaced.
    rotated,
    /// Sessions that DESTROY, DESTROYALL or REVOKE deleted.
    destroyed,
    /// Access tokens that MINT returned.
    minted,
    /// Sessions deleted because their owner had more than `max-sessions`.
    evicted,
    /// Sessions deleted because an older token of theirs was used again.
    reused,
    /// Tokens found in the cache of verified tokens.
    cache_hits,
    /// Tokens not found in this cache. Tokens over `max-token-size` are not looked up and not counted.
    cache_misses,
    /// Commands refused because the signing queue was full.
    busy_signing,
    /// Commands refused because the verification queue was full.
    busy_verifying,
    /// Reloads of the key and realm files that failed.
    reloads_failed,
}

impl Counters {
    /// Counts a command that was refused because a queue was full.
    pub fn count_busy(&self, lane: Lane) {
        match lane {
            Lane::Sign => self.busy_signing.count(),
            Lane::Verify => self.busy_verifying.count(),
            // This queue is unbounded.
            Lane::Drop => {}
        }
    }

    /// Counts a refused token by its reason.
    pub fn count_refused_token(&self, error: TokenError) {
        if let Some(counter) = self.refused.get(error.index()) {
            counter.count();
        }
    }

    /// For each reason, its name in INFO and the number of refused tokens.
    pub fn refused_tokens(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TokenError::INFO_NAMES.iter().copied().zip(self.refused.iter().map(Counter::value))
    }
}
