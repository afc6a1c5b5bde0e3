//! How everything is, to keep and to show.

use std::net::IpAddr;
use std::sync::Arc;

use vrrp_core::{
    Cause, CheckOutcome, Family, GroupId, InstanceId, InterfaceId, Interval, Priority, Router, RouterStats,
    State, Stats, Time, TrackerId, Version, Vrid,
};

use super::slots::Slots;
use super::world::World;

/// A copy of the state of a driver and its router at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The moment, on the driver's clock.
    pub now: Time,
    /// The virtual routers in the order of the configuration.
    pub instances: Vec<InstanceStatus>,
    /// The sync groups in the order of the configuration.
    pub groups: Vec<(GroupId, Arc<str>, State)>,
    /// The trackers in the order of the configuration.
    pub trackers: Vec<TrackerStatus>,
    /// The interfaces in the order of their handles.
    pub interfaces: Vec<InterfaceStatus>,
    /// What was dropped before an instance was found for it.
    pub router: RouterStats,
    /// What the loop itself did.
    pub driver: DriverStats,
}

/// One virtual router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InstanceStatus {
    /// Its id.
    pub id: InstanceId,
    /// Its name.
    pub name: Arc<str>,
    /// Its interface.
    pub interface: InterfaceId,
    /// Its family.
    pub family: Family,
    /// Its version.
    pub version: Version,
    /// Its VRID.
    pub vrid: Vrid,
    /// Its state.
    pub state: State,
    /// When it entered that state.
    pub since: Time,
    /// Why it entered that state; none before its first change.
    pub cause: Option<Cause>,
    /// Its effective priority.
    pub priority: Priority,
    /// The address that its adverts come from.
    pub source: Option<IpAddr>,
    /// The router that it accepted as master last, with the priority of its last advert.
    pub master: Option<(IpAddr, u8)>,
    /// The interval that its timers are made of.
    pub master_interval: Interval,
    /// Its earliest timer.
    pub deadline: Option<Time>,
    /// Its counters.
    pub stats: Stats,
    /// How many of its addresses the kernel holds.
    pub held: usize,
    /// How many addresses it has.
    pub addresses: usize,
}

/// One tracker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrackerStatus {
    /// Its id.
    pub id: TrackerId,
    /// Its name.
    pub name: Arc<str>,
    /// Its verdict; none before the first result, and for an interface.
    pub up: Option<bool>,
    /// How the last run of a check ended.
    pub last: Option<CheckOutcome>,
}

/// One interface.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InterfaceStatus {
    /// Its handle.
    pub id: InterfaceId,
    /// Its name.
    pub name: Arc<str>,
    /// Its kernel index, if it exists.
    pub index: Option<u32>,
    /// Whether it can carry packets.
    pub up: bool,
}

/// What a driver's loop did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverStats {
    /// Turns of the loop.
    pub turns: u64,
    /// Adverts that the kernel took.
    pub adverts_sent: u64,
    /// Adverts that it refused.
    pub adverts_refused: u64,
    /// Datagrams that were read.
    pub datagrams: u64,
    /// Datagrams that the kernel dropped because we were late to read them.
    pub datagrams_dropped: u64,
    /// Announcements that the kernel took.
    pub announcements_sent: u64,
    /// Announcements that it refused.
    pub announcements_refused: u64,
    /// Times that the kernel told of more changes than it could keep for us.
    pub overruns: u64,
    /// Facts of the kernel thread that found the ring full.
    pub facts_dropped: u64,
    /// Commands that found the ring full.
    pub commands_dropped: u64,
}

impl Status {
    pub(super) fn take(
        now: Time,
        router: &Router,
        slots: &Slots,
        world: &World,
        driver: DriverStats,
    ) -> Self {
        let instances = router.instances().map(|view| {
            let holding = slots.holding(view.id());
            let config = view.config();
            InstanceStatus {
                id: view.id(),
                name: view.name().into(),
                interface: config.interface,
                family: config.family,
                version: config.version,
                vrid: config.vrid,
                state: view.state(),
                since: view.since(),
                cause: view.cause(),
                priority: view.priority(),
                source: view.source(),
                master: view.master(),
                master_interval: view.master_interval(),
                deadline: view.deadline(),
                stats: *view.stats(),
                held: holding.map_or(0, |holding| holding.count_held()),
                addresses: holding.map_or(0, |holding| holding.vips.len()),
            }
        });
        let groups = router.groups().map(|view| (view.id(), view.name().into(), view.state()));
        let trackers = router.trackers().map(|view| TrackerStatus {
            id: view.id(),
            name: view.name().into(),
            up: view.up(),
            last: view.last(),
        });
        let interfaces = world.interfaces().iter().map(|interface| InterfaceStatus {
            id: interface.id,
            name: Arc::clone(&interface.name),
            index: interface.index(),
            up: interface.is_up(),
        });
        Self {
            now,
            instances: instances.collect(),
            groups: groups.collect(),
            trackers: trackers.collect(),
            interfaces: interfaces.collect(),
            router: *router.stats(),
            driver,
        }
    }
}
