//! Watching links and addresses, without ever blocking.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use neli::consts::socket::NlFamily;

use super::address::Address;
use super::decode;
use super::error::Error;
use super::frame::Messages;
use super::link::Link;
use super::request::kind;
use super::socket::{Mode, Received, Socket};

/// A change in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An address is there, or something about it has changed.
    AddressAdded(Address),
    /// An address has gone.
    AddressRemoved(Address),
    /// An interface is there, or something about it has changed.
    LinkChanged(Link),
    /// An interface has gone, or into another network namespace.
    LinkGone(Link),
    /// Changes were lost. All that is known may be old: dump and compare.
    Overrun,
}

/// What a [`Monitor::read`] leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// Nothing is queued; the next event wakes the poll.
    Drained,
    /// More is queued, and an edge-triggered poll (mio) will not say so again.
    More,
}

/// A non-blocking socket that hears of links and of IPv4 and IPv6 addresses, in the network namespace of the thread
/// that opened it. Poll it for reading by its descriptor.
pub struct Monitor {
    socket: Socket,
}

impl Monitor {
    /// Opens the socket. What changes from here on is heard; dump after opening to know what was before.
    pub fn open() -> Result<Self, Error> {
        Socket::open(NlFamily::Route, &GROUPS, Mode::NonBlocking, RECEIVE_BUFFER)
            .map(|socket| Self { socket })
            .map_err(Error::Open)
    }

    /// Asks for another size of the kernel's queue than 4 MiB, as `SO_RCVBUF` counts it.
    ///
    /// # Errors
    /// [`Error::Socket`] when the kernel allows none.
    pub fn set_receive_buffer(&self, octets: usize) -> Result<(), Error> {
        self.socket.set_receive_buffer(octets).map_err(failed)
    }

    /// Reads at most `limit` datagrams and tells what they say.
    ///
    /// # Errors
    /// [`Error::Socket`] when the socket itself is broken; a full queue is [`Event::Overrun`].
    pub fn read(&mut self, limit: usize, mut tell: impl FnMut(Event)) -> Result<Progress, Error> {
        for _ in 0..limit {
            match self.socket.receive() {
                Ok(Received::Datagram(datagram)) => {
                    for message in Messages::new(datagram) {
                        let event = match message {
                            Ok(message) => event(message.kind, message.payload),
                            Err(_) => Some(Event::Overrun),
                        };
                        event.into_iter().for_each(&mut tell);
                    }
                }
                Ok(Received::Foreign) => {}
                Ok(Received::Truncated) => tell(Event::Overrun),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Progress::Drained),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => tell(Event::Overrun),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Progress::More)
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
    }
}

/// RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR.
const GROUPS: [u32; 3] = [1, 5, 9];
/// Some ten thousand events: more than a container host makes while we are held up for a second.
const RECEIVE_BUFFER: usize = 4 << 20;

fn event(kind: u16, payload: &[u8]) -> Option<Event> {
    match kind {
        kind::NEWLINK => decode::link(payload).map(Event::LinkChanged),
        kind::DELLINK => decode::link(payload).map(Event::LinkGone),
        kind::NEWADDR => decode::address(payload).map(Event::AddressAdded),
        kind::DELADDR => decode::address(payload).map(Event::AddressRemoved),
        _ => None,
    }
}

fn failed(source: io::Error) -> Error {
    Error::Socket { request: "watch interfaces and addresses".to_string(), source }
}
