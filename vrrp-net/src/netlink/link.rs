//! Interfaces: what they are, how they are made and changed.

use std::os::fd::BorrowedFd;

use super::error::Error;
use super::request::{Request, flags, kind, unsendable};
use super::{decode, encode};

/// A network interface as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number; another one after the interface is made anew.
    pub index: u32,
    /// The name, octets that are not UTF-8 replaced.
    pub name: String,
    /// `IFF_*` of `<linux/if.h>`.
    pub flags: u32,
    /// `IF_OPER_*` of RFC 2863: 6 is up, 0 unknown.
    pub operstate: u8,
    /// The hardware address, where it has six octets.
    pub mac: Option<[u8; 6]>,
    /// The MTU in octets.
    pub mtu: u32,
    /// Index of the bridge, bond or VRF that it belongs to.
    pub master: Option<u32>,
    /// Index of the interface below (a macvlan's parent, a veth's peer; that one may be in another namespace).
    pub lower: Option<u32>,
    /// The kind of a virtual interface: `veth`, `bridge`, `macvlan`…
    pub kind: Option<String>,
    /// The device group (`ip link show group N`).
    pub group: u32,
}

impl Link {
    /// Whether it can be used: set up by the administrator, and running, as keepalived judges it
    /// (`IFF_UP` and `IFF_RUNNING`; the latter is the kernel's opinion from carrier and operational state).
    pub fn is_up(&self) -> bool {
        self.flags & (UP | RUNNING) == UP | RUNNING
    }

    /// Whether the administrator has set it up, with or without a cable.
    pub fn is_admin_up(&self) -> bool {
        self.flags & UP != 0
    }
}

/// An interface to make.
#[derive(Clone, Debug)]
pub struct NewLink<'a> {
    /// Its name, 1 to 15 octets.
    pub name: &'a str,
    /// What it is.
    pub kind: LinkKind<'a>,
    /// Its hardware address; the kernel picks one otherwise.
    pub mac: Option<[u8; 6]>,
    /// Its MTU in octets; the kernel picks one otherwise.
    pub mtu: Option<u32>,
    /// Its device group, by which many can be deleted at once; 0 is the default group.
    pub group: u32,
    /// The network namespace that it is made in, if not the socket's.
    pub namespace: Option<BorrowedFd<'a>>,
}

impl<'a> NewLink<'a> {
    /// An interface with nothing but a name and a kind.
    pub fn new(name: &'a str, kind: LinkKind<'a>) -> Self {
        Self { name, kind, mac: None, mtu: None, group: 0, namespace: None }
    }
}

/// What a new interface is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LinkKind<'a> {
    /// A bridge without spanning tree and without multicast snooping: a plain switch.
    Bridge,
    /// An interface with a hardware address of its own on top of another.
    Macvlan {
        /// Index of the interface below.
        parent: u32,
        /// Who hears whom.
        mode: MacvlanMode,
    },
    /// One end of a cable.
    Veth {
        /// The other end.
        peer: Peer<'a>,
    },
}

/// Which of the macvlans on one parent hear each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacvlanMode {
    /// None, not even through the switch.
    Private,
    /// Through the switch.
    Vepa,
    /// Directly.
    Bridge,
}

/// The other end of a veth.
#[derive(Clone, Debug)]
pub struct Peer<'a> {
    /// Its name, 1 to 15 octets.
    pub name: &'a str,
    /// Its hardware address; the kernel picks one otherwise.
    pub mac: Option<[u8; 6]>,
    /// The network namespace that it is made in, if not the socket's.
    pub namespace: Option<BorrowedFd<'a>>,
}

/// Changes to an interface, all in one request; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct LinkChange<'a> {
    /// Set up or down.
    pub up: Option<bool>,
    /// Rename; the kernel wants most interfaces down for that.
    pub name: Option<&'a str>,
    /// Another hardware address.
    pub mac: Option<[u8; 6]>,
    /// Another MTU in octets.
    pub mtu: Option<u32>,
    /// Put under a master by index; 0 takes it out.
    pub master: Option<u32>,
    /// Move to a network namespace.
    pub namespace: Option<BorrowedFd<'a>>,
}

impl LinkChange<'_> {
    /// Only set up.
    pub fn up() -> Self {
        Self { up: Some(true), ..Self::default() }
    }

    /// Only set down.
    pub fn down() -> Self {
        Self { up: Some(false), ..Self::default() }
    }
}

/// Whether a bridge passes the frames of a port on, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortState {
    /// It drops them.
    Disabled = 0,
    /// It passes them on.
    Forwarding = 3,
}

impl Request {
    /// All interfaces of the namespace.
    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        let asked = || "list the interfaces".to_string();
        let answers = self.dump(&asked, kind::GETLINK, &encode::link_dump().map_err(unsendable(&asked))?)?;
        Ok(answers
            .iter()
            .filter(|answer| answer.kind == kind::NEWLINK)
            .filter_map(|a| decode::link(&a.payload))
            .collect())
    }

    /// The interface of that name, if there is one.
    pub fn link(&mut self, name: &str) -> Result<Option<Link>, Error> {
        let asked = || format!("look {name} up");
        let payload = encode::link_named(name).map_err(unsendable(&asked))?;
        self.find_link(&asked, &payload)
    }

    /// The interface with that index, if there is one.
    pub fn link_by_index(&mut self, index: u32) -> Result<Option<Link>, Error> {
        let asked = || format!("look interface {index} up");
        let payload = encode::link_numbered(index).map_err(unsendable(&asked))?;
        self.find_link(&asked, &payload)
    }

    /// Makes an interface.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken, `EOPNOTSUPP` if the kernel does not have the kind.
    pub fn create_link(&mut self, link: &NewLink<'_>) -> Result<(), Error> {
        let asked = || format!("make interface {}", link.name);
        let payload = encode::new_link(link).map_err(unsendable(&asked))?;
        self.change(&asked, kind::NEWLINK, flags::CREATE | flags::EXCL, &payload)
    }

    /// Changes an interface.
    pub fn change_link(&mut self, index: u32, change: &LinkChange<'_>) -> Result<(), Error> {
        let asked = || format!("change interface {index}");
        let payload = encode::change_link(index, change).map_err(unsendable(&asked))?;
        self.change(&asked, kind::NEWLINK, 0, &payload)
    }

    /// Deletes an interface. A macvlan takes the kernel 16 to 20 ms; for many see [`Request::delete_group`].
    pub fn delete_link(&mut self, index: u32) -> Result<(), Error> {
        let asked = || format!("delete interface {index}");
        let payload = encode::link_numbered(index).map_err(unsendable(&asked))?;
        self.change(&asked, kind::DELLINK, 0, &payload)
    }

    /// Deletes all interfaces of a device group at the price of one.
    pub fn delete_group(&mut self, group: u32) -> Result<(), Error> {
        let asked = || format!("delete the interfaces of group {group}");
        let payload = encode::link_group(group).map_err(unsendable(&asked))?;
        self.change(&asked, kind::DELLINK, 0, &payload)
    }

    /// Keeps the kernel from giving an interface a link-local IPv6 address of its own making.
    ///
    /// It must be said after the interface is made and before it is set up: earlier the kernel refuses, later the
    /// address is there already.
    pub fn stop_link_local(&mut self, index: u32) -> Result<(), Error> {
        let asked = || format!("stop automatic IPv6 addresses on interface {index}");
        let payload = encode::no_link_local(index).map_err(unsendable(&asked))?;
        self.change(&asked, kind::NEWLINK, 0, &payload)
    }

    /// Lets the bridge above a port pass its frames on or not; the port keeps its carrier.
    ///
    /// # Errors
    /// `ENETDOWN` for a port without carrier, `EBUSY` where a spanning tree decides.
    pub fn set_port_state(&mut self, index: u32, state: PortState) -> Result<(), Error> {
        let asked = || format!("set bridge port {index} to {state:?}");
        let payload = encode::port_state(index, state as u8).map_err(unsendable(&asked))?;
        self.change(&asked, kind::SETLINK, 0, &payload)
    }

    fn find_link(&mut self, asked: &dyn Fn() -> String, payload: &[u8]) -> Result<Option<Link>, Error> {
        match self.ask(asked, kind::GETLINK, payload) {
            Ok(answers) => Ok(answers.iter().find_map(|answer| decode::link(&answer.payload))),
            Err(Error::Refused { errno: libc::ENODEV, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

const UP: u32 = libc::IFF_UP as u32;
const RUNNING: u32 = libc::IFF_RUNNING as u32;
