//! Carries out on Linux what [`vrrp_core`] decides: packets, addresses, announcements, scripts.
//!
//! This crate knows sockets, netlink and processes, and takes no decision of its own. Every part can be used alone:
//!
//! - [`netlink`]: links, addresses and routes, read, changed and watched.
//!
//! It makes no thread, signal handler or global logger unless asked.
#![deny(unsafe_code)]

pub mod netlink;
mod sys;
