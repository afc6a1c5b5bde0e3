//! Skew_Time and Master_Down_Interval: pure integer functions (RFC 9568 section 6.1, RFC 3768 section 6.1).

use core::time::Duration;

use crate::types::{Interval, Priority, Version};

/// Skew_Time: the lower the priority, the later a BACKUP takes over.
///
/// VRRPv3: `(256 - priority) * Master_Adver_Interval / 256`, cut to the nanosecond. VRRPv2:
/// `(256 - priority) / 256` seconds, whatever the interval.
pub(crate) fn skew(version: Version, priority: Priority, interval: Interval) -> Duration {
    let steps = 256 - u64::from(priority.get());
    Duration::from_nanos(match version {
        Version::V2 => steps * 3_906_250,
        // One centisecond / 256 is 39062.5 ns. At most 255 * 25500 * 78125: far below 2^64.
        Version::V3 => steps * u64::from(interval.as_centis()) * 78_125 / 2,
    })
}

/// Master_Down_Interval: `adverts` intervals (3 in every RFC) and Skew_Time.
pub(crate) fn master_down(version: Version, priority: Priority, interval: Interval, adverts: u8) -> Duration {
    let intervals = u64::from(adverts) * u64::from(interval.as_centis()) * 10;
    Duration::from_millis(intervals) + skew(version, priority, interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(version: Version, priority: u8, centis: u16) -> u128 {
        master_down(version, Priority::new(priority).unwrap(), Interval::from_centis(centis).unwrap(), 3)
            .as_nanos()
    }

    #[test]
    fn skew_is_the_exact_rational_cut_to_the_nanosecond() {
        for priority in 1..=255_u8 {
            for centis in [1, 3, 10, 100, 421, 4095_u16] {
                let exact = (256 - u128::from(priority)) * u128::from(centis) * 10_000_000 / 256;
                let ours = skew(
                    Version::V3,
                    Priority::new(priority).unwrap(),
                    Interval::from_centis(centis).unwrap(),
                );
                assert_eq!(ours.as_nanos(), exact, "priority {priority}, {centis} cs");
            }
        }
    }

    #[test]
    fn high_priorities_at_short_intervals_keep_their_skew() {
        let skew = |priority, centis| {
            skew(Version::V3, Priority::new(priority).unwrap(), Interval::from_centis(centis).unwrap())
                .as_nanos()
        };
        assert_eq!(skew(254, 10), 781_250);
        assert_eq!(skew(100, 421), 2_565_468_750);
    }

    #[test]
    fn master_down_agrees_with_the_tables() {
        assert_eq!(down(Version::V3, 100, 100), 3_609_375_000);
        assert_eq!(down(Version::V3, 1, 4095), 163_640_039_062);
        assert_eq!(down(Version::V2, 1, 25_500), 765_996_093_750);
        assert_eq!(down(Version::V2, 100, 500), 15_609_375_000);
        assert_eq!(down(Version::V2, 100, 100), down(Version::V3, 100, 100));
    }
}
