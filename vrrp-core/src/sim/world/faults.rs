//! What goes wrong, and how it ends.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Event, MILLISECOND, World};
use crate::action::State;
use crate::sim::effect::Fact;
use crate::sim::fault::{Fault, Noise};
use crate::sim::oracle::Violation;
use crate::types::Family;

/// How long after its loss the carrier is missed at most.
const CARRIER: Duration = Duration::from_millis(100);

impl World<'_> {
    pub(super) fn fault(&mut self, fault: Fault) -> Result<(), Violation> {
        if let Some(log) = &mut self.log {
            log.write(format_args!("{} ! {fault:?}", self.now));
        }
        if !matches!(fault, Fault::Reload { .. }) {
            self.oracle.disturb(self.now);
        }
        let found = match fault {
            Fault::AddFails { node } => !core::mem::replace(&mut self.nodes[node].add_fails, true),
            Fault::AddWorks { node } => {
                if core::mem::take(&mut self.nodes[node].add_fails) {
                    self.repair(node);
                }
                false
            }
            Fault::Boot { node } => {
                self.boot(node);
                false
            }
            Fault::Crash { node } => {
                let ran = self.nodes[node].router.is_some();
                self.nodes[node].die();
                ran
            }
            Fault::Cut { segment, from, to } => {
                let joined = self.network.joins(segment, from, to);
                self.network.set_cut(segment, from, to, true);
                joined
            }
            Fault::Delete { node } => self.delete(node),
            Fault::Freeze { node, machine } => {
                let host = &mut self.nodes[node];
                let active = host.is_active();
                if active {
                    host.frozen = Some(machine);
                    host.wake_at = None;
                }
                active
            }
            Fault::GainSource { segment, node } => {
                let incarnation = self.nodes[node].incarnation;
                self.put(self.now, Event::Source { node, incarnation, segment });
                false
            }
            Fault::Isolate { segment, node } => {
                let joined = self.network.clone();
                self.network.set_isolated(segment, node, true);
                self.network != joined
            }
            Fault::Join { segment } => {
                self.network.join(segment);
                false
            }
            Fault::LoseSource { segment, node } => {
                self.tell_no_source(node, segment);
                self.nodes[node].is_active() && self.nodes[node].told_source[segment] == Some(true)
            }
            Fault::Mend { segment, from, to } => {
                self.network.set_cut(segment, from, to, false);
                false
            }
            Fault::Noise { segment, noise } => {
                let before = self.network.clone();
                self.network.set_noise(segment, noise);
                noise != Noise::NONE && self.network != before
            }
            Fault::Plug { segment, node } => {
                self.plug(segment, node, true);
                false
            }
            Fault::Rejoin { segment, node } => {
                self.network.set_isolated(segment, node, false);
                false
            }
            Fault::Reconfigure { node, change, planned } => {
                let host = &self.nodes[node];
                let changes = host.setup.clone().apply(&self.scenario.nodes[node], change, planned);
                let felt = changes && host.is_active();
                self.tell(node, host.incarnation, Fact::Reconfigure { change, planned });
                felt && !planned
            }
            Fault::Refuse { node } => !core::mem::replace(&mut self.nodes[node].refuses, true),
            Fault::Reload { node } => {
                self.tell(node, self.nodes[node].incarnation, Fact::Reload);
                false
            }
            Fault::SendFails { node } => !core::mem::replace(&mut self.nodes[node].send_fails, true),
            Fault::SendWorks { node } => {
                self.nodes[node].send_fails = false;
                false
            }
            Fault::Split { segment, side } => {
                let joined = self.network.clone();
                self.network.split(segment, side);
                self.network != joined
            }
            Fault::Stop { node } => self.stop(node)?,
            Fault::Trackers { node, up } => {
                let was = self.nodes[node].healthy && self.nodes[node].router.is_some();
                self.turn_trackers(node, up);
                !up && was && self.scenario.nodes[node].tracked
            }
            Fault::Thaw { node } => {
                if self.nodes[node].frozen.take().is_some() {
                    self.oracle.thawed(self.now, node);
                    self.wake(node, self.now);
                }
                false
            }
            Fault::Unplug { segment, node } => self.plug(segment, node, false),
        };
        self.report.faults += u64::from(found);
        if !found && fault.breaks() && self.now < self.scenario.calm_at {
            self.break_something_else();
        }
        self.look(None)
    }

    /// A fault that found nothing to break is made up for: somebody pulls a cable for a moment.
    fn break_something_else(&mut self) {
        let (node, segment) =
            (self.rng.position(self.nodes.len()), self.rng.position(self.scenario.segments));
        let at = self.now + self.rng.span(MILLISECOND, MILLISECOND * 300);
        let until = at + self.rng.span(MILLISECOND, MILLISECOND * 1500);
        self.put(at, Event::Fault(Fault::Unplug { segment, node }));
        self.put(until.min(self.scenario.calm_at), Event::Fault(Fault::Plug { segment, node }));
    }

    fn boot(&mut self, node: usize) {
        let plan = &self.scenario.nodes[node];
        if self.nodes[node].router.is_some() {
            return;
        }
        let config = self.nodes[node].config(plan, self.bug).unwrap_or_else(|| plan.config.clone());
        self.nodes[node].boot(config.clone());
        if let Some(log) = &mut self.log {
            log.node(node).record(|recorder| recorder.start(&config));
        }
        self.oracle.booted(self.now, node);
        let incarnation = self.nodes[node].incarnation;
        for segment in 0..self.scenario.segments {
            self.put(self.now, Event::Interface { node, incarnation, segment });
            if !plan.source_after.is_zero() {
                self.tell_no_source(node, segment);
            }
            self.put(self.now + plan.source_after, Event::Source { node, incarnation, segment });
        }
        self.turn_trackers(node, self.nodes[node].healthy);
        self.wake(node, self.now);
    }

    fn tell_no_source(&mut self, node: usize, segment: usize) {
        for family in [Family::V4, Family::V6] {
            let incarnation = self.nodes[node].incarnation;
            self.tell(node, incarnation, Fact::Source { segment, family, address: None });
        }
    }

    /// SIGTERM: the router says goodbye, everything it asks for is done, and the process ends.
    fn stop(&mut self, node: usize) -> Result<bool, Violation> {
        if !self.nodes[node].is_active() {
            return Ok(false);
        }
        self.feed(node, &Fact::Shutdown)?;
        self.oracle.stopped(self.scene(), node)?;
        self.nodes[node].die();
        Ok(true)
    }

    fn turn_trackers(&mut self, node: usize, up: bool) {
        self.nodes[node].healthy = up;
        let tracker = self.nodes[node].trackers.first().copied();
        if let Some(tracker) = tracker.filter(|_| self.scenario.nodes[node].tracked) {
            self.tell(node, self.nodes[node].incarnation, Fact::Tracker { tracker, up });
        }
    }

    fn plug(&mut self, segment: usize, node: usize, up: bool) -> bool {
        let was = core::mem::replace(&mut self.nodes[node].plugged[segment], up);
        if was != up {
            let at = self.now + self.rng.span(Duration::ZERO, CARRIER);
            let incarnation = self.nodes[node].incarnation;
            self.put(at, Event::Interface { node, incarnation, segment });
        }
        was != up
    }

    /// Somebody deletes the first address of every MASTER of a node; the host puts it back.
    fn delete(&mut self, node: usize) -> bool {
        let incarnation = self.nodes[node].incarnation;
        let mut deleted = false;
        for instance in 0..self.scenario.virtual_routers() {
            let Some(view) = self.nodes[node].instance(instance) else { continue };
            let vip = view.config().addresses.first().or(view.config().excluded.first()).copied();
            let Some(vip) = vip.filter(|_| view.state() == State::Master) else { continue };
            deleted |= self.nodes[node].kernel.remove(&(vip.interface, vip.address));
            self.put(self.now + MILLISECOND, Event::Held { node, incarnation, instance });
        }
        self.nodes[node].missing |= deleted;
        let at = self.now + self.rng.span(MILLISECOND, MILLISECOND * 100);
        self.put(at, Event::Repair { node, incarnation });
        deleted
    }

    /// The host puts on what every MASTER wants.
    pub(super) fn repair(&mut self, node: usize) {
        let incarnation = self.nodes[node].incarnation;
        for instance in 0..self.scenario.virtual_routers() {
            let Some(view) = self.nodes[node].instance(instance).filter(|view| view.state() == State::Master)
            else {
                continue;
            };
            let config = view.config();
            let refused = self.scenario.nodes[node].refused(instance).filter(|_| self.nodes[node].refuses);
            let vips =
                config.addresses.iter().chain(&config.excluded).map(|vip| (vip.interface, vip.address));
            let vips: Vec<_> = vips.filter(|vip| Some(*vip) != refused).collect();
            self.nodes[node].kernel.extend(vips);
            self.put(self.now, Event::Held { node, incarnation, instance });
        }
    }
}
