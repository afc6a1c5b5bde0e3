//! Checks and notifies, as users write them.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use vrrp_net::lab::{Moment, harness};

use crate::elections::instance;
use crate::support::Program::Vrrpd;
use crate::support::{Lan, Node};

const VIP: &str = "192.0.2.100";

fn alone(lan: &Lan) -> Node {
    lan.node("a", Vrrpd, &["192.0.2.1/24"], "")
}

/// One instance that watches one script.
fn tracked(script: &str, more: &str) -> String {
    format!("vrrp_script chk {{\n script {script}\n interval 0.2\n {more}\n }}\n")
        + &instance("VI_1", 51, 100, VIP, "track_script {\n chk\n }")
}

pub(crate) fn a_weight_moves_the_master() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let script = format!("\"/usr/bin/test ! -e {}\"", a.file("down").display());
    a.configure(&tracked(&script, "weight -2"));
    let mut b = lan.node("b", Vrrpd, &["192.0.2.2/24"], &instance("VI_1", 51, 99, VIP, ""));
    a.start();
    b.start();
    a.wait_holds(VIP);
    b.wait_lacks(VIP);
    // 100 - 2 is less than 99: the other one takes over although nobody is at fault.
    std::fs::write(a.file("down"), "").unwrap();
    let failed = Moment::now();
    b.wait_holds(VIP);
    a.wait_lacks(VIP);
    b.wait_advert(failed, "an advert with 98", |advert, outgoing| !outgoing && advert.priority == 98);
    std::fs::remove_file(a.file("down")).unwrap();
    a.wait_holds(VIP);
    b.wait_lacks(VIP);
}

pub(crate) fn a_script_can_be_shell() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    a.configure(&tracked(&format!("\"[[ -f {} ]] && exit 1 || exit 0\"", a.file("down").display()), ""));
    a.start();
    a.wait_holds(VIP);
    std::fs::write(a.file("down"), "").unwrap();
    a.wait_lacks(VIP);
    std::fs::remove_file(a.file("down")).unwrap();
    a.wait_holds(VIP);
}

pub(crate) fn killall_finds_a_process() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    a.configure(&tracked("\"killall -0 haproxy\"", ""));
    std::fs::copy("/bin/sleep", a.file("haproxy")).unwrap();
    let haproxy = || std::process::Command::new(a.file("haproxy"));
    let mut process = a.host.spawn(haproxy().arg("1000")).unwrap();
    a.start();
    a.wait_holds(VIP);
    process.kill().unwrap();
    a.wait_lacks(VIP);
}

pub(crate) fn a_script_that_vanishes_has_failed() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let script = a.script("chk.sh", "#!/bin/sh\nexit 0\n");
    a.configure(&tracked(&format!("\"{}\"", script.display()), ""));
    a.start();
    a.wait_holds(VIP);
    // keepalived takes a script that cannot be run for one that succeeded.
    std::fs::remove_file(&script).unwrap();
    a.wait_lacks(VIP);
    a.script("chk.sh", "#!/bin/sh\nexit 0\n");
    a.wait_holds(VIP);
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o644)).unwrap();
    a.wait_lacks(VIP);
}

pub(crate) fn a_script_may_stop_the_daemon() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let pid = a.file("vrrpd.pid");
    // It waits for the end of what waits for it, as `service keepalived stop` in a check does.
    let text = format!(
        "#!/bin/bash\n[ -e {0}/go ] || exit 0\nkill $(cat {1})\nwhile [ -e {1} ]; do sleep 0.02; done\n",
        a.host.directory().display(),
        pid.display()
    );
    let script = a.script("stopper.sh", &text);
    let timeout = "timeout 60";
    a.configure(&tracked(&format!("\"{}\"", script.display()), timeout));
    a.start();
    a.wait_holds(VIP);
    let told = Moment::now();
    std::fs::write(a.file("go"), "").unwrap();
    let status = a.wait_end();
    assert!(status.success(), "{status}\n{}", a.output());
    assert!(
        Moment::now().since(told) < Duration::from_secs(8),
        "it waited for the script that waited for it"
    );
    assert!(!a.holds(VIP));
    let last = a.sent(told).pop().expect("it says that it leaves").1;
    assert_eq!(last.priority, 0);
    assert!(!pid.exists());
}

pub(crate) fn a_notify_may_stop_the_daemon() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let pid = a.file("vrrpd.pid");
    let text =
        format!("#!/bin/bash\nkill $(cat {0})\nwhile [ -e {0} ]; do sleep 0.02; done\n", pid.display());
    let script = a.script("stopper.sh", &text);
    let last = a.script("last.sh", &format!("#!/bin/bash\necho last > {}\n", a.file("log").display()));
    let notify = format!("notify_master {}\nnotify_stop {}", script.display(), last.display());
    a.configure(&instance("VI_1", 51, 100, VIP, &notify));
    let start = Moment::now();
    a.start();
    let status = a.wait_end();
    assert!(status.success(), "{status}\n{}", a.output());
    assert!(
        Moment::now().since(start) < Duration::from_secs(9),
        "it waited for the script that waited for it"
    );
    assert_eq!(a.read("log"), "last\n", "the last notify ran behind the one that hung");
    assert!(!a.holds(VIP));
}

pub(crate) fn notifies_come_in_order_with_their_arguments() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let script = a.script("notify.sh", &format!("#!/bin/bash\necho \"$@\" >> {}\n", a.file("log").display()));
    // The slow one must not be overtaken.
    let slow =
        a.script("slow.sh", &format!("#!/bin/bash\nsleep 0.7\necho \"$@\" >> {}\n", a.file("log").display()));
    let (script, slow) = (script.display(), slow.display());
    let more = format!(
        "notify_backup \"{slow} backup\"
        notify_master \"{script} master\"
        notify_stop \"{slow} stop\"
        notify \"{script} 'two words'\""
    );
    let group = format!("vrrp_sync_group G {{\n group {{\n VI_1\n VI_2\n }}\n notify {script}\n }}\n");
    let second = instance("VI_2", 52, 100, "192.0.2.200", "");
    a.configure(&(group + &instance("VI_1", 51, 100, VIP, &more) + &second));
    a.start();
    a.wait_holds(VIP);
    a.wait("the notify of MASTER", || a.read("log").contains("INSTANCE VI_1 MASTER"));
    assert!(a.stop().success());
    let log = a.read("log");
    let of_instance: Vec<&str> = log.lines().filter(|line| !line.starts_with("GROUP")).collect();
    assert_eq!(
        of_instance,
        [
            "backup",
            "two words INSTANCE VI_1 BACKUP 100",
            "master",
            "two words INSTANCE VI_1 MASTER 100",
            "stop",
            "two words INSTANCE VI_1 STOP 100",
        ]
    );
    let of_group: Vec<&str> = log.lines().filter(|line| line.starts_with("GROUP")).collect();
    assert_eq!(of_group, ["GROUP G BACKUP 0", "GROUP G MASTER 0", "GROUP G STOP 0"]);
}

pub(crate) fn a_lower_master_is_told_to_the_one_that_hears_it() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let script = a.script("lower.sh", &format!("#!/bin/sh\necho \"$@\" >> {}\n", a.file("log").display()));
    let notify = format!("notify_master_rx_lower_pri \"{} heard\"", script.display());
    a.configure(&instance("VI_1", 51, 150, VIP, &notify));
    let mut b = lan.node("b", Vrrpd, &["192.0.2.2/24"], &instance("VI_1", 51, 100, VIP, ""));
    a.start();
    a.wait_holds(VIP);
    // Only now: on a busy machine two that start together may both be MASTER for a moment.
    b.start();
    b.wait_lacks(VIP);
    a.host.cut("eth0").unwrap();
    b.wait_holds(VIP);
    assert_eq!(a.read("log"), "");
    a.host.mend("eth0").unwrap();
    b.wait_lacks(VIP);
    a.wait("the notify", || a.read("log").starts_with("heard\n"));
    assert!(a.holds(VIP));
}

pub(crate) fn scripts_inherit_nothing() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let look = format!(
        "ls /proc/$$/fd > {0}/fds; env > {0}/env; cat /proc/$$/stat > {0}/stat",
        a.host.directory().display()
    );
    let script =
        a.script("look.sh", &format!("#!/bin/bash\n{look}\necho done > {}\n", a.file("done").display()));
    a.configure(&instance("VI_1", 51, 100, VIP, &format!("notify_master {}", script.display())));
    let mut command = a.command();
    command.env("SECRET", "x").env("LD_PRELOAD", "").env("SHARED", "y").env("VRRPD_SCRIPT_ENV", "SHARED");
    a.daemon = Some(a.host.spawn(&mut command).unwrap());
    a.wait("the script", || a.read("done") == "done\n");
    // 255 is where bash keeps the script itself.
    assert_eq!(a.read("fds").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "255"]);
    let environment = a.read("env");
    assert!(!environment.contains("SECRET") && !environment.contains("LD_PRELOAD"), "{environment}");
    assert!(environment.contains("SHARED=y") && environment.contains("PATH="), "{environment}");
    // Behind the name: state, parent, group. The group is its own.
    let stat = a.read("stat");
    let (pid, rest) = stat.split_once(' ').unwrap();
    assert_eq!(rest.rsplit_once(") ").unwrap().1.split(' ').nth(2), Some(pid));
}

/// A unit gives the daemon a real-time priority for its packets, not for its scripts and logs.
pub(crate) fn only_packets_are_in_real_time() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let look = format!("#!/bin/bash\ngrep ^policy /proc/$$/sched > {}\n", a.file("log").display());
    let script = a.script("look.sh", &look);
    a.configure(&instance("VI_1", 51, 100, VIP, &format!("notify_master {}", script.display())));
    let vrrpd = a.command();
    let mut command = std::process::Command::new("chrt");
    command.args(["-r", "10"]).arg(vrrpd.get_program()).args(vrrpd.get_args());
    let mut refused = std::process::Command::new("chrt");
    if a.host.run(refused.args(["-r", "10", "true"])).is_err() {
        harness::skip("this kernel gives nobody here a real-time priority");
    }
    a.daemon = Some(a.host.spawn(&mut command).unwrap());
    a.wait("the script", || a.read("log").ends_with('\n'));
    let policy = |sched: &str| {
        sched.lines().find_map(|line| line.strip_prefix("policy")?.rsplit(' ').next()?.parse().ok())
    };
    assert_eq!(policy(&a.read("log")), Some(0));
    let tasks = std::fs::read_dir(format!("/proc/{}/task", a.daemon().id())).unwrap();
    let mut policies: Vec<(String, i32)> = tasks
        .map(|task| task.unwrap().path())
        .map(|task| {
            let name = std::fs::read_to_string(task.join("comm")).unwrap().trim().to_string();
            (name, policy(&std::fs::read_to_string(task.join("sched")).unwrap()).unwrap())
        })
        .collect();
    policies.sort();
    let round_robin = 2;
    let expected = [("kernel", round_robin), ("log", 0), ("runner", 0), ("vrrp", round_robin), ("vrrpd", 0)];
    assert_eq!(policies, expected.map(|(name, policy)| (name.to_string(), policy)));
}

/// In a container vrrpd is the first process, to which orphans come.
pub(crate) fn the_first_process_buries_orphans() {
    let lan = Lan::new();
    let mut a = alone(&lan);
    let orphan = a.script("orphan.sh", "#!/bin/bash\n(sleep 0.01 &)\nexit 0\n");
    a.configure(&tracked(&format!("\"{}\"", orphan.display()), ""));
    let vrrpd = a.command();
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(vrrpd.get_program()).args(vrrpd.get_args());
    a.daemon = Some(a.host.spawn(&mut command).unwrap());
    a.wait_holds(VIP);
    // The orphans of many runs; at any moment no more than those since the last burial are dead and not buried.
    let since = Moment::now();
    a.wait_advert(since + Duration::from_secs(4), "twenty runs", |_, outgoing| outgoing);
    let dead = "grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l";
    let count = a.host.run(std::process::Command::new("sh").args(["-c", dead])).unwrap();
    assert!(count.trim().parse::<u32>().unwrap() <= 8, "{count} dead processes\n{}", a.output());
}
