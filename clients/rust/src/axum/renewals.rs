//! When the cookies of sessions were last sent, so that each is renewed rarely.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many sessions a generation has.
const CAPACITY: usize = 10_000;

/// The ids of the sessions whose cookie was sent lately, with the time, in two generations: a full one replaces the
/// older. A session that is forgotten is renewed once too often, which is harmless.
#[derive(Default)]
pub(super) struct Renewals(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    newer: HashMap<String, Instant>,
    older: HashMap<String, Instant>,
}

impl Renewals {
    /// The cookie of this session is sent, or must not be sent for a while.
    pub(super) fn note(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(id, Instant::now());
    }

    /// Whether no cookie of this session was sent for `interval`. If so, one is sent now.
    pub(super) fn is_due(&self, id: &str, interval: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_due(id, interval, Instant::now())
    }
}

impl Generations {
    fn note(&mut self, id: &str, now: Instant) {
        if self.newer.len() >= CAPACITY {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(id.to_owned(), now);
    }

    fn is_due(&mut self, id: &str, interval: Duration, now: Instant) -> bool {
        let last = self.newer.get(id).or_else(|| self.older.get(id));
        let due = last.is_none_or(|last| now.saturating_duration_since(*last) >= interval);
        if due {
            self.note(id, now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CAPACITY, Generations};

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn a_session_is_due_once_in_an_interval() {
        let (mut sent, start) = (Generations::default(), Instant::now());
        sent.note("a", start);
        assert!(!sent.is_due("a", INTERVAL, start + INTERVAL - Duration::from_millis(1)));
        assert!(sent.is_due("a", INTERVAL, start + INTERVAL));
        assert!(!sent.is_due("a", INTERVAL, start + INTERVAL));
        assert!(sent.is_due("b", INTERVAL, start) && sent.is_due("a", INTERVAL, start + 2 * INTERVAL));
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut sent, now) = (Generations::default(), Instant::now());
        sent.note("first", now);
        for n in 0..CAPACITY {
            sent.note(&n.to_string(), now);
        }
        assert!(!sent.is_due("first", INTERVAL, now), "it is in the older generation");
        for n in 0..3 * CAPACITY {
            sent.note(&format!("x{n}"), now);
            assert!(sent.newer.len() <= CAPACITY && sent.older.len() <= CAPACITY);
        }
        assert!(sent.is_due("first", INTERVAL, now), "it is forgotten");
    }
}
