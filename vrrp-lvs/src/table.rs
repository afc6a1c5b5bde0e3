//! The part of the IPVS table that a director decides on.

use core::net::IpAddr;

/// A virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // a key and what stands behind it
pub struct Service {
    /// How packets are recognised.
    pub key: ServiceKey,
    /// How many destinations the kernel holds for it.
    pub destinations: usize,
}

/// How packets for a virtual service are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // what IPVS knows
pub enum ServiceKey {
    /// By address, port and protocol.
    Address {
        /// The transport protocol.
        protocol: Protocol,
        /// The virtual address.
        address: IpAddr,
        /// The port; 0 for all.
        port: u16,
    },
    /// By firewall mark.
    Mark(u32),
}

/// A transport protocol that IPVS balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // what IPVS knows
pub enum Protocol {
    /// SCTP.
    Sctp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A real server of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // what IPVS balances by
pub struct Destination {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its share; 0 takes no new connections.
    pub weight: u32,
    /// How packets get there.
    pub forwarding: Forwarding,
}

/// How packets get to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // what IPVS knows
pub enum Forwarding {
    /// The destination address is rewritten (NAT).
    Masquerade,
    /// The frame goes to the server's own link address (DR).
    Route,
    /// The packet is wrapped in another one (TUN).
    Tunnel,
}
