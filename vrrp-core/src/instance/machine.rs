//! The state of a virtual router with its timers, and what it remembers to be quiet about.

use crate::action::Cause;
use crate::event::InstanceEvent;
use crate::time::Time;
use crate::wire::Reject;

/// The state with its timers: a timer of another state cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Initialize,
    Fault,
    Backup(Backup),
    Master(Master),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backup {
    /// Master_Down_Timer; none once it fired and only the group holds the instance back.
    pub(crate) down_at: Option<Time>,
    /// When the timer was last set by an advert or by entering the state.
    pub(crate) heard: Time,
    /// Whether the timer runs for Skew_Time because the master resigned.
    pub(crate) resigned: bool,
    /// Until when a lower-priority master is left alone.
    pub(crate) preempt_at: Option<Time>,
    /// Whether the instance has already listened once more after a pause.
    pub(crate) listened: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Master {
    /// Adver_Timer.
    pub(crate) advert_at: Time,
    /// The second set of announcements.
    pub(crate) second_set: Option<Time>,
    /// The second set after a losing advert was answered.
    pub(crate) lower_set: Option<Time>,
    pub(crate) refresh_at: Option<Time>,
    /// Before this, a losing advert is not answered again.
    pub(crate) reply_at: Time,
    /// Before this, an advert with priority 0 is not answered again.
    pub(crate) answer_zero_at: Time,
    /// When a change of priority that came too soon after another one is told.
    pub(crate) priority_at: Option<Time>,
    /// Before this, a change of priority is not told at once.
    pub(crate) priority_quiet_until: Time,
    /// When a missing address has been missing for too long.
    pub(crate) repair_until: Option<Time>,
    /// Since when no advert could be sent.
    pub(crate) failing_since: Option<Time>,
    /// Whether the last advert could not be sent.
    pub(crate) failed: bool,
}

/// What was told since the state or the master last changed: each kind of trouble once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    rejects: u64,
    pub(crate) interval: bool,
    pub(crate) priority_zero: bool,
    pub(crate) addresses: bool,
    pub(crate) link_local: bool,
    pub(crate) lower_priority: bool,
    pub(crate) two_owners: bool,
}

impl Told {
    /// What has been told when another router is the master: its list is judged before it is known to be another.
    pub(super) fn of_another_master(self) -> Self {
        Self { addresses: self.addresses, link_local: self.link_local, ..Self::default() }
    }

    /// Whether this reject is told for the first time.
    pub(crate) fn first(&mut self, reject: Reject) -> bool {
        let bit = 1_u64.checked_shl(u32::try_from(reject.index()).unwrap_or(63)).unwrap_or(0);
        let first = self.rejects & bit == 0;
        self.rejects |= bit;
        first
    }
}

/// Whether an instance may take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    /// Something is not known yet.
    Waiting,
    Fault(Cause),
}

/// Where an instance tells what happened; the router keeps it for its drain.
pub(crate) trait Tell {
    fn tell(&mut self, event: InstanceEvent);
}

impl<F: FnMut(InstanceEvent)> Tell for F {
    fn tell(&mut self, event: InstanceEvent) {
        self(event);
    }
}
