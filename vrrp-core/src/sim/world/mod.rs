//! Time, and all that happens in it.

mod actions;
mod faults;

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use crate::action::{Cause, TrackerId};
use crate::input::CheckOutcome;
use crate::sim::Report;
use crate::sim::effect::{Effect, Fact, Sent};
use crate::sim::fault::Fault;
use crate::sim::log::Log;
use crate::sim::network::Network;
use crate::sim::node::Node;
use crate::sim::oracle::{Oracle, Rule, Scene, Violation};
use crate::sim::rng::Rng;
use crate::sim::sabotage::Bug;
use crate::sim::scenario::{LATENESS, Scenario};
use crate::time::Time;
use crate::types::Family;

const MILLISECOND: Duration = Duration::from_millis(1);
/// A run of some seconds takes no more steps than this by far; a router that never sleeps does.
const STEPS: u64 = 5_000_000;

/// Something that will happen.
#[derive(Clone, Debug)]
enum Event {
    /// A packet reaches the interface of a node.
    Arrival {
        node: usize,
        packet: Sent,
    },
    /// A check of a node ends.
    CheckEnds {
        node: usize,
        incarnation: u32,
        tracker: TrackerId,
    },
    Fault(Fault),
    /// The kernel of a node reports how it is with the addresses of an instance.
    Held {
        node: usize,
        incarnation: u32,
        instance: usize,
    },
    /// The kernel of a node reports its interfaces.
    Interface {
        node: usize,
        incarnation: u32,
        segment: usize,
    },
    /// A deleted address is put back.
    Repair {
        node: usize,
        incarnation: u32,
    },
    /// The kernel of a node reports its addresses.
    Source {
        node: usize,
        incarnation: u32,
        segment: usize,
    },
    Wake {
        node: usize,
    },
}

/// One thing on the agenda; of two at the same time the one that was put there first comes first.
struct Entry {
    at: Time,
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// A run under way.
pub(super) struct World<'a> {
    scenario: &'a Scenario,
    bug: Option<Bug>,
    now: Time,
    rng: Rng,
    nodes: Vec<Node>,
    network: Network,
    agenda: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    oracle: Oracle,
    /// All that happened, when somebody wants to read it.
    pub(super) log: Option<Log>,
    pub(super) report: Report,
}

impl<'a> World<'a> {
    pub(super) fn new(scenario: &'a Scenario, bug: Option<Bug>, ignored: &[Rule], text: bool) -> Self {
        let nodes: Vec<Node> = scenario.nodes.iter().map(|plan| Node::new(scenario.segments, plan)).collect();
        let mut world = Self {
            scenario,
            bug,
            now: Time::ZERO,
            rng: Rng::new(scenario.seed),
            network: Network::new(scenario.segments, nodes.len(), scenario.latency),
            nodes,
            agenda: BinaryHeap::new(),
            entries: 0,
            oracle: Oracle::new(scenario, ignored),
            log: text.then(|| Log::new(scenario.nodes.len())),
            report: Report::default(),
        };
        for (node, plan) in scenario.nodes.iter().enumerate() {
            world.put(plan.boot_at, Event::Fault(Fault::Boot { node }));
        }
        for (at, fault) in &scenario.faults {
            world.put(*at, Event::Fault(*fault));
        }
        world
    }

    /// Runs to the end of the scenario, looks whether all is well, and stops every node.
    pub(super) fn run(&mut self) -> Result<(), Violation> {
        self.run_until(self.scenario.end)?;
        self.oracle.converged(self.scene())?;
        for node in 0..self.nodes.len() {
            self.fault(Fault::Stop { node })?;
        }
        self.run_until(self.scenario.end + Duration::from_secs(1))?;
        self.report.virtual_time = self.now.saturating_since(Time::ZERO);
        self.report.strict_time = self.oracle.strict;
        Ok(())
    }

    fn run_until(&mut self, end: Time) -> Result<(), Violation> {
        while self.agenda.peek().is_some_and(|Reverse(next)| next.at <= end) {
            let Some(Reverse(Entry { at, event, .. })) = self.agenda.pop() else { break };
            self.now = self.now.max(at);
            self.report.steps += 1;
            if self.report.steps > STEPS {
                return Err(Violation { rule: Rule::Bounded, text: "the run does not end".into() });
            }
            self.happen(event)?;
        }
        self.now = end;
        self.look(None)
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Arrival { node, packet } => {
                let host = &mut self.nodes[node];
                let listens = host.router.is_some() && host.frozen != Some(true);
                if listens && host.plugged[packet.segment()] {
                    host.buffer(Fact::Packet { received: self.now, packet });
                    self.wake(node, self.now);
                }
            }
            Event::CheckEnds { node, incarnation, tracker } => {
                if self.nodes[node].incarnation == incarnation && self.nodes[node].checks.remove(&tracker) {
                    let outcome = CheckOutcome::Exited(i32::from(!self.nodes[node].healthy));
                    self.tell(node, incarnation, Fact::CheckEnded { tracker, outcome });
                }
            }
            Event::Fault(fault) => self.fault(fault)?,
            Event::Held { node, incarnation, instance } => {
                let host = &self.nodes[node];
                let complete = !host.add_fails && !host.missing && !host.refuses;
                self.tell(node, incarnation, Fact::Held { instance, complete });
            }
            Event::Interface { node, incarnation, segment } => {
                let up = self.nodes[node].plugged[segment];
                self.tell(node, incarnation, Fact::Interface { segment, up });
            }
            Event::Repair { node, incarnation } => {
                if self.nodes[node].incarnation == incarnation && self.nodes[node].missing {
                    self.nodes[node].missing = false;
                    self.repair(node);
                }
            }
            Event::Source { node, incarnation, segment } => {
                for family in [Family::V4, Family::V6] {
                    let address = Some(self.scenario.nodes[node].source(segment, family));
                    self.tell(node, incarnation, Fact::Source { segment, family, address });
                }
            }
            Event::Wake { node } => {
                if self.nodes[node].wake_at == Some(self.now) {
                    self.turn(node)?;
                }
            }
        }
        Ok(())
    }

    /// One turn of a node's driver: all that came in, in order, then the timers.
    fn turn(&mut self, node: usize) -> Result<(), Violation> {
        self.nodes[node].wake_at = None;
        if !self.nodes[node].is_active() {
            return Ok(());
        }
        for fact in core::mem::take(&mut self.nodes[node].inbox) {
            self.feed(node, &fact)?;
        }
        if self.bug == Some(Bug::NoSkew) {
            self.nodes[node].skip_skew(self.now);
        }
        self.feed(node, &Fact::Tick)?;
        self.look(Some(node))?;
        self.sleep(node);
        Ok(())
    }

    /// Hands one fact to a router, has what it asks for judged, and carries it out.
    fn feed(&mut self, node: usize, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Packet { .. } | Fact::Tick | Fact::Reload | Fact::CheckEnded { .. } => {}
            Fact::Held { complete: true, .. } => {}
            Fact::Held { .. } => self.oracle.unsettle(self.now),
            Fact::Interface { .. }
            | Fact::Reconfigure { .. }
            | Fact::Shutdown
            | Fact::Source { .. }
            | Fact::Tracker { .. }
            | Fact::TransmitFailed { .. } => self.oracle.disturb(self.now),
        }
        self.nodes[node].note(self.now, fact);
        let swallowed = self.bug.is_some_and(|bug| bug.swallows(&self.nodes[node], fact));
        let plan = &self.scenario.nodes[node];
        let log = &mut self.log.as_mut().map(|log| log.node(node));
        let mut effects = match swallowed {
            true => Vec::new(),
            false => self.nodes[node].handle(self.now, fact, plan, self.bug, log),
        };
        if let Some(bug) = self.bug {
            bug.spoils(&mut effects, self.report.steps);
        }
        for effect in &effects {
            match effect {
                Effect::Verdict { .. } => self.oracle.disturb(self.now),
                Effect::Become { cause, .. } => {
                    self.report.transitions += 1;
                    if let Cause::NotHeld = cause {
                        self.oracle.unsettle(self.now);
                    }
                }
                Effect::Transmit(_) => self.report.adverts += 1,
                Effect::Remove { .. }
                | Effect::Add { .. }
                | Effect::Announce { .. }
                | Effect::RunCheck { .. }
                | Effect::StopCheck { .. }
                | Effect::Notify { .. }
                | Effect::Event => {}
            }
        }
        let scene =
            Scene { now: self.now, nodes: &self.nodes, network: &self.network, scenario: self.scenario };
        self.oracle.judge(scene, node, fact, &effects)?;
        for effect in effects {
            self.carry_out(node, effect);
        }
        Ok(())
    }

    /// Tells the process of a node something, if it is still the same.
    fn tell(&mut self, node: usize, incarnation: u32, fact: Fact) {
        if self.nodes[node].incarnation == incarnation && self.nodes[node].router.is_some() {
            self.nodes[node].inbox.push(fact);
            self.wake(node, self.now);
        }
    }

    /// Has a node wake up, as soon as its host gets to it.
    fn wake(&mut self, node: usize, at: Time) {
        let at = at.max(self.now) + self.rng.span(Duration::ZERO, LATENESS);
        let host = &mut self.nodes[node];
        if host.is_active() && host.wake_at.is_none_or(|wake_at| at < wake_at) {
            host.wake_at = Some(at);
            self.put(at, Event::Wake { node });
        }
    }

    /// Has a node wake up at its deadline.
    fn sleep(&mut self, node: usize) {
        let host = &self.nodes[node];
        let mut deadline = host.deadline();
        if self.bug == Some(Bug::NoSkew) {
            deadline = deadline.map(|at| host.skewless(at));
        }
        if let Some(at) = deadline {
            self.wake(node, at);
        }
    }

    pub(super) fn now(&self) -> Time {
        self.now
    }

    fn put(&mut self, at: Time, event: Event) {
        self.entries += 1;
        self.agenda.push(Reverse(Entry { at, number: self.entries, event }));
    }

    fn look(&mut self, turn: Option<usize>) -> Result<(), Violation> {
        let Self { now, nodes, network, scenario, .. } = self;
        self.oracle.look(Scene { now: *now, nodes, network, scenario }, turn)
    }

    fn scene(&self) -> Scene<'_> {
        Scene { now: self.now, nodes: &self.nodes, network: &self.network, scenario: self.scenario }
    }
}
