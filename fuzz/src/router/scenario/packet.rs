//! Datagrams from bytes: adverts with the right checksum, adverts with something wrong, and noise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arbitrary::{Result, Unstructured};
use vrrp_core::Family;
use vrrp_core::wire::{self, Datagram};

use crate::checksum::{Pseudo, repair};

/// A datagram that owns its octets.
#[derive(Debug)]
pub(crate) enum Octets {
    V4(Vec<u8>),
    V6 { source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, payload: Vec<u8> },
}

impl Octets {
    pub(crate) fn datagram(&self) -> Datagram<'_> {
        match self {
            Self::V4(octets) => Datagram::V4(octets),
            Self::V6 { source, destination, hop_limit, payload } => {
                Datagram::V6 { source: *source, destination: *destination, hop_limit: *hop_limit, payload }
            }
        }
    }
}

/// A host of the one network there is: 1 is ourselves, 2 to 4 are others, from 100 on they are virtual.
pub(crate) fn host(family: Family, number: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(192, 0, 2, number).into(),
        Family::V6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number.into()).into(),
    }
}

/// One datagram.
pub(crate) fn octets(bytes: &mut Unstructured<'_>) -> Result<Octets> {
    if bytes.ratio(1, 16)? {
        let len = bytes.int_in_range(0..=64_usize)?.min(bytes.len());
        return Ok(Octets::V4(bytes.bytes(len)?.to_vec()));
    }
    let family = super::config::family(bytes)?;
    let from = host(family, bytes.int_in_range(1..=4)?);
    let to = match (bytes.ratio(1, 3)?, family) {
        (true, _) => host(family, 1),
        (false, Family::V4) => wire::GROUP_V4.into(),
        (false, Family::V6) => wire::GROUP_V6.into(),
    };
    let ttl = if bytes.ratio(1, 8)? { bytes.arbitrary()? } else { wire::TTL };
    let mut message = message(bytes, family)?;
    let message_only = bytes.ratio(1, 4)? || message.first().is_some_and(|octet| octet >> 4 == 2);
    let pseudo = match (from, to) {
        (IpAddr::V6(from), IpAddr::V6(to)) => Pseudo::V6(from, to),
        (IpAddr::V4(from), IpAddr::V4(to)) if !message_only => Pseudo::V4(from, to),
        _ => Pseudo::None,
    };
    if !bytes.ratio(1, 16)? {
        repair(&mut message, pseudo);
    }
    Ok(match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Octets::V4(with_header(from, to, ttl, &message)),
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Octets::V6 { source, destination, hop_limit: ttl, payload: message }
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Octets::V4(message),
    })
}

/// A VRRP message without its checksum.
fn message(bytes: &mut Unstructured<'_>, family: Family) -> Result<Vec<u8>> {
    let version = if family == Family::V4 && bytes.arbitrary()? { 2_u8 } else { 3 };
    let vrid: u8 = bytes.int_in_range(0..=4)?;
    let priority: u8 = match bytes.int_in_range(0..=3_u8)? {
        0 => 0,
        1 => 100,
        _ => bytes.arbitrary()?,
    };
    let first: u8 = bytes.int_in_range(100..=103)?;
    let count: u8 = bytes.int_in_range(0..=3)?;
    let centis: u16 = if bytes.ratio(1, 4)? { bytes.arbitrary()? } else { 100 };
    let password = bytes.arbitrary::<bool>()?;
    let [high, low] = match version {
        2 => [u8::from(password), (centis / 100) as u8],
        _ => centis.to_be_bytes(),
    };
    let mut message = vec![version << 4 | 1, vrid, priority, count, high, low, 0, 0];
    for number in first..first + count {
        match host(family, number) {
            IpAddr::V4(address) => message.extend(address.octets()),
            IpAddr::V6(address) => message.extend(address.octets()),
        }
    }
    if version == 2 {
        message.extend(if password { *b"s3cr3t\0\0" } else { [0; 8] });
    }
    // Something may be wrong with it.
    if bytes.ratio(1, 8)? {
        let at = bytes.choose_index(message.len())?;
        message[at] = bytes.arbitrary()?;
    }
    if bytes.ratio(1, 16)? {
        message.truncate(bytes.choose_index(message.len())?);
    }
    Ok(message)
}

fn with_header(from: Ipv4Addr, to: Ipv4Addr, ttl: u8, message: &[u8]) -> Vec<u8> {
    let total = (20 + message.len() as u16).to_be_bytes();
    // The header's checksum is the kernel's business, and not looked at.
    let mut octets = vec![0x45, 0xc0, total[0], total[1], 0, 1, 0, 0, ttl, wire::PROTOCOL, 0, 0];
    octets.extend(from.octets());
    octets.extend(to.octets());
    octets.extend(message);
    octets
}
