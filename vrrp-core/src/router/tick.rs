//! What time does to instances and checks, and what the results of checks do.

use core::time::Duration;

use super::Router;
use super::queue::Told;
use crate::action::TrackerId;
use crate::config::TrackerKind;
use crate::deadlines::Deadlines;
use crate::event::{InstanceEvent, TrackerEvent};
use crate::input::CheckOutcome;
use crate::track::Tracker;

impl Router {
    /// Fires every timer that is due. Each firing moves its timer behind `now`, so the bound is never met but
    /// by a mistake of ours, which then costs one late timer and not the loop.
    pub(super) fn tick(&mut self) {
        let (instances, trackers) = (self.instances.len(), self.trackers.len());
        for _ in 0..4 * (instances + trackers + 1) {
            let Some(owner) = self.due() else { return };
            if owner < instances {
                self.tick_instance(owner);
            } else if owner < instances + trackers {
                self.tick_tracker(owner - instances);
            } else {
                self.events.push(Told::StartupDelay(Duration::ZERO));
                self.run();
            }
        }
    }

    /// Whose timer is due first; of several at one time, that of who comes first.
    fn due(&self) -> Option<usize> {
        let first = |timers: &Deadlines| Some((timers.earliest()?, timers.due(self.now)?));
        let due = first(&self.patient).into_iter().chain(first(&self.urgent)).min();
        due.map(|(_, owner)| owner)
    }

    fn tick_instance(&mut self, position: usize) {
        let Some(instance) = self.instances.get_mut(position) else { return };
        let (id, events) = (instance.id, &mut self.events);
        instance.tick(self.now, &mut |what: InstanceEvent| events.push(Told::Instance(id, what)));
        self.after(position);
    }

    fn tick_tracker(&mut self, position: usize) {
        let Some(tracker) = self.trackers.get_mut(position) else { return };
        let told = tracker.tick(self.now);
        if let Some(what) = told {
            self.events.push(Told::Tracker(tracker.id, what));
        }
        if told == Some(TrackerEvent::TimedOut) {
            self.count(position, false);
        }
        self.refresh_tracker(position);
    }

    pub(super) fn check_ended(&mut self, id: TrackerId, outcome: CheckOutcome) {
        let Some(position) = self.trackers.iter().position(|tracker| tracker.id == id) else { return };
        let Some(tracker) = self.trackers.get_mut(position) else { return };
        if tracker.ended(self.now) {
            if tracker.remember(outcome) {
                self.events.push(Told::Tracker(id, TrackerEvent::Returned(outcome)));
            }
            self.count(position, outcome.is_success());
        }
        self.refresh_tracker(position);
    }

    pub(super) fn verdict(&mut self, id: TrackerId, up: bool) {
        let external =
            |tracker: &Tracker| tracker.id == id && matches!(tracker.config.kind, TrackerKind::External);
        if let Some(position) = self.trackers.iter().position(external) {
            self.count(position, up);
        }
    }

    /// Counts a result of a tracker, and lets its instances follow when the verdict changed.
    fn count(&mut self, position: usize, success: bool) {
        let Some(tracker) = self.trackers.get_mut(position) else { return };
        if !tracker.count(success) {
            return;
        }
        let what = match success {
            true => TrackerEvent::Up,
            false => TrackerEvent::Down { last: tracker.last() },
        };
        self.events.push(Told::Tracker(tracker.id, what));
        self.settle();
    }
}
