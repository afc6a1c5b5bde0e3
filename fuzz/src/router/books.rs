//! What an executor has carried out, and the rules that it can rely on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vrrp_core::wire::{self, Datagram, Expect, Header};
use vrrp_core::{
    Action, Cause, Event, Family, Input, InstanceEvent, InstanceId, InterfaceId, Priority, Router, State,
    Time, Transmit, Vip,
};

/// The world as the actions made it.
#[derive(Debug, Default)]
pub(super) struct Books {
    states: BTreeMap<InstanceId, State>,
    /// What each instance asked to be held, and has not asked to be removed.
    wanted: BTreeMap<InstanceId, BTreeSet<Vip>>,
    /// What the kernel holds, for whomever.
    kernel: BTreeSet<Place>,
}

/// What makes two addresses one for the kernel.
type Place = (InterfaceId, IpAddr, u8);

/// All of an instance that a rejected packet must leave alone.
type Look = (InstanceId, State, Time, Option<Cause>, Priority, Option<(IpAddr, u8)>, u16, Option<Time>);

impl Books {
    /// Tells one fact, takes up to `take` actions, and checks every rule.
    pub(super) fn handle(&mut self, router: &mut Router, now: Time, input: Input<'_>, take: usize) {
        let bound = most_actions(router, &input);
        let is_tick = matches!(input, Input::Tick);
        let before = matches!(input, Input::Packet(_)).then(|| (looks(router), rejects(router)));
        let mut actions = router.handle(now, input);
        let mut taken = 0;
        while taken < take {
            let Some(action) = actions.next() else { break };
            taken += 1;
            assert!(taken <= bound, "{taken} actions for one fact, expected at most {bound}");
            self.carry_out(&action);
        }
        if let Some((before, rejected)) = before
            && rejects(router) > rejected
        {
            assert_eq!(looks(router), before, "a rejected packet changed more than a counter");
        }
        if taken < take {
            self.agree_with(router);
            let deadline = router.deadline();
            if is_tick {
                assert!(
                    deadline.is_none_or(|deadline| deadline > router.now()),
                    "a tick left {deadline:?} due"
                );
            }
        } else if router.deadline().is_none_or(|deadline| deadline > router.now()) {
            self.agree_with(router);
        }
    }

    /// After the end nobody holds anything.
    pub(super) fn holds_nothing(&self) {
        assert_eq!(self.kernel, BTreeSet::new(), "left behind");
    }

    fn carry_out(&mut self, action: &Action<'_>) {
        match *action {
            Action::Become(change) => {
                let state = self.states.entry(change.instance).or_insert(State::Initialize);
                assert_eq!(*state, change.from, "{change:?}");
                assert_ne!(change.from, change.to, "{change:?}");
                *state = change.to;
            }
            Action::Transmit(transmit) => self.judge(&transmit),
            Action::RemoveAddresses { instance, addresses } => {
                self.wanted.entry(instance).or_default().retain(|vip| !addresses.contains(vip));
                addresses.iter().map(place).for_each(|place| _ = self.kernel.remove(&place));
            }
            Action::AddAddresses { instance, addresses } => {
                assert_eq!(self.state(instance), State::Master, "addresses for who is no master");
                self.wanted.entry(instance).or_default().extend(addresses);
                self.kernel.extend(addresses.iter().map(place));
            }
            Action::Announce(announce) => {
                assert_eq!(self.state(announce.instance), State::Master, "announced by who is no master");
                let wanted = self.wanted.entry(announce.instance).or_default();
                assert!(announce.addresses.iter().all(|vip| wanted.contains(vip)), "announced before added");
                assert!(announce.repeat > 0);
            }
            Action::Event(Event::Instance { what: InstanceEvent::Priority { from, to }, .. }) => {
                assert!(from != to && to > 0);
            }
            Action::RunCheck { .. } | Action::StopCheck { .. } | Action::Notify(_) | Action::Event(_) => {}
        }
    }

    /// An advert is right by the receive rules, and says what the sender is.
    fn judge(&self, transmit: &Transmit<'_>) {
        let (header, payload) = match Family::of(&transmit.source) {
            Family::V4 => Datagram::V4(transmit.datagram).split().expect("we send whole datagrams"),
            Family::V6 => (
                Header { source: transmit.source, destination: transmit.destination, ttl: transmit.ttl },
                transmit.datagram,
            ),
        };
        let expected =
            Header { source: transmit.source, destination: transmit.destination, ttl: transmit.ttl };
        assert_eq!(header, expected);
        let advert = wire::parse(&header, payload, &Expect { empty: true, ..Expect::ANY });
        let advert = advert.expect("we send adverts that we would take");
        let master = self.state(transmit.instance) == State::Master;
        assert!(advert.priority() != 0 || !master, "a master that resigns, and stays");
    }

    /// When nothing is pending, the executor's world and the router's agree.
    fn agree_with(&mut self, router: &Router) {
        // An address that a reload moves to another MASTER is not asked to be removed by the one that had it.
        let vips = |id: InstanceId| {
            let config = router.instance(id).map(|instance| instance.config());
            config.into_iter().flat_map(|config| config.addresses.iter().chain(&config.excluded))
        };
        self.wanted.retain(|id, wanted| {
            let named: BTreeSet<Vip> = vips(*id).copied().collect();
            wanted.retain(|vip| named.contains(vip));
            !wanted.is_empty()
        });
        let mut held = BTreeSet::new();
        for instance in router.instances() {
            let id = instance.id();
            assert_eq!(self.state(id), instance.state(), "{}", instance.name());
            let all: BTreeSet<Vip> = match instance.state() {
                State::Master => vips(id).copied().collect(),
                State::Initialize | State::Backup | State::Fault => BTreeSet::new(),
            };
            held.extend(all.iter().map(place));
            let wanted = self.wanted.get(&id).cloned().unwrap_or_default();
            assert_eq!(wanted, all, "what {} wants as {}", instance.name(), instance.state());
            let runs = matches!(instance.state(), State::Master | State::Backup);
            let waits = instance.state() == State::Backup && is_held_back(router, id);
            assert!(
                !runs || instance.deadline().is_some() || waits,
                "{} runs without a timer",
                instance.name()
            );
        }
        // The executor keeps what one instance gives up and another one still wants.
        self.kernel.extend(self.wanted.values().flatten().map(place));
        assert_eq!(self.kernel, held, "what the kernel holds, and what the masters want");
    }

    fn state(&self, instance: InstanceId) -> State {
        self.states.get(&instance).copied().unwrap_or(State::Initialize)
    }
}

/// Whether another member of its sync group still listens, or has not started: the only reasons for which a BACKUP
/// needs no timer.
fn is_held_back(router: &Router, id: InstanceId) -> bool {
    let group = router.instance(id).and_then(|instance| instance.group());
    let mut others = router.instances().filter(|other| other.id() != id && other.group() == group);
    let holds_back = |state, timer: Option<Time>| match state {
        State::Initialize => true,
        State::Backup => timer.is_some(),
        State::Master | State::Fault => false,
    };
    group.is_some() && others.any(|other| holds_back(other.state(), other.deadline()))
}

const fn place(vip: &Vip) -> Place {
    (vip.interface, vip.address, vip.prefix)
}

/// The most actions that one fact can bring: what each participant can wish for once, and all events.
fn most_actions(router: &Router, input: &Input<'_>) -> usize {
    let wishes = |router: &Router| {
        let peers = |instance: vrrp_core::InstanceView<'_>| match &instance.config().destination {
            vrrp_core::Destination::Multicast(_) => 1,
            vrrp_core::Destination::Unicast(peers) => peers.len(),
        };
        router.instances().map(|instance| 8 + peers(instance)).sum::<usize>()
            + 2 * router.trackers().count()
            + router.groups().count()
    };
    // A reconfiguration may leave one retired instance for each, and bring as many new ones.
    let others = match input {
        Input::Reconfigure(config) => 16 * (config.instances().len() + config.trackers().len() + 1),
        _ => 0,
    };
    1024 + 3 * wishes(router) + others
}

fn looks(router: &Router) -> Vec<Look> {
    let look = |instance: vrrp_core::InstanceView<'_>| {
        (
            instance.id(),
            instance.state(),
            instance.since(),
            instance.cause(),
            instance.priority(),
            instance.master(),
            instance.master_interval().as_centis(),
            instance.deadline(),
        )
    };
    router.instances().map(look).collect()
}

fn rejects(router: &Router) -> u64 {
    let instances = router.instances().map(|instance| instance.stats().rejected.total());
    router.stats().rejected.total() + instances.sum::<u64>()
}
