//! Points in time on a clock that the caller owns.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// A point on a monotonic clock whose epoch the caller chose, in nanoseconds.
///
/// 2^64 nanoseconds are 584 years; sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Time(u64);

impl Time {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);
    /// The last point that can be named; a timer there never fires.
    pub const MAX: Self = Self(u64::MAX);

    /// Makes a time from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Makes a time from milliseconds since the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span from `earlier` to `self`, or zero when `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The point `span` before `self`, or the epoch when there is none.
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

/// Seconds with nine decimals, trailing zeros cut: `3.609375`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, mut fraction, mut width) = (self.0 / NANOS_PER_SEC, self.0 % NANOS_PER_SEC, 9_usize);
        if fraction == 0 {
            return write!(f, "{secs}");
        }
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        write!(f, "{secs}.{fraction:0width$}")
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A clock for callers that have the standard library: its epoch is the moment it was started.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

#[cfg(feature = "std")]
#[allow(clippy::disallowed_methods)] // the one place where a caller without a clock of its own gets one
impl Clock {
    /// Starts a clock at [`Time::ZERO`].
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The present.
    pub fn now(&self) -> Time {
        Time::ZERO + self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn time_is_shown_without_trailing_zeros() {
        assert_eq!(Time::from_nanos(3_609_375_000).to_string(), "3.609375");
        assert_eq!(Time::from_nanos(1_000_000_001).to_string(), "1.000000001");
        assert_eq!(Time::from_millis(2000).to_string(), "2");
    }

    #[test]
    fn sums_and_differences_saturate() {
        assert_eq!(Time::MAX + Duration::from_secs(1), Time::MAX);
        assert_eq!(Time::ZERO.saturating_since(Time::MAX), Duration::ZERO);
        assert_eq!(Time::from_millis(1) + Duration::MAX, Time::MAX);
    }
}
