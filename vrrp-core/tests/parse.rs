//! The receive rules that a message alone can break (RFC 9568 section 7.1, RFC 3768 section 7.1).
//!
//! The ids in the comments are those of the conformance catalogue. Rules that need an instance (TTL, VRID,
//! owner, mode) are the router's and tested there.

#[path = "vectors/craft.rs"]
mod craft;
#[path = "vectors/hex.rs"]
mod hex;

use std::net::IpAddr;

use craft::with_checksum;
use hex::octets;
use vrrp_core::wire::{self, AddressList, Advert, ChecksumForm, Expect, Header, Reason, Reject};
use vrrp_core::{Family, Interval, Password, Version};

use Version::{V2, V3};

const W1: &str = "21339601000185ccc00002fd0000000000000000";
const W2: &str = "2133960101017ab2c00002fd7333637233740000";
const W5: &str = "3133960100647569c00002fd";
const W6: &str = "313396010064d2d8c00002fd";
const W7: &str = "313396010064f0e8c00002fd";
const W16: &str = "3133960200640957fe80000000000000000000000000025320010db8000000000000000000000253";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn group_v4() -> Header {
    Header { source: ip("192.0.2.1"), destination: ip("224.0.0.18"), ttl: 255 }
}

fn group_v6() -> Header {
    Header { source: ip("fe80::1"), destination: ip("ff02::12"), ttl: 255 }
}

fn v2(message: &[u8]) -> Result<Advert<'_>, Reject> {
    wire::parse(&group_v4(), message, &Expect::version(V2))
}

fn v3(message: &[u8]) -> Result<Advert<'_>, Reject> {
    wire::parse(&group_v4(), message, &Expect::version(V3))
}

fn v6(message: &[u8]) -> Result<Advert<'_>, Reject> {
    wire::parse(&group_v6(), message, &Expect::version(V3))
}

/// A message from hexadecimal digits whose checksum field holds zero, with the checksum of the message alone.
fn message_only(hex: &str) -> Vec<u8> {
    with_checksum(octets(hex), None)
}

/// The same with the pseudo-header of `header`.
fn pseudo_header(header: Header, hex: &str) -> Vec<u8> {
    with_checksum(octets(hex), Some((header.source, header.destination)))
}

fn password() -> Password {
    Password::new(b"s3cr3t").expect("short")
}

fn list(addresses: &[&str]) -> AddressList {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| ip(address)).collect();
    AddressList::new(Family::of(&addresses[0]), &addresses).expect("one family")
}

#[test]
fn a_password_is_a_mismatch_where_none_is_configured() {
    // P03
    let message = octets(W2);
    let reject = v2(&message).expect("sound").authenticate(None);
    assert_eq!(reject, Err(Reject::AuthTypeMismatch { found: 1, expected: 0 }));
}

#[test]
fn no_password_is_a_mismatch_where_one_is_configured() {
    // P04
    let message = octets(W1);
    let reject = v2(&message).expect("sound").authenticate(Some(&password()));
    assert_eq!(reject, Err(Reject::AuthTypeMismatch { found: 0, expected: 1 }));
}

#[test]
fn all_eight_octets_of_the_password_count() {
    // P05
    let message = message_only("2133960101010000c00002fd7333637233740001");
    let reject = v2(&message).expect("sound").authenticate(Some(&password()));
    assert_eq!(reject, Err(Reject::AuthFailure));
}

#[test]
fn the_authentication_header_is_a_mismatch() {
    // P06
    let message = message_only("2133960102010000c00002fd0000000000000000");
    let advert = v2(&message).expect("sound");
    assert_eq!(advert.authenticate(None), Err(Reject::AuthTypeMismatch { found: 2, expected: 0 }));
    let expected = Reject::AuthTypeMismatch { found: 2, expected: 1 };
    assert_eq!(advert.authenticate(Some(&password())), Err(expected));
}

#[test]
fn an_unknown_authentication_type_is_invalid() {
    // P07
    for found in 3..=255 {
        let message = message_only(&format!("21339601{found:02x}010000c00002fd7333637233740000"));
        let advert = v2(&message).expect("sound");
        assert_eq!(advert.authenticate(None), Err(Reject::AuthTypeInvalid { found }));
        assert_eq!(advert.authenticate(Some(&password())), Err(Reject::AuthTypeInvalid { found }));
    }
}

#[test]
fn authentication_data_without_a_type_is_ignored() {
    // P08
    let message = message_only("2133960100010000c00002fd6162636465666768");
    let advert = v2(&message).expect("sound");
    assert_eq!(advert.authenticate(None), Ok(()));
    assert_eq!(advert.auth_data(), Some(b"abcdefgh"));
}

#[test]
fn v3_has_no_authentication() {
    let message = octets(W5);
    let advert = v3(&message).expect("sound");
    assert_eq!((advert.auth_type(), advert.auth_data()), (None, None));
    assert_eq!(advert.authenticate(Some(&password())), Ok(()));
}

#[test]
fn authentication_data_is_not_shown() {
    let message = octets(W2);
    let shown = format!("{:?}", v2(&message).expect("sound"));
    assert!(shown.contains("192.0.2.253") && shown.contains("auth_type"), "{shown}");
    assert!(!shown.contains("115") && !shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn the_authentication_data_of_v2_belongs_to_a_complete_packet() {
    // P09, P10
    let message = message_only("2133960100010000c00002fd");
    assert_eq!(v2(&message), Err(Reject::Length { found: 12, expected: 20 }));
    let message = message_only("2133960100010000c00002fd00000000000000");
    assert_eq!(v2(&message), Err(Reject::Length { found: 19, expected: 20 }));
}

#[test]
fn v2_has_no_pseudo_header() {
    // P11
    let message = pseudo_header(group_v4(), "2133960100010000c00002fd0000000000000000");
    assert_eq!(v2(&message), Err(Reject::Checksum { found: 0xe333, expected: 0x85cc }));
}

#[test]
fn a_wrong_checksum_is_rejected_and_the_right_one_named() {
    // P12, P31, P71
    let corrupt = |hex: &str, checksum: u16| {
        let mut message = octets(hex);
        message[6..8].copy_from_slice(&checksum.to_be_bytes());
        message
    };
    for found in [0, 0x85cd, 0xffff] {
        assert_eq!(v2(&corrupt(W1, found)), Err(Reject::Checksum { found, expected: 0x85cc }));
    }
    for found in [0, 0x7568, 0xffff] {
        assert_eq!(v3(&corrupt(W5, found)), Err(Reject::Checksum { found, expected: 0x7569 }));
        let expect = Expect { form: ChecksumForm::PseudoHeader, ..Expect::version(V3) };
        let message = corrupt(W5, found);
        let reject = wire::parse(&group_v4(), &message, &expect);
        assert_eq!(reject, Err(Reject::Checksum { found, expected: 0xd2d8 }));
    }
    for found in [0, 0x0958, 0xffff] {
        assert_eq!(v6(&corrupt(W16, found)), Err(Reject::Checksum { found, expected: 0x0957 }));
    }
}

#[test]
fn an_advert_without_addresses_is_rejected_unless_it_is_expected() {
    // P13, P39; W15 shows VRRPv3
    let message = message_only("21339600000100000000000000000000");
    assert_eq!(v2(&message), Err(Reject::CountZero));
    let expect = Expect { empty: true, ..Expect::version(V2) };
    let advert = wire::parse(&group_v4(), &message, &expect).expect("as keepalived sends it");
    let ours = AddressList::new(Family::V4, &[]).expect("an empty list");
    assert!(advert.holds_in_any_order(&ours));
    assert!(advert.link_local_first());
}

#[test]
fn the_count_says_how_long_a_message_is() {
    // P14, P40, P41, P75
    let message = message_only("2133960200010000c00002fd0000000000000000");
    assert_eq!(v2(&message), Err(Reject::Length { found: 20, expected: 24 }));
    let message = message_only("3133960200640000c00002fd");
    assert_eq!(v3(&message), Err(Reject::Length { found: 12, expected: 16 }));
    let message = message_only("3133960100640000c00002fdc00002fc");
    assert_eq!(v3(&message), Err(Reject::Length { found: 16, expected: 12 }));
    let message = pseudo_header(group_v6(), &format!("{}{}", W16.replace("0957", "0000"), "00".repeat(16)));
    assert_eq!(v6(&message), Err(Reject::Length { found: 56, expected: 40 }));
    let message = pseudo_header(group_v6(), &W16.replace("0957", "0000").replace("3133960200", "3133960300"));
    assert_eq!(v6(&message), Err(Reject::Length { found: 40, expected: 56 }));
}

#[test]
fn trailing_octets_are_rejected_even_under_the_checksum() {
    // P42, P43
    for trailing in [1, 8] {
        let hex = format!("3133960100640000c00002fd{}", "00".repeat(trailing));
        for message in [message_only(&hex), pseudo_header(group_v4(), &hex)] {
            let found = 12 + trailing as u16;
            assert_eq!(v3(&message), Err(Reject::Length { found, expected: 12 }));
        }
    }
}

#[test]
fn v2_wants_our_interval_and_v3_takes_another() {
    // P15, P48
    let ours = Interval::DEFAULT;
    let message = message_only("2133960100020000c00002fd0000000000000000");
    let found = Interval::from_secs(2).expect("not zero");
    let advert = v2(&message).expect("sound");
    assert_eq!(advert.agrees_on_interval(ours), Err(Reject::IntervalMismatch { found, expected: ours }));
    assert_eq!(advert.agrees_on_interval(found), Ok(()));
    let message = message_only("3133960100140000c00002fd");
    let advert = v3(&message).expect("sound");
    assert_eq!((advert.interval().as_centis(), advert.agrees_on_interval(ours)), (20, Ok(())));
}

#[test]
fn interval_zero_is_rejected_in_every_version() {
    // P16, P46
    let message = message_only("2133960100000000c00002fd0000000000000000");
    assert_eq!(v2(&message), Err(Reject::IntervalZero));
    let message = message_only("31339601f0000000c00002fd");
    assert_eq!(v3(&message), Err(Reject::IntervalZero));
    let message = pseudo_header(group_v6(), &W16.replace("00640957", "00000000"));
    assert_eq!(v6(&message), Err(Reject::IntervalZero));
}

#[test]
fn the_longest_interval_of_each_version_is_taken() {
    // P47
    let message = message_only("2133960100ff0000c00002fd0000000000000000");
    assert_eq!(v2(&message).expect("sound").interval(), Interval::MAX_V2);
    let message = message_only("313396010fff0000c00002fd");
    assert_eq!(v3(&message).expect("sound").interval(), Interval::MAX_V3);
}

#[test]
fn the_reserved_bits_are_not_looked_at() {
    // P45
    for reserved in 0..16 {
        let message = message_only(&format!("31339601{reserved:x}0640000c00002fd"));
        assert_eq!(v3(&message).expect("sound").interval(), Interval::DEFAULT);
    }
}

#[test]
fn a_list_is_compared_as_a_set() {
    // P17, P18, P20, P49, P51, P52
    let message = message_only("3133960300640000c00002fdc00002fcc00002fb");
    let advert = v3(&message).expect("sound");
    assert!(advert.holds_in_any_order(&list(&["192.0.2.253", "192.0.2.252", "192.0.2.251"])));
    assert!(advert.holds_in_any_order(&list(&["192.0.2.251", "192.0.2.253", "192.0.2.252"])));
    assert!(!advert.holds_in_any_order(&list(&["192.0.2.253", "192.0.2.252"])));
    assert!(!advert.holds_in_any_order(&list(&["192.0.2.253", "192.0.2.252", "192.0.2.250"])));
    let message = message_only("3133960200640000c00002fdc00002fd");
    let advert = v3(&message).expect("a repeated address is for the router to judge");
    assert!(!advert.holds_in_any_order(&list(&["192.0.2.253", "192.0.2.252"])));
    assert!(!advert.holds_in_any_order(&list(&["192.0.2.253"])));
    assert!(advert.holds_in_any_order(&list(&["192.0.2.253", "192.0.2.253"])));
}

#[test]
fn an_ipv6_list_is_compared_as_a_set() {
    // P79: an IPv4-mapped address is an address like another
    let message = octets(W16);
    let advert = v6(&message).expect("sound");
    assert!(advert.holds_in_any_order(&list(&["2001:db8::253", "fe80::253"])));
    assert!(!advert.holds_in_any_order(&list(&["::ffff:192.0.2.253", "fe80::253"])));
    assert!(!advert.holds_in_any_order(&list(&["192.0.2.253", "192.0.2.252"])));
}

#[test]
fn the_same_octets_are_other_addresses_in_the_other_family() {
    let message = message_only("3133960400640000fe800000000000000000000000000253");
    let advert = v3(&message).expect("four IPv4 addresses");
    assert!(!advert.holds_in_any_order(&list(&["fe80::253"])));
    assert!(!advert.holds_in_any_order(&list(&["fe80::253", "fe80::1", "fe80::2", "fe80::3"])));
}

#[test]
fn carp_is_too_short_for_its_count() {
    // P22: version 2, type 1, seven "addresses", 36 octets
    let message = message_only(&format!("2101000700010000{}", "5a".repeat(28)));
    assert_eq!(v2(&message), Err(Reject::Length { found: 36, expected: 44 }));
}

#[test]
fn both_checksums_of_v3_over_ipv4_are_taken_and_told_apart() {
    // P24, P25
    assert_eq!(v3(&octets(W5)).expect("sound").checksum_form(), ChecksumForm::MessageOnly);
    assert_eq!(v3(&octets(W6)).expect("sound").checksum_form(), ChecksumForm::PseudoHeader);
}

#[test]
fn one_form_of_checksum_can_be_insisted_on() {
    // P26, P27
    let with = |form, message: &str| {
        let expect = Expect { form, ..Expect::version(V3) };
        wire::parse(&group_v4(), &octets(message), &expect).map(|advert| advert.checksum_form())
    };
    let (message_only, pseudo_header) = (ChecksumForm::MessageOnly, ChecksumForm::PseudoHeader);
    assert_eq!(with(message_only, W5), Ok(message_only));
    assert_eq!(with(message_only, W6), Err(Reject::Checksum { found: 0xd2d8, expected: 0x7569 }));
    assert_eq!(with(pseudo_header, W6), Ok(pseudo_header));
    assert_eq!(with(pseudo_header, W5), Err(Reject::Checksum { found: 0x7569, expected: 0xd2d8 }));
}

#[test]
fn a_packet_that_verifies_in_both_forms_satisfies_either_demand() {
    // P29
    let header = Header { source: ip("10.0.21.113"), ..group_v4() };
    for form in [ChecksumForm::Either, ChecksumForm::MessageOnly, ChecksumForm::PseudoHeader] {
        let expect = Expect { form, ..Expect::version(V3) };
        let message = octets(W5);
        let advert = wire::parse(&header, &message, &expect).expect("sound in both forms");
        assert_eq!(advert.checksum_form(), ChecksumForm::Either);
    }
}

#[test]
fn the_pseudo_header_has_the_destination_of_the_packet() {
    // P28
    assert_eq!(v3(&octets(W7)), Err(Reject::Checksum { found: 0xf0e8, expected: 0x7569 }));
    let header = Header { destination: ip("192.0.2.2"), ..group_v4() };
    let message = octets(W7);
    let advert = wire::parse(&header, &message, &Expect::version(V3)).expect("sound");
    assert_eq!(advert.checksum_form(), ChecksumForm::PseudoHeader);
}

#[test]
fn every_single_bit_flip_is_rejected() {
    // P32
    let flips = |hex: &str, parse: fn(&[u8]) -> Result<Advert<'_>, Reject>| {
        let message = octets(hex);
        for bit in 0..8 * message.len() {
            let mut flipped = message.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "{hex}, bit {bit}");
        }
    };
    flips(W1, v2);
    flips(W2, v2);
    flips(W5, v3);
    flips(W6, v3);
    flips(W16, v6);
}

#[test]
fn every_truncation_is_a_wrong_length() {
    // P44
    let truncations = |hex: &str, parse: fn(&[u8]) -> Result<Advert<'_>, Reject>| {
        let message = octets(hex);
        for len in 0..message.len() {
            let expected = if len < 8 { 8 } else { message.len() as u16 };
            assert_eq!(parse(&message[..len]), Err(Reject::Length { found: len as u16, expected }));
        }
    };
    truncations(W1, v2);
    truncations(W5, v3);
    truncations(W16, v6);
}

#[test]
fn another_version_is_rejected() {
    // P21, P34, P35, P74
    let with_version = |hex: &str, version: u8| {
        let mut message = octets(hex);
        message[0] = version << 4 | 1;
        message
    };
    for found in (0..16).filter(|&version| version != 3) {
        let reject = Err(Reject::Version { found, expected: Some(V3) });
        assert_eq!(v3(&with_version(W5, found)), reject);
        assert_eq!(v6(&with_version(W16, found)), reject);
    }
    for found in (0..16).filter(|&version| version != 2) {
        assert_eq!(v2(&with_version(W1, found)), Err(Reject::Version { found, expected: Some(V2) }));
    }
}

#[test]
fn who_expects_no_version_takes_those_that_its_family_has() {
    let any = |header, message: &str| {
        wire::parse(&header, &octets(message), &Expect::ANY).map(|advert| advert.version())
    };
    assert_eq!(any(group_v4(), W1), Ok(V2));
    assert_eq!(any(group_v4(), W5), Ok(V3));
    assert_eq!(any(group_v6(), W16), Ok(V3));
    assert_eq!(
        any(group_v4(), "4133960100647569c00002fd"),
        Err(Reject::Version { found: 4, expected: None })
    );
    assert_eq!(any(group_v6(), W1), Err(Reject::Version { found: 2, expected: Some(V3) }));
    let message = octets(W1);
    let reject = wire::parse(&group_v6(), &message, &Expect::version(V2));
    assert_eq!(reject, Err(Reject::Version { found: 2, expected: Some(V3) }));
    let message = octets(W16);
    let reject = wire::parse(&group_v6(), &message, &Expect::version(V2));
    assert_eq!(reject, Err(Reject::Version { found: 3, expected: Some(V2) }));
}

#[test]
fn another_type_is_rejected() {
    // P36
    for found in (0..16).filter(|&found| found != 1) {
        let message = message_only(&format!("3{found:x}33960100640000c00002fd"));
        assert_eq!(v3(&message), Err(Reject::Type { found }));
        let message = message_only(&format!("2{found:x}33960100010000c00002fd0000000000000000"));
        assert_eq!(v2(&message), Err(Reject::Type { found }));
    }
}

#[test]
fn vrid_zero_is_shown_to_the_router_as_it_is() {
    // P38
    let message = message_only("3100960100640000c00002fd");
    assert_eq!(v3(&message).expect("sound").vrid(), 0);
    assert_eq!(wire::peek_vrid(&message), Some(0));
    assert_eq!(wire::peek_version(&message), Some(3));
    assert_eq!((wire::peek_vrid(&[0x31]), wire::peek_version(&[])), (None, None));
}

#[test]
fn ipv6_always_has_a_pseudo_header() {
    // P67, P70
    assert_eq!(v6(&octets(W16)).expect("sound").checksum_form(), ChecksumForm::PseudoHeader);
    let message = message_only(&W16.replace("0957", "0000"));
    assert!(matches!(v6(&message), Err(Reject::Checksum { expected: 0x0957, .. })));
    let header = Header { destination: ip("ff02::1"), ..group_v6() };
    let reject = wire::parse(&header, &octets(W16), &Expect::version(V3)).expect_err("another destination");
    assert_eq!(reject.reason(), Reason::Checksum);
}

#[test]
fn where_the_length_stands_in_a_pseudo_header_does_not_matter() {
    // P72
    let mut covered = octets(&W16.replace("0957", "0000"));
    covered.extend(octets("fe800000000000000000000000000001ff020000000000000000000000000012"));
    covered.extend([0, 40, 0, 0, 0, 0, 0, 112]);
    let sum: u32 = covered.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    assert_eq!(!(folded as u16), 0x0957);
    assert!(v6(&octets(W16)).is_ok());
}

#[test]
fn source_and_destination_of_two_families_are_malformed() {
    let header = Header { destination: ip("ff02::12"), ..group_v4() };
    let reject = wire::parse(&header, &octets(W5), &Expect::version(V3)).expect_err("no pseudo-header");
    assert_eq!(reject.reason(), Reason::Malformed);
    let header = Header { destination: ip("224.0.0.18"), ..group_v6() };
    let reject = wire::parse(&header, &octets(W16), &Expect::version(V3)).expect_err("no pseudo-header");
    assert_eq!(reject.reason(), Reason::Malformed);
}

/// The rules in the order in which they are asked.
const ORDER: [Reason; 6] = [
    Reason::Version,
    Reason::Length,
    Reason::Type,
    Reason::Checksum,
    Reason::CountZero,
    Reason::IntervalZero,
];

/// A message that breaks just these rules.
fn breaking(version: Version, header: Header, broken: &[Reason]) -> Vec<u8> {
    let is = |reason| broken.contains(&reason);
    let version_number = if is(Reason::Version) { 9 } else { version.number() };
    let kind = if is(Reason::Type) { 2 } else { 1 };
    let count = u8::from(!is(Reason::CountZero));
    let interval = u8::from(!is(Reason::IntervalZero));
    let mut message = vec![version_number << 4 | kind, 51, 150, count, 0, interval, 0, 0];
    let address = if header.source.is_ipv4() { vec![192, 0, 2, 253] } else { [[0xfe, 0x80]; 8].concat() };
    message.extend(address.repeat(usize::from(count)));
    if version == V2 {
        message.extend([0; 8]);
    }
    let pseudo_header = header.source.is_ipv6().then_some((header.source, header.destination));
    let mut message = with_checksum(message, pseudo_header);
    if is(Reason::Checksum) {
        message[7] ^= 1;
    }
    if is(Reason::Length) {
        message.push(0);
    }
    message
}

#[test]
fn of_several_broken_rules_the_first_counts() {
    // P85
    for (version, header) in [(V2, group_v4()), (V3, group_v4()), (V3, group_v6())] {
        for subset in 0..1_u32 << ORDER.len() {
            let broken: Vec<Reason> =
                (0..ORDER.len()).filter(|at| subset >> at & 1 == 1).map(|at| ORDER[at]).collect();
            let message = breaking(version, header, &broken);
            let found =
                wire::parse(&header, &message, &Expect::version(version)).err().map(|reject| reject.reason());
            assert_eq!(found, broken.first().copied(), "version {version}, {broken:?}");
        }
    }
}
