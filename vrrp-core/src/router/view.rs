//! Looking at a router without touching it.

use core::net::IpAddr;

use super::Router;
use super::group::Group;
use crate::action::{Cause, GroupId, InstanceId, State, TrackerId};
use crate::config::{InstanceConfig, TrackerConfig};
use crate::input::CheckOutcome;
use crate::instance::Instance;
use crate::stats::{RouterStats, Stats};
use crate::time::Time;
use crate::track::Tracker;
use crate::types::{Interval, Priority};

impl Router {
    /// The latest point in time that the router was told.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The virtual routers in the order of the configuration.
    pub fn instances(&self) -> impl Iterator<Item = InstanceView<'_>> {
        self.instances.iter().map(InstanceView)
    }

    /// One virtual router.
    pub fn instance(&self, id: InstanceId) -> Option<InstanceView<'_>> {
        self.instances.iter().find(|instance| instance.id == id).map(InstanceView)
    }

    /// The trackers in the order of the configuration.
    pub fn trackers(&self) -> impl Iterator<Item = TrackerView<'_>> {
        self.trackers.iter().map(TrackerView)
    }

    /// The sync groups in the order of the configuration.
    pub fn groups(&self) -> impl Iterator<Item = GroupView<'_>> {
        self.groups.iter().map(GroupView)
    }

    /// The counters that belong to no instance.
    pub const fn stats(&self) -> &RouterStats {
        &self.stats
    }
}

/// One virtual router, to look at.
#[derive(Clone, Copy, Debug)]
pub struct InstanceView<'a>(&'a Instance);

impl<'a> InstanceView<'a> {
    /// Its id.
    pub const fn id(&self) -> InstanceId {
        self.0.id
    }

    /// The position of its sync group in [`Router::groups`], if it is in one.
    pub const fn group(&self) -> Option<usize> {
        self.0.group
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.0.config.name
    }

    /// How it is configured.
    pub const fn config(&self) -> &'a InstanceConfig {
        &self.0.config
    }

    /// Its state.
    pub const fn state(&self) -> State {
        self.0.state()
    }

    /// When it entered that state.
    pub const fn since(&self) -> Time {
        self.0.since
    }

    /// Why it entered that state; none before its first change.
    pub const fn cause(&self) -> Option<Cause> {
        self.0.cause
    }

    /// Its effective priority.
    pub const fn priority(&self) -> Priority {
        self.0.priority
    }

    /// The address that its adverts come from.
    pub const fn source(&self) -> Option<IpAddr> {
        self.0.source
    }

    /// The router that it accepted as master last, with the priority of its last advert; none before the first
    /// and none as MASTER.
    pub const fn master(&self) -> Option<(IpAddr, u8)> {
        self.0.master
    }

    /// The interval that its timers are made of: the master's in VRRPv3.
    pub const fn master_interval(&self) -> Interval {
        self.0.learned
    }

    /// Its earliest timer.
    pub fn deadline(&self) -> Option<Time> {
        self.0.deadline()
    }

    /// Its state with the timers, for the simulator.
    #[cfg(feature = "sim")]
    pub(crate) const fn machine(&self) -> &'a crate::instance::Machine {
        &self.0.machine
    }

    /// Its counters.
    pub const fn stats(&self) -> &'a Stats {
        &self.0.stats
    }
}

/// One tracker, to look at.
#[derive(Clone, Copy, Debug)]
pub struct TrackerView<'a>(&'a Tracker);

impl<'a> TrackerView<'a> {
    /// Its id.
    pub const fn id(&self) -> TrackerId {
        self.0.id
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.0.config.name
    }

    /// How it is configured.
    pub const fn config(&self) -> &'a TrackerConfig {
        &self.0.config
    }

    /// Its verdict; none before the first result. That of an interface is the interface's.
    pub const fn up(&self) -> Option<bool> {
        self.0.up
    }

    /// How the last run of a check ended.
    pub const fn last(&self) -> Option<CheckOutcome> {
        self.0.last()
    }
}

/// One sync group, to look at.
#[derive(Clone, Copy, Debug)]
pub struct GroupView<'a>(&'a Group);

impl<'a> GroupView<'a> {
    /// Its id.
    pub const fn id(&self) -> GroupId {
        self.0.id
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.0.config.name
    }

    /// The state that all its members had last.
    pub const fn state(&self) -> State {
        self.0.state
    }
}
