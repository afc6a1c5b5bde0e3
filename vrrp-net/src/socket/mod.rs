//! The raw sockets of VRRP: one for each interface and family to receive, one for each family to send.

mod address;
mod control;
mod filter;
mod receive;
mod send;

pub(crate) use address::link_address;
pub(crate) use filter::VridSet;
pub(crate) use receive::{Inboxes, Receiver, ReceiverPlan};
pub(crate) use send::{Delivery, Outbox, Sockets};

/// VRRP's number among the IP protocols.
const PROTOCOL: i32 = 112;
