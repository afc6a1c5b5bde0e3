//! What a raw socket gives, and the part of it that is not VRRP.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::Ipv4HeaderSlice;

use super::{Malformed, PROTOCOL, Reject};
use crate::Family;

/// A received datagram, as a raw socket of its family gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there is no third family
pub enum Datagram<'a> {
    /// A whole IPv4 datagram with its header; what follows its total length is ignored.
    V4(&'a [u8]),
    /// The payload of an IPv6 datagram; the kernel has walked the extension headers and taken them off.
    V6 {
        /// The source address.
        source: Ipv6Addr,
        /// The destination address (IPV6_PKTINFO).
        destination: Ipv6Addr,
        /// The hop limit that was left (IPV6_HOPLIMIT).
        hop_limit: u8,
        /// Everything behind the IPv6 header and its extensions.
        payload: &'a [u8],
    },
}

/// What the IP header of a datagram says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // receive rules ask for nothing else of an IP header
pub struct Header {
    /// The source address.
    pub source: IpAddr,
    /// The destination address: a group, or one of our own.
    pub destination: IpAddr,
    /// The TTL or hop limit that was left.
    pub ttl: u8,
}

impl Header {
    /// The family of the datagram.
    pub const fn family(&self) -> Family {
        Family::of(&self.source)
    }

    /// Refuses a source that no host can have: unspecified, loopback, multicast or broadcast.
    ///
    /// # Errors
    /// [`Reject::Source`].
    pub fn check_source(&self) -> Result<(), Reject> {
        let source = self.source;
        let broadcast = source == IpAddr::V4(Ipv4Addr::BROADCAST);
        if source.is_unspecified() || source.is_loopback() || source.is_multicast() || broadcast {
            return Err(Reject::Source);
        }
        Ok(())
    }
}

impl<'a> Datagram<'a> {
    /// Takes the IP header off.
    ///
    /// IPv4 options are accepted; the header's checksum was verified by the kernel.
    ///
    /// # Errors
    /// [`Reject::Malformed`] for what is not one whole IPv4 datagram of protocol 112.
    pub fn split(&self) -> Result<(Header, &'a [u8]), Reject> {
        match *self {
            Self::V4(octets) => split_v4(octets).map_err(Reject::Malformed),
            Self::V6 { source, destination, hop_limit, payload } => Ok((
                Header { source: source.into(), destination: destination.into(), ttl: hop_limit },
                payload,
            )),
        }
    }
}

fn split_v4(octets: &[u8]) -> Result<(Header, &[u8]), Malformed> {
    let ip = Ipv4HeaderSlice::from_slice(octets).map_err(|_| Malformed::Header)?;
    let wrong_length = Malformed::TotalLength {
        found: ip.total_len(),
        received: u16::try_from(octets.len()).unwrap_or(u16::MAX),
    };
    let payload = octets.get(ip.slice().len()..usize::from(ip.total_len())).ok_or(wrong_length)?;
    if ip.is_fragmenting_payload() {
        return Err(Malformed::Fragment);
    }
    if ip.protocol().0 != PROTOCOL {
        return Err(Malformed::Protocol { found: ip.protocol().0 });
    }
    let header =
        Header { source: ip.source_addr().into(), destination: ip.destination_addr().into(), ttl: ip.ttl() };
    Ok((header, payload))
}
