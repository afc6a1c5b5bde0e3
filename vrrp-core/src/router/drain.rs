//! Taking what the router asks for, one action at a time, without a copy.

use core::net::IpAddr;

use super::Router;
use super::queue::{Owner, Told};
use crate::action::{Action, Announce, Become, Notification, Notify, State, Subject, Transmit};
use crate::config::Destination;
use crate::event::{Event, InstanceEvent};
use crate::instance::{AddressChange, Adverts, Instance};
use crate::track::Stop;
use crate::types::Vip;

/// The actions of one input, first to last, lent by the router.
///
/// For each instance: [`Action::Become`], transmit, remove, add, announce, notify; events come last. What is
/// not taken is kept and comes first next time.
#[derive(Debug)]
#[must_use = "actions that are not carried out stay pending, and the deadline is now"]
pub struct Actions<'r> {
    router: &'r mut Router,
}

impl<'r> Actions<'r> {
    pub(super) fn new(router: &'r mut Router) -> Self {
        Self { router }
    }

    /// The next action. Not an iterator: it borrows from the router until the one after it is asked for.
    #[allow(clippy::should_implement_trait)] // an iterator could not lend what belongs to the router
    pub fn next(&mut self) -> Option<Action<'_>> {
        // A step whose owner is gone gives no action, and must not hide those behind it.
        loop {
            let step = self.router.step()?;
            if self.router.has(step) {
                return self.router.action(step);
            }
        }
    }
}

/// An action as numbers: what was taken off the books, to be lent out next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Become(Owner, State),
    Transmit(Owner, u8, IpAddr, IpAddr),
    Remove(Owner, AddressChange),
    Add(Owner, AddressChange),
    Announce(Owner, AddressChange, u8),
    Notify(Owner, Notification),
    RunCheck(Owner),
    StopCheck(Owner, Stop),
    Event(Told),
}

impl Router {
    /// Puts somebody in the queue, once.
    pub(super) fn enqueue(&mut self, owner: Owner) {
        let queued = match owner {
            Owner::Instance(at) => self.instances.get_mut(at).map(|i| &mut i.pending.queued),
            Owner::RetiredInstance(at) => self.retired_instances.get_mut(at).map(|i| &mut i.pending.queued),
            Owner::Tracker(at) => self.trackers.get_mut(at).map(|t| &mut t.asks.queued),
            Owner::RetiredTracker(at) => self.retired_trackers.get_mut(at).map(|t| &mut t.asks.queued),
            Owner::Group(at) => self.groups.get_mut(at).map(|g| &mut g.queued),
        };
        if queued.is_some_and(|queued| !core::mem::replace(queued, true)) {
            self.queue.push_back(owner);
        }
    }

    fn step(&mut self) -> Option<Step> {
        while let Some(&owner) = self.queue.front() {
            if let Some(step) = self.wish(owner) {
                return Some(step);
            }
            self.queue.pop_front();
        }
        self.stats.events_lost = self.events.lost();
        self.events.pop().map(Step::Event)
    }

    /// The next wish of somebody, or none when all were taken.
    fn wish(&mut self, owner: Owner) -> Option<Step> {
        match owner {
            Owner::Instance(_) | Owner::RetiredInstance(_) => {
                let instance = self.instance_mut(owner)?;
                let id = instance.id;
                let first = matches!(instance.pending.transmit, Some(Adverts { next: 0, .. }));
                let step = wish_of(owner, instance);
                if let (Some(Step::Transmit(_, 0, ..)), true) = (step, first) {
                    self.events.push(Told::Instance(id, InstanceEvent::SentPriorityZero));
                }
                step
            }
            Owner::Tracker(_) | Owner::RetiredTracker(_) => {
                let tracker = match owner {
                    Owner::Tracker(at) => self.trackers.get_mut(at)?,
                    Owner::RetiredTracker(at) => self.retired_trackers.get_mut(at)?,
                    Owner::Instance(_) | Owner::RetiredInstance(_) | Owner::Group(_) => return None,
                };
                if let Some(stop) = tracker.asks.stop.take() {
                    return Some(Step::StopCheck(owner, stop));
                }
                if core::mem::take(&mut tracker.asks.run) {
                    return Some(Step::RunCheck(owner));
                }
                tracker.asks.queued = false;
                None
            }
            Owner::Group(at) => {
                let group = self.groups.get_mut(at)?;
                let notification = group.notify.take();
                group.queued = notification.is_some();
                notification.map(|notification| Step::Notify(owner, notification))
            }
        }
    }

    /// Whether a step still has an owner that can say what is to be done.
    fn has(&mut self, step: Step) -> bool {
        match step {
            Step::Become(owner, _) => {
                self.instance_mut(owner).is_some_and(|instance| instance.cause.is_some())
            }
            Step::Transmit(owner, ..)
            | Step::Remove(owner, _)
            | Step::Add(owner, _)
            | Step::Announce(owner, ..) => self.instance_mut(owner).is_some(),
            Step::Notify(Owner::Group(at), _) => self.groups.get(at).is_some(),
            Step::Notify(owner, _) => self.instance_mut(owner).is_some(),
            Step::RunCheck(owner) | Step::StopCheck(owner, _) => self.tracker(owner).is_some(),
            Step::Event(_) => true,
        }
    }

    fn action(&mut self, step: Step) -> Option<Action<'_>> {
        Some(match step {
            Step::Become(owner, from) => {
                let instance = self.instance_mut(owner)?;
                let (to, cause) = (instance.state(), instance.cause?);
                Action::Become(Become { instance: instance.id, name: &instance.config.name, from, to, cause })
            }
            Step::Transmit(owner, priority, source, destination) => {
                Action::Transmit(self.instance_mut(owner)?.advert(priority, source, destination)?)
            }
            Step::Remove(owner, change) => {
                let instance = self.instance_mut(owner)?;
                let addresses = instance.addresses(change, &instance.gone);
                Action::RemoveAddresses { instance: instance.id, addresses }
            }
            Step::Add(owner, change) => {
                let instance = self.instance_mut(owner)?;
                let addresses = instance.addresses(change, &instance.fresh);
                Action::AddAddresses { instance: instance.id, addresses }
            }
            Step::Announce(owner, change, repeat) => {
                let instance = self.instance_mut(owner)?;
                let schedule = &instance.config.announce;
                Action::Announce(Announce {
                    instance: instance.id,
                    addresses: instance.addresses(change, &instance.fresh),
                    repeat,
                    garp_interval: schedule.garp_interval,
                    gna_interval: schedule.gna_interval,
                })
            }
            Step::Notify(Owner::Group(at), what) => {
                let group = self.groups.get(at)?;
                let subject = Subject::Group(group.id);
                Action::Notify(Notify { subject, name: &group.config.name, what, priority: 0 })
            }
            Step::Notify(owner, what) => {
                let instance = self.instance_mut(owner)?;
                let (subject, priority) = (Subject::Instance(instance.id), instance.priority.get());
                Action::Notify(Notify { subject, name: &instance.config.name, what, priority })
            }
            Step::RunCheck(owner) => {
                let tracker = self.tracker(owner)?;
                Action::RunCheck { tracker: tracker.id, name: &tracker.config.name }
            }
            Step::StopCheck(owner, stop) => {
                let tracker = self.tracker(owner)?;
                Action::StopCheck {
                    tracker: tracker.id,
                    name: &tracker.config.name,
                    kill: stop == Stop::Kill,
                }
            }
            Step::Event(told) => Action::Event(self.event(told)),
        })
    }

    fn event(&self, told: Told) -> Event<'_> {
        match told {
            Told::Instance(instance, what) => {
                let mut all = self.instances.iter().chain(&self.retired_instances);
                let name = all.find(|known| known.id == instance).map_or("", |known| &known.config.name);
                Event::Instance { instance, name, what }
            }
            Told::Group(group, to) => {
                let name = self.groups.iter().find(|known| known.id == group);
                Event::Group { group, name: name.map_or("", |known| &known.config.name), to }
            }
            Told::Tracker(tracker, what) => {
                let mut all = self.trackers.iter().chain(&self.retired_trackers);
                let name = all.find(|known| known.id == tracker).map_or("", |known| &known.config.name);
                Event::Tracker { tracker, name, what }
            }
            Told::Rejected(source, reject) => Event::Rejected { source, reject },
            Told::StartupDelay(delay) => Event::StartupDelay(delay),
            Told::Lost(events) => Event::Lost { events },
        }
    }

    fn instance_mut(&mut self, owner: Owner) -> Option<&mut Instance> {
        match owner {
            Owner::Instance(at) => self.instances.get_mut(at),
            Owner::RetiredInstance(at) => self.retired_instances.get_mut(at),
            Owner::Tracker(_) | Owner::RetiredTracker(_) | Owner::Group(_) => None,
        }
    }

    fn tracker(&self, owner: Owner) -> Option<&crate::track::Tracker> {
        match owner {
            Owner::Tracker(at) => self.trackers.get(at),
            Owner::RetiredTracker(at) => self.retired_trackers.get(at),
            Owner::Instance(_) | Owner::RetiredInstance(_) | Owner::Group(_) => None,
        }
    }
}

/// Takes the next wish of an instance off its books, in the order in which they are to be carried out.
fn wish_of(owner: Owner, instance: &mut Instance) -> Option<Step> {
    let to = instance.state();
    if let Some(from) = instance.pending.become_from.take().filter(|from| *from != to) {
        return Some(Step::Become(owner, from));
    }
    if let Some((priority, source, destination)) = instance.next_advert() {
        return Some(Step::Transmit(owner, priority, source, destination));
    }
    let remove = core::mem::take(&mut instance.pending.remove);
    if !instance.addresses(remove, &instance.gone).is_empty() {
        return Some(Step::Remove(owner, remove));
    }
    let add = core::mem::take(&mut instance.pending.add);
    if !instance.addresses(add, &instance.fresh).is_empty() {
        return Some(Step::Add(owner, add));
    }
    let announce = instance.pending.announce.take();
    if let Some((change, repeat)) =
        announce.filter(|(change, _)| !instance.addresses(*change, &instance.fresh).is_empty())
    {
        return Some(Step::Announce(owner, change, repeat));
    }
    let pending = &mut instance.pending;
    if let Some(notification) = pending.notify.take().filter(|new| instance.notified != Some(*new)) {
        instance.notified = Some(notification);
        return Some(Step::Notify(owner, notification));
    }
    if core::mem::take(&mut pending.notify_lower_priority) {
        return Some(Step::Notify(owner, Notification::MasterRxLowerPri));
    }
    pending.queued = false;
    None
}

impl Instance {
    /// The next advert that is to go out; without a source none can.
    fn next_advert(&mut self) -> Option<(u8, IpAddr, IpAddr)> {
        let Adverts { priority, next } = self.pending.transmit.take()?;
        let source = self.source?;
        let (destination, after) = match &self.config.destination {
            Destination::Multicast(group) if next == 0 => (*group, None),
            Destination::Multicast(_) => return None,
            Destination::Unicast(peers) => {
                let mut rest = peers.iter().enumerate().skip(next).filter(|(_, peer)| peer.address != source);
                let (at, peer) = rest.next()?;
                (peer.address, Some(at + 1))
            }
        };
        self.pending.transmit = after.map(|next| Adverts { priority, next });
        self.stats.adverts_sent += 1;
        self.stats.priority_zero_sent += u64::from(priority == 0);
        Some((priority, source, destination))
    }

    fn advert(&mut self, priority: u8, source: IpAddr, destination: IpAddr) -> Option<Transmit<'_>> {
        let ttl = self.config.ttl;
        self.ip_id = self.ip_id.wrapping_add(1);
        let datagram = self.template.write(priority, source, destination, ttl, self.ip_id)?;
        let (instance, interface) = (self.id, self.config.interface);
        Some(Transmit { instance, interface, source, destination, ttl, datagram })
    }

    fn addresses<'a>(&'a self, change: AddressChange, difference: &'a [Vip]) -> &'a [Vip] {
        match change {
            AddressChange::Nothing => &[],
            AddressChange::Difference => difference,
            AddressChange::All => &self.vips,
        }
    }
}
