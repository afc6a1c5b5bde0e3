//! The log lines are keepalived's, letter by letter: these are what people and programs search for.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use vrrp_cli::daemon::lines::{Before, Known, Line, Memory, driver, script_report};
use vrrp_core::wire::Reject;
use vrrp_core::{
    Cause, CheckOutcome, Config, Destination, GroupConfig, GroupId, InstanceConfig, InstanceEvent,
    InstanceId, InterfaceConfig, InterfaceId, Interval, Peer, Priority, RouterConfig, ScriptConfig, State,
    Track, TrackerConfig, TrackerEvent, TrackerId, TrackerKind, Version, Vip, Vrid,
};
use vrrp_net::{Report, runner};

const ETH0: InterfaceId = InterfaceId(0);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `VI_1`: version 2, multicast, one address, one excluded, watches the script `chk`. `U_1`: unicast. `S_1`: version 3
/// over IPv6.
fn known() -> Known {
    known_from(None)
}

/// The same, with a source address that `VI_1` must have.
fn known_with_source() -> Known {
    known_from(Some(ip("192.0.2.1")))
}

fn known_from(source: Option<IpAddr>) -> Known {
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    config
        .trackers
        .push(TrackerConfig::new("chk", TrackerKind::Script(ScriptConfig::new(Duration::from_secs(1)))));
    let vip = |text: &str| Vip::new(ip(text), if text.contains(':') { 128 } else { 32 }, ETH0);
    let mut of_script = InstanceConfig::new("VI_1", ETH0, Vrid::new(51).unwrap(), vec![vip("192.0.2.100")]);
    of_script.version = Version::V2;
    of_script.source = source;
    of_script.excluded.push(vip("192.0.2.101"));
    of_script.track.push(Track::new(0, 0));
    let mut unicast = InstanceConfig::new("U_1", ETH0, Vrid::new(52).unwrap(), vec![vip("192.0.2.102")]);
    unicast.destination = Destination::Unicast(vec![Peer::new(ip("192.0.2.2"))]);
    unicast.priority = Priority::new(90).unwrap();
    let six = InstanceConfig::new("S_1", ETH0, Vrid::new(53).unwrap(), vec![vip("fe80::53")]);
    config.instances.extend([of_script, unicast, six]);
    config.groups.push(GroupConfig::new("G", vec![0, 1]));
    Known::new(Config::new(config).unwrap(), [(TrackerId::from_number(0), "chk")])
}

fn of(report: Report) -> Vec<Line> {
    driver(&report, &known(), Before::default())
}

/// The texts, each with `-D ` before it if it is a detail.
fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| format!("{}{}", if line.detail { "-D " } else { "" }, line.text)).collect()
}

fn instance(name: &str, what: InstanceEvent) -> Vec<String> {
    texts(of(Report::Instance { instance: InstanceId::from_number(0), name: name.into(), what }))
}

fn became(name: &str, from: State, to: State, cause: Cause) -> Vec<String> {
    texts(of(Report::Became { instance: InstanceId::from_number(0), name: name.into(), from, to, cause }))
}

fn tracker(what: TrackerEvent) -> Vec<String> {
    texts(of(Report::Tracker { tracker: TrackerId::from_number(0), name: "chk".into(), what }))
}

fn rejected(name: &str, reject: Reject) -> Vec<String> {
    instance(name, InstanceEvent::Rejected { source: ip("192.0.2.2"), reject })
}

#[test]
fn states() {
    let (init, backup, master, fault) = (State::Initialize, State::Backup, State::Master, State::Fault);
    assert_eq!(became("U_1", init, backup, Cause::Startup), ["(U_1) Entering BACKUP STATE (init)"]);
    // After a wait for the first result of a script, keepalived says no "(init)".
    assert_eq!(became("VI_1", init, backup, Cause::Startup), ["(VI_1) Entering BACKUP STATE"]);
    assert_eq!(
        became("VI_1", backup, master, Cause::MasterDown),
        ["-D (VI_1) Receive advertisement timeout", "(VI_1) Entering MASTER STATE"]
    );
    assert_eq!(
        became("U_1", init, fault, Cause::InterfaceDown { interface: ETH0 }),
        ["(U_1): entering FAULT state (interface eth0 down)", "(U_1) Entering FAULT STATE (init)"]
    );
    assert_eq!(
        became("VI_1", master, fault, Cause::Tracker { tracker: TrackerId::from_number(0) }),
        ["(VI_1): entering FAULT state due to script chk", "(VI_1) Entering FAULT STATE"]
    );
    assert_eq!(
        became("S_1", backup, fault, Cause::NoSource { interface: ETH0 }),
        ["(S_1) entering FAULT state (no IPv6 address for interface)", "(S_1) Entering FAULT STATE"]
    );
    assert_eq!(became("VI_1", fault, backup, Cause::Recovered), ["(VI_1) Entering BACKUP STATE"]);
    assert_eq!(became("VI_1", master, init, Cause::Shutdown), [""; 0]);
}

#[test]
fn a_master_says_whom_it_yields_to_and_with_which_priority() {
    let better = Cause::HigherPriority { from: ip("192.0.2.2"), priority: 150 };
    let report = Report::Became {
        instance: InstanceId::from_number(1),
        name: "U_1".into(),
        from: State::Master,
        to: State::Backup,
        cause: better,
    };
    let line =
        |ours| format!("(U_1) Master received advert from 192.0.2.2 with higher priority 150, ours {ours}");
    assert_eq!(texts(of(report.clone())), [line(90), "(U_1) Entering BACKUP STATE".to_string()]);

    // The effective priority counts, not the configured one.
    let mut memory = Memory::default();
    let what = InstanceEvent::Priority { from: 90, to: 88 };
    memory.remember(&Report::Instance { instance: InstanceId::from_number(1), name: "U_1".into(), what });
    let before = memory.remember(&report);
    assert_eq!(texts(driver(&report, &known(), before))[0], line(88));

    assert_eq!(
        became(
            "U_1",
            State::Master,
            State::Backup,
            Cause::HigherAddress { from: ip("192.0.2.2"), priority: 90 }
        )[0],
        "(U_1) Master received advert from 192.0.2.2 with same priority 90 but higher IP address than ours"
    );
}

#[test]
fn elections() {
    let from = ip("192.0.2.2");
    assert_eq!(
        instance("VI_1", InstanceEvent::LowerPriorityDiscarded { from, priority: 50 }),
        ["(VI_1) received lower priority (50) advert from 192.0.2.2 - discarding"]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::LowerPriorityReceived { from, priority: 50, ours: 100 }),
        ["(VI_1) Received advert from 192.0.2.2 with lower priority 50, ours 100, forcing new election"]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::Priority { from: 100, to: 98 }),
        ["(VI_1) Changing effective priority from 100 to 98"]
    );
    assert_eq!(instance("VI_1", InstanceEvent::SentPriorityZero), ["-D (VI_1) sent 0 priority"]);
    assert_eq!(
        instance("VI_1", InstanceEvent::BackupReceivedPriorityZero),
        ["-D (VI_1) Backup received priority 0 advertisement"]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::MasterReceivedPriorityZero),
        ["-D (VI_1) Master received priority 0 message"]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::MasterIs { address: from, before: None }),
        ["-D (VI_1) master set to 192.0.2.2"]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::MasterIs { address: from, before: Some(ip("192.0.2.3")) }),
        ["-D (VI_1) master changed from 192.0.2.3 to 192.0.2.2"]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::PreemptDelayStarted { delay: Duration::from_millis(10_500) }),
        ["-D (VI_1) start preempt delay (10.500000)"]
    );
    assert_eq!(instance("VI_1", InstanceEvent::PreemptDelayStopped), ["-D (VI_1) stop preempt delay"]);
    assert_eq!(
        instance("VI_1", InstanceEvent::Late { by: Duration::from_micros(1_250_017) }),
        ["A thread timer expired 1.250017 seconds ago"]
    );
}

#[test]
fn packets_that_are_dropped() {
    let seconds = |secs| Interval::from_secs(secs).unwrap();
    let table = [
        (
            "VI_1",
            Reject::Ttl { found: 254, min: 255, max: 255 },
            "invalid TTL/HL from 192.0.2.2. Received 254 and expect 255",
        ),
        (
            "U_1",
            Reject::Ttl { found: 9, min: 10, max: 255 },
            "TTL/HL 9 from 192.0.2.2 not in range [10, 255]",
        ),
        (
            "VI_1",
            Reject::Version { found: 3, expected: Some(Version::V2) },
            "wrong VRRP version from 192.0.2.2. Received 3 and expect 2",
        ),
        ("VI_1", Reject::Checksum { found: 1, expected: 2 }, "Invalid VRRPv2 checksum from 192.0.2.2"),
        ("S_1", Reject::Checksum { found: 1, expected: 2 }, "Invalid VRRPv3 checksum from 192.0.2.2"),
        ("VI_1", Reject::Type { found: 2 }, "Invalid packet type from 192.0.2.2. 2 and expect 1"),
        ("VI_1", Reject::AuthTypeInvalid { found: 9 }, "Invalid auth type from 192.0.2.2: 9"),
        (
            "VI_1",
            Reject::AuthTypeMismatch { found: 0, expected: 1 },
            "received a 0 auth from 192.0.2.2, expecting 1!",
        ),
        ("VI_1", Reject::AuthFailure, "received an invalid passwd from 192.0.2.2!"),
        (
            "VI_1",
            Reject::IntervalMismatch { found: seconds(2), expected: seconds(1) },
            "advertisement interval mismatch with 192.0.2.2 mine=1 sec rcv'd=2 sec",
        ),
        ("VI_1", Reject::Owner, "Dropping packet(s) from 192.0.2.2 since we are address owner"),
        ("U_1", Reject::Mode, "Expected unicast packet but received multicast packet from 192.0.2.2"),
        ("VI_1", Reject::Mode, "Expected multicast packet but received unicast packet from 192.0.2.2"),
        ("U_1", Reject::UnlistedPeer, "unicast source address 192.0.2.2 not a unicast peer"),
    ];
    for (name, reject, text) in table {
        assert_eq!(rejected(name, reject), [format!("({name}) {text}")]);
    }
    assert_eq!(
        rejected("VI_1", Reject::OwnSource),
        ["(VI_1) WARNING - equal priority advert received from remote host with our IP address."]
    );
    assert_eq!(rejected("VI_1", Reject::NotReady), [""; 0]);
    assert_eq!(
        instance("VI_1", InstanceEvent::AddressListDiffers { from: ip("192.0.2.2"), theirs: 1, ours: 1 }),
        [
            "(VI_1) ip address associated with VRID 51 not present in advert from 192.0.2.2: one of 192.0.2.100"
        ]
    );
    assert_eq!(
        instance("VI_1", InstanceEvent::AddressListDiffers { from: ip("192.0.2.2"), theirs: 1, ours: 2 }),
        ["(VI_1) expected 2 VIPs but received 1"]
    );
    assert_eq!(
        instance(
            "S_1",
            InstanceEvent::IntervalAdopted { ours: seconds(1), theirs: Interval::from_centis(50).unwrap() }
        ),
        ["(S_1) advertisement interval mismatch ours = 100 centi-sec rcv'd=50 centi-sec"]
    );
}

#[test]
fn scripts() {
    assert_eq!(tracker(TrackerEvent::Up), ["VRRP_Script(chk) succeeded"]);
    assert_eq!(
        tracker(TrackerEvent::Down { last: Some(CheckOutcome::Exited(3)) }),
        ["VRRP_Script(chk) failed (exited with status 3)"]
    );
    assert_eq!(
        tracker(TrackerEvent::Down { last: Some(CheckOutcome::Signaled(9)) }),
        ["VRRP_Script(chk) failed (due to signal 9)"]
    );
    assert_eq!(tracker(TrackerEvent::TimedOut), ["VRRP_Script(chk) timed_out"]);
    assert_eq!(tracker(TrackerEvent::Returned(CheckOutcome::Exited(1))), ["Script `chk` now returning 1"]);
    assert_eq!(
        tracker(TrackerEvent::StillRunning),
        ["Track script chk is already running, expect idle - skipping run"]
    );
}

#[test]
fn groups_and_interfaces() {
    let group = |to| texts(of(Report::Group { group: GroupId::from_number(0), name: "G".into(), to }));
    assert_eq!(group(State::Master), ["VRRP_Group(G) Syncing instances to MASTER state"]);
    assert_eq!(group(State::Backup), ["VRRP_Group(G) Syncing instances to BACKUP state"]);
    assert_eq!(group(State::Fault), ["VRRP_Group(G) Syncing instances to FAULT state"]);

    let mut memory = Memory::default();
    let mut interface = |exists, up| {
        let name: Arc<str> = "eth0".into();
        let report = Report::Interface { interface: ETH0, name, exists, up, v4: None, v6: None };
        let before = memory.remember(&report);
        texts(driver(&report, &known(), before))
    };
    assert_eq!(interface(true, true), [""; 0], "that it was up all the time is no news");
    assert_eq!(interface(true, false), ["Netlink reports eth0 down"]);
    assert_eq!(interface(true, false), [""; 0]);
    assert_eq!(interface(true, true), ["Netlink reports eth0 up"]);
    assert_eq!(interface(false, false), ["Interface eth0 deleted"]);
    assert_eq!(interface(true, false), ["Interface eth0 added"]);
}

#[test]
fn addresses_of_an_interface() {
    let mut memory = Memory::default();
    let mut interface = |v4: Option<&str>| {
        let (name, v4): (Arc<str>, _) = ("eth0".into(), v4.map(ip));
        let report = Report::Interface { interface: ETH0, name, exists: true, up: true, v4, v6: None };
        let before = memory.remember(&report);
        texts(driver(&report, &known(), before))
    };
    assert_eq!(interface(Some("192.0.2.1")), ["-D Assigned address 192.0.2.1 for interface eth0"]);
    assert_eq!(
        interface(None),
        [
            "-D Netlink reflector reports IP 192.0.2.1 removed from eth0",
            "-D Deassigned address 192.0.2.1 from interface eth0"
        ]
    );
    assert_eq!(
        interface(Some("192.0.2.9")),
        [
            "-D Netlink reflector reports IP 192.0.2.9 added to eth0",
            "-D Assigned address 192.0.2.9 for interface eth0"
        ]
    );
    assert_eq!(
        interface(Some("192.0.2.1")),
        [
            "-D Deassigned address 192.0.2.9 from interface eth0",
            "-D Assigned address 192.0.2.1 for interface eth0"
        ]
    );
}

#[test]
fn addresses_and_announcements() {
    let addresses = |name: &str, wanted| {
        let (instance, name) = (InstanceId::from_number(0), name.into());
        texts(of(Report::Addresses { instance, name, wanted, count: 1 }))
    };
    assert_eq!(addresses("VI_1", true), ["-D (VI_1) setting VIPs.", "-D (VI_1) setting E-VIPs."]);
    assert_eq!(addresses("U_1", false), ["-D (U_1) removing VIPs."]);
    let no_accept = known().with_no_accept(["U_1".to_string()].into());
    let filtered = |wanted| {
        let report =
            Report::Addresses { instance: InstanceId::from_number(1), name: "U_1".into(), wanted, count: 1 };
        texts(driver(&report, &no_accept, Before::default()))
    };
    assert_eq!(filtered(true), ["-D (U_1) setting firewall drop rule", "-D (U_1) setting VIPs."]);
    assert_eq!(filtered(false), ["-D (U_1) removing VIPs.", "-D (U_1) removing firewall drop rule"]);
    for (name, address, queued, sent) in [
        (
            "U_1",
            "192.0.2.102",
            "-D (U_1) Sending/queueing gratuitous ARPs on eth0 for 192.0.2.102",
            "-D Sending gratuitous ARP on eth0 for 192.0.2.102",
        ),
        (
            "S_1",
            "fe80::53",
            "-D (S_1) Sending/queueing Unsolicited Neighbour Adverts on eth0 for fe80::53",
            "-D Sending unsolicited Neighbour Advert on eth0 for fe80::53",
        ),
    ] {
        let (instance, address) = (InstanceId::from_number(0), ip(address));
        let addresses = vec![(ETH0, address)];
        let report = Report::Announcing { instance, name: name.into(), addresses, count: 1, repeat: 5 };
        assert_eq!(texts(of(report)), [queued]);
        let report = Report::Announced { instance, name: name.into(), interface: ETH0, address };
        assert_eq!(texts(of(report)), [sent]);
    }
}

#[test]
fn a_thousand_addresses_are_announced_in_a_few_lines() {
    let addresses = (0..32u32).map(|n| (ETH0, IpAddr::V4((0x0a00_0000 + n).into()))).collect();
    let (instance, name) = (InstanceId::from_number(0), "VI_1".into());
    let lines = texts(of(Report::Announcing { instance, name, addresses, count: 1000, repeat: 5 }));
    assert_eq!(lines.len(), 33);
    assert_eq!(lines[32], "-D (VI_1) Sending/queueing gratuitous ARPs for 968 more addresses");
}

#[test]
fn an_address_that_the_kernel_refuses_is_told_once() {
    let mut memory = Memory::default();
    let mut held = |complete| {
        let report = Report::Held { instance: InstanceId::from_number(0), name: "VI_1".into(), complete };
        let before = memory.remember(&report);
        texts(driver(&report, &known(), before)).len()
    };
    assert_eq!([true, false, false, false, true, true, false].map(&mut held), [1, 1, 0, 0, 1, 0, 1]);
}

#[test]
fn what_cannot_be_sent() {
    let transmit = |name: &str, errno| {
        let (instance, destination) = (InstanceId::from_number(0), ip("192.0.2.2"));
        texts(of(Report::Transmit { instance, name: name.into(), destination, errno }))
    };
    assert_eq!(transmit("VI_1", Some(101)), ["(VI_1): send advert error 101 (Network is unreachable)"]);
    assert_eq!(transmit("U_1", Some(101)), ["(U_1) Cant send advert to 192.0.2.2 (Network is unreachable)"]);
}

#[test]
fn what_a_person_should_look_at_is_a_warning() {
    let level = |report| driver(&report, &known(), Before::default()).last().map(|line| line.level);
    let became = |to| Report::Became {
        instance: InstanceId::from_number(0),
        name: "U_1".into(),
        from: State::Backup,
        to,
        cause: Cause::Recovered,
    };
    assert_eq!(level(became(State::Master)), Some(Level::Info));
    assert_eq!(level(became(State::Fault)), Some(Level::Warn));
}

#[test]
fn a_script_s_own_words_are_told_when_they_are_news_and_a_failed_notify_always_is() {
    let check = runner::Report::CheckEnded {
        tracker: TrackerId::from_number(0),
        name: "chk".to_string(),
        outcome: CheckOutcome::Exited(1),
        words: "curl: connection refused".to_string(),
    };
    let mut memory = Memory::default();
    let mut says = |report: &runner::Report| {
        let is_news = memory.is_news(report);
        texts(script_report(report, is_news))
    };
    assert_eq!(says(&check), ["VRRP_Script(chk) says: curl: connection refused"]);
    assert_eq!(says(&check), ["-D VRRP_Script(chk) says: curl: connection refused"]);
    let notify = runner::Report::NotifyEnded {
        name: "VI_1".to_string(),
        command: "/n.sh master".to_string(),
        outcome: CheckOutcome::NotRun,
        words: "no such file".to_string(),
    };
    assert_eq!(says(&notify), ["(VI_1) notify `/n.sh master` failed (cannot be run): no such file"]);
}

/// keepalived's lines for VRRP, `%` for what differs, as 2.2.7 and its successors say them; with why we do not, where we
/// do not.
const KEEPALIVED: &[(&str, Option<&str>)] = &[
    ("(%) Entering BACKUP STATE (init)", None),
    ("(%) Entering FAULT STATE (init)", None),
    ("(%) Entering MASTER STATE", None),
    ("(%) Entering BACKUP STATE", None),
    ("(%) Entering FAULT STATE", None),
    ("(%): entering FAULT state (interface % down)", None),
    ("(%) entering FAULT state (no IPv4 address for interface)", None),
    ("(%) entering FAULT state (no IPv6 address for interface)", None),
    ("(%): entering FAULT state (src address not configured)", None),
    ("(%): entering FAULT state due to script %", None),
    ("(%): entering FAULT state (tracked file % has status %)", LATER),
    ("(%) entering FAULT state (tracked process % quorum not achieved)", LATER),
    ("(%) received lower priority (%) advert from % - discarding", None),
    ("(%) Received advert from % with lower priority %, ours %, forcing new election", None),
    ("(%) Master received advert from % with higher priority %, ours %", None),
    ("(%) Master received advert from % with same priority % but higher IP address than ours", None),
    ("(%) WARNING - equal priority advert received from remote host with our IP address.", None),
    ("(%) Changing effective priority from % to %", None),
    ("VRRP_Script(%) succeeded", None),
    ("VRRP_Script(%) failed (exited with status %)", None),
    ("VRRP_Script(%) failed (due to signal %)", None),
    ("VRRP_Script(%) timed_out", None),
    ("Script `%` now returning %", None),
    ("VRRP_Script(%) considered successful on reload", Some("a check keeps its result over a reload")),
    ("VRRP_Group(%) Syncing instances to MASTER state", None),
    ("VRRP_Group(%) Syncing instances to BACKUP state", None),
    ("VRRP_Group(%) Syncing instances to FAULT state", None),
    ("Netlink reports % up", None),
    ("Netlink reports % down", None),
    ("Quorum gained for tracked process %", LATER),
    ("Quorum lost for tracked process %", LATER),
    ("VRRP_Instance(%) Tracked BFD instance % is UP", LATER),
    ("VRRP_Instance(%) Tracked BFD instance % is DOWN", LATER),
    ("(%): send advert error % (%)", None),
    ("(%) Cant send advert to % (%)", None),
    ("(%) invalid TTL/HL from %. Received % and expect %", None),
    ("(%) TTL/HL % from % not in range [%, %]", None),
    ("(%) wrong VRRP version from %. Received % and expect %", None),
    ("(%) Invalid auth type from %: %", None),
    ("(%) received a % auth from %, expecting %!", None),
    ("(%) received an invalid passwd from %!", None),
    ("(%) advertisement interval mismatch with % mine=% sec rcv'd=% sec", None),
    ("(%) advertisement interval mismatch ours = % centi-sec rcv'd=% centi-sec", None),
    ("(%) Invalid packet type from %. % and expect %", None),
    ("(%) Invalid VRRPv2 checksum from %", None),
    ("(%) Invalid VRRPv3 checksum from %", None),
    ("(%) Expected unicast packet but received multicast packet from %", None),
    ("(%) Expected multicast packet but received unicast packet from %", None),
    ("(%) Dropping packet(s) from % since we are address owner", None),
    ("(%) expected % VIPs but received %", None),
    ("(%) ip address associated with VRID % not present in advert from %: %", None),
    ("(%) unicast source address % not a unicast peer", None),
    ("(%) missing authentication trailer from %", HMAC),
    ("(%) malformed authentication trailer from %", HMAC),
    ("(%) unknown authentication key id % from %", HMAC),
    ("(%) invalid authentication HMAC from %", HMAC),
    ("(%) stale authentication trailer from %, clock skew % sec exceeds window % sec", HMAC),
    ("(%) replayed authentication trailer from %", HMAC),
    ("A thread timer expired % seconds ago", None),
    ("Delaying startup for % seconds", None),
    ("-D (%) setting VIPs.", None),
    ("-D (%) removing VIPs.", None),
    ("-D (%) setting E-VIPs.", None),
    ("-D (%) removing E-VIPs.", None),
    ("-D (%) setting Virtual Routes", LATER),
    ("-D (%) removing Virtual Routes", LATER),
    ("-D (%) setting Virtual Rules", LATER),
    ("-D (%) removing Virtual Rules", LATER),
    ("-D (%) setting firewall drop rule", None),
    ("-D (%) removing firewall drop rule", None),
    ("-D (%) sent 0 priority", None),
    ("-D (%) Backup received priority 0 advertisement", None),
    ("-D (%) Master received priority 0 message", None),
    ("-D (%) Receive advertisement timeout", None),
    ("-D (%) master set to %", None),
    ("-D (%) master changed from % to %", None),
    ("-D (%) start preempt delay (%)", None),
    ("-D (%) stop preempt delay", None),
    ("-D (%) Sending/queueing gratuitous ARPs on % for %", None),
    ("-D Sending gratuitous ARP on % for %", None),
    ("-D (%) Sending/queueing Unsolicited Neighbour Adverts on % for %", None),
    ("-D Sending unsolicited Neighbour Advert on % for %", None),
    (
        "-D VRRP sockpool: [%",
        Some("there is no pool: the packet thread opens and closes sockets, and tells no numbers"),
    ),
    ("-D Assigned address % for interface %", None),
    ("-D Deassigned address % from interface %", None),
    ("-D Netlink reflector reports IP % added to %", None),
    ("-D Netlink reflector reports IP % removed from %", None),
    ("Interface % added", None),
    ("Interface % deleted", None),
];

const LATER: Option<&str> = Some("what it is about is not built yet");
const HMAC: Option<&str> = Some("auth_hmac is refused at the start");

#[test]
fn every_line_of_keepalived_is_said_or_there_is_a_reason() {
    let said = everything();
    for (line, reason) in KEEPALIVED {
        let is_said = said.iter().any(|text| fits(line, text));
        assert_eq!(is_said, reason.is_none(), "{line}: {reason:?}\n{said:#?}");
    }
}

/// Whether a text is a line of the table.
fn fits(line: &str, text: &str) -> bool {
    let mut parts = line.split('%');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        let at = if part.is_empty() { rest.len() } else { at };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

/// A line for everything that can happen.
fn everything() -> Vec<String> {
    let from = ip("192.0.2.2");
    let states = [State::Initialize, State::Backup, State::Master, State::Fault];
    let chk = TrackerId::from_number(0);
    let mut causes = vec![
        Cause::MasterDown,
        Cause::HigherPriority { from, priority: 150 },
        Cause::HigherAddress { from, priority: 100 },
        Cause::InterfaceDown { interface: ETH0 },
        Cause::NoSource { interface: ETH0 },
    ];
    causes.push(Cause::Tracker { tracker: chk });
    let mut said = Vec::new();
    for (name, cause) in ["VI_1", "U_1", "S_1"].iter().flat_map(|name| causes.iter().map(move |c| (name, c)))
    {
        for (before, after) in states.iter().flat_map(|one| states.iter().map(move |two| (one, two))) {
            said.extend(became(name, *before, *after, *cause));
        }
    }
    let seconds = |secs| Interval::from_secs(secs).unwrap();
    let events = [
        InstanceEvent::LowerPriorityDiscarded { from, priority: 50 },
        InstanceEvent::LowerPriorityReceived { from, priority: 50, ours: 100 },
        InstanceEvent::Priority { from: 100, to: 98 },
        InstanceEvent::SentPriorityZero,
        InstanceEvent::BackupReceivedPriorityZero,
        InstanceEvent::MasterReceivedPriorityZero,
        InstanceEvent::MasterIs { address: from, before: None },
        InstanceEvent::MasterIs { address: from, before: Some(from) },
        InstanceEvent::PreemptDelayStarted { delay: Duration::from_secs(1) },
        InstanceEvent::PreemptDelayStopped,
        InstanceEvent::Late { by: Duration::from_secs(1) },
        InstanceEvent::AddressListDiffers { from, theirs: 1, ours: 2 },
        InstanceEvent::AddressListDiffers { from, theirs: 1, ours: 1 },
        InstanceEvent::IntervalAdopted { ours: seconds(1), theirs: seconds(2) },
    ];
    said.extend(events.into_iter().flat_map(|event| instance("VI_1", event)));
    for name in ["VI_1", "U_1", "S_1"] {
        let rejects = [
            Reject::OwnSource,
            Reject::Ttl { found: 254, min: 255, max: 255 },
            Reject::Ttl { found: 9, min: 10, max: 200 },
            Reject::Version { found: 3, expected: Some(Version::V2) },
            Reject::Checksum { found: 1, expected: 2 },
            Reject::Type { found: 2 },
            Reject::AuthTypeInvalid { found: 9 },
            Reject::AuthTypeMismatch { found: 0, expected: 1 },
            Reject::AuthFailure,
            Reject::IntervalMismatch { found: seconds(2), expected: seconds(1) },
            Reject::Owner,
            Reject::Mode,
            Reject::UnlistedPeer,
        ];
        said.extend(rejects.into_iter().flat_map(|reject| rejected(name, reject)));
    }
    let ends = [CheckOutcome::Exited(1), CheckOutcome::Signaled(9)];
    let checks = ends.map(|last| TrackerEvent::Down { last: Some(last) });
    let others = [TrackerEvent::Up, TrackerEvent::TimedOut, TrackerEvent::Returned(CheckOutcome::Exited(1))];
    said.extend(checks.into_iter().chain(others).flat_map(tracker));
    let id = InstanceId::from_number(0);
    let mut memory = Memory::default();
    let mut reports: Vec<Report> = states[1..]
        .iter()
        .map(|to| Report::Group { group: GroupId::from_number(0), name: "G".into(), to: *to })
        .collect();
    reports.push(Report::StartupDelay(Duration::from_secs(3)));
    for (exists, up, v4) in [
        (true, true, None),
        (true, false, Some(from)),
        (true, true, None),
        (false, false, None),
        (true, true, None),
    ] {
        reports.push(Report::Interface { interface: ETH0, name: "eth0".into(), exists, up, v4, v6: None });
    }
    for name in ["VI_1", "U_1"] {
        let (name, destination): (Arc<str>, _) = (name.into(), from);
        reports.push(Report::Transmit { instance: id, name: Arc::clone(&name), destination, errno: Some(1) });
        for wanted in [true, false] {
            reports.push(Report::Addresses { instance: id, name: Arc::clone(&name), wanted, count: 1 });
        }
    }
    for address in [from, ip("fe80::53")] {
        let (name, addresses): (Arc<str>, _) = ("VI_1".into(), vec![(ETH0, address)]);
        reports.push(Report::Announced { instance: id, name: Arc::clone(&name), interface: ETH0, address });
        reports.push(Report::Announcing { instance: id, name, addresses, count: 1, repeat: 5 });
    }
    let known = known_with_source().with_no_accept(["VI_1".to_string()].into());
    reports.push(Report::Became {
        instance: id,
        name: "VI_1".into(),
        from: State::Backup,
        to: State::Fault,
        cause: Cause::NoSource { interface: ETH0 },
    });
    for report in reports {
        let before = memory.remember(&report);
        said.extend(texts(driver(&report, &known, before)));
    }
    said
}
