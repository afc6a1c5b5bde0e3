//! The packet thread takes no memory for a packet, nor for an advert of its own.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

mod node;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use node::{Node, PATIENCE, instance, setup};
use vrrp_core::{State, TrackerId};
use vrrp_net::lab::{Host, Lab, Moment, harness};
use vrrp_net::{Driver, NotTaken, Notice, Outside, Report, Setup};

#[global_allocator]
static COUNTING: Counting = Counting;

fn main() -> ExitCode {
    harness::main(&[
        ("a_backup_takes_no_memory_for_a_packet", a_backup_takes_no_memory_for_a_packet),
        ("a_master_takes_no_memory_for_an_advert", a_master_takes_no_memory_for_an_advert),
    ])
}

fn a_master_takes_no_memory_for_an_advert() {
    let (_lab, a, _) = two_hosts();
    let many = |priority| (1..=50).map(|vrid| instance(vrid, priority, 1, &["192.0.2.100/24"])).collect();
    let (allocations, status) = count(&a, setup(many(100)), State::Master);
    assert!(status.driver.adverts_sent > 50 * 50, "{:?}", status.driver);
    assert_eq!(allocations, 0);
}

fn a_backup_takes_no_memory_for_a_packet() {
    let (_lab, a, b) = two_hosts();
    let many = |priority| (1..=50).map(|vrid| instance(vrid, priority, 1, &["192.0.2.100/24"])).collect();
    let master = Node::start(&b, setup(many(200)));
    master.wait_for_master();
    let (allocations, status) = count(&a, setup(many(100)), State::Backup);
    assert!(status.driver.datagrams > 50 * 50, "{:?}", status.driver);
    assert_eq!(allocations, 0);
}

/// Allocations of the packet thread in a second and a half of a state that does not change.
fn count(host: &Host, setup: Setup, state: State) -> (u64, vrrp_net::Status) {
    host.inside(|| {
        let mut driver = Driver::new(setup).unwrap();
        let handle = driver.handle();
        let kernel = driver.take_kernel().unwrap().spawn().unwrap();
        let start = Moment::now();
        let mut turn = |span: Duration| {
            let until = Moment::now() + span;
            while Moment::now() < until {
                let _ = driver.turn(Some(Duration::from_millis(5)), &mut Nobody).unwrap();
            }
            driver.router().instances().all(|instance| instance.state() == state)
        };
        while !turn(Duration::from_millis(500)) {
            assert!(Moment::now().since(start) < PATIENCE);
        }
        // Between two audits of the kernel thread, whose answer is no packet; each is given its second and a half.
        let fewest = (0..4)
            .map(|_| {
                let before = ALLOCATIONS.with(Cell::get);
                assert!(turn(Duration::from_millis(1500)));
                ALLOCATIONS.with(Cell::get) - before
            })
            .min();
        let status = driver.status();
        handle.shutdown();
        driver.run(&mut Nobody).unwrap();
        kernel.join().unwrap();
        (fewest.unwrap(), status)
    })
    .unwrap()
}

struct Nobody;

impl Outside for Nobody {
    fn run_check(&mut self, _: TrackerId, _: &str) -> Result<(), NotTaken> {
        Err(NotTaken)
    }

    fn stop_check(&mut self, _: TrackerId, _: &str, _: bool) {}

    fn notify(&mut self, _: Notice) {}

    fn report(&mut self, _: Report) {}
}

fn two_hosts() -> (Lab, Host, Host) {
    let lab = Lab::new().unwrap();
    let lan = lab.bridge().unwrap();
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    a.attach(&lan, "eth0", &["192.0.2.1/24"]).unwrap();
    b.attach(&lan, "eth0", &["192.0.2.2/24"]).unwrap();
    (lab, a, b)
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread what it asks for.
struct Counting;

impl Counting {
    fn count() {
        // A thread that is ending has no counter any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: everything is the system allocator's, which keeps the contract; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count();
        // SAFETY: the caller's promises are handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}
