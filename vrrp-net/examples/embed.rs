//! A virtual router inside of another program's own loop: a small TCP server that is reachable at a virtual address as
//! long as its host is the master, and tells every caller the state.
//!
//! `embed INTERFACE VRID PRIORITY ADDRESS/PREFIX...`, as root, until its standard input ends.

use std::error::Error;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use vrrp_core::{
    Config, InstanceConfig, InterfaceConfig, InterfaceId, Priority, RouterConfig, TrackerId, Vip, Vrid,
};
use vrrp_net::{Driver, NotTaken, Notice, Outside, Report, Setup, Turn};

const SERVER: Token = Token(0);
const STDIN: Token = Token(1);
const VRRP: Token = Token(2);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, vrid, priority, addresses @ ..] = arguments.as_slice() else {
        return Err("usage: embed INTERFACE VRID PRIORITY ADDRESS/PREFIX...".into());
    };
    let mut driver = Driver::new(setup(interface, vrid, priority, addresses)?)?;

    // The program's own loop and what it serves.
    let mut poll = Poll::new()?;
    let mut server = TcpListener::bind(([0, 0, 0, 0], 7777).into())?;
    poll.registry().register(&mut server, SERVER, Interest::READABLE)?;
    let stdin = io::stdin().as_raw_fd();
    poll.registry().register(&mut SourceFd(&stdin), STDIN, Interest::READABLE)?;
    // One descriptor stands for the whole driver: its packets, its timers, its kernel events.
    let vrrp = driver.as_fd().as_raw_fd();
    poll.registry().register(&mut SourceFd(&vrrp), VRRP, Interest::READABLE)?;

    let mut events = Events::with_capacity(16);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        for event in &events {
            match event.token() {
                SERVER => answer(&server, &driver)?,
                STDIN => driver.handle().shutdown(),
                _ => {}
            }
        }
        // Never waits, and does a bounded piece of work; for what is left its descriptor becomes readable again.
        if driver.turn(Some(Duration::ZERO), &mut Narrator)? == Turn::Stopped {
            return Ok(());
        }
    }
}

fn answer(server: &TcpListener, driver: &Driver) -> io::Result<()> {
    while let Ok((mut caller, _)) = server.accept() {
        for instance in driver.router().instances() {
            writeln!(caller, "{} is {}", instance.name(), instance.state())?;
        }
    }
    Ok(())
}

fn setup(interface: &str, vrid: &str, priority: &str, addresses: &[String]) -> Result<Setup, Box<dyn Error>> {
    let on = InterfaceId(0);
    let mut vips = Vec::new();
    for address in addresses {
        let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
        vips.push(Vip::new(address.parse::<IpAddr>()?, prefix.parse()?, on));
    }
    let mut instance = InstanceConfig::new("EMBEDDED", on, Vrid::new(vrid.parse()?)?, vips);
    instance.priority = Priority::new(priority.parse()?)?;
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(on, interface));
    config.instances.push(instance);
    let config = Config::new(config).map_err(|errors| format!("{errors:?}"))?;
    Ok(Setup::new(config))
}

/// Runs no scripts and says what happens.
struct Narrator;

impl Outside for Narrator {
    fn run_check(&mut self, _: TrackerId, _: &str) -> Result<(), NotTaken> {
        Err(NotTaken)
    }

    fn stop_check(&mut self, _: TrackerId, _: &str, _: bool) {}

    fn notify(&mut self, notice: Notice) {
        println!("{} is {} with priority {}", notice.name, notice.what, notice.priority);
    }

    fn report(&mut self, report: Report) {
        println!("{report:?}");
    }
}
