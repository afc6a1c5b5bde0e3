//! The netlink socket itself: opened by neli, read with what neli hides (sender, truncation).

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use neli::consts::socket::NlFamily;
use neli::socket::NlSocket;
use neli::utils::Groups;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, NetlinkAddr, recvmsg, send, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::sys;

/// How the socket is read.
pub(super) enum Mode {
    /// A read waits, but never longer than this: an answer can be lost.
    Blocking(Duration),
    /// A read never waits.
    NonBlocking,
}

/// What one read brought.
pub(super) enum Received<'a> {
    /// A datagram from the kernel.
    Datagram(&'a [u8]),
    /// A datagram from the kernel that was longer than our buffer.
    Truncated,
    /// A datagram that another process sent to us; it is nobody's word.
    Foreign,
}

/// A netlink socket in the network namespace of the thread that opened it.
pub(super) struct Socket {
    fd: OwnedFd,
    buffer: Vec<u8>,
}

impl Socket {
    pub(super) fn open(
        family: NlFamily,
        groups: &[u32],
        mode: Mode,
        receive_buffer: usize,
    ) -> io::Result<Self> {
        let socket = NlSocket::connect(family, None, Groups::new_groups(groups))?;
        socket.enable_ext_ack(true)?;
        // Linux 4.20; without it a dump is filtered here instead of in the kernel.
        let _ = socket.enable_strict_checking(true);
        if matches!(mode, Mode::NonBlocking) {
            socket.nonblock()?;
        }
        let socket = Self { fd: sys::into_owned(socket), buffer: vec![0; BUFFER] };
        if let Mode::Blocking(patience) = mode {
            let milliseconds = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
            setsockopt(&socket.fd, sockopt::ReceiveTimeout, &TimeVal::milliseconds(milliseconds))?;
        }
        socket.set_receive_buffer(receive_buffer)?;
        Ok(socket)
    }

    /// Sends one or several whole messages in one call.
    pub(super) fn send(&self, messages: &[u8]) -> io::Result<()> {
        match retry(|| send(self.fd.as_raw_fd(), messages, MsgFlags::empty()))? {
            sent if sent == messages.len() => Ok(()),
            sent => Err(io::Error::other(format!("the kernel took {sent} of {} octets", messages.len()))),
        }
    }

    pub(super) fn receive(&mut self) -> io::Result<Received<'_>> {
        let fd = self.fd.as_raw_fd();
        let (length, sender, truncated) = retry(|| {
            let mut parts = [IoSliceMut::new(&mut self.buffer)];
            let message = recvmsg::<NetlinkAddr>(fd, &mut parts, None, MsgFlags::empty())?;
            Ok((
                message.bytes,
                message.address.map(|sender| sender.pid()),
                message.flags.contains(MsgFlags::MSG_TRUNC),
            ))
        })?;
        if sender != Some(KERNEL) {
            return Ok(Received::Foreign);
        }
        if truncated {
            return Ok(Received::Truncated);
        }
        Ok(Received::Datagram(self.buffer.get(..length).unwrap_or_default()))
    }

    /// Sets the size of the kernel's queue, beyond `net.core.rmem_max` where we may.
    pub(super) fn set_receive_buffer(&self, octets: usize) -> io::Result<()> {
        if setsockopt(&self.fd, sockopt::RcvBufForce, &octets).is_err() {
            setsockopt(&self.fd, sockopt::RcvBuf, &octets)?;
        }
        Ok(())
    }

    /// Sets the size of the largest send, beyond `net.core.wmem_max` where we may.
    pub(super) fn set_send_buffer(&self, octets: usize) -> io::Result<()> {
        if setsockopt(&self.fd, sockopt::SndBufForce, &octets).is_err() {
            setsockopt(&self.fd, sockopt::SndBuf, &octets)?;
        }
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The port id of the kernel.
const KERNEL: u32 = 0;
/// The kernel builds dumps of up to 32 KiB a datagram.
const BUFFER: usize = 64 * 1024;

fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::frame::{self, Message};

    #[test]
    fn a_datagram_longer_than_the_buffer_is_noticed() {
        let mut socket = Socket::open(NlFamily::Route, &[], Mode::Blocking(Duration::from_secs(5)), 1 << 16)
            .expect("a socket");
        let (kind, flags) = (libc::RTM_GETLINK, (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16);
        let mut message = Vec::new();
        frame::push(&mut message, Message { kind, flags, sequence: 1, payload: &[0; 16] });
        socket.buffer.truncate(64);
        socket.send(&message).expect("a request");
        assert!(matches!(socket.receive().expect("an answer"), Received::Truncated));
    }

    #[test]
    fn a_blocking_read_gives_up() {
        let mut socket =
            Socket::open(NlFamily::Route, &[], Mode::Blocking(Duration::from_millis(1)), 1 << 16)
                .expect("a socket");
        let error = socket.receive().err().expect("nothing was asked");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
