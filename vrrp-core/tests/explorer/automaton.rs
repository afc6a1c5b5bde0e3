//! One router as a table, filled in by a real one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vrrp_core::wire::Datagram;
use vrrp_core::{
    Action, AnnounceSchedule, Config, Family, Input, InstanceConfig, InterfaceConfig, InterfaceId, Packet,
    Router, RouterConfig, State, Time, Vip, Vrid, sim,
};

use super::{Model, STEP};

const ETH0: InterfaceId = InterfaceId(1);

/// An advert that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Heard {
    from: u8,
    farewell: bool,
}

impl Heard {
    pub(crate) fn new(from: usize, farewell: bool) -> Self {
        Self { from: u8::try_from(from).expect("three routers"), farewell }
    }
}

/// Which adverts a router sends in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sends {
    advert: bool,
    farewell: bool,
}

impl Sends {
    pub(crate) fn has(self, farewell: bool) -> bool {
        if farewell { self.farewell } else { self.advert }
    }
}

/// All that one router does.
pub(crate) struct Automaton {
    /// One router for each state; number 0 has just started.
    routers: Vec<Router>,
    numbers: HashMap<Vec<u64>, u16>,
    steps: HashMap<(u16, Vec<Heard>), (u16, Sends)>,
    /// The adverts of all routers, with and without priority 0.
    datagrams: Vec<[Vec<u8>; 2]>,
    boots: Sends,
    deaf: bool,
}

impl Automaton {
    pub(crate) fn new(model: &Model, at: usize) -> Self {
        let datagrams = (0..model.priorities.len()).map(|at| datagrams(model, at)).collect();
        let mut router = Router::new(config(model, at));
        let mut boots = start(&mut router, at);
        boots = add(boots, tell(&mut router, Time::ZERO, Input::Tick));
        let numbers = HashMap::from([(sim::key(&router), 0)]);
        Self { routers: vec![router], numbers, steps: HashMap::new(), datagrams, boots, deaf: model.deaf }
    }

    pub(crate) fn len(&self) -> usize {
        self.routers.len()
    }

    pub(crate) fn state(&self, number: u16) -> State {
        let instance = self.routers[usize::from(number)].instances().next();
        instance.expect("one instance").state()
    }

    /// Whether the router wins against another one: by priority, then by address.
    pub(crate) fn beats(&self, other: &Self) -> bool {
        let rank = |automaton: &Self| {
            let instance = automaton.routers[0].instances().next().expect("one instance");
            (instance.priority(), instance.source())
        };
        rank(self) > rank(other)
    }

    /// What the router sends when it starts.
    pub(crate) fn boots(&self) -> Sends {
        self.boots
    }

    /// What the router sends when it is stopped.
    pub(crate) fn stops(&self, number: u16) -> Sends {
        let mut router = self.routers[usize::from(number)].clone();
        let now = router.now();
        let sends = tell(&mut router, now, Input::Shutdown);
        let farewell = self.state(number) == State::Master;
        assert_eq!(sends, Sends { advert: false, farewell }, "priority 0 leaves MASTER and nobody else");
        assert_eq!(router.deadline(), None, "a stopped router waits for nothing");
        sends
    }

    /// One step of time in which these adverts arrive, at its end and in this order; then the timers.
    pub(crate) fn step(&mut self, number: u16, heard: &[Heard]) -> (u16, Sends) {
        if let Some(known) = self.steps.get(&(number, heard.to_vec())) {
            return *known;
        }
        let mut router = self.routers[usize::from(number)].clone();
        let now = router.now() + STEP;
        let mut sends = Sends::default();
        let deaf = self.deaf && self.state(number) == State::Master;
        for heard in heard.iter().filter(|_| !deaf) {
            let datagram = &self.datagrams[usize::from(heard.from)][usize::from(heard.farewell)];
            let datagram = Datagram::V4(datagram);
            let packet = Packet { interface: ETH0, received: now, datagram };
            sends = add(sends, tell(&mut router, now, Input::Packet(packet)));
        }
        sends = add(sends, tell(&mut router, now, Input::Tick));
        assert!(router.deadline().is_some_and(|at| at > now), "a running router always has a timer ahead");
        assert!(!sends.farewell, "nothing here makes a router resign");
        let next = self.number(router);
        self.steps.insert((number, heard.to_vec()), (next, sends));
        (next, sends)
    }

    fn number(&mut self, router: Router) -> u16 {
        let Self { numbers, routers, .. } = self;
        *numbers.entry(sim::key(&router)).or_insert_with(|| {
            routers.push(router);
            u16::try_from(routers.len() - 1).expect("few states")
        })
    }
}

fn config(model: &Model, at: usize) -> Config {
    let vip = Vip::new(Ipv4Addr::new(192, 0, 2, 1).into(), 32, ETH0);
    let mut instance = InstanceConfig::new("vr", ETH0, Vrid::new(1).expect("not zero"), vec![vip]);
    instance.priority = model.priorities[at];
    instance.interval = model.intervals[at];
    instance.preempt = model.preempt;
    instance.preempt_delay = model.preempt_delay;
    // Announcements decide nothing, but their timers would multiply the states.
    let mut announce = AnnounceSchedule::default();
    (announce.master_delay, announce.lower_prio_delay) = (Duration::ZERO, Duration::ZERO);
    instance.announce = announce;
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    config.instances.push(instance);
    Config::new(config).expect("a sound configuration")
}

fn source(at: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(at + 1).expect("three routers")).into()
}

fn start(router: &mut Router, at: usize) -> Sends {
    let source = Input::Source { interface: ETH0, family: Family::V4, address: Some(source(at)) };
    let up = Input::Interface { interface: ETH0, up: true };
    add(tell(router, Time::ZERO, up), tell(router, Time::ZERO, source))
}

/// What a router that is alone sends as MASTER, and when it is stopped.
fn datagrams(model: &Model, at: usize) -> [Vec<u8>; 2] {
    let mut router = Router::new(config(model, at));
    start(&mut router, at);
    let mut sent = Vec::new();
    for (now, input) in [
        (Time::from_millis(1000), Input::Tick),
        (Time::from_millis(1001), Input::Tick),
        (Time::from_millis(2000), Input::Tick),
        (Time::from_millis(2000), Input::Shutdown),
    ] {
        let mut actions = router.handle(now, input);
        while let Some(action) = actions.next() {
            if let Action::Transmit(advert) = action {
                sent.push(advert.datagram.to_vec());
            }
        }
    }
    let farewell = sent.pop().expect("priority 0 at the end");
    assert_eq!(farewell[22], 0);
    let advert = sent.pop().expect("adverts before it");
    assert_eq!(advert[22], model.priorities[at].get());
    [advert, farewell]
}

fn add(one: Sends, other: Sends) -> Sends {
    Sends { advert: one.advert || other.advert, farewell: one.farewell || other.farewell }
}

/// Tells a router something and collects what it sends.
fn tell(router: &mut Router, now: Time, input: Input<'_>) -> Sends {
    let mut sends = Sends::default();
    let mut actions = router.handle(now, input);
    while let Some(action) = actions.next() {
        if let Action::Transmit(advert) = action {
            match advert.datagram[22] {
                0 => sends.farewell = true,
                _ => sends.advert = true,
            }
        }
    }
    sends
}
