//! How many of the adverts that are due one host sends, and what each costs it.

use std::error::Error;
use std::fmt::Write as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use vrrp_net::lab::{self, Host, Lab};

use crate::program::{Log, Program};
use crate::table::{Aim, Table};
use crate::{PATIENCE, process};

const INSTANCES: u32 = 255;
const INTERVAL: Duration = Duration::from_millis(10);
/// Announcements are over by then: keepalived's second set goes out after 5 s.
const SETTLE: Duration = Duration::from_secs(8);
const WINDOW: Duration = Duration::from_secs(10);
const WORK: &str = "255 masters at 10 ms";

/// Lets one host be master of 255 instances with nobody else on the link.
pub(crate) fn measure(program: &Program, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let lab = Lab::new()?;
    let lan = lab.bridge()?;
    let a = lab.host("a")?;
    a.attach(&lan, "eth0", &["10.0.0.1/8"])?;
    let daemon = program.start(&a, &file(), Log::Plain)?;
    lab::wait_for(PATIENCE, "all instances to be master", || {
        (a.addresses().ok()?.iter().filter(|held| held.prefix == 32).count() == INSTANCES as usize)
            .then_some(())
    })?;
    thread::sleep(SETTLE);
    let (cpu, sent, start) = (process::cpu_time(daemon.id()), sent(&a)?, Instant::now());
    thread::sleep(WINDOW);
    let (cpu_after, sent_after, window) = (process::cpu_time(daemon.id()), self::sent(&a)?, start.elapsed());
    let (cpu, sent) = (cpu_after - cpu, sent_after - sent);
    let due = window.as_secs_f64() / INTERVAL.as_secs_f64() * f64::from(INSTANCES);
    let share = sent as f64 / due * 100.0;
    let each = cpu.as_secs_f64() * 1e6 / sent as f64;
    let ratio = table.compare(WORK, each);
    table.add(
        WORK,
        "adverts sent of those due",
        program.name(),
        format!("{share:.2} %"),
        Some(Aim::new("≥ 99.5 %", share >= 99.5)),
    );
    table.add(WORK, "CPU time an advert", program.name(), format!("{each:.2} µs"), None);
    table.add(
        WORK,
        "CPU of one core",
        program.name(),
        format!("{:.1} %", cpu.as_secs_f64() / window.as_secs_f64() * 100.0),
        None,
    );
    table.add(WORK, "scheduling", program.name(), process::classes(daemon.id()), None);
    if let Some(ratio) = ratio {
        table.add(
            WORK,
            "vrrpd's CPU time an advert as a part of keepalived's",
            "vrrpd",
            format!("{ratio:.2}"),
            Some(Aim::new("≤ 0.25", ratio <= 0.25)),
        );
    }
    Ok(())
}

/// The packets that an interface has sent: adverts, when nothing else happens.
fn sent(host: &Host) -> Result<u64, Box<dyn Error>> {
    let text = host.run(Command::new("cat").arg("/proc/self/net/dev"))?;
    let line =
        text.lines().find_map(|line| line.trim_start().strip_prefix("eth0:")).ok_or("there is no eth0")?;
    Ok(line.split_whitespace().nth(9).ok_or("/proc/net/dev has other columns")?.parse()?)
}

fn file() -> String {
    let mut text = "global_defs {\n    vrrp_version 3\n}\n".to_owned();
    for vrid in 1..=INSTANCES {
        let _ = write!(
            text,
            "vrrp_instance VI_{vrid} {{
    state MASTER
    interface eth0
    virtual_router_id {vrid}
    priority 100
    advert_int 0.01
    virtual_ipaddress {{
        10.1.0.{vrid}/32
    }}
}}
"
        );
    }
    text
}
