//! Becoming a daemon, and being the only one.

mod detach;
mod pid_file;

use std::ops::RangeInclusive;

use crate::sys;

pub use detach::{Background, Detached, Foreground, detach};
pub use pid_file::{PidFile, PidFileError};

/// The real-time signals that the C library leaves to programs.
pub fn realtime_signals() -> RangeInclusive<i32> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}

/// Keeps the descriptors that this process was started with from the scripts that it starts. On kernels before 5.11 it
/// does nothing.
pub fn keep_inherited_descriptors() {
    // Our own are kept anyway; what is left open to scripts is what whoever started us left open to us.
    let _ = sys::keep_descriptors();
}

/// Gives the calling thread the ordinary scheduling class. For threads of a process that was started with a real-time
/// one: writing logs, reading files and running scripts come after packets.
pub fn schedule_ordinarily() {
    // Everybody may step back; where a filter of system calls forbids even that, work goes on as it is.
    let _ = sys::schedule_ordinarily();
}
