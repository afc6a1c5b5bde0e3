//! Sending: one socket for each family, the interface named beside each datagram.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_core::{Family, InstanceId, Transmit};

use super::PROTOCOL;
use super::address::{Name, internet_address, sender};
use super::control::Control;
use super::filter;
use crate::error::{Error, system};
use crate::sys::mmsg::{self, BATCH, Outgoing};

/// The two sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    v4: Socket,
    /// None where the kernel has no IPv6.
    v6: Option<Socket>,
}

impl Sockets {
    pub(crate) fn open() -> Result<Self, Error> {
        let v4 = open_v4().map_err(|error| system("open a socket for IPv4 adverts")(error))?;
        let v6 = match open_v6() {
            Ok(socket) => Some(socket),
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => None,
            Err(error) => return Err(system("open a socket for IPv6 adverts")(error)),
        };
        Ok(Self { v4, v6 })
    }
}

fn open_v4() -> io::Result<Socket> {
    let kind = Type::RAW.nonblocking().cloexec();
    // IPPROTO_RAW: we write the header, and nothing is ever received.
    let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::from(libc::IPPROTO_RAW)))?;
    socket.set_header_included_v4(true)?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_multicast_ttl_v4(255)?;
    prefer(&socket);
    Ok(socket)
}

fn open_v6() -> io::Result<Socket> {
    let kind = Type::RAW.nonblocking().cloexec();
    let socket = Socket::new(Domain::IPV6, kind, Some(Protocol::from(PROTOCOL)))?;
    socket.attach_filter(&filter::nothing())?;
    socket.set_multicast_loop_v6(false)?;
    socket.set_multicast_hops_v6(255)?;
    socket.set_unicast_hops_v6(255)?;
    // Network control, as the IPv4 header says it.
    socket.set_tclass_v6(0xc0)?;
    // The source of an advert that leaves through a macvlan is an address of the interface below.
    socket.set_freebind_v6(true)?;
    prefer(&socket);
    Ok(socket)
}

/// Puts adverts before all other traffic in the queues of the host: 7 is more than 6 and needs CAP_NET_ADMIN. And makes
/// room for one of each of a thousand instances at once. Both are preferences: adverts go out without them, too.
fn prefer(socket: &Socket) {
    if socket.set_priority(7).is_err() {
        let _ = socket.set_priority(6);
    }
    if setsockopt(socket, sockopt::SndBufForce, &QUEUE).is_err() {
        let _ = setsockopt(socket, sockopt::SndBuf, &QUEUE);
    }
}

const QUEUE: usize = 1 << 20;

/// Adverts on their way, until the batch is sent.
pub(crate) struct Outbox {
    octets: Vec<u8>,
    queued: Vec<Queued>,
    /// How many datagrams the kernel took.
    pub(crate) sent: u64,
    /// How many it refused.
    pub(crate) refused: u64,
}

struct Queued {
    instance: InstanceId,
    family: Family,
    name: Name,
    control: Control,
    /// Where its octets begin; they end where the next one's begin.
    start: usize,
    errno: Option<i32>,
}

/// What became of an advert.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) instance: InstanceId,
    pub(crate) destination: IpAddr,
    /// Why the kernel did not take it.
    pub(crate) errno: Option<i32>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            octets: Vec::with_capacity(BATCH * 256),
            queued: Vec::with_capacity(BATCH),
            sent: 0,
            refused: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queued.len() == BATCH
    }

    /// Copies an advert that leaves by the interface with this kernel index.
    pub(crate) fn push(&mut self, advert: &Transmit<'_>, index: u32) {
        let start = self.octets.len();
        self.octets.extend_from_slice(advert.datagram);
        self.queued.push(Queued {
            instance: advert.instance,
            family: Family::of(&advert.destination),
            name: internet_address(advert.destination, index),
            control: Control::leave_by(index, advert.source, advert.ttl),
            start,
            errno: None,
        });
    }

    /// Sends all of it; [`Outbox::results`] then says what became of each.
    pub(crate) fn flush(&mut self, sockets: &Sockets) {
        let mut first = 0;
        while let Some(family) = self.queued.get(first).map(|queued| queued.family) {
            let rest = self.queued.get(first..).unwrap_or_default();
            let count = rest.iter().take_while(|queued| queued.family == family).count().min(BATCH);
            let result = match (family, &sockets.v6) {
                (Family::V4, _) => self.send(first, count, &sockets.v4),
                (Family::V6, Some(socket)) => self.send(first, count, socket),
                (Family::V6, None) => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
            };
            match result {
                Ok(sent) => {
                    self.sent += sent as u64;
                    first += sent.max(1);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.refused += 1;
                    if let Some(queued) = self.queued.get_mut(first) {
                        queued.errno = Some(error.raw_os_error().unwrap_or(libc::EIO));
                    }
                    first += 1;
                }
            }
        }
    }

    /// What became of each advert since the last clearing.
    pub(crate) fn results(&self) -> impl Iterator<Item = Delivery> {
        self.queued.iter().map(|queued| Delivery {
            instance: queued.instance,
            destination: sender(queued.name.octets()).unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            errno: queued.errno,
        })
    }

    pub(crate) fn clear(&mut self) {
        self.queued.clear();
        self.octets.clear();
    }

    fn send(&self, first: usize, count: usize, socket: &Socket) -> io::Result<usize> {
        let mut datagrams = [Outgoing::default(); BATCH];
        for (number, datagram) in (first..).zip(datagrams.iter_mut().take(count)) {
            let Some(queued) = self.queued.get(number) else { break };
            let end = self.queued.get(number + 1).map_or(self.octets.len(), |next| next.start);
            *datagram = Outgoing {
                name: queued.name.octets(),
                control: queued.control.octets(),
                octets: self.octets.get(queued.start..end).unwrap_or_default(),
            };
        }
        mmsg::send(socket.as_fd(), datagrams.get(..count).unwrap_or(&datagrams))
    }
}
