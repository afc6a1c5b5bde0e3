//! Receiving: one socket for each interface and family.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use vrrp_core::wire::Datagram;
use vrrp_core::{Family, InterfaceId, Packet, Time};

use super::PROTOCOL;
use super::address::sender;
use super::control::Said;
use super::filter::VridSet;
use crate::clock::Stamps;
use crate::error::{Error, system};
use crate::sys::mmsg::{self, Inbox};

/// What one socket is to receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiverPlan {
    pub(crate) interface: InterfaceId,
    pub(crate) family: Family,
    /// The groups to join, in order; none when all instances are unicast.
    pub(crate) groups: Vec<IpAddr>,
    pub(crate) vrids: VridSet,
}

/// A socket that hears the adverts of one interface and family, and nothing that was not asked for.
#[derive(Debug)]
pub(crate) struct Receiver {
    socket: Socket,
    plan: ReceiverPlan,
    index: u32,
    /// What the kernel dropped since the socket was opened; it wraps around.
    dropped: u32,
}

impl Receiver {
    /// Opens a socket on the interface with this kernel index. Joining waits for the kernel's network lock.
    pub(crate) fn open(plan: ReceiverPlan, index: u32, name: &str) -> Result<Self, Error> {
        let what = || format!("listen for {} VRRP on {name}", plan.family);
        let socket = open(&plan, index).map_err(|error| system(what())(error))?;
        Ok(Self { socket, plan, index, dropped: 0 })
    }

    pub(crate) fn plan(&self) -> &ReceiverPlan {
        &self.plan
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Lets other VRIDs through from now on. When the kernel has no room for the filter, every VRID comes through, and
    /// the router drops what it does not know.
    pub(crate) fn set_vrids(&mut self, vrids: VridSet) {
        if self.plan.vrids == vrids {
            return;
        }
        self.plan.vrids = vrids;
        if self.socket.attach_filter(&vrids.program(self.plan.family)).is_err() {
            // It fails only when there is no filter.
            let _ = self.socket.detach_filter();
        }
    }

    /// Reads what is queued into empty inboxes.
    ///
    /// # Errors
    /// As the socket says; `EAGAIN` when nothing is left.
    fn read(&self, inboxes: &mut [Inbox]) -> io::Result<usize> {
        mmsg::receive(self.socket.as_fd(), inboxes)
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open(plan: &ReceiverPlan, index: u32) -> io::Result<Socket> {
    let (domain, kind) = (domain(plan.family), Type::RAW.nonblocking().cloexec());
    let socket = Socket::new(domain, kind, Some(Protocol::from(PROTOCOL)))?;
    // Before the socket is bound and joined, so that nothing unfiltered is ever queued.
    socket.attach_filter(&plan.vrids.program(plan.family))?;
    let bound = NonZeroU32::new(index);
    match plan.family {
        Family::V4 => {
            socket.bind_device_by_index_v4(bound)?;
            socket.set_multicast_all_v4(false)?;
        }
        Family::V6 => {
            socket.bind_device_by_index_v6(bound)?;
            socket.set_multicast_all_v6(false)?;
            socket.set_recv_hoplimit_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
    }
    let room = (plan.vrids.len() * QUEUE_OF_ONE).max(LEAST_QUEUE);
    if setsockopt(&socket, sockopt::RcvBufForce, &room).is_err() {
        // Without the right to more there is what the host allows everybody.
        setsockopt(&socket, sockopt::RcvBuf, &room)?;
    }
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    setsockopt(&socket, sockopt::RxqOvfl, &1)?;
    for group in &plan.groups {
        match group {
            IpAddr::V4(group) => {
                socket.join_multicast_v4_n(group, &InterfaceIndexOrAddress::Index(index))?;
            }
            IpAddr::V6(group) => socket.join_multicast_v6(group, index)?,
        }
    }
    Ok(socket)
}

/// Room for some ten adverts of each VRID with what the kernel adds to them: a pause of a tenth of a second at 10 ms.
const QUEUE_OF_ONE: usize = 16 << 10;
const LEAST_QUEUE: usize = 256 << 10;

fn domain(family: Family) -> Domain {
    match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    }
}

/// A batch of received datagrams of several sockets, in the order of their arrival.
pub(crate) struct Inboxes {
    inboxes: Box<[Inbox]>,
    /// Of each datagram: when it came, its place, its interface and family.
    order: Vec<(Time, usize, InterfaceId, Family)>,
}

/// What one socket had for us.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Read {
    /// More may be queued, and an edge-triggered poll will not say so again.
    pub(crate) more: bool,
    /// Datagrams that the kernel dropped since the last reading, because the socket's queue was full.
    pub(crate) dropped: u32,
}

impl Inboxes {
    /// Room for two full calls.
    pub(crate) fn new() -> Self {
        let capacity = 2 * mmsg::BATCH;
        let inboxes = std::iter::repeat_with(|| Inbox::EMPTY).take(capacity).collect();
        Self { inboxes, order: Vec::with_capacity(capacity) }
    }

    pub(crate) fn clear(&mut self) {
        self.order.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.order.len() == self.inboxes.len()
    }

    /// Reads one socket, as far as there is room and for one call at most.
    pub(crate) fn read(&mut self, receiver: &mut Receiver, stamps: &Stamps) -> Read {
        let first = self.order.len();
        let Some(room) = self.inboxes.get_mut(first..).filter(|room| !room.is_empty()) else {
            return Read { more: true, dropped: 0 };
        };
        let room_len = room.len().min(mmsg::BATCH);
        // An interface that is down says ENETDOWN once; what else can fail has nothing to read either.
        let Ok(count) = receiver.read(room) else { return Read::default() };
        let mut read = Read { more: count == room_len, dropped: 0 };
        for place in first..first + count {
            let Some(inbox) = self.inboxes.get(place) else { break };
            let said = Said::read(inbox.control());
            if let Some(dropped) = said.dropped {
                read.dropped += dropped.wrapping_sub(receiver.dropped);
                receiver.dropped = dropped;
            }
            let received = stamps.received(said.stamp);
            self.order.push((received, place, receiver.plan.interface, receiver.plan.family));
        }
        read
    }

    /// Puts the batch in the order of arrival; what arrived at once stays in the order of reading.
    pub(crate) fn sort(&mut self) {
        self.order.sort_unstable();
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// One packet of the batch.
    pub(crate) fn packet(&self, number: usize) -> Option<Packet<'_>> {
        let &(received, place, interface, family) = self.order.get(number)?;
        let inbox = self.inboxes.get(place)?;
        let datagram = match family {
            Family::V4 => Datagram::V4(inbox.octets()),
            Family::V6 => {
                let said = Said::read(inbox.control());
                let IpAddr::V6(source) = sender(inbox.name())? else { return None };
                Datagram::V6 {
                    source,
                    destination: said.destination.unwrap_or(Ipv6Addr::UNSPECIFIED),
                    hop_limit: said.hop_limit.unwrap_or(0),
                    payload: inbox.octets(),
                }
            }
        };
        Some(Packet { interface, received, datagram })
    }
}
