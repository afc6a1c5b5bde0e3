//! What a router asks for.

use core::fmt;
use core::net::IpAddr;

use crate::event::Event;
use crate::types::{InterfaceId, Vip};

/// A virtual router of one [`crate::Router`]; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InstanceId(pub(crate) u32);

/// A sync group of one [`crate::Router`]; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupId(pub(crate) u32);

/// A tracker of one [`crate::Router`]; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrackerId(pub(crate) u32);

macro_rules! id {
    ($($id:ident)*) => {$(
        impl $id {
            /// The number, for tables and traces.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The id of a number that came from [`Self::get`].
            pub const fn from_number(number: u32) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
id!(InstanceId GroupId TrackerId);

/// One thing to do, borrowed from the router that asks for it.
///
/// Exhaustive on purpose: an action that nobody carries out is a split brain, so a new one must break
/// the build of whoever carries them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // one that nobody carries out must break the build
pub enum Action<'r> {
    /// An instance changed its state. Always the first action of a change.
    Become(Become<'r>),
    /// Send an advert now.
    Transmit(Transmit<'r>),
    /// Take addresses from their interfaces.
    RemoveAddresses {
        /// Whose.
        instance: InstanceId,
        /// Which.
        addresses: &'r [Vip],
    },
    /// Put addresses on their interfaces, then tell [`crate::Input::Held`].
    AddAddresses {
        /// Whose.
        instance: InstanceId,
        /// Which.
        addresses: &'r [Vip],
    },
    /// Tell the neighbours, address by address, as soon as the kernel holds each.
    Announce(Announce<'r>),
    /// Start a run of a check, then tell [`crate::Input::CheckEnded`].
    RunCheck {
        /// Which check.
        tracker: TrackerId,
        /// Its name.
        name: &'r str,
    },
    /// End the run of a check.
    StopCheck {
        /// Which check.
        tracker: TrackerId,
        /// Its name.
        name: &'r str,
        /// Whether it did not end when it was asked to: it cannot refuse this time.
        kill: bool,
    },
    /// Run what the user wants to be run when this happens.
    Notify(Notify<'r>),
    /// Something to know, nothing to carry out.
    Event(Event<'r>),
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Become<'r> {
    /// Which instance.
    pub instance: InstanceId,
    /// Its name.
    pub name: &'r str,
    /// The state that was.
    pub from: State,
    /// The state that is.
    pub to: State,
    /// Why.
    pub cause: Cause,
}

/// The state of a virtual router (RFC 9568 section 6.4), with keepalived's FAULT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums)] // the states of the RFC
pub enum State {
    /// Not started, stopped, or waiting for what it has to know first.
    Initialize,
    /// Watches the master.
    Backup,
    /// Holds the addresses (Active in RFC 9568).
    Master,
    /// Cannot take part.
    Fault,
}

/// keepalived's word: `INIT`, `BACKUP`, `MASTER`, `FAULT`.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initialize => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        })
    }
}

/// Why a state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Cause {
    /// Everything that has to be known is known.
    Startup,
    /// The owner of the addresses starts.
    Owner,
    /// No advert came for Master_Down_Interval.
    MasterDown,
    /// The master resigned with priority 0, and Skew_Time is over.
    MasterResigned,
    /// An advert with a higher priority came.
    HigherPriority {
        /// From whom.
        from: IpAddr,
        /// The priority in it.
        priority: u8,
    },
    /// An advert with our priority came from a higher address.
    HigherAddress {
        /// From whom.
        from: IpAddr,
        /// The priority in it.
        priority: u8,
    },
    /// The interface went down.
    InterfaceDown {
        /// Which interface.
        interface: InterfaceId,
    },
    /// There is no address to send from.
    NoSource {
        /// The interface that has none.
        interface: InterfaceId,
    },
    /// A tracker without weight is down.
    Tracker {
        /// Which tracker.
        tracker: TrackerId,
    },
    /// What was wrong is over.
    Recovered,
    /// The group changes state together.
    Group {
        /// Which group.
        group: GroupId,
    },
    /// The kernel does not hold the addresses, and repair did not help in time. For 30 s after that a master
    /// that is alive is not preempted.
    NotHeld,
    /// No advert could be sent for Master_Down_Interval; then as after [`Cause::NotHeld`].
    TransmitFailed,
    /// The configuration does not name the instance any more.
    Removed,
    /// The router was told to stop.
    Shutdown,
}

/// An advert on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Transmit<'r> {
    /// Whose advert it is.
    pub instance: InstanceId,
    /// The interface to send on.
    pub interface: InterfaceId,
    /// The source address.
    pub source: IpAddr,
    /// The group or the peer.
    pub destination: IpAddr,
    /// The TTL or hop limit.
    pub ttl: u8,
    /// IPv4: the whole datagram with its header. IPv6: the payload, its checksum filled in.
    pub datagram: &'r [u8],
}

/// Addresses to be announced with gratuitous ARP or unsolicited neighbour adverts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Announce<'r> {
    /// Whose addresses they are. What is still to be sent for an instance is void when it leaves MASTER.
    pub instance: InstanceId,
    /// Which addresses.
    pub addresses: &'r [Vip],
    /// How often each.
    pub repeat: u8,
    /// The gap between gratuitous ARPs on one interface.
    pub garp_interval: core::time::Duration,
    /// The gap between neighbour adverts on one interface.
    pub gna_interval: core::time::Duration,
}

/// A state that the user wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Notify<'r> {
    /// Who changed.
    pub subject: Subject,
    /// Its name.
    pub name: &'r str,
    /// What to tell.
    pub what: Notification,
    /// The effective priority; 0 for a group, as keepalived has it.
    pub priority: u8,
}

/// Who an instance notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // part of `Action`
pub enum Subject {
    /// A virtual router.
    Instance(InstanceId),
    /// A sync group.
    Group(GroupId),
}

/// What a notification says, in keepalived's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Notification {
    /// `MASTER`
    Master,
    /// `BACKUP`
    Backup,
    /// `FAULT`
    Fault,
    /// `STOP`: the router was told to stop.
    Stop,
    /// `DELETED`: the configuration does not name it any more.
    Deleted,
    /// `MASTER_RX_LOWER_PRI`: a MASTER heard another one with a lower priority.
    MasterRxLowerPri,
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
            Self::MasterRxLowerPri => "MASTER_RX_LOWER_PRI",
        })
    }
}
