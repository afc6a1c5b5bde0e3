//! A driver on a host of the lab, with its two threads, for the tests that look at it from outside.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub)]

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use vrrp_core::{
    Config, InstanceConfig, InterfaceConfig, InterfaceId, Interval, Priority, RouterConfig, State, TrackerId,
    Vip, Vrid,
};
use vrrp_net::lab::{Host, wait_for};
use vrrp_net::{Driver, Handle, NotTaken, Notice, Outside, Report, Setup, Status};

/// The one interface of every host here.
pub const ETH0: InterfaceId = InterfaceId(1);
/// Far beyond what anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running driver.
pub struct Node {
    pub handle: Handle,
    pub reports: Arc<Mutex<Vec<Report>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Node {
    pub fn start(host: &Host, setup: Setup) -> Self {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let mut recorder = Recorder(Arc::clone(&reports));
        // Threads that are made inside stay inside.
        let inside = host.inside(move || {
            let mut driver = Driver::new(setup).unwrap();
            let handle = driver.handle();
            let kernel = driver.take_kernel().unwrap().spawn().unwrap();
            let packets = std::thread::spawn(move || {
                hurry();
                driver.run(&mut recorder).unwrap();
            });
            (handle, vec![packets, kernel])
        });
        let (handle, threads) = inside.unwrap();
        Self { handle, reports, threads }
    }

    pub fn status(&self) -> Status {
        self.handle.status(PATIENCE).unwrap()
    }

    pub fn state(&self) -> State {
        self.status().instances[0].state
    }

    pub fn wait_for_state(&self, state: State) {
        let what = format!("the first instance to be {state}");
        wait_for(PATIENCE, &what, || (self.state() == state).then_some(())).unwrap();
    }

    /// Waits until every address of the first instance is held.
    pub fn wait_for_master(&self) {
        self.wait_for_state(State::Master);
        wait_for(PATIENCE, "its addresses to be held", || {
            let first = self.status().instances.remove(0);
            (first.held == first.addresses).then_some(())
        })
        .unwrap();
    }

    /// Leaves cleanly, and waits for the end of both threads.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.handle.shutdown();
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

/// Gives this thread real-time priority where that is allowed: other tests are no fault of the driver.
fn hurry() {
    let parameters = libc::sched_param { sched_priority: 10 };
    // SAFETY: the pointer is to a live structure of the type that the call reads; 0 is this thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
}

/// Keeps reports, for failures to be understood; nothing is asserted from them.
pub struct Recorder(pub Arc<Mutex<Vec<Report>>>);

impl Outside for Recorder {
    fn run_check(&mut self, _: TrackerId, _: &str) -> Result<(), NotTaken> {
        Err(NotTaken)
    }

    fn stop_check(&mut self, _: TrackerId, _: &str, _: bool) {}

    fn notify(&mut self, _: Notice) {}

    fn report(&mut self, report: Report) {
        eprintln!("{report:?}");
        self.0.lock().unwrap().push(report);
    }
}

/// One instance on eth0: VRRPv3, adverts every `centis` hundredths of a second.
pub fn instance(vrid: u8, priority: u8, centis: u16, vips: &[&str]) -> InstanceConfig {
    let vips = vips.iter().map(|text| vip(text)).collect();
    let mut instance = InstanceConfig::new(format!("VI_{vrid}"), ETH0, Vrid::new(vrid).unwrap(), vips);
    instance.priority = Priority::new(priority).unwrap();
    instance.interval = Interval::from_centis(centis).unwrap();
    instance.announce.master_delay = Duration::ZERO;
    instance
}

pub fn setup(instances: Vec<InstanceConfig>) -> Setup {
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    config.instances = instances;
    Setup::new(Config::new(config).unwrap())
}

pub fn vip(text: &str) -> Vip {
    let (address, prefix) = text.split_once('/').unwrap();
    Vip::new(ip(address), prefix.parse().unwrap(), ETH0)
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
