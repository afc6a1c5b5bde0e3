//! Whether each instance may take part, and with which priority, after a fact that may concern many.

use super::queue::Told;
use super::{Interface, Phase, Router};
use crate::action::Cause;
use crate::config::{Track, TrackerKind};
use crate::event::InstanceEvent;
use crate::instance::{Instance, Readiness};
use crate::types::{Family, InterfaceId, Priority};

impl Router {
    /// Judges every instance anew. Only facts about interfaces, trackers and the configuration lead here;
    /// adverts and timers do not.
    pub(super) fn settle(&mut self) {
        if !matches!(self.phase, Phase::Running) {
            return;
        }
        for position in 0..self.instances.len() {
            let Some(instance) = self.instances.get(position) else { continue };
            let readiness = self.readiness(instance);
            let source = instance.config.source.or_else(|| self.source(instance)?);
            let priority = self.effective_priority(instance);
            let Some(instance) = self.instances.get_mut(position) else { continue };
            instance.readiness = readiness;
            instance.source = source;
            let (id, events) = (instance.id, &mut self.events);
            let mut tell = |what: InstanceEvent| events.push(Told::Instance(id, what));
            instance.set_priority(self.now, priority, &mut tell);
        }
        for position in 0..self.instances.len() {
            let Some(instance) = self.instances.get(position) else { continue };
            let readiness = self.group_readiness(instance.readiness, instance.group);
            if let Some(instance) = self.instances.get_mut(position) {
                instance.assess(self.now, readiness);
                self.refresh(position);
            }
        }
        for position in 0..self.groups.len() {
            self.follow_group(position);
        }
        for instance in &mut self.instances {
            instance.left_master = false;
        }
    }

    fn readiness(&self, instance: &Instance) -> Readiness {
        let config = &instance.config;
        let interface = config.interface;
        let mut all = Readiness::Ready;
        if config.track_primary {
            match self.known(interface).and_then(|known| known.up) {
                Some(true) => {}
                Some(false) => return Readiness::Fault(Cause::InterfaceDown { interface }),
                None => all = Readiness::Waiting,
            }
        }
        if config.source.is_none() {
            match self.source(instance) {
                Some(Some(_)) => {}
                Some(None) => return Readiness::Fault(Cause::NoSource { interface }),
                None => all = Readiness::Waiting,
            }
        }
        for track in self.tracks(instance).filter(|track| track.weight == 0) {
            match self.tracker_up(track) {
                Some(up) if up != track.reverse => {}
                Some(_) => return Readiness::Fault(self.tracker_cause(track)),
                None => all = Readiness::Waiting,
            }
        }
        all
    }

    /// The configured priority and all weights, from 1 to 254; the owner's is never changed.
    fn effective_priority(&self, instance: &Instance) -> Priority {
        let base = instance.config.priority;
        if base.is_owner() {
            return base;
        }
        let weights = self.tracks(instance).map(|track| {
            let counts = match self.tracker_up(track) {
                Some(up) => up == (track.weight > 0),
                None => false,
            };
            let weight = if track.reverse { -i32::from(track.weight) } else { i32::from(track.weight) };
            if counts { weight } else { 0 }
        });
        let sum = weights.fold(i32::from(base.get()), i32::saturating_add).clamp(1, 254);
        u8::try_from(sum).ok().and_then(|sum| Priority::new(sum).ok()).unwrap_or(base)
    }

    /// What an instance watches by itself, then what its group does.
    fn tracks<'a>(&'a self, instance: &'a Instance) -> impl Iterator<Item = &'a Track> {
        let group = instance.group.and_then(|group| self.groups.get(group));
        instance.config.track.iter().chain(group.into_iter().flat_map(|group| &group.config.track))
    }

    fn tracker_up(&self, track: &Track) -> Option<bool> {
        let tracker = self.trackers.get(track.tracker)?;
        match &tracker.config.kind {
            TrackerKind::Interface(interface) => self.known(*interface)?.up,
            TrackerKind::External | TrackerKind::Script(_) => tracker.up,
        }
    }

    fn tracker_cause(&self, track: &Track) -> Cause {
        match self.trackers.get(track.tracker).map(|tracker| (&tracker.config.kind, tracker.id)) {
            Some((TrackerKind::Interface(interface), _)) => Cause::InterfaceDown { interface: *interface },
            Some((TrackerKind::External | TrackerKind::Script(_), tracker)) => Cause::Tracker { tracker },
            None => Cause::Recovered,
        }
    }

    fn source(&self, instance: &Instance) -> Option<Option<core::net::IpAddr>> {
        let known = self.known(instance.config.interface)?;
        match instance.config.family {
            Family::V4 => known.source_v4,
            Family::V6 => known.source_v6,
        }
    }

    fn known(&self, id: InterfaceId) -> Option<&Interface> {
        let at = self.interfaces.binary_search_by_key(&id, |known| known.id).ok()?;
        self.interfaces.get(at)
    }
}
