//! Messages made by hand, without the code under test.

use std::net::IpAddr;

/// The addresses of a pseudo-header.
pub(crate) type Pair = (IpAddr, IpAddr);

/// The message with its checksum, whose place must hold zero; with a pseudo-header if addresses are given.
pub(crate) fn with_checksum(mut message: Vec<u8>, pseudo_header: Option<Pair>) -> Vec<u8> {
    let mut covered = message.clone();
    if let Some((source, destination)) = pseudo_header {
        covered.extend(address(source));
        covered.extend(address(destination));
        covered.extend((message.len() as u32).to_be_bytes());
        covered.extend([0, 0, 0, 112]);
    }
    let mut sum = 0_u32;
    for word in covered.chunks(2) {
        sum += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    message[6..8].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    message
}

fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
