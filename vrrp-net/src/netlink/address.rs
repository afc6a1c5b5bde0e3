//! Addresses: read, added and removed in chunks.

use std::net::{IpAddr, Ipv4Addr};

use super::error::Error;
use super::request::{Request, flags, kind, unsendable};
use super::{decode, encode};

/// An address of an interface, as the kernel holds it or shall hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Index of the interface.
    pub index: u32,
    /// The address of this host.
    pub address: IpAddr,
    /// Length of the prefix: 0 to 32 or 128.
    pub prefix: u8,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// The broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// The label, as in `eth0:0` (IPv4, at most 15 octets); the kernel shows the interface's name when none was set.
    pub label: Option<String>,
    /// One of [`scope`].
    pub scope: u8,
    /// A set of [`flag`]s.
    pub flags: u32,
    /// Who made it, one of [`protocol`]; 0 says nothing. Kernels before 5.18 do not keep it.
    pub protocol: u8,
    /// Seconds for which it is chosen as a source address; `None` is for ever.
    pub preferred: Option<u32>,
    /// Seconds until the kernel removes it; `None` is for ever.
    pub valid: Option<u32>,
}

impl Address {
    /// A plain address: global scope, no flags, for ever.
    pub fn new(index: u32, address: IpAddr, prefix: u8) -> Self {
        Self {
            index,
            address,
            prefix,
            peer: None,
            broadcast: None,
            label: None,
            scope: scope::GLOBAL,
            flags: 0,
            protocol: protocol::UNSPECIFIED,
            preferred: None,
            valid: None,
        }
    }

    /// A virtual address as keepalived installs it: marked with its protocol number; IPv6 without duplicate address
    /// detection, and an IPv6 /128 never chosen as a source (`preferred_lft 0`).
    pub fn virtual_address(index: u32, address: IpAddr, prefix: u8) -> Self {
        Self {
            flags: if address.is_ipv6() { flag::NODAD } else { 0 },
            protocol: protocol::KEEPALIVED,
            preferred: (address.is_ipv6() && prefix == 128).then_some(0),
            ..Self::new(index, address, prefix)
        }
    }

    /// Whether both are the same to the kernel, which looks an address up by interface, address and (for IPv4) prefix.
    pub fn is_same(&self, other: &Self) -> bool {
        self.index == other.index
            && self.address == other.address
            && (self.prefix == other.prefix || self.address.is_ipv6())
    }
}

/// Flags of an address (`IFA_F_*` of `<linux/if_addr.h>`).
pub mod flag {
    /// An IPv4 address of a prefix that another one came first with; goes with that one unless promoted.
    pub const SECONDARY: u32 = 0x01;
    /// Used at once, without asking whether somebody else has it (IPv6).
    pub const NODAD: u32 = 0x02;
    /// Usable while duplicate address detection goes on (IPv6).
    pub const OPTIMISTIC: u32 = 0x04;
    /// Duplicate address detection found another host with it: not usable (IPv6).
    pub const DADFAILED: u32 = 0x08;
    /// No longer chosen as a source.
    pub const DEPRECATED: u32 = 0x20;
    /// Duplicate address detection goes on: not usable yet (IPv6).
    pub const TENTATIVE: u32 = 0x40;
    /// Not learnt and not limited in time.
    pub const PERMANENT: u32 = 0x80;
    /// The template of temporary addresses (IPv6).
    pub const MANAGETEMPADDR: u32 = 0x100;
    /// Made without a route to its prefix.
    pub const NOPREFIXROUTE: u32 = 0x200;
    /// Joined automatically where it is a multicast address.
    pub const MCAUTOJOIN: u32 = 0x400;
}

/// Scopes of an address (`RT_SCOPE_*` of `<linux/rtnetlink.h>`).
pub mod scope {
    /// Everywhere.
    pub const GLOBAL: u8 = 0;
    /// This site.
    pub const SITE: u8 = 200;
    /// This link.
    pub const LINK: u8 = 253;
    /// This host.
    pub const HOST: u8 = 254;
    /// Nowhere.
    pub const NOWHERE: u8 = 255;
}

/// Who made an address (`IFA_PROTO`).
pub mod protocol {
    /// Nobody has said so.
    pub const UNSPECIFIED: u8 = 0;
    /// The number that keepalived goes by, which we share (`RTPROT_KEEPALIVED`).
    pub const KEEPALIVED: u8 = 18;
}

/// What became of one address of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was there before (add), and stays as it was.
    AlreadyThere,
    /// It was added or removed.
    Done,
    /// It was not there (remove).
    NotThere,
    /// The kernel refused, for the reason given.
    Refused(Error),
}

impl Outcome {
    /// Whether the kernel is now as was asked: the address there after an addition, gone after a removal.
    pub fn is_as_asked(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

impl Request {
    /// The addresses of one interface, or of all.
    pub fn addresses(&mut self, index: Option<u32>) -> Result<Vec<Address>, Error> {
        let asked = || match index {
            Some(index) => format!("list the addresses of interface {index}"),
            None => "list the addresses".to_string(),
        };
        let payload = encode::address_dump(index.unwrap_or(0)).map_err(unsendable(&asked))?;
        let answers = self.dump(&asked, kind::GETADDR, &payload)?;
        let wanted = |address: &Address| index.is_none_or(|index| index == address.index);
        Ok(answers
            .iter()
            .filter(|answer| answer.kind == kind::NEWADDR)
            .filter_map(|answer| decode::address(&answer.payload))
            .filter(wanted)
            .collect())
    }

    /// Adds addresses. `each` hears what became of them chunk by chunk, the first while later ones are still to come,
    /// with the place in the slice.
    ///
    /// # Errors
    /// Only when the socket fails: then what `each` has not heard of may or may not be there.
    pub fn add_addresses(
        &mut self,
        addresses: &[Address],
        each: impl FnMut(usize, Outcome),
    ) -> Result<(), Error> {
        self.change_addresses(&ADD, addresses, each)
    }

    /// Adds addresses or gives those that are there new lifetimes and flags.
    ///
    /// # Errors
    /// As [`Request::add_addresses`].
    pub fn refresh_addresses(
        &mut self,
        addresses: &[Address],
        each: impl FnMut(usize, Outcome),
    ) -> Result<(), Error> {
        self.change_addresses(&REFRESH, addresses, each)
    }

    /// Removes addresses.
    ///
    /// # Errors
    /// As [`Request::add_addresses`].
    pub fn remove_addresses(
        &mut self,
        addresses: &[Address],
        each: impl FnMut(usize, Outcome),
    ) -> Result<(), Error> {
        self.change_addresses(&REMOVE, addresses, each)
    }

    fn change_addresses(
        &mut self,
        change: &Change,
        addresses: &[Address],
        mut each: impl FnMut(usize, Outcome),
    ) -> Result<(), Error> {
        let mut start = 0;
        for chunk in chunks(addresses) {
            self.change_chunk(change, chunk, |at, outcome| each(start + at, outcome))?;
            start += chunk.len();
        }
        Ok(())
    }

    fn change_chunk(
        &mut self,
        change: &Change,
        chunk: &[Address],
        mut each: impl FnMut(usize, Outcome),
    ) -> Result<(), Error> {
        let asked = || format!("{} {} addresses", change.verb, chunk.len());
        let payloads: Result<Vec<_>, _> = chunk.iter().map(encode::address).collect();
        let payloads = payloads.map_err(unsendable(&asked))?;
        let mut outcomes = Vec::with_capacity(chunk.len());
        self.change_many(&asked, change.kind, change.flags, &payloads, |at, errno, explanation| {
            outcomes.push((at, errno, explanation));
        })?;
        for (at, errno, explanation) in outcomes {
            let outcome = match errno {
                None => Outcome::Done,
                Some(libc::EEXIST) if change.kind == kind::NEWADDR => Outcome::AlreadyThere,
                Some(libc::EADDRNOTAVAIL) if change.kind == kind::DELADDR => Outcome::NotThere,
                Some(errno) => {
                    let Some(address) = chunk.get(at) else { continue };
                    let request = format!("{} {}", change.verb, self.describe(address));
                    Outcome::Refused(Error::Refused { request, errno, explanation })
                }
            };
            each(at, outcome);
        }
        Ok(())
    }

    fn describe(&mut self, address: &Address) -> String {
        let place = match self.link_by_index(address.index) {
            Ok(Some(link)) => link.name,
            Ok(None) | Err(_) => format!("interface {}", address.index),
        };
        format!("{}/{} on {place}", address.address, address.prefix)
    }
}

struct Change {
    verb: &'static str,
    kind: u16,
    flags: u16,
}

const ADD: Change = Change { verb: "add", kind: kind::NEWADDR, flags: flags::CREATE | flags::EXCL };
const REFRESH: Change =
    Change { verb: "refresh", kind: kind::NEWADDR, flags: flags::CREATE | flags::REPLACE };
const REMOVE: Change = Change { verb: "remove", kind: kind::DELADDR, flags: 0 };

/// What goes into one send. The kernel holds its network lock for that long: about half a millisecond, since an IPv6
/// address costs eight times as much as an IPv4 one.
fn chunks(addresses: &[Address]) -> impl Iterator<Item = &[Address]> {
    let families = addresses.chunk_by(|a, b| a.address.is_ipv4() == b.address.is_ipv4());
    families.flat_map(|family| {
        let is_ipv4 = family.first().is_some_and(|address| address.address.is_ipv4());
        family.chunks(if is_ipv4 { IPV4_CHUNK } else { IPV6_CHUNK })
    })
}

const IPV4_CHUNK: usize = 64;
const IPV6_CHUNK: usize = 8;

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn a_chunk_has_64_ipv4_or_8_ipv6_addresses() {
        let v4 = Address::new(1, Ipv4Addr::LOCALHOST.into(), 32);
        let v6 = Address::new(1, Ipv6Addr::LOCALHOST.into(), 128);
        let all = [vec![v4.clone(); 130], vec![v6; 17], vec![v4; 3]].concat();
        let lengths: Vec<_> = chunks(&all).map(<[_]>::len).collect();
        assert_eq!(lengths, [64, 64, 2, 8, 8, 1, 3]);
        assert!(chunks(&all).all(|chunk| chunk.iter().all(|a| a.address == chunk[0].address)));
        assert_eq!(chunks(&[]).count(), 0);
    }
}
