//! What a router is to do: plain data first, then a [`Config`] that was checked as a whole.

mod check;
mod instance;
mod tracker;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

pub use check::{Config, ConfigError, ConfigNote};
pub use instance::{AnnounceSchedule, Destination, InstanceConfig, Peer};
pub use tracker::{ScriptConfig, Track, TrackerConfig, TrackerKind};

use crate::types::InterfaceId;

/// Everything that a router needs, as somebody wrote it down; [`Config::new`] checks it as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouterConfig {
    /// The interfaces that instances and trackers name.
    pub interfaces: Vec<InterfaceConfig>,
    /// What is watched; instances and groups point here by position.
    pub trackers: Vec<TrackerConfig>,
    /// The virtual routers, in the order of their actions.
    pub instances: Vec<InstanceConfig>,
    /// Instances that change state together.
    pub groups: Vec<GroupConfig>,
    /// How long after the first input every instance stays in Initialize and adverts are ignored
    /// (keepalived's `vrrp_startup_delay`).
    pub startup_delay: Duration,
}

impl RouterConfig {
    /// A configuration without anything in it.
    pub fn new() -> Self {
        Self::default()
    }
}

/// An interface as the configuration knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceConfig {
    /// The caller's handle.
    pub id: InterfaceId,
    /// The name, for messages.
    pub name: String,
    /// The largest IP packet in octets; addresses that do not fit in an advert of this size are not advertised.
    pub mtu: u16,
}

impl InterfaceConfig {
    /// An interface with the MTU of Ethernet.
    pub fn new(id: InterfaceId, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), mtu: 1500 }
    }
}

/// A `vrrp_sync_group`: instances that become MASTER together, and none of which is MASTER while one cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupConfig {
    /// The name, unique among groups.
    pub name: String,
    /// Positions of the members in [`RouterConfig::instances`].
    pub members: Vec<usize>,
    /// What every member watches beside its own trackers.
    pub track: Vec<Track>,
}

impl GroupConfig {
    /// A group without trackers.
    pub fn new(name: impl Into<String>, members: Vec<usize>) -> Self {
        Self { name: name.into(), members, track: Vec::new() }
    }
}
