//! A line and its text are each other's inverse, a recording plays again, and it holds no secret.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vrrp_core::trace::{self, InputLine, Line, Recorder};
use vrrp_core::wire::{AdvertTemplate, ChecksumForm, Datagram};
use vrrp_core::{
    CheckOutcome, Config, Destination, Family, GroupConfig, Input, InstanceConfig, InstanceId,
    InterfaceConfig, InterfaceId, Interval, Packet, Password, Peer, Priority, Router, RouterConfig,
    ScriptConfig, Time, Track, TrackerConfig, TrackerId, TrackerKind, Version, Vip, Vrid,
};

proptest! {
    #[test]
    fn a_line_of_an_input_is_read_back(now in time(), fact in fact(), received in time()) {
        let packet;
        let input = match &fact {
            Fact::Plain(input) => input.clone(),
            Fact::V4(octets) => {
                packet = Packet { interface: InterfaceId(1), received, datagram: Datagram::V4(octets) };
                Input::Packet(packet)
            }
            Fact::V6(source, destination, hop_limit, payload) => Input::Packet(Packet {
                interface: InterfaceId(7),
                received,
                datagram: Datagram::V6 {
                    source: *source, destination: *destination, hop_limit: *hop_limit, payload,
                },
            }),
        };
        let line = Line::Input(InputLine::new(now, &input));
        prop_assert_eq!(line.to_string().parse(), Ok(line));
    }

    #[test]
    fn a_configuration_is_read_back(config in config()) {
        let line = Line::Start(config.into());
        prop_assert_eq!(line.to_string().parse(), Ok(line));
    }

    #[test]
    fn an_advert_is_read_back_and_is_readable(advert in advert()) {
        let datagram = Datagram::V4(&advert);
        let packet = Packet { interface: InterfaceId(1), received: Time::ZERO, datagram };
        let line = Line::Input(InputLine::new(Time::ZERO, &Input::Packet(packet)));
        let text = line.to_string();
        prop_assert!(!text.contains("hex="), "{}", text);
        prop_assert_eq!(text.parse(), Ok(line));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[>=<|# a-z0-9.=%@:;,/-]{0,80}") {
        if let Ok(line) = text.parse::<Line>() {
            prop_assert_eq!(line.to_string().parse(), Ok(line));
        }
        let _ = trace::read(&text).count();
    }
}

#[test]
fn a_deadline_is_read_back() {
    for line in
        [Line::Deadline(None), Line::Deadline(Some(Time::MAX)), Line::Deadline(Some(Time::from_nanos(1)))]
    {
        assert_eq!(line.to_string().parse(), Ok(line));
    }
}

#[test]
fn a_wrong_line_says_what_is_wrong_with_it() {
    let says = |text: &str| text.parse::<Line>().unwrap_err().to_string();
    assert_eq!(says("> 0 tock"), "there is no input tock");
    assert_eq!(says("> 0 tick tock"), "tock does not belong there");
    assert_eq!(says("> 0 held #x complete"), "x is not a value for a number");
    assert_eq!(says("> 1e3 tick"), "1e3 is not a number of seconds with up to nine decimals");
    assert_eq!(says("start\n| interface 1 eth0 mtu=big"), "big is not a value for mtu");
}

#[test]
fn a_recording_plays_again_without_the_secret() {
    let mut instance = InstanceConfig::new("VI_1", InterfaceId(1), Vrid::new(51).unwrap(), vec![vip(253)]);
    instance.version = Version::V2;
    instance.password = Some(Password::new(b"s3cr3t").unwrap());
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(InterfaceId(1), "eth0"));
    config.instances.push(instance.clone());
    let config = Config::new(config).unwrap();

    let ours = password_advert(Some(b"s3cr3t"));
    let theirs = password_advert(Some(b"sesame"));
    let mut corrupt = ours.clone();
    *corrupt.last_mut().unwrap() ^= 1;
    let truncated = &ours[..ours.len() - 1];
    let packets = [ours.as_slice(), &theirs, &corrupt, truncated, &password_advert(None)];

    let (mut recorder, mut recording) = (Recorder::new(), Vec::new());
    recording.push(recorder.start(&config));
    let mut router = Router::new(config);
    let interface = InterfaceId(1);
    let mut inputs = vec![
        Input::Interface { interface, up: true },
        Input::Source { interface, family: Family::V4, address: Some("192.0.2.1".parse().unwrap()) },
    ];
    for octets in packets {
        inputs.push(Input::Packet(Packet {
            interface,
            received: Time::ZERO,
            datagram: Datagram::V4(octets),
        }));
    }
    inputs.push(Input::Shutdown);
    for input in inputs {
        recording.push(recorder.input(Time::ZERO, &input));
        let mut actions = router.handle(Time::ZERO, input);
        while let Some(action) = actions.next() {
            recording.push(recorder.action(Time::ZERO, &action));
        }
    }

    let text: String = recording.iter().map(|line| format!("{line}\n")).collect();
    for secret in ["s3cr3t", "sesame", "733363723374", "736573616d65"] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    assert!(text.contains("master-is 192.0.2.2"), "{text}");
    assert!(text.contains("rejected auth-failure"), "{text}");
    assert_eq!(replay(&text), recording);
}

/// Plays the inputs of a recording, and records that.
fn replay(recording: &str) -> Vec<Line> {
    let (mut recorder, mut lines, mut router) = (Recorder::new(), Vec::new(), None);
    for (at, line) in trace::read(recording) {
        match line.unwrap_or_else(|why| panic!("line {at}: {why}")) {
            Line::Start(config) => {
                let config = Config::new(*config).unwrap();
                lines.push(recorder.start(&config));
                router = Some(Router::new(config));
            }
            Line::Input(line) => {
                let input = line.input().unwrap();
                lines.push(recorder.input(line.now(), &input));
                let mut actions = router.as_mut().unwrap().handle(line.now(), input);
                while let Some(action) = actions.next() {
                    lines.push(recorder.action(line.now(), &action));
                }
            }
            _ => {}
        }
    }
    lines
}

#[derive(Clone, Debug)]
enum Fact {
    Plain(Input<'static>),
    V4(Vec<u8>),
    V6(Ipv6Addr, Ipv6Addr, u8, Vec<u8>),
}

fn fact() -> impl Strategy<Value = Fact> {
    let id = any::<u32>();
    let plain = prop_oneof![
        (id, outcome())
            .prop_map(|(id, outcome)| Input::CheckEnded { tracker: TrackerId::from_number(id), outcome }),
        (id, any::<bool>())
            .prop_map(|(id, complete)| Input::Held { instance: InstanceId::from_number(id), complete }),
        (id, any::<bool>()).prop_map(|(id, up)| Input::Interface { interface: InterfaceId(id), up }),
        config().prop_filter_map("refused", |config| Config::new(config).ok()).prop_map(Input::Reconfigure),
        Just(Input::Shutdown),
        (id, any::<bool>(), option::of(any::<IpAddr>())).prop_map(|(id, v4, address)| Input::Source {
            interface: InterfaceId(id),
            family: if v4 { Family::V4 } else { Family::V6 },
            address,
        }),
        Just(Input::Tick),
        (id, any::<bool>()).prop_map(|(id, up)| Input::Tracker { tracker: TrackerId::from_number(id), up }),
        id.prop_map(|id| Input::TransmitFailed { instance: InstanceId::from_number(id) }),
    ];
    prop_oneof![
        4 => plain.prop_map(Fact::Plain),
        1 => vec(any::<u8>(), 0..64).prop_map(Fact::V4),
        // Adverts with a few octets changed.
        3 => (advert(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)).prop_map(|(mut octets, changes)| {
            for (at, octet) in changes {
                let at = at.index(octets.len());
                octets[at] = octet;
            }
            Fact::V4(octets)
        }),
        2 => (any::<Ipv6Addr>(), any::<Ipv6Addr>(), any::<u8>(), vec(any::<u8>(), 0..64))
            .prop_map(|(source, destination, ttl, payload)| Fact::V6(source, destination, ttl, payload)),
        2 => (any::<Ipv6Addr>(), vec(any::<Ipv6Addr>(), 0..4), 1_u8..=255, any::<u8>()).prop_map(
            |(source, vips, vrid, priority)| {
                let vips: Vec<IpAddr> = vips.into_iter().map(IpAddr::V6).collect();
                let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
                let (vrid, form) = (Vrid::new(vrid).unwrap(), ChecksumForm::Either);
                let mut template =
                    AdvertTemplate::new(Version::V3, Family::V6, vrid, Interval::DEFAULT, &vips, None, form);
                let octets = template.as_mut().unwrap().write(priority, source.into(), group.into(), 255, 1);
                Fact::V6(source, group, 255, octets.unwrap().to_vec())
            }
        ),
    ]
}

fn time() -> impl Strategy<Value = Time> {
    prop_oneof![any::<u64>(), 0_u64..10].prop_map(Time::from_nanos)
}

fn outcome() -> impl Strategy<Value = CheckOutcome> {
    prop_oneof![
        any::<i32>().prop_map(CheckOutcome::Exited),
        Just(CheckOutcome::NotRun),
        any::<i32>().prop_map(CheckOutcome::Signaled),
    ]
}

prop_compose! {
    fn advert()(
        v2 in any::<bool>(),
        vrid in 1_u8..=255,
        secs in 1_u8..=40,
        priority in any::<u8>(),
        vips in vec(any::<Ipv4Addr>(), 0..4),
        password in option::of(vec(any::<u8>(), 1..=8)),
        message_only in any::<bool>(),
        source in any::<Ipv4Addr>(),
        destination in prop_oneof![Just(Ipv4Addr::new(224, 0, 0, 18)), any::<Ipv4Addr>()],
        ttl in prop_oneof![Just(255), any::<u8>()],
        ip_id in any::<u16>(),
    ) -> Vec<u8> {
        let version = if v2 { Version::V2 } else { Version::V3 };
        let password = password.filter(|_| v2).map(|password| Password::new(&password).unwrap());
        let vips: Vec<IpAddr> = vips.into_iter().map(IpAddr::V4).collect();
        let interval = Interval::from_secs(secs).unwrap();
        let form = if message_only { ChecksumForm::MessageOnly } else { ChecksumForm::PseudoHeader };
        let vrid = Vrid::new(vrid).unwrap();
        let mut template =
            AdvertTemplate::new(version, Family::V4, vrid, interval, &vips, password.as_ref(), form).unwrap();
        template.write(priority, source.into(), destination.into(), ttl, ip_id).unwrap().to_vec()
    }
}

fn password_advert(password: Option<&[u8]>) -> Vec<u8> {
    let password = password.map(|password| Password::new(password).unwrap());
    let (vrid, vips) = (Vrid::new(51).unwrap(), [vip(253).address]);
    let mut template = AdvertTemplate::new(
        Version::V2,
        Family::V4,
        vrid,
        Interval::DEFAULT,
        &vips,
        password.as_ref(),
        ChecksumForm::Either,
    )
    .unwrap();
    let (source, group) = (Ipv4Addr::new(192, 0, 2, 2).into(), Ipv4Addr::new(224, 0, 0, 18).into());
    template.write(200, source, group, 255, 1).unwrap().to_vec()
}

fn vip(last: u8) -> Vip {
    Vip::new(Ipv4Addr::new(192, 0, 2, last).into(), 24, InterfaceId(1))
}

/// Names with everything that could break a line.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_]{1,8}", "[ \t\n|%=#,;\"é]{0,5}"]
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0_u64..100).prop_map(Duration::from_secs),
        (any::<u64>(), 0_u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

prop_compose! {
    fn any_vip()(address in any::<IpAddr>(), prefix in any::<u8>(), interface in any::<u32>(),
        broadcast in option::of(any::<Ipv4Addr>()), label in option::of("[a-z:0-9 ;,%]{1,15}"),
        scope in prop_oneof![Just(0), any::<u8>()],
    ) -> Vip {
        let mut vip = Vip::new(address, prefix, InterfaceId(interface));
        vip.options.broadcast = broadcast;
        vip.options.label = label.map(|label| label.parse().unwrap());
        vip.options.scope = scope;
        vip
    }
}

fn tracks() -> impl Strategy<Value = Vec<Track>> {
    let track = (0_usize..9, any::<i16>(), any::<bool>());
    vec(track.prop_map(|(tracker, weight, reverse)| Track { tracker, weight, reverse }), 0..3)
}

prop_compose! {
    fn schedule()(delay in span(), repeat in any::<u8>(), other in span(), many in any::<u8>())
        -> vrrp_core::AnnounceSchedule {
        let mut schedule = vrrp_core::AnnounceSchedule::default();
        (schedule.master_delay, schedule.master_repeat) = (delay, repeat);
        (schedule.master_refresh, schedule.master_refresh_repeat) = (other, many);
        (schedule.garp_interval, schedule.gna_interval) = (other, delay);
        (schedule.lower_prio_delay, schedule.lower_prio_repeat) = (other, repeat);
        schedule
    }
}

prop_compose! {
    fn instance()(
        (name, interface, vrid, priority) in (name(), any::<u32>(), 1_u8..=255, 1_u8..=255),
        (v2, v4, centis, adverts) in (any::<bool>(), any::<bool>(), 1_u16..=25_500, any::<u8>()),
        (source, ttl, delay) in (option::of(any::<IpAddr>()), any::<u8>(), span()),
        password in option::of(vec(any::<u8>(), 0..=8)),
        flags in any::<[bool; 9]>(),
        group in option::of(any::<IpAddr>()),
        peers in vec((any::<IpAddr>(), any::<u8>(), any::<u8>()), 0..3),
        (addresses, excluded) in (vec(any_vip(), 0..4), vec(any_vip(), 0..2)),
        (announce, track) in (schedule(), tracks()),
    ) -> InstanceConfig {
        let vrid = Vrid::new(vrid).unwrap();
        let mut instance = InstanceConfig::new(name, InterfaceId(interface), vrid, addresses);
        instance.version = if v2 { Version::V2 } else { Version::V3 };
        instance.family = if v4 { Family::V4 } else { Family::V6 };
        instance.priority = Priority::new(priority).unwrap();
        instance.interval = Interval::from_centis(centis).unwrap();
        instance.down_timer_adverts = adverts;
        instance.destination = match group {
            Some(group) => Destination::Multicast(group),
            None if flags[8] => Destination::multicast(instance.family),
            None => Destination::Unicast(
                peers.into_iter().map(|(address, min_ttl, max_ttl)| Peer { address, min_ttl, max_ttl }).collect(),
            ),
        };
        (instance.source, instance.ttl, instance.preempt_delay) = (source, ttl, delay);
        instance.password = password.map(|password| Password::new(&password).unwrap());
        instance.preempt = flags[0];
        instance.checksum_as_v2 = flags[1];
        instance.lower_prio_no_advert = flags[2];
        instance.higher_prio_send_advert = flags[3];
        instance.owner_ignore_adverts = flags[4];
        instance.check_address_list = flags[5];
        instance.check_unicast_src = flags[6];
        instance.track_primary = flags[7];
        (instance.announce, instance.excluded, instance.track) = (announce, excluded, track);
        instance
    }
}

fn tracker() -> impl Strategy<Value = TrackerConfig> {
    let script = (span(), span(), any::<u32>(), any::<u32>(), any::<bool>());
    let script = script.prop_map(|(interval, timeout, rise, fall, init_fail)| {
        let mut script = ScriptConfig::new(interval);
        (script.timeout, script.rise, script.fall, script.init_fail) = (timeout, rise, fall, init_fail);
        TrackerKind::Script(script)
    });
    let kind = prop_oneof![
        Just(TrackerKind::External),
        any::<u32>().prop_map(|id| TrackerKind::Interface(InterfaceId(id))),
        script,
    ];
    (name(), kind).prop_map(|(name, kind)| TrackerConfig::new(name, kind))
}

prop_compose! {
    /// Whatever can be written down; most of it would be refused.
    fn config()(
        interfaces in vec((any::<u32>(), name(), prop_oneof![Just(1500), any::<u16>()]), 0..3),
        trackers in vec(tracker(), 0..3),
        instances in vec(instance(), 0..3),
        groups in vec((name(), vec(0_usize..9, 0..3), tracks()), 0..2),
        startup_delay in span(),
    ) -> RouterConfig {
        let mut config = RouterConfig::new();
        config.interfaces.extend(interfaces.into_iter().map(|(id, name, mtu)| {
            let mut interface = InterfaceConfig::new(InterfaceId(id), name);
            interface.mtu = mtu;
            interface
        }));
        (config.trackers, config.instances, config.startup_delay) = (trackers, instances, startup_delay);
        config.groups.extend(groups.into_iter().map(|(name, members, track)| {
            let mut group = GroupConfig::new(name, members);
            group.track = track;
            group
        }));
        config
    }
}
