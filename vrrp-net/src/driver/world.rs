//! What the packet thread knows of the interfaces: the last snapshot, and what the monitor told since.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use vrrp_core::{Family, InterfaceId, Time};

use crate::announce::Port;
use crate::kernel::Snapshot;
use crate::netlink::{Address, Link, flag, scope};

/// The interfaces of the configuration, in the order of their handles.
#[derive(Debug, Default)]
pub(crate) struct World {
    interfaces: Vec<Interface>,
}

#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) id: InterfaceId,
    pub(crate) name: Arc<str>,
    link: Option<Known>,
    /// Its addresses in the kernel's order, but for the virtual ones of others than the owner.
    addresses: Vec<(IpAddr, u32)>,
    /// When the monitor last told something about it.
    touched: Time,
    /// Whether a snapshot has shown it, or its absence: before that nothing is known.
    looked_at: bool,
    /// What the router was told.
    told: Option<Told>,
}

/// The link as it is.
#[derive(Clone, Copy, Debug)]
struct Known {
    index: u32,
    up: bool,
    port: Option<Port>,
    router: bool,
}

/// What can be told of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) up: bool,
    pub(crate) v4: Option<IpAddr>,
    pub(crate) v6: Option<IpAddr>,
}

/// What a new fact asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// It concerns none of our interfaces, or changes nothing that is not told at once.
    Known,
    /// An interface came, went or changed its identity: its sockets and addresses are to be looked at.
    LookAgain,
}

impl World {
    /// Takes the interfaces of a new configuration; those that stay keep what is known of them.
    pub(crate) fn set_interfaces(&mut self, names: &[(InterfaceId, Arc<str>)]) {
        let mut before = std::mem::take(&mut self.interfaces);
        for (id, name) in names {
            let known = before.iter().position(|known| known.id == *id && known.name == *name);
            self.interfaces.push(match known {
                Some(at) => before.swap_remove(at),
                None => Interface {
                    id: *id,
                    name: Arc::clone(name),
                    link: None,
                    addresses: Vec::new(),
                    touched: Time::ZERO,
                    looked_at: false,
                    told: None,
                },
            });
        }
        self.interfaces.sort_by_key(|interface| interface.id);
    }

    pub(crate) fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    pub(crate) fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        let at = self.interfaces.binary_search_by_key(&id, |interface| interface.id).ok()?;
        self.interfaces.get(at)
    }

    fn by_index(&mut self, index: u32) -> Option<&mut Interface> {
        self.interfaces.iter_mut().find(|i| i.link.is_some_and(|link| link.index == index))
    }

    /// The handle of a kernel index.
    pub(crate) fn id_of(&self, index: u32) -> Option<InterfaceId> {
        let found = self.interfaces.iter().find(|i| i.link.is_some_and(|link| link.index == index));
        found.map(|interface| interface.id)
    }

    /// The monitor says that a link is there or has changed.
    pub(crate) fn link_changed(&mut self, link: &Link, now: Time) -> Consequence {
        let mut consequence = Consequence::Known;
        // Renamed away: that name is nobody's now.
        if let Some(old) = self.by_index(link.index).filter(|old| *old.name != *link.name) {
            old.forget(now);
            consequence = Consequence::LookAgain;
        }
        let Some(interface) = self.interfaces.iter_mut().find(|i| *i.name == *link.name) else {
            return consequence;
        };
        let before = interface.link;
        let router = before.is_some_and(|before| before.router);
        interface.link = Some(Known::of(link, router));
        interface.touched = now;
        if before.is_none_or(|before| before.index != link.index) {
            interface.addresses.clear();
            consequence = Consequence::LookAgain;
        } else if before.is_some_and(|before| !before.up) && link.is_up() {
            // Where IPv6 came up with it, a group can be joined that could not be before.
            consequence = Consequence::LookAgain;
        }
        consequence
    }

    pub(crate) fn link_gone(&mut self, link: &Link, now: Time) -> Consequence {
        match self.by_index(link.index) {
            Some(interface) => {
                interface.forget(now);
                Consequence::LookAgain
            }
            None => Consequence::Known,
        }
    }

    /// The monitor says that an address is there or has changed.
    pub(crate) fn address_added(&mut self, address: &Address, now: Time) {
        let Some(interface) = self.by_index(address.index) else { return };
        interface.touched = now;
        match interface.addresses.iter_mut().find(|(known, _)| *known == address.address) {
            Some(known) => known.1 = address.flags,
            None if address.scope < scope::HOST => {
                interface.addresses.push((address.address, address.flags));
            }
            None => {}
        }
    }

    pub(crate) fn address_removed(&mut self, address: &Address, now: Time) {
        let Some(interface) = self.by_index(address.index) else { return };
        let before = interface.addresses.len();
        interface.addresses.retain(|(known, _)| *known != address.address);
        // Virtual ones come and go in thousands, and are not kept here.
        if interface.addresses.len() != before {
            interface.touched = now;
        }
    }

    /// Takes a snapshot, but for interfaces of which the monitor told something since the kernel was asked for it. Says
    /// whether there were such.
    pub(crate) fn take(&mut self, snapshot: &Snapshot) -> Consequence {
        let mut consequence = Consequence::Known;
        for interface in &mut self.interfaces {
            let overtaken = interface.touched >= snapshot.asked_at;
            if overtaken {
                consequence = Consequence::LookAgain;
            }
            if overtaken && interface.looked_at {
                // Whether it forwards is told by nobody else.
                let found = snapshot.links.iter().find(|(id, ..)| *id == interface.id);
                if let (Some(link), Some((_, _, forwarding))) = (&mut interface.link, found) {
                    link.set_router(forwarding.0);
                }
                continue;
            }
            let found = snapshot.links.iter().find(|(id, ..)| *id == interface.id);
            interface.looked_at = true;
            interface.link = found.map(|(_, link, forwarding)| Known::of(link, forwarding.0));
            interface.addresses.clear();
            let index = interface.link.map(|link| link.index);
            let theirs = snapshot.addresses.iter().filter(|address| Some(address.index) == index);
            let usable = theirs.filter(|address| address.scope < scope::HOST);
            interface.addresses.extend(usable.map(|address| (address.address, address.flags)));
        }
        consequence
    }

    /// What the router is to be told of an interface, if it does not know it yet.
    ///
    /// `is_virtual` says whether an address is virtual, and if so whether the owner of it may be known by it when it has
    /// no other.
    pub(crate) fn news(
        &mut self,
        number: usize,
        is_virtual: impl Fn(IpAddr, InterfaceId) -> Virtual,
    ) -> Option<(InterfaceId, Option<Told>, Told)> {
        let interface = self.interfaces.get_mut(number).filter(|interface| interface.looked_at)?;
        let told = interface.tell(is_virtual);
        let before = interface.told.replace(told);
        (before != Some(told)).then_some((interface.id, before, told))
    }
}

/// Whether an address is one that instances pass on to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Virtual {
    No,
    /// Of an instance that has the owner's priority on this interface.
    Owned,
    Yes,
}

impl Interface {
    pub(crate) fn index(&self) -> Option<u32> {
        self.link.map(|link| link.index)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.link.is_some_and(|link| link.up)
    }

    /// How announcements leave, if it is an Ethernet interface.
    pub(crate) fn port(&self) -> Option<Port> {
        self.link?.port
    }

    fn forget(&mut self, now: Time) {
        self.link = None;
        self.addresses.clear();
        self.touched = now;
    }

    fn tell(&self, is_virtual: impl Fn(IpAddr, InterfaceId) -> Virtual) -> Told {
        let first = |family: Family, wanted: Virtual| {
            let usable = self.addresses.iter().filter(|(address, flags)| match address {
                IpAddr::V4(_) => family == Family::V4,
                IpAddr::V6(address) => family == Family::V6 && is_link_local(address, *flags),
            });
            usable.map(|(address, _)| *address).find(|address| is_virtual(*address, self.id) == wanted)
        };
        let source = |family| first(family, Virtual::No).or_else(|| first(family, Virtual::Owned));
        Told { up: self.is_up(), v4: source(Family::V4), v6: source(Family::V6) }
    }
}

impl Known {
    fn of(link: &Link, router: bool) -> Self {
        const SILENT: u32 = (libc::IFF_LOOPBACK | libc::IFF_NOARP) as u32;
        let mac = link.mac.filter(|_| link.flags & SILENT == 0);
        let port = mac.map(|mac| Port { index: link.index, mac, router });
        Self { index: link.index, up: link.is_up(), port, router }
    }

    fn set_router(&mut self, router: bool) {
        self.router = router;
        self.port = self.port.map(|port| Port { router, ..port });
    }
}

fn is_link_local(address: &Ipv6Addr, flags: u32) -> bool {
    address.is_unicast_link_local() && flags & (flag::TENTATIVE | flag::DADFAILED) == 0
}
