//! Routers on a switch: the real vrrpd and Debian's real keepalived, and what kernels and wires say about them.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::expect_used)] // each test binary uses its part

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::Signal;
use vrrp_net::lab::{Advert, Bridge, Capture, Daemon, Frame, Host, Lab, Moment, harness, wait_for};
use vrrp_net::netlink::Address;

/// Nothing here takes longer, whatever else the machine does; no test depends on how long it is.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Which daemon a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Vrrpd,
    Keepalived,
}

/// A switch and what is on it.
pub struct Lan {
    pub bridge: Bridge,
    pub lab: Lab,
}

impl Lan {
    pub fn new() -> Self {
        let lab = Lab::new().unwrap();
        let bridge = lab.bridge().unwrap();
        Self { bridge, lab }
    }

    /// A host with `eth0` on the switch, with these addresses and a configuration.
    pub fn node(&self, name: &str, program: Program, addresses: &[&str], config: &str) -> Node {
        require(program);
        let host = self.lab.host(name).unwrap();
        host.attach(&self.bridge, "eth0", addresses).unwrap();
        let node = Node { wire: host.capture("eth0").unwrap(), host, program, daemon: None };
        node.configure(config);
        node
    }
}

/// A host with its daemon.
pub struct Node {
    pub wire: Capture,
    pub host: Host,
    pub program: Program,
    pub daemon: Option<Daemon>,
}

impl Node {
    /// Writes the configuration; a daemon that runs does not read it before it is told to.
    pub fn configure(&self, config: &str) -> PathBuf {
        self.host.write("keepalived.conf", config).unwrap()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.host.directory().join(name)
    }

    /// What a file of the host holds; nothing if there is none.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Writes an executable script and gives its path.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.host.write(name, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The command that runs the daemon in the foreground.
    pub fn command(&self) -> Command {
        let config = self.file("keepalived.conf");
        match self.program {
            Program::Vrrpd => {
                let mut command = vrrpd();
                command.args(["run", "-D", "-f"]).arg(config).arg("-p").arg(self.file("vrrpd.pid"));
                command
            }
            Program::Keepalived => {
                let mut command = Command::new("keepalived");
                command.args(["-n", "-l", "-D", "-P", "-f"]).arg(config);
                command.arg("-p").arg(self.file("ka.pid")).arg("-r").arg(self.file("ka_vrrp.pid"));
                command
            }
        }
    }

    pub fn start(&mut self) {
        let daemon = self.host.spawn(&mut self.command()).unwrap();
        self.daemon = Some(daemon);
    }

    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("the test started it")
    }

    pub fn output(&self) -> String {
        self.daemon.as_ref().map_or_else(String::new, Daemon::output)
    }

    pub fn signal(&mut self, signal: Signal) {
        self.daemon().signal(signal).unwrap();
    }

    /// Tells the daemon to stop, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait_end()
    }

    pub fn wait_end(&mut self) -> ExitStatus {
        let outcome = self.daemon().wait(PATIENCE);
        outcome.unwrap_or_else(|error| panic!("{error}\n{}", self.output()))
    }

    /// Waits until the daemon has written a text: to know when to look, never as the proof of anything.
    pub fn wait_says(&self, text: &str) {
        self.wait_says_times(text, 1);
    }

    pub fn wait_says_times(&self, text: &str, times: usize) {
        self.wait(&format!("`{text}`"), || self.output().matches(text).count() >= times);
    }

    pub fn holds(&self, address: &str) -> bool {
        self.host.holds(ip(address)).unwrap()
    }

    pub fn wait_holds(&self, address: &str) {
        self.wait(&format!("{address} to be there"), || self.holds(address));
    }

    pub fn wait_lacks(&self, address: &str) {
        self.wait(&format!("{address} to be gone"), || !self.holds(address));
    }

    pub fn wait(&self, what: &str, mut fact: impl FnMut() -> bool) {
        let name = self.host.name();
        let outcome = wait_for(PATIENCE, what, || fact().then_some(()));
        outcome.unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.output()));
    }

    /// All addresses but IPv6's own link-local ones, as the kernel lists them.
    pub fn addresses(&self) -> Vec<Address> {
        self.host.addresses().unwrap()
    }

    /// Waits for an advert on the wire of this node, past ones included.
    pub fn wait_advert(
        &self,
        since: Moment,
        what: &str,
        is_it: impl Fn(&Advert, bool) -> bool,
    ) -> (Moment, Advert) {
        let found = self.wire.wait_for(PATIENCE, what, |frame| {
            let advert = frame.advert()?;
            (frame.at >= since && is_it(&advert, frame.outgoing)).then_some((frame.at, advert))
        });
        found.unwrap_or_else(|error| panic!("{}: {error}\n{}", self.host.name(), self.output()))
    }

    /// The adverts that left this node since a moment.
    pub fn sent(&self, since: Moment) -> Vec<(Moment, Advert)> {
        let frames = self.wire.frames();
        let sent = frames.iter().filter(|frame| frame.outgoing && frame.at >= since);
        sent.filter_map(|frame| Some((frame.at, frame.advert()?))).collect()
    }
}

/// The vrrpd that cargo built for these tests.
pub fn vrrpd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_vrrpd"))
}

/// Whether a frame announces an address: a gratuitous ARP or an unsolicited neighbour advert for it.
pub fn announces(frame: &Frame, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => frame.arp().is_some_and(|arp| arp.is_gratuitous() && arp.target == address),
        IpAddr::V6(address) => frame.neighbor_advert().is_some_and(|advert| advert.target == address),
    }
}

/// Skips the test where keepalived is not installed.
pub fn require(program: Program) {
    if program == Program::Keepalived && Command::new("keepalived").arg("--version").output().is_err() {
        harness::skip("there is no keepalived on this machine: apt-get install keepalived");
    }
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Runs several scenarios at once, each in a lab of its own: where nothing but the order of events is asserted.
pub fn at_once(scenarios: Vec<(String, Box<dyn FnOnce() + Send>)>) {
    let threads: Vec<_> = scenarios
        .into_iter()
        .map(|(name, scenario)| std::thread::Builder::new().name(name).spawn(scenario).unwrap())
        .collect();
    let mut failed = Vec::new();
    for thread in threads {
        let name = thread.thread().name().unwrap_or_default().to_string();
        if thread.join().is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}
