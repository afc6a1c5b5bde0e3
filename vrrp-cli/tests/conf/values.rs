//! What configurations mean, seen from the core and from the threads that carry them out.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vrrp_cli::conf::command::Run;
use vrrp_cli::conf::lower::{Interner, Lowered, lower};
use vrrp_cli::conf::{self, Config, Diagnostics};
use vrrp_core::{Destination, Family, InstanceConfig, InterfaceId, TrackerKind, Version};

use crate::corpus;
use crate::host::Host;

#[test]
fn two_nodes_with_a_password() {
    let master = file("two-nodes-master");
    let instance = &master.router.instances()[0];
    assert_eq!((instance.vrid.get(), instance.priority.get(), instance.version), (51, 100, Version::V2));
    assert_eq!(instance.password.map(|password| *password.octets()), Some(*b"1111\0\0\0\0"));
    assert_eq!(instance.interval.as_centis(), 100);
    assert_eq!(addresses(instance), ["192.0.2.100/32"], "an address without a mask is one host");
    assert_eq!(instance.destination, Destination::multicast(Family::V4));
    let backup = file("two-nodes-backup");
    assert_eq!(backup.router.instances()[0].priority.get(), 80);
    assert_eq!(addresses(&backup.router.instances()[0]), ["192.0.2.100/24"]);
}

#[test]
fn mutual_backup_with_a_check_without_weight() {
    let lowered = file("mutual-backup");
    let trackers = lowered.router.trackers();
    let TrackerKind::Script(schedule) = &trackers[0].kind else { unreachable!("a script is tracked") };
    assert_eq!((schedule.interval, schedule.timeout), (Duration::from_secs(2), Duration::from_secs(2)));
    assert_eq!((schedule.rise, schedule.fall), (2, 3));
    for instance in lowered.router.instances() {
        assert_eq!(instance.track[0].weight, 0, "failure is FAULT");
    }
    assert_eq!(words(&lowered.checks[0].1.run), ["killall", "-0", "haproxy"]);
    let vip = &lowered.router.instances()[1].addresses[0];
    assert_eq!(vip.options.label.map(|label| label.to_string()).as_deref(), Some("eth0:2"));
    assert_eq!(vip.options.broadcast, Some([192, 0, 2, 255].into()));
    assert_eq!(vip.options.scope, 253);
}

#[test]
fn a_weight_of_the_script_holds_where_it_is_tracked() {
    assert_eq!(file("weight-minus-2").router.instances()[0].track[0].weight, -2);
}

#[test]
fn an_inline_check_runs_through_bash() {
    let lowered = file("inline-shell");
    let text = "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0".into();
    assert_eq!(lowered.checks[0].1.run, Ok(Run::Shell { bash: PathBuf::from("/usr/bin/bash"), text }));
}

#[test]
fn ten_characters_of_password_are_cut_to_eight() {
    let password = file("auth-ten").router.instances()[0].password;
    assert_eq!(password.map(|password| *password.octets()), Some(*b"keep@liv"));
}

#[test]
fn a_password_and_a_command_keep_bytes_that_are_not_utf_8() {
    let lowered = file("latin1-password");
    let password = lowered.router.instances()[0].password;
    assert_eq!(password.map(|password| *password.octets()), Some(*b"gr\xfcn\0\0\0\0"));
    let notify = lowered.notify_instances[0].any.as_ref().expect("it is configured");
    let Ok(Run::Program { words, .. }) = &notify.run else { unreachable!("it is a program") };
    assert_eq!(words[1].as_encoded_bytes(), b"gr\xfcn");
}

#[test]
fn addresses_that_no_kernel_takes_are_left_out() {
    let lowered = file("address-no-host");
    assert_eq!(lowered.router.instances()[0].excluded.len(), 4, "IPv4 alone");
}

#[test]
fn a_backup_that_never_preempts_has_no_delay() {
    let lowered = file("nopreempt-delay");
    let instance = &lowered.router.instances()[0];
    assert_eq!((instance.preempt, instance.preempt_delay), (false, Duration::ZERO));
}

#[test]
fn excluded_addresses_may_be_all_there_is() {
    let lowered = file("excluded-only");
    let instance = &lowered.router.instances()[0];
    assert!(instance.addresses.is_empty());
    assert_eq!(instance.family, Family::V4);
    assert_eq!(instance.excluded.len(), 2, "of any family");
}

#[test]
fn labels_may_repeat_and_addresses_may_stand_elsewhere() {
    let lowered = file("label");
    let vips = &lowered.router.instances()[0].addresses;
    assert_eq!(vips[0].options.label, vips[1].options.label);
    assert_eq!((vips[0].interface, vips[2].interface), (InterfaceId(0), InterfaceId(1)));
}

#[test]
fn a_host_that_lists_itself_sends_to_the_others() {
    let lowered = file("unicast-three");
    let instance = &lowered.router.instances()[0];
    let Destination::Unicast(peers) = &instance.destination else { unreachable!("peers are listed") };
    let peers: Vec<_> =
        peers.iter().map(|peer| (peer.address.to_string(), peer.min_ttl, peer.max_ttl)).collect();
    assert_eq!(peers, [("192.0.2.2".into(), 0, 255), ("192.0.2.3".into(), 254, 255)]);
    assert_eq!(instance.source, Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(instance.ttl, 255);
}

#[test]
fn preemption_is_what_a_backup_asks_for_and_never_what_a_master_does() {
    let of = |name: &str| {
        let lowered = file(name);
        let instance = &lowered.router.instances()[0];
        (instance.preempt, instance.preempt_delay)
    };
    assert_eq!(of("nopreempt"), (false, Duration::ZERO));
    assert_eq!(of("preempt-delay"), (true, Duration::from_secs(10)));
    assert_eq!(of("preempt-master"), (true, Duration::ZERO));
}

#[test]
fn strict_mode_drops_the_password_and_closes_the_addresses() {
    let lowered = file("strict-pass");
    let instance = &lowered.router.instances()[0];
    assert_eq!(instance.password, None);
    assert!(instance.lower_prio_no_advert);
    assert_eq!(instance.announce.garp_interval, Duration::ZERO);
    assert_eq!(lowered.accept, [false]);
}

#[test]
fn an_owner_is_who_starts_as_master_without_a_priority() {
    assert!(file("owner").router.instances()[0].priority.is_owner());
}

#[test]
fn ipv6_speaks_version_3_and_takes_no_ipv4() {
    let lowered = file("ipv6");
    let instance = &lowered.router.instances()[0];
    assert_eq!(
        (instance.family, instance.version, instance.interval.as_centis()),
        (Family::V6, Version::V3, 1)
    );
    assert_eq!(addresses(instance), ["fe80::100/128", "2001:db8::100/64"]);
}

#[test]
fn intervals_are_what_the_version_can_carry() {
    let lowered = file("advert-int");
    let centis: Vec<_> =
        lowered.router.instances().iter().map(|instance| instance.interval.as_centis()).collect();
    assert_eq!(centis, [100, 4095, 1]);
}

#[test]
fn instances_inherit_from_global_defs_behind_them() {
    let lowered = file("inherits-late");
    let instance = &lowered.router.instances()[0];
    assert_eq!((instance.version, instance.down_timer_adverts), (Version::V3, 5));
    let announce = &instance.announce;
    assert_eq!((announce.master_repeat, announce.master_delay), (2, Duration::from_secs(3)));
    assert_eq!((announce.lower_prio_repeat, announce.lower_prio_delay), (2, Duration::from_secs(3)));
}

#[test]
fn its_own_interface_is_not_tracked_twice() {
    let lowered = file("track-own-interface");
    assert_eq!(lowered.router.instances()[0].track.len(), 1);
    assert_eq!(lowered.router.trackers()[0].kind, TrackerKind::Interface(InterfaceId(1)));
}

#[test]
fn the_interfaces_of_addresses_are_watched_unless_they_say_otherwise() {
    let lowered = file("address-devices");
    let watched = |instance: usize| -> Vec<(&str, i16)> {
        let track = &lowered.router.instances()[instance].track;
        track.iter().map(|track| (&*lowered.router.trackers()[track.tracker].name, track.weight)).collect()
    };
    assert_eq!(watched(0), [("interface eth1", 0), ("interface lo", 0)], "not its own");
    assert_eq!(watched(1), []);
    assert_eq!(watched(2), [("interface eth1", -10)], "what the file says counts");
}

#[test]
fn notify_commands_have_arguments_and_users() {
    let lowered = file("notify-argument");
    let notify = &lowered.notify_instances[0];
    let master = notify.master.as_ref().expect("it is configured");
    assert_eq!(words(&master.run), ["/bin/echo", "master"]);
    let fault = notify.fault.as_ref().expect("it is configured");
    assert_eq!(words(&fault.run), ["/bin/echo", "two words"]);
    assert_eq!((fault.identity.uid, fault.identity.gid, &fault.identity.groups[..]), (0, 0, &[0][..]));
    assert!(notify.any.is_some() && notify.stop.is_some() && notify.backup.is_some());
}

#[test]
fn included_files_stand_where_the_include_line_stands() {
    let (config, diagnostics) = read("include-glob");
    assert!(!diagnostics.has_errors());
    let names: Vec<_> = config.instances.iter().map(|instance| instance.name.value.as_str()).collect();
    assert_eq!(names, ["VI_2", "VI_1"]);
    assert_eq!(config.global.router_id.map(|id| id.value).as_deref(), Some("A"));
    let files =
        ["include-glob.conf", "conf.d/a.conf", "conf.d/b.conf", "conf.d/part-b/x.cfg", "conf.d/part.inc"];
    let read: Vec<_> = diagnostics.sources().paths().map(Path::to_path_buf).collect();
    assert_eq!(read, files.map(|file| Path::new("tests/conf/corpus").join(file)));
}

#[test]
fn braces_stand_anywhere() {
    let (config, _) = read("braces");
    assert_eq!(config.global.router_id.map(|id| id.value).as_deref(), Some("two words"));
    assert_eq!(config.groups[0].members.len(), 2);
    let password = config.instances[0].password.as_ref().map(|password| *password.reveal());
    assert_eq!(password, Some(*b"a # b\0\0\0"));
    assert_eq!(config.instances[0].addresses.len(), 2);
}

#[test]
fn definitions_are_expanded_for_this_host() {
    let (config, _) = read("definitions");
    let instance = &config.instances[0];
    assert_eq!((instance.priority, instance.vrid.value), (150, 51));
    assert_eq!(instance.state, conf::State::Master);
    assert_eq!(instance.addresses[0].address.to_string(), "192.0.2.100");
    assert_eq!(instance.excluded.len(), 2);
    let notify = instance.notify.any.as_ref().expect("it is configured");
    assert_eq!(notify.text, "/bin/echo $HOME", "an undefined name stays as it is");
    let defined = instance.addresses[0].span.via.expect("a definition wrote the address");
    assert_eq!(config.instances.len(), 1);
    assert!(defined.start < instance.addresses[0].span.at.start);
}

#[test]
fn groups_keep_the_members_that_exist() {
    let lowered = file("sync-group");
    assert_eq!(lowered.router.groups()[0].members, [0, 1]);
    assert_eq!(lowered.router.groups()[0].track.len(), 1);
    assert!(lowered.notify_groups[0].master.is_some());
    assert_eq!(lowered.router.groups().len(), 2, "a group whose members are taken is none");
    assert_eq!(lowered.smtp_alert_groups, [true, false]);
}

#[test]
fn a_check_that_cannot_run_is_kept_with_the_reason() {
    let lowered = file("commands");
    let failed = lowered.checks.iter().filter(|(_, check)| check.run.is_err()).count();
    assert_eq!((lowered.checks.len(), failed), (5, 4));
    assert!(matches!(lowered.checks[3].1.run, Ok(Run::Shell { .. })));
}

#[test]
fn unicast_without_peers_is_a_fault_where_that_is_asked_for() {
    let text = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nunicast_peer { }\nunicast_fault_no_peer\n}\n";
    let (config, mut diagnostics) = conf::parse_str("x", text.as_bytes(), &corpus::options());
    let lowered = lower(&config, &Host, &mut Interner::default(), &mut diagnostics).expect("it starts");
    assert_eq!(lowered.down, [0]);
    assert_eq!(lowered.router.instances()[0].track[0].weight, 0);
    assert_eq!(lowered.router.instances()[0].destination, Destination::Unicast(Vec::new()));
}

#[test]
fn a_reload_keeps_the_handles_of_interfaces() {
    let mut interner = Interner::default();
    let mut handle = |text: &str| {
        let (config, mut diagnostics) = conf::parse_str("x", text.as_bytes(), &corpus::options());
        let lowered = lower(&config, &Host, &mut interner, &mut diagnostics).expect("it starts");
        lowered.router.instances()[0].interface
    };
    let on = |name: &str| format!("vrrp_instance A {{\ninterface {name}\nvirtual_router_id 1\n}}\n");
    let (first, second, again) = (handle(&on("eth1")), handle(&on("eth0")), handle(&on("eth1")));
    assert_eq!(first, again);
    assert_ne!(first, second);
}

#[test]
fn no_message_and_no_dump_shows_a_password() {
    for path in corpus::files() {
        let (config, mut diagnostics) = conf::load(&path, &corpus::options());
        let config = config.expect("the corpus can be read");
        let lowered = lower(&config, &Host, &mut Interner::default(), &mut diagnostics);
        let shown = format!(
            "{config:?}{lowered:?}{}{:?}",
            diagnostics.render(true),
            diagnostics.lines().collect::<Vec<_>>()
        );
        // `{:?}` of an array of octets, too.
        for secret in ["keep@l", "geheim", "hidden", "1111", "[49, 49", "0123456789abcdef", "liv3d", "g7"] {
            assert!(!shown.contains(secret), "{}: {secret}", path.display());
        }
    }
}

fn read(name: &str) -> (Config, Diagnostics) {
    let path = Path::new("tests/conf/corpus").join(name).with_extension("conf");
    let (config, diagnostics) = conf::load(&path, &corpus::options());
    (config.expect("the corpus can be read"), diagnostics)
}

fn file(name: &str) -> Lowered {
    let (config, mut diagnostics) = read(name);
    let lowered = lower(&config, &Host, &mut Interner::default(), &mut diagnostics);
    lowered.unwrap_or_else(|| unreachable!("{name} must start:\n{}", diagnostics.render(false)))
}

fn addresses(instance: &InstanceConfig) -> Vec<String> {
    instance.addresses.iter().map(ToString::to_string).collect()
}

fn words(run: &Result<Run, String>) -> Vec<String> {
    match run {
        Ok(Run::Program { words, .. }) => {
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
        }
        other => vec![format!("{other:?}")],
    }
}
