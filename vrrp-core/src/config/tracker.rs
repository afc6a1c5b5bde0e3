//! What is watched, and what it weighs.

use alloc::string::String;
use core::time::Duration;

use crate::types::InterfaceId;

/// Something that is up or down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerConfig {
    /// The name, unique among trackers; a tracker of the same name keeps its verdict over a reconfiguration.
    pub name: String,
    /// Where the verdict comes from.
    pub kind: TrackerKind,
}

impl TrackerConfig {
    /// A named tracker.
    pub fn new(name: impl Into<String>, kind: TrackerKind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// Where the verdict of a tracker comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackerKind {
    /// Somebody else reports it with [`crate::Input::Tracker`].
    External,
    /// An interface: up when it can carry packets.
    Interface(InterfaceId),
    /// A check that the router starts on schedule and that somebody runs.
    Script(ScriptConfig),
}

/// The schedule of a check (`vrrp_script`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptConfig {
    /// From one start to the next; not zero.
    pub interval: Duration,
    /// How long a run may take; then it is stopped and counts as a failure. Not zero.
    pub timeout: Duration,
    /// Successes in a row that make a failed check succeed; at least 1.
    pub rise: u32,
    /// Failures in a row that make a succeeding check fail; at least 1.
    pub fall: u32,
    /// Whether the check counts as failed before its first result, and needs `rise` successes (`init_fail`).
    pub init_fail: bool,
}

impl ScriptConfig {
    /// keepalived's defaults for a check of this interval: timeout = interval, rise and fall 1.
    pub const fn new(interval: Duration) -> Self {
        Self { interval, timeout: interval, rise: 1, fall: 1, init_fail: false }
    }
}

/// That an instance or group watches a tracker, and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // a tracker and its weight
pub struct Track {
    /// The position of the tracker in [`crate::RouterConfig::trackers`].
    pub tracker: usize,
    /// Zero: while it is down the instance is in FAULT. Above zero: added to the priority while it is up.
    /// Below zero: added while it is down. From -253 to 253.
    pub weight: i16,
    /// Swaps the sign of the weight; with weight zero, up and down (`reverse`).
    pub reverse: bool,
}

impl Track {
    /// Watches a tracker without `reverse`.
    pub const fn new(tracker: usize, weight: i16) -> Self {
        Self { tracker, weight, reverse: false }
    }
}
