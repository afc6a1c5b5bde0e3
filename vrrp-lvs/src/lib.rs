//! A load balancer's judgement as a value: what checks found goes in, what IPVS should hold comes out.
//!
//! **This crate is a skeleton.** It fixes the shape of the [`Director`], so that what is built around it can
//! rely on the names: its facts ([`Input`]), what it asks for ([`Action`]) and its one deadline. There are no
//! virtual servers, checkers or quorum yet, so a director has nothing to judge: it takes every fact, asks for
//! nothing and never wants to be woken. Nothing in vrrpd uses it, and a configuration with a
//! `virtual_server` is told that it is not carried out.
//!
//! The shape is that of [`vrrp_core::Router`]:
//!
//! ```
//! use vrrp_core::Time;
//! use vrrp_lvs::{Director, Input};
//!
//! let mut director = Director::new(7);
//! let mut actions = director.handle(Time::ZERO, Input::Tick);
//! assert!(actions.next().is_none());
//! assert_eq!(director.deadline(), None);
//! ```
//!
//! A checker sees plain octets: connecting, TLS and sockets are the transport's, which is `vrrp-net`'s.
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

mod action;
mod director;
mod input;
mod table;

pub use action::{Action, Connect, Mail, Notify, TableChange, Transport};
pub use director::{Actions, Director};
pub use input::{CheckerId, ConnectionId, FailedPhase, Failure, Input};
pub use table::{Destination, Forwarding, Protocol, Service, ServiceKey};
