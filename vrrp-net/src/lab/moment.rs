//! Time in the lab, and waiting for facts.

use std::fmt;
use std::ops::{Add, Sub};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::error::Error;

/// A point in time on the realtime clock, which the kernel stamps packets with, in nanoseconds.
///
/// All namespaces share it, so that moments of different hosts compare. A step of that clock spoils a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The present.
    pub fn now() -> Self {
        clock_gettime(ClockId::CLOCK_REALTIME).map(Self::from).unwrap_or_default()
    }

    /// Time since `earlier`, zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<TimeSpec> for Moment {
    fn from(time: TimeSpec) -> Self {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanoseconds = u64::try_from(time.tv_nsec()).unwrap_or(0);
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Moment {
    /// Seconds and microseconds since 1970.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1000)
    }
}

/// Asks again and again, every millisecond, until `fact` answers.
///
/// # Errors
/// [`Error::Late`] if it has not by `within`; it is asked at least twice.
pub fn wait_for<T>(within: Duration, what: &str, mut fact: impl FnMut() -> Option<T>) -> Result<T, Error> {
    let start = Instant::now();
    loop {
        if let Some(fact) = fact() {
            return Ok(fact);
        }
        if start.elapsed() >= within {
            return fact().ok_or_else(|| Error::Late { what: what.to_string(), waited: start.elapsed() });
        }
        thread::park_timeout(Duration::from_millis(1));
    }
}
