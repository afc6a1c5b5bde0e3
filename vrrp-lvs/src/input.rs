//! Facts that a director is told.

use core::net::IpAddr;

use vrrp_core::CheckOutcome;

use crate::table::Service;

/// One fact about the world. Facts change the state at once; timers fire in [`Input::Tick`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// An address of this host came or went: a service on it can be reached, or cannot.
    AddressPresent {
        /// The address.
        address: IpAddr,
        /// Whether the kernel holds it.
        present: bool,
    },
    /// Octets came on a connection, TLS taken off.
    Bytes {
        /// Which connection.
        connection: ConnectionId,
        /// The octets.
        bytes: &'a [u8],
    },
    /// The peer closed a connection in good order.
    Closed {
        /// Which connection.
        connection: ConnectionId,
    },
    /// A connection that was asked for stands, with TLS if that was asked for.
    Connected {
        /// Which connection.
        connection: ConnectionId,
    },
    /// A datagram came.
    Datagram {
        /// Which socket.
        connection: ConnectionId,
        /// Its octets.
        bytes: &'a [u8],
    },
    /// A connection came to an end that nobody wanted.
    Failed {
        /// Which connection.
        connection: ConnectionId,
        /// How far it had come.
        phase: FailedPhase,
        /// Why.
        reason: Failure,
    },
    /// A check script ended, or could not begin.
    ScriptEnded {
        /// Whose script.
        checker: CheckerId,
        /// How it ended.
        outcome: CheckOutcome,
    },
    /// What IPVS holds at present, after a dump.
    Table(&'a [Service]),
    /// Nothing but time: every timer that is due fires. Ends each batch of facts.
    Tick,
}

/// A checker of one [`crate::Director`]; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckerId(u32);

impl CheckerId {
    /// The number, for tables and traces.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A connection or socket that a director asked for; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u32);

impl ConnectionId {
    /// The number, for tables and traces.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// How far a connection had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the steps of a connection
pub enum FailedPhase {
    /// The transport was not connected yet.
    Connect,
    /// The TLS handshake had begun.
    Tls,
    /// The connection stood.
    Io,
    /// We could not even try: no file descriptor, no route. Says nothing about the peer.
    Local,
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer refused or reset it.
    Refused,
    /// Nothing leads there.
    Unreachable,
    /// The certificate was not accepted.
    Certificate,
    /// What the peer sent broke the rules of the transport.
    Broken,
    /// This host ran out of something.
    Exhausted,
}
