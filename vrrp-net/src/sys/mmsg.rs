//! Many datagrams in one system call. nix's wrappers do not fit: they keep pointers between calls (so the thread that
//! made them must use them), do not restore the lengths that the kernel overwrites, and give all datagrams of a call the
//! same control message.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// The most datagrams of one call.
pub(crate) const BATCH: usize = 32;
/// Room for one datagram: 255 IPv6 addresses and every IPv4 option.
pub(crate) const OCTETS: usize = 4352;
const CONTROL: usize = 192;
const NAME: usize = size_of::<libc::sockaddr_in6>();

/// Room for one datagram that is received, with its sender and control messages.
pub(crate) struct Inbox {
    octets: [u8; OCTETS],
    length: usize,
    name: [u8; NAME],
    name_length: usize,
    control: [u8; CONTROL],
    control_length: usize,
}

impl Inbox {
    pub(crate) const EMPTY: Self = Self {
        octets: [0; OCTETS],
        length: 0,
        name: [0; NAME],
        name_length: 0,
        control: [0; CONTROL],
        control_length: 0,
    };

    /// The datagram; what did not fit is cut off.
    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&self.octets)
    }

    /// The sender as `sockaddr_in` or `sockaddr_in6`.
    pub(crate) fn name(&self) -> &[u8] {
        self.name.get(..self.name_length).unwrap_or(&self.name)
    }

    /// The control messages.
    pub(crate) fn control(&self) -> &[u8] {
        self.control.get(..self.control_length).unwrap_or(&self.control)
    }
}

/// A datagram to be sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outgoing<'a> {
    /// The destination: a socket address of the socket's family.
    pub(crate) name: &'a [u8],
    /// One control message, or nothing.
    pub(crate) control: &'a [u8],
    /// The datagram.
    pub(crate) octets: &'a [u8],
}

/// Receives what is queued without waiting, at most [`BATCH`] datagrams, and tells how many.
///
/// # Errors
/// `EAGAIN` when nothing is queued, and what the interface reports, such as `ENETDOWN`.
pub(crate) fn receive(socket: BorrowedFd<'_>, inboxes: &mut [Inbox]) -> io::Result<usize> {
    let count = inboxes.len().min(BATCH);
    let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::zeroed() }; BATCH];
    for ((inbox, part), header) in inboxes.iter_mut().zip(&mut parts).zip(&mut headers) {
        let part = part.write(libc::iovec { iov_base: inbox.octets.as_mut_ptr().cast(), iov_len: OCTETS });
        // SAFETY: all zeroes are a valid mmsghdr: integers and null pointers.
        let header = &mut unsafe { header.assume_init_mut() }.msg_hdr;
        header.msg_name = inbox.name.as_mut_ptr().cast();
        header.msg_namelen = NAME as libc::socklen_t;
        header.msg_iov = part;
        header.msg_iovlen = 1;
        header.msg_control = inbox.control.as_mut_ptr().cast();
        header.msg_controllen = CONTROL as _;
    }
    // SAFETY: the first `count` headers point to buffers of the stated lengths, which are borrowed for this call alone.
    let received = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr().cast(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (inbox, header) in inboxes.iter_mut().zip(&headers).take(received) {
        // SAFETY: it was valid before the call, and the kernel wrote integers.
        let header = unsafe { header.assume_init_ref() };
        inbox.length = (header.msg_len as usize).min(OCTETS);
        inbox.name_length = (header.msg_hdr.msg_namelen as usize).min(NAME);
        #[allow(clippy::unnecessary_cast)] // 32 bits with musl
        let control_length = header.msg_hdr.msg_controllen as usize;
        inbox.control_length = control_length.min(CONTROL);
    }
    Ok(received)
}

/// Hands datagrams to the kernel without waiting, at most [`BATCH`], and tells how many it took.
///
/// # Errors
/// Why it did not take the first one.
pub(crate) fn send(socket: BorrowedFd<'_>, datagrams: &[Outgoing<'_>]) -> io::Result<usize> {
    let count = datagrams.len().min(BATCH);
    let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::zeroed() }; BATCH];
    for ((datagram, part), header) in datagrams.iter().zip(&mut parts).zip(&mut headers) {
        let octets = datagram.octets;
        // The kernel only reads what these pointers show, whatever their types say.
        let part =
            part.write(libc::iovec { iov_base: octets.as_ptr().cast_mut().cast(), iov_len: octets.len() });
        // SAFETY: all zeroes are a valid mmsghdr: integers and null pointers.
        let header = &mut unsafe { header.assume_init_mut() }.msg_hdr;
        header.msg_name = datagram.name.as_ptr().cast_mut().cast();
        header.msg_namelen = datagram.name.len() as libc::socklen_t;
        header.msg_iov = part;
        header.msg_iovlen = 1;
        if !datagram.control.is_empty() {
            header.msg_control = datagram.control.as_ptr().cast_mut().cast();
            header.msg_controllen = datagram.control.len() as _;
        }
    }
    // SAFETY: the first `count` headers point to octets of the stated lengths, which outlive this call; the kernel
    // writes to the headers alone.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr().cast(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT as _,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}
