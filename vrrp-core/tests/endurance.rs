//! Rules that take many inputs to show: no drift, no starvation, no answer to noise, no end to what is pending.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::net::Ipv4Addr;
use std::time::Duration;

use vrrp_core::wire::{AdvertTemplate, ChecksumForm, Datagram, Reason};
use vrrp_core::{
    Action, Config, Event, Family, Input, InstanceConfig, InterfaceConfig, InterfaceId, Interval, Packet,
    Password, Router, RouterConfig, State, Time, Version, Vip, Vrid,
};

const ETH0: InterfaceId = InterfaceId(1);
const SECOND: Duration = Duration::from_secs(1);

/// T08: each wake-up is up to 3 ms late, 100,000 times; the schedule stays where it is.
#[test]
fn late_wake_ups_do_not_add_up() {
    let mut router = master(Version::V3, Interval::DEFAULT);
    let first = router.deadline().unwrap();
    let mut adverts = 0;
    for period in 0..100_000_u32 {
        let deadline = router.deadline().unwrap();
        assert_eq!(deadline, first + SECOND * period);
        adverts +=
            tick(&mut router, deadline + Duration::from_micros(u64::from(period) * 7919 % 3000)).adverts;
    }
    assert_eq!(adverts, 100_000);
}

/// T09: 10,000 periods of 10 ms take 100 s.
#[test]
fn the_shortest_interval_keeps_its_mean() {
    let interval = Interval::from_centis(1).unwrap();
    let mut router = master(Version::V3, interval);
    let first = router.deadline().unwrap();
    for _ in 0..10_000 {
        let deadline = router.deadline().unwrap();
        assert_eq!(tick(&mut router, deadline + Duration::from_millis(2)).adverts, 1);
    }
    assert_eq!(router.deadline(), Some(first + Duration::from_secs(100)));
}

/// S30, S31, N26: a flood of packets that break a rule; the adverts go on as if there were none.
#[test]
fn noise_moves_no_advert() {
    let mut router = master(Version::V3, Interval::DEFAULT);
    let start = router.deadline().unwrap();
    let good = advert(Version::V3, 200, None);
    let mut corrupt = good.clone();
    *corrupt.last_mut().unwrap() ^= 1;
    let mut routed = good.clone();
    routed[8] = 254;
    let mut adverts = 0;
    for millis in 0..10_000 {
        let now = start + Duration::from_millis(millis);
        for octets in [&corrupt, &routed, &good[..20].to_vec(), &vec![0x45; 3]] {
            assert_eq!(receive(&mut router, now, octets).adverts, 0);
        }
        adverts += tick(&mut router, now).adverts;
    }
    assert_eq!(adverts, 10);
    let instance = router.instances().next().unwrap();
    assert_eq!(instance.state(), State::Master);
    assert_eq!(instance.stats().rejected.get(Reason::Checksum), 10_000);
    assert_eq!(instance.stats().rejected.get(Reason::Ttl), 10_000);
}

/// S32: whoever has another password cannot make a MASTER yield, nor keep a BACKUP from taking over.
#[test]
fn a_wrong_password_changes_nothing() {
    let theirs = advert(Version::V2, 250, Some(b"sesame"));
    let mut router = router(Version::V2, Interval::DEFAULT, Some(b"s3cr3t"));
    start(&mut router);
    for half in 0..60 {
        let now = Time::ZERO + Duration::from_millis(500) * half;
        receive(&mut router, now, &theirs);
        tick(&mut router, now);
    }
    let instance = router.instances().next().unwrap();
    assert_eq!((instance.state(), instance.stats().became_master), (State::Master, 1));
    assert_eq!(instance.stats().rejected.get(Reason::AuthFailure), 60);
}

/// S29: many senders at once get no more answers than one.
#[test]
fn many_losers_are_answered_together() {
    let mut router = master(Version::V3, Interval::DEFAULT);
    let losing = advert(Version::V3, 50, None);
    let now = router.now();
    let answers: u32 =
        (0..240).map(|at| receive(&mut router, now + Duration::from_millis(at), &losing).adverts).sum();
    assert_eq!(answers, 1);
    assert_eq!(receive(&mut router, now + Duration::from_millis(250), &losing).adverts, 1);
}

/// N33: the configuration that is there already, a hundred times.
#[test]
fn a_hundred_identical_reloads_do_nothing() {
    let mut router = master(Version::V3, Interval::DEFAULT);
    let config = Config::new(router_config(Version::V3, Interval::DEFAULT, None)).unwrap();
    let (before, now) = (router.deadline(), router.now());
    for millis in 1..=100 {
        let now = now + Duration::from_millis(millis);
        let mut actions = router.handle(now, Input::Reconfigure(config.clone()));
        assert!(actions.next().is_none());
    }
    assert_eq!(router.deadline(), before);
}

/// Events are bounded: what nobody takes is lost, counted, and said so once; everything else waits its turn.
#[test]
fn events_that_nobody_takes_are_counted() {
    let mut router = router(Version::V3, Interval::DEFAULT, None);
    let (now, up) = (Time::ZERO, Input::Interface { interface: ETH0, up: true });
    let _ = router.handle(now, up);
    for round in 0..1000_u16 {
        // Another master each time: each is an event.
        let source = Ipv4Addr::from([198, 51, (100 + round / 250) as u8, (1 + round % 250) as u8]);
        let address = Some(Ipv4Addr::new(192, 0, 2, 1).into());
        let _ = router.handle(now, Input::Source { interface: ETH0, family: Family::V4, address });
        let octets = advert_from(source, 200);
        let _ = router.handle(now, packet(now, &octets));
    }
    assert_eq!(router.deadline(), Some(now), "something waits to be taken");
    let (mut events, mut lost) = (0, None);
    let mut actions = router.handle(now, Input::Tick);
    while let Some(action) = actions.next() {
        match action {
            Action::Event(Event::Lost { events }) => assert_eq!(lost.replace(events), None),
            Action::Event(_) => events += 1,
            _ => {}
        }
    }
    assert!((256..400).contains(&events), "{events}");
    assert_eq!(lost, Some(1000 - events));
    assert_eq!(router.stats().events_lost, 1000 - events);
    assert!(router.deadline() > Some(now));
}

/// What was asked for.
#[derive(Default)]
struct Asked {
    adverts: u32,
}

fn drain(router: &mut Router, now: Time, input: Input<'_>) -> Asked {
    let mut asked = Asked::default();
    let mut actions = router.handle(now, input);
    while let Some(action) = actions.next() {
        asked.adverts += u32::from(matches!(action, Action::Transmit(_)));
    }
    asked
}

fn tick(router: &mut Router, now: Time) -> Asked {
    drain(router, now, Input::Tick)
}

fn receive(router: &mut Router, now: Time, octets: &[u8]) -> Asked {
    drain(router, now, packet(now, octets))
}

fn packet(received: Time, octets: &[u8]) -> Input<'_> {
    Input::Packet(Packet { interface: ETH0, received, datagram: Datagram::V4(octets) })
}

fn vip() -> Vip {
    Vip::new(Ipv4Addr::new(192, 0, 2, 253).into(), 24, ETH0)
}

fn advert(version: Version, priority: u8, password: Option<&[u8]>) -> Vec<u8> {
    let password = password.map(|password| Password::new(password).unwrap());
    let (vrid, vips, form) = (Vrid::new(51).unwrap(), [vip().address], ChecksumForm::PseudoHeader);
    let template =
        AdvertTemplate::new(version, Family::V4, vrid, Interval::DEFAULT, &vips, password.as_ref(), form);
    let (source, group) = (Ipv4Addr::new(192, 0, 2, 2).into(), Ipv4Addr::new(224, 0, 0, 18).into());
    template.unwrap().write(priority, source, group, 255, 1).unwrap().to_vec()
}

fn advert_from(source: Ipv4Addr, priority: u8) -> Vec<u8> {
    let (vrid, vips, form) = (Vrid::new(51).unwrap(), [vip().address], ChecksumForm::PseudoHeader);
    let template = AdvertTemplate::new(Version::V3, Family::V4, vrid, Interval::DEFAULT, &vips, None, form);
    let group = Ipv4Addr::new(224, 0, 0, 18).into();
    template.unwrap().write(priority, source.into(), group, 255, 1).unwrap().to_vec()
}

fn router_config(version: Version, interval: Interval, password: Option<&[u8]>) -> RouterConfig {
    let mut instance = InstanceConfig::new("VI_1", ETH0, Vrid::new(51).unwrap(), vec![vip()]);
    (instance.version, instance.interval) = (version, interval);
    instance.password = password.map(|password| Password::new(password).unwrap());
    (instance.announce.master_delay, instance.announce.lower_prio_repeat) = (Duration::ZERO, 0);
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    config.instances.push(instance);
    config
}

fn router(version: Version, interval: Interval, password: Option<&[u8]>) -> Router {
    Router::new(Config::new(router_config(version, interval, password)).unwrap())
}

fn start(router: &mut Router) {
    drain(router, Time::ZERO, Input::Interface { interface: ETH0, up: true });
    let address = Some(Ipv4Addr::new(192, 0, 2, 1).into());
    drain(router, Time::ZERO, Input::Source { interface: ETH0, family: Family::V4, address });
}

/// A router whose one instance has just become MASTER.
fn master(version: Version, interval: Interval) -> Router {
    let mut router = router(version, interval, None);
    start(&mut router);
    let deadline = router.deadline().unwrap();
    assert_eq!(tick(&mut router, deadline).adverts, 1);
    router
}
