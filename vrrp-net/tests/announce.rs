//! Announcements on the wire: how many, how fast, and for how long.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

mod node;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use node::{Node, PATIENCE, instance, ip, setup, vip};
use vrrp_core::State;
use vrrp_net::lab::{Capture, Frame, Host, Lab, Lateness, Moment, harness, wait_for};
use vrrp_net::netlink::Event;

fn main() -> ExitCode {
    harness::main(&[
        ("a_refresh_comes_on_its_schedule", a_refresh_comes_on_its_schedule),
        (
            "announcements_keep_their_distance_on_one_interface",
            announcements_keep_their_distance_on_one_interface,
        ),
        (
            "announcements_of_both_families_keep_their_own_distance",
            announcements_of_both_families_keep_their_own_distance,
        ),
        ("nothing_is_announced_after_leaving_master", nothing_is_announced_after_leaving_master),
        ("the_second_set_comes_after_its_delay", the_second_set_comes_after_its_delay),
    ])
}

fn announcements_keep_their_distance_on_one_interface() {
    let (_lab, a, _, wire) = two_hosts();
    let paced = |vrid: u8| {
        let mut instance =
            instance(vrid, 100, 10, &[&format!("10.1.{vrid}.1/32"), &format!("10.1.{vrid}.2/32")]);
        instance.announce.garp_interval = Duration::from_millis(20);
        instance.announce.master_repeat = 3;
        instance
    };
    let node = Node::start(&a, setup(vec![paced(1), paced(2)]));
    node.wait_for_master();
    let garps = wait_for_garps(&wire, 12);
    let gaps: Vec<_> = garps.windows(2).map(|pair| pair[1].0.since(pair[0].0)).collect();
    // A capture stamps within some tens of microseconds.
    assert!(gaps.iter().all(|gap| *gap >= Duration::from_micros(19_800)), "{gaps:?}");
    for vip in ["10.1.1.1", "10.1.1.2", "10.1.2.1", "10.1.2.2"] {
        assert_eq!(garps.iter().filter(|(_, address)| *address == ip(vip)).count(), 3, "{vip}");
    }
}

fn announcements_of_both_families_keep_their_own_distance() {
    let (_lab, a, _, wire) = two_hosts();
    let mut both = instance(1, 100, 10, &["10.1.1.1/32"]);
    both.excluded = vec![vip("2001:db8::1/64")];
    both.announce.garp_interval = Duration::from_millis(1);
    both.announce.gna_interval = Duration::from_millis(30);
    both.announce.master_repeat = 4;
    let node = Node::start(&a, setup(vec![both]));
    node.wait_for_master();
    let adverts = wait_for(PATIENCE, "four neighbour adverts", || {
        let frames = wire.frames();
        let of_ours = |frame: &&Frame| {
            frame.neighbor_advert().is_some_and(|advert| IpAddr::from(advert.target) == ip("2001:db8::1"))
        };
        let moments: Vec<_> = frames.iter().filter(of_ours).map(|frame| frame.at).collect();
        (moments.len() == 4).then_some(moments)
    })
    .unwrap();
    assert!(adverts.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_micros(29_800)));
    assert_eq!(wait_for_garps(&wire, 4).len(), 4);
}

fn nothing_is_announced_after_leaving_master() {
    let (_lab, a, b, wire) = two_hosts();
    let mut slow = instance(51, 100, 10, &["192.0.2.100/24"]);
    slow.announce.garp_interval = Duration::from_millis(50);
    slow.announce.master_repeat = 255;
    let low = Node::start(&a, setup(vec![slow]));
    low.wait_for_master();
    wait_for_garps(&wire, 2);
    let changes = a.watch().unwrap();
    let mut better = instance(51, 200, 10, &["192.0.2.100/24"]);
    better.announce.master_repeat = 1;
    let high = Node::start(&b, setup(vec![better]));
    high.wait_for_master();
    low.wait_for_state(State::Backup);
    let gone = wait_for(PATIENCE, "the address to go", || {
        let all = changes.all();
        let gone = all.iter().find(|(_, event)| matches!(event, Event::AddressRemoved(_)));
        gone.map(|(at, _)| *at)
    })
    .unwrap();
    // Ten announcements would have gone out meanwhile.
    wire.wait_for(PATIENCE, "half a second of adverts", |frame| {
        frame.advert().filter(|_| frame.at > gone + Duration::from_millis(500)).map(|_| ())
    })
    .unwrap();
    let mac = a.link("eth0").unwrap().mac.unwrap();
    let late: Vec<_> = wire
        .frames()
        .iter()
        .filter(|frame| {
            frame.at > gone && frame.arp().is_some_and(|arp| arp.is_gratuitous() && arp.sender_mac == mac)
        })
        .map(|frame| frame.at.since(gone))
        .collect();
    assert!(late.is_empty(), "{late:?}");
}

fn the_second_set_comes_after_its_delay() {
    let lateness = Lateness::watch().unwrap();
    let (_lab, a, _, wire) = two_hosts();
    let mut twice = instance(51, 100, 10, &["192.0.2.100/24"]);
    twice.announce.master_delay = Duration::from_millis(700);
    twice.announce.master_repeat = 2;
    let node = Node::start(&a, setup(vec![twice]));
    node.wait_for_master();
    let garps = wait_for_garps(&wire, 4);
    let gap = garps[2].0.since(garps[1].0);
    let early = Duration::from_millis(690).saturating_sub(lateness.worst());
    assert!((early..lateness.allow(Duration::from_millis(800))).contains(&gap), "{gap:?}");
}

fn a_refresh_comes_on_its_schedule() {
    let lateness = Lateness::watch().unwrap();
    let (_lab, a, _, wire) = two_hosts();
    let mut again = instance(51, 100, 10, &["192.0.2.100/24"]);
    again.announce.master_refresh = Duration::from_millis(200);
    again.announce.master_repeat = 1;
    let node = Node::start(&a, setup(vec![again]));
    node.wait_for_master();
    let garps = wait_for_garps(&wire, 6);
    let span = garps[5].0.since(garps[1].0);
    let early = Duration::from_millis(780).saturating_sub(lateness.worst());
    assert!((early..lateness.allow(Duration::from_millis(900))).contains(&span), "{span:?}");
}

/// When each gratuitous ARP came, and for which address.
fn wait_for_garps(wire: &Capture, count: usize) -> Vec<(Moment, IpAddr)> {
    wait_for(PATIENCE, "announcements", || {
        let frames = wire.frames();
        let arps = frames.iter().filter_map(|frame| frame.arp().map(|arp| (frame.at, arp)));
        let garps: Vec<_> =
            arps.filter(|(_, arp)| arp.is_gratuitous()).map(|(at, arp)| (at, arp.sender.into())).collect();
        (garps.len() >= count).then_some(garps)
    })
    .unwrap()
}

fn two_hosts() -> (Lab, Host, Host, Capture) {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    a.attach(&lan, "eth0", &["192.0.2.1/24"]).unwrap();
    b.attach(&lan, "eth0", &["192.0.2.2/24"]).unwrap();
    let wire = b.capture("eth0").unwrap();
    (lab, a, b, wire)
}
