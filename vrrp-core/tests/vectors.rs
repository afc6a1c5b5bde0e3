//! Messages whose octets are known from elsewhere: each decodes to what its table says, and our encoder makes
//! the same octets.
//!
//! P01 is W1, P30 is W21, P53 is W19.
//!
//! W1 to W22 are the project's golden vectors: W1, W2 and W5 to W7 were captured from keepalived. The names
//! say more; `vectors/README.md` says where the others come from.

#[path = "vectors/hex.rs"]
mod hex;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hex::octets;
use vrrp_core::wire::{self, Advert, AdvertTemplate, ChecksumForm, Expect, Header, Reject};
use vrrp_core::{Family, Interval, Password, Version, Vrid};

use ChecksumForm::{Either, MessageOnly, PseudoHeader};
use Version::{V2, V3};

const GROUP: &str = "224.0.0.18";
const GROUP6: &str = "ff02::12";

/// What stands in a row of the table.
#[derive(Clone)]
struct Row {
    version: Version,
    vrid: u8,
    priority: u8,
    centis: u16,
    addresses: Vec<IpAddr>,
    source: &'static str,
    destination: &'static str,
    password: Option<&'static [u8]>,
    form: ChecksumForm,
}

impl Row {
    /// VRID 51, priority 150, one second, from 192.0.2.1 to the group, as most rows have it.
    fn new(version: Version, addresses: &[&str]) -> Self {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| ip(address)).collect();
        let v6 = addresses.iter().any(IpAddr::is_ipv6);
        Self {
            version,
            vrid: 51,
            priority: 150,
            centis: 100,
            addresses,
            source: if v6 { "fe80::1" } else { "192.0.2.1" },
            destination: if v6 { GROUP6 } else { GROUP },
            password: None,
            form: if v6 { PseudoHeader } else { MessageOnly },
        }
    }

    fn header(&self) -> Header {
        Header { source: ip(self.source), destination: ip(self.destination), ttl: 255 }
    }

    fn password(&self) -> Option<Password> {
        self.password.map(|text| Password::new(text).expect("rows have short passwords"))
    }

    /// Decodes `message` and compares every field with the row.
    fn decodes<'a>(&self, message: &'a [u8]) -> Advert<'a> {
        let advert =
            wire::parse(&self.header(), message, &Expect::version(self.version)).expect("a good vector");
        assert_eq!(advert.version(), self.version);
        assert_eq!(advert.family(), Family::of(&ip(self.source)));
        assert_eq!(advert.vrid(), self.vrid);
        assert_eq!(advert.priority(), self.priority);
        assert_eq!(usize::from(advert.count()), self.addresses.len());
        assert_eq!(advert.interval().as_centis(), self.centis);
        assert_eq!(advert.addresses().collect::<Vec<_>>(), self.addresses);
        assert_eq!(advert.checksum_form(), self.form);
        assert_eq!(advert.auth_type(), (self.version == V2).then_some(u8::from(self.password.is_some())));
        assert_eq!(advert.authenticate(self.password().as_ref()), Ok(()));
        advert
    }

    /// The message that our encoder makes of the row.
    fn encoded(&self) -> Vec<u8> {
        let Header { source, destination, ttl } = self.header();
        let mut template = AdvertTemplate::new(
            self.version,
            Family::of(&source),
            Vrid::new(self.vrid).expect("rows have a VRID"),
            Interval::from_centis(self.centis).expect("rows have an interval"),
            &self.addresses,
            self.password().as_ref(),
            self.form,
        )
        .expect("rows can be sent");
        let datagram = template.write(self.priority, source, destination, ttl, 1).expect("one family");
        let header_len = if source.is_ipv4() { 20 } else { 0 };
        datagram[header_len..].to_vec()
    }

    fn is(&self, message: &str) {
        let message = octets(message);
        self.decodes(&message);
        assert_eq!(self.encoded(), message);
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn w1_v2_without_authentication() {
    Row::new(V2, &["192.0.2.253"]).is("21339601000185ccc00002fd0000000000000000");
}

#[test]
fn w2_v2_with_a_password() {
    let row = Row { password: Some(b"s3cr3t"), ..Row::new(V2, &["192.0.2.253"]) };
    row.is("2133960101017ab2c00002fd7333637233740000");
}

#[test]
fn w3_v2_priority_zero() {
    let row = Row { priority: 0, ..Row::new(V2, &["192.0.2.253"]) };
    row.is("2133000100011bcdc00002fd0000000000000000");
}

#[test]
fn w4_v2_the_greatest_values() {
    let row =
        Row { vrid: 255, priority: 255, centis: 25_500, ..Row::new(V2, &["192.0.2.253", "192.0.2.252"]) };
    row.is("21ffff0200ff5804c00002fdc00002fc0000000000000000");
}

#[test]
fn w5_v3_ipv4_with_the_checksum_of_rfc_9568() {
    Row::new(V3, &["192.0.2.253"]).is("3133960100647569c00002fd");
}

#[test]
fn w6_v3_ipv4_with_a_pseudo_header() {
    let row = Row { form: PseudoHeader, ..Row::new(V3, &["192.0.2.253"]) };
    row.is("313396010064d2d8c00002fd");
}

#[test]
fn w7_v3_ipv4_unicast_has_the_peer_in_its_pseudo_header() {
    let row = Row { form: PseudoHeader, destination: "192.0.2.2", ..Row::new(V3, &["192.0.2.253"]) };
    row.is("313396010064f0e8c00002fd");
}

#[test]
fn w8_v3_ipv4_priority_zero_with_the_checksum_of_rfc_9568() {
    let row = Row { priority: 0, ..Row::new(V3, &["192.0.2.253"]) };
    row.is("3133000100640b6ac00002fd");
}

#[test]
fn w9_v3_ipv4_priority_zero_with_a_pseudo_header() {
    let row = Row { priority: 0, form: PseudoHeader, ..Row::new(V3, &["192.0.2.253"]) };
    row.is("31330001006468d9c00002fd");
}

#[test]
fn w10_v3_ipv4_owner_with_the_longest_interval() {
    let row = Row { vrid: 1, priority: 255, centis: 4095, ..Row::new(V3, &["192.0.2.1"]) };
    row.is("3101ff010ffffdfbc0000201");
}

#[test]
fn w11_the_reserved_bits_are_not_part_of_the_interval() {
    Row::new(V3, &["192.0.2.253"]).decodes(&octets("31339601f0648568c00002fd"));
}

#[test]
fn w12_v3_ipv4_two_addresses_with_the_checksum_of_rfc_9568() {
    let row = Row { centis: 1, ..Row::new(V3, &["192.0.2.253", "192.0.2.252"]) };
    row.is("313396020001b2cec00002fdc00002fc");
}

#[test]
fn w13_v3_ipv4_two_addresses_with_a_pseudo_header() {
    let row = Row { centis: 1, form: PseudoHeader, ..Row::new(V3, &["192.0.2.253", "192.0.2.252"]) };
    row.is("313396020001103ac00002fdc00002fc");
}

#[test]
fn w14_interval_zero_is_rejected() {
    let header = Row::new(V3, &["192.0.2.253"]).header();
    let message = octets("31339601000075cdc00002fd");
    assert_eq!(wire::parse(&header, &message, &Expect::version(V3)), Err(Reject::IntervalZero));
}

#[test]
fn w15_count_zero_is_rejected_but_by_who_advertises_nothing() {
    let row = Row::new(V3, &[]);
    let row = Row { source: "192.0.2.1", destination: GROUP, form: MessageOnly, ..row };
    let message = octets("3133960000643868");
    assert_eq!(wire::parse(&row.header(), &message, &Expect::version(V3)), Err(Reject::CountZero));
    let expect = Expect { empty: true, ..Expect::version(V3) };
    let advert = wire::parse(&row.header(), &message, &expect).expect("keepalived sends it");
    assert_eq!((advert.count(), advert.addresses().len()), (0, 0));
    assert_eq!(row.encoded(), message);
}

#[test]
fn w16_v3_ipv6_with_the_link_local_address_first() {
    let row = Row::new(V3, &["fe80::253", "2001:db8::253"]);
    let message = "3133960200640957fe80000000000000000000000000025320010db8000000000000000000000253";
    row.is(message);
    assert!(row.decodes(&octets(message)).link_local_first());
}

#[test]
fn w17_v3_ipv6_without_a_link_local_address_is_told_apart() {
    let row = Row::new(V3, &["2001:db8::253"]);
    let message = octets("3133960100640a3c20010db8000000000000000000000253");
    assert!(!row.decodes(&message).link_local_first());
    assert_eq!(row.encoded(), message);
}

#[test]
fn w18_v3_ipv6_priority_zero() {
    let row = Row { priority: 0, ..Row::new(V3, &["fe80::253"]) };
    row.is("313300010064cf74fe800000000000000000000000000253");
}

#[test]
fn w19_v3_ipv4_255_addresses() {
    let mut row = Row::new(V3, &["10.0.0.1"]);
    row.addresses = (1..=255).map(|host| Ipv4Addr::new(10, 0, 0, host).into()).collect();
    let row = Row { vrid: 7, priority: 100, ..row };
    let message = row.encoded();
    assert_eq!(message.len(), 1028);
    assert_eq!(message[..8], octets("310764ff0064f40a"));
    row.decodes(&message);
}

#[test]
fn w20_v3_ipv6_255_addresses() {
    let mut row = Row::new(V3, &["fe80::7"]);
    let global = |host| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host));
    row.addresses.extend((1..=0xfe).map(global));
    let row = Row { vrid: 7, priority: 100, ..row };
    let message = row.encoded();
    assert_eq!(message.len(), 4088);
    assert_eq!(message[..8], octets("310764ff006480d1"));
    row.decodes(&message);
}

#[test]
fn w21_a_checksum_of_zero_is_sent_as_zero_and_read_in_both_its_forms() {
    let row = Row::new(V3, &["192.0.120.102"]);
    row.is("3133960100640000c0007866");
    row.decodes(&octets("313396010064ffffc0007866"));
}

#[test]
fn w22_where_both_forms_verify_neither_is_claimed() {
    let row = Row { source: "10.0.21.113", form: Either, ..Row::new(V3, &["192.0.2.253"]) };
    row.is("3133960100647569c00002fd");
    let row = Row { source: "192.168.94.200", ..row };
    row.is("3133960100647569c00002fd");
}

#[test]
fn frr_v3_ipv4_with_a_pseudo_header() {
    let row = Row { vrid: 5, priority: 200, form: PseudoHeader, ..Row::new(V3, &["192.0.2.254"]) };
    row.is("3105c8010064a105c00002fe");
}

#[test]
fn frr_v2() {
    let row = Row { vrid: 5, priority: 200, ..Row::new(V2, &["192.0.2.254"]) };
    row.is("2105c801000153f9c00002fe0000000000000000");
}

#[test]
fn frr_v3_ipv6_without_a_link_local_address() {
    let row = Row { vrid: 5, priority: 200, ..Row::new(V3, &["2001:db8::fe"]) };
    let row = Row { source: "fe80::d344:b385:72f1:f196", ..row };
    row.is("3105c8010064ee6c20010db80000000000000000000000fe");
}

#[test]
fn holo_v2() {
    let row = Row { priority: 30, ..Row::new(V2, &["10.0.1.5"]) };
    row.is("21331e010001b5c50a0001050000000000000000");
}
