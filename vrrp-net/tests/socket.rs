//! What the receiving sockets let through, and when they say it came.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

mod node;

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use node::{Node, PATIENCE, Recorder, instance, ip, setup};
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_core::wire::{AdvertTemplate, ChecksumForm, Reason};
use vrrp_core::{Family, Interval, State, Time, Version, Vrid};
use vrrp_net::lab::{Frame, Host, Lab, Lateness, Moment, harness, wait_for};
use vrrp_net::{Driver, clock};

fn main() -> ExitCode {
    harness::main(&[
        ("a_flood_of_one_vrid_costs_nobody_an_advert", a_flood_of_one_vrid_costs_nobody_an_advert),
        (
            "a_packet_counts_from_when_the_kernel_received_it",
            a_packet_counts_from_when_the_kernel_received_it,
        ),
        ("adverts_that_crossed_a_router_are_refused", adverts_that_crossed_a_router_are_refused),
        ("all_255_vrids_are_heard", all_255_vrids_are_heard),
        ("only_vrids_in_use_wake_us", only_vrids_in_use_wake_us),
    ])
}

fn only_vrids_in_use_wake_us() {
    let (_lab, a, b) = two_hosts();
    let node = Node::start(
        &a,
        setup(vec![instance(1, 100, 100, &["10.1.0.1/32"]), instance(255, 100, 100, &["10.1.0.2/32"])]),
    );
    node.wait_for_state(State::Backup);
    let peer = Peer::open(&b);
    (1..=255).for_each(|vrid| peer.send(vrid, 200, 255));
    wait_for(PATIENCE, "both to be heard", || heard_by_all(&node).then_some(())).unwrap();
    assert_eq!(node.status().driver.datagrams, 2);
}

fn all_255_vrids_are_heard() {
    let (_lab, a, b) = two_hosts();
    let all = (1..=255).map(|vrid| instance(vrid, 100, 100, &[&format!("10.1.0.{vrid}/32")])).collect();
    let node = Node::start(&a, setup(all));
    node.wait_for_state(State::Backup);
    let peer = Peer::open(&b);
    (1..=255).for_each(|vrid| peer.send(vrid, 200, 255));
    wait_for(PATIENCE, "all to be heard", || heard_by_all(&node).then_some(())).unwrap();
    let status = node.status();
    assert_eq!((status.driver.datagrams, status.driver.datagrams_dropped), (255, 0));
}

fn adverts_that_crossed_a_router_are_refused() {
    let (_lab, a, b) = two_hosts();
    let node = Node::start(&a, setup(vec![instance(51, 100, 100, &["10.1.0.1/32"])]));
    node.wait_for_state(State::Backup);
    let peer = Peer::open(&b);
    peer.send(51, 200, 254);
    wait_for(PATIENCE, "the reject", || {
        (node.status().instances[0].stats.rejected.get(Reason::Ttl) == 1).then_some(())
    })
    .unwrap();
    assert_eq!(node.status().instances[0].stats.adverts_received, 0);
}

fn a_packet_counts_from_when_the_kernel_received_it() {
    let lateness = Lateness::watch().unwrap();
    let (_lab, a, b) = two_hosts();
    let wire = a.capture("eth0").unwrap();
    let mut recorder = Recorder(Arc::default());
    let setup = setup(vec![instance(51, 100, 100, &["10.1.0.1/32"])]);
    let mut driver = a.inside(|| Driver::new(setup).unwrap()).unwrap();
    let peer = Peer::open(&b);
    while driver.router().instances().next().unwrap().state() != State::Backup {
        let _ = driver.turn(Some(Duration::from_millis(1)), &mut recorder).unwrap();
    }
    peer.send(51, 200, 255);
    let arrived = wire.wait_for(PATIENCE, "the advert", |frame| frame.advert().map(|_| frame.at)).unwrap();
    // We are busy elsewhere for a while.
    wait_for(PATIENCE, "time to pass", || (Moment::now().since(arrived).as_millis() > 300).then_some(()))
        .unwrap();
    // Both clocks at one moment: nothing came between the readings.
    let (wall, now) = wait_for(PATIENCE, "both clocks", || {
        let (before, now, after) = (Moment::now(), clock::now(), Moment::now());
        (after.since(before) < Duration::from_micros(50)).then_some((before, now))
    })
    .unwrap();
    while driver.router().instances().next().unwrap().stats().adverts_received == 0 {
        let _ = driver.turn(Some(Duration::from_millis(1)), &mut recorder).unwrap();
    }
    // Three intervals of a second and (256 - 100) / 256 of one.
    let down = Duration::from_micros(3_609_375);
    let expected = now.saturating_sub(wall.since(arrived)) + down;
    let deadline = driver.router().deadline().unwrap();
    let off = deadline.saturating_since(expected).max(expected.saturating_since(deadline));
    // The driver reads both clocks, too, and may lose the processor between them. Counted from when it was read, the
    // deadline would be off by all of its age.
    let bound = lateness.allow(Duration::from_millis(1)).min(Duration::from_millis(150));
    assert!(off < bound, "{off:?} of {bound:?} off, and the advert was {:?} old", wall.since(arrived));
    assert!(deadline > Time::ZERO);
}

fn a_flood_of_one_vrid_costs_nobody_an_advert() {
    let (_lab, a, b) = two_hosts();
    let node = Node::start(
        &a,
        setup(vec![instance(51, 100, 10, &["10.1.0.1/32"]), instance(52, 100, 10, &["10.1.0.2/32"])]),
    );
    node.wait_for_master();
    let wire = b.capture("eth0").unwrap();
    let peer = Peer::open(&b);
    let start = Moment::now();
    let mut sent = 0;
    while Moment::now().since(start) < Duration::from_secs(2) {
        // Priority 1: the master answers, at most four times in an interval.
        (0..100).for_each(|_| peer.send(51, 1, 255));
        sent += 100;
    }
    let end = Moment::now();
    let adverts: Vec<Moment> = wire
        .finish()
        .iter()
        .filter(|frame| frame.at > start && frame.at < end)
        .filter(|frame| frame.advert().is_some_and(|it| it.vrid == 52 && it.source == ip("192.0.2.1")))
        .map(|frame: &Frame| frame.at)
        .collect();
    // Twenty are due. On a busy machine some are late, but a flood that comes before the timers leaves none.
    assert!(adverts.len() >= 15, "{} under {sent} foreign ones", adverts.len());
}

fn heard_by_all(node: &Node) -> bool {
    node.status().instances.iter().all(|instance| instance.stats.adverts_received == 1)
}

/// Somebody who sends adverts, with nothing of the driver.
struct Peer {
    socket: Socket,
    source: IpAddr,
}

impl Peer {
    fn open(host: &Host) -> Self {
        let socket = host.inside(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap());
        let socket = socket.unwrap();
        socket.set_multicast_if_v4(&Ipv4Addr::new(192, 0, 2, 2)).unwrap();
        Self { socket, source: ip("192.0.2.2") }
    }

    fn send(&self, vrid: u8, priority: u8, ttl: u8) {
        let vrid = Vrid::new(vrid).unwrap();
        let vips = [ip("10.1.0.1")];
        let interval = Interval::from_centis(100).unwrap();
        let (version, form) = (Version::V3, ChecksumForm::PseudoHeader);
        let advert = AdvertTemplate::new(version, Family::V4, vrid, interval, &vips, None, form);
        let mut advert = advert.unwrap();
        let octets = advert.write(priority, self.source, ip("224.0.0.18"), ttl, 1).unwrap();
        let group = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 18), 0);
        self.socket.send_to(octets, &group.into()).unwrap();
    }
}

fn two_hosts() -> (Lab, Host, Host) {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    a.attach(&lan, "eth0", &["192.0.2.1/24"]).unwrap();
    b.attach(&lan, "eth0", &["192.0.2.2/24"]).unwrap();
    (lab, a, b)
}
