//! What is worth knowing, though there is nothing to carry out.

use core::net::IpAddr;
use core::time::Duration;

use crate::action::{GroupId, InstanceId, State, TrackerId};
use crate::input::CheckOutcome;
use crate::types::Interval;
use crate::wire::Reject;

/// Something to know.
///
/// What an attacker or a broken peer could make endless is told once per state and master; the counters
/// go on ([`crate::Stats`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'r> {
    /// About one instance.
    Instance {
        /// Which instance.
        instance: InstanceId,
        /// Its name.
        name: &'r str,
        /// What happened.
        what: InstanceEvent,
    },
    /// All members of a group are in the same state.
    Group {
        /// Which group.
        group: GroupId,
        /// Its name.
        name: &'r str,
        /// The state that the members are brought to.
        to: State,
    },
    /// About one tracker.
    Tracker {
        /// Which tracker.
        tracker: TrackerId,
        /// Its name.
        name: &'r str,
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
    /// `startup_delay` begins, or is over when it is zero.
    StartupDelay(Duration),
    /// Events were lost because nobody took them.
    Lost {
        /// How many since the router was made.
        events: u64,
    },
}

/// What happened to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstanceEvent {
    /// An advert was dropped.
    Rejected {
        /// From whom.
        source: IpAddr,
        /// Why.
        reject: Reject,
    },
    /// BACKUP: the master is known, or is another one than before.
    MasterIs {
        /// The master.
        address: IpAddr,
        /// The one before.
        before: Option<IpAddr>,
    },
    /// BACKUP: the master announced that it leaves.
    BackupReceivedPriorityZero,
    /// MASTER: another router announced that it leaves.
    MasterReceivedPriorityZero,
    /// BACKUP: an advert with a lower priority was discarded, because we will take over.
    LowerPriorityDiscarded {
        /// From whom.
        from: IpAddr,
        /// The priority in it.
        priority: u8,
    },
    /// MASTER: an advert with a lower priority, or with our priority from a lower address.
    LowerPriorityReceived {
        /// From whom.
        from: IpAddr,
        /// The priority in it.
        priority: u8,
        /// Our priority.
        ours: u8,
    },
    /// Two routers say that they own the addresses.
    TwoOwners {
        /// The other one.
        other: IpAddr,
    },
    /// VRRPv3: the master's interval differs from ours; it was adopted (RFC 9568 section 6.4.2).
    IntervalAdopted {
        /// Ours.
        ours: Interval,
        /// The master's.
        theirs: Interval,
    },
    /// The address list of an accepted advert differs from ours.
    AddressListDiffers {
        /// From whom.
        from: IpAddr,
        /// The number of addresses in it.
        theirs: u8,
        /// The number of addresses that we advertise.
        ours: u8,
    },
    /// The first address of an accepted IPv6 advert is not link-local (RFC 9568 section 5.2.9, erratum 8300).
    LinkLocalNotFirst {
        /// From whom.
        from: IpAddr,
    },
    /// The effective priority changed.
    Priority {
        /// What it was.
        from: u8,
        /// What it is.
        to: u8,
    },
    /// A lower-priority master is left alone for a while.
    PreemptDelayStarted {
        /// For how long.
        delay: Duration,
    },
    /// The delay is void: a better master is there.
    PreemptDelayStopped,
    /// An advert with priority 0 goes out.
    SentPriorityZero,
    /// A timer fired late: the process or the machine was paused.
    Late {
        /// How late.
        by: Duration,
    },
}

/// What happened to a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackerEvent {
    /// A run ended unlike the one before it.
    Returned(CheckOutcome),
    /// The verdict is up.
    Up,
    /// The verdict is down.
    Down {
        /// What the last run said, for a check.
        last: Option<CheckOutcome>,
    },
    /// A run took longer than it may.
    TimedOut,
    /// A run was due while the one before it had not ended.
    StillRunning,
}
