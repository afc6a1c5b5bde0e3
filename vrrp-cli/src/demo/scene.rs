//! The hosts, and what is done to them.

use std::cell::RefCell;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use vrrp_net::lab::{self, Capture, Daemon, Host, Lab, Moment, Pinger, Watch};
use vrrp_net::netlink::Event;

use super::timeline::Fact;
use super::{Error, Options};

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));
const PRIORITIES: [u8; 2] = [150, 100];
const NAMES: [&str; 2] = ["web1", "web2"];
/// Nothing here takes longer, whatever the machine is doing, beside the intervals themselves.
const PATIENCE: Duration = Duration::from_secs(10);
/// A ping that is not answered by then is lost.
const ANSWER: Duration = Duration::from_millis(20);

/// One thing that happens to the hosts, and what came of it.
pub(super) type Act = fn(&Scene, Moment) -> Result<Outcome, Error>;

/// What an act cost the client.
pub(super) struct Outcome {
    pub(super) outage: Duration,
    /// How exactly that is known.
    pub(super) resolution: Duration,
    /// The longest outage that the protocol allows; none if nothing is promised.
    pub(super) bound: Option<Duration>,
}

/// Two routers and a client on one switch.
pub(super) struct Scene {
    hosts: [Host; 2],
    watches: [Watch; 2],
    files: [PathBuf; 2],
    wire: Capture,
    pinger: Pinger,
    daemons: RefCell<Vec<Daemon>>,
    program: PathBuf,
    is_ours: bool,
    interval: Duration,
    // Last, so that the hosts go before their switch.
    _client: Host,
    _lab: Lab,
}

impl Scene {
    pub(super) fn build(options: &Options) -> Result<Self, Error> {
        let lab = Lab::new()?;
        let lan = lab.bridge()?;
        let hosts = [lab.host(NAMES[0])?, lab.host(NAMES[1])?];
        let client = lab.host("client")?;
        for (host, address) in hosts.iter().zip(["192.0.2.1/24", "192.0.2.2/24"]) {
            host.attach(&lan, "eth0", &[address])?;
        }
        client.attach(&lan, "eth0", &["192.0.2.10/24"])?;
        let file = |at: usize| hosts[at].write("keepalived.conf", &file(PRIORITIES[at], options));
        let files = [file(0)?, file(1)?];
        let program = options.daemon.clone().map_or_else(std::env::current_exe, Ok).map_err(Error::Myself)?;
        Ok(Self {
            watches: [hosts[0].watch()?, hosts[1].watch()?],
            wire: client.capture("eth0")?,
            pinger: client.ping(VIP)?,
            hosts,
            files,
            daemons: RefCell::default(),
            program,
            is_ours: options.daemon.is_none(),
            interval: options.interval.as_duration(),
            _client: client,
            _lab: lab,
        })
    }

    pub(super) fn introduce(&self, out: &mut dyn Write) -> Result<(), Error> {
        writeln!(
            out,
            "Two hosts, {} and {}, and a client on one switch, each in a network",
            NAMES[0], NAMES[1]
        )?;
        writeln!(out, "namespace. The client pings {VIP} every millisecond. On {} runs", NAMES[0])?;
        writeln!(
            out,
            "{} with this file ({} has priority {}):\n",
            self.program.display(),
            NAMES[1],
            PRIORITIES[1]
        )?;
        let text = std::fs::read_to_string(&self.files[0])?;
        text.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
        Ok(())
    }

    pub(super) fn start(&self, since: Moment) -> Result<Outcome, Error> {
        for (host, file) in self.hosts.iter().zip(&self.files) {
            let mut command = Command::new(&self.program);
            match self.is_ours {
                true => command.arg("run"),
                false => command.args(["-n", "-l", "-D"]),
            };
            self.daemons.borrow_mut().push(host.spawn(command.arg("-f").arg(file))?);
        }
        self.wait_for_master(0)?;
        self.pinger.wait_for_answer(since, self.patience())?;
        self.settle()?;
        Ok(Outcome { outage: Duration::ZERO, resolution: Duration::ZERO, bound: None })
    }

    pub(super) fn cut(&self, _: Moment) -> Result<Outcome, Error> {
        let cut = self.hosts[0].cut("eth0")?;
        self.wait_for_master(1)?;
        self.pinger.wait_for_answer(cut + ANSWER, self.patience())?;
        self.settle()?;
        // Three intervals after the last advert, which was sent at the cut at the latest.
        Ok(self.outcome(cut, self.interval * 3 + self.skew()))
    }

    pub(super) fn mend(&self, since: Moment) -> Result<Outcome, Error> {
        self.hosts[0].mend("eth0")?;
        lab::wait_for(self.patience(), "web2 to yield", || {
            self.hosts[1].holds(VIP).ok().filter(|held| !held)
        })?;
        self.pinger.wait_for_answer(Moment::now(), self.patience())?;
        self.settle()?;
        Ok(self.outcome(since, self.interval))
    }

    pub(super) fn stop_master(&self, since: Moment) -> Result<Outcome, Error> {
        self.end(0)?;
        self.wait_for_master(1)?;
        self.pinger.wait_for_answer(Moment::now(), self.patience())?;
        self.settle()?;
        Ok(self.outcome(since, self.skew()))
    }

    /// Ends what still runs, and looks whether anything was left behind.
    pub(super) fn leave(&self) -> Result<(), Error> {
        self.end(0)?;
        for host in &self.hosts {
            if host.holds(VIP)? {
                return Err(Error::Left { host: host.name().to_string(), address: VIP });
            }
        }
        Ok(())
    }

    /// All that was seen since a moment.
    pub(super) fn observe(&self, since: Moment) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (watch, name) in self.watches.iter().zip(NAMES) {
            for (at, event) in watch.all() {
                match event {
                    Event::AddressAdded(held) if held.address == VIP => {
                        facts.push(Fact::holds(at, name, true))
                    }
                    Event::AddressRemoved(held) if held.address == VIP => {
                        facts.push(Fact::holds(at, name, false))
                    }
                    _ => {}
                }
            }
        }
        for frame in self.wire.frames() {
            facts.extend(Fact::of_frame(&frame, VIP));
        }
        for outage in self.pinger.report().outages(ANSWER) {
            facts.push(Fact::reachable(outage.from, false));
            facts.extend(outage.to.map(|to| Fact::reachable(to, true)));
        }
        facts.retain(|fact| fact.at >= since);
        facts.sort_by_key(|fact| fact.at);
        facts
    }

    fn outcome(&self, since: Moment, bound: Duration) -> Outcome {
        let report = self.pinger.report();
        let outages = report.outages(ANSWER).into_iter().filter(|outage| outage.from >= since);
        let worst = outages.max_by_key(|outage| outage.duration(report.end));
        let outage = worst.map(|outage| outage.duration(report.end)).unwrap_or_default();
        // The machine may have held the pings up just where it matters.
        let near = |at: Moment| worst.is_some_and(|worst| at >= worst.from && Some(at) <= worst.to);
        let gaps = report
            .probes
            .windows(2)
            .filter(|pair| near(pair[1].sent))
            .map(|pair| pair[1].sent - pair[0].sent);
        Outcome { outage, resolution: gaps.max().unwrap_or_default(), bound: Some(bound) }
    }

    /// Waits until a host holds the address and tells the client's wire so.
    fn wait_for_master(&self, at: usize) -> Result<(), Error> {
        let what = format!("{} to hold {VIP}", NAMES[at]);
        lab::wait_for(self.patience(), &what, || self.hosts[at].holds(VIP).ok().filter(|held| *held))?;
        Ok(())
    }

    /// Lets one more advert pass, so that an act ends in peace.
    fn settle(&self) -> Result<(), Error> {
        let mark = self.wire.mark();
        lab::wait_for(self.patience(), "the next advert", || {
            self.wire.since(mark).iter().find_map(|frame| frame.advert())
        })?;
        Ok(())
    }

    fn end(&self, at: usize) -> Result<(), Error> {
        let mut daemon = self.daemons.borrow_mut().remove(at);
        daemon.signal(Signal::SIGTERM)?;
        daemon.wait(self.patience())?;
        Ok(())
    }

    /// Skew_Time of the host that takes over.
    fn skew(&self) -> Duration {
        self.interval * (256 - u32::from(PRIORITIES[1])) / 256
    }

    fn patience(&self) -> Duration {
        PATIENCE + self.interval * 8
    }
}

fn file(priority: u8, options: &Options) -> String {
    format!(
        "vrrp_instance VI_1 {{\n    interface eth0\n    virtual_router_id 51\n    priority {priority}\n    version 3\n    \
         advert_int {}\n    virtual_ipaddress {{\n        {VIP}/24\n    }}\n}}\n",
        options.interval
    )
}
