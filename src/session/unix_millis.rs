//! Points in time. Spans of time are [`Duration`]s.

use std::time::Duration;

/// A point in time in milliseconds since the Unix epoch, negative before it. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The end of the year 9999: the latest time that a client may give.
    pub const YEAR_9999: Self = Self(253_402_300_799_999);

    /// The time `millis` milliseconds after the epoch.
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// The milliseconds since the epoch.
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The time `span` later. Fractions of a millisecond are dropped.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The span from `earlier` to this time; zero if `earlier` is later. At most `i64::MAX` milliseconds.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time, rounded down to a second.
    pub const fn whole_seconds(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(1000)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::UnixMillis;

    const MIN: UnixMillis = UnixMillis::new(i64::MIN);
    const MAX: UnixMillis = UnixMillis::new(i64::MAX);

    #[test]
    fn arithmetic_saturates() {
        let longest = MAX.since(UnixMillis::EPOCH);
        assert_eq!(longest, Duration::from_millis(i64::MAX.cast_unsigned()));
        assert_eq!(UnixMillis::EPOCH.plus(longest), MAX);
        assert_eq!(UnixMillis::new(1).plus(longest), MAX);
        assert_eq!(MIN.plus(longest), UnixMillis::new(-1));
        assert_eq!(MIN.plus(Duration::MAX), MAX);
        assert_eq!(MAX.since(MIN), longest);
        assert_eq!(MIN.since(MAX), Duration::ZERO);
        assert_eq!(UnixMillis::new(-1).since(UnixMillis::EPOCH), Duration::ZERO);
        assert_eq!(UnixMillis::new(-1).since(UnixMillis::new(-3)), Duration::from_millis(2));
        assert_eq!(UnixMillis::EPOCH.plus(Duration::from_micros(1999)), UnixMillis::new(1));
    }

    #[test]
    fn seconds_are_rounded_down() {
        for (millis, second) in [(1999, 1000), (1000, 1000), (-1, -1000), (-1000, -1000), (i64::MIN, i64::MIN)] {
            assert_eq!(UnixMillis::new(millis).whole_seconds(), UnixMillis::new(second));
        }
    }
}
