//! A reload: what changed changes, what did not feels nothing, and what is wrong is refused.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use vrrp_net::lab::{Frame, Lateness, Moment, harness};
use vrrp_net::netlink::Event;

use crate::elections::instance;
use crate::support::Program::Vrrpd;
use crate::support::{Lan, Node, announces, ip};

pub(crate) fn a_bad_reload_changes_nothing() {
    let lateness = Lateness::watch().unwrap();
    let lan = Lan::new();
    let good = instance("VI_1", 51, 100, "192.0.2.100", "");
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &good);
    a.start();
    a.wait_holds("192.0.2.100");
    let start = Moment::now();
    let watch = a.host.watch().unwrap();
    let bad = [
        good.replace("eth0", "eth9"),
        good.replace("virtual_router_id 51", "virtual_router_id 0"),
        good.replacen("{", "", 1),
        String::new() + "include " + &a.file("keepalived.conf").display().to_string(),
    ];
    for (times, text) in bad.iter().enumerate() {
        a.configure(text);
        a.signal(Signal::SIGHUP);
        a.wait_says_times("Not reloaded", times + 1);
    }
    std::fs::remove_file(a.file("keepalived.conf")).unwrap();
    a.signal(Signal::SIGHUP);
    a.wait_says_times("Not reloaded", bad.len() + 1);
    let end = Moment::now();
    a.wait_advert(end + Duration::from_millis(500), "the master to go on", |_, outgoing| outgoing);
    assert!(a.holds("192.0.2.100") && watch.all().is_empty(), "{:?}", watch.all());
    for pair in a.sent(start).windows(2) {
        let [(first, one), (second, two)] = pair else { continue };
        assert_eq!(one.octets, two.octets);
        let (gap, bound) = (second.since(*first), lateness.allow(Duration::from_millis(300)));
        assert!(gap < bound, "adverts are missing: {gap:?} of {bound:?}");
    }
    // And a good one is taken.
    a.configure(&good.replace("192.0.2.100", "192.0.2.101"));
    a.signal(Signal::SIGHUP);
    a.wait_holds("192.0.2.101");
    a.wait_lacks("192.0.2.100");
}

/// A bug, or a thread that does not listen, in any part of a reload: whichever configuration is in force is whole.
pub(crate) fn a_reload_that_breaks_leaves_a_configuration() {
    if !cfg!(debug_assertions) {
        harness::skip("a release has no bug to be planted");
    }
    for (planted, said, is_new) in
        [("reload", "Not reloaded", false), ("commit", "Not reloaded", false), ("adopt", "Reloaded, ", true)]
    {
        let lan = Lan::new();
        let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
        let config = |vip: &str| {
            let text = format!("#!/bin/sh\necho {vip} > {}\n", a.file("log").display());
            let script = a.script(&format!("{vip}.sh"), &text);
            instance("VI_1", 51, 100, vip, &format!("notify_stop {}", script.display()))
        };
        let [old, new] = ["192.0.2.100", "192.0.2.101"].map(|vip| (vip, config(vip)));
        a.configure(&old.1);
        let mut command = a.command();
        command.env("VRRPD_PLANT", planted);
        a.daemon = Some(a.host.spawn(&mut command).unwrap());
        a.wait_holds(old.0);
        a.configure(&new.1);
        a.signal(Signal::SIGHUP);
        a.wait_says(said);
        let after = Moment::now();
        let [there, gone] = if is_new { [new.0, old.0] } else { [old.0, new.0] };
        a.wait_holds(there);
        a.wait_lacks(gone);
        a.wait_advert(after, "the master to go on", |advert, outgoing| {
            outgoing && advert.addresses == [ip(there)]
        });
        assert!(a.stop().success(), "{planted}: {}", a.output());
        assert!(!a.holds(there) && !a.holds(gone));
        assert_eq!(a.read("log"), format!("{there}\n"), "{planted}: {}", a.output());
    }
}

/// A directory that is not mounted, or a pipe in place of a file, must not take every address away.
pub(crate) fn a_reload_that_finds_no_instance_is_doubted() {
    let lan = Lan::new();
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], "include conf.d/*.conf\n");
    std::fs::create_dir(a.file("conf.d")).unwrap();
    let part = a.file("conf.d/a.conf");
    std::fs::write(&part, instance("VI_1", 51, 100, "192.0.2.100", "")).unwrap();
    a.start();
    a.wait_holds("192.0.2.100");
    let start = Moment::now();
    std::fs::remove_file(&part).unwrap();
    a.signal(Signal::SIGHUP);
    a.wait_says_times("Not reloaded", 1);
    assert!(Command::new("mkfifo").arg(&part).status().unwrap().success());
    a.signal(Signal::SIGHUP);
    a.wait_says_times("Not reloaded", 2);
    let end = Moment::now();
    a.wait_advert(end, "the master to go on", |_, outgoing| outgoing);
    assert!(a.holds("192.0.2.100"));
    assert!(a.sent(start).iter().all(|(_, advert)| advert.priority == 100), "{}", a.output());

    // Whoever writes a file without an instance is believed, and told.
    a.configure("global_defs {\n}\n");
    a.signal(Signal::SIGHUP);
    a.wait_lacks("192.0.2.100");
    a.wait_says("there is no vrrp_instance left");
    assert!(a.stop().success());
}

/// Not even a request that changes nothing: the kernel is only asked, all through the reload.
pub(crate) fn an_identical_reload_writes_nothing_to_the_kernel() {
    if Command::new("strace").arg("-V").output().is_err() {
        harness::skip("there is no strace on this machine: apt-get install strace");
    }
    let lan = Lan::new();
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &instance("VI_1", 51, 100, "192.0.2.100", ""));
    let trace = a.file("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=sendto,sendmsg,sendmmsg", "-o"]).arg(&trace);
    command.arg(a.command().get_program()).args(a.command().get_args());
    a.daemon = Some(a.host.spawn(&mut command).unwrap());
    a.wait_holds("192.0.2.100");
    let written = || std::fs::read_to_string(&trace).unwrap_or_default();
    let writes = |trace: &str| {
        let writes = ["RTM_NEW", "RTM_DEL", "RTM_SET", "NFT_MSG_NEW", "NFT_MSG_DEL"];
        trace.lines().filter(|line| writes.iter().any(|write| line.contains(write))).count()
    };
    a.wait("the trace of the address", || writes(&written()) > 0);
    let before = written().len();
    let start = Moment::now();
    let reload = format!("kill -HUP $(cat {})", a.file("vrrpd.pid").display());
    a.host.run(Command::new("sh").args(["-c", &reload])).unwrap();
    a.wait_says("Reload complete");
    // Longer than from one look of the kernel thread at everything to the next.
    a.wait_advert(start + Duration::from_secs(6), "the master to go on", |_, outgoing| outgoing);
    let trace = written();
    let since = trace.get(before..).unwrap_or_default();
    assert!(since.contains("RTM_GET"), "the kernel was looked at: {since}");
    assert_eq!(writes(since), 0, "{since}");
}

pub(crate) fn a_reload_changes_what_changed() {
    let lateness = Lateness::watch().unwrap();
    let lan = Lan::new();
    let both = |vips: &str, second: &str| instance("VI_1", 51, 100, vips, "") + second;
    let second = instance("VI_2", 52, 100, "192.0.2.200", "");
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &both("192.0.2.100\n192.0.2.101", &second));
    a.start();
    a.wait_holds("192.0.2.101");
    a.wait_holds("192.0.2.200");
    let announced = |a: &Node, since: Moment, vip: &str| {
        let frames = a.wire.frames();
        let announcing = |frame: &&Frame| frame.outgoing && frame.at >= since && announces(frame, ip(vip));
        frames.iter().filter(announcing).count()
    };
    a.wait("every announcement", || announced(&a, Moment(0), "192.0.2.200") == 5);
    let watch = a.host.watch().unwrap();
    let changed = Moment::now();

    // One address goes, one comes; the one that stays and the other instance feel nothing.
    a.configure(&both("192.0.2.101\n192.0.2.102", &second));
    a.signal(Signal::SIGHUP);
    a.wait_holds("192.0.2.102");
    a.wait_lacks("192.0.2.100");
    a.wait("the new address to be announced", || announced(&a, changed, "192.0.2.102") > 0);
    assert_eq!(announced(&a, changed, "192.0.2.200"), 0);
    let felt = watch.all().into_iter().filter_map(|(_, event)| match event {
        Event::AddressAdded(address) | Event::AddressRemoved(address) => Some(address.address),
        _ => None,
    });
    let felt: Vec<_> = felt.collect();
    assert!(!felt.contains(&ip("192.0.2.101")) && !felt.contains(&ip("192.0.2.200")), "{felt:?}");
    for pair in a.sent(changed).iter().filter(|(_, advert)| advert.vrid == 52).collect::<Vec<_>>().windows(2)
    {
        let (gap, bound) = (pair[1].0.since(pair[0].0), lateness.allow(Duration::from_millis(300)));
        assert!(gap < bound, "adverts are missing: {gap:?} of {bound:?}");
    }

    // An instance that is not named any more leaves as if the daemon stopped.
    let removed = Moment::now();
    a.configure(&both("192.0.2.101\n192.0.2.102", ""));
    a.signal(Signal::SIGHUP);
    a.wait_lacks("192.0.2.200");
    a.wait_advert(removed, "priority 0", |advert, outgoing| {
        outgoing && advert.vrid == 52 && advert.priority == 0
    });
    assert!(a.holds("192.0.2.101"));
    assert!(a.sent(removed).iter().all(|(_, advert)| advert.vrid == 52 || advert.priority == 100));
}

pub(crate) fn included_files_count() {
    let lan = Lan::new();
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
    let directory = a.file("conf.d");
    std::fs::create_dir(&directory).unwrap();
    let part = |name: &str, vrid, vip| {
        std::fs::write(directory.join(name), instance(name, vrid, 100, vip, "")).unwrap()
    };
    part("one.conf", 51, "192.0.2.101");
    part("two.conf", 52, "192.0.2.102");
    part("three.off", 53, "192.0.2.103");
    a.configure(&format!("# parts\ninclude {}/*.conf ! all of them\n", directory.display()));
    a.start();
    a.wait_holds("192.0.2.101");
    a.wait_holds("192.0.2.102");
    assert!(!a.holds("192.0.2.103"));
    part("three.conf", 53, "192.0.2.103");
    a.signal(Signal::SIGHUP);
    a.wait_holds("192.0.2.103");
}
