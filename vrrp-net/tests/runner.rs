//! What scripts are promised: one at a time, in order, ended with their whole group, and never a success by mistake.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use vrrp_core::{CheckOutcome, GroupId, InstanceId, Notification, Notify, Subject, TrackerId};
use vrrp_net::lab::harness;
use vrrp_net::runner::{
    Command, Commands, Identity, Notifies, Report, Runner, RunnerHandle, Told, environment,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    handle: RunnerHandle,
    reports: Receiver<Report>,
    thread: std::thread::JoinHandle<()>,
    directory: PathBuf,
}

impl Bench {
    fn new(name: &str, commands: Commands) -> Self {
        let directory = std::env::temp_dir().join(format!("vrrpd-runner-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let (sender, reports) = channel();
        let tell = move |report| drop(sender.send(report));
        let (runner, handle) = Runner::new(environment(&[]), tell).expect("a runner");
        let thread = std::thread::spawn(move || runner.run().expect("the loop"));
        handle.configure(commands).expect("room");
        Self { handle, reports, thread, directory }
    }

    fn check(&self, number: u32, name: &str) {
        self.handle.run_check(TrackerId::from_number(number), name).expect("room");
    }

    fn notify(&self, what: Notification) {
        let subject = Subject::Instance(InstanceId::from_number(0));
        self.handle.notify(&Notify { subject, name: "VI_1", what, priority: 100 }).expect("room");
    }

    fn report(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).expect("a report")
    }

    fn outcome(&self) -> (CheckOutcome, String) {
        match self.report() {
            Report::CheckEnded { outcome, words, .. } | Report::NotifyEnded { outcome, words, .. } => {
                (outcome, words)
            }
            other => panic!("{other:?}"),
        }
    }

    fn finish(self) {
        self.handle.finish().expect("room");
        self.thread.join().expect("no panic");
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn shell(text: impl AsRef<str>) -> Command {
    Command::shell("/bin/bash", text.as_ref())
}

fn program(words: &[&str]) -> Command {
    Command::program(words[0], words.iter().map(OsString::from).collect())
}

fn checks<const N: usize>(commands: [(&str, Command); N]) -> Commands {
    let mut all = Commands::new();
    all.checks = commands.map(|(name, command)| (name.to_string(), command)).into();
    all
}

/// The descriptors that every child of this process gets: 0, 1, 2, and what whoever started the test left open.
fn inheritable_descriptors() -> Vec<String> {
    const CLOSE_ON_EXEC: u32 = 0o2_000_000;
    let entries = fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let mut inheritable: Vec<u32> = entries
        .filter(|entry| {
            let info = content(&entry.path());
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
            flags.is_some_and(|flags| u32::from_str_radix(flags.trim(), 8).unwrap() & CLOSE_ON_EXEC == 0)
        })
        .map(|entry| entry.file_name().to_str().unwrap().parse().unwrap())
        .collect();
    inheritable.sort_unstable();
    inheritable.iter().map(u32::to_string).collect()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited for {what}");
        std::thread::yield_now();
    }
}

fn is_alive(pid: &str) -> bool {
    // A zombie whose parent has not looked yet is dead.
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_check_says_how_it_ended_and_its_first_words() {
    let bench = Bench::new(
        "ended",
        checks([
            ("good", program(&["/bin/true"])),
            ("bad", shell("echo out; echo err >&2; exit 3")),
            ("signal", shell("kill -SEGV $$")),
            ("flood", shell("head -c 10000000 /dev/zero | tr '\\0' x; exit 1")),
        ]),
    );
    let ended = |number, name| {
        bench.check(number, name);
        bench.outcome()
    };
    assert_eq!(ended(1, "good"), (CheckOutcome::Exited(0), String::new()));
    assert_eq!(ended(2, "bad"), (CheckOutcome::Exited(3), "out | err".to_string()));
    assert_eq!(ended(3, "signal").0, CheckOutcome::Signaled(11));
    let (outcome, words) = ended(4, "flood");
    assert_eq!((outcome, words.len()), (CheckOutcome::Exited(1), 1024));
    bench.finish();
}

#[test]
fn a_check_that_cannot_run_has_failed() {
    let bench = Bench::new(
        "notrun",
        checks([
            ("gone", program(&["/no/such/file"])),
            ("denied", program(&["/etc/passwd"])),
            ("refused", Command::refused("/x", "others can write it")),
        ]),
    );
    for (number, name, words) in [
        (1, "gone", "/no/such/file"),
        (2, "denied", "/etc/passwd"),
        (3, "refused", "others can write it"),
        (4, "unknown", "no such script"),
    ] {
        bench.check(number, name);
        let (outcome, said) = bench.outcome();
        assert_eq!(outcome, CheckOutcome::NotRun);
        assert!(said.contains(words), "{said}");
    }
    bench.finish();
}

#[test]
fn a_check_that_is_stopped_goes_with_its_whole_group() {
    let bench = Bench::new("group", Commands::new());
    let pid = bench.directory.join("pid");
    let stubborn = format!("trap '' TERM; (trap '' TERM; sleep 1000) & echo $! > {}; wait", pid.display());
    bench.handle.configure(checks([("stubborn", shell(stubborn))])).unwrap();
    bench.check(1, "stubborn");
    wait_until("the grandchild", || content(&pid).ends_with('\n'));
    let tracker = TrackerId::from_number(1);
    bench.handle.stop_check(tracker, false).unwrap();
    bench.handle.stop_check(tracker, true).unwrap();
    assert_eq!(bench.outcome().0, CheckOutcome::Signaled(9));
    wait_until("the grandchild to die", || !is_alive(&content(&pid)));
    bench.finish();
}

#[test]
fn what_ignores_the_request_to_end_is_killed_when_the_runner_finishes() {
    let bench = Bench::new("finish", Commands::new());
    let pid = bench.directory.join("pid");
    let stubborn = format!("trap '' TERM; echo $$ > {}; while :; do sleep 0.05; done", pid.display());
    bench.handle.configure(checks([("stubborn", shell(stubborn))])).unwrap();
    bench.check(1, "stubborn");
    wait_until("the script", || content(&pid).ends_with('\n'));
    let script = content(&pid);
    bench.finish();
    wait_until("the script to die", || !is_alive(&script));
}

#[test]
fn one_check_runs_once_at_a_time() {
    let bench = Bench::new("once", Commands::new());
    let starts = bench.directory.join("starts");
    let go = bench.directory.join("go");
    let script =
        format!("echo x >> {}; until [ -e {} ]; do sleep 0.01; done", starts.display(), go.display());
    bench.handle.configure(checks([("slow", shell(script))])).unwrap();
    bench.check(1, "slow");
    bench.check(1, "slow");
    wait_until("the start", || !content(&starts).is_empty());
    fs::write(&go, "").unwrap();
    assert_eq!(bench.outcome().0, CheckOutcome::Exited(0));
    assert_eq!(content(&starts), "x\n");
    bench.finish();
}

#[test]
fn a_process_left_in_the_background_does_not_hold_the_result_back_and_may_go_on_writing() {
    let bench = Bench::new("background", Commands::new());
    let done = bench.directory.join("done");
    let go = bench.directory.join("go");
    let script = format!(
        "(until [ -e {} ]; do sleep 0.01; done; echo late && echo yes > {}) & exit 0",
        go.display(),
        done.display()
    );
    bench.handle.configure(checks([("parent", shell(script))])).unwrap();
    bench.check(1, "parent");
    assert_eq!(bench.outcome().0, CheckOutcome::Exited(0));
    fs::write(&go, "").unwrap();
    wait_until("the background process to write", || content(&done) == "yes\n");
    bench.finish();
}

fn notifies(log: &Path) -> Commands {
    let write = |word: &str| shell(format!("sleep 0.0{}; echo {word} >> {}", word.len() % 3, log.display()));
    let mut of_instance = Notifies::new();
    of_instance.master = Some(write("master"));
    of_instance.backup = Some(write("backup"));
    of_instance.stop = Some(write("stop"));
    of_instance.any = Some(shell(format!("f() {{ echo \"$*\" >> {}; }}; f", log.display())));
    let mut commands = Commands::new();
    commands.instances.insert("VI_1".to_string(), of_instance);
    commands
}

#[test]
fn notifies_run_in_the_order_of_the_events_with_keepalived_s_arguments() {
    let bench = Bench::new("order", Commands::new());
    let log = bench.directory.join("log");
    bench.handle.configure(notifies(&log)).unwrap();
    for what in [Notification::Backup, Notification::Master, Notification::Backup, Notification::Stop] {
        bench.notify(what);
    }
    for _ in 0..8 {
        assert_eq!(bench.outcome().0, CheckOutcome::Exited(0));
    }
    let line = |state| format!("INSTANCE VI_1 {state} 100");
    let expected = [
        "backup".to_string(),
        line("BACKUP"),
        "master".to_string(),
        line("MASTER"),
        "backup".to_string(),
        line("BACKUP"),
        "stop".to_string(),
        line("STOP"),
    ];
    assert_eq!(content(&log).lines().collect::<Vec<_>>(), expected);
    bench.finish();
}

#[test]
fn a_group_is_told_as_a_group() {
    let bench = Bench::new("grouped", Commands::new());
    let log = bench.directory.join("log");
    let mut commands = Commands::new();
    let mut notifies = Notifies::new();
    notifies.any = Some(program(&["/bin/bash", "-c", "echo \"$@\" > \"$0\"", &log.display().to_string()]));
    commands.groups.insert("G".to_string(), notifies);
    bench.handle.configure(commands).unwrap();
    let subject = Subject::Group(GroupId::from_number(0));
    bench.handle.notify(&Notify { subject, name: "G", what: Notification::Master, priority: 0 }).unwrap();
    assert_eq!(bench.outcome().0, CheckOutcome::Exited(0));
    assert_eq!(content(&log), "GROUP G MASTER 0\n");
    bench.finish();
}

#[test]
fn what_a_reload_removed_still_gets_its_last_notify() {
    let bench = Bench::new("removed", Commands::new());
    let log = bench.directory.join("log");
    bench.handle.configure(notifies(&log)).unwrap();
    bench.handle.configure(Commands::new()).unwrap();
    bench.notify(Notification::Backup);
    assert_eq!(bench.outcome().0, CheckOutcome::Exited(0));
    assert_eq!(bench.outcome().0, CheckOutcome::Exited(0));
    assert_eq!(content(&log), "backup\nINSTANCE VI_1 BACKUP 100\n");
    bench.finish();
}

#[test]
fn the_last_wish_runs_though_the_notify_before_it_hangs() {
    let bench = Bench::new("hangs", Commands::new());
    let log = bench.directory.join("log");
    let mut commands = notifies(&log);
    commands.instances.get_mut("VI_1").unwrap().fault = Some(shell("exec sleep 1000"));
    bench.handle.configure(commands).unwrap();
    bench.notify(Notification::Fault);
    bench.notify(Notification::Stop);
    let directory = bench.directory.clone();
    let start = Instant::now();
    bench.handle.finish().unwrap();
    bench.thread.join().unwrap();
    let lines = content(&log);
    assert!(lines.contains("stop\n"), "{lines}");
    assert!(start.elapsed() < Duration::from_secs(9), "the end is bounded");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_script_runs_as_who_it_was_given() {
    if !nix::unistd::Uid::effective().is_root() {
        assert!(!harness::is_skipping_forbidden(), "only root can be somebody else");
        println!("skipped: only root can be somebody else");
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().expect("every Linux has a nobody");
    let nobody = Identity::new(nobody.uid.as_raw(), nobody.gid.as_raw(), Vec::new());
    let id = shell("echo $(id -un):$(id -Gn):$HOME; exit 1").with_identity(Some(nobody));
    let bench = Bench::new("identity", checks([("id", id)]));
    bench.check(1, "id");
    assert_eq!(bench.outcome(), (CheckOutcome::Exited(1), "nobody:nogroup:".to_string()));
    bench.finish();
}

#[test]
fn a_script_finds_nothing_that_was_not_given() {
    let given = inheritable_descriptors();
    let bench = Bench::new("clean", Commands::new());
    let found = bench.directory.join("found");
    let look = format!(
        "ls -v /proc/$$/fd > {}; readlink /proc/$$/fd/0; echo ${{CARGO_PKG_NAME-unset}}; exit 1",
        found.display()
    );
    bench.handle.configure(checks([("look", shell(look))])).unwrap();
    bench.check(1, "look");
    let (_, words) = bench.outcome();
    assert_eq!(words, "/dev/null | unset");
    // None of the runner's own, nor of the scripts that run beside it.
    assert_eq!(content(&found).lines().collect::<Vec<_>>(), given);
    bench.finish();
}

/// Whoever is to hear that a check has ended may be busy: the runner goes on with the others and tells it again.
#[test]
fn a_report_that_cannot_be_taken_is_told_again_and_holds_up_no_other() {
    let mut commands = Commands::new();
    for name in ["first", "second"] {
        commands.checks.insert(name.to_string(), program(&["/bin/true"]));
    }
    let (sender, reports) = channel();
    let (mut refusals, mut is_second_told) = (0, false);
    let tell = move |report: Report| {
        let is_first = matches!(&report, Report::CheckEnded { name, .. } if name == "first");
        if is_first && (refusals < 3 || !is_second_told) {
            refusals += 1;
            return Told::Later(report);
        }
        is_second_told |= !is_first;
        sender.send(report).unwrap();
        Told::Taken
    };
    let (mut runner, handle) = Runner::new(environment(&[]), tell).expect("a runner");
    handle.configure(commands).expect("room");
    for (number, name) in ["first", "second"].into_iter().enumerate() {
        handle.run_check(TrackerId::from_number(u32::try_from(number).unwrap()), name).expect("room");
    }
    let start = Instant::now();
    let mut told = Vec::new();
    while told.len() < 2 && start.elapsed() < PATIENCE {
        runner.turn(Some(Duration::from_secs(1))).expect("the loop");
        told.extend(reports.try_iter());
    }
    let names: Vec<&str> = told
        .iter()
        .map(|report| match report {
            Report::CheckEnded { name, outcome, .. } => {
                assert_eq!(*outcome, CheckOutcome::Exited(0));
                &**name
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["second", "first"]);
}
