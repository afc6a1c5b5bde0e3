//! What happens to a daemon: it is stopped and goes on, its interface gets another name, it is told to reload again and
//! again, the kernel refuses an address. Afterwards one host has the address, and clients reach it there.

use std::time::Duration;

use nix::sys::signal::Signal;
use vrrp_net::lab::{Host, Lateness, Moment, Watch, wait_for};
use vrrp_net::netlink::{Event, LinkChange};

use crate::elections::instance;
use crate::support::Program::Vrrpd;
use crate::support::{Lan, Node, PATIENCE, announces, ip};

const VIP: &str = "192.0.2.100";

pub(crate) fn a_master_that_was_stopped_for_a_while_is_one_of_one() {
    let lan = Lan::new();
    let client = lan.lab.host("client").unwrap();
    client.attach(&lan.bridge, "eth0", &["192.0.2.9/24"]).unwrap();
    let pinger = client.ping(ip(VIP)).unwrap();
    let config = |priority| instance("VI_1", 51, priority, VIP, "");
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config(150));
    let mut b = lan.node("b", Vrrpd, &["192.0.2.2/24"], &config(100));
    a.start();
    a.wait_holds(VIP);
    b.start();
    b.wait_says("Entering BACKUP STATE");
    pinger.wait_for_answer(Moment::now(), PATIENCE).unwrap();

    for _ in 0..3 {
        let stopped = Moment::now();
        a.signal(Signal::SIGSTOP);
        b.wait_holds(VIP);
        // Three times its Master_Down_Interval: there is much to hear when it goes on.
        b.wait_advert(stopped + Duration::from_secs(1), "the new master to go on", |_, outgoing| outgoing);
        let continued = Moment::now();
        a.signal(Signal::SIGCONT);
        a.wait_advert(continued, "the better one to be master", |_, outgoing| outgoing);
        b.wait_lacks(VIP);
        a.wait_holds(VIP);
        let alone = Moment::now();
        a.wait_advert(alone + Duration::from_secs(1), "it to go on", |_, outgoing| outgoing);
        assert!(b.sent(alone).is_empty() && !b.holds(VIP) && a.holds(VIP), "{}", a.output());
        is_reached(&client, &a);
    }
}

/// The address answers from the interface of this node.
fn is_reached(client: &Host, node: &Node) {
    let mac = node.host.link("eth0").unwrap().mac;
    let wire = client.capture("eth0").unwrap();
    let answer = wire.wait_for(PATIENCE, "an answer", |frame| {
        let source = frame.ip().filter(|ip| !frame.outgoing && ip.source == crate::support::ip(VIP));
        source.map(|_| frame.source_mac())
    });
    assert_eq!(answer.unwrap(), mac, "{}", node.output());
}

pub(crate) fn a_storm_of_reloads_is_not_felt() {
    let lateness = Lateness::watch().unwrap();
    let lan = Lan::new();
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &instance("VI_1", 51, 100, VIP, ""));
    a.start();
    a.wait_holds(VIP);
    let announced = |a: &Node, since: Moment| {
        let frames = a.wire.frames();
        let announces = |frame: &&vrrp_net::lab::Frame| frame.at >= since && announces(frame, ip(VIP));
        frames.iter().filter(announces).count()
    };
    a.wait("every announcement", || announced(&a, Moment(0)) == 5);
    let (before, watch, start) = (descriptors(&mut a), a.host.watch().unwrap(), Moment::now());
    let transitions = a.output().matches("STATE").count();
    for times in 1..=100 {
        a.signal(Signal::SIGHUP);
        a.wait_says_times("Reload complete", times);
    }
    // And faster than it can take them.
    for _ in 0..100 {
        a.signal(Signal::SIGHUP);
    }
    a.wait_says_times("Reload complete", 101);
    let end = Moment::now();
    a.wait_advert(end + Duration::from_secs(1), "the master to go on", |_, outgoing| outgoing);

    let pid = a.daemon().id();
    a.wait("descriptors as before", || list_descriptors(pid).len() == before.len());
    assert!(watch.all().is_empty(), "{:?}", watch.all());
    assert_eq!(announced(&a, start), 0);
    assert_eq!(a.output().matches("STATE").count(), transitions, "{}", a.output());
    let bound = lateness.allow(Duration::from_millis(300));
    let sent = a.sent(start);
    for pair in sent.windows(2) {
        let [(first, one), (second, two)] = pair else { continue };
        assert_eq!(one.octets, two.octets);
        assert!(second.since(*first) < bound, "adverts are missing: {:?}", second.since(*first));
    }
    // An advert of a reload's own would be one too many for the time.
    let due = sent.last().unwrap().0.since(sent[0].0).as_millis() / 100 + 2;
    assert!(sent.len() as u128 <= due, "{} of {due}", sent.len());
}

fn descriptors(node: &mut Node) -> Vec<String> {
    list_descriptors(node.daemon().id())
}

fn list_descriptors(pid: u32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

pub(crate) fn an_interface_that_gets_another_name_is_a_fault() {
    let lan = Lan::new();
    let config = |priority| instance("VI_1", 51, priority, VIP, "");
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config(150));
    let mut b = lan.node("b", Vrrpd, &["192.0.2.2/24"], &config(100));
    a.start();
    a.wait_holds(VIP);
    b.start();
    b.wait_says("Entering BACKUP STATE");
    // More than once: whether the address is removed by its old name or found under the new one is a race.
    for _ in 0..3 {
        rename(&a.host, "eth0", "lan0");
        b.wait_holds(VIP);
        a.wait_lacks(VIP);
        rename(&a.host, "lan0", "eth0");
        a.wait_holds(VIP);
        b.wait_lacks(VIP);
    }
    assert!(a.stop().success());
    b.wait_holds(VIP);
    assert!(!a.holds(VIP));
}

fn rename(host: &Host, from: &str, to: &str) {
    let index = host.link(from).unwrap().index;
    let name = LinkChange { name: Some(to), ..LinkChange::default() };
    host.request().change_link(index, &name).unwrap();
}

pub(crate) fn an_address_that_one_kernel_refuses_leaves_one_master() {
    let (_lan, a, b) = refused([true, false]);
    assert!(b.holds(VIP) && !a.holds(VIP), "the one that can hold all does\n{}\n{}", a.output(), b.output());
    assert!(b.holds("2001:db8::100"));
}

pub(crate) fn an_address_that_every_kernel_refuses_leaves_one_master() {
    let (_lan, a, b) = refused([true, true]);
    assert!(a.holds(VIP) ^ b.holds(VIP), "exactly one\n{}\n{}", a.output(), b.output());
}

/// Two nodes with an IPv6 address that their kernels may refuse, once it is settled who is master.
fn refused(refuses: [bool; 2]) -> (Lan, Node, Node) {
    let lan = Lan::new();
    let excluded = "virtual_ipaddress_excluded {\n 2001:db8::100/64\n }";
    let node = |number: usize| {
        let config = instance("VI_1", 51, [150, 100][number], VIP, excluded);
        let node = lan.node(["a", "b"][number], Vrrpd, &[&format!("192.0.2.{}/24", number + 1)], &config);
        if refuses[number] {
            let disable = || std::fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1");
            node.host.inside(disable).unwrap().unwrap();
        }
        node
    };
    let (mut a, mut b) = (node(0), node(1));
    let watches = [a.host.watch().unwrap(), b.host.watch().unwrap()];
    a.start();
    b.start();
    let settled = wait_for(PATIENCE, "one master for two seconds", || {
        let last = watches.iter().filter_map(last_change).max()?;
        (Moment::now().since(last) > Duration::from_secs(2)).then_some(())
    });
    settled.unwrap_or_else(|error| panic!("{error}\n{}\n{}", a.output(), b.output()));
    (lan, a, b)
}

/// When the IPv4 address last came or went.
fn last_change(watch: &Watch) -> Option<Moment> {
    let changes = watch.all().into_iter().filter(|(_, event)| match event {
        Event::AddressAdded(address) | Event::AddressRemoved(address) => address.address == ip(VIP),
        _ => false,
    });
    changes.map(|(at, _)| at).max()
}
