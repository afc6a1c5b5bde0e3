//! What follows from a change of state: one function, fed by where the instance was and where it is.

use super::{Instance, Machine, Told};
use crate::action::{Cause, Notification, State};
use crate::time::Time;

/// What is still to be asked of the world for one instance. Not a queue: a newer wish replaces an older one,
/// so it is bounded whatever happens before somebody takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Whether the instance stands in the router's queue.
    pub(crate) queued: bool,
    pub(crate) become_from: Option<State>,
    pub(crate) transmit: Option<Adverts>,
    pub(crate) remove: AddressChange,
    pub(crate) add: AddressChange,
    /// Which addresses to announce, and how often each.
    pub(crate) announce: Option<(AddressChange, u8)>,
    pub(crate) notify: Option<Notification>,
    /// MASTER_RX_LOWER_PRI is told beside a state.
    pub(crate) notify_lower_priority: bool,
}

/// Adverts that are still to go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Adverts {
    pub(crate) priority: u8,
    /// The position of the next destination.
    pub(crate) next: usize,
}

/// Which addresses are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AddressChange {
    #[default]
    Nothing,
    /// Those that a reconfiguration added or took away.
    Difference,
    All,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self { queued: self.queued, ..Self::default() }
    }

    /// Asks for an advert to every destination.
    pub(crate) fn transmit(&mut self, priority: u8) {
        self.transmit = Some(Adverts { priority, next: 0 });
    }

    /// Asks for all addresses to be announced; of two wishes the one with more repeats counts.
    pub(crate) fn announce(&mut self, repeat: u8) {
        let before = match self.announce {
            Some((AddressChange::All, before)) => before,
            Some((AddressChange::Nothing | AddressChange::Difference, _)) | None => 0,
        };
        if repeat > 0 {
            self.announce = Some((AddressChange::All, repeat.max(before)));
        }
    }
}

impl Instance {
    /// Changes the state. Nobody else does.
    pub(crate) fn enter(&mut self, now: Time, machine: Machine, cause: Cause) {
        let from = self.state();
        self.machine = machine;
        let to = self.state();
        self.since = now;
        self.cause = Some(cause);
        self.told = Told::default();
        self.left_master |= from == State::Master && to != State::Master;
        self.follow(from, to, cause);
    }

    /// The effects of a change. The promotion advert goes before the addresses are there: it is the one
    /// advert that need not be true yet.
    fn follow(&mut self, from: State, to: State, cause: Cause) {
        let pending = &mut self.pending;
        // Until the change is taken, the world knows the state before it, whatever happens in between.
        let known = *pending.become_from.get_or_insert(from);
        pending.notify = Some(notification(to, cause));
        match (from == State::Master, to == State::Master) {
            (false, false) | (true, true) => {}
            (false, true) => {
                self.stats.became_master += 1;
                pending.transmit(self.priority.get());
                // What the configuration does not name any more still has to go; all else is added again.
                self.gone.retain(|vip| !self.vips.contains(vip));
                if pending.remove != AddressChange::Difference || self.gone.is_empty() {
                    pending.remove = AddressChange::Nothing;
                }
                pending.add = AddressChange::All;
                pending.announce(self.config.announce.master_repeat);
            }
            (true, false) => {
                self.stats.released_master += 1;
                pending.transmit = None;
                pending.add = AddressChange::Nothing;
                pending.announce = None;
                // What the configuration does not name any more goes, too.
                match pending.remove {
                    AddressChange::Difference => self.gone.extend_from_slice(&self.vips),
                    AddressChange::Nothing | AddressChange::All => pending.remove = AddressChange::All,
                }
                match yields_to_better(cause) {
                    _ if known != State::Master => {}
                    false => pending.transmit(0),
                    true if self.config.higher_prio_send_advert => pending.transmit(self.priority.get()),
                    true => {}
                }
            }
        }
    }
}

/// Whether MASTER was lost to an advert: then the winner is there and needs no call to take over.
fn yields_to_better(cause: Cause) -> bool {
    matches!(cause, Cause::HigherPriority { .. } | Cause::HigherAddress { .. })
}

fn notification(to: State, cause: Cause) -> Notification {
    match (to, cause) {
        (State::Master, _) => Notification::Master,
        (State::Backup, _) => Notification::Backup,
        (State::Fault, _) => Notification::Fault,
        (State::Initialize, Cause::Removed) => Notification::Deleted,
        (State::Initialize, _) => Notification::Stop,
    }
}
