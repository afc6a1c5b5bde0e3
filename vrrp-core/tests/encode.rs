//! What we send (RFC 9568 section 5, RFC 3768 section 5).
//!
//! The ids in the comments are those of the conformance catalogue; that the octets are those of other
//! implementations is shown in `vectors.rs` and `vectors_captures.rs`.

#[path = "vectors/craft.rs"]
mod craft;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use craft::with_checksum;
use etherparse::{Ipv4Header, Ipv4HeaderSlice};
use vrrp_core::wire::{
    self, AddressListError, AdvertTemplate, ChecksumForm, Datagram, Expect, TemplateError,
};
use vrrp_core::{Family, Interval, Password, Version, Vrid};

use Version::{V2, V3};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// VRID 51, one second, no password, the pseudo-header.
fn template(version: Version, vips: &[&str]) -> AdvertTemplate {
    let vips: Vec<IpAddr> = vips.iter().map(|vip| ip(vip)).collect();
    let family = vips.first().map_or(Family::V4, Family::of);
    AdvertTemplate::new(version, family, vrid(), Interval::DEFAULT, &vips, None, ChecksumForm::PseudoHeader)
        .expect("an advert that can be")
}

fn vrid() -> Vrid {
    Vrid::new(51).expect("not zero")
}

fn to_group(template: &mut AdvertTemplate, priority: u8) -> Vec<u8> {
    let (source, group) = match template.addresses().family() {
        Family::V4 => (ip("192.0.2.1"), wire::GROUP_V4.into()),
        Family::V6 => (ip("fe80::1"), wire::GROUP_V6.into()),
    };
    template.write(priority, source, group, wire::TTL, 7).expect("one family").to_vec()
}

#[test]
fn each_unicast_peer_gets_its_own_checksum() {
    // W-4
    let mut template = template(V3, &["192.0.2.253"]);
    let mut message = |peer| {
        let datagram = template.write(150, ip("192.0.2.1"), ip(peer), wire::TTL, 1).expect("one family");
        datagram[20..].to_vec()
    };
    let crafted = |peer| {
        let message = vec![0x31, 51, 150, 1, 0, 100, 0, 0, 192, 0, 2, 253];
        with_checksum(message, Some((ip("192.0.2.1"), ip(peer))))
    };
    assert_eq!(message("192.0.2.2"), crafted("192.0.2.2"));
    assert_eq!(message("192.0.2.3"), crafted("192.0.2.3"));
    assert_ne!(crafted("192.0.2.2"), crafted("192.0.2.3"));
}

#[test]
fn the_link_local_address_goes_first_even_if_configured_last() {
    // W-5
    let mut template = template(V3, &["2001:db8::253", "2001:db8::1", "fe80::253"]);
    let message = to_group(&mut template, 150);
    let header = wire::Header { source: ip("fe80::1"), destination: ip("ff02::12"), ttl: 255 };
    let advert = wire::parse(&header, &message, &Expect::version(V3)).expect("ours");
    let sent: Vec<_> = advert.addresses().collect();
    assert_eq!(sent, [ip("fe80::253"), ip("2001:db8::253"), ip("2001:db8::1")]);
    assert!(template.addresses().link_local_first());
}

#[test]
fn a_list_without_a_link_local_address_says_so() {
    // W-6: keepalived starts with such a list, so the configuration judges
    assert!(!template(V3, &["2001:db8::253"]).addresses().link_local_first());
    assert!(template(V3, &["192.0.2.253"]).addresses().link_local_first());
    assert!(template(V3, &[]).addresses().link_local_first());
}

#[test]
fn an_interval_goes_out_whole_or_not_at_all() {
    // W-7, W-8
    let octets = |version, centis| {
        let interval = Interval::from_centis(centis).expect("in range of one version");
        let form = ChecksumForm::MessageOnly;
        AdvertTemplate::new(version, Family::V4, vrid(), interval, &[ip("192.0.2.253")], None, form)
            .map(|mut template| to_group(&mut template, 1)[24..26].to_vec())
    };
    assert_eq!(octets(V3, 1), Ok(vec![0x00, 0x01]));
    assert_eq!(octets(V3, 4095), Ok(vec![0x0f, 0xff]));
    assert_eq!(octets(V2, 25_500), Ok(vec![0x00, 0xff]));
    for (version, centis) in [(V3, 4096), (V2, 50), (V2, 150)] {
        let interval = Interval::from_centis(centis).expect("in range of one version");
        assert_eq!(octets(version, centis), Err(TemplateError::Interval { interval, version }));
    }
}

#[test]
fn resigning_changes_the_priority_and_the_checksum_alone() {
    // W-9, W-10
    for version in [V2, V3] {
        let mut template = template(version, &["192.0.2.253", "192.0.2.252"]);
        let owner = to_group(&mut template, 255);
        let resigned = to_group(&mut template, 0);
        let differs: Vec<usize> = (0..owner.len()).filter(|&at| owner[at] != resigned[at]).collect();
        assert_eq!((owner[22], resigned[22]), (255, 0));
        assert!(differs.iter().all(|at| matches!(at, 22 | 26 | 27)), "{differs:?}");
    }
}

#[test]
fn what_was_written_before_leaves_no_trace() {
    for version in [V2, V3] {
        let mut used = template(version, &["192.0.2.253"]);
        for (priority, peer, ttl, ip_id) in [(255, "192.0.2.9", 1, 9), (3, "203.0.113.200", 64, 65_535)] {
            used.write(priority, ip("198.51.100.77"), ip(peer), ttl, ip_id).expect("one family");
        }
        assert_eq!(to_group(&mut used, 150), to_group(&mut template(version, &["192.0.2.253"]), 150));
    }
}

#[test]
fn templates_are_equal_when_they_send_the_same() {
    let fresh = || template(V2, &["192.0.2.253"]);
    let mut used = fresh();
    to_group(&mut used, 77);
    assert_eq!(used, fresh());
    let password = |text| {
        let password = Password::new(text).expect("short");
        let (vips, form) = ([ip("192.0.2.253")], ChecksumForm::PseudoHeader);
        AdvertTemplate::new(V2, Family::V4, vrid(), Interval::DEFAULT, &vips, Some(&password), form)
            .expect("an advert that can be")
    };
    assert_ne!(password(b"s3cr3t"), fresh());
    assert_ne!(password(b"s3cr3t"), password(b"s3crst"));
    assert_ne!(template(V3, &["192.0.2.253"]), template(V3, &["192.0.2.252"]));
    assert_ne!(template(V3, &["192.0.2.253"]), fresh());
    let mut other_form = template(V3, &["192.0.2.253"]);
    other_form.set_checksum_form(ChecksumForm::MessageOnly);
    assert_ne!(template(V3, &["192.0.2.253"]), other_form);
}

#[test]
fn more_addresses_than_the_count_can_say_are_refused() {
    // W-11
    let vips: Vec<IpAddr> = (0..256_u32).map(|host| Ipv4Addr::from(0x0a00_0000 + host).into()).collect();
    let new = |vips: &[IpAddr]| {
        AdvertTemplate::new(V3, Family::V4, vrid(), Interval::DEFAULT, vips, None, ChecksumForm::Either)
    };
    assert!(new(&vips[..255]).is_ok());
    let error = new(&vips).expect_err("256 addresses");
    assert_eq!(error, TemplateError::Addresses(AddressListError::Count { count: 256 }));
    assert_eq!(error.to_string(), "256 addresses, an advert carries at most 255");
}

#[test]
fn the_mtu_limits_the_addresses_of_one_packet() {
    // W-11
    assert_eq!(wire::max_addresses(Family::V6, V3, 1500), 90);
    assert_eq!(wire::max_addresses(Family::V6, V3, 1280), 77);
    assert_eq!(wire::max_addresses(Family::V6, V3, 9000), 255);
    assert_eq!(wire::max_addresses(Family::V4, V3, 1500), 255);
    assert_eq!(wire::max_addresses(Family::V4, V3, 1047), 254);
    assert_eq!(wire::max_addresses(Family::V4, V3, 1048), 255);
    assert_eq!(wire::max_addresses(Family::V4, V2, 576), 135);
    assert_eq!(wire::max_addresses(Family::V4, V2, 35), 0);
    assert_eq!(wire::max_addresses(Family::V6, V2, 1500), 0);
    assert_eq!(wire::max_addresses(Family::V6, V3, 0), 0);
}

#[test]
fn as_many_addresses_as_fit_make_a_packet_of_at_most_the_mtu() {
    // W-11
    for mtu in [68, 576, 1000, 1048, 1500] {
        for version in [V2, V3] {
            let max = wire::max_addresses(Family::V4, version, mtu);
            let vips: Vec<String> = (1..=max).map(|host| Ipv4Addr::from(host as u32).to_string()).collect();
            let vips: Vec<&str> = vips.iter().map(String::as_str).collect();
            let len = to_group(&mut template(version, &vips), 1).len();
            assert!(len <= mtu && (max == 255 || len + 4 > mtu), "{len} octets, MTU {mtu}");
        }
        let max = wire::max_addresses(Family::V6, V3, mtu);
        let vips: Vec<String> = (1..=max).map(|host| Ipv6Addr::from(host as u128).to_string()).collect();
        let vips: Vec<&str> = vips.iter().map(String::as_str).collect();
        let len = 40 + to_group(&mut template(V3, &vips), 1).len();
        assert!(len <= mtu && len + 16 > mtu || max == 0, "{len} octets, MTU {mtu}");
    }
}

#[test]
fn the_ip_header_is_that_of_every_vrrp_router() {
    // W-12
    let octets = to_group(&mut template(V3, &["192.0.2.253"]), 150);
    let header = Ipv4HeaderSlice::from_slice(&octets).expect("an IPv4 header").to_header();
    let mut expected = Ipv4Header {
        dscp: etherparse::IpDscp::CS6,
        total_len: 32,
        identification: 7,
        dont_fragment: false,
        time_to_live: 255,
        protocol: etherparse::IpNumber(112),
        source: [192, 0, 2, 1],
        destination: [224, 0, 0, 18],
        ..Ipv4Header::default()
    };
    expected.header_checksum = expected.calc_header_checksum();
    assert_eq!(header, expected);
    assert_eq!(octets[1], 0xc0);
    let sum: u32 = octets[..20].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
}

#[test]
fn the_identification_is_never_zero() {
    let mut template = template(V2, &["192.0.2.253"]);
    let mut id = |ip_id| {
        let datagram =
            template.write(1, ip("192.0.2.1"), wire::GROUP_V4.into(), 255, ip_id).expect("one family");
        u16::from_be_bytes([datagram[4], datagram[5]])
    };
    assert_eq!((id(0), id(1), id(65_535)), (1, 1, 65_535));
}

#[test]
fn an_ipv6_advert_is_the_message_alone() {
    // W-13: traffic class and hop limit are the socket's
    let message = to_group(&mut template(V3, &["fe80::253"]), 150);
    let mut crafted = vec![0x31, 51, 150, 1, 0, 100, 0, 0];
    crafted.extend("fe80::253".parse::<Ipv6Addr>().expect("an address").octets());
    assert_eq!(message, with_checksum(crafted, Some((ip("fe80::1"), ip("ff02::12")))));
}

#[test]
fn addresses_keep_the_order_of_the_configuration() {
    // W-14
    let vips = ["192.0.2.253", "10.0.0.9", "192.0.2.1"];
    let octets = to_group(&mut template(V3, &vips), 150);
    let (header, message) = Datagram::V4(&octets).split().expect("ours");
    let advert = wire::parse(&header, message, &Expect::version(V3)).expect("ours");
    assert_eq!(advert.addresses().collect::<Vec<_>>(), vips.map(ip));
}

#[test]
fn the_form_of_the_checksum_can_follow_the_peers() {
    // W-15
    let mut template = template(V3, &["192.0.2.253"]);
    let sent = |template: &mut AdvertTemplate, form| {
        template.set_checksum_form(form);
        let octets = to_group(template, 150);
        let (header, message) = Datagram::V4(&octets).split().expect("ours");
        wire::parse(&header, message, &Expect::version(V3)).expect("ours").checksum_form()
    };
    assert_eq!(sent(&mut template, ChecksumForm::MessageOnly), ChecksumForm::MessageOnly);
    assert_eq!(sent(&mut template, ChecksumForm::PseudoHeader), ChecksumForm::PseudoHeader);
    assert_eq!(sent(&mut template, ChecksumForm::Either), ChecksumForm::PseudoHeader);
}

#[test]
fn v2_and_ipv6_have_one_form_of_checksum_whatever_is_asked_for() {
    for form in [ChecksumForm::Either, ChecksumForm::MessageOnly, ChecksumForm::PseudoHeader] {
        for (version, vip) in [(V2, "192.0.2.253"), (V3, "fe80::253")] {
            let mut template = template(version, &[vip]);
            let before = to_group(&mut template, 150);
            template.set_checksum_form(form);
            assert_eq!(to_group(&mut template, 150), before);
        }
    }
}

#[test]
fn addresses_of_another_family_are_not_written() {
    let mut v4 = template(V3, &["192.0.2.253"]);
    let mut v6 = template(V3, &["fe80::253"]);
    let (four, six) = (ip("192.0.2.1"), ip("fe80::1"));
    for (source, destination) in [(four, six), (six, four), (six, six)] {
        assert_eq!(v4.write(1, source, destination, 255, 1), None);
    }
    for (source, destination) in [(four, six), (six, four), (four, four)] {
        assert_eq!(v6.write(1, source, destination, 255, 1), None);
    }
}

#[test]
fn what_a_version_cannot_say_is_refused() {
    let password = Password::new(b"s3cr3t").expect("short");
    let new = |version, family, vip, password| {
        let form = ChecksumForm::Either;
        AdvertTemplate::new(version, family, vrid(), Interval::DEFAULT, &[ip(vip)], password, form)
            .map(|_| ())
            .expect_err("refused")
    };
    assert_eq!(new(V2, Family::V6, "fe80::253", None), TemplateError::Version);
    assert_eq!(new(V3, Family::V4, "192.0.2.253", Some(&password)), TemplateError::Password);
    let error = AddressListError::Family { address: ip("fe80::253"), family: Family::V4 };
    assert_eq!(new(V3, Family::V4, "fe80::253", None), TemplateError::Addresses(error));
    assert_eq!(error.to_string(), "fe80::253 is not an IPv4 address, as all of an advert are");
}

#[test]
fn a_password_is_not_shown() {
    let password = Password::new(b"s3cr3t").expect("short");
    let vips = [ip("192.0.2.253")];
    let form = ChecksumForm::Either;
    let template =
        AdvertTemplate::new(V2, Family::V4, vrid(), Interval::DEFAULT, &vips, Some(&password), form)
            .expect("an advert that can be");
    let shown = format!("{template:?}");
    assert!(shown.contains("192.0.2.253"), "{shown}");
    assert!(!shown.contains("115") && !shown.contains("s3cr3t"), "{shown}");
}
