//! The RFC's VRRP router: its virtual routers, and what they share.

mod demux;
mod drain;
mod group;
#[cfg(test)]
mod invariants;
mod judge;
mod queue;
mod reconfigure;
mod settle;
mod tick;
mod view;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;

pub use drain::Actions;
pub use view::{GroupView, InstanceView, TrackerView};

use crate::action::{InstanceId, State};
use crate::config::Config;
use crate::deadlines::Deadlines;
use crate::input::Input;
use crate::instance::{self, Instance, Machine};
use crate::stats::RouterStats;
use crate::time::Time;
use crate::track::Tracker;
use crate::types::{Family, InterfaceId};
use demux::Demux;
use group::Group;
use queue::{Events, Owner, Told};

/// Events that wait to be taken, beside some for each instance.
const EVENTS: usize = 256;

/// A VRRP router: any number of virtual routers on any number of interfaces.
///
/// ```
/// use vrrp_core::{Config, Input, Router, RouterConfig, Time};
///
/// let mut router = Router::new(Config::new(RouterConfig::new()).expect("nothing in it, nothing wrong"));
/// let mut actions = router.handle(Time::ZERO, Input::Tick);
/// assert!(actions.next().is_none());
/// assert_eq!(router.deadline(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    now: Time,
    phase: Phase,
    interfaces: Vec<Interface>,
    trackers: Vec<Tracker>,
    instances: Vec<Instance>,
    groups: Vec<Group>,
    /// What a reconfiguration removed, until its last wishes are taken.
    retired_instances: Vec<Instance>,
    retired_trackers: Vec<Tracker>,
    demux: Demux,
    /// Instances, then trackers, then the startup delay.
    patient: Deadlines,
    /// The timers of instances that must fire on time. A timer is in one of the two, so moving it costs one climb.
    urgent: Deadlines,
    queue: VecDeque<Owner>,
    events: Events,
    told: instance::Told,
    stats: RouterStats,
    next_id: u32,
}

/// What the router is doing as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was handled yet.
    Fresh {
        delay: core::time::Duration,
    },
    /// Adverts are ignored until the startup delay is over.
    Delayed {
        until: Time,
    },
    Running,
    Stopped,
}

/// What is known of an interface; none is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interface {
    id: InterfaceId,
    up: Option<bool>,
    source_v4: Option<Option<IpAddr>>,
    source_v6: Option<Option<IpAddr>>,
}

impl Router {
    /// Makes a router. Nothing happens before its first input.
    pub fn new(config: Config) -> Self {
        let mut router = Self {
            now: Time::ZERO,
            phase: Phase::Fresh { delay: config.startup_delay },
            interfaces: Vec::new(),
            trackers: Vec::new(),
            instances: Vec::new(),
            groups: Vec::new(),
            retired_instances: Vec::new(),
            retired_trackers: Vec::new(),
            demux: Demux::default(),
            patient: Deadlines::default(),
            urgent: Deadlines::default(),
            queue: VecDeque::new(),
            events: Events::default(),
            told: instance::Told::default(),
            stats: RouterStats::default(),
            next_id: 0,
        };
        router.install(config);
        router
    }

    /// Tells the router one fact, and gives what is to be done about it.
    ///
    /// The state has changed completely when this returns. Actions that are not taken stay pending, come
    /// first the next time, and [`Router::deadline`] says "now" until then. A `now` before the last one
    /// counts as the last one.
    pub fn handle(&mut self, now: Time, input: Input<'_>) -> Actions<'_> {
        self.now = self.now.max(now);
        self.begin();
        if !matches!(self.phase, Phase::Stopped) {
            self.take(input);
        }
        Actions::new(self)
    }

    /// When to hand over [`Input::Tick`], or none to wait for a fact.
    pub fn deadline(&self) -> Option<Time> {
        match self.queue.is_empty() && self.events.is_empty() {
            true => self.patient.earliest().into_iter().chain(self.urgent.earliest()).min(),
            false => Some(self.now),
        }
    }

    /// When to hand over [`Input::Tick`] if adverts, announcements and checks may be as much as `hold` late,
    /// so that one wake-up serves many of them. The timer of a BACKUP, and that of a repair, is never held:
    /// lateness there would be added to every takeover.
    pub fn deadline_within(&self, hold: core::time::Duration) -> Option<Time> {
        match self.queue.is_empty() && self.events.is_empty() {
            true => {
                let patient = self.patient.earliest().map(|at| at + hold);
                patient.into_iter().chain(self.urgent.earliest()).min()
            }
            false => Some(self.now),
        }
    }

    fn take(&mut self, input: Input<'_>) {
        match input {
            Input::CheckEnded { tracker, outcome } => self.check_ended(tracker, outcome),
            Input::Held { instance, complete } => {
                self.on_instance(instance, |instance, now| instance.held(now, complete));
            }
            Input::Interface { interface, up } => {
                self.interface(interface, |known| known.up = Some(up));
                self.settle();
            }
            Input::Packet(packet) => self.packet(&packet),
            Input::Reconfigure(config) => self.reconfigure(config),
            Input::Shutdown => self.shutdown(),
            Input::Source { interface, family, address } => {
                let address = address.filter(|address| Family::of(address) == family);
                self.interface(interface, |known| match family {
                    Family::V4 => known.source_v4 = Some(address),
                    Family::V6 => known.source_v6 = Some(address),
                });
                self.settle();
            }
            Input::Tick => self.tick(),
            Input::Tracker { tracker, up } => self.verdict(tracker, up),
            Input::TransmitFailed { instance } => self.on_instance(instance, Instance::transmit_failed),
        }
    }

    fn begin(&mut self) {
        let Phase::Fresh { delay } = self.phase else { return };
        if delay.is_zero() {
            return self.run();
        }
        self.phase = Phase::Delayed { until: self.now + delay };
        self.events.push(Told::StartupDelay(delay));
        self.set_startup_deadline();
    }

    fn run(&mut self) {
        self.phase = Phase::Running;
        self.set_startup_deadline();
        for position in 0..self.trackers.len() {
            if let Some(tracker) = self.trackers.get_mut(position) {
                tracker.start(self.now);
            }
            self.refresh_tracker(position);
        }
        self.settle();
    }

    fn set_startup_deadline(&mut self) {
        let until = match self.phase {
            Phase::Delayed { until } => Some(until),
            Phase::Fresh { .. } | Phase::Running | Phase::Stopped => None,
        };
        self.patient.set(self.instances.len() + self.trackers.len(), until);
    }

    fn on_instance(&mut self, id: InstanceId, fact: impl FnOnce(&mut Instance, Time)) {
        if let Some(position) = self.instances.iter().position(|instance| instance.id == id) {
            if let Some(instance) = self.instances.get_mut(position) {
                fact(instance, self.now);
            }
            self.after(position);
        }
    }

    /// Leaves every virtual router; a MASTER says so with priority 0.
    fn shutdown(&mut self) {
        self.phase = Phase::Stopped;
        for instance in &mut self.instances {
            instance.enter(self.now, Machine::Initialize, crate::action::Cause::Shutdown);
            instance.left_master = false;
        }
        for tracker in &mut self.trackers {
            tracker.stop();
        }
        for position in 0..self.trackers.len() {
            self.refresh_tracker(position);
        }
        for position in 0..self.instances.len() {
            self.refresh(position);
        }
        for position in 0..self.groups.len() {
            if let Some(group) = self.groups.get_mut(position) {
                group.state = State::Initialize;
                group.notify = Some(crate::action::Notification::Stop);
            }
            self.enqueue(Owner::Group(position));
        }
        self.set_startup_deadline();
    }

    /// Brings the books up to date after an instance changed, and lets its group follow.
    fn after(&mut self, position: usize) {
        self.refresh(position);
        let Some(instance) = self.instances.get_mut(position) else { return };
        let answered = core::mem::take(&mut instance.answered);
        let Some(group) = instance.group else {
            instance.left_master = false;
            return;
        };
        if answered {
            self.answer_together(group, position);
        }
        self.follow_group(group);
    }

    /// Books the deadline and the wishes of an instance.
    fn refresh(&mut self, position: usize) {
        let Some(instance) = self.instances.get(position) else { return };
        self.patient.set(position, instance.patient_deadline());
        self.urgent.set(position, instance.urgent_deadline());
        if !instance.pending.is_empty() {
            self.enqueue(Owner::Instance(position));
        }
    }

    fn refresh_tracker(&mut self, position: usize) {
        let Some(tracker) = self.trackers.get(position) else { return };
        self.patient.set(self.instances.len() + position, tracker.deadline());
        if tracker.asks.run || tracker.asks.stop.is_some() {
            self.enqueue(Owner::Tracker(position));
        }
    }

    /// Notes a fact about an interface, which may be the first.
    fn interface(&mut self, id: InterfaceId, note: impl FnOnce(&mut Interface)) {
        let place = self.interfaces.binary_search_by_key(&id, |known| known.id);
        if let Some(known) = place.ok().and_then(|at| self.interfaces.get_mut(at)) {
            return note(known);
        }
        let mut new = Interface { id, up: None, source_v4: None, source_v6: None };
        note(&mut new);
        self.interfaces.insert(place.unwrap_or_else(|at| at), new);
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }
}
