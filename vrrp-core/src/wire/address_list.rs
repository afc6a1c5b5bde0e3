//! The addresses that an instance advertises, as they go on the wire.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;

use thiserror::Error;

use super::Addresses;
use crate::Family;

/// The addresses that an instance advertises: at most 255, of one family, link-local ones first in IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressList {
    family: Family,
    octets: Box<[u8]>,
    sorted: Box<[IpAddr]>,
}

/// Addresses that one advert cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressListError {
    /// The count of an advert has eight bits.
    #[error("{count} addresses, an advert carries at most 255")]
    Count {
        /// How many there are.
        count: usize,
    },
    /// An advert carries addresses of the family of its datagram.
    #[error("{address} is not an {family} address, as all of an advert are")]
    Family {
        /// The address of another family.
        address: IpAddr,
        /// The family of the instance.
        family: Family,
    },
}

impl AddressList {
    /// Lays addresses out in their order; in IPv6 the link-local ones go before the others, because the first
    /// must be link-local (RFC 9568 section 5.2.9).
    ///
    /// # Errors
    /// More than 255 addresses and those of another family are refused.
    pub fn new(family: Family, addresses: &[IpAddr]) -> Result<Self, AddressListError> {
        if addresses.len() > usize::from(u8::MAX) {
            return Err(AddressListError::Count { count: addresses.len() });
        }
        if let Some(&address) = addresses.iter().find(|address| Family::of(address) != family) {
            return Err(AddressListError::Family { address, family });
        }
        let mut octets = Vec::new();
        let (first, then): (Vec<IpAddr>, Vec<IpAddr>) =
            addresses.iter().partition(|address| is_link_local(address));
        for address in first.iter().chain(&then) {
            match address {
                IpAddr::V4(address) => octets.extend_from_slice(&address.octets()),
                IpAddr::V6(address) => octets.extend_from_slice(&address.octets()),
            }
        }
        let mut sorted = addresses.to_vec();
        sorted.sort_unstable();
        Ok(Self { family, octets: octets.into(), sorted: sorted.into() })
    }

    /// The family of all addresses.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The number of addresses.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Whether an IPv6 list starts with a link-local address, as its receivers may demand (erratum 8300).
    ///
    /// IPv4 and an empty list always are as they should be.
    pub fn link_local_first(&self) -> bool {
        match self.family {
            Family::V4 => true,
            Family::V6 => self.is_empty() || self.sorted.iter().any(is_link_local),
        }
    }

    /// The octets in the order of the wire.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Whether `others` are these addresses, each once.
    pub(super) fn is_permutation(&self, others: Addresses<'_>) -> bool {
        if others.len() != self.sorted.len() {
            return false;
        }
        let mut seen = [0_u64; 4];
        for other in others {
            let Ok(at) = self.sorted.binary_search(&other) else {
                return false;
            };
            if let Some(word) = seen.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        seen.iter().map(|word| word.count_ones() as usize).sum::<usize>() == self.sorted.len()
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
