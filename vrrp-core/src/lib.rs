//! VRRP as a value: facts go in, actions come out, and one deadline says when to come back.
//!
//! A [`Router`] holds any number of virtual routers. Whoever embeds it tells it what happened
//! ([`Input`]) at which [`Time`], carries out what it asks for ([`Action`]), and calls again at
//! [`Router::deadline`]. The router reads no clock, opens nothing and allocates nothing for a packet,
//! so the same code runs in a daemon, inside a proxy, in a simulator and under a fuzzer.
//!
//! VRRPv2 (RFC 3768, with the password of RFC 2338) runs over IPv4, VRRPv3 (RFC 9568) over IPv4 and IPv6.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::float_arithmetic,
        clippy::std_instead_of_core,
        clippy::alloc_instead_of_core
    )
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod action;
mod config;
mod deadlines;
mod event;
mod input;
mod instance;
mod router;
#[cfg(feature = "sim")]
#[allow(clippy::indexing_slicing)] // the simulator indexes tables of its own, and is in nobody's product
pub mod sim;
mod stats;
mod time;
mod timers;
pub mod trace;
mod track;
mod types;
pub mod wire;

pub use action::{
    Action, Announce, Become, Cause, GroupId, InstanceId, Notification, Notify, State, Subject, TrackerId,
    Transmit,
};
pub use config::{
    AnnounceSchedule, Config, ConfigError, ConfigNote, Destination, GroupConfig, InstanceConfig,
    InterfaceConfig, Peer, RouterConfig, ScriptConfig, Track, TrackerConfig, TrackerKind,
};
pub use event::{Event, InstanceEvent, TrackerEvent};
pub use input::{CheckOutcome, Input, Packet};
pub use router::{Actions, GroupView, InstanceView, Router, TrackerView};
pub use stats::{Rejects, RouterStats, Stats};
#[cfg(feature = "std")]
pub use time::Clock;
pub use time::Time;
pub use types::{
    Family, InterfaceId, Interval, OutOfRange, Password, PasswordTooLong, Priority, Version, Vip, VipLabel,
    VipOptions, Vrid,
};
