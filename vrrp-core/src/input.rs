//! Facts that a router is told.

use core::net::IpAddr;

use crate::action::{InstanceId, TrackerId};
use crate::config::Config;
use crate::time::Time;
use crate::types::{Family, InterfaceId};
use crate::wire::Datagram;

/// One fact about the world.
///
/// Facts change the state at once; timers fire in [`Input::Tick`] alone, so a batch of facts is always
/// judged before the timers are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A run of a check ended, or could not begin.
    CheckEnded {
        /// Which check.
        tracker: TrackerId,
        /// How it ended.
        outcome: CheckOutcome,
    },
    /// Whether the kernel holds all the addresses that an instance was told to add. Told after every
    /// [`crate::Action::AddAddresses`], and whenever an object is found missing or repaired.
    Held {
        /// Which instance.
        instance: InstanceId,
        /// Whether nothing is missing.
        complete: bool,
    },
    /// An interface can, or can no longer, carry packets.
    Interface {
        /// Which interface.
        interface: InterfaceId,
        /// Whether it can.
        up: bool,
    },
    /// A datagram of IP protocol 112 arrived.
    Packet(Packet<'a>),
    /// A new configuration; what is unchanged keeps its state.
    Reconfigure(Config),
    /// Leave every virtual router and tell the others. What comes later changes nothing.
    Shutdown,
    /// The primary address of an interface for one family: the lowest-numbered way to say who we are.
    /// For IPv6 it is the link-local address (RFC 9568 section 5.1.2.1).
    Source {
        /// Which interface.
        interface: InterfaceId,
        /// Of which family.
        family: Family,
        /// The address, or none when the interface has none that can be used.
        address: Option<IpAddr>,
    },
    /// Nothing but time: every timer that is due fires. Ends each batch of facts.
    Tick,
    /// Somebody's verdict on a tracker of the kind [`crate::TrackerKind::External`].
    Tracker {
        /// Which tracker.
        tracker: TrackerId,
        /// Whether it is up.
        up: bool,
    },
    /// The last advert of an instance could not be sent; in unicast, to no peer at all.
    TransmitFailed {
        /// Which instance.
        instance: InstanceId,
    },
}

/// A datagram with where and when it came in.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)] // what any raw socket knows
pub struct Packet<'a> {
    /// The interface that it arrived on.
    pub interface: InterfaceId,
    /// When it arrived; not later than the `now` it is handed over with.
    pub received: Time,
    /// Its octets.
    pub datagram: Datagram<'a>,
}

/// How a run of a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums)] // what a process can do
pub enum CheckOutcome {
    /// It exited with a status; 0 is success.
    Exited(i32),
    /// It could not be started: a failure, never a success.
    NotRun,
    /// A signal ended it.
    Signaled(i32),
}

impl CheckOutcome {
    /// Whether the check succeeded.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Exited(0))
    }
}
