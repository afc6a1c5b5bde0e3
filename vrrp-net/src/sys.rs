//! The only unsafe code of the workspace: what the kernel offers and no crate wraps safely.
#![allow(unsafe_code)]

pub(crate) mod mmsg;
mod process;

pub(crate) use process::{
    Identity, become_in_child, keep_descriptors, local_time, pidfd_open, schedule_ordinarily,
};

use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

/// Takes a descriptor over from a type that owns it but does not convert into [`OwnedFd`].
pub(crate) fn into_owned(owner: impl IntoRawFd) -> OwnedFd {
    // SAFETY: `into_raw_fd` hands over the ownership of an open descriptor, and nobody else holds it now.
    unsafe { OwnedFd::from_raw_fd(owner.into_raw_fd()) }
}

/// The epoll descriptor of a poll, which mio lends as a number only.
pub(crate) fn poll_fd(poll: &mio::Poll) -> BorrowedFd<'_> {
    // SAFETY: the poll keeps the descriptor open as long as it lives, and the loan ends before it.
    unsafe { BorrowedFd::borrow_raw(std::os::fd::AsRawFd::as_raw_fd(poll)) }
}

/// The address of a packet socket: an interface and a protocol (an EtherType, 0 for none), for binding.
#[cfg(feature = "lab")]
pub(crate) fn packet_address(index: u32, ether_type: u16) -> std::io::Result<socket2::SockAddr> {
    let index = i32::try_from(index).map_err(std::io::Error::other)?;
    // SAFETY: the storage is zeroed, aligned for and larger than every socket address; the length written is that of
    // the address written.
    let ((), address) = unsafe {
        socket2::SockAddr::try_init(|storage, length| {
            let address = storage.cast::<libc::sockaddr_ll>();
            (*address).sll_family = libc::AF_PACKET as u16;
            (*address).sll_protocol = ether_type.to_be();
            (*address).sll_ifindex = index;
            *length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            Ok(())
        })
    }?;
    Ok(address)
}

/// Gives the calling thread a real-time priority (SCHED_FIFO, 1 to 99) that its children do not inherit.
///
/// # Errors
/// `EPERM` without `CAP_SYS_NICE`, and in a user namespace; `EINVAL` for another priority.
#[cfg(feature = "lab")]
pub(crate) fn set_realtime(priority: i32) -> std::io::Result<()> {
    // SAFETY: all fields of the structure are integers, for which zero is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: the pointer is to a live structure of the type that the call reads; 0 is this thread.
    match unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const parameters)
    } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Splits the process in two, if it has no more than one thread.
///
/// # Errors
/// `EBUSY` with more threads: in the child they would be gone, and the locks that they held would stay.
pub(crate) fn fork() -> std::io::Result<nix::unistd::ForkResult> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(nix::errno::Errno::EBUSY.into());
    }
    // SAFETY: there is one thread, this one, so that the child has all that it needs and no lock is held for ever.
    Ok(unsafe { nix::unistd::fork() }?)
}
