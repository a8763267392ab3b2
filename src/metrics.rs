//! Counters for INFO, since the module was loaded.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    threads::{Lane, lock},
    token::TokenError,
};

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
    #[inline]
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds a number.
    #[inline]
    fn add(&self, number: u64) {
        // Most counters of most realms are 0, and a look is faster than an addition.
        if number > 0 {
            self.0.fetch_add(number, Ordering::Relaxed);
        }
    }

    /// The current count.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Refused tokens by reason.
#[derive(Debug)]
struct RefusedTokens([Counter; TokenError::INFO_NAMES.len()]);

impl RefusedTokens {
    const fn new() -> Self {
        Self([const { Counter::new() }; TokenError::INFO_NAMES.len()])
    }

    fn count(&self, error: TokenError) {
        if let Some(counter) = self.0.get(error.index()) {
            counter.count();
        }
    }

    fn add(&self, other: &Self) {
        self.0.iter().zip(&other.0).for_each(|(sum, counter)| sum.add(counter.value()));
    }
}

/// Defines [`RealmCounters`], with one field for each row. The names are those in INFO.
macro_rules! realm_counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters of one realm.
        #[derive(Debug)]
        pub struct RealmCounters {
            $($(#[$doc])* pub $name: Counter,)*
            refused: RefusedTokens,
        }

        impl RealmCounters {
            const fn new() -> Self {
                Self { $($name: Counter::new(),)* refused: RefusedTokens::new() }
            }

            fn add(&self, other: &Self) {
                $(self.$name.add(other.$name.value());)*
                self.refused.add(&other.refused);
            }

            /// Each counter with its name in INFO, without that of refused tokens.
            pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.value()),)*].into_iter()
            }
        }
    };
}

realm_counters! {
    /// Sessions created.
    created,
    /// Sessions read by GET or PEEK.
    read,
    /// Reads by GET or PEEK that found no session.
    null_reads,
    /// Sessions whose data UPDATE changed.
    updated,
    /// Sessions whose expiry TOUCH set.
    touched,
    /// Reads by GET that left the expiry as it is, because it would move by less than `touch-interval`.
    touches_saved,
    /// Sessions that ROTATE replaced.
    rotated,
    /// Sessions that DESTROY, DESTROYALL or REVOKE deleted.
    destroyed,
    /// Sessions deleted because their owner had more than `max-sessions`.
    evicted,
    /// Sessions deleted because an older token of theirs was used again.
    ended_by_reuse,
    /// Access tokens that MINT returned.
    minted,
    /// Replies `CONFLICT` of UPDATE.
    conflicts,
    /// Replies `TOOMANY`.
    too_many,
}

impl RealmCounters {
    /// For each reason, its name in INFO and the number of refused tokens.
    pub fn refused_tokens(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TokenError::INFO_NAMES.iter().copied().zip(self.refused.0.iter().map(Counter::value))
    }
}

/// How many values were at most as large as each bound, and their sum.
#[derive(Debug)]
pub struct Histogram {
    /// Each counts the values over the bound before. The last one counts those over all bounds.
    buckets: [Counter; Histogram::BOUNDS.len() + 1],
    sum: Counter,
}

impl Histogram {
    /// The upper bounds of the buckets, in bytes: powers of four.
    const BOUNDS: [usize; 8] = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
    /// The names of the buckets in INFO.
    const NAMES: [&str; Self::BOUNDS.len() + 1] =
        ["le_64", "le_256", "le_1024", "le_4096", "le_16384", "le_65536", "le_262144", "le_1048576", "le_inf"];

    const fn new() -> Self {
        Self { buckets: [const { Counter::new() }; Self::BOUNDS.len() + 1], sum: Counter::new() }
    }

    /// Counts a value.
    pub fn record(&self, value: usize) {
        if let Some(bucket) = self.buckets.get(Self::BOUNDS.partition_point(|bound| *bound < value)) {
            bucket.count();
        }
        self.sum.add(value as u64);
    }

    /// The name of each bucket, with the number of values in it and in the ones before. The last row is the sum.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let mut total = 0;
        let cumulative = move |bucket: &Counter| {
            total += bucket.value();
            total
        };
        Self::NAMES.into_iter().zip(self.buckets.iter().map(cumulative)).chain([("sum", self.sum.value())])
    }
}

/// The jobs of a queue of slow signatures.
#[derive(Debug)]
pub struct JobCounters {
    /// Jobs that a thread has computed.
    pub done: Counter,
    /// The time of these jobs from the queue to the result, in microseconds.
    pub usec: Counter,
    /// Commands refused because the queue was full.
    pub busy: Counter,
}

impl JobCounters {
    const fn new() -> Self {
        Self { done: Counter::new(), usec: Counter::new(), busy: Counter::new() }
    }

    /// Counts a job that took this time from the queue to the result.
    pub fn count_done(&self, time: Duration) {
        self.done.count();
        self.usec.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }
}

/// All counters of the module.
#[derive(Debug)]
pub struct Counters {
    /// Tokens found in the cache of verified tokens.
    pub cache_hits: Counter,
    /// Tokens not found in this cache. Tokens over `max-token-size` are not looked up and not counted.
    pub cache_misses: Counter,
    /// The queue of signatures to create.
    pub signing: JobCounters,
    /// The queue of tokens to verify.
    pub verifying: JobCounters,
    /// Reloads of the key and realm files that succeeded.
    pub reloads: Counter,
    /// Reloads of the key and realm files that failed.
    pub reloads_failed: Counter,
    /// The sizes of session data that was written, in bytes before encryption.
    pub data_sizes: Histogram,
    /// Refused tokens whose realm is not known.
    refused: RefusedTokens,
    /// The counters of each realm by name, also of realms that were removed: totals must not decrease.
    realms: Mutex<BTreeMap<String, Arc<RealmCounters>>>,
}

impl Counters {
    const fn new() -> Self {
        Self {
            cache_hits: Counter::new(),
            cache_misses: Counter::new(),
            signing: JobCounters::new(),
            verifying: JobCounters::new(),
            reloads: Counter::new(),
            reloads_failed: Counter::new(),
            data_sizes: Histogram::new(),
            refused: RefusedTokens::new(),
            realms: Mutex::new(BTreeMap::new()),
        }
    }

    /// The counters of the realm with this name. A realm that is removed and added again continues its counters.
    pub fn of_realm(&self, name: &str) -> Arc<RealmCounters> {
        Arc::clone(lock(&self.realms).entry(name.to_owned()).or_insert_with(|| Arc::new(RealmCounters::new())))
    }

    /// Frees the counters of all realms: the module is unloaded.
    pub fn forget_realms(&self) {
        lock(&self.realms).clear();
    }

    /// The sums over all realms, with the removed ones and with the refused tokens of no realm.
    pub fn total(&self) -> RealmCounters {
        let total = RealmCounters::new();
        total.refused.add(&self.refused);
        lock(&self.realms).values().for_each(|realm| total.add(realm));
        total
    }

    /// The counters of a queue of slow signatures. `None` for the queue of deferred drops.
    pub const fn of_queue(&self, lane: Lane) -> Option<&JobCounters> {
        match lane {
            Lane::Sign => Some(&self.signing),
            Lane::Verify => Some(&self.verifying),
            Lane::Drop => None,
        }
    }

    /// Counts a refused token by its reason, for its realm if that is known.
    pub fn count_refused_token(&self, error: TokenError, realm: Option<&RealmCounters>) {
        realm.map_or(&self.refused, |realm| &realm.refused).count(error);
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, Histogram, TokenError};

    #[test]
    fn a_histogram_counts_each_value_once_and_cumulates() {
        let histogram = Histogram::new();
        for value in [0, 64, 65, 256, 1_048_576, 1_048_577, usize::from(u16::MAX) + 1] {
            histogram.record(value);
        }
        let rows: Vec<_> = histogram.rows().collect();
        let counts = [2, 4, 4, 4, 4, 5, 5, 6, 7, 64 + 65 + 256 + 1_048_576 + 1_048_577 + 65_536];
        assert_eq!(rows.iter().map(|(_, count)| *count).collect::<Vec<_>>(), counts);
        assert_eq!(rows.last().map(|(name, _)| *name), Some("sum"));
        for (bound, name) in Histogram::BOUNDS.iter().zip(Histogram::NAMES) {
            assert_eq!(name, format!("le_{bound}"));
        }
    }

    #[test]
    fn totals_have_all_realms_and_a_realm_continues_its_counters() {
        let counters = Counters::new();
        counters.of_realm("a").created.count();
        counters.of_realm("b").created.count();
        counters.of_realm("a").created.count();
        assert_eq!((counters.of_realm("a").created.value(), counters.total().created.value()), (2, 3));
        counters.count_refused_token(TokenError::TooLong, None);
        counters.count_refused_token(TokenError::TooLong, Some(&counters.of_realm("b")));
        let refused = |counters: &super::RealmCounters| counters.refused_tokens().map(|(_, count)| count).sum::<u64>();
        assert_eq!((refused(&counters.of_realm("b")), refused(&counters.total())), (1, 2));
    }
}
