//! What happens with 1,000 addresses in one instance: whether they come in time, and whether there stays one master.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::Duration;

use vrrp_net::lab::{self, Frame, Host, Lab, Moment, Watch};
use vrrp_net::netlink::Event;

use crate::program::{Log, Program};
use crate::table::{Aim, Table, ms};
use crate::{PATIENCE, process};

const COUNT: u16 = 1000;
const INTERVAL: Duration = Duration::from_millis(100);
const HOSTS: [(&str, u8); 2] = [("a", 150), ("b", 100)];
/// Time for whatever goes wrong to show, and for what was late to come right.
const SETTLE: Duration = Duration::from_secs(15);

/// The family of the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    V4,
    V6,
}

impl Kind {
    const fn work(self, log: Log) -> &'static str {
        match (self, log) {
            (Self::V4, Log::Plain) => "1,000 IPv4 addresses at 100 ms",
            (Self::V4, Log::Detailed) => "the same with -D",
            (Self::V6, _) => "1,000 IPv6 addresses at 100 ms",
        }
    }

    fn address(self, number: u16) -> IpAddr {
        let [high, low] = number.to_be_bytes();
        match self {
            Self::V4 => Ipv4Addr::new(10, 9, high, low).into(),
            Self::V6 if number == 0 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 9, 0).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 9, 0, 0, 0, number).into(),
        }
    }
}

/// Starts two hosts, lets the second one take over, and gives the link back.
pub(crate) fn measure(
    program: &Program,
    kind: Kind,
    log: Log,
    table: &mut Table,
) -> Result<(), Box<dyn Error>> {
    let lab = Lab::new()?;
    let lan = lab.bridge()?;
    let (a, b, client) = (lab.host(HOSTS[0].0)?, lab.host(HOSTS[1].0)?, lab.host("client")?);
    a.attach(&lan, "eth0", &["192.0.2.1/24", "fe80::1/64"])?;
    b.attach(&lan, "eth0", &["192.0.2.2/24", "fe80::2/64"])?;
    client.attach(&lan, "eth0", &["192.0.2.10/24"])?;
    let all: BTreeSet<IpAddr> = (0..COUNT).map(|number| kind.address(number)).collect();
    let wires = [a.capture("eth0")?, b.capture("eth0")?];
    let watches = [a.watch()?, b.watch()?];
    let daemons =
        [program.start(&a, &file(kind, HOSTS[0].1), log)?, program.start(&b, &file(kind, HOSTS[1].1), log)?];
    thread::sleep(SETTLE);
    let masters_at_start = holders(&[&a, &b], &all)?;
    let started = arrival(&wires[0].frames(), &watches[0], &all, Moment::default());
    let cut = a.cut("eth0")?;
    lab::wait_for(PATIENCE, "the second host to hold all addresses", || complete(&b, &all))?;
    thread::sleep(SETTLE);
    let (frames, end) = (wires[1].frames(), Moment::now());
    let adverts = [adverts_after(&frames, cut), vec![end]].concat();
    let late = adverts.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap_or_default();
    let taken = arrival(&frames, &watches[1], &all, cut);
    a.mend("eth0")?;
    thread::sleep(SETTLE);
    let masters_at_end = holders(&[&a, &b], &all)?;

    let (who, work) = (program.name(), kind.work(log));
    let one = |count: usize| Some(Aim::new("1", count == 1));
    table.add(
        work,
        "hosts with the addresses 15 s after the start",
        who,
        masters_at_start.to_string(),
        one(masters_at_start),
    );
    for (figure, arrival) in [("at the start", started), ("at takeover", taken)] {
        let aim = |span: Duration| match kind {
            Kind::V4 => Some(Aim::new("≤ 100 ms", span <= Duration::from_millis(100))),
            Kind::V6 => None,
        };
        let value = arrival.map_or("never".to_owned(), ms);
        let aim = aim(arrival.unwrap_or(Duration::MAX));
        table.add(work, &format!("all installed after the first advert, {figure}"), who, value, aim);
    }
    let on_time = Aim::new("≤ 110 ms", late <= INTERVAL + INTERVAL / 10);
    table.add(work, "longest gap between the adverts of the new master", who, ms(late), Some(on_time));
    table.add(
        work,
        "hosts with the addresses 15 s after the link is back",
        who,
        masters_at_end.to_string(),
        one(masters_at_end),
    );
    table.add(work, "scheduling", who, process::classes(daemons[1].id()), None);
    Ok(())
}

fn complete(host: &Host, all: &BTreeSet<IpAddr>) -> Option<()> {
    let held: BTreeSet<IpAddr> = host.addresses().ok()?.iter().map(|held| held.address).collect();
    all.is_subset(&held).then_some(())
}

/// How many hosts hold any of the addresses: more than one is two masters.
fn holders(hosts: &[&Host; 2], all: &BTreeSet<IpAddr>) -> Result<usize, lab::Error> {
    let mut holders = 0;
    for host in hosts {
        holders += usize::from(host.addresses()?.iter().any(|held| all.contains(&held.address)));
    }
    Ok(holders)
}

/// When a host has sent adverts that claim the addresses, from a moment on.
fn adverts_after(frames: &[Frame], since: Moment) -> Vec<Moment> {
    let own = frames.iter().filter(|frame| frame.outgoing && frame.at >= since);
    own.filter(|frame| frame.advert().is_some_and(|advert| advert.priority > 0))
        .map(|frame| frame.at)
        .collect()
}

/// From the first advert that a host sends to the moment at which the kernel holds the last of the addresses.
fn arrival(frames: &[Frame], watch: &Watch, all: &BTreeSet<IpAddr>, since: Moment) -> Option<Duration> {
    let decided = *adverts_after(frames, since).first()?;
    let mut missing = all.clone();
    for (at, event) in watch.all() {
        match event {
            Event::AddressAdded(added) if at >= since => missing.remove(&added.address),
            Event::AddressRemoved(removed) if all.contains(&removed.address) && at >= since => {
                missing.insert(removed.address)
            }
            _ => continue,
        };
        if missing.is_empty() {
            return Some(at.since(decided));
        }
    }
    None
}

fn file(kind: Kind, priority: u8) -> String {
    let line = |number| match kind {
        Kind::V4 => format!("        {}/32\n", kind.address(number)),
        Kind::V6 => format!("        {}/64\n", kind.address(number)),
    };
    let mut text = format!(
        "global_defs {{
    vrrp_version 3
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.1
    virtual_ipaddress {{
{}    }}
    virtual_ipaddress_excluded {{
",
        line(0)
    );
    (1..COUNT).for_each(|number| text.push_str(&line(number)));
    let _ = write!(text, "    }}\n}}\n");
    text
}
