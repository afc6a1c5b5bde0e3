//! The netlink module against the kernel, and against what `ip` says about it.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, getsockname, sendto, socket,
};
use serde_json::Value;
use vrrp_net::lab::{Host, Lab, harness, wait_for};
use vrrp_net::netlink::{
    Address, Event, LinkChange, LinkKind, MacvlanMode, Monitor, NewLink, Outcome, Peer, Progress, Request,
    Route, flag, protocol, scope,
};

fn main() -> ExitCode {
    harness::main(&[
        ("a_full_queue_is_an_overrun_and_reading_goes_on", a_full_queue_is_an_overrun_and_reading_goes_on),
        ("a_group_of_links_is_deleted_at_once", a_group_of_links_is_deleted_at_once),
        ("a_lease_ends_when_it_is_not_refreshed", a_lease_ends_when_it_is_not_refreshed),
        ("a_link_that_leaves_a_bridge_is_not_gone", a_link_that_leaves_a_bridge_is_not_gone),
        ("a_read_is_bounded_and_says_that_more_is_queued", a_read_is_bounded_and_says_that_more_is_queued),
        ("a_refusal_carries_the_kernels_words", a_refusal_carries_the_kernels_words),
        ("a_thousand_addresses_come_and_go_in_chunks", a_thousand_addresses_come_and_go_in_chunks),
        ("addresses_are_what_ip_shows", addresses_are_what_ip_shows),
        ("links_are_what_ip_shows", links_are_what_ip_shows),
        ("routes_are_what_ip_shows", routes_are_what_ip_shows),
        ("the_monitor_hears_addresses_and_carriers", the_monitor_hears_addresses_and_carriers),
        ("virtual_addresses_are_those_of_keepalived", virtual_addresses_are_those_of_keepalived),
        ("what_other_processes_send_is_not_heard", what_other_processes_send_is_not_heard),
    ])
}

fn addresses_are_what_ip_shows() {
    harness::need_programs(&["ip"]);
    let (_lab, host) = host_with_cable();
    let index = host.link("eth0").unwrap().index;
    let labelled = Address {
        label: Some("eth0:0".into()),
        broadcast: Some("192.0.2.255".parse().unwrap()),
        protocol: protocol::KEEPALIVED,
        ..Address::new(index, ip("192.0.2.10"), 24)
    };
    let narrow = Address {
        scope: scope::LINK,
        flags: flag::NOPREFIXROUTE,
        valid: Some(3600),
        preferred: Some(1800),
        ..Address::new(index, ip("198.51.100.1"), 30)
    };
    let pointed = Address { peer: Some(ip("203.0.113.2")), ..Address::new(index, ip("203.0.113.1"), 32) };
    let wide = Address { flags: flag::NODAD, ..Address::new(index, ip("2001:db8::10"), 64) };
    let all =
        [labelled.clone(), narrow, pointed, wide, Address::virtual_address(index, ip("2001:db8::20"), 128)];
    assert_all_done(&outcomes(|request, each| request.add_addresses(&all, each), &host));

    let shown = json(&host, &["addr", "show", "dev", "eth0"]);
    let shown = |address: &str| {
        let info = shown[0]["addr_info"].as_array().unwrap().iter();
        info.clone()
            .find(|info| info["local"] == address)
            .cloned()
            .unwrap_or_else(|| panic!("{address} is not there"))
    };
    let first = shown("192.0.2.10");
    assert_eq!((&first["prefixlen"], &first["label"]), (&24.into(), &"eth0:0".into()));
    assert_eq!((&first["broadcast"], &first["scope"]), (&"192.0.2.255".into(), &"global".into()));
    let second = shown("198.51.100.1");
    assert_eq!((&second["prefixlen"], &second["scope"]), (&30.into(), &"link".into()));
    assert_eq!((&second["noprefixroute"], &second["valid_life_time"]), (&true.into(), &3600.into()));
    assert_eq!(second["preferred_life_time"], 1800);
    assert_eq!(shown("203.0.113.1")["address"], "203.0.113.2");
    assert_eq!(
        (&shown("2001:db8::10")["nodad"], &shown("2001:db8::10")["prefixlen"]),
        (&true.into(), &64.into())
    );
    let last = shown("2001:db8::20");
    assert_eq!((&last["nodad"], &last["deprecated"]), (&true.into(), &true.into()));
    assert_eq!(last["preferred_life_time"], 0);

    let held = host.addresses().unwrap();
    let read = held.iter().find(|held| held.is_same(&labelled)).unwrap();
    assert_eq!(*read, Address { flags: flag::PERMANENT | flag::SECONDARY, ..labelled });
    assert_eq!(
        held.len(),
        json(&host, &["addr"]).as_array().unwrap().iter().map(count_addresses).sum::<usize>()
    );
}

fn links_are_what_ip_shows() {
    harness::need_programs(&["ip"]);
    let (_lab, host) = host_with_cable();
    host.macvlan("eth0", "vrrp.51", [0, 0, 0x5e, 0, 1, 51], MacvlanMode::Private).unwrap();
    let mut request = host.request();
    request.create_link(&NewLink { mtu: Some(1400), ..NewLink::new("br7", LinkKind::Bridge) }).unwrap();
    let peer = Peer { name: "v1", mac: Some([2, 0, 0, 0, 0, 9]), namespace: None };
    request.create_link(&NewLink::new("v0", LinkKind::Veth { peer })).unwrap();
    let index = |request: &mut Request, name: &str| request.link(name).unwrap().unwrap().index;
    let (v0, bridge) = (index(&mut request, "v0"), index(&mut request, "br7"));
    let change = LinkChange {
        name: Some("port"),
        mac: Some([2, 0, 0, 0, 0, 8]),
        mtu: Some(1300),
        master: Some(bridge),
        ..LinkChange::default()
    };
    request.change_link(v0, &change).unwrap();
    let links = request.links().unwrap();
    drop(request);

    let shown = json(&host, &["link"]);
    let shown = shown.as_array().unwrap();
    assert_eq!(links.len(), shown.len());
    for (link, shown) in links.iter().zip(shown) {
        let flags = shown["flags"].as_array().unwrap();
        let mac = link.mac.unwrap().map(|octet| format!("{octet:02x}")).join(":");
        assert_eq!(
            (Some(u64::from(link.index)), &link.name),
            (shown["ifindex"].as_u64(), &text(&shown["ifname"]))
        );
        assert_eq!((Some(u64::from(link.mtu)), mac), (shown["mtu"].as_u64(), text(&shown["address"])));
        assert_eq!(link.is_admin_up(), flags.contains(&"UP".into()), "{link:?}");
        let running = ["UP", "UNKNOWN"].contains(&shown["operstate"].as_str().unwrap());
        assert_eq!(link.is_up(), link.is_admin_up() && running, "{link:?} {shown}");
        assert_eq!(link.kind.clone().unwrap_or_default(), text(&shown["linkinfo"]["info_kind"]));
        let master =
            link.master.map(|master| links.iter().find(|link| link.index == master).unwrap().name.clone());
        assert_eq!(master.unwrap_or_default(), text(&shown["master"]));
    }
    let named = |name: &str| shown.iter().find(|shown| shown["ifname"] == name).unwrap();
    assert_eq!(named("vrrp.51")["linkinfo"]["info_data"]["mode"], "private");
    assert_eq!(named("br7")["linkinfo"]["info_data"]["stp_state"], 0);
    assert_eq!(
        (text(&named("port")["address"]), text(&named("port")["master"])),
        ("02:00:00:00:00:08".into(), "br7".into())
    );
    assert_eq!(named("v1")["address"], "02:00:00:00:00:09");
}

fn a_group_of_links_is_deleted_at_once() {
    let (_lab, host) = host_with_cable();
    let parent = host.link("eth0").unwrap().index;
    let mut request = host.request();
    for vrid in 1..=20_u8 {
        let name = format!("vrrp.{vrid}");
        let kind = LinkKind::Macvlan { parent, mode: MacvlanMode::Private };
        request
            .create_link(&NewLink {
                group: 112,
                mac: Some([0, 0, 0x5e, 0, 1, vrid]),
                ..NewLink::new(&name, kind)
            })
            .unwrap();
    }
    assert_eq!(request.links().unwrap().len(), 22);
    request.delete_group(112).unwrap();
    let left: Vec<_> = request.links().unwrap().into_iter().map(|link| link.name).collect();
    assert_eq!(left, ["lo", "eth0"]);
}

fn routes_are_what_ip_shows() {
    harness::need_programs(&["ip"]);
    let (_lab, host) = host_with_cable();
    host.route_through(ip("192.0.2.254")).unwrap();
    host.route_through(ip("2001:db8::fe")).unwrap();
    let eth0 = host.link("eth0").unwrap().index;
    let other = Route {
        destination: ip("198.51.100.0"),
        prefix: 24,
        index: Some(eth0),
        protocol: 18,
        table: 1000,
        via: None,
    };
    host.request().add_route(&other).unwrap();
    assert_eq!(json(&host, &["route", "show", "default"])[0]["gateway"], "192.0.2.254");
    assert_eq!(json(&host, &["-6", "route", "show", "default"])[0]["gateway"], "2001:db8::fe");
    let shown = json(&host, &["route", "show", "table", "1000"]);
    assert_eq!((&shown[0]["dst"], &shown[0]["dev"]), (&"198.51.100.0/24".into(), &"eth0".into()));
    assert_eq!(shown[0]["protocol"], "keepalived");
    assert_eq!(host.request().add_route(&other).unwrap_err().errno(), Some(libc::EEXIST));
    host.request().delete_route(&other).unwrap();
    assert_eq!(host.request().delete_route(&other).unwrap_err().errno(), Some(libc::ESRCH));
}

fn a_refusal_carries_the_kernels_words() {
    let (_lab, host) = host_with_cable();
    let index = host.link("eth0").unwrap().index;
    let long = Address::new(index, ip("192.0.2.9"), 40);
    let nowhere = Address::new(99, ip("192.0.2.9"), 24);
    let refused = |address: &Address| {
        let mut outcomes =
            outcomes(|request, each| request.add_addresses(std::slice::from_ref(address), each), &host);
        match outcomes.pop() {
            Some((0, Outcome::Refused(error))) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        refused(&long),
        "cannot add 192.0.2.9/40 on eth0: Invalid argument (ipv4: Invalid prefix length)"
    );
    assert_eq!(
        refused(&nowhere),
        "cannot add 192.0.2.9/24 on interface 99: No such device (ipv4: Device not found)"
    );
    let name = host.request().create_link(&NewLink::new("sixteen-octets-x", LinkKind::Bridge)).unwrap_err();
    assert!(name.to_string().contains("has 16 octets, 1 to 15 are allowed"), "{name}");
    assert_eq!(host.request().link("eth7").unwrap(), None);
    assert_eq!(host.request().delete_link(99).unwrap_err().errno(), Some(libc::ENODEV));
}

fn a_thousand_addresses_come_and_go_in_chunks() {
    let (_lab, host) = host_with_cable();
    let index = host.link("eth0").unwrap().index;
    let v4 = (0..1000_u32)
        .map(|i| Address::virtual_address(index, IpAddr::from((0x0a00_0000 + i).to_be_bytes()), 32));
    let v6 = (0..100_u16)
        .map(|i| Address::virtual_address(index, IpAddr::from([0x2001, 0xdb8, 1, 0, 0, 0, 0, i]), 128));
    let all: Vec<_> = v4.chain(v6).collect();
    let before = host.addresses().unwrap().len();

    let monitor = host.watch().unwrap();
    let added = outcomes(|request, each| request.add_addresses(&all, each), &host);
    assert_eq!(added.len(), all.len());
    assert_all_done(&added);
    assert!(added.iter().map(|(at, _)| *at).eq(0..all.len()), "each address has its outcome, in order");
    let held = host.addresses().unwrap();
    assert_eq!(held.len(), before + all.len());
    assert!(all.iter().all(|address| held.iter().any(|held| held.is_same(address) && held.protocol == 18)));
    let last = all.last().unwrap();
    monitor
        .wait_for(PATIENCE, "the last address", |(_, event)| match event {
            Event::AddressAdded(address) => address.is_same(last).then_some(()),
            _ => None,
        })
        .unwrap();
    let told = monitor.all().iter().filter(|(_, event)| matches!(event, Event::AddressAdded(_))).count();
    assert_eq!(told, all.len(), "one event an address");

    let again = outcomes(|request, each| request.add_addresses(&all, each), &host);
    assert!(again.iter().all(|(_, outcome)| matches!(outcome, Outcome::AlreadyThere)));
    // The first half first, so that the second removal meets both.
    assert_all_done(&outcomes(|request, each| request.remove_addresses(&all[..500], each), &host));
    let rest = outcomes(|request, each| request.remove_addresses(&all, each), &host);
    assert!(rest[..500].iter().all(|(_, outcome)| matches!(outcome, Outcome::NotThere)));
    assert_all_done(&rest[500..]);
    assert_eq!(host.addresses().unwrap().len(), before);
}

fn a_lease_ends_when_it_is_not_refreshed() {
    let (_lab, host) = host_with_cable();
    let index = host.link("eth0").unwrap().index;
    let lease = |seconds| {
        [ip("192.0.2.77"), ip("2001:db8::77")].map(|address| Address {
            valid: Some(seconds),
            preferred: Some(0),
            ..Address::virtual_address(index, address, if address.is_ipv4() { 24 } else { 64 })
        })
    };
    assert_all_done(&outcomes(|request, each| request.add_addresses(&lease(100), each), &host));
    assert_all_done(&outcomes(|request, each| request.refresh_addresses(&lease(2), each), &host));
    let valid =
        host.addresses().unwrap().into_iter().find(|held| held.address == ip("192.0.2.77")).unwrap().valid;
    assert!(valid.is_some_and(|seconds| seconds <= 2), "{valid:?}");
    let gone = |address: &str| !host.holds(ip(address)).unwrap();
    wait_for(PATIENCE, "the kernel to end the lease", || {
        (gone("192.0.2.77") && gone("2001:db8::77")).then_some(())
    })
    .unwrap();
}

fn the_monitor_hears_addresses_and_carriers() {
    let (_lab, host) = host_with_cable();
    let watch = host.watch().unwrap();
    let index = host.link("eth0").unwrap().index;
    let address = Address::virtual_address(index, ip("192.0.2.10"), 24);
    let one = std::slice::from_ref(&address);
    assert_all_done(&outcomes(|request, each| request.add_addresses(one, each), &host));
    assert_all_done(&outcomes(|request, each| request.remove_addresses(one, each), &host));
    let heard = |what: &str, is: &dyn Fn(&Event) -> bool| {
        watch.wait_for(PATIENCE, what, |(_, event)| is(event).then_some(())).unwrap();
    };
    heard(
        "the addition",
        &|event| matches!(event, Event::AddressAdded(added) if added.is_same(&address) && added.protocol == 18),
    );
    heard(
        "the removal",
        &|event| matches!(event, Event::AddressRemoved(removed) if removed.is_same(&address)),
    );

    host.unplug("eth0").unwrap();
    heard(
        "the carrier to go",
        &|event| matches!(event, Event::LinkChanged(link) if link.index == index && link.is_admin_up() && !link.is_up()),
    );
    let down = watch.len();
    host.mend("eth0").unwrap();
    let up = || {
        watch.since(down).iter().any(|(_, event)| matches!(event, Event::LinkChanged(link) if link.is_up()))
    };
    wait_for(PATIENCE, "the carrier to return", || up().then_some(())).unwrap();
    host.request().delete_link(index).unwrap();
    heard("the interface to go", &|event| matches!(event, Event::LinkGone(link) if link.name == "eth0"));
}

fn a_link_that_leaves_a_bridge_is_not_gone() {
    let (_lab, host) = host_with_cable();
    let watch = host.watch().unwrap();
    let mut request = host.request();
    request.create_link(&NewLink::new("br7", LinkKind::Bridge)).unwrap();
    let (bridge, port) =
        (request.link("br7").unwrap().unwrap().index, request.link("eth0").unwrap().unwrap().index);
    request.change_link(port, &LinkChange { master: Some(bridge), ..LinkChange::default() }).unwrap();
    request.change_link(port, &LinkChange { master: Some(0), ..LinkChange::default() }).unwrap();
    request.delete_link(bridge).unwrap();
    drop(request);
    let bridge_gone = |event: &Event| matches!(event, Event::LinkGone(link) if link.name == "br7");
    watch.wait_for(PATIENCE, "the bridge to go", |(_, event)| bridge_gone(event).then_some(())).unwrap();
    let gone: Vec<_> =
        watch.finish().into_iter().filter(|(_, event)| matches!(event, Event::LinkGone(_))).collect();
    assert_eq!(gone.len(), 1, "{gone:?}");
}

fn a_full_queue_is_an_overrun_and_reading_goes_on() {
    let (_lab, host) = quiet_host();
    let mut monitor = host.inside(Monitor::open).unwrap().unwrap();
    monitor.set_receive_buffer(1).unwrap();
    let index = host.link("lo").unwrap().index;
    let many: Vec<_> = (0..200_u32)
        .map(|i| Address::new(index, IpAddr::from((0x0a00_0000 + i).to_be_bytes()), 32))
        .collect();
    assert_all_done(&outcomes(|request, each| request.add_addresses(&many, each), &host));
    let events = drain(&mut monitor);
    assert_eq!(events.iter().filter(|event| **event == Event::Overrun).count(), 1);
    assert!(events.len() < many.len());

    let last = Address::new(index, ip("10.9.9.9"), 32);
    assert_all_done(&outcomes(
        |request, each| request.add_addresses(std::slice::from_ref(&last), each),
        &host,
    ));
    let events = drain(&mut monitor);
    assert!(matches!(&events[..], [Event::AddressAdded(address)] if address.is_same(&last)), "{events:?}");
}

fn a_read_is_bounded_and_says_that_more_is_queued() {
    let (_lab, host) = quiet_host();
    let mut monitor = host.inside(Monitor::open).unwrap().unwrap();
    let index = host.link("lo").unwrap().index;
    let ten: Vec<_> = (0..10_u8).map(|i| Address::new(index, IpAddr::from([10, 0, 0, i]), 32)).collect();
    assert_all_done(&outcomes(|request, each| request.add_addresses(&ten, each), &host));
    let mut read = |limit| {
        let mut events = 0;
        let progress = monitor.read(limit, |_| events += 1).unwrap();
        (progress, events)
    };
    assert_eq!(read(4), (Progress::More, 4));
    assert_eq!(read(6), (Progress::More, 6), "the limit was reached, so more may be queued");
    assert_eq!(read(1), (Progress::Drained, 0));
}

fn what_other_processes_send_is_not_heard() {
    let (_lab, host) = quiet_host();
    let mut monitor = host.inside(Monitor::open).unwrap().unwrap();
    let port = getsockname::<NetlinkAddr>(monitor.as_raw_fd()).unwrap().pid();
    // An RTM_NEWADDR for 192.0.2.66/24 on interface 1, as the kernel would write it.
    let mut message: Vec<u8> = Vec::new();
    message.extend(32_u32.to_ne_bytes());
    message.extend(libc::RTM_NEWADDR.to_ne_bytes());
    message.extend([0; 10]);
    message.extend([2, 24, 0, 0]);
    message.extend(1_u32.to_ne_bytes());
    message.extend([8, 0, 2, 0, 192, 0, 2, 66]);
    let forger = host.inside(|| {
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)
            .unwrap()
    });
    let forger = forger.unwrap();
    let sent = sendto(forger.as_raw_fd(), &message, &NetlinkAddr::new(port, 0), MsgFlags::empty()).unwrap();
    assert_eq!(sent, message.len());

    let index = host.link("lo").unwrap().index;
    let real = Address::new(index, ip("192.0.2.67"), 24);
    assert_all_done(&outcomes(
        |request, each| request.add_addresses(std::slice::from_ref(&real), each),
        &host,
    ));
    let events = drain(&mut monitor);
    assert!(matches!(&events[..], [Event::AddressAdded(address)] if address.is_same(&real)), "{events:?}");
}

fn virtual_addresses_are_those_of_keepalived() {
    harness::need_programs(&["keepalived"]);
    let (_lab, host) = host_with_cable();
    let (_other_lab, other) = host_with_cable();
    for (family, addresses) in
        [(4, ["192.0.2.100", "192.0.2.101/24"]), (6, ["fe80::100/128", "2001:db8::101/64"])]
    {
        let config = format!(
            "vrrp_instance V{family} {{\ninterface eth0\nstate MASTER\nvirtual_router_id 5{family}\npriority 200\n\
             version 3\nadvert_int 0.1\nvirtual_ipaddress {{\n{}\n}}\n}}\n",
            addresses.join("\n")
        );
        let config = host.write("keepalived.conf", &config).unwrap();
        let daemon =
            host.spawn(Command::new("keepalived").args(["-n", "-l", "-D", "-f"]).arg(config)).unwrap();
        for address in addresses {
            let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
            let theirs = wait_for(PATIENCE, &format!("keepalived to add {address}"), || {
                host.addresses().unwrap().into_iter().find(|held| held.address == ip(address))
            })
            .unwrap_or_else(|error| panic!("{error}\n{}", daemon.output()));
            let index = other.link("eth0").unwrap().index;
            let ours = Address::virtual_address(index, ip(address), prefix.parse().unwrap());
            assert_all_done(&outcomes(
                |request, each| request.add_addresses(std::slice::from_ref(&ours), each),
                &other,
            ));
            let ours = other.addresses().unwrap().into_iter().find(|held| held.is_same(&ours)).unwrap();
            // 2.2.7 does not mark its addresses as its own.
            let unmarked = |address| Address { index: 0, protocol: 0, ..address };
            assert_eq!(unmarked(ours), unmarked(theirs));
        }
    }
}

/// For what takes the kernel some milliseconds, on a machine under load.
const PATIENCE: Duration = Duration::from_secs(10);

fn host_with_cable() -> (Lab, Host) {
    let lab = Lab::new().unwrap();
    let bridge = lab.bridge().unwrap();
    let host = lab.host("a").unwrap();
    host.attach(&bridge, "eth0", &["192.0.2.1/24", "2001:db8::1/64"]).unwrap();
    (lab, host)
}

/// A host of which the kernel says nothing unless we do something: a cable's carrier is told about late.
fn quiet_host() -> (Lab, Host) {
    let lab = Lab::new().unwrap();
    let host = lab.host("a").unwrap();
    (lab, host)
}

fn outcomes(
    change: impl FnOnce(&mut Request, &mut dyn FnMut(usize, Outcome)) -> Result<(), vrrp_net::netlink::Error>,
    host: &Host,
) -> Vec<(usize, Outcome)> {
    let mut outcomes = Vec::new();
    change(&mut host.request(), &mut |at, outcome| outcomes.push((at, outcome))).unwrap();
    outcomes
}

fn assert_all_done(outcomes: &[(usize, Outcome)]) {
    assert!(!outcomes.is_empty());
    for outcome in outcomes {
        assert!(matches!(outcome, (_, Outcome::Done)), "{outcome:?}");
    }
}

fn drain(monitor: &mut Monitor) -> Vec<Event> {
    let mut events = Vec::new();
    while monitor.read(64, |event| events.push(event)).unwrap() == Progress::More {}
    events
}

fn json(host: &Host, arguments: &[&str]) -> Value {
    serde_json::from_str(&host.run(Command::new("ip").args(["-j", "-d"]).args(arguments)).unwrap()).unwrap()
}

fn count_addresses(link: &Value) -> usize {
    link["addr_info"].as_array().unwrap().len()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
