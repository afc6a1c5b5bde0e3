//! Carries out on Linux what [`vrrp_core`] decides: packets, addresses, announcements, scripts.
//!
//! This crate knows sockets, netlink and processes, and takes no decision of its own. Every part can be used alone:
//!
//! - [`Driver`]: the packet loop, which carries out what a router decides, and [`Kernel`], which keeps the addresses.
//! - [`netlink`]: links, addresses and routes, read, changed and watched.
//! - [`nftables`]: addresses that must not answer.
//! - [`process`]: becoming a daemon, pid files.
//! - [`runner`]: check and notify scripts.
//! - [`calendar`]: the local time, for logs.
#![cfg_attr(
    feature = "lab",
    doc = "- [`lab`]: hosts in network namespaces, for tests, benches and demonstrations."
)]
//!
//! It makes no thread, signal handler or global logger unless asked.
#![deny(unsafe_code)]

mod announce;
pub mod calendar;
pub mod clock;
mod driver;
mod error;
mod kernel;
#[cfg(feature = "lab")]
pub mod lab;
pub mod netlink;
pub mod nftables;
pub mod process;
pub mod queue;
pub mod runner;
mod socket;
mod sys;

pub use driver::{
    Driver, DriverStats, Handle, InstanceStatus, InterfaceStatus, NotTaken, Notice, Outside, Prepared,
    Report, Setup, Status, TrackerStatus, Turn,
};
pub use error::Error;
pub use kernel::Kernel;
