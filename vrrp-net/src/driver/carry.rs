//! Carrying out what the router asks for.

use std::sync::Arc;

use vrrp_core::{
    Action, Actions, Announce, Become, Event, InstanceEvent, InstanceId, Notify, State, Subject, Time,
    TrackerId, Transmit,
};

use super::report::{NotTaken, Notice, Outside, Report};
use super::slots::Slots;
use super::status::DriverStats;
use super::world::{Interface, World};
use crate::announce::{Announcer, Job, NAMED};
use crate::error::Error;
use crate::socket::{Delivery, Outbox, Sockets};

/// The hands of the driver: everything but the router itself, so that actions need not be copied to be carried out.
pub(super) struct Carrier {
    pub(super) slots: Slots,
    sockets: Sockets,
    outbox: Outbox,
    announcer: Announcer,
    /// Whether a slot has a wish that is not published.
    wished: bool,
    /// Adverts for interfaces that do not exist at present.
    nowhere: Vec<Delivery>,
    /// How many instances cannot send at present.
    failing: usize,
    /// Instances whose advert the kernel refused, for the router to be told.
    pub(super) failed: Vec<InstanceId>,
    /// Checks that nobody took, for the router to be told.
    pub(super) not_run: Vec<TrackerId>,
    /// Instances that resign with an advert of the batch.
    resigned: Vec<(InstanceId, Arc<str>)>,
    /// What is told after the events that led to it.
    afterwards: Vec<Report>,
}

impl Carrier {
    pub(super) fn open() -> Result<Self, Error> {
        Ok(Self {
            slots: Slots::default(),
            sockets: Sockets::open()?,
            outbox: Outbox::new(),
            announcer: Announcer::open()?,
            wished: false,
            nowhere: Vec::new(),
            failing: 0,
            failed: Vec::new(),
            not_run: Vec::new(),
            resigned: Vec::new(),
            afterwards: Vec::new(),
        })
    }

    /// Takes every action. Adverts go into a batch; what the kernel is to hold is wished for after they are sent.
    pub(super) fn carry(&mut self, mut actions: Actions<'_>, world: &World, outside: &mut dyn Outside) {
        while let Some(action) = actions.next() {
            match action {
                Action::Transmit(advert) => self.transmit(&advert, world, outside),
                Action::Become(change) => self.becomes(&change, outside),
                Action::RemoveAddresses { instance, addresses }
                | Action::AddAddresses { instance, addresses } => {
                    self.wish(instance, addresses.len(), outside);
                }
                Action::Announce(announce) => self.begin(&announce),
                Action::RunCheck { tracker, name } => {
                    if let Err(NotTaken) = outside.run_check(tracker, name) {
                        self.not_run.push(tracker);
                    }
                }
                Action::StopCheck { tracker, name, kill } => outside.stop_check(tracker, name, kill),
                Action::Notify(notify) => outside.notify(self.notice(&notify)),
                Action::Event(event) => self.event(event, outside),
            }
        }
        self.afterwards.drain(..).for_each(|report| outside.report(report));
    }

    /// Sends the batch.
    pub(super) fn send(&mut self, outside: &mut dyn Outside) {
        if self.outbox.is_empty() && self.nowhere.is_empty() && self.resigned.is_empty() {
            return;
        }
        let refused = self.outbox.refused;
        self.outbox.flush(&self.sockets);
        if self.outbox.refused != refused || self.failing > 0 || !self.nowhere.is_empty() {
            self.judge_deliveries(outside);
        }
        self.outbox.clear();
        for (instance, name) in self.resigned.drain(..) {
            // An advert that nobody took is no farewell.
            if !self.failed.contains(&instance) {
                let what = InstanceEvent::SentPriorityZero;
                outside.report(Report::Instance { instance, name, what });
            }
        }
    }

    /// Has the kernel thread see new wishes; says whether there were any.
    pub(super) fn publish(&mut self) -> bool {
        if !std::mem::take(&mut self.wished) {
            return false;
        }
        for slot in self.slots.iter_mut() {
            // What an instance leaves that went is the plan's business, which the kernel thread may not have seen yet.
            if let Some(wanted) = slot.wish.take().filter(|_| slot.position.is_some()) {
                slot.holding.set_wish(wanted);
            }
        }
        true
    }

    /// Sends announcements that may go now.
    pub(super) fn announce(&mut self, now: Time, world: &World, outside: &mut dyn Outside) {
        let slots = &self.slots;
        let port = |interface| world.interface(interface)?.port();
        self.announcer.run(
            now,
            |instance| slots.holding(instance),
            port,
            |instance, interface, address| {
                if let Some(name) = slots.name(instance) {
                    outside.report(Report::Announced { instance, name, interface, address });
                }
            },
        );
    }

    /// When the next announcement may go.
    pub(super) fn announcement_deadline(&self, now: Time) -> Option<Time> {
        self.announcer.deadline(now, |instance| self.slots.holding(instance))
    }

    /// Forgets what is still to be announced for an instance whose addresses changed their places.
    pub(super) fn cancel_announcements(&mut self, instance: InstanceId) {
        self.announcer.cancel(instance);
    }

    pub(super) fn count(&self, stats: &mut DriverStats) {
        stats.adverts_sent = self.outbox.sent;
        stats.adverts_refused = self.outbox.refused;
        stats.announcements_sent = self.announcer.sent;
        stats.announcements_refused = self.announcer.refused;
    }

    fn transmit(&mut self, advert: &Transmit<'_>, world: &World, outside: &mut dyn Outside) {
        let index = world.interface(advert.interface).and_then(Interface::index);
        let Some(index) = index else {
            let (instance, destination) = (advert.instance, advert.destination);
            self.nowhere.push(Delivery { instance, destination, errno: Some(libc::ENODEV) });
            return;
        };
        if self.outbox.is_full() {
            self.send(outside);
        }
        self.outbox.push(advert, index);
    }

    /// An instance can send as long as one of its adverts goes out: of several peers one may be unreachable.
    fn judge_deliveries(&mut self, outside: &mut dyn Outside) {
        let all: Vec<Delivery> = self.outbox.results().chain(self.nowhere.drain(..)).collect();
        for delivery in &all {
            let (instance, destination, errno) = (delivery.instance, delivery.destination, delivery.errno);
            let sent = |other: &Delivery| other.instance == instance && other.errno.is_none();
            let errno = errno.filter(|_| !all.iter().any(sent));
            if errno.is_some() && !self.failed.contains(&instance) {
                self.failed.push(instance);
            }
            let Some(slot) = self.slots.get_mut(instance) else { continue };
            // Once when it begins and once when it is over, whatever the errors are called in between.
            if slot.failing.is_some() == errno.is_some() || (errno.is_none() && delivery.errno.is_some()) {
                continue;
            }
            let before = std::mem::replace(&mut slot.failing, errno);
            match (before, errno) {
                (None, Some(_)) => self.failing += 1,
                (Some(_), None) => self.failing = self.failing.saturating_sub(1),
                (None, None) | (Some(_), Some(_)) => {}
            }
            let name = Arc::clone(&slot.name);
            outside.report(Report::Transmit { instance, name, destination, errno });
        }
    }

    fn becomes(&mut self, change: &Become<'_>, outside: &mut dyn Outside) {
        let (instance, from, to, cause) = (change.instance, change.from, change.to, change.cause);
        if to != State::Master {
            self.announcer.cancel(instance);
        }
        let name = match self.slots.get_mut(instance) {
            Some(slot) => {
                slot.master = to == State::Master;
                Arc::clone(&slot.name)
            }
            None => change.name.into(),
        };
        outside.report(Report::Became { instance, name, from, to, cause });
    }

    /// A MASTER wants all its addresses, whichever of them a reconfiguration just added or removed; nobody else wants any.
    fn wish(&mut self, instance: InstanceId, count: usize, outside: &mut dyn Outside) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        slot.wish = Some(slot.master);
        self.wished = true;
        slot.lost = false;
        let (name, wanted) = (Arc::clone(&slot.name), slot.master);
        outside.report(Report::Addresses { instance, name, wanted, count });
    }

    fn begin(&mut self, announce: &Announce<'_>) {
        let (instance, repeat) = (announce.instance, announce.repeat);
        let Some(slot) = self.slots.get_mut(instance) else { return };
        self.announcer.begin(Job::new(announce, &slot.holding));
        let named = announce.addresses.iter().take(NAMED);
        self.afterwards.push(Report::Announcing {
            instance,
            name: Arc::clone(&slot.name),
            addresses: named.map(|vip| (vip.interface, vip.address)).collect(),
            count: announce.addresses.len(),
            repeat,
        });
    }

    fn notice(&mut self, notify: &Notify<'_>) -> Notice {
        let name = match notify.subject {
            Subject::Instance(instance) => self.name(instance, notify.name),
            Subject::Group(_) => notify.name.into(),
        };
        Notice { subject: notify.subject, name, what: notify.what, priority: notify.priority }
    }

    fn event(&mut self, event: Event<'_>, outside: &mut dyn Outside) {
        let report = match event {
            Event::Instance { instance, name, what: InstanceEvent::SentPriorityZero } => {
                let name = self.name(instance, name);
                return self.resigned.push((instance, name));
            }
            Event::Instance { instance, name, what } => {
                Report::Instance { instance, name: self.name(instance, name), what }
            }
            Event::Group { group, name, to } => Report::Group { group, name: name.into(), to },
            Event::Tracker { tracker, name, what } => Report::Tracker { tracker, name: name.into(), what },
            Event::Rejected { source, reject } => Report::Rejected { source, reject },
            Event::StartupDelay(delay) => Report::StartupDelay(delay),
            Event::Lost { events } => Report::Lost { events },
            // A router of a later version has more to tell than this driver knows to pass on.
            _ => return,
        };
        outside.report(report);
    }

    /// The name of an instance, shared with its slot.
    fn name(&mut self, instance: InstanceId, name: &str) -> Arc<str> {
        self.slots.get_mut(instance).map_or_else(|| name.into(), |slot| Arc::clone(&slot.name))
    }
}
