//! The driver's clock, and what a kernel time stamp means on it.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use vrrp_core::Time;

/// The present on CLOCK_BOOTTIME: nanoseconds since the host started, its sleep included. Nobody can set it.
pub fn now() -> Time {
    read(ClockId::CLOCK_BOOTTIME)
}

/// Turns kernel receive stamps, which are wall-clock time, into the driver's time by their age at the moment of reading.
///
/// A step of the wall clock between stamp and reading costs precision and nothing else: what comes out is never before
/// the last time that the sockets were empty, and never after the present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    earliest: Time,
    now: Time,
    wall: Time,
}

impl Stamps {
    /// Stamps of packets that arrived between `earliest` and `now`.
    pub(crate) fn taken(earliest: Time, now: Time) -> Self {
        Self { earliest, now, wall: read(ClockId::CLOCK_REALTIME) }
    }

    /// When a packet with this stamp (wall-clock time since 1970) arrived; one without a stamp arrived now.
    pub(crate) fn received(&self, stamp: Option<Duration>) -> Time {
        let Some(stamp) = stamp else { return self.now };
        let age = self.wall.saturating_since(Time::ZERO + stamp);
        self.now.saturating_sub(age).max(self.earliest).min(self.now)
    }
}

fn read(clock: ClockId) -> Time {
    // These clocks exist since Linux 2.6.39; a reading of zero only makes timers late.
    let time = clock_gettime(clock).map(Duration::from).unwrap_or_default();
    Time::ZERO + time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps() -> Stamps {
        Stamps {
            earliest: Time::from_millis(900),
            now: Time::from_millis(1000),
            wall: Time::from_millis(50_000),
        }
    }

    #[test]
    fn a_stamp_counts_by_its_age() {
        assert_eq!(stamps().received(Some(Duration::from_millis(49_960))), Time::from_millis(960));
        assert_eq!(stamps().received(None), Time::from_millis(1000));
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_a_packet_no_further_than_the_last_reading_and_now() {
        assert_eq!(stamps().received(Some(Duration::from_millis(10))), Time::from_millis(900));
        assert_eq!(stamps().received(Some(Duration::from_millis(99_000))), Time::from_millis(1000));
    }

    #[test]
    fn the_clock_runs() {
        let first = now();
        assert!(first > Time::ZERO && now() >= first);
    }
}
