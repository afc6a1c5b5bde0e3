//! Hosts in network namespaces: one lab for tests, benches and the demonstration.
//!
//! A program calls [`enter()`] first thing in `main`. From there on it runs in namespaces of its own (network, mounts,
//! processes; of users, too, when it is not root), and the kernel removes everything, processes and interfaces and
//! files, when the program ends in whatever way. Then:
//!
//! ```no_run
//! use std::process::Command;
//! use vrrp_net::lab::{self, Lab};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     lab::enter()?;
//!     let lab = Lab::new()?;
//!     let lan = lab.bridge()?;
//!     let (a, c) = (lab.host("a")?, lab.host("c")?);
//!     a.attach(&lan, "eth0", &["192.0.2.1/24"])?;
//!     c.attach(&lan, "eth0", &["192.0.2.3/24"])?;
//!     let packets = a.capture("eth0")?;
//!     let daemon = a.spawn(Command::new("keepalived").args(["-n", "-l", "-f", "/etc/keepalived/keepalived.conf"]))?;
//!     let pinger = c.ping("192.0.2.1".parse()?)?;
//!     a.cut("eth0")?;
//!     println!("{:?}", pinger.finish().outages(std::time::Duration::from_millis(100)));
//!     drop((packets, daemon));
//!     Ok(())
//! }
//! ```
//!
//! Tests have a process each: [`harness`].

mod capture;
mod cut;
mod daemon;
mod enter;
mod error;
mod frame;
pub mod harness;
mod host;
mod init;
mod lateness;
mod moment;
mod namespaces;
mod network;
mod path;
mod ping;
mod record;

pub use capture::{Capture, write_pcap};
pub use daemon::Daemon;
pub use enter::{Refusal, enter};
pub use error::Error;
pub use frame::{Advert, Arp, Frame, Ip, NeighborAdvert};
pub use host::{Host, Watch};
pub use lateness::Lateness;
pub use moment::{Moment, wait_for};
pub use network::{Bridge, Lab};
pub use ping::{Outage, Pinger, Probe, Report};
pub use record::Record;
