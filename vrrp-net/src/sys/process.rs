//! Processes and the calendar.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Who a child is to be.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) user: libc::uid_t,
    pub(crate) group: libc::gid_t,
    pub(crate) groups: Vec<libc::gid_t>,
}

/// A descriptor that is readable when the process, a child of ours that was not waited for, has ended (Linux 5.3).
pub(crate) fn pidfd_open(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers and touches no memory of ours.
    let outcome = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid), 0 as libc::c_long) };
    let fd = RawFd::try_from(outcome).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Keeps every descriptor that is open, but the standard ones, from programs that are started later (Linux 5.11).
pub(crate) fn keep_descriptors() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    // SAFETY: the call takes three numbers, and no descriptor is closed before a program takes the place of this one.
    let outcome =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gives the calling thread the ordinary scheduling class; what it starts from then on has it, too.
pub(crate) fn schedule_ordinarily() -> io::Result<()> {
    // SAFETY: numbers only, for which zero is a value; which there are depends on the C library.
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the parameters are read only, and 0 is the calling thread.
    let outcome = unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const parameters) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes the child of a command somebody else before it begins: groups first, as only root can set them.
pub(crate) fn become_in_child(command: &mut Command, identity: Identity) {
    let Identity { user, group, groups } = identity;
    let set = move || {
        // SAFETY: the list is read only, and as long as is said; the other calls take numbers.
        let is_done = unsafe {
            libc::setgroups(groups.len(), groups.as_ptr()) == 0
                && libc::setresgid(group, group, group) == 0
                && libc::setresuid(user, user, user) == 0
        };
        is_done.then_some(()).ok_or_else(io::Error::last_os_error)
    };
    // SAFETY: in the child the closure makes three system calls and allocates nothing.
    unsafe { command.pre_exec(set) };
}

/// The local time of a moment in seconds since 1970; none if it is too far away for a calendar.
pub(crate) fn local_time(seconds: i64) -> Option<libc::tm> {
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of the right types.
    let outcome = unsafe { libc::localtime_r(&seconds, parts.as_mut_ptr()) };
    if outcome.is_null() {
        return None;
    }
    // SAFETY: zeroed is a valid value, and the call has filled it.
    Some(unsafe { parts.assume_init() })
}
