//! The router takes no memory for a packet or a timer, whatever they lead to (255 instances).
#![allow(unsafe_code)] // a global allocator cannot be had without
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::Duration;

use vrrp_core::wire::{AdvertTemplate, ChecksumForm, Datagram};
use vrrp_core::{
    Action, Config, Family, Input, InstanceConfig, InterfaceConfig, InterfaceId, Interval, Packet, Router,
    RouterConfig, State, Time, Version, Vip, Vrid,
};

struct Counting;

thread_local! {
    // Tests run in threads: each counts its own.
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory that is handed out,
// and a thread-local of a type without a destructor is there as long as its thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same there.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` or `realloc` above, hence from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: as in `dealloc`; the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ETH0: InterfaceId = InterfaceId(1);

#[test]
fn the_counter_counts() {
    let (taken, boxed) = counted(|| std::hint::black_box(Box::new(7_u64)));
    assert_eq!((taken, *boxed), (1, 7));
}

#[test]
fn packets_and_timers_take_no_memory() {
    let mut router = router();
    let mut now = Time::ZERO;
    let interface = ETH0;
    drive(&mut router, now, Input::Interface { interface, up: true });
    let address = Some(Ipv4Addr::new(192, 0, 2, 1).into());
    drive(&mut router, now, Input::Source { interface, family: Family::V4, address });
    assert!(router.instances().all(|instance| instance.state() == State::Backup));
    let mut theirs: Vec<AdvertTemplate> = (1..=255).map(advert).collect();

    let (taken, seen) = counted(|| {
        let mut seen = Seen::default();
        // All become MASTER and advertise for a minute; every refresh and second set comes.
        for _ in 0..300 {
            now = now + Duration::from_millis(200);
            seen.add(drive(&mut router, now, Input::Tick));
        }
        // Lower priority, higher priority, resignation, a bad checksum, each for all of them; then timers again.
        for priority in [50, 200, 0, 100, 1] {
            for template in &mut theirs {
                let source = Ipv4Addr::new(192, 0, 2, 2).into();
                let group = Ipv4Addr::new(224, 0, 0, 18).into();
                let octets = template.write(priority, source, group, 255, 1).unwrap();
                seen.add(drive(&mut router, now, packet(now, octets)));
                seen.add(drive(&mut router, now, packet(now, &octets[..octets.len() - 1])));
            }
            now = now + Duration::from_secs(1);
            seen.add(drive(&mut router, now, Input::Tick));
        }
        // A pause of an hour.
        now = now + Duration::from_secs(3600);
        seen.add(drive(&mut router, now, Input::Tick));
        // Nobody takes the actions.
        for template in &mut theirs {
            let (source, group) = (Ipv4Addr::new(192, 0, 2, 2).into(), Ipv4Addr::new(224, 0, 0, 18).into());
            let octets = template.write(200, source, group, 255, 1).unwrap();
            let _ = router.handle(now, packet(now, octets));
        }
        seen.add(drive(&mut router, now, Input::Tick));
        seen.add(drive(&mut router, now, Input::Shutdown));
        seen
    });
    assert_eq!(taken, 0, "allocations, for {seen:?}");
    // What was to be measured did happen.
    assert!(seen.changes >= 3 * 255, "{seen:?}");
    assert!(seen.adverts >= 60 * 255, "{seen:?}");
    assert!(seen.announcements >= 12 * 255, "{seen:?}");
    assert!(seen.events >= 4 * 255, "{seen:?}");
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    changes: u32,
    adverts: u32,
    announcements: u32,
    events: u32,
}

impl Seen {
    fn add(&mut self, more: Self) {
        self.changes += more.changes;
        self.adverts += more.adverts;
        self.announcements += more.announcements;
        self.events += more.events;
    }
}

fn drive(router: &mut Router, now: Time, input: Input<'_>) -> Seen {
    let mut seen = Seen::default();
    let mut actions = router.handle(now, input);
    while let Some(action) = actions.next() {
        match action {
            Action::Become(_) => seen.changes += 1,
            Action::Transmit(_) => seen.adverts += 1,
            Action::Announce(_) => seen.announcements += 1,
            Action::Event(_) => seen.events += 1,
            _ => {}
        }
    }
    seen
}

fn counted<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = TAKEN.get();
    let result = work();
    (TAKEN.get() - before, result)
}

fn packet(received: Time, octets: &[u8]) -> Input<'_> {
    Input::Packet(Packet { interface: ETH0, received, datagram: Datagram::V4(octets) })
}

fn vip(vrid: u8) -> Vip {
    Vip::new(Ipv4Addr::new(198, 51, 100, vrid).into(), 24, ETH0)
}

fn advert(vrid: u8) -> AdvertTemplate {
    let (vrid, vips, form) = (Vrid::new(vrid).unwrap(), [vip(vrid).address], ChecksumForm::PseudoHeader);
    AdvertTemplate::new(Version::V3, Family::V4, vrid, Interval::DEFAULT, &vips, None, form).unwrap()
}

/// All 255 VRIDs on one interface.
fn router() -> Router {
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    config.instances.extend((1..=255).map(|number| {
        let vrid = Vrid::new(number).unwrap();
        let mut instance = InstanceConfig::new(format!("VI_{number}"), ETH0, vrid, vec![vip(number)]);
        instance.announce.master_refresh = Duration::from_secs(5);
        instance
    }));
    Router::new(Config::new(config).unwrap())
}
