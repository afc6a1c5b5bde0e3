//! A new configuration: what is unchanged keeps its state, its timers and its peace.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::demux::Demux;
use super::queue::Owner;
use super::{EVENTS, Phase, Router, group};
use crate::action::{Cause, InstanceId, State, TrackerId};
use crate::config::{Config, Destination, InstanceConfig, TrackerConfig};
use crate::deadlines::Deadlines;
use crate::instance::{AddressChange, HOLD_OFF, Instance, Machine, Pending};
use crate::time::Time;
use crate::track::Tracker;
use crate::types::{InterfaceId, Version, Vip};
use crate::wire::AdvertTemplate;

impl Router {
    pub(super) fn reconfigure(&mut self, config: Config) {
        self.install(config);
        if matches!(self.phase, Phase::Running) {
            self.run();
        }
    }

    /// Puts a configuration in the place of the one that is there.
    pub(super) fn install(&mut self, config: Config) {
        self.retired_instances.retain(|instance| !instance.pending.is_empty());
        self.retired_trackers.retain(|tracker| tracker.asks.stop.is_some());
        self.install_trackers(config.trackers);
        self.install_instances(config.instances, config.templates);
        self.keep_moved_addresses();
        let mut next_id = self.next_id;
        let mut id = || {
            next_id += 1;
            next_id - 1
        };
        self.groups = group::renew(&self.groups, config.groups, &mut id);
        self.next_id = next_id;
        group::memberships(&self.groups, &mut self.instances);
        for instance in &mut self.instances {
            instance.wait_for_nobody(self.now);
        }
        self.demux = Demux::new(self.instances.iter().map(|instance| &instance.config));
        self.rebook();
    }

    fn install_trackers(&mut self, configs: Vec<TrackerConfig>) {
        let mut old = core::mem::take(&mut self.trackers);
        for config in configs {
            let mut tracker = Tracker::new(TrackerId(self.id()), config);
            if let Some(at) = old.iter().position(|old| tracker.is_same(old)) {
                tracker.inherit(&old.swap_remove(at), self.now);
            }
            self.trackers.push(tracker);
        }
        old.iter_mut().for_each(Tracker::stop);
        self.retired_trackers.extend(old.into_iter().filter(|tracker| tracker.asks.stop.is_some()));
    }

    fn install_instances(&mut self, configs: Vec<InstanceConfig>, templates: Vec<AdvertTemplate>) {
        let now = self.now;
        let mut old = core::mem::take(&mut self.instances);
        // An instance that kept its name goes first: two may have one identity but for their peers.
        let mut kept: Vec<Option<Instance>> = configs
            .iter()
            .map(|config| take(&mut old, |old| is_same(config, old) && config.name == old.name))
            .collect();
        for (config, kept) in configs.iter().zip(&mut kept) {
            if kept.is_none() {
                *kept = take(&mut old, |old| is_same(config, old));
            }
        }
        for ((config, template), kept) in configs.into_iter().zip(templates).zip(kept) {
            let instance = match kept {
                Some(kept) => kept.reconfigured(config, template, now),
                None => Instance::new(InstanceId(self.id()), config, template, now),
            };
            self.instances.push(instance);
        }
        for mut instance in old {
            instance.enter(now, Machine::Initialize, Cause::Removed);
            self.retired_instances.push(instance);
        }
    }

    /// An address that moves from one MASTER to another stays where it is: the executor would otherwise remove
    /// for one what it has just added for the other.
    fn keep_moved_addresses(&mut self) {
        let loses = |instance: &Instance| instance.pending.remove == AddressChange::Difference;
        if self.retired_instances.is_empty() && !self.instances.iter().any(loses) {
            return;
        }
        let masters =
            self.instances.iter().enumerate().filter(|(_, instance)| instance.state() == State::Master);
        let held: BTreeSet<_> =
            masters.flat_map(|(at, master)| master.vips.iter().map(move |vip| (place(vip), at))).collect();
        let other_holds = |vip: &Vip, own: usize| {
            let place = place(vip);
            held.range((place, 0)..=(place, usize::MAX)).any(|(_, at)| *at != own)
        };
        for (own, instance) in self.instances.iter_mut().enumerate() {
            if instance.pending.remove == AddressChange::Difference {
                instance.gone.retain(|vip| !other_holds(vip, own));
                if instance.gone.is_empty() {
                    instance.pending.remove = AddressChange::Nothing;
                }
            }
        }
        for instance in &mut self.retired_instances {
            instance.vips.retain(|vip| !other_holds(vip, usize::MAX));
            instance.gone.retain(|vip| !other_holds(vip, usize::MAX));
        }
    }

    /// Makes the books of deadlines and wishes anew, with room for all that can ever be in them.
    fn rebook(&mut self) {
        let owners = self.instances.len() + self.trackers.len();
        self.patient = Deadlines::new(owners + 1);
        self.urgent = Deadlines::new(self.instances.len());
        self.queue.clear();
        let retired = self.retired_instances.len() + self.retired_trackers.len();
        self.queue.reserve(owners + self.groups.len() + retired);
        self.events.grow(EVENTS + 4 * self.instances.len());
        for instance in self.instances.iter_mut().chain(&mut self.retired_instances) {
            instance.pending.queued = false;
        }
        for tracker in self.trackers.iter_mut().chain(&mut self.retired_trackers) {
            tracker.asks.queued = false;
        }
        for position in 0..self.retired_instances.len() {
            self.enqueue(Owner::RetiredInstance(position));
        }
        for position in 0..self.retired_trackers.len() {
            self.enqueue(Owner::RetiredTracker(position));
        }
        for position in 0..self.trackers.len() {
            self.refresh_tracker(position);
        }
        for position in 0..self.instances.len() {
            self.refresh(position);
        }
        for position in 0..self.groups.len() {
            if self.groups.get(position).is_some_and(|group| group.notify.is_some()) {
                self.enqueue(Owner::Group(position));
            }
        }
        self.set_startup_deadline();
    }
}

impl Instance {
    /// The same virtual router under a new configuration.
    fn reconfigured(mut self, config: InstanceConfig, template: AdvertTemplate, now: Time) -> Self {
        let vips: Vec<Vip> = config.addresses.iter().chain(&config.excluded).copied().collect();
        let advert_changes = self.template != template || self.config.destination != config.destination;
        let interval_changes = self.config.interval != config.interval;
        let timers_change = interval_changes || self.config.down_timer_adverts != config.down_timer_adverts;
        let announce_changes = self.config.announce != config.announce;
        let delay_changes = self.config.preempt_delay != config.preempt_delay;
        self.readdress(vips, config.announce.master_repeat);
        self.config = config;
        self.group = None;
        if advert_changes {
            self.template = template;
        }
        // The learned interval is the master's; VRRPv2 and an instance without a master know only ours.
        if self.config.version == Version::V2 || self.master.is_none() || self.state() == State::Master {
            self.learned = self.config.interval;
        }
        if let (true, Machine::Master(master)) = (announce_changes, &mut self.machine) {
            let refresh = self.config.announce.master_refresh;
            master.refresh_at = (!refresh.is_zero()).then(|| now + refresh);
        }
        if advert_changes {
            self.readvertise(now, interval_changes);
        }
        if timers_change {
            self.rearm_backup();
        }
        if delay_changes {
            self.forget_preempt_delay();
        }
        self
    }

    /// An instance that only its group held back takes over in the next tick when the group is gone.
    fn wait_for_nobody(&mut self, now: Time) {
        if let (None, Machine::Backup(backup)) = (self.group, &mut self.machine) {
            backup.down_at.get_or_insert(now);
        }
    }

    /// Another `preempt_delay` starts with the next advert of a lower master. The hold-off of an instance that
    /// could not do its part is not the user's, and stays.
    fn forget_preempt_delay(&mut self) {
        let hold_off = Some(self.since + HOLD_OFF);
        if let Machine::Backup(backup) = &mut self.machine {
            backup.preempt_at = backup.preempt_at.filter(|_| backup.preempt_at == hold_off);
        }
    }

    /// Takes new addresses: what may be on an interface and has no place there any more is to be removed, what
    /// a MASTER lacks is to be added and announced. Wishes that nobody has taken yet still count.
    fn readdress(&mut self, vips: Vec<Vip>, repeat: u8) {
        let is_master = self.state() == State::Master;
        let old = core::mem::replace(&mut self.vips, vips);
        let (vips, Pending { add, remove, announce, .. }) = (&self.vips, &mut self.pending);
        // A thousand addresses of which none changed are compared once each; sets are for the others.
        let same = old == *vips;
        let set = |list: &'_ [Vip]| -> BTreeSet<Vip> { list.iter().copied().filter(|_| !same).collect() };
        let (before, after) = (set(&old), set(vips));
        let contains = |list: &[Vip], set: &BTreeSet<Vip>, vip: &Vip| match same {
            true => list.contains(vip),
            false => set.contains(vip),
        };
        let stays = |vip: &Vip| is_master && contains(vips, &after, vip);
        if *remove != AddressChange::Difference {
            self.gone.clear();
        }
        if (is_master && !same) || *remove == AddressChange::All {
            self.gone.extend(&old);
        }
        self.gone.retain(|vip| !stays(vip));
        *remove = if self.gone.is_empty() { AddressChange::Nothing } else { AddressChange::Difference };
        // What was to be announced by itself may be gone; the whole is never wrong.
        if let Some((AddressChange::Difference, repeat)) = *announce {
            *announce = Some((AddressChange::All, repeat));
        }
        if *add == AddressChange::All || !is_master {
            return;
        }
        let awaited = core::mem::take(&mut self.fresh);
        let held = |vip: &Vip| {
            (same || before.contains(vip)) && !(*add == AddressChange::Difference && awaited.contains(vip))
        };
        self.fresh = vips.iter().filter(|vip| !held(vip)).copied().collect();
        match self.fresh.is_empty() {
            true => *add = AddressChange::Nothing,
            false => {
                *add = AddressChange::Difference;
                if repeat > 0 {
                    announce.get_or_insert((AddressChange::Difference, repeat));
                }
            }
        }
    }
}

/// The identity of an instance on the wire: interface, family, VRID, version and mode. Not its name.
fn is_same(config: &InstanceConfig, old: &InstanceConfig) -> bool {
    let unicast = |config: &InstanceConfig| matches!(config.destination, Destination::Unicast(_));
    (config.interface, config.family, config.vrid, config.version, unicast(config))
        == (old.interface, old.family, old.vrid, old.version, unicast(old))
}

/// What makes two addresses one for the kernel.
const fn place(vip: &Vip) -> (InterfaceId, IpAddr, u8) {
    (vip.interface, vip.address, vip.prefix)
}

fn take(old: &mut Vec<Instance>, wanted: impl Fn(&InstanceConfig) -> bool) -> Option<Instance> {
    let at = old.iter().position(|old| wanted(&old.config))?;
    Some(old.swap_remove(at))
}
