//! vrrpd and Debian's keepalived 2.2.7 as each other's peers: one election in every version and mode, with either on
//! either side. Every fact comes from a kernel's dump or from the wire.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)] // a failure here is the failure of a test

mod support;

use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::{Lan, Node, PATIENCE, Program, announces, at_once, ip};
use vrrp_net::lab::{Advert, Lateness, Moment, harness};

use Program::{Keepalived, Vrrpd};

fn main() -> ExitCode {
    harness::main(&[
        ("version_2_with_a_password_and_unicast", || pairs(&[Mode::V2Pass, Mode::V2Unicast])),
        ("version_3_ipv4_and_ipv6", || pairs(&[Mode::V3Ipv4, Mode::V3Ipv6])),
        ("an_address_on_a_dead_link", || {
            let scenarios = [(Vrrpd, false), (Keepalived, false), (Vrrpd, true), (Keepalived, true)];
            at_once(
                scenarios
                    .map(|(program, no_track)| {
                        let name = format!("{program:?}, no_track {no_track}");
                        (
                            name,
                            Box::new(move || address_elsewhere(program, no_track))
                                as Box<dyn FnOnce() + Send>,
                        )
                    })
                    .into(),
            );
        }),
        ("empty_virtual_ipaddress", || {
            at_once(vec![
                ("vrrpd and keepalived".to_string(), Box::new(|| only_excluded([Vrrpd, Keepalived]))),
                ("keepalived and vrrpd".to_string(), Box::new(|| only_excluded([Keepalived, Vrrpd]))),
                ("vrrpd and vrrpd".to_string(), Box::new(|| only_excluded([Vrrpd, Vrrpd]))),
            ]);
        }),
    ])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    V2Pass,
    V2Unicast,
    V3Ipv4,
    V3Ipv6,
}

const PRIORITIES: [u8; 2] = [150, 100];

impl Mode {
    const fn vip(self) -> &'static str {
        match self {
            Self::V3Ipv6 => "fe80::100",
            Self::V2Pass | Self::V2Unicast | Self::V3Ipv4 => "192.0.2.100",
        }
    }

    const fn interval(self) -> Duration {
        match self {
            Self::V2Pass | Self::V2Unicast => Duration::from_secs(1),
            Self::V3Ipv4 | Self::V3Ipv6 => Duration::from_millis(200),
        }
    }

    const fn version(self) -> u8 {
        match self {
            Self::V2Pass | Self::V2Unicast => 2,
            Self::V3Ipv4 | Self::V3Ipv6 => 3,
        }
    }

    fn config(self, number: usize) -> String {
        let version = self.version();
        let interval = self.interval().as_secs_f64();
        let (own, other) = (number + 1, 2 - number);
        let more = match self {
            Self::V2Pass => "authentication {\n auth_type PASS\n auth_pass keep@lived\n }".to_string(),
            Self::V2Unicast => {
                format!("unicast_src_ip 192.0.2.{own}\n unicast_peer {{\n 192.0.2.{other}\n }}")
            }
            Self::V3Ipv4 | Self::V3Ipv6 => String::new(),
        };
        format!(
            "vrrp_instance VI_1 {{
                state {}
                interface eth0
                virtual_router_id 51
                priority {}
                version {version}
                advert_int {interval}
                garp_master_delay 0
                {more}
                virtual_ipaddress {{
                    {}
                }}
            }}",
            ["MASTER", "BACKUP"][number],
            PRIORITIES[number],
            self.vip()
        )
    }

    /// Master_Down_Interval of the backup.
    fn master_down(self) -> Duration {
        self.interval() * 3 + self.skew()
    }

    /// Skew_Time: what a backup waits for after a priority 0.
    fn skew(self) -> Duration {
        let unit = if self.version() == 2 { Duration::from_secs(1) } else { self.interval() };
        unit * u32::from(256 - u16::from(PRIORITIES[1])) / 256
    }
}

fn pairs(modes: &[Mode]) {
    let pairs = [[Vrrpd, Keepalived], [Keepalived, Vrrpd], [Vrrpd, Vrrpd]];
    let scenarios = modes.iter().flat_map(|mode| pairs.map(|pair| (*mode, pair)));
    at_once(scenarios.map(|(mode, pair)| scenario(mode, pair)).collect());
}

fn scenario(mode: Mode, pair: [Program; 2]) -> (String, Box<dyn FnOnce() + Send>) {
    (format!("{mode:?} {pair:?}"), Box::new(move || life_of_a_pair(mode, pair)))
}

fn life_of_a_pair(mode: Mode, programs: [Program; 2]) {
    let lateness = Lateness::watch().unwrap();
    let lan = Lan::new();
    let node = |number: usize| {
        let (name, address) = (["a", "b"][number], format!("192.0.2.{}/24", number + 1));
        lan.node(name, programs[number], &[&address], &mode.config(number))
    };
    let (mut a, mut b) = (node(0), node(1));
    let before = [a.addresses(), b.addresses()];

    a.start();
    b.start();
    is_master(mode, &a, &b, Moment(0));
    announced(mode, &a, Moment(0));

    resigns(mode, &mut a, &b);
    b_takes_over_in_time(mode, &b, &lateness);

    let restart = Moment::now();
    a.start();
    is_master(mode, &a, &b, restart);
    announced(mode, &a, restart);

    for node in [&mut a, &mut b] {
        if node.program == Vrrpd {
            reload_is_not_felt(mode, node);
        }
    }

    let cut = a.host.unplug("eth0").unwrap();
    b.wait_holds(mode.vip());
    announced(mode, &b, cut);
    takes_over_after_master_down(mode, &b, cut, &lateness);
    a.wait_lacks(mode.vip());
    let mended = a.host.mend("eth0").unwrap();
    is_master(mode, &a, &b, mended);

    // Neither hears the other, so both are master; together again, the better one is.
    let silent = a.host.cut("eth0").unwrap();
    b.wait_holds(mode.vip());
    announced(mode, &b, silent);
    takes_over_after_master_down(mode, &b, silent, &lateness);
    assert!(a.holds(mode.vip()), "{}", a.output());
    let mended = a.host.mend("eth0").unwrap();
    is_master(mode, &a, &b, mended);

    resigns(mode, &mut a, &b);
    b.wait_holds(mode.vip());
    resigns(mode, &mut b, &a);
    assert_eq!([a.addresses(), b.addresses()].map(names), before.map(names), "nothing is left");
}

fn names(addresses: Vec<vrrp_net::netlink::Address>) -> Vec<String> {
    addresses
        .iter()
        .map(|address| format!("{} {}/{}", address.index, address.address, address.prefix))
        .collect()
}

/// The first node is the only master: it alone holds the address, it alone sends, and its adverts say what is
/// configured.
fn is_master(mode: Mode, master: &Node, backup: &Node, since: Moment) {
    master.wait_holds(mode.vip());
    backup.wait_lacks(mode.vip());
    let (at, advert) = backup.wait_advert(since, "an advert of the master", |advert, outgoing| {
        !outgoing && advert.priority == PRIORITIES[0]
    });
    check_advert(mode, &advert, PRIORITIES[0]);
    // Two more adverts later the other one has certainly had its say.
    let after = at + mode.interval() * 2;
    backup.wait_advert(after, "a later advert of the master", |_, outgoing| !outgoing);
    let quiet = backup.sent(after);
    assert!(quiet.is_empty(), "the backup sends: {quiet:?}\n{}", backup.output());
}

fn check_advert(mode: Mode, advert: &Advert, priority: u8) {
    let interval = mode.interval().as_millis() / if mode.version() == 2 { 1000 } else { 10 };
    assert_eq!((advert.version, advert.vrid, advert.priority), (mode.version(), 51, priority));
    assert_eq!((advert.ttl, u128::from(advert.interval)), (255, interval));
    assert_eq!(advert.addresses, [ip(mode.vip())]);
    assert_eq!(advert.auth_type, u8::from(mode == Mode::V2Pass));
    let destination = match mode {
        Mode::V2Unicast => None,
        Mode::V2Pass | Mode::V3Ipv4 => Some(ip("224.0.0.18")),
        Mode::V3Ipv6 => Some(ip("ff02::12")),
    };
    assert!(destination.is_none_or(|destination| destination == advert.destination), "{advert:?}");
}

/// A new master tells the neighbours where the address is now.
fn announced(mode: Mode, node: &Node, since: Moment) {
    let announcement = node.wire.wait_for(PATIENCE, "an announcement", |frame| {
        (frame.outgoing && frame.at >= since && announces(frame, ip(mode.vip()))).then_some(())
    });
    announcement.unwrap_or_else(|error| panic!("{error}\n{}", node.output()));
}

/// A master that is told to stop says so with priority 0, gives the address back, and ends well.
fn resigns(mode: Mode, node: &mut Node, other: &Node) {
    let told = Moment::now();
    let status = node.stop();
    assert!(status.success(), "{status}\n{}", node.output());
    assert!(!node.holds(mode.vip()), "{}", node.output());
    let last = node.sent(told).pop().expect("it says that it leaves");
    assert_eq!(last.1.priority, 0, "{:?}\n{}", last, node.output());
    if other.daemon.is_some() && !other.output().contains("Stopped") {
        other.wait_advert(told, "priority 0 to arrive", |advert, outgoing| !outgoing && advert.priority == 0);
    }
}

/// The backup waits for Skew_Time after priority 0, and not for the whole Master_Down_Interval.
fn b_takes_over_in_time(mode: Mode, b: &Node, lateness: &Lateness) {
    b.wait_holds(mode.vip());
    let frames = b.wire.frames();
    let resigned = frames
        .iter()
        .rev()
        .find(|frame| !frame.outgoing && frame.advert().is_some_and(|advert| advert.priority == 0));
    let resigned = resigned.expect("priority 0 arrived").at;
    let (first, advert) = b.wait_advert(resigned, "the first advert", |_, outgoing| outgoing);
    check_advert(mode, &advert, PRIORITIES[1]);
    let waited = first.since(resigned);
    // A busy machine is late; no machine is early.
    assert!(waited >= mode.skew() - Duration::from_millis(15), "{waited:?} is before {:?}", mode.skew());
    let limit = lateness.allow(mode.skew() + mode.interval() + Duration::from_millis(400));
    assert!(waited < limit, "{waited:?} is long after {:?}\n{}", mode.skew(), b.output());
}

/// From the last advert that the backup heard to its first it waits for its Master_Down_Interval.
fn takes_over_after_master_down(mode: Mode, b: &Node, cut: Moment, lateness: &Lateness) {
    let (first, advert) = b.wait_advert(cut, "the first advert", |_, outgoing| outgoing);
    check_advert(mode, &advert, PRIORITIES[1]);
    let frames = b.wire.frames();
    let mut heard =
        frames.iter().filter(|frame| !frame.outgoing && frame.at < first && frame.advert().is_some());
    let waited = first.since(heard.next_back().expect("it heard the master").at);
    let down = mode.master_down();
    assert!(waited >= down - Duration::from_millis(15), "{waited:?} is before {down:?}\n{}", b.output());
    let limit = lateness.allow(down + Duration::from_millis(400));
    assert!(waited < limit, "{waited:?} of {limit:?} is long after {down:?}\n{}", b.output());
}

/// A reload of the same file: no packet of its own, no change of an address or a link, and the adverts stay in step.
fn reload_is_not_felt(mode: Mode, node: &mut Node) {
    let is_master = node.holds(mode.vip());
    let watch = node.host.watch().unwrap();
    let before = node.addresses();
    let reloads = node.output().matches("Reload complete").count();
    let start = Moment::now();
    node.signal(Signal::SIGHUP);
    node.wait_says_times("Reload complete", reloads + 1);
    let end = Moment::now() + mode.interval() * 4;
    node.wait_advert(end, "later adverts", |_, outgoing| outgoing == is_master);

    let told: Vec<_> = watch.all().into_iter().map(|(_, event)| event).collect();
    assert!(told.is_empty(), "the reload changed something: {told:?}");
    assert_eq!(node.addresses(), before);
    let announcing = node
        .wire
        .frames()
        .into_iter()
        .filter(|frame| frame.outgoing && frame.at >= start && announces(frame, ip(mode.vip())));
    assert_eq!(announcing.count(), 0, "the reload announced something");
    let sent = node.sent(start);
    assert_eq!(sent.is_empty(), !is_master, "{sent:?}");
    for pair in sent.windows(2) {
        let [(first, one), (second, two)] = pair else { continue };
        assert_eq!(one.octets, two.octets);
        // An advert of the reload's own would stand between two of the schedule.
        let gap = second.since(*first);
        assert!(gap > mode.interval() / 2, "an advert too many: {gap:?}");
        assert!(gap < mode.interval() * 3, "adverts are missing: {gap:?}");
    }
}

/// Both have all addresses in `virtual_ipaddress_excluded` alone, so that adverts carry none: one master, no second.
fn only_excluded(programs: [Program; 2]) {
    let lan = Lan::new();
    let config = |priority: u8| {
        format!(
            "vrrp_instance VI_1 {{
                interface eth0
                virtual_router_id 51
                priority {priority}
                advert_int 1
                virtual_ipaddress {{
                }}
                virtual_ipaddress_excluded {{
                    192.0.2.100
                    192.0.2.101
                }}
            }}"
        )
    };
    let mut a = lan.node("a", programs[0], &["192.0.2.1/24"], &config(150));
    let mut b = lan.node("b", programs[1], &["192.0.2.2/24"], &config(100));
    a.start();
    a.wait_holds("192.0.2.101");
    let since = Moment::now();
    b.start();
    // Four adverts are longer than b's Master_Down_Interval: it would be master by then.
    let (at, advert) = b.wait_advert(since, "an advert of the master", |_, outgoing| !outgoing);
    assert_eq!(advert.addresses, Vec::<std::net::IpAddr>::new());
    b.wait_advert(at + Duration::from_secs(5), "the master to go on", |_, outgoing| !outgoing);
    assert!(b.sent(since).is_empty(), "a second master\n{}", b.output());
    assert!(!b.holds("192.0.2.100") && a.holds("192.0.2.100"));
    assert!(a.stop().success());
    b.wait_holds("192.0.2.101");
    b.wait_holds("192.0.2.100");
    assert!(b.stop().success());
    assert!(!b.holds("192.0.2.100") && !b.holds("192.0.2.101"));
}

/// A master whose address is on an interface without a carrier resigns and comes back with the carrier; with `no_track`
/// it does not care.
fn address_elsewhere(program: Program, no_track: bool) {
    let lan = Lan::new();
    let vip = "198.51.100.100";
    let config = format!(
        "vrrp_instance VI_1 {{
            interface eth0
            virtual_router_id 51
            priority 100
            version 3
            advert_int 0.1
            virtual_ipaddress {{
                {vip}/24 dev eth1{}
            }}
        }}",
        if no_track { " no_track" } else { "" }
    );
    let mut node = lan.node("a", program, &["192.0.2.1/24"], &config);
    node.host.attach(&lan.bridge, "eth1", &["198.51.100.1/24"]).unwrap();
    node.start();
    node.wait_holds(vip);
    let cut = node.host.unplug("eth1").unwrap();
    if no_track {
        let later = cut + Duration::from_secs(2);
        node.wait_advert(later, "adverts to go on", |advert, outgoing| outgoing && advert.priority == 100);
        assert!(node.sent(cut).iter().all(|(_, advert)| advert.priority == 100), "{}", node.output());
    } else {
        let leaves = |advert: &Advert, outgoing| outgoing && advert.priority == 0;
        let (at, _) = node.wait_advert(cut, "it to resign", leaves);
        node.wait_lacks(vip);
        let mended = node.host.mend("eth1").unwrap();
        let quiet = node.sent(at + Duration::from_millis(1));
        assert!(quiet.iter().all(|(sent, _)| *sent >= mended), "{quiet:?}");
        node.wait_advert(mended, "it to come back", |advert, outgoing| outgoing && advert.priority == 100);
        node.wait_holds(vip);
    }
    assert!(node.stop().success());
}
