//! The lab itself: what it measures, what it cuts, and that nothing of it stays behind.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vrrp_net::lab::{self, Bridge, Host, Lab, Moment, harness, wait_for, write_pcap};
use vrrp_net::netlink::{LinkKind, NewLink, Peer, Request};

fn main() -> ExitCode {
    match env::var(ROLE).as_deref() {
        Ok("enter with two threads") => enter_with_two_threads(),
        Ok("enter") => enter_and_ping(),
        Ok("harness") => harness::main(&[
            ("passes", || ()),
            ("panics", || panic!("as it should")),
            ("skips", || harness::skip("why")),
        ]),
        Ok("harness of a victim") => {
            let test = || {
                let _processes = with_processes_of_every_sort();
                hang();
            };
            harness::main(&[("victim", test)])
        }
        Ok("victim") => victim(hang),
        Ok("panicking victim") => victim(|| panic!("as it should")),
        Ok(_) | Err(_) => harness::main(&[
            ("a_cut_is_silent_and_both_ways", a_cut_is_silent_and_both_ways),
            ("a_deaf_host_still_sends", a_deaf_host_still_sends),
            ("a_host_can_go_before_its_daemons", a_host_can_go_before_its_daemons),
            ("a_host_has_its_own_files_and_processes", a_host_has_its_own_files_and_processes),
            ("a_killed_daemon_leaves_no_descendants", a_killed_daemon_leaves_no_descendants),
            ("a_mute_host_still_hears", a_mute_host_still_hears),
            ("a_second_thread_forbids_entering", a_second_thread_forbids_entering),
            ("adverts_of_keepalived_are_captured", adverts_of_keepalived_are_captured),
            ("an_outage_is_measured_to_the_millisecond", an_outage_is_measured_to_the_millisecond),
            ("an_unplugged_interface_loses_its_carrier", an_unplugged_interface_loses_its_carrier),
            ("captures_are_readable_by_tcpdump", captures_are_readable_by_tcpdump),
            ("nothing_is_left_after_a_panic", nothing_is_left_after_a_panic),
            ("nothing_is_left_after_a_signal_to_the_program", nothing_is_left_after_a_signal_to_the_program),
            ("nothing_is_left_after_kill_9_of_the_harness", nothing_is_left_after_kill_9_of_the_harness),
            (
                "nothing_is_left_after_kill_9_of_any_of_its_processes",
                nothing_is_left_after_kill_9_of_any_of_its_processes,
            ),
            ("the_harness_reports_as_cargo_test_does", the_harness_reports_as_cargo_test_does),
            ("what_forbids_namespaces_is_named", what_forbids_namespaces_is_named),
            ("without_root_there_is_a_lab_too", without_root_there_is_a_lab_too),
        ]),
    }
}

fn an_outage_is_measured_to_the_millisecond() {
    let net = two_hosts();
    let pinger = net.c.ping(ip("192.0.2.1")).unwrap();
    pinger.wait_for_answer(Moment::default(), PATIENCE).unwrap();
    let cut = net.a.cut("eth0").unwrap();
    let until = cut + Duration::from_millis(150);
    wait_for(PATIENCE, "150 ms to pass", || (Moment::now() >= until).then_some(())).unwrap();
    let mended = net.a.mend("eth0").unwrap();
    let patience = Duration::from_millis(100);
    let answered = pinger.wait_for_answer(mended, PATIENCE).unwrap();
    // What is asked less than the patience before the end is not judged.
    pinger.wait_for_answer(answered + patience, PATIENCE).unwrap();
    let report = pinger.finish();

    let outages = report.outages(patience);
    let [outage] = outages[..] else { panic!("{outages:?}") };
    let tolerance = report.resolution() + Duration::from_millis(1);
    assert!(outage.from.since(cut) <= tolerance && outage.from >= cut, "{outage:?} {cut} {tolerance:?}");
    let end = outage.to.unwrap();
    assert!(end <= answered && end + tolerance >= mended, "{outage:?} {mended} {answered}");
    assert!(
        outage.lost as u128 * 2 > outage.duration(report.end).as_millis(),
        "one request a millisecond: {outage:?}"
    );
}

fn a_cut_is_silent_and_both_ways() {
    let net = two_hosts();
    let (at_a, at_c) = (net.a.capture("eth0").unwrap(), net.c.capture("eth0").unwrap());
    let (a_pings, c_pings) = net.ping_both();
    let cut = net.a.cut("eth0").unwrap();
    let settled = Moment::now();
    pass(Duration::from_millis(50));
    assert!(net.a.link("eth0").unwrap().is_up(), "the carrier stays");
    drop((a_pings, c_pings));
    let heard =
        |frames: Vec<lab::Frame>| frames.iter().filter(|frame| !frame.outgoing && frame.at > settled).count();
    assert!(cut <= settled);
    assert_eq!((heard(at_a.finish()), heard(at_c.finish())), (0, 0));
    net.assert_mends();
}

fn an_unplugged_interface_loses_its_carrier() {
    let net = two_hosts();
    net.a.unplug("eth0").unwrap();
    wait_for(PATIENCE, "the carrier to go", || (!net.a.link("eth0").unwrap().is_up()).then_some(())).unwrap();
    assert!(net.a.link("eth0").unwrap().is_admin_up());
    net.assert_mends();
}

fn a_deaf_host_still_sends() {
    harness::need_programs(&["nft"]);
    let net = two_hosts();
    net.a.deafen("eth0").unwrap();
    net.assert_one_way(&net.a, &net.c);
    net.assert_mends();
}

fn a_mute_host_still_hears() {
    harness::need_programs(&["nft"]);
    let net = two_hosts();
    net.a.mute("eth0").unwrap();
    net.assert_one_way(&net.c, &net.a);
    net.assert_mends();
}

fn captures_are_readable_by_tcpdump() {
    harness::need_programs(&["tcpdump", "unshare"]);
    let net = two_hosts();
    let capture = net.a.capture("eth0").unwrap();
    let before = Moment::now();
    drop(net.ping_both());
    let frames = capture.finish();
    assert!(
        frames.iter().all(|frame| frame.at >= before && frame.at <= Moment::now()),
        "stamped by the kernel"
    );
    let arp = frames
        .iter()
        .find_map(|frame| frame.arp())
        .expect("the hosts asked for each other's hardware address");
    assert!(arp.request && !arp.is_gratuitous());

    let path = net.lab.directory().join("a.pcap");
    write_pcap(&path, &frames).unwrap();
    // As root tcpdump would become another user, which it cannot where there is no other.
    let tcpdump = ["-U", "--map-user=1000", "--map-group=1000", "tcpdump", "-nn", "-tt", "--nano", "-r"];
    let output = Command::new("unshare").args(tcpdump).arg(&path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), frames.len(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for (line, frame) in text.lines().zip(&frames) {
        let stamp = format!("{}.{:09} ", frame.at.0 / 1_000_000_000, frame.at.0 % 1_000_000_000);
        assert!(line.starts_with(&stamp), "{line}");
        if let Some(packet) = frame.ip() {
            assert!(line.contains(&format!("{} > {}", packet.source, packet.destination)), "{line}");
        }
    }
}

fn adverts_of_keepalived_are_captured() {
    harness::need_programs(&["keepalived"]);
    let net = two_hosts();
    let capture = net.c.capture("eth0").unwrap();
    let config = "vrrp_instance V {\ninterface eth0\nstate MASTER\nvirtual_router_id 51\npriority 200\n\
         version 2\nadvert_int 1\nvirtual_ipaddress {\n192.0.2.100/24\n}\n}\n\
         vrrp_instance V6 {\ninterface eth0\nstate MASTER\nvirtual_router_id 61\npriority 201\n\
         version 3\nadvert_int 0.1\nvirtual_ipaddress {\nfe80::100\n}\n}\n";
    let config = net.a.write("keepalived.conf", config).unwrap();
    let daemon = net.a.spawn(Command::new("keepalived").args(["-n", "-l", "-D", "-f"]).arg(config)).unwrap();
    let advert = |vrid: u8| {
        let found = capture
            .wait_for(PATIENCE, "an advert", |frame| frame.advert().filter(|advert| advert.vrid == vrid));
        found.unwrap_or_else(|error| panic!("{error}\n{}", daemon.output()))
    };
    let v2 = advert(51);
    assert_eq!((v2.version, v2.priority, v2.auth_type, v2.interval, v2.ttl), (2, 200, 0, 1, 255));
    assert_eq!((v2.source, v2.destination), (ip("192.0.2.1"), ip("224.0.0.18")));
    assert_eq!(v2.addresses, [ip("192.0.2.100")]);
    let v3 = advert(61);
    assert_eq!((v3.version, v3.priority, v3.interval, v3.ttl), (3, 201, 10, 255));
    assert_eq!((v3.destination, v3.addresses), (ip("ff02::12"), vec![ip("fe80::100")]));
    let told =
        |frame: &lab::Frame| frame.arp().filter(|arp| arp.is_gratuitous() && arp.sender == ip("192.0.2.100"));
    let arp = capture.wait_for(PATIENCE, "the gratuitous ARP", told).unwrap();
    assert_eq!(Some(arp.sender_mac), net.a.link("eth0").unwrap().mac);
    let told = |frame: &lab::Frame| frame.neighbor_advert().filter(|advert| advert.target == ip("fe80::100"));
    let advert = capture.wait_for(PATIENCE, "the neighbour advertisement", told).unwrap();
    assert_eq!(
        (advert.flags & 0x60, advert.mac),
        (0x20, net.a.link("eth0").unwrap().mac),
        "unsolicited, override"
    );
}

fn a_host_has_its_own_files_and_processes() {
    harness::need_programs(&["killall"]);
    let net = two_hosts();
    assert_eq!(net.a.run(&mut Command::new("hostname")).unwrap(), "a\n");
    net.a.run(Command::new("sh").args(["-c", "echo mine > /run/file"])).unwrap();
    assert!(net.c.run(Command::new("cat").arg("/run/file")).is_err());
    let shared = net.a.write("shared", "text").unwrap();
    assert_eq!(net.c.run(Command::new("cat").arg(shared)).unwrap(), "text");

    let mut sleep = net.a.spawn(Command::new("sleep").arg("86397")).unwrap();
    let seen_on = |host: &Host| host.run(Command::new("killall").args(["-0", "sleep"])).is_ok();
    assert!(seen_on(&net.a) && !seen_on(&net.c));
    sleep.signal(Signal::SIGTERM).unwrap();
    assert_eq!(sleep.wait(PATIENCE).unwrap().code(), None);
    assert!(!sleep.is_running());

    let echo = net.a.spawn(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
    wait_for(PATIENCE, "what it writes", || (echo.output() == "out\nerr\n").then_some(())).unwrap();
}

fn a_host_can_go_before_its_daemons() {
    let Net { a, c, lab: _lab, .. } = two_hosts();
    let mut sleep = a.spawn(Command::new("sleep").arg("86397")).unwrap();
    drop(a);
    assert_eq!(sleep.wait(PATIENCE).unwrap().signal(), Some(Signal::SIGKILL as i32));
    sleep.signal(Signal::SIGTERM).unwrap();
    sleep.kill().unwrap();
    assert_eq!(c.run(&mut Command::new("hostname")).unwrap(), "c\n");
}

fn a_killed_daemon_leaves_no_descendants() {
    let net = two_hosts();
    let script = "sleep 86394 & setsid sh -c 'sleep 86395; true' & wait";
    let mut daemon = net.a.spawn(Command::new("sh").args(["-c", script])).unwrap();
    wait_for(PATIENCE, "all to run", || (sleeps(&processes()).len() == 2).then_some(())).unwrap();
    daemon.kill().unwrap();
    assert_eq!(sleeps(&processes()), []);
}

fn nothing_is_left_after_kill_9_of_any_of_its_processes() {
    for which in 0..3 {
        let victim = Victim::start("victim");
        // The one that stays outside, the first process inside, the program itself.
        let chosen = [victim.child.id().cast_signed(), victim.below(0), victim.below(1)][which];
        kill(Pid::from_raw(chosen), Signal::SIGKILL).unwrap();
        victim.assert_nothing_is_left();
    }
}

fn nothing_is_left_after_kill_9_of_the_harness() {
    let victim = Victim::start("harness of a victim");
    kill(Pid::from_raw(victim.child.id().cast_signed()), Signal::SIGKILL).unwrap();
    victim.assert_nothing_is_left();
}

fn nothing_is_left_after_a_signal_to_the_program() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let victim = Victim::start("victim");
        kill(Pid::from_raw(victim.child.id().cast_signed()), signal).unwrap();
        assert_eq!(victim.assert_nothing_is_left(), Some(128 + signal as i32), "{signal}");
    }
}

fn nothing_is_left_after_a_panic() {
    assert_eq!(Victim::start("panicking victim").assert_nothing_is_left(), Some(101));
}

fn a_second_thread_forbids_entering() {
    let output = play("enter with two threads").output().unwrap();
    assert!(text(&output).contains("before any thread is started"), "{}", text(&output));
}

fn what_forbids_namespaces_is_named() {
    harness::need_programs(&["unshare"]);
    for kind in ["net", "pid", "mnt"] {
        // In a user namespace of its own the limit can be set without harm to others.
        let script = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces && exec \"$0\"");
        let exe = env::current_exe().unwrap();
        let output =
            Command::new("unshare").args(["-Ur", "sh", "-c", &script]).arg(exe).env(ROLE, "enter").output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        let expected = format!("user.max_{kind}_namespaces is 0: set it to 1000");
        assert!(text(&output).contains(&expected), "{}", text(&output));
    }
}

fn without_root_there_is_a_lab_too() {
    harness::need_programs(&["setpriv"]);
    let identity = fs::read_to_string("/proc/self/uid_map").unwrap();
    if identity.split_whitespace().last() == Some("1") {
        // This test has no root itself, so that all the others have proven it.
        return drop(two_hosts().ping_both());
    }
    let lab = Lab::new().unwrap();
    let exe = lab.directory().join("program");
    fs::copy(env::current_exe().unwrap(), &exe).unwrap();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let output =
        Command::new("setpriv").args(nobody).arg(exe).env(ROLE, "enter").current_dir("/").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("answered"), "{}", text(&output));
}

fn the_harness_reports_as_cargo_test_does() {
    let run = |arguments: &[&str], no_skip: &str| {
        let output = play("harness").args(arguments).env("VRRPD_NO_SKIP", no_skip).output().unwrap();
        (output.status.code(), text(&output))
    };
    let (code, said) = run(&[], "");
    assert_eq!(code, Some(101), "{said}");
    for line in ["test passes ... ok\n", "test panics ... FAILED\n", "test skips ... ignored, why\n"] {
        assert!(said.contains(line), "{said}");
    }
    assert!(said.contains("as it should"), "what a failed test wrote is shown: {said}");
    assert!(said.contains(
        "\ntest result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in "
    ));
    let (code, said) = run(&["pass", "skip"], "0");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(
        "\ntest result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 1 filtered out; finished in "
    ));
    let (code, said) = run(&["skip"], "1");
    assert_eq!(code, Some(101), "{said}");
    assert!(said.contains("may not be skipped (VRRPD_NO_SKIP=1): why"), "{said}");
    assert_eq!(run(&["--list", "--format", "terse"], "").1, "passes: test\npanics: test\nskips: test\n");
}

/// A program with a lab, two hosts and processes of every sort in them.
struct Victim {
    child: Child,
    /// Process ids below the program, and what they are.
    processes: BTreeMap<i32, String>,
    /// One end of a cable whose other end is in a namespace of the victim's host.
    witness: &'static str,
}

impl Victim {
    fn start(role: &str) -> Self {
        let before = processes();
        let mut child = play(role).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        wait_for(PATIENCE, "the victim's processes", || (sleeps(&processes()).len() == 3).then_some(()))
            .unwrap();
        let mut all = processes();
        all.retain(|process, _| !before.contains_key(process) && *process != child.id().cast_signed());
        assert!(all.len() >= 3 + 2 + 2, "its own two processes, the first ones of both hosts: {all:?}");

        let namespace = File::open(format!("/proc/{}/ns/net", sleeps(&all)[0])).unwrap();
        let peer = Peer { name: "inside", mac: None, namespace: Some(namespace.as_fd()) };
        let mut request = Request::open().unwrap();
        request.create_link(&NewLink::new("witness", LinkKind::Veth { peer })).unwrap();
        // The panicking one waits for this.
        drop(child.stdin.take());
        Self { child, processes: all, witness: "witness" }
    }

    /// The process so many steps below the one that stays outside.
    fn below(&self, steps: usize) -> i32 {
        let children = |parent: i32| {
            let parent = format!("PPid:\t{parent}\n");
            let child_of = |process: &&i32| {
                fs::read_to_string(format!("/proc/{process}/status"))
                    .is_ok_and(|status| status.contains(&parent))
            };
            *self.processes.keys().find(child_of).unwrap()
        };
        (0..steps).fold(children(self.child.id().cast_signed()), |process, _| children(process))
    }

    /// Waits for its end and tells the exit code.
    fn assert_nothing_is_left(mut self) -> Option<i32> {
        let status = wait_for(PATIENCE, "the victim to end", || self.child.try_wait().unwrap()).unwrap();
        wait_for(PATIENCE, &format!("all to end: {:?}", self.processes), || {
            let left = processes();
            self.processes.iter().all(|(process, line)| left.get(process) != Some(line)).then_some(())
        })
        .unwrap();
        // A cable vanishes with the namespace of its other end, which the kernel removes when nothing holds it.
        let mut request = Request::open().unwrap();
        wait_for(PATIENCE, "its namespaces to end", || {
            request.link(self.witness).unwrap().is_none().then_some(())
        })
        .unwrap();
        status.code()
    }
}

fn hang() {
    loop {
        thread::park();
    }
}

fn victim(end: impl FnOnce()) -> ExitCode {
    lab::enter().unwrap();
    let _sleep = with_processes_of_every_sort();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    end();
    ExitCode::SUCCESS
}

fn with_processes_of_every_sort() -> (Net, lab::Daemon) {
    let net = two_hosts();
    let sleep = net.a.spawn(Command::new("sleep").arg("86391")).unwrap();
    let orphans = "setsid sleep 86392 & setsid sh -c 'sleep 86393 & :' & :;";
    net.a.run(Command::new("sh").args(["-c", &format!("{{ {orphans} }} > /dev/null 2>&1")])).unwrap();
    (net, sleep)
}

fn enter_with_two_threads() -> ExitCode {
    let (_hold, held) = std::sync::mpsc::channel::<()>();
    thread::spawn(move || held.recv());
    match lab::enter() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            println!("{refusal}");
            ExitCode::from(3)
        }
    }
}

fn enter_and_ping() -> ExitCode {
    if let Err(refusal) = lab::enter() {
        println!("{refusal}");
        return ExitCode::from(3);
    }
    drop(two_hosts().ping_both());
    println!("answered");
    ExitCode::SUCCESS
}

struct Net {
    lab: Lab,
    _lan: Bridge,
    a: Host,
    c: Host,
}

impl Net {
    /// Pings of both hosts that have been answered.
    fn ping_both(&self) -> (lab::Pinger, lab::Pinger) {
        let pings = (self.a.ping(ip("192.0.2.3")).unwrap(), self.c.ping(ip("2001:db8::1")).unwrap());
        pings.0.wait_for_answer(Moment::default(), PATIENCE).unwrap();
        pings.1.wait_for_answer(Moment::default(), PATIENCE).unwrap();
        pings
    }

    /// Asserts that what `from` sends comes to `to`, and nothing the other way.
    fn assert_one_way(&self, from: &Host, to: &Host) {
        let (at_from, at_to) = (from.capture("eth0").unwrap(), to.capture("eth0").unwrap());
        let pingers = [from, to].map(|host| {
            let other = if host.name() == "a" { "192.0.2.3" } else { "192.0.2.1" };
            host.ping(ip(other)).unwrap()
        });
        at_to.wait_for(PATIENCE, "a packet", |frame| (!frame.outgoing).then_some(())).unwrap();
        at_to.wait_for(PATIENCE, "an own packet", |frame| frame.outgoing.then_some(())).unwrap();
        pass(Duration::from_millis(50));
        drop(pingers);
        assert_eq!(at_from.finish().iter().filter(|frame| !frame.outgoing).count(), 0);
    }

    fn assert_mends(&self) {
        self.a.mend("eth0").unwrap();
        drop(self.ping_both());
    }
}

fn two_hosts() -> Net {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let (a, c) = (lab.host("a").unwrap(), lab.host("c").unwrap());
    a.attach(&lan, "eth0", &["192.0.2.1/24", "2001:db8::1/64"]).unwrap();
    c.attach(&lan, "eth0", &["192.0.2.3/24", "2001:db8::3/64"]).unwrap();
    Net { lab, _lan: lan, a, c }
}

/// This program in another role.
fn play(role: &str) -> Command {
    // Under nohup we ignore SIGHUP, and so would everybody that we start.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM,HUP").arg(env::current_exe().unwrap());
    command.env(ROLE, role).env_remove("VRRPD_LAB_TEST");
    command
}

/// All processes that we see, with their command lines.
fn processes() -> BTreeMap<i32, String> {
    let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let line = |path: PathBuf| {
        let process = path.file_name()?.to_str()?.parse().ok()?;
        let line = fs::read(path.join("cmdline")).ok()?;
        Some((process, String::from_utf8_lossy(&line).replace('\0', " ")))
    };
    entries.filter_map(line).collect()
}

/// Those among processes that a test has started as marks.
fn sleeps(processes: &BTreeMap<i32, String>) -> Vec<i32> {
    let is_mark = |(_, line): &(&i32, &String)| line.starts_with("sleep 8639");
    processes.iter().filter(is_mark).map(|(process, _)| *process).collect()
}

fn pass(time: Duration) {
    let until = Moment::now() + time;
    wait_for(PATIENCE, "time to pass", || (Moment::now() >= until).then_some(())).unwrap();
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Names the part that this program plays in its own tests.
const ROLE: &str = "VRRPD_LAB_ROLE_IN_TEST";
/// For what takes some milliseconds, on a machine under load.
const PATIENCE: Duration = Duration::from_secs(10);
