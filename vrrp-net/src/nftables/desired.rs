//! What should be blocked.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that must not answer.
///
/// A link-local IPv6 address belongs to an interface: the same one on another interface answers. All others are blocked
/// on every interface, for the kernel answers for them on every interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    pub(super) v4: BTreeSet<Ipv4Addr>,
    pub(super) v6: BTreeSet<Ipv6Addr>,
    pub(super) link_local: BTreeSet<(Ipv6Addr, u32)>,
}

impl Desired {
    /// Nothing is blocked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an address; `index` is the kernel's number of the interface that it is on.
    pub fn insert(&mut self, address: IpAddr, index: u32) {
        match address {
            IpAddr::V4(address) => self.v4.insert(address),
            IpAddr::V6(address) if address.is_unicast_link_local() => {
                self.link_local.insert((address, index))
            }
            IpAddr::V6(address) => self.v6.insert(address),
        };
    }

    /// Whether nothing is blocked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many addresses are blocked; a link-local one counts on each of its interfaces.
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len() + self.link_local.len()
    }

    /// Whether an address is blocked on the interface numbered `index`.
    pub fn contains(&self, address: IpAddr, index: u32) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(&address),
            IpAddr::V6(address) if address.is_unicast_link_local() => {
                self.link_local.contains(&(address, index))
            }
            IpAddr::V6(address) => self.v6.contains(&address),
        }
    }

    /// The addresses that are blocked here and not there.
    pub(super) fn beyond(&self, other: &Self) -> Vec<IpAddr> {
        let v4 = self.v4.difference(&other.v4).copied().map(IpAddr::from);
        let v6 = self.v6.difference(&other.v6).copied().map(IpAddr::from);
        let link_local = self.link_local.difference(&other.link_local).map(|(address, _)| (*address).into());
        v4.chain(v6).chain(link_local).collect()
    }
}

impl FromIterator<(IpAddr, u32)> for Desired {
    /// From addresses and the numbers of their interfaces.
    fn from_iter<T: IntoIterator<Item = (IpAddr, u32)>>(addresses: T) -> Self {
        let mut desired = Self::new();
        addresses.into_iter().for_each(|(address, index)| desired.insert(address, index));
        desired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_link_local_addresses_belong_to_an_interface() {
        let addresses = ["192.0.2.1", "2001:db8::1", "fe80::1", "febf::1", "fec0::1"];
        let ip = |text: &str| -> IpAddr { text.parse().expect("a literal") };
        let desired: Desired = addresses.iter().flat_map(|text| [(ip(text), 2), (ip(text), 3)]).collect();
        assert_eq!((desired.v4.len(), desired.v6.len(), desired.link_local.len()), (1, 2, 4));
        assert!(desired.contains(ip("192.0.2.1"), 9) && desired.contains(ip("fec0::1"), 9));
        assert!(desired.contains(ip("febf::1"), 3) && !desired.contains(ip("febf::1"), 9));
    }
}
