//! The local time, as it stands before the lines of a log.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sys;

/// A moment in the time zone of this machine, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    year: i32,
    month: usize,
    day: i32,
    weekday: usize,
    hour: i32,
    minute: i32,
    second: i32,
}

impl LocalTime {
    /// The local time of a moment; 1970-01-01 for what no calendar knows.
    pub fn of(moment: SystemTime) -> Self {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let parts = i64::try_from(since.as_secs()).ok().and_then(sys::local_time);
        parts.as_ref().map_or(Self::EPOCH, |tm| Self {
            year: tm.tm_year + 1900,
            month: usize::try_from(tm.tm_mon).unwrap_or(0),
            day: tm.tm_mday,
            weekday: usize::try_from(tm.tm_wday).unwrap_or(0),
            hour: tm.tm_hour,
            minute: tm.tm_min,
            second: tm.tm_sec,
        })
    }

    /// `Nov  6 08:10:28`, the time of RFC 3164 section 4.1.2.
    pub const fn syslog(&self) -> Syslog<'_> {
        Syslog(self)
    }

    const EPOCH: Self = Self { year: 1970, month: 0, day: 1, weekday: 4, hour: 0, minute: 0, second: 0 };
}

/// `Fri Nov  6 08:10:28 2026`, as C's `ctime` writes it.
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday = WEEKDAYS.get(self.weekday).unwrap_or(&"???");
        write!(f, "{weekday} {} {}", self.syslog(), self.year)
    }
}

/// See [`LocalTime::syslog`].
#[derive(Clone, Copy, Debug)]
pub struct Syslog<'a>(&'a LocalTime);

impl fmt::Display for Syslog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LocalTime { month, day, hour, minute, second, .. } = self.0;
        let month = MONTHS.get(*month).unwrap_or(&"???");
        write!(f, "{month} {day:2} {hour:02}:{minute:02}:{second:02}")
    }
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn a_moment_is_written_as_ctime_and_syslog_write_it() {
        let sixth = LocalTime { year: 2026, month: 10, day: 6, weekday: 5, hour: 8, minute: 1, second: 28 };
        assert_eq!(sixth.to_string(), "Fri Nov  6 08:01:28 2026");
        assert_eq!(sixth.syslog().to_string(), "Nov  6 08:01:28");
    }

    #[test]
    fn the_calendar_agrees_with_date() {
        for seconds in [0, 951_826_554, 1_795_163_428] {
            let date = Command::new("date")
                .args([&format!("-d@{seconds}"), "+%a %b %e %H:%M:%S %Y"])
                .env("LC_ALL", "C")
                .output()
                .expect("date is there");
            let ours = LocalTime::of(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
            assert_eq!(ours, String::from_utf8_lossy(&date.stdout).trim_end());
        }
    }
}
