//! From the start of the process to its end.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use vrrp_cli::daemon::cleanup;
use vrrp_core::{Config, InstanceConfig, InterfaceConfig, InterfaceId, RouterConfig, Vip, Vrid};
use vrrp_net::lab::{Moment, harness, wait_for};
use vrrp_net::netlink::Event;

use crate::elections::instance;
use crate::support::Program::{Keepalived, Vrrpd};
use crate::support::{Lan, PATIENCE, ip, vrrpd};

const VIP: &str = "192.0.2.100";

fn config() -> String {
    instance("VI_1", 51, 100, VIP, "")
}

pub(crate) fn a_daemon_detaches_and_is_the_only_one() {
    let lan = Lan::new();
    let node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    let pid_file = node.file("daemon.pid");
    let start = || {
        let mut command = vrrpd();
        command.args(["-D", "-G", "-f"]).arg(node.file("keepalived.conf")).arg("-p").arg(&pid_file);
        node.host.spawn(&mut command).unwrap()
    };
    // A number that somebody else has is no obstacle.
    std::fs::write(&pid_file, "1\n").unwrap();
    let mut first = start();
    assert_eq!(first.wait(PATIENCE).unwrap().code(), Some(0), "{}", first.output());
    node.wait_holds(VIP);
    let pid = || std::fs::read_to_string(&pid_file).unwrap_or_default().trim().to_string();
    assert!(!pid().is_empty() && pid() != "1");

    let mut second = start();
    assert_eq!(second.wait(PATIENCE).unwrap().code(), Some(1), "{}", second.output());
    assert!(second.output().contains("already running"), "{}", second.output());
    assert!(node.holds(VIP));

    let told = Moment::now();
    node.host.run(Command::new("kill").arg(pid())).unwrap();
    wait_for(PATIENCE, "the pid file to go", || (!pid_file.exists()).then_some(())).unwrap();
    assert!(!node.holds(VIP));
    assert_eq!(node.sent(told).pop().expect("it says that it leaves").1.priority, 0);

    // What is wrong is known before it goes into the background.
    node.configure("vrrp_instance VI_1 {\n");
    let mut bad = start();
    assert_eq!(bad.wait(PATIENCE).unwrap().code(), Some(2), "{}", bad.output());
    assert!(bad.output().contains("keepalived.conf:1"), "{}", bad.output());
}

pub(crate) fn a_keepalived_that_runs_is_seen() {
    let lan = Lan::new();
    let mut theirs = lan.node("a", Keepalived, &["192.0.2.1/24"], &config());
    theirs.start();
    theirs.wait_holds(VIP);
    let mut ours = vrrpd();
    ours.args(["run", "-f"]).arg(theirs.file("keepalived.conf")).arg("-p").arg(theirs.file("ka.pid"));
    let mut ours = theirs.host.spawn(&mut ours).unwrap();
    assert_eq!(ours.wait(PATIENCE).unwrap().code(), Some(1), "{}", ours.output());
    assert!(ours.output().contains("daemon is already running"), "{}", ours.output());
    assert!(theirs.holds(VIP) && theirs.daemon().is_running());
}

pub(crate) fn a_link_named_keepalived_is_keepalived() {
    let lan = Lan::new();
    let node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    let link = node.file("keepalived");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vrrpd"), &link).unwrap();
    let mut command = Command::new(&link);
    command.args(["-n", "-l", "-D", "-f"]).arg(node.file("keepalived.conf"));
    let mut daemon = node.host.spawn(&mut command).unwrap();
    node.wait_holds(VIP);
    // Where monitoring looks for keepalived, in the host's own /run.
    let pids = "test \"$(cat /run/keepalived.pid)\" = \"$(cat /run/keepalived_vrrp.pid)\" && kill $(cat /run/keepalived.pid)";
    node.host.run(Command::new("sh").args(["-c", pids])).unwrap();
    assert!(daemon.wait(PATIENCE).unwrap().success(), "{}", daemon.output());
    assert!(!node.holds(VIP));
    let gone = "test ! -e /run/keepalived.pid -a ! -e /run/keepalived_vrrp.pid";
    node.host.run(Command::new("sh").args(["-c", gone])).unwrap();
    assert!(daemon.output().contains("(VI_1) Entering MASTER STATE"), "{}", daemon.output());
}

pub(crate) fn signals_for_dumps_do_no_harm() {
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    node.start();
    node.wait_holds(VIP);
    node.signal(Signal::SIGUSR1);
    node.signal(Signal::SIGUSR2);
    let pid = node.daemon().id().to_string();
    for number in ["36", "63"] {
        assert!(Command::new("kill").args([&format!("-{number}"), &pid]).status().unwrap().success());
    }
    for said in ["SIGUSR1", "SIGUSR2", "signal 36", "signal 63"] {
        node.wait_says(said);
    }
    assert!(node.daemon().is_running() && node.holds(VIP));
    node.signal(Signal::SIGINT);
    assert!(node.wait_end().success());
    assert!(!node.holds(VIP));
}

pub(crate) fn systemd_hears_how_it_goes() {
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    let path = node.file("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = node.command();
    command.env("NOTIFY_SOCKET", &path);
    node.daemon = Some(node.host.spawn(&mut command).unwrap());
    let hear = || {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).expect("it says something");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(hear().contains("READY=1"));
    node.signal(Signal::SIGHUP);
    let reloading = hear();
    assert!(reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert!(hear().contains("READY=1"));
    node.signal(Signal::SIGTERM);
    assert!(hear().contains("STOPPING=1"));
    assert!(node.wait_end().success());
}

pub(crate) fn without_the_right_it_says_so() {
    let lan = Lan::new();
    let node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    let mut somebody_else = Command::new("setpriv");
    somebody_else.args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"]);
    if node.host.run(&mut somebody_else).is_err() {
        harness::skip("only root can be somebody else");
    }
    let program = node.file("vrrpd");
    std::fs::copy(env!("CARGO_BIN_EXE_vrrpd"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
    command.arg(&program).args(["run", "-f"]).arg(node.file("keepalived.conf"));
    let mut daemon = node.host.spawn(&mut command).unwrap();
    assert_eq!(daemon.wait(PATIENCE).unwrap().code(), Some(4), "{}", daemon.output());
    assert!(daemon.output().contains("CAP_NET_RAW"), "{}", daemon.output());
}

pub(crate) fn leftovers_of_a_killed_daemon_are_removed() {
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    node.start();
    node.wait_holds(VIP);
    node.daemon().kill().unwrap();
    assert!(node.holds(VIP), "nobody could remove it");
    // Another master is there meanwhile: the address must not be on two hosts.
    let mut other = lan.node("b", Vrrpd, &["192.0.2.2/24"], &instance("VI_1", 51, 150, VIP, ""));
    other.start();
    other.wait_holds(VIP);
    let restarted = Moment::now();
    node.start();
    node.wait_lacks(VIP);
    node.wait_advert(restarted + Duration::from_secs(1), "the other master to go on", |_, outgoing| {
        !outgoing
    });
    assert!(node.sent(restarted).is_empty() && !node.holds(VIP), "{}", node.output());
}

pub(crate) fn after_a_bug_the_addresses_are_removed() {
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24", "192.0.2.101/32"], &config());
    node.start();
    node.wait_holds(VIP);
    node.daemon().kill().unwrap();
    // What the main thread does when the thread that keeps the addresses is gone. The second address is not ours,
    // although it is configured.
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(InterfaceId(0), "eth0"));
    let vips = [VIP, "192.0.2.101"].map(|vip| Vip::new(ip(vip), 32, InterfaceId(0)));
    config.instances.push(InstanceConfig::new("VI_1", InterfaceId(0), Vrid::new(51).unwrap(), vips.to_vec()));
    let config = Config::new(config).unwrap();
    let removed = node.host.inside(|| cleanup::remove_addresses(&config)).unwrap();
    assert_eq!(removed.unwrap(), 1);
    assert!(!node.holds(VIP) && node.holds("192.0.2.101") && node.holds("192.0.2.1"));
}

pub(crate) fn a_panic_ends_the_daemon_cleanly() {
    if !cfg!(debug_assertions) {
        harness::skip("a release has no bug to be planted");
    }
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
    let script =
        node.script("stop.sh", &format!("#!/bin/sh\necho stopped > {}\n", node.file("log").display()));
    let notify = format!("notify_stop {}", script.display());
    node.configure(&format!(
        "global_defs {{\n vrrp_strict\n }}\n{}",
        instance("VI_1", 51, 100, VIP, &notify)
    ));
    let watch = node.host.watch().unwrap();
    let mut command = node.command();
    command.env("VRRPD_PLANT", "panic");
    node.daemon = Some(node.host.spawn(&mut command).unwrap());
    assert_eq!(node.wait_end().code(), Some(70), "{}", node.output());
    let came_and_went = watch.all().into_iter().filter(|(_, event)| match event {
        Event::AddressAdded(address) | Event::AddressRemoved(address) => address.address == ip(VIP),
        _ => false,
    });
    assert_eq!(came_and_went.count(), 2, "{}", node.output());
    assert!(!node.holds(VIP), "{}", node.output());
    assert_eq!(node.read("log"), "stopped\n");
    let tables = node.host.run(Command::new("nft").args(["list", "tables"])).unwrap();
    assert_eq!(tables, "", "its packet filter is left");
    assert!(node.output().contains("planted"), "{}", node.output());
}

pub(crate) fn a_panic_of_the_main_thread_ends_the_daemon_cleanly() {
    if !cfg!(debug_assertions) {
        harness::skip("a release has no bug to be planted");
    }
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
    let script =
        node.script("stop.sh", &format!("#!/bin/sh\necho stopped > {}\n", node.file("log").display()));
    let notify = format!("notify_stop {}", script.display());
    node.configure(&instance("VI_1", 51, 100, VIP, &notify));
    let mut command = node.command();
    command.env("VRRPD_PLANT", "main");
    node.daemon = Some(node.host.spawn(&mut command).unwrap());
    node.wait_holds(VIP);
    let planted = Moment::now();
    node.signal(Signal::SIGUSR2);
    assert_eq!(node.wait_end().code(), Some(70), "{}", node.output());
    assert_eq!(node.sent(planted).pop().expect("it says that it leaves").1.priority, 0);
    assert!(!node.holds(VIP), "{}", node.output());
    assert_eq!(node.read("log"), "stopped\n");
}

pub(crate) fn one_file_has_one_daemon() {
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    let file = node.file("keepalived.conf");
    let run = |file: &std::path::Path| {
        let mut command = vrrpd();
        command.args(["run", "-f"]).arg(file);
        command
    };
    node.daemon = Some(node.host.spawn(&mut run(&file)).unwrap());
    node.wait_holds(VIP);
    let link = node.file("link.conf");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let mut as_keepalived = vrrpd();
    as_keepalived.args(["-n", "-l", "-G", "-p"]).arg(node.file("other.pid")).arg("-f").arg(&file);
    for mut command in [run(&file), run(&link), as_keepalived] {
        let mut second = node.host.spawn(&mut command).unwrap();
        assert_eq!(second.wait(PATIENCE).unwrap().code(), Some(1), "{}", second.output());
        assert!(second.output().contains("daemon is already running: process "), "{}", second.output());
    }
    assert!(node.holds(VIP) && node.daemon().is_running());

    // Another file is another daemon, and what a crash leaves behind is no obstacle.
    let other = node.host.write("other.conf", &instance("VI_2", 52, 100, "192.0.2.102", "")).unwrap();
    let mut second = node.host.spawn(&mut run(&other)).unwrap();
    node.wait_holds("192.0.2.102");
    second.signal(Signal::SIGTERM).unwrap();
    assert!(second.wait(PATIENCE).unwrap().success());
    node.daemon().kill().unwrap();
    node.daemon = Some(node.host.spawn(&mut run(&file)).unwrap());
    node.wait_says("Entering MASTER STATE");
    assert!(node.stop().success(), "{}", node.output());
    assert!(!node.holds(VIP));
}

/// A container has ten seconds before it is killed.
pub(crate) fn a_notify_that_hangs_does_not_hold_up_the_end() {
    let lan = Lan::new();
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
    let script = node.script("hang.sh", "#!/bin/bash\ntrap '' TERM\nwhile :; do sleep 1; done\n");
    node.configure(&instance("VI_1", 51, 100, VIP, &format!("notify_stop {}", script.display())));
    node.start();
    node.wait_holds(VIP);
    let told = Moment::now();
    assert!(node.stop().success(), "{}", node.output());
    let took = Moment::now().since(told);
    assert!(took < Duration::from_secs(8), "{took:?}\n{}", node.output());
    assert!(!node.holds(VIP));
    let left = node.host.run(Command::new("sh").args(["-c", "pgrep -f '[h]ang.sh' || true"])).unwrap();
    assert_eq!(left, "", "the script is left");
}

pub(crate) fn a_network_namespace_can_be_named() {
    let lan = Lan::new();
    let node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &config());
    let inside = node.host.spawn(Command::new("sleep").arg("1000")).unwrap();
    let mut command = vrrpd();
    command.args(["run", "-f"]).arg(node.file("keepalived.conf"));
    let mut outside = command.arg("-s").arg(format!("/proc/{}/ns/net", inside.id())).spawn().unwrap();
    node.wait_holds(VIP);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(outside.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(outside.wait().unwrap().success());
    assert!(!node.holds(VIP));
    let unknown =
        vrrpd().args(["run", "-s", "no-such-namespace", "-f"]).arg(node.file("keepalived.conf")).output();
    let unknown = unknown.unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("/run/netns/no-such-namespace"));
}
