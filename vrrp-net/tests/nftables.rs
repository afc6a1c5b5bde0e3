//! The tables that silence addresses, as `nft` shows them, next to those of keepalived.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use vrrp_net::lab::{Daemon, Host, Lab, harness, wait_for};
use vrrp_net::nftables::{DEFAULT_TABLE, Desired, Error, Nftables};

fn main() -> ExitCode {
    harness::main(&[
        ("a_change_is_whole_or_not_at_all", a_change_is_whole_or_not_at_all),
        (
            "a_restart_after_a_kill_clears_what_the_other_program_left",
            a_restart_after_a_kill_clears_what_the_other_program_left,
        ),
        (
            "a_table_name_is_checked_before_the_kernel_sees_it",
            a_table_name_is_checked_before_the_kernel_sees_it,
        ),
        ("a_thousand_addresses_are_blocked_and_changed", a_thousand_addresses_are_blocked_and_changed),
        ("changes_succeed_while_others_change_the_filter", changes_succeed_while_others_change_the_filter),
        ("changes_succeed_while_others_remove_our_tables", changes_succeed_while_others_remove_our_tables),
        ("equal_desires_write_nothing", equal_desires_write_nothing),
        ("tables_of_others_are_left_alone", tables_of_others_are_left_alone),
        ("the_objects_are_those_of_keepalived", the_objects_are_those_of_keepalived),
        ("what_others_change_is_repaired", what_others_change_is_repaired),
        ("without_addresses_there_is_no_table", without_addresses_there_is_no_table),
    ])
}

fn the_objects_are_those_of_keepalived() {
    harness::need_programs(&["nft", "keepalived"]);
    let (_lab, host) = host_with_two_cables();
    let v4 = ["192.0.2.10", "192.0.2.11"].as_slice();
    let v6 = ["2001:db8::10"].as_slice();
    let link_local = ["fe80::10", "2001:db8::10"].as_slice();
    for (family, instances) in [
        ("IPv4", vec![("eth0", v4)]),
        ("IPv6", vec![("eth0", v6)]),
        ("IPv6 with link-local", vec![("eth0", link_local), ("eth1", &["fe80::10"])]),
        ("both", vec![("eth0", v4), ("eth1", link_local)]),
    ] {
        let addresses: Desired = instances
            .iter()
            .flat_map(|(interface, addresses)| {
                addresses.iter().map(|text| (ip(text), index(&host, interface)))
            })
            .collect();
        let mut keepalived = keepalived(&host, &instances);
        let theirs = wait_for(MASTER, "keepalived to block all addresses", || {
            let ruleset = ruleset(&host);
            (elements(&ruleset).len() == addresses.len()).then_some(ruleset)
        })
        .unwrap_or_else(|error| panic!("{family}: {error}\n{}", keepalived.output()));
        keepalived.signal(nix::sys::signal::Signal::SIGTERM).unwrap();
        keepalived.wait(PATIENCE).unwrap();
        assert_eq!(ruleset(&host), [Value::Null; 0], "{family}: keepalived left something");

        let mut ours = open(&host);
        ours.apply(&addresses).unwrap();
        assert_eq!(ruleset(&host), theirs, "{family}");
        ours.remove().unwrap();
    }
}

fn a_restart_after_a_kill_clears_what_the_other_program_left() {
    harness::need_programs(&["nft", "keepalived"]);
    let (_lab, host) = host_with_two_cables();
    open(&host).apply(&desired(&host, &["192.0.2.77", "2001:db8::77", "fe80::77"])).unwrap();
    assert_eq!(elements(&ruleset(&host)).len(), 3);

    let mut keepalived = keepalived(&host, &[("eth0", &["192.0.2.10"])]);
    let blocked =
        |addresses: &[&str]| addresses.iter().map(|text| format!("\"{text}\"")).collect::<BTreeSet<_>>();
    wait_for(MASTER, "keepalived to block its address alone", || {
        (elements(&ruleset(&host)) == blocked(&["192.0.2.10"])).then_some(())
    })
    .unwrap_or_else(|error| panic!("{error}\n{}", keepalived.output()));
    // As the host numbers them; both, for the parent would start its child anew or end it properly.
    let pids =
        ["parent.pid", "vrrp.pid"].map(|name| std::fs::read_to_string(host.directory().join(name)).unwrap());
    host.run(Command::new("kill").arg("-KILL").args(pids.iter().map(|pid| pid.trim()))).unwrap();
    keepalived.wait(PATIENCE).unwrap();
    assert_eq!(tables(&host), ["ip keepalived"]);

    open(&host).remove().unwrap();
    assert_eq!(tables(&host), [""; 0]);
}

fn without_addresses_there_is_no_table() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let mut ours = open(&host);
    ours.remove().unwrap();
    assert_eq!(tables(&host), [""; 0]);
    ours.apply(&desired(&host, &["192.0.2.10", "2001:db8::10"])).unwrap();
    assert_eq!(tables(&host), ["ip keepalived", "ip6 keepalived"]);
    ours.apply(&desired(&host, &["2001:db8::10"])).unwrap();
    assert_eq!(tables(&host), ["ip6 keepalived"]);
    ours.apply(&Desired::new()).unwrap();
    assert_eq!(tables(&host), [""; 0]);
}

fn equal_desires_write_nothing() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let mut ours = open(&host);
    let all = ["192.0.2.10", "2001:db8::10", "fe80::10"];
    for addresses in [&all[..1], &all[1..2], &all] {
        let addresses = desired(&host, addresses);
        ours.apply(&addresses).unwrap();
        // Takes a snapshot, with which a change by others can be told from one of ours.
        ours.apply(&addresses).unwrap();
        let monitor = host.spawn(Command::new("nft").arg("monitor")).unwrap();
        let heard = |word: &str| monitor.output().contains(word).then_some(());
        wait_for(PATIENCE, "nft to listen", || {
            nft(&host, "add table ip begin1; delete table ip begin1");
            heard("begin1")
        })
        .unwrap();

        ours.apply(&addresses).unwrap();
        ours.apply(&addresses).unwrap();
        nft(&host, "add table ip changed-by-others; delete table ip changed-by-others");
        ours.apply(&addresses).unwrap();
        nft(&host, "add table ip end1; delete table ip end1");
        wait_for(PATIENCE, "nft to tell all", || heard("end1")).unwrap();
        assert_eq!(heard(DEFAULT_TABLE), None, "{}", monitor.output());

        ours.apply(&desired(&host, &["192.0.2.11"])).unwrap();
        wait_for(PATIENCE, "nft to tell of a change of ours", || heard(DEFAULT_TABLE)).unwrap();
    }
}

fn what_others_change_is_repaired() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let mut ours = open(&host);
    let addresses = desired(&host, &["192.0.2.10", "192.0.2.11", "2001:db8::10", "fe80::10"]);
    ours.apply(&addresses).unwrap();
    let right = ruleset(&host);
    for damage in [
        "flush ruleset",
        "delete table ip keepalived",
        "delete element ip keepalived vips { 192.0.2.10 }",
        "add element ip6 keepalived vips { 2001:db8::99 }",
        "flush chain ip6 keepalived in",
        "insert rule ip keepalived in accept",
        "add chain ip keepalived extra",
    ] {
        for snapshot in [false, true] {
            if snapshot {
                ours.apply(&addresses).unwrap();
            }
            nft(&host, damage);
            assert_ne!(ruleset(&host), right, "{damage}");
            ours.apply(&addresses).unwrap();
            assert_eq!(ruleset(&host), right, "{damage}");
        }
    }
    nft(&host, "flush ruleset");
    ours.apply(&desired(&host, &["192.0.2.12"])).unwrap();
    assert_eq!(elements(&ruleset(&host)), BTreeSet::from(["\"192.0.2.12\"".to_string()]));
    nft(&host, "flush ruleset");
    ours.remove().unwrap();
    assert_eq!(tables(&host), [""; 0]);
}

fn tables_of_others_are_left_alone() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    nft(&host, "add table inet filter; add chain inet filter input { type filter hook input priority 0; }");
    nft(&host, "add table ip keepalived2; add table inet keepalived");
    let before = tables(&host);
    let mut ours = open(&host);
    ours.apply(&desired(&host, &["192.0.2.10", "2001:db8::10"])).unwrap();
    assert_eq!(tables(&host).len(), before.len() + 2);
    ours.remove().unwrap();
    assert_eq!(tables(&host), before);

    let mut named = host.inside(|| Nftables::open("other")).unwrap().unwrap();
    named.apply(&desired(&host, &["192.0.2.10"])).unwrap();
    assert!(tables(&host).contains(&"ip other".to_string()));
    open(&host).remove().unwrap();
    assert!(tables(&host).contains(&"ip other".to_string()));
}

fn a_thousand_addresses_are_blocked_and_changed() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let all = |range: std::ops::Range<u16>| -> Desired {
        range
            .flat_map(|number| {
                let [high, low] = number.to_be_bytes();
                let v4 = Ipv4Addr::new(10, 0, high, low);
                let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number);
                let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number);
                [(v4.into(), 1), (v6.into(), 1), (link_local.into(), 1)]
            })
            .collect()
    };
    let mut ours = open(&host);
    ours.apply(&all(0..1000)).unwrap();
    assert_eq!(elements(&ruleset(&host)).len(), 3000);
    ours.apply(&all(500..1500)).unwrap();
    let changed = ruleset(&host);
    assert_eq!(elements(&changed).len(), 3000);
    assert!(
        elements(&changed).contains("\"2001:db8::5db\"") && !elements(&changed).contains("\"2001:db8::1\"")
    );
    // More than the send buffer of a socket holds by default.
    ours.apply(&all(0..20_000)).unwrap();
    assert_eq!(elements(&ruleset(&host)).len(), 60_000);
    ours.remove().unwrap();
    assert_eq!(tables(&host), [""; 0]);
}

fn a_change_is_whole_or_not_at_all() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let mut ours = open(&host);
    let first = desired(&host, &["192.0.2.10"]);
    ours.apply(&first).unwrap();
    let before = ruleset(&host);
    // The kernel takes 1024 chains at a hook: ours for IPv6 is one too many.
    let chains: String = (0..1024)
        .map(|number| format!("chain c{number} {{ type filter hook input priority 10; }}\n"))
        .collect();
    let file = host.write("full.nft", &format!("table ip6 full {{\n{chains}}}\n")).unwrap();
    host.run(Command::new("nft").arg("-f").arg(&file)).unwrap();

    let second = desired(&host, &["192.0.2.10", "192.0.2.11", "2001:db8::10"]);
    let error = ours.apply(&second).unwrap_err();
    let Error::NotBlocked { answering, source } = &error else { panic!("{error}") };
    assert_eq!(answering.0, [ip("192.0.2.11"), ip("2001:db8::10")], "{error}");
    assert_eq!(source.errno(), Some(libc::E2BIG), "{error}");
    let words = error.to_string();
    assert!(words.contains("192.0.2.11 and 2001:db8::10 will answer"), "{words}");
    assert!(words.contains("(ip6: add a chain at a hook)"), "{words}");
    let ours_only = |ruleset: Vec<Value>| -> Vec<Value> {
        ruleset.into_iter().filter(|object| object.to_string().contains(DEFAULT_TABLE)).collect()
    };
    assert_eq!(ours_only(ruleset(&host)), before);

    nft(&host, "delete table ip6 full");
    ours.apply(&second).unwrap();
    assert_eq!(elements(&ruleset(&host)).len(), 3);
}

fn changes_succeed_while_others_change_the_filter() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let (one, two) = (desired(&host, &["192.0.2.10"]), desired(&host, &["192.0.2.11", "2001:db8::10"]));
    let toggle = |table: &str| {
        let mut filter = host.inside(|| Nftables::open(table)).unwrap().unwrap();
        for _ in 0..200 {
            filter.apply(&one).unwrap();
            filter.apply(&two).unwrap();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| toggle("other"));
        toggle(DEFAULT_TABLE);
    });
    assert_eq!(tables(&host), ["ip keepalived", "ip other", "ip6 keepalived", "ip6 other"]);
    assert_eq!(elements(&ruleset(&host)).len(), 2);
}

fn changes_succeed_while_others_remove_our_tables() {
    harness::need_programs(&["nft"]);
    let (_lab, host) = host_with_two_cables();
    let mut ours = open(&host);
    let (one, two) = (desired(&host, &["192.0.2.10"]), desired(&host, &["192.0.2.10", "192.0.2.11"]));
    let removed = AtomicBool::new(false);
    let changes = thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                nft(&host, "add table ip keepalived; delete table ip keepalived");
            }
            removed.store(true, Ordering::Release);
        });
        let mut changes = 0;
        while !removed.load(Ordering::Acquire) {
            ours.apply(&one).unwrap();
            ours.apply(&two).unwrap();
            changes += 2;
        }
        changes
    });
    assert!(changes >= 20, "{changes}");
    ours.apply(&one).unwrap();
    assert_eq!(elements(&ruleset(&host)), BTreeSet::from(["\"192.0.2.10\"".to_string()]));
}

fn a_table_name_is_checked_before_the_kernel_sees_it() {
    let long = "x".repeat(256);
    for name in ["", "with\0zero", &long] {
        assert!(matches!(Nftables::open(name), Err(Error::TableName { .. })), "{name:?}");
    }
    let (_lab, host) = host_with_two_cables();
    let longest = "x".repeat(255);
    let mut filter = host.inside(|| Nftables::open(&longest)).unwrap().unwrap();
    filter.apply(&desired(&host, &["192.0.2.10"])).unwrap();
    filter.remove().unwrap();
}

/// For keepalived to start and become master.
const MASTER: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(10);

fn host_with_two_cables() -> (Lab, Host) {
    let lab = Lab::new().unwrap();
    let bridge = lab.bridge().unwrap();
    let host = lab.host("a").unwrap();
    host.attach(&bridge, "eth0", &["192.0.2.1/24", "2001:db8::1/64"]).unwrap();
    host.attach(&bridge, "eth1", &[]).unwrap();
    (lab, host)
}

/// One instance without accept mode for each interface and its addresses.
fn keepalived(host: &Host, instances: &[(&str, &[&str])]) -> Daemon {
    let mut configuration = "global_defs {\n vrrp_version 3\n}\n".to_string();
    for (number, (interface, addresses)) in instances.iter().enumerate() {
        configuration += &format!(
            "vrrp_instance I{number} {{\n interface {interface}\n virtual_router_id {}\n advert_int 0.1\n \
             no_accept\n virtual_ipaddress {{\n{}\n }}\n}}\n",
            number + 1,
            addresses.join("\n")
        );
    }
    let file = host.write("keepalived.conf", &configuration).unwrap();
    let [parent, vrrp] = ["parent.pid", "vrrp.pid"].map(|name| host.directory().join(name));
    let files = [Path::new("-f"), &file, Path::new("-p"), &parent, Path::new("-r"), &vrrp];
    host.spawn(Command::new("keepalived").args(["-n", "-l"]).args(files)).unwrap()
}

fn open(host: &Host) -> Nftables {
    host.inside(|| Nftables::open(DEFAULT_TABLE)).unwrap().unwrap()
}

fn desired(host: &Host, addresses: &[&str]) -> Desired {
    let index = index(host, "eth0");
    addresses.iter().map(|text| (ip(text), index)).collect()
}

fn index(host: &Host, interface: &str) -> u32 {
    host.link(interface).unwrap().index
}

fn nft(host: &Host, command: &str) -> String {
    host.run(Command::new("nft").arg(command)).unwrap()
}

fn tables(host: &Host) -> Vec<String> {
    let mut tables: Vec<_> = nft(host, "list tables")
        .lines()
        .filter_map(|line| line.strip_prefix("table "))
        .map(String::from)
        .collect();
    tables.sort();
    tables
}

/// All objects as `nft` shows them, in its order, without the kernel's numbers; the elements of a set are sorted.
fn ruleset(host: &Host) -> Vec<Value> {
    let text = host.run(Command::new("nft").args(["-j", "list", "ruleset"])).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut objects = all["nftables"].as_array().unwrap().clone();
    objects.retain(|object| object.get("metainfo").is_none());
    for object in objects.iter_mut().filter_map(Value::as_object_mut).flat_map(|object| object.values_mut()) {
        let Some(object) = object.as_object_mut() else { continue };
        object.remove("handle");
        if let Some(elements) = object.get_mut("elem").and_then(Value::as_array_mut) {
            elements.sort_by_key(Value::to_string);
        }
    }
    objects
}

/// The elements of all sets of addresses.
fn elements(ruleset: &[Value]) -> BTreeSet<String> {
    let sets = ruleset.iter().filter_map(|object| object.get("set"));
    sets.filter(|set| set["name"] != "neighbor-discovery" && set["table"] == DEFAULT_TABLE)
        .flat_map(|set| set["elem"].as_array().cloned().unwrap_or_default())
        .map(|element| element.to_string())
        .collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
