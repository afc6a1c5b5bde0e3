//! What the kernel's scheduler knows of a daemon and of the machine.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// The processes of a daemon: itself and all that came from it.
pub(crate) fn family(daemon: u32) -> BTreeSet<u32> {
    let mut family = BTreeSet::from([daemon]);
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, fields(&format!("/proc/{pid}/stat"))?.get(1)?.parse().ok()?)))
        .collect();
    loop {
        let before = family.len();
        family.extend(
            parents
                .iter()
                .filter(|(_, parent)| family.contains(parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if family.len() == before {
            return family;
        }
    }
}

/// The time that all threads of a daemon have run, by the scheduler's own count in nanoseconds.
pub(crate) fn cpu_time(daemon: u32) -> Duration {
    let of_task = |task: String| -> Option<u64> {
        fs::read_to_string(format!("{task}/schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(tasks(daemon).into_iter().filter_map(of_task).sum())
}

/// The scheduling classes that a daemon's threads run in, such as `other` or `rr 50`.
pub(crate) fn classes(daemon: u32) -> String {
    let class = |task: String| {
        let fields = fields(&format!("{task}/stat"))?;
        // Counted from the state on: rt_priority and policy are fields 40 and 41 of proc(5).
        let (priority, policy) = (fields.get(37)?.clone(), fields.get(38)?.as_str());
        Some(match policy {
            "0" => "other".to_owned(),
            "1" => format!("fifo {priority}"),
            "2" => format!("rr {priority}"),
            policy => format!("policy {policy}"),
        })
    };
    let classes: BTreeSet<String> = tasks(daemon).into_iter().filter_map(class).collect();
    classes.into_iter().collect::<Vec<_>>().join(", ")
}

/// Machine, kernel and the versions of what is compared.
pub(crate) fn machine() -> String {
    let mut text = String::new();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("", |(_, m)| m);
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let keepalived =
        Command::new("/usr/sbin/keepalived").arg("--version").output().map(|output| output.stderr);
    let keepalived = String::from_utf8_lossy(&keepalived.unwrap_or_default()).into_owned();
    let _ = writeln!(text, "machine     {count} × {model}");
    let _ = writeln!(text, "kernel      {}", kernel.trim());
    let _ = writeln!(text, "load        {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
    let _ = write!(text, "keepalived  {}", keepalived.lines().next().unwrap_or("not there"));
    text
}

fn tasks(daemon: u32) -> Vec<String> {
    let of_process = |pid: u32| fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let tasks = family(daemon).into_iter().flat_map(of_process);
    tasks.map(|task| task.path().to_string_lossy().into_owned()).collect()
}

/// The fields of a `stat` file behind the name, which may hold anything.
fn fields(path: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}
