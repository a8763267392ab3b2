//! How long a session lives.

/// Milliseconds since the Unix epoch, or a span in milliseconds.
pub type Millis = i64;

/// The times that bound one session. Arithmetic saturates: absurd times are far away, never wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The sliding time to live: how long the session lasts when nobody touches it.
    pub ttl: Millis,
    /// The hard end, whatever is done with the session: `exp`, or its start plus `max-lifetime`.
    pub deadline: Option<Millis>,
}

impl Lifetime {
    /// When a session that is used at `now` ends if nobody uses it again.
    pub fn target(&self, now: Millis) -> Millis {
        let idle = now.saturating_add(self.ttl);
        self.deadline.map_or(idle, |deadline| idle.min(deadline))
    }

    /// The expiry to set on a session's key when it is read at `now`, if it is to be moved at all: when it has none,
    /// when it lies after the target, or before it by more than the smaller of `interval` and a tenth of the TTL.
    pub fn slide(&self, now: Millis, expiry: Option<Millis>, interval: Millis) -> Option<Millis> {
        let target = self.target(now);
        let moves = match expiry {
            None => true,
            Some(expiry) => expiry > target || target.saturating_sub(expiry) > interval.min(self.ttl / 10),
        };
        moves.then_some(target)
    }

    /// The expiry of a key whose TTL is to be kept: as it is, but never after the deadline and never none.
    pub fn keep(&self, now: Millis, expiry: Option<Millis>) -> Millis {
        match (expiry, self.deadline) {
            (Some(expiry), Some(deadline)) => expiry.min(deadline),
            (Some(expiry), None) => expiry,
            (None, _) => self.target(now),
        }
    }

    /// The same session with another TTL, as `EX` and `PX` ask for once.
    pub const fn with_ttl(self, ttl: Millis) -> Self {
        Self { ttl, ..self }
    }

    /// The earliest of the times at which a session may have begun. A time in the future, as an `iat` in milliseconds is, says
    /// nothing; one that is no more than `tolerance` ahead comes from a clock that is fast.
    pub fn start(times: [Option<Millis>; 3], now: Millis, tolerance: Millis) -> Option<Millis> {
        let latest = now.saturating_add(tolerance);
        times.into_iter().flatten().filter(|time| *time <= latest).min()
    }

    /// The earlier of `exp` and the end that `max_lifetime` sets; each may be absent.
    pub fn deadline(start: Option<Millis>, max_lifetime: Option<Millis>, exp: Option<Millis>) -> Option<Millis> {
        let outlived = Self::outlives(start, max_lifetime);
        [outlived, exp].into_iter().flatten().min()
    }

    /// When a session that began at `start` has lived for `max_lifetime`.
    pub fn outlives(start: Option<Millis>, max_lifetime: Option<Millis>) -> Option<Millis> {
        Some(start?.saturating_add(max_lifetime?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Lifetime;

    const HOUR: Lifetime = Lifetime { ttl: 3_600_000, deadline: None };

    #[test]
    fn a_read_moves_the_expiry_when_it_is_worth_it() {
        let now = 1_000_000;
        let target = now + 3_600_000;
        assert_eq!(HOUR.slide(now, None, 60_000), Some(target));
        assert_eq!(HOUR.slide(now, Some(target), 60_000), None);
        assert_eq!(HOUR.slide(now, Some(target - 60_000), 60_000), None);
        assert_eq!(HOUR.slide(now, Some(target - 60_001), 60_000), Some(target));
        assert_eq!(HOUR.slide(now, Some(target + 1), 60_000), Some(target));
        assert_eq!(HOUR.slide(now, Some(target - 1), 0), Some(target));
        // A tenth of a short TTL is less than the interval.
        let short = HOUR.with_ttl(1000);
        assert_eq!(short.slide(now, Some(now + 900), 60_000), None);
        assert_eq!(short.slide(now, Some(now + 899), 60_000), Some(now + 1000));
    }

    #[test]
    fn a_deadline_is_never_passed() {
        let bounded = Lifetime { deadline: Some(2000), ..HOUR };
        assert_eq!(bounded.target(1000), 2000);
        assert_eq!(bounded.slide(1000, Some(5000), 60_000), Some(2000));
        assert_eq!(bounded.keep(1000, Some(5000)), 2000);
        assert_eq!(bounded.keep(1000, Some(1500)), 1500);
        assert_eq!(bounded.keep(1000, None), 2000);
        assert_eq!(HOUR.keep(1000, Some(5000)), 5000);
        assert_eq!(HOUR.keep(1000, None), 3_601_000);
    }

    #[test]
    fn the_earliest_time_counts() {
        assert_eq!(Lifetime::start([Some(3), Some(1), Some(2)], 10, 0), Some(1));
        assert_eq!(Lifetime::start([None, Some(5), None], 10, 0), Some(5));
        assert_eq!(Lifetime::start([None; 3], 10, 0), None);
        assert_eq!(Lifetime::deadline(Some(10), Some(5), Some(20)), Some(15));
        assert_eq!(Lifetime::deadline(Some(10), Some(50), Some(20)), Some(20));
        assert_eq!(Lifetime::deadline(None, Some(5), None), None);
        assert_eq!(Lifetime::deadline(Some(10), None, None), None);
    }

    #[test]
    fn a_start_in_the_future_does_not_count() {
        assert_eq!(Lifetime::start([Some(10), Some(12), Some(11)], 9, 0), None);
        assert_eq!(Lifetime::start([Some(12), Some(9), None], 9, 0), Some(9));
        assert_eq!(Lifetime::start([Some(12), Some(11), None], 9, 2), Some(11));
        assert_eq!(Lifetime::start([Some(i64::MAX), None, None], i64::MAX, i64::MAX), Some(i64::MAX));
        assert_eq!(Lifetime::start([Some(i64::MAX), None, None], i64::MAX - 10, 9), None);
    }

    proptest! {
        #[test]
        fn a_start_is_never_later_than_the_clock_allows(
            times in any::<[Option<i64>; 3]>(), now in any::<i64>(), tolerance in 0i64..,
        ) {
            let start = Lifetime::start(times, now, tolerance);
            prop_assert!(start.is_none_or(|start| start <= now.saturating_add(tolerance) && times.contains(&Some(start))));
            // Time that passes brings no later start, so that no session gets younger.
            let later = Lifetime::start(times, now.saturating_add(1), tolerance);
            prop_assert!(start.is_none() || later == start);
        }

        #[test]
        fn nothing_overflows_or_outlives_its_target(
            now in any::<i64>(), ttl in 1i64.., deadline in any::<Option<i64>>(),
            expiry in any::<Option<i64>>(), interval in 0i64..,
        ) {
            let lifetime = Lifetime { ttl, deadline };
            let target = lifetime.target(now);
            prop_assert!(deadline.is_none_or(|deadline| target <= deadline));
            let after = lifetime.slide(now, expiry, interval).or(expiry).expect("a read leaves an expiry");
            prop_assert!(after <= target);
            let kept = lifetime.keep(now, expiry);
            prop_assert!(deadline.is_none_or(|deadline| kept <= deadline));
        }
    }
}
