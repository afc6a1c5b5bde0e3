//! What the driver tells, and whom it asks for what it does not do itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use vrrp_core::wire::Reject;
use vrrp_core::{
    Cause, GroupId, InstanceEvent, InstanceId, InterfaceId, Notification, State, Subject, TrackerEvent,
    TrackerId,
};

/// Whoever stands outside of the packet loop: runs scripts, tells people, writes logs.
///
/// Called from [`crate::Driver::turn`] and never allowed to wait there. An embedder does the work, or a thread of its own
/// gets it through a [`crate::queue`].
pub trait Outside {
    /// Start a run of a check, and have [`crate::Handle::check_ended`] called when it is over.
    ///
    /// # Errors
    /// [`NotTaken`] when it cannot be started: the router is told that it failed to run.
    fn run_check(&mut self, tracker: TrackerId, name: &str) -> Result<(), NotTaken>;

    /// End the run of a check; with `kill` it was asked to before and did not.
    fn stop_check(&mut self, tracker: TrackerId, name: &str, kill: bool);

    /// Run what the user wants to be run.
    fn notify(&mut self, notice: Notice);

    /// Something happened.
    fn report(&mut self, report: Report);
}

/// Somebody could not take a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // says all there is to say
pub struct NotTaken;

/// A state that the user wants to hear of, to keep ([`vrrp_core::Notify`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // the owned form of an exhaustive struct
pub struct Notice {
    /// Who changed.
    pub subject: Subject,
    /// Its name.
    pub name: Arc<str>,
    /// What to tell.
    pub what: Notification,
    /// The effective priority; 0 for a group.
    pub priority: u8,
}

/// Something that happened, to keep: what the router decided, and what the driver saw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// An instance changed its state.
    Became {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// The state that was.
        from: State,
        /// The state that is.
        to: State,
        /// Why.
        cause: Cause,
    },
    /// About one instance.
    Instance {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// What happened.
        what: InstanceEvent,
    },
    /// A sync group brings its members to one state.
    Group {
        /// Which group.
        group: GroupId,
        /// Its name.
        name: Arc<str>,
        /// The state.
        to: State,
    },
    /// About one tracker.
    Tracker {
        /// Which tracker.
        tracker: TrackerId,
        /// Its name.
        name: Arc<str>,
        /// What happened.
        what: TrackerEvent,
    },
    /// A packet was dropped before an instance was found for it.
    Rejected {
        /// From whom, if that much could be read.
        source: Option<IpAddr>,
        /// Why.
        reject: Reject,
    },
    /// The startup delay begins, or is over when it is zero.
    StartupDelay(Duration),
    /// Events of the router were lost because too many came at once.
    Lost {
        /// How many since the router was made.
        events: u64,
    },
    /// The addresses of an instance are to be added, or removed.
    Addresses {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// Whether they are to be there.
        wanted: bool,
        /// How many of them the router named.
        count: usize,
    },
    /// Addresses of an instance are to be announced as soon as the kernel holds them.
    Announcing {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// The first 32 of them.
        addresses: Vec<(InterfaceId, IpAddr)>,
        /// How many there are.
        count: usize,
        /// How often each.
        repeat: u8,
    },
    /// The first announcement of an address has left. Told of the first 32 addresses that are announced together.
    Announced {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// Where it left.
        interface: InterfaceId,
        /// The address.
        address: IpAddr,
    },
    /// Whether the kernel holds all addresses of an instance that is MASTER.
    Held {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// Whether none is missing.
        complete: bool,
    },
    /// The first advert in a row could not be sent, or the first after that could.
    Transmit {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: Arc<str>,
        /// Where it was to go.
        destination: IpAddr,
        /// The error number, or none when it is over.
        errno: Option<i32>,
    },
    /// An interface came up or went down, or its primary addresses changed.
    Interface {
        /// Which interface.
        interface: InterfaceId,
        /// Its name.
        name: Arc<str>,
        /// Whether it exists.
        exists: bool,
        /// Whether it can carry packets.
        up: bool,
        /// Its primary IPv4 address.
        v4: Option<IpAddr>,
        /// Its link-local IPv6 address.
        v6: Option<IpAddr>,
    },
    /// The kernel told of more changes than it could keep for us: everything is looked at anew.
    Overrun,
    /// Something that a person should look at.
    Trouble {
        /// The instance that it concerns.
        name: Option<Arc<str>>,
        /// What is wrong, in words.
        text: String,
    },
}
