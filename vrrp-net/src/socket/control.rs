//! Control messages (`struct cmsghdr`): what travels beside a datagram.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

const WORD: usize = size_of::<usize>();
const HEADER: usize = WORD + 8;

/// One control message for a datagram that is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control {
    octets: [u8; 64],
    length: u8,
}

impl Control {
    const NONE: Self = Self { octets: [0; 64], length: 0 };

    /// The interface that the datagram leaves by; for IPv6 its source address and hop limit, too.
    pub(super) fn leave_by(index: u32, source: IpAddr, hop_limit: u8) -> Self {
        let mut control = Self::NONE;
        match source {
            // struct in_pktinfo: index, source for local delivery, destination. The header says the rest.
            IpAddr::V4(_) => {
                control.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &[&index.to_ne_bytes(), &[0; 8]])
            }
            // struct in6_pktinfo: source, index.
            IpAddr::V6(source) => {
                let info = [&source.octets()[..], &index.to_ne_bytes()];
                control.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
                let limit = i32::from(hop_limit).to_ne_bytes();
                control.push(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, &[&limit]);
            }
        }
        control
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn push(&mut self, level: i32, kind: i32, data: &[&[u8]]) {
        let length = HEADER + data.iter().map(|part| part.len()).sum::<usize>();
        let header = [&length.to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes()];
        let start = usize::from(self.length);
        let octets = header.iter().chain(data).copied().flatten();
        for (place, octet) in self.octets.iter_mut().skip(start).zip(octets) {
            *place = *octet;
        }
        let end = (start + length).next_multiple_of(WORD).min(self.octets.len());
        self.length = u8::try_from(end).unwrap_or(u8::MAX);
    }
}

/// What the control messages of a received datagram say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Wall-clock time of its arrival, since 1970.
    pub(super) stamp: Option<Duration>,
    /// The destination address (IPv6).
    pub(super) destination: Option<Ipv6Addr>,
    /// The hop limit that was left (IPv6).
    pub(super) hop_limit: Option<u8>,
    /// How many datagrams the socket has dropped since it was opened.
    pub(super) dropped: Option<u32>,
}

impl Said {
    pub(super) fn read(mut control: &[u8]) -> Self {
        let mut said = Self::default();
        while let Some((level, kind, data, rest)) = next(control) {
            match (level, kind) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => said.stamp = stamp(data),
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => said.dropped = number(data),
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    said.destination = data.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    said.hop_limit = number(data).and_then(|limit| u8::try_from(limit).ok());
                }
                _ => {}
            }
            control = rest;
        }
        said
    }
}

fn next(control: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let length = usize::from_ne_bytes(control.first_chunk().copied()?);
    let level = i32::from_ne_bytes(control.get(WORD..WORD + 4)?.try_into().ok()?);
    let kind = i32::from_ne_bytes(control.get(WORD + 4..HEADER)?.try_into().ok()?);
    let data = control.get(HEADER..length)?;
    let rest = control.get(length.checked_next_multiple_of(WORD)?..).unwrap_or_default();
    Some((level, kind, data, rest))
}

fn number(data: &[u8]) -> Option<u32> {
    data.first_chunk().copied().map(u32::from_ne_bytes)
}

/// `struct timespec`.
fn stamp(data: &[u8]) -> Option<Duration> {
    let half = data.len() / 2;
    let signed = |octets: &[u8]| match octets.len() {
        8 => octets.try_into().ok().map(i64::from_ne_bytes),
        4 => octets.try_into().ok().map(|octets| i64::from(i32::from_ne_bytes(octets))),
        _ => None,
    };
    let seconds = u64::try_from(signed(data.get(..half)?)?).ok()?;
    let nanoseconds =
        u32::try_from(signed(data.get(half..)?)?).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let source: Ipv6Addr = "fe80::1".parse().expect("an address");
        let control = Control::leave_by(7, source.into(), 64);
        assert_eq!(control.octets().len(), 64, "two messages, each rounded up to a word");
        let said = Said::read(control.octets());
        assert_eq!((said.destination, said.hop_limit), (Some(source), Some(64)));
        assert_eq!(Control::leave_by(7, IpAddr::from([10, 0, 0, 1]), 255).octets().len(), 32);
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_reading() {
        for length in [0_usize, 1, 15, 17, 4000, usize::MAX] {
            let mut octets = [0; 32];
            octets[..WORD].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Said::read(&octets), Said::default(), "{length}");
        }
        assert_eq!(Said::read(&[1, 2, 3]), Said::default());
    }
}
