//! What a director asks for.

use core::net::SocketAddr;

use crate::input::{CheckerId, ConnectionId};
use crate::table::{Destination, ServiceKey};

/// One thing to do, borrowed from the director that asks for it.
///
/// Exhaustive on purpose, as [`vrrp_core::Action`] is: one that nobody carries out must break the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // one that nobody carries out must break the build
pub enum Action<'d> {
    /// Open a connection or a datagram socket, then tell [`crate::Input::Connected`] or
    /// [`crate::Input::Failed`].
    Connect(Connect<'d>),
    /// Send octets.
    Send {
        /// On which connection.
        connection: ConnectionId,
        /// The octets.
        bytes: &'d [u8],
    },
    /// Close a connection; nothing more is told of it.
    Close {
        /// Which connection.
        connection: ConnectionId,
    },
    /// Start a check script, then tell [`crate::Input::ScriptEnded`].
    RunScript {
        /// Whose script.
        checker: CheckerId,
    },
    /// End a check script.
    StopScript {
        /// Whose script.
        checker: CheckerId,
        /// Whether it did not end when it was asked to.
        kill: bool,
    },
    /// Change IPVS.
    Change(TableChange),
    /// Run what the user wants to be run.
    Notify(Notify<'d>),
    /// Write to the user.
    Mail(Mail<'d>),
}

/// A connection to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Connect<'d> {
    /// What it will be called.
    pub connection: ConnectionId,
    /// Where to.
    pub to: SocketAddr,
    /// Where from, if that is not the kernel's choice.
    pub from: Option<SocketAddr>,
    /// Over what.
    pub transport: Transport<'d>,
}

/// What a connection runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // part of `Action`
pub enum Transport<'d> {
    /// ICMP echo.
    Icmp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls {
        /// The name to ask for (SNI).
        name: Option<&'d str>,
    },
    /// UDP.
    Udp,
}

/// A change of the IPVS table. Whoever carries it out compares with the kernel, so that it may be said twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // part of `Action`
pub enum TableChange {
    /// Hold a service.
    AddService(ServiceKey),
    /// Hold a destination, with this weight and way.
    SetDestination(ServiceKey, Destination),
    /// Hold a destination no more.
    RemoveDestination(ServiceKey, Destination),
    /// Hold a service no more.
    RemoveService(ServiceKey),
}

/// A change that the user wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Notify<'d> {
    /// The command of the configuration, by name.
    pub command: &'d str,
    /// Whether the server or the quorum is up.
    pub up: bool,
}

/// A message to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // part of `Action`
pub struct Mail<'d> {
    /// Its subject.
    pub subject: &'d str,
    /// Its text.
    pub text: &'d str,
}
