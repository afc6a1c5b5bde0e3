//! The Internet checksum (RFC 1071) once more: what repairs a packet must not be what judges it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The addresses of a pseudo-header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pseudo {
    /// None: the checksum covers the message alone.
    None,
    /// IPv4.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv6.
    V6(Ipv6Addr, Ipv6Addr),
}

/// Puts the right checksum into octets 6 and 7 of a VRRP message; a shorter one stays as it is.
pub(crate) fn repair(message: &mut [u8], pseudo: Pseudo) {
    if message.len() < 8 {
        return;
    }
    message[6..8].fill(0);
    let len = message.len() as u32;
    let header = match pseudo {
        Pseudo::None => Vec::new(),
        Pseudo::V4(from, to) => {
            [&from.octets()[..], &to.octets(), &(112_u32 << 16 | len).to_be_bytes()].concat()
        }
        Pseudo::V6(from, to) => {
            [&from.octets()[..], &to.octets(), &len.to_be_bytes(), &112_u32.to_be_bytes()].concat()
        }
    };
    let mut sum = 0_u32;
    for word in header.chunks(2).chain(message.chunks(2)) {
        sum += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    message[6..8].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
