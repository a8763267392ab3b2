//! The lifetime of a session.

use std::time::Duration;

use super::UnixMillis;

/// The limits of one session's lifetime. Arithmetic saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The sliding time to live: the lifetime after the last use.
    pub ttl: Duration,
    /// The end that no use extends: `exp`, or the start plus `max-lifetime`.
    pub deadline: Option<UnixMillis>,
}

impl Lifetime {
    /// The expiry of a session that is used at `now`.
    pub fn target(&self, now: UnixMillis) -> UnixMillis {
        let idle = now.plus(self.ttl);
        self.deadline.map_or(idle, |deadline| idle.min(deadline))
    }

    /// The expiry to set on a session's key that is read, where `target` is the [target](Self::target) now. `None` if the
    /// current expiry stays: it exists, and is before the target by at most the smaller of `interval` and a tenth of the
    /// TTL.
    pub fn slide(&self, target: UnixMillis, expiry: Option<UnixMillis>, interval: Duration) -> Option<UnixMillis> {
        let moves = match expiry {
            None => true,
            Some(expiry) => expiry > target || target.since(expiry) > interval.min(self.ttl / 10),
        };
        moves.then_some(target)
    }

    /// The expiry of a key under KEEPTTL: the current one, but not after the deadline, and the target if there is
    /// none.
    pub fn keep(&self, now: UnixMillis, expiry: Option<UnixMillis>) -> UnixMillis {
        match (expiry, self.deadline) {
            (Some(expiry), Some(deadline)) => expiry.min(deadline),
            (Some(expiry), None) => expiry,
            (None, _) => self.target(now),
        }
    }

    /// The lifetime with another TTL, for one use with `EX` or `PX`.
    pub const fn with_ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// The start of a session: the earliest of `times`. A time in the future is ignored, such as an `iat` in
    /// milliseconds. A time at most `tolerance` ahead is accepted, because clocks differ.
    pub fn start(times: [Option<UnixMillis>; 3], now: UnixMillis, tolerance: Duration) -> Option<UnixMillis> {
        let latest = now.plus(tolerance);
        times.into_iter().flatten().filter(|time| *time <= latest).min()
    }

    /// The earlier of `exp` and the end by `max_lifetime`. Each may be absent.
    pub fn deadline(
        start: Option<UnixMillis>,
        max_lifetime: Option<Duration>,
        exp: Option<UnixMillis>,
    ) -> Option<UnixMillis> {
        let max_lifetime_end = start.zip(max_lifetime).map(|(start, longest)| start.plus(longest));
        [max_lifetime_end, exp].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Lifetime, UnixMillis};

    const HOUR: Lifetime = Lifetime { ttl: Duration::from_secs(3600), deadline: None };
    const MINUTE: Duration = Duration::from_secs(60);

    fn at(millis: i64) -> UnixMillis {
        UnixMillis::new(millis)
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_read_moves_the_expiry_when_it_is_worth_it() {
        let now = 1_000_000;
        let target = now + 3_600_000;
        let slide = |lifetime: Lifetime, expiry: Option<i64>, interval| {
            lifetime.slide(lifetime.target(at(now)), expiry.map(at), interval)
        };
        assert_eq!(slide(HOUR, None, MINUTE), Some(at(target)));
        assert_eq!(slide(HOUR, Some(target), MINUTE), None);
        assert_eq!(slide(HOUR, Some(target - 60_000), MINUTE), None);
        assert_eq!(slide(HOUR, Some(target - 60_001), MINUTE), Some(at(target)));
        assert_eq!(slide(HOUR, Some(target + 1), MINUTE), Some(at(target)));
        assert_eq!(slide(HOUR, Some(target - 1), Duration::ZERO), Some(at(target)));
        // A tenth of a short TTL is less than the interval.
        let short = HOUR.with_ttl(ms(1000));
        assert_eq!(slide(short, Some(now + 900), MINUTE), None);
        assert_eq!(slide(short, Some(now + 899), MINUTE), Some(at(now + 1000)));
        // A tenth that is not whole milliseconds counts as the whole ones in it.
        let odd = HOUR.with_ttl(ms(1009));
        assert_eq!(slide(odd, Some(now + 909), MINUTE), None);
        assert_eq!(slide(odd, Some(now + 908), MINUTE), Some(at(now + 1009)));
    }

    #[test]
    fn a_deadline_is_never_passed() {
        let bounded = Lifetime { deadline: Some(at(2000)), ..HOUR };
        let now = at(1000);
        assert_eq!(bounded.target(now), at(2000));
        assert_eq!(bounded.slide(bounded.target(now), Some(at(5000)), MINUTE), Some(at(2000)));
        assert_eq!(bounded.keep(now, Some(at(5000))), at(2000));
        assert_eq!(bounded.keep(now, Some(at(1500))), at(1500));
        assert_eq!(bounded.keep(now, None), at(2000));
        assert_eq!(HOUR.keep(now, Some(at(5000))), at(5000));
        assert_eq!(HOUR.keep(now, None), at(3_601_000));
    }

    #[test]
    fn the_earliest_time_counts() {
        let start = |times: [Option<i64>; 3]| Lifetime::start(times.map(|time| time.map(at)), at(10), Duration::ZERO);
        assert_eq!(start([Some(3), Some(1), Some(2)]), Some(at(1)));
        assert_eq!(start([None, Some(5), None]), Some(at(5)));
        assert_eq!(start([None; 3]), None);
        assert_eq!(Lifetime::deadline(Some(at(10)), Some(ms(5)), Some(at(20))), Some(at(15)));
        assert_eq!(Lifetime::deadline(Some(at(10)), Some(ms(50)), Some(at(20))), Some(at(20)));
        assert_eq!(Lifetime::deadline(None, Some(ms(5)), None), None);
        assert_eq!(Lifetime::deadline(Some(at(10)), None, None), None);
    }

    #[test]
    fn a_start_in_the_future_does_not_count() {
        let start = |times: [Option<i64>; 3], now, tolerance| {
            Lifetime::start(times.map(|time| time.map(at)), at(now), ms(tolerance)).map(UnixMillis::as_i64)
        };
        assert_eq!(start([Some(10), Some(12), Some(11)], 9, 0), None);
        assert_eq!(start([Some(12), Some(9), None], 9, 0), Some(9));
        assert_eq!(start([Some(12), Some(11), None], 9, 2), Some(11));
        assert_eq!(start([Some(i64::MAX), None, None], i64::MAX, LONGEST), Some(i64::MAX));
        assert_eq!(start([Some(i64::MAX), None, None], i64::MAX - 10, 9), None);
    }

    /// The longest span in milliseconds that two moments can be apart.
    const LONGEST: u64 = i64::MAX.cast_unsigned();

    proptest! {
        #[test]
        fn a_start_is_never_later_than_the_clock_allows(
            times in any::<[Option<i64>; 3]>(), now in any::<i64>(), tolerance in 0..=LONGEST,
        ) {
            let (times, now, tolerance) = (times.map(|time| time.map(at)), at(now), ms(tolerance));
            let start = Lifetime::start(times, now, tolerance);
            prop_assert!(start.is_none_or(|start| start <= now.plus(tolerance) && times.contains(&Some(start))));
            // Time that passes brings no later start, so that no session gets younger.
            let later = Lifetime::start(times, now.plus(ms(1)), tolerance);
            prop_assert!(start.is_none() || later == start);
        }

        #[test]
        fn nothing_overflows_or_outlives_its_target(
            now in any::<i64>(), ttl in 1..=LONGEST, deadline in any::<Option<i64>>(),
            expiry in any::<Option<i64>>(), interval in 0..=LONGEST,
        ) {
            let (now, deadline, expiry) = (at(now), deadline.map(at), expiry.map(at));
            let lifetime = Lifetime { ttl: ms(ttl), deadline };
            let target = lifetime.target(now);
            prop_assert!(deadline.is_none_or(|deadline| target <= deadline));
            let after = lifetime.slide(lifetime.target(now), expiry, ms(interval)).or(expiry).expect("a read leaves an expiry");
            prop_assert!(after <= target);
            let kept = lifetime.keep(now, expiry);
            prop_assert!(deadline.is_none_or(|deadline| kept <= deadline));
        }
    }
}
