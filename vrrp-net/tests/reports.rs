//! What the driver tells is what happened.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

mod node;

use std::net::IpAddr;
use std::process::ExitCode;

use node::{ETH0, Node, PATIENCE, instance, ip, setup, vip};
use vrrp_core::{Config, InstanceEvent, InterfaceConfig, InterfaceId, RouterConfig, State, Vip};
use vrrp_net::lab::{Host, Lab, harness, wait_for};
use vrrp_net::netlink::LinkChange;
use vrrp_net::{Report, Setup};

fn main() -> ExitCode {
    harness::main(&[
        (
            "a_lower_master_is_told_before_the_announcements_against_it",
            a_lower_master_is_told_before_the_announcements_against_it,
        ),
        ("a_resignation_is_told_when_it_was_sent", a_resignation_is_told_when_it_was_sent),
        ("an_interface_that_went_is_told_by_its_name", an_interface_that_went_is_told_by_its_name),
        ("an_announcement_is_told_when_it_has_left", an_announcement_is_told_when_it_has_left),
        ("of_many_announcements_the_first_are_told", of_many_announcements_the_first_are_told),
    ])
}

fn an_announcement_is_told_when_it_has_left() {
    let (_lab, a, _) = two_hosts();
    // An address that the kernel refuses.
    a.inside(|| std::fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1").unwrap()).unwrap();
    let mut instance = instance(51, 100, 10, &["192.0.2.100/24", "192.0.2.101/32"]);
    instance.excluded = vec![vip("2001:db8::1/64")];
    let node = Node::start(&a, setup(vec![instance]));
    wait_for(PATIENCE, "both to be announced", || (announced(&node).len() >= 2).then_some(())).unwrap();
    node.wait_for_state(State::Master);
    node.handle.shutdown();
    let (planned, told) = (planned(&node), announced(&node));
    assert!(planned.contains(&ip("2001:db8::1")), "{planned:?}");
    assert!(!told.contains(&ip("2001:db8::1")), "{told:?}");
    // Five frames of each leave; the first is told, for each time that MASTER is entered.
    for address in ["192.0.2.100", "192.0.2.101"] {
        let count = |all: &[IpAddr]| all.iter().filter(|known| **known == ip(address)).count();
        assert!((1..=count(&planned)).contains(&count(&told)), "{address}: {told:?} of {planned:?}");
    }
}

fn of_many_announcements_the_first_are_told() {
    let (_lab, a, _) = two_hosts();
    let vips: Vec<String> = (1..=50).map(|last| format!("10.1.0.{last}/32")).collect();
    let vips: Vec<&str> = vips.iter().map(String::as_str).collect();
    let node = Node::start(&a, setup(vec![instance(51, 100, 10, &vips)]));
    node.wait_for_master();
    wait_for(PATIENCE, "all announcements", || {
        (node.status().driver.announcements_sent == 250).then_some(())
    })
    .unwrap();
    let mut told = announced(&node);
    assert_eq!(told.len(), 32);
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 32, "each once");
}

fn a_resignation_is_told_when_it_was_sent() {
    let (_lab, a, _) = two_hosts();
    let node = Node::start(&a, setup(vec![instance(51, 100, 10, &["192.0.2.100/24"])]));
    node.wait_for_master();
    let index = a.link("eth0").unwrap().index;
    a.request().change_link(index, &LinkChange::down()).unwrap();
    node.wait_for_state(State::Fault);
    let reports = node.reports.lock().unwrap().clone();
    let refused = |report: &&Report| matches!(report, Report::Transmit { errno: Some(_), .. });
    assert_eq!(reports.iter().filter(refused).count(), 1, "{reports:?}");
    assert_eq!(reports.iter().filter(is_resignation).count(), 0, "{reports:?}");
    a.request().change_link(index, &LinkChange::up()).unwrap();
    node.wait_for_master();
    let all = std::sync::Arc::clone(&node.reports);
    node.stop();
    let reports = all.lock().unwrap();
    assert_eq!(reports.iter().filter(is_resignation).count(), 1, "{reports:?}");
}

fn a_lower_master_is_told_before_the_announcements_against_it() {
    let (_lab, a, b) = two_hosts();
    let high = Node::start(&a, setup(vec![instance(51, 100, 10, &["192.0.2.100/24"])]));
    high.wait_for_master();
    b.deafen("eth0").unwrap();
    let low = Node::start(&b, setup(vec![instance(51, 50, 10, &["192.0.2.100/24"])]));
    low.wait_for_state(State::Master);
    wait_for(PATIENCE, "announcements against it", || (planned(&high).len() >= 2).then_some(())).unwrap();
    let reports = high.reports.lock().unwrap().clone();
    let event = reports.iter().position(|report| {
        matches!(report, Report::Instance { what: InstanceEvent::LowerPriorityReceived { .. }, .. })
    });
    let announcing = |report: &Report| matches!(report, Report::Announcing { .. });
    let second = reports.iter().enumerate().filter(|(_, report)| announcing(report)).nth(1).unwrap().0;
    assert!(event.unwrap() < second, "{reports:?}");
}

fn an_interface_that_went_is_told_by_its_name() {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let a = lab.host("a").unwrap();
    a.attach(&lan, "eth0", &["192.0.2.1/24"]).unwrap();
    a.attach(&lan, "eth1", &["198.51.100.1/24"]).unwrap();
    let eth1 = InterfaceId(2);
    let mut elsewhere = instance(51, 100, 10, &["192.0.2.100/24"]);
    elsewhere.excluded = vec![Vip::new(ip("198.51.100.9"), 24, eth1)];
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    config.interfaces.push(InterfaceConfig::new(eth1, "eth1"));
    config.instances.push(elsewhere);
    let node = Node::start(&a, Setup::new(Config::new(config).unwrap()));
    node.wait_for_master();
    let index = a.link("eth1").unwrap().index;
    a.request().delete_link(index).unwrap();
    let troubles = wait_for(PATIENCE, "a word of it", || {
        let reports = node.reports.lock().unwrap();
        let troubles = reports.iter().filter_map(|report| match report {
            Report::Trouble { text, .. } => Some(text.clone()),
            _ => None,
        });
        let troubles: Vec<_> = troubles.collect();
        (!troubles.is_empty()).then_some(troubles)
    })
    .unwrap();
    let words = "cannot add 198.51.100.9/24 on eth1: ";
    assert!(troubles.iter().all(|text| text.starts_with(words)), "{troubles:?}");
}

fn is_resignation(report: &&Report) -> bool {
    matches!(report, Report::Instance { what: InstanceEvent::SentPriorityZero, .. })
}

/// The addresses of which it was told that they are to be announced.
fn planned(node: &Node) -> Vec<IpAddr> {
    let reports = node.reports.lock().unwrap();
    let planned = reports.iter().filter_map(|report| match report {
        Report::Announcing { addresses, .. } => Some(addresses.iter().map(|(_, address)| *address)),
        _ => None,
    });
    planned.flatten().collect()
}

/// The addresses of which it was told that they were announced.
fn announced(node: &Node) -> Vec<IpAddr> {
    let reports = node.reports.lock().unwrap();
    let announced = reports.iter().filter_map(|report| match report {
        Report::Announced { address, .. } => Some(*address),
        _ => None,
    });
    announced.collect()
}

fn two_hosts() -> (Lab, Host, Host) {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    a.attach(&lan, "eth0", &["192.0.2.1/24"]).unwrap();
    b.attach(&lan, "eth0", &["192.0.2.2/24"]).unwrap();
    (lab, a, b)
}
