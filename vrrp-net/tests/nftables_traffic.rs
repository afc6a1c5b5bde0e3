//! What a neighbour notices of a blocked address.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde_json::Value;
use vrrp_net::lab::{Host, Lab, Moment, harness, wait_for};
use vrrp_net::nftables::{DEFAULT_TABLE, Desired, Nftables};

fn main() -> ExitCode {
    harness::main(&[
        ("a_blocked_address_is_not_sent_from", a_blocked_address_is_not_sent_from),
        (
            "a_link_local_address_is_blocked_on_its_interface_alone",
            a_link_local_address_is_blocked_on_its_interface_alone,
        ),
        ("an_address_does_not_answer_while_it_is_blocked", an_address_does_not_answer_while_it_is_blocked),
        ("neighbors_find_an_address_that_never_answers", neighbors_find_an_address_that_never_answers),
    ])
}

fn an_address_does_not_answer_while_it_is_blocked() {
    let (_lab, a, c) = two_hosts();
    a.add_addresses("eth0", &["192.0.2.10/24", "2001:db8::10/64"]).unwrap();
    let mut filter = open(&a);
    for (virtual_address, own) in [("192.0.2.10", "192.0.2.1"), ("2001:db8::10", "2001:db8::1")] {
        let asked = c.ping(ip(virtual_address)).unwrap();
        let other = c.ping(ip(own)).unwrap();
        asked.wait_for_answer(Moment::now(), PATIENCE).unwrap();

        filter.apply(&on_eth0(&a, &[virtual_address])).unwrap();
        let blocked = Moment::now();
        // The host still answers for its own address.
        let alive = other.wait_for_answer(blocked + Duration::from_millis(100), PATIENCE).unwrap();
        let unblocked = Moment::now();
        filter.remove().unwrap();
        asked.wait_for_answer(unblocked, PATIENCE).unwrap();

        let report = asked.finish();
        let meanwhile = report.probes.iter().filter(|probe| (blocked..alive).contains(&probe.sent));
        let answered: Vec<bool> = meanwhile.map(|probe| probe.answered.is_some()).collect();
        assert!(answered.len() >= 10 && !answered.contains(&true), "{virtual_address}: {answered:?}");
    }
}

fn neighbors_find_an_address_that_never_answers() {
    harness::need_programs(&["ip"]);
    let (_lab, a, c) = two_hosts();
    let mut filter = open(&a);
    filter.apply(&on_eth0(&a, &["192.0.2.10", "2001:db8::10"])).unwrap();
    a.add_addresses("eth0", &["192.0.2.10/24", "2001:db8::10/64"]).unwrap();

    let mac = a.link("eth0").unwrap().mac.unwrap().map(|octet| format!("{octet:02x}")).join(":");
    for (address, own) in [("192.0.2.10", "192.0.2.1"), ("2001:db8::10", "2001:db8::1")] {
        let asked = c.ping(ip(address)).unwrap();
        let other = c.ping(ip(own)).unwrap();
        wait_for(PATIENCE, &format!("the neighbor to find {address}"), || {
            let text = c.run(Command::new("ip").args(["-j", "neigh", "show", address])).unwrap();
            let found: Value = serde_json::from_str(&text).unwrap();
            (found[0]["lladdr"] == mac.as_str()).then_some(())
        })
        .unwrap();
        // The host still answers for its own address.
        other.wait_for_answer(Moment::now() + Duration::from_millis(100), PATIENCE).unwrap();
        let report = asked.finish();
        assert!(report.probes.len() >= 10, "{address}");
        assert!(report.probes.iter().all(|probe| probe.answered.is_none()), "{address}");
    }
}

fn a_blocked_address_is_not_sent_from() {
    let (_lab, a, c) = two_hosts();
    a.add_addresses("eth0", &["192.0.2.10/24", "2001:db8::10/64"]).unwrap();
    let mut filter = open(&a);
    filter.apply(&on_eth0(&a, &["192.0.2.10", "2001:db8::10"])).unwrap();
    let capture = c.capture("eth0").unwrap();
    let send = |from: &str, to: &str| {
        a.inside(|| UdpSocket::bind((ip(from), 0)).unwrap().send_to(b"hello", (ip(to), 9))).unwrap()
    };
    let heard_from = |own: &str, blocked: &str| {
        // What was sent first would have come first.
        capture
            .wait_for(PATIENCE, "a packet from the own address", |frame| {
                frame.ip().filter(|packet| packet.source == ip(own) && packet.protocol == UDP).map(|_| ())
            })
            .unwrap();
        capture.frames().iter().filter_map(|frame| frame.ip()).any(|packet| packet.source == ip(blocked))
    };
    for (own, blocked, to) in
        [("192.0.2.1", "192.0.2.10", "192.0.2.3"), ("2001:db8::1", "2001:db8::10", "2001:db8::3")]
    {
        assert_eq!(send(blocked, to).unwrap_err().kind(), ErrorKind::PermissionDenied, "{blocked}");
        send(own, to).unwrap();
        assert!(!heard_from(own, blocked), "{blocked}");
    }
    filter.remove().unwrap();
    send("192.0.2.10", "192.0.2.3").unwrap();
}

fn a_link_local_address_is_blocked_on_its_interface_alone() {
    let lab = Lab::new().unwrap();
    let (a, c) = (lab.host("a").unwrap(), lab.host("c").unwrap());
    for interface in ["eth0", "eth1"] {
        let lan = lab.bridge().unwrap();
        a.attach(&lan, interface, &["fe80::10/64"]).unwrap();
        c.attach(&lan, interface, &["fe80::3/64"]).unwrap();
    }
    let listener = a.inside(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))).unwrap().unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = |interface: &str| {
        let index = c.link(interface).unwrap().index;
        let target = SocketAddrV6::new("fe80::10".parse().unwrap(), port, 0, index);
        c.inside(|| TcpStream::connect_timeout(&target.into(), SILENCE)).unwrap().map(drop)
    };
    connect("eth0").unwrap();

    let mut filter = open(&a);
    filter.apply(&on_eth0(&a, &["fe80::10"])).unwrap();
    assert_eq!(connect("eth0").unwrap_err().kind(), ErrorKind::TimedOut);
    connect("eth1").unwrap();

    filter.remove().unwrap();
    connect("eth0").unwrap();
}

const PATIENCE: Duration = Duration::from_secs(10);
/// For a connection that is not to come about; one that is takes a thousandth of it.
const SILENCE: Duration = Duration::from_secs(1);
const UDP: u8 = 17;

/// One with the virtual addresses, and its neighbour.
fn two_hosts() -> (Lab, Host, Host) {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let (a, c) = (lab.host("a").unwrap(), lab.host("c").unwrap());
    a.attach(&lan, "eth0", &["192.0.2.1/24", "2001:db8::1/64"]).unwrap();
    c.attach(&lan, "eth0", &["192.0.2.3/24", "2001:db8::3/64"]).unwrap();
    (lab, a, c)
}

fn open(host: &Host) -> Nftables {
    host.inside(|| Nftables::open(DEFAULT_TABLE)).unwrap().unwrap()
}

fn on_eth0(host: &Host, addresses: &[&str]) -> Desired {
    let index = host.link("eth0").unwrap().index;
    addresses.iter().map(|text| (ip(text), index)).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
