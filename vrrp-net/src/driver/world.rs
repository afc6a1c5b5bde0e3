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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Forwarding;

    const ETH0: InterfaceId = InterfaceId(1);

    #[test]
    fn nothing_is_told_before_a_snapshot_shows_it() {
        let mut world = world();
        assert_eq!(world.link_changed(&link(2, "eth0"), Time::from_millis(1)), Consequence::LookAgain);
        assert_eq!(tell(&mut world), None);
        let _ = world.take(&snapshot(2, &["10.0.0.1", "fe80::1"]));
        let told = tell(&mut world).expect("news");
        assert_eq!((told.up, told.v4, told.v6), (true, Some(ip("10.0.0.1")), Some(ip("fe80::1"))));
        assert_eq!(tell(&mut world), None, "told once");
    }

    #[test]
    fn a_virtual_address_is_no_source_but_for_an_owner_without_another() {
        let mut world = world();
        let _ = world.take(&snapshot(2, &["10.0.0.100", "10.0.0.1"]));
        let only = |wanted: Virtual| {
            move |address: IpAddr, _: InterfaceId| match address == ip("10.0.0.100") {
                true => wanted,
                false => Virtual::No,
            }
        };
        let source = |world: &mut World, is_virtual: &dyn Fn(IpAddr, InterfaceId) -> Virtual| {
            world.interfaces[0].tell(is_virtual).v4
        };
        assert_eq!(source(&mut world, &only(Virtual::Yes)), Some(ip("10.0.0.1")));
        assert_eq!(source(&mut world, &only(Virtual::Owned)), Some(ip("10.0.0.1")));
        world.address_removed(&Address::new(2, ip("10.0.0.1"), 24), Time::from_millis(5));
        assert_eq!(source(&mut world, &only(Virtual::Yes)), None);
        assert_eq!(source(&mut world, &only(Virtual::Owned)), Some(ip("10.0.0.100")));
    }

    #[test]
    fn an_address_that_is_still_tentative_is_no_source() {
        let mut world = world();
        let mut seen = snapshot(2, &["fe80::1"]);
        seen.addresses[0].flags = flag::TENTATIVE;
        let _ = world.take(&seen);
        assert_eq!(tell(&mut world).expect("news").v6, None);
        world.address_added(&Address::new(2, ip("fe80::1"), 64), Time::from_millis(5));
        assert_eq!(tell(&mut world).expect("news").v6, Some(ip("fe80::1")));
    }

    #[test]
    fn what_the_monitor_told_meanwhile_is_newer_than_a_snapshot() {
        let mut world = world();
        let _ = world.take(&snapshot(2, &["10.0.0.1"]));
        let _ = tell(&mut world);
        let down = Link { flags: 0, ..link(2, "eth0") };
        let _ = world.link_changed(&down, Time::from_millis(20));
        assert_eq!(world.take(&snapshot(2, &["10.0.0.1"])), Consequence::LookAgain);
        assert!(!tell(&mut world).expect("news").up);
        let later = Snapshot { asked_at: Time::from_millis(30), ..snapshot(2, &["10.0.0.1"]) };
        assert_eq!(world.take(&later), Consequence::Known);
        assert!(tell(&mut world).expect("news").up);
    }

    #[test]
    fn an_interface_that_goes_or_changes_its_index_is_looked_at_again() {
        let mut world = world();
        let _ = world.take(&snapshot(2, &["10.0.0.1"]));
        let at = Time::from_millis(20);
        assert_eq!(world.link_gone(&link(9, "eth9"), at), Consequence::Known);
        assert_eq!(world.link_changed(&link(9, "eth9"), at), Consequence::Known);
        assert_eq!(world.link_changed(&link(2, "eth0"), at), Consequence::Known);
        assert_eq!(world.link_changed(&link(3, "eth0"), at), Consequence::LookAgain);
        assert!(world.interfaces[0].addresses.is_empty(), "those were the old one's");
        assert_eq!(world.link_changed(&link(3, "renamed"), at), Consequence::LookAgain);
        assert_eq!(world.interfaces[0].index(), None);
    }

    #[test]
    fn only_ethernet_is_announced_on() {
        let ethernet = Known::of(&link(2, "eth0"), false);
        assert!(ethernet.port.is_some());
        let loopback = Link { flags: libc::IFF_LOOPBACK as u32, ..link(1, "lo") };
        assert!(Known::of(&loopback, false).port.is_none());
        let tunnel = Link { mac: None, ..link(4, "tun0") };
        assert!(Known::of(&tunnel, false).port.is_none());
    }

    fn world() -> World {
        let mut world = World::default();
        world.set_interfaces(&[(ETH0, "eth0".into())]);
        world
    }

    fn tell(world: &mut World) -> Option<Told> {
        world.news(0, |_, _| Virtual::No).map(|(_, _, told)| told)
    }

    fn snapshot(index: u32, addresses: &[&str]) -> Snapshot {
        Snapshot {
            asked_at: Time::from_millis(10),
            links: vec![(ETH0, link(index, "eth0"), Forwarding(false))],
            addresses: addresses.iter().map(|text| Address::new(index, ip(text), 24)).collect(),
            receivers: Vec::new(),
        }
    }

    fn link(index: u32, name: &str) -> Link {
        Link {
            index,
            name: name.to_string(),
            flags: (libc::IFF_UP | libc::IFF_RUNNING) as u32,
            operstate: 6,
            mac: Some([2, 0, 0, 0, 0, 1]),
            mtu: 1500,
            master: None,
            lower: None,
            kind: None,
            group: 0,
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }
}
