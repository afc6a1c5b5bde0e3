//! Becoming a daemon, and being the only one.

mod detach;
mod pid_file;

use std::ops::RangeInclusive;

pub use detach::{Background, Detached, Foreground, detach};
pub use pid_file::{PidFile, PidFileError};

/// The real-time signals that the C library leaves to programs.
pub fn realtime_signals() -> RangeInclusive<i32> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}
