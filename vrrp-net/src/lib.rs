//! Carries out on Linux what [`vrrp_core`] decides: packets, addresses, announcements, scripts.
//!
//! This crate knows sockets, netlink and processes, and takes no decision of its own. Every part can be used alone:
//!
//! - [`netlink`]: links, addresses and routes, read, changed and watched.
#![cfg_attr(
    feature = "lab",
    doc = "- [`lab`]: hosts in network namespaces, for tests, benches and demonstrations."
)]
//!
//! It makes no thread, signal handler or global logger unless asked.
#![deny(unsafe_code)]

#[cfg(feature = "lab")]
pub mod lab;
pub mod netlink;
mod sys;
