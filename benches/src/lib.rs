//! What the benchmarks have in common: a router with any number of virtual routers, and what it hears.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vrrp_core::wire::{self, AdvertTemplate, ChecksumForm, Datagram};
use vrrp_core::{
    Action, Config, Family, Input, InstanceConfig, InterfaceConfig, InterfaceId, Interval, Packet, Priority,
    Router, RouterConfig, State, Time, Version, Vip, Vrid,
};

/// VRIDs used on one interface; 255 is as far as the protocol goes.
const PER_INTERFACE: usize = 250;
/// The other router on every interface.
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// We, on every interface.
const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// A router whose instances have all reached the state that is asked for, and the adverts of their peer.
#[derive(Debug)]
pub struct Lan {
    router: Router,
    adverts: Vec<(InterfaceId, Vec<u8>)>,
    now: Time,
    turn: usize,
}

impl Lan {
    /// `instances` virtual routers of version 3 with one address each, at 10 ms, that watch a master.
    pub fn of_backups(instances: usize) -> Self {
        Self::new(instances, 1, State::Backup)
    }

    /// The same, all of them master, each with `addresses` addresses.
    pub fn of_masters(instances: usize, addresses: u8) -> Self {
        Self::new(instances, addresses, State::Master)
    }

    fn new(instances: usize, addresses: u8, state: State) -> Self {
        let configs: Vec<InstanceConfig> = (0..instances).map(|at| instance(at, addresses)).collect();
        let mut config = RouterConfig::new();
        for id in 0..instances.div_ceil(PER_INTERFACE) {
            config.interfaces.push(InterfaceConfig::new(InterfaceId(id as u32), format!("eth{id}")));
        }
        let interfaces: Vec<InterfaceId> = config.interfaces.iter().map(|interface| interface.id).collect();
        let adverts = configs.iter().map(|config| (config.interface, advert(config))).collect();
        config.instances = configs;
        let router = Router::new(Config::new(config).expect("a configuration of ours"));
        let mut lan = Self { router, adverts, now: Time::from_millis(1000), turn: 0 };
        for interface in interfaces {
            let (family, address) = (Family::V4, Some(OURS.into()));
            lan.tell(Input::Interface { interface, up: true });
            lan.tell(Input::Source { interface, family, address });
        }
        if state == State::Master {
            lan.now = lan.now + Duration::from_millis(41);
            lan.tell(Input::Tick);
        } else {
            for _ in 0..instances {
                lan.hear();
            }
        }
        assert!(lan.router.instances().all(|instance| instance.state() == state), "all are {state}");
        lan
    }

    /// The next instance's master is heard; gives the number of actions.
    ///
    /// Every instance hears in turn, so that each advert moves the earliest deadline there is.
    pub fn hear(&mut self) -> usize {
        self.now = self.now + Duration::from_micros(5);
        let (interface, octets) = &self.adverts[self.turn];
        self.turn = (self.turn + 1) % self.adverts.len();
        let packet = Packet { interface: *interface, received: self.now, datagram: Datagram::V4(octets) };
        drain(&mut self.router, self.now, Input::Packet(packet))
    }

    /// Time goes on to the next timer, which fires; gives the number of actions.
    pub fn tick(&mut self) -> usize {
        self.now = self.router.deadline().expect("a router with instances has a timer");
        drain(&mut self.router, self.now, Input::Tick)
    }

    fn tell(&mut self, input: Input<'_>) {
        drain(&mut self.router, self.now, input);
    }
}

/// Hands one fact over, and takes every action as an executor would.
fn drain(router: &mut Router, now: Time, input: Input<'_>) -> usize {
    let mut actions = router.handle(now, input);
    let mut count = 0;
    while let Some(action) = actions.next() {
        match std::hint::black_box(action) {
            Action::Transmit(transmit) => drop(std::hint::black_box(transmit.datagram)),
            Action::Become(_)
            | Action::RemoveAddresses { .. }
            | Action::AddAddresses { .. }
            | Action::Announce(_)
            | Action::RunCheck { .. }
            | Action::StopCheck { .. }
            | Action::Notify(_)
            | Action::Event(_) => {}
        }
        count += 1;
    }
    std::hint::black_box(router.deadline());
    count
}

fn instance(at: usize, addresses: u8) -> InstanceConfig {
    let interface = InterfaceId((at / PER_INTERFACE) as u32);
    let vrid = (at % PER_INTERFACE) as u8 + 1;
    let vips = (1..=addresses).map(|host| Vip::new([10, 1, vrid, host].into(), 32, interface)).collect();
    let vrid = Vrid::new(vrid).expect("from 1 to 250");
    let mut config = InstanceConfig::new(format!("VI_{at}"), interface, vrid, vips);
    config.interval = Interval::from_centis(1).expect("10 ms");
    config.priority = Priority::DEFAULT;
    config
}

/// The datagram with which the peer of an instance says that it is master.
fn advert(config: &InstanceConfig) -> Vec<u8> {
    let addresses: Vec<IpAddr> = config.addresses.iter().map(|vip| vip.address).collect();
    let mut template = template(config.vrid, config.interval, &addresses);
    let octets = template.write(200, PEER.into(), wire::GROUP_V4.into(), wire::TTL, 1);
    octets.expect("one family").to_vec()
}

/// An advert of version 3 laid out.
pub fn template(vrid: Vrid, interval: Interval, addresses: &[IpAddr]) -> AdvertTemplate {
    let (version, form) = (Version::V3, ChecksumForm::PseudoHeader);
    AdvertTemplate::new(version, Family::V4, vrid, interval, addresses, None, form).expect("it fits")
}

/// A datagram with a version 3 advert of so many addresses, and where it came from.
pub fn datagram(addresses: u8) -> Vec<u8> {
    let mut config = instance(0, addresses);
    config.interval = Interval::DEFAULT;
    advert(&config)
}
