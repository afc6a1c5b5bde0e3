//! A host: a real [`Router`], and around it what a driver and a kernel would be.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::effect::{Effect, Fact, Held};
use super::log::NodeLog;
use super::sabotage::Bug;
use super::scenario::{LATENESS, NodePlan};
use super::setup::Setup;
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
    /// The configuration file.
    pub(super) setup: Setup,
    /// Every instance that this process had, and its position; the latest last.
    ids: Vec<(InstanceId, usize)>,
    /// Which instance of the router is at each position.
    slots: Vec<Option<usize>>,
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
    /// Whether the kernel refuses an address for ever.
    pub(super) refuses: bool,
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
    pub(super) fn new(segments: usize, plan: &NodePlan) -> Self {
        Self {
            router: None,
            setup: Setup::new(plan),
            slots: Vec::new(),
            refuses: false,
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
        self.ids.clear();
        self.trackers = router.trackers().map(|tracker| tracker.id()).collect();
        self.number(&router);
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

    /// What its router is made of.
    pub(super) fn config(&self, plan: &NodePlan, bug: Option<Bug>) -> Option<Config> {
        let config = self.setup.config_of(plan).ok()?;
        Some(bug.and_then(|bug| bug.configures(&config, plan)).unwrap_or(config))
    }

    /// Finds the position of each instance.
    fn number(&mut self, router: &Router) {
        self.slots = self.setup.positions().fold(Vec::new(), |mut slots, position| {
            let next = slots.iter().flatten().count();
            slots.resize(position, None);
            slots.push(Some(next));
            slots
        });
        let new = router.instances().map(|instance| instance.id()).zip(self.setup.positions());
        self.ids.extend(new);
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
        let at = (*self.slots.get(position)?)?;
        self.router.as_ref()?.instances().nth(at)
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
        bug: Option<Bug>,
        log: &mut Option<NodeLog<'_>>,
    ) -> Vec<Effect> {
        if let Fact::Reconfigure { change, planned } = fact {
            self.setup.apply(plan, *change, *planned);
        }
        let config = match fact {
            Fact::Reconfigure { .. } | Fact::Reload => self.config(plan, bug),
            _ => None,
        };
        let of = |position: usize| self.instance(position).map(|instance| instance.id());
        let id = match fact {
            Fact::Held { instance, .. } | Fact::TransmitFailed { instance } => match of(*instance) {
                Some(id) => id,
                // The virtual router is gone.
                None => return Vec::new(),
            },
            _ => InstanceId::from_number(u32::MAX),
        };
        let ahead = self.ahead;
        if let (Some(config), Some(router)) = (&config, &self.router) {
            // What it names has to be known before it is taken.
            let mut twin = router.clone();
            let _ = twin.handle(now + ahead, Input::Reconfigure(config.clone()));
            self.number(&twin);
        }
        let ids = &self.ids;
        let position = |id| ids.iter().rev().find(|known| known.0 == id).map_or(usize::MAX, |known| known.1);
        let Some(router) = &mut self.router else { return Vec::new() };
        let interface = |segment: &usize| InterfaceId(u32::try_from(*segment).unwrap_or(u32::MAX));
        let input = match fact {
            Fact::CheckEnded { tracker, outcome } => {
                Input::CheckEnded { tracker: *tracker, outcome: *outcome }
            }
            Fact::Held { complete, .. } => Input::Held { instance: id, complete: *complete },
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
            Fact::Reconfigure { .. } | Fact::Reload => {
                Input::Reconfigure(config.unwrap_or_else(|| plan.config.clone()))
            }
            Fact::Shutdown => Input::Shutdown,
            Fact::Source { segment, family, address } => {
                Input::Source { interface: interface(segment), family: *family, address: *address }
            }
            Fact::Tick => Input::Tick,
            Fact::Tracker { tracker, up } => Input::Tracker { tracker: *tracker, up: *up },
            Fact::TransmitFailed { .. } => Input::TransmitFailed { instance: id },
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
    pub(super) fn is_ready(&self, now: Time, plan: &NodePlan, position: usize) -> Option<bool> {
        let delay = plan.config.startup_delay;
        if !delay.is_zero() && now <= self.begun_at? + delay + LATENESS * 4 {
            return None;
        }
        let trackers: Vec<Option<bool>> =
            self.router.as_ref()?.trackers().map(|tracker| tracker.up()).collect();
        let grouped = self.setup.grouped;
        let mut members = self.setup.positions().filter(|member| grouped || *member == position);
        Some(members.all(|member| {
            let config = self.setup.config(member);
            let segment = usize::try_from(config.interface.0).unwrap_or(0);
            let groups = plan.config.groups().iter().filter(|_| grouped).flat_map(|group| &group.track);
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
        for position in 0..self.slots.len() {
            let due = self.instance(position).and_then(|instance| {
                let skew = Bug::skew_of(&instance)?;
                let due = instance.deadline()?;
                (due <= now + self.ahead + skew).then(|| due.saturating_since(now + self.ahead))
            });
            self.ahead += due.unwrap_or_default();
        }
    }
}
