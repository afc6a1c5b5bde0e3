//! A host: a real [`Router`], and around it what a driver and a kernel would be.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::effect::{Effect, Fact, Held};
use super::log::NodeLog;
use super::sabotage::Bug;
use super::scenario::{LATENESS, NodePlan};
use crate::action::{InstanceId, State, TrackerId};
use crate::config::Config;
use crate::input::{Input, Packet};
use crate::router::{InstanceView, Router};
use crate::time::Time;
use crate::types::InterfaceId;
use crate::wire::Datagram;

/// Packets beyond this are lost while nobody reads the socket.
const SOCKET_BUFFER: usize = 256;

/// A host at run time.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The process; none while it does not run.
    pub(super) router: Option<Router>,
    ids: Vec<InstanceId>,
    pub(super) trackers: Vec<TrackerId>,
    /// What one process was to be told never reaches the next.
    pub(super) incarnation: u32,
    /// Whether the process stands still, and the whole machine with it.
    pub(super) frozen: Option<bool>,
    /// Whether each interface can carry packets.
    pub(super) plugged: Vec<bool>,
    pub(super) inbox: Vec<Fact>,
    pub(super) wake_at: Option<Time>,
    /// The addresses that the kernel holds.
    pub(super) kernel: BTreeSet<Held>,
    /// The checks that run.
    pub(super) checks: BTreeSet<TrackerId>,
    pub(super) add_fails: bool,
    pub(super) send_fails: bool,
    /// Whether an address was deleted and is not back yet.
    pub(super) missing: bool,
    /// What the trackers say.
    pub(super) healthy: bool,
    /// What the router was told of each interface: up, and whether it has a source.
    pub(super) told_up: Vec<Option<bool>>,
    pub(super) told_source: Vec<Option<bool>>,
    /// When the router was told its first fact.
    begun_at: Option<Time>,
    /// How far the node's clock is ahead; only a planted bug moves it.
    pub(super) ahead: Duration,
}

impl Node {
    pub(super) fn new(segments: usize) -> Self {
        Self {
            router: None,
            ids: Vec::new(),
            trackers: Vec::new(),
            incarnation: 0,
            frozen: None,
            plugged: (0..segments).map(|_| true).collect(),
            inbox: Vec::new(),
            wake_at: None,
            kernel: BTreeSet::new(),
            checks: BTreeSet::new(),
            add_fails: false,
            send_fails: false,
            missing: false,
            healthy: true,
            told_up: (0..segments).map(|_| None).collect(),
            told_source: (0..segments).map(|_| None).collect(),
            begun_at: None,
            ahead: Duration::ZERO,
        }
    }

    /// Starts the process: what its predecessor left goes first.
    pub(super) fn boot(&mut self, config: Config) {
        let router = Router::new(config);
        self.ids = router.instances().map(|instance| instance.id()).collect();
        self.trackers = router.trackers().map(|tracker| tracker.id()).collect();
        self.router = Some(router);
        self.incarnation += 1;
        self.inbox.clear();
        self.kernel.clear();
        self.checks.clear();
        self.missing = false;
        self.told_up.fill(None);
        self.told_source.fill(None);
        self.begun_at = None;
        self.ahead = Duration::ZERO;
    }

    /// Ends the process without a word.
    pub(super) fn die(&mut self) {
        self.router = None;
        self.frozen = None;
        self.inbox.clear();
        self.checks.clear();
        self.wake_at = None;
        self.incarnation += 1;
    }

    /// Whether the process runs and does not stand still.
    pub(super) fn is_active(&self) -> bool {
        self.router.is_some() && self.frozen.is_none()
    }

    /// Whether the addresses may be other than the router wants.
    pub(super) fn is_disturbed(&self) -> bool {
        self.add_fails || self.send_fails || self.missing
    }

    /// One virtual router by its position.
    pub(super) fn instance(&self, position: usize) -> Option<InstanceView<'_>> {
        self.router.as_ref()?.instances().nth(position)
    }

    /// The state of one virtual router; Initialize while the process does not run.
    pub(super) fn state(&self, position: usize) -> State {
        self.instance(position).map_or(State::Initialize, |instance| instance.state())
    }

    /// Puts a packet in the socket buffer.
    pub(super) fn buffer(&mut self, fact: Fact) {
        if self.inbox.len() < SOCKET_BUFFER {
            self.inbox.push(fact);
        }
    }

    /// When the router wants to be woken, on the clock of the world.
    pub(super) fn deadline(&self) -> Option<Time> {
        let deadline = self.router.as_ref()?.deadline()?.saturating_sub(self.ahead);
        Some(deadline)
    }

    /// Remembers what the router is told.
    pub(super) fn note(&mut self, now: Time, fact: &Fact) {
        self.begun_at.get_or_insert(now);
        if let Fact::Interface { segment, up } = fact {
            self.told_up[*segment] = Some(*up);
        }
        if let Fact::Source { segment, address, .. } = fact {
            self.told_source[*segment] = Some(address.is_some());
        }
    }

    /// Hands one fact to the router and copies what it asks for.
    pub(super) fn handle(
        &mut self,
        now: Time,
        fact: &Fact,
        plan: &NodePlan,
        log: &mut Option<NodeLog<'_>>,
    ) -> Vec<Effect> {
        let Some(router) = &mut self.router else { return Vec::new() };
        let (ids, ahead) = (&self.ids, self.ahead);
        let id = |position: usize| ids[position];
        let position = |id| ids.iter().position(|known| *known == id).unwrap_or(usize::MAX);
        let interface = |segment: &usize| InterfaceId(u32::try_from(*segment).unwrap_or(u32::MAX));
        let input = match fact {
            Fact::CheckEnded { tracker, outcome } => {
                Input::CheckEnded { tracker: *tracker, outcome: *outcome }
            }
            Fact::Held { instance, complete } => Input::Held { instance: id(*instance), complete: *complete },
            Fact::Interface { segment, up } => Input::Interface { interface: interface(segment), up: *up },
            Fact::Packet { received, packet } => {
                let datagram = match (packet.source, packet.destination) {
                    (IpAddr::V6(source), IpAddr::V6(destination)) => {
                        Datagram::V6 { source, destination, hop_limit: packet.ttl, payload: &packet.octets }
                    }
                    (_, _) => Datagram::V4(&packet.octets),
                };
                Input::Packet(Packet { interface: packet.interface, received: *received + ahead, datagram })
            }
            Fact::Reload => Input::Reconfigure(plan.config.clone()),
            Fact::Shutdown => Input::Shutdown,
            Fact::Source { segment, family, address } => {
                Input::Source { interface: interface(segment), family: *family, address: *address }
            }
            Fact::Tick => Input::Tick,
            Fact::Tracker { tracker, up } => Input::Tracker { tracker: *tracker, up: *up },
            Fact::TransmitFailed { instance } => Input::TransmitFailed { instance: id(*instance) },
        };
        let (now, mut effects) = (now + ahead, Vec::new());
        if let Some(log) = log {
            log.record(|recorder| recorder.input(now, &input));
        }
        let mut actions = router.handle(now, input);
        while let Some(action) = actions.next() {
            if let Some(log) = log {
                log.record(|recorder| recorder.action(now, &action));
            }
            effects.push(Effect::of(action, position));
        }
        effects
    }

    /// Whether an instance, with its group, must take part after all that it was told; none while the startup
    /// delay may be running.
    pub(super) fn is_ready(
        &self,
        now: Time,
        plan: &NodePlan,
        position: usize,
        grouped: bool,
    ) -> Option<bool> {
        let delay = plan.config.startup_delay;
        if !delay.is_zero() && now <= self.begun_at? + delay + LATENESS * 4 {
            return None;
        }
        let members = match grouped {
            true => 0..self.ids.len(),
            false => position..position + 1,
        };
        let trackers: Vec<Option<bool>> =
            self.router.as_ref()?.trackers().map(|tracker| tracker.up()).collect();
        let mut configs = plan.config.instances().iter().take(members.end).skip(members.start);
        Some(configs.all(|config| {
            let segment = usize::try_from(config.interface.0).unwrap_or(0);
            let groups = plan.config.groups().iter().flat_map(|group| &group.track);
            let mut tracks = config.track.iter().chain(groups).filter(|track| track.weight == 0);
            (self.told_up[segment] == Some(true) || !config.track_primary)
                && self.told_source[segment] == Some(true)
                && tracks.all(|track| trackers[track.tracker] == Some(true))
        }))
    }

    /// When a node without Skew_Time wakes up: at the earliest timer of a BACKUP without it.
    pub(super) fn skewless(&self, deadline: Time) -> Time {
        let instances = self.router.iter().flat_map(|router| router.instances());
        let due = |instance: InstanceView<'_>| {
            let skew = Bug::skew_of(&instance)?;
            Some(instance.deadline()?.saturating_sub(self.ahead).saturating_sub(skew))
        };
        instances.filter_map(due).fold(deadline, Time::min)
    }

    /// The skewless planted bug: a BACKUP whose timer would be over without its Skew_Time finds it over.
    pub(super) fn skip_skew(&mut self, now: Time) {
        for position in 0..self.ids.len() {
            let due = self.instance(position).and_then(|instance| {
                let skew = Bug::skew_of(&instance)?;
                let due = instance.deadline()?;
                (due <= now + self.ahead + skew).then(|| due.saturating_since(now + self.ahead))
            });
            self.ahead += due.unwrap_or_default();
        }
    }
}
