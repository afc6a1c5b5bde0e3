//! What is not one whole IPv4 datagram of VRRP is malformed, and nothing else is.

#[path = "vectors/craft.rs"]
mod craft;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use craft::with_checksum;
use vrrp_core::wire::{self, Datagram, Expect, Header, Malformed, Reject};

fn message() -> Vec<u8> {
    with_checksum(vec![0x31, 51, 150, 1, 0, 100, 0, 0, 192, 0, 2, 253], None)
}

/// An IPv4 datagram of protocol 112 from 192.0.2.1 to the group, with options of 4-octet words.
fn datagram(option_words: u8, payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + 4 * usize::from(option_words);
    let total_len = u16::try_from(header_len + payload.len()).expect("a short payload");
    let mut octets = vec![0x45 + option_words, 0xc0];
    octets.extend(total_len.to_be_bytes());
    octets.extend([0, 1, 0, 0, 255, 112, 0, 0]);
    octets.extend(Ipv4Addr::new(192, 0, 2, 1).octets());
    octets.extend(Ipv4Addr::new(224, 0, 0, 18).octets());
    octets.resize(header_len, 1); // no operation
    octets.extend(payload);
    octets
}

fn split(octets: &[u8]) -> Result<(Header, &[u8]), Reject> {
    Datagram::V4(octets).split()
}

fn malformed(malformed: Malformed) -> Result<(Header, &'static [u8]), Reject> {
    Err(Reject::Malformed(malformed))
}

fn from(source: &str) -> Header {
    let source: IpAddr = source.parse().expect("an address");
    let destination = if source.is_ipv4() { wire::GROUP_V4.into() } else { wire::GROUP_V6.into() };
    Header { source, destination, ttl: 255 }
}

#[test]
fn an_ipv4_header_is_taken_off() {
    let octets = datagram(0, &message());
    let expected = Header {
        source: "192.0.2.1".parse().expect("an address"),
        destination: "224.0.0.18".parse().expect("an address"),
        ttl: 255,
    };
    assert_eq!(split(&octets), Ok((expected, message().as_slice())));
}

#[test]
fn ipv4_options_are_accepted() {
    // P54: header lengths 5 to 15
    for words in 0..=10 {
        let octets = datagram(words, &message());
        let (header, payload) = split(&octets).expect("options are no harm");
        assert_eq!(payload, message());
        assert!(wire::parse(&header, payload, &Expect::ANY).is_ok());
    }
}

#[test]
fn a_header_length_that_cannot_be_is_malformed() {
    // P55
    let mut octets = datagram(0, &message());
    for ihl in 0..5 {
        octets[0] = 0x40 | ihl;
        assert_eq!(split(&octets), malformed(Malformed::Header));
    }
    octets[0] = 0x4f; // 60 octets of 32
    assert_eq!(split(&octets), malformed(Malformed::Header));
}

#[test]
fn another_version_of_ip_is_malformed() {
    let mut octets = datagram(0, &message());
    for version in (0..16).filter(|&version| version != 4) {
        octets[0] = version << 4 | 5;
        assert_eq!(split(&octets), malformed(Malformed::Header));
    }
}

#[test]
fn a_total_length_shorter_than_the_header_is_malformed() {
    // P55
    let mut octets = datagram(1, &message());
    for found in 0..24_u16 {
        octets[2..4].copy_from_slice(&found.to_be_bytes());
        assert_eq!(split(&octets), malformed(Malformed::TotalLength { found, received: 36 }));
    }
}

#[test]
fn what_follows_the_total_length_is_ignored() {
    // P56
    let octets = datagram(0, &message());
    let mut padded = octets.clone();
    padded.extend([0xff; 14]);
    assert_eq!(split(&padded), split(&octets));
}

#[test]
fn a_total_length_beyond_what_was_received_is_malformed() {
    // P57, and every truncation
    let octets = datagram(0, &message());
    for len in 0..octets.len() {
        let expected = if len < 20 {
            Malformed::Header
        } else {
            Malformed::TotalLength { found: 32, received: len as u16 }
        };
        assert_eq!(split(&octets[..len]), malformed(expected));
    }
}

#[test]
fn a_fragment_is_malformed() {
    // P58: more fragments, the lowest and the highest offset
    for flags in [0x2000_u16, 0x0001, 0x1fff, 0x3fff] {
        let mut octets = datagram(0, &message());
        octets[6..8].copy_from_slice(&flags.to_be_bytes());
        assert_eq!(split(&octets), malformed(Malformed::Fragment));
    }
    let mut octets = datagram(0, &message());
    octets[6] = 0x40;
    assert!(split(&octets).is_ok(), "don't fragment is no fragment");
}

#[test]
fn another_protocol_is_malformed() {
    for found in (0..=255).filter(|&protocol| protocol != wire::PROTOCOL) {
        let mut octets = datagram(0, &message());
        octets[9] = found;
        assert_eq!(split(&octets), malformed(Malformed::Protocol { found }));
    }
}

#[test]
fn the_ttl_is_given_as_it_arrived() {
    // P33, P73: the router judges it
    for ttl in [0, 1, 254, 255] {
        let mut octets = datagram(0, &message());
        octets[8] = ttl;
        assert_eq!(split(&octets).expect("whole").0.ttl, ttl);
        let source = Ipv6Addr::LOCALHOST;
        let datagram = Datagram::V6 { source, destination: wire::GROUP_V6, hop_limit: ttl, payload: &[] };
        assert_eq!(datagram.split().expect("whole").0.ttl, ttl);
    }
}

#[test]
fn an_ipv6_payload_is_given_as_it_is() {
    let source = "fe80::1".parse().expect("an address");
    let payload = [1, 2, 3];
    let datagram = Datagram::V6 { source, destination: wire::GROUP_V6, hop_limit: 255, payload: &payload };
    assert_eq!(datagram.split(), Ok((from("fe80::1"), payload.as_slice())));
}

#[test]
fn a_source_that_no_host_can_have_is_rejected() {
    // P62
    for source in ["0.0.0.0", "127.0.0.1", "127.255.0.1", "224.0.0.18", "239.1.2.3", "255.255.255.255"] {
        assert_eq!(from(source).check_source(), Err(Reject::Source), "{source}");
    }
    for source in ["::", "::1", "ff02::12"] {
        assert_eq!(from(source).check_source(), Err(Reject::Source), "{source}");
    }
}

#[test]
fn any_address_of_a_host_is_a_source() {
    // P63, P76: whether it is on the link is not the packet's to say
    for source in ["192.0.2.1", "10.0.0.255", "169.254.1.1", "fe80::1", "2001:db8::1"] {
        assert_eq!(from(source).check_source(), Ok(()), "{source}");
    }
}
