//! A host: its interfaces, addresses, files and processes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::unistd::sethostname;

use super::capture::Capture;
use super::daemon::{Daemon, Shared};
use super::error::{Error, lacking, system};
use super::init;
use super::moment::{Moment, wait_for};
use super::namespaces::Namespaces;
use super::network::{Bridge, next};
use super::path::with_tools;
use super::ping::Pinger;
use super::record::{Precedence, Record};
use crate::netlink::{
    self, Address, Event, Link, LinkChange, LinkKind, MacvlanMode, Monitor, NewLink, Outcome, Peer, Progress,
    Request, Route, flag,
};

/// A host in network, mount, process and name namespaces of its own. When it is dropped all its processes are killed
/// and its interfaces vanish.
pub struct Host {
    name: String,
    directory: PathBuf,
    namespaces: Namespaces,
    request: Mutex<Request>,
    /// Speaks to the namespace in which the bridges are.
    outside: Mutex<Request>,
    /// The port at the bridge of each attached interface.
    ports: Mutex<BTreeMap<String, Port>>,
    first_process: Child,
    /// All that was started on it.
    started: Mutex<Vec<Shared>>,
}

/// The bridge's end of a cable.
#[derive(Clone)]
pub(super) struct Port {
    pub(super) index: u32,
    pub(super) name: String,
    /// Whether some of its packets are dropped by a filter.
    pub(super) filtered: bool,
}

/// What the kernel of a host says about links and addresses, with the moment at which we read it.
pub type Watch = Record<(Moment, Event)>;

impl Host {
    pub(super) fn new(name: &str, directory: &Path) -> Result<Self, Error> {
        let (name, directory) = (name.to_string(), directory.to_path_buf());
        fs::create_dir_all(&directory).map_err(system(format!("make {}", directory.display())))?;
        let outside = Mutex::new(Request::open()?);
        let made = thread::scope(|scope| {
            scope
                .spawn(|| Namespaces::make(init::start))
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let (namespaces, first_process) =
            made.map_err(system(format!("make the namespaces of host {name}")))?;
        let request = namespaces.inside(|| -> Result<Request, Error> {
            sethostname(&name).map_err(system("set the host name"))?;
            use_addresses_at_once();
            Ok(Request::open()?)
        });
        let mut request = request.map_err(system(format!("enter host {name}")))??;
        if let Some(loopback) = request.link("lo")? {
            request.change_link(loopback.index, &LinkChange::up())?;
        }
        let (request, ports) = (Mutex::new(request), Mutex::default());
        Ok(Self {
            name,
            directory,
            namespaces,
            request,
            outside,
            ports,
            first_process,
            started: Mutex::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A directory in memory for its files, at the same path inside and outside of it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a file into [`Host::directory`] and tells its path.
    pub fn write(&self, name: &str, contents: &str) -> Result<PathBuf, Error> {
        let path = self.directory.join(name);
        fs::write(&path, contents).map_err(system(format!("write {}", path.display())))?;
        Ok(path)
    }

    /// Puts a cable between the host and a bridge, its end in the host named `interface`, with addresses such as
    /// `192.0.2.1/24`; returns when it carries packets.
    pub fn attach(&self, bridge: &Bridge, interface: &str, addresses: &[&str]) -> Result<Link, Error> {
        let number = next();
        let port = format!("port{number}");
        let mac = |end: u8| {
            let [_, a, b, c] = number.to_be_bytes();
            [0x02, end, 0, a, b, c]
        };
        let peer = Peer { name: interface, mac: Some(mac(1)), namespace: Some(self.namespaces.network()) };
        let mut outside = lock(&self.outside);
        outside
            .create_link(&NewLink { mac: Some(mac(2)), ..NewLink::new(&port, LinkKind::Veth { peer }) })?;
        let index = found(&mut outside, &port)?.index;
        outside.stop_link_local(index)?;
        outside.change_link(
            index,
            &LinkChange { up: Some(true), master: Some(bridge.index), ..LinkChange::default() },
        )?;
        drop(outside);
        let port = Port { index, name: port, filtered: false };
        self.note_port(interface, port.clone());
        let inside = self.link(interface)?;
        lock(&self.request).change_link(inside.index, &LinkChange::up())?;
        self.add_addresses(interface, addresses)?;
        self.forward(&port)?;
        wait_for(RUNNING, &format!("{interface} of {} to run", self.name), || {
            self.link(interface).ok().filter(Link::is_up)
        })
    }

    /// Puts a macvlan on an interface and sets it up.
    pub fn macvlan(
        &self,
        parent: &str,
        interface: &str,
        mac: [u8; 6],
        mode: MacvlanMode,
    ) -> Result<Link, Error> {
        let parent = self.link(parent)?.index;
        let mut request = lock(&self.request);
        let kind = LinkKind::Macvlan { parent, mode };
        let link = NewLink { mac: Some(mac), ..NewLink::new(interface, kind) };
        request.create_link(&link).map_err(lacking("macvlan"))?;
        let index = found(&mut request, interface)?.index;
        request.change_link(index, &LinkChange::up())?;
        Ok(found(&mut request, interface)?)
    }

    /// Gives an interface addresses, IPv6 ones usable at once.
    pub fn add_addresses(&self, interface: &str, addresses: &[&str]) -> Result<(), Error> {
        let index = self.link(interface)?.index;
        let addresses = addresses.iter().map(|text| parse(index, text)).collect::<Result<Vec<_>, _>>()?;
        let mut refused = None;
        lock(&self.request).add_addresses(&addresses, |_, outcome| {
            if let Outcome::Refused(error) = outcome {
                refused = Some(error);
            }
        })?;
        refused.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Sends what is not on a link of the host to a router.
    pub fn route_through(&self, router: IpAddr) -> Result<(), Error> {
        Ok(lock(&self.request).add_route(&Route::default_via(router))?)
    }

    /// The interface of that name.
    ///
    /// # Errors
    /// [`netlink::Error::NoSuchLink`] if there is none.
    pub fn link(&self, interface: &str) -> Result<Link, Error> {
        Ok(found(&mut lock(&self.request), interface)?)
    }

    /// All addresses of the host, by netlink dump.
    pub fn addresses(&self) -> Result<Vec<Address>, Error> {
        Ok(lock(&self.request).addresses(None)?)
    }

    /// Whether the host has an address, by netlink dump.
    pub fn holds(&self, address: IpAddr) -> Result<bool, Error> {
        Ok(self.addresses()?.iter().any(|held| held.address == address))
    }

    /// A socket of ours for requests to the host's kernel.
    pub fn request(&self) -> MutexGuard<'_, Request> {
        lock(&self.request)
    }

    /// Writes down what changes about links and addresses.
    pub fn watch(&self) -> Result<Watch, Error> {
        let monitor = self.inside(Monitor::open)??;
        Record::start("lab watch", Precedence::Realtime, monitor, |monitor, record| {
            let now = Moment::now();
            while monitor.read(64, |event| record.push((now, event))).map_err(io::Error::other)?
                == Progress::More
            {}
            Ok(())
        })
    }

    /// Writes down all packets of an interface.
    pub fn capture(&self, interface: &str) -> Result<Capture, Error> {
        let index = self.link(interface)?.index;
        self.inside(|| Capture::open(index))?
    }

    /// Asks `target` every millisecond whether it is there.
    pub fn ping(&self, target: IpAddr) -> Result<Pinger, Error> {
        self.inside(|| Pinger::open(target))?
    }

    /// Starts a program on the host; what it writes is kept.
    pub fn spawn(&self, command: &mut Command) -> Result<Daemon, Error> {
        let program =
            Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = self.directory.join(format!("{program}.{}.log", next()));
        let daemon = self.start(move || Daemon::start(program, with_tools(command), log))??;
        lock(&self.started).push(daemon.share());
        Ok(daemon)
    }

    /// Runs a program on the host to its end and gives what it wrote to its standard output.
    ///
    /// # Errors
    /// [`Error::System`] if it cannot be started or fails; what it wrote to its standard error is in there.
    pub fn run(&self, command: &mut Command) -> Result<String, Error> {
        let what = format!("run {} on {}", command.get_program().to_string_lossy(), self.name);
        let output = self
            .start(|| {
                with_tools(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
            })?
            .and_then(Child::wait_with_output)
            .map_err(system(&what))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(system(what)(io::Error::other(format!("{}: {words}", output.status))));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `work` in a thread inside of the host: its sockets and files are the host's, and may be used outside
    /// afterwards; threads that it starts stay inside.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        self.namespaces.inside(work).map_err(system(format!("enter host {}", self.name)))
    }

    fn start<T: Send>(&self, start: impl FnOnce() -> T + Send) -> Result<T, Error> {
        self.namespaces.start(start).map_err(system(format!("enter host {}", self.name)))
    }

    pub(super) fn outside(&self) -> MutexGuard<'_, Request> {
        lock(&self.outside)
    }

    pub(super) fn port(&self, interface: &str) -> Result<Port, Error> {
        lock(&self.ports)
            .get(interface)
            .cloned()
            .ok_or_else(|| Error::NotAttached { host: self.name.clone(), interface: interface.to_string() })
    }

    pub(super) fn note_port(&self, interface: &str, port: Port) {
        lock(&self.ports).insert(interface.to_string(), port);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The kernel kills all processes of the host with its first one, whose end waits until all are buried: those
        // that we started by us.
        let _ = self.first_process.kill();
        for child in lock(&self.started).iter() {
            let _ = lock(child).wait();
        }
        let _ = self.first_process.wait();
    }
}

/// The kernel takes up to a second to tell that a carrier is there.
pub(super) const RUNNING: Duration = Duration::from_secs(5);

fn found(request: &mut Request, name: &str) -> Result<Link, netlink::Error> {
    request.link(name)?.ok_or_else(|| netlink::Error::NoSuchLink { request: format!("look {name} up") })
}

fn parse(index: u32, text: &str) -> Result<Address, Error> {
    let parsed = text
        .split_once('/')
        .and_then(|(address, prefix)| Some((address.parse().ok()?, prefix.parse().ok()?)));
    let (address, prefix) = parsed.ok_or_else(|| Error::NoPrefix { text: text.to_string() })?;
    let flags = if IpAddr::is_ipv6(&address) { flag::NODAD } else { 0 };
    Ok(Address { flags, ..Address::new(index, address, prefix) })
}

/// Link-local IPv6 addresses come without waiting for duplicates, and nobody asks for routers, of which a lab has none.
/// Where /proc/sys cannot be written the addresses come a second later.
fn use_addresses_at_once() {
    for interface in ["all", "default"] {
        for name in ["accept_dad", "dad_transmits", "router_solicitations"] {
            let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/{name}"), "0");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
