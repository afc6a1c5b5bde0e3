//! Socket addresses as octets, which is how they go into a system call in batches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Room for a `sockaddr_in`, `sockaddr_in6` or `sockaddr_ll`, and how much of it is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    octets: [u8; 28],
    length: u8,
}

impl Name {
    pub(crate) const NONE: Self = Self { octets: [0; 28], length: 0 };

    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn of<const N: usize>(parts: [&[u8]; N]) -> Self {
        let mut name = Self::NONE;
        for octet in parts.into_iter().flatten() {
            if let Some(place) = name.octets.get_mut(usize::from(name.length)) {
                *place = *octet;
                name.length += 1;
            }
        }
        name
    }
}

/// `sockaddr_in` or `sockaddr_in6`; the index is the scope of an IPv6 address.
pub(super) fn internet_address(address: IpAddr, index: u32) -> Name {
    match address {
        IpAddr::V4(address) => {
            let family = (libc::AF_INET as u16).to_ne_bytes();
            Name::of([&family, &[0; 2], &address.octets(), &[0; 8]])
        }
        IpAddr::V6(address) => {
            let family = (libc::AF_INET6 as u16).to_ne_bytes();
            Name::of([&family, &[0; 2], &[0; 4], &address.octets(), &index.to_ne_bytes()])
        }
    }
}

/// `sockaddr_ll` for an Ethernet frame: interface, EtherType and destination.
pub(crate) fn link_address(index: u32, ether_type: u16, destination: [u8; 6]) -> Name {
    let family = (libc::AF_PACKET as u16).to_ne_bytes();
    // After the index: hardware type (2), packet type (1), length of the address (1).
    let hardware = [0, 0, 0, 6];
    Name::of([&family, &ether_type.to_be_bytes(), &index.to_ne_bytes(), &hardware, &destination, &[0; 2]])
}

/// The address in a `sockaddr_in` or `sockaddr_in6`.
pub(super) fn sender(name: &[u8]) -> Option<IpAddr> {
    let family = i32::from(u16::from_ne_bytes(name.first_chunk().copied()?));
    match family {
        libc::AF_INET => {
            let octets: [u8; 4] = name.get(4..8)?.try_into().ok()?;
            Some(Ipv4Addr::from(octets).into())
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = name.get(8..24)?.try_into().ok()?;
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}
