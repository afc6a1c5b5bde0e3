//! What keepalived sent: every frame of every capture is taken apart, every ordinary advert is read and written
//! again, identical to the last octet of its IP header.

#[path = "vectors/pcap.rs"]
mod pcap;

use std::net::IpAddr;

use etherparse::{ArpOperation, NetSlice, SlicedPacket, TransportSlice};
use vrrp_core::wire::{self, AdvertTemplate, ChecksumForm, Datagram, Expect, Header, Malformed, Reject};
use vrrp_core::{Family, Interval, Password, Version, Vrid};

const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x0a];
const VIRTUAL_MAC_V4: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];
const VIRTUAL_MAC_V6: [u8; 6] = [0, 0, 0x5e, 0, 2, 51];
const VIPS_V4: &[&str] = &["192.0.2.253"];
const VIPS_V6: &[&str] = &["fe80::253", "2001:db8::253"];

/// A frame of a capture.
struct Received {
    frame: Vec<u8>,
}

impl Received {
    fn new(frame: Vec<u8>) -> Self {
        Self { frame }
    }

    fn destination_mac(&self) -> &[u8] {
        &self.frame[..6]
    }

    fn source_mac(&self) -> &[u8] {
        &self.frame[6..12]
    }

    fn net(&self) -> NetSlice<'_> {
        let packet = SlicedPacket::from_ethernet(&self.frame).expect("read before");
        packet.net.expect("ARP or IP")
    }

    /// As the raw socket of its family would give it; `None` for ARP.
    fn datagram(&self) -> Option<Datagram<'_>> {
        match SlicedPacket::from_ethernet(&self.frame).expect("read before").net? {
            NetSlice::Ipv4(_) => Some(Datagram::V4(&self.frame[14..])),
            NetSlice::Ipv6(ip) => Some(Datagram::V6 {
                source: ip.header().source_addr(),
                destination: ip.header().destination_addr(),
                hop_limit: ip.header().hop_limit(),
                payload: &self.frame[self.frame.len() - ip.payload().payload.len()..],
            }),
            NetSlice::Arp(_) => None,
        }
    }

    /// The IP protocol or, behind extensions, the upper-layer protocol; ARP has none.
    fn protocol(&self) -> Option<u8> {
        match self.net() {
            NetSlice::Ipv4(ip) => Some(ip.header().protocol().0),
            NetSlice::Ipv6(ip) => Some(ip.payload().ip_number.0),
            NetSlice::Arp(_) => None,
        }
    }

    fn is_advert(&self) -> bool {
        matches!(self.protocol(), Some(112 | 51))
    }

    /// The IPv4 identification; IPv6 has none.
    fn ip_id(&self) -> u16 {
        match self.net() {
            NetSlice::Ipv4(ip) => ip.header().identification(),
            NetSlice::Ipv6(_) | NetSlice::Arp(_) => 0,
        }
    }
}

/// What the README of the captures says of one file with ordinary adverts.
struct Capture {
    file: &'static str,
    version: Version,
    vips: &'static [&'static str],
    source: &'static str,
    destination: &'static str,
    priority: u8,
    password: Option<&'static [u8]>,
    form: ChecksumForm,
    source_mac: [u8; 6],
}

impl Capture {
    fn v2(file: &'static str) -> Self {
        Self {
            file,
            version: Version::V2,
            vips: VIPS_V4,
            source: "192.0.2.1",
            destination: "224.0.0.18",
            priority: 150,
            password: None,
            form: ChecksumForm::MessageOnly,
            source_mac: OWN_MAC,
        }
    }

    fn v3(file: &'static str) -> Self {
        Self { version: Version::V3, form: ChecksumForm::PseudoHeader, ..Self::v2(file) }
    }

    fn v6(file: &'static str) -> Self {
        let source = "fe80::f0ac:d6ff:fe80:9b79";
        Self { vips: VIPS_V6, source, destination: "ff02::12", ..Self::v3(file) }
    }

    /// Reads and rewrites the five adverts of the capture.
    fn is_read_and_written(&self) {
        let adverts = adverts(self.file);
        let priorities = [self.priority, self.priority, self.priority, self.priority, 0];
        assert_eq!(adverts.len(), priorities.len(), "{}", self.file);
        let password = self.password.map(|text| Password::new(text).expect("short"));
        let mut template = self.template(password.as_ref());
        for ((received, priority), id) in adverts.iter().zip(priorities).zip(1..) {
            assert_eq!(received.source_mac(), self.source_mac, "{}", self.file);
            assert_eq!(received.destination_mac(), destination_mac(self.destination));

            let datagram = received.datagram().expect("an IP datagram");
            let (header, message) = datagram.split().expect("a datagram of VRRP");
            assert_eq!(
                header,
                Header { source: ip(self.source), destination: ip(self.destination), ttl: wire::TTL }
            );
            assert_eq!(header.check_source(), Ok(()));
            let expect = Expect { form: self.form, ..Expect::version(self.version) };
            let advert = wire::parse(&header, message, &expect).expect("an ordinary advert");
            assert_eq!(advert.version(), self.version);
            assert_eq!(advert.vrid(), 51);
            assert_eq!(advert.priority(), priority);
            assert_eq!(usize::from(advert.count()), self.vips.len());
            assert_eq!(advert.interval(), Interval::DEFAULT);
            assert_eq!(advert.checksum_form(), self.form);
            assert_eq!(
                advert.auth_type(),
                match self.version {
                    Version::V2 => Some(u8::from(self.password.is_some())),
                    Version::V3 => None,
                }
            );
            assert_eq!(advert.authenticate(password.as_ref()), Ok(()));
            assert_eq!(advert.agrees_on_interval(Interval::DEFAULT), Ok(()));
            assert_eq!(advert.addresses().collect::<Vec<_>>(), self.vips());
            assert!(advert.holds_in_any_order(template.addresses()));
            assert!(advert.link_local_first());

            let id = if header.family() == Family::V4 { id } else { 0 };
            assert_eq!(received.ip_id(), id);
            let ours = template.write(priority, header.source, header.destination, header.ttl, id);
            let theirs = match datagram {
                Datagram::V4(octets) => octets,
                Datagram::V6 { payload, .. } => payload,
            };
            assert_eq!(ours.expect("one family"), theirs, "{}", self.file);
        }
    }

    fn template(&self, password: Option<&Password>) -> AdvertTemplate {
        let family = Family::of(&ip(self.source));
        let vrid = Vrid::new(51).expect("not zero");
        let (vips, form) = (self.vips(), self.form);
        AdvertTemplate::new(self.version, family, vrid, Interval::DEFAULT, &vips, password, form)
            .expect("what keepalived sends can be sent")
    }

    fn vips(&self) -> Vec<IpAddr> {
        self.vips.iter().map(|vip| ip(vip)).collect()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The adverts of a capture, those behind an authentication header included.
fn adverts(file: &str) -> Vec<Received> {
    pcap::frames(file).into_iter().map(Received::new).filter(Received::is_advert).collect()
}

fn destination_mac(destination: &str) -> [u8; 6] {
    match destination {
        "224.0.0.18" => [1, 0, 0x5e, 0, 0, 0x12],
        "ff02::12" => [0x33, 0x33, 0, 0, 0, 0x12],
        _ => [2, 0, 0, 0, 0, 0x0b],
    }
}

#[test]
fn keepalived_v2_multicast() {
    Capture::v2("ka227-v2-mc.pcap").is_read_and_written();
}

#[test]
fn keepalived_v2_password() {
    // P02
    let capture = Capture { password: Some(b"s3cr3t"), ..Capture::v2("ka227-v2-pass.pcap") };
    capture.is_read_and_written();
}

#[test]
fn keepalived_v2_unicast() {
    let capture = Capture { destination: "192.0.2.2", ..Capture::v2("ka227-v2-uni.pcap") };
    capture.is_read_and_written();
}

#[test]
fn keepalived_v2_virtual_mac() {
    let capture = Capture { source_mac: VIRTUAL_MAC_V4, ..Capture::v2("ka227-v2-vmac.pcap") };
    capture.is_read_and_written();
}

#[test]
fn keepalived_v3_ipv4() {
    // P64: the source is the physical MAC, W-3, W-10, W-12
    Capture::v3("ka227-v3-v4.pcap").is_read_and_written();
}

#[test]
fn keepalived_v3_ipv4_owner() {
    // W-9
    Capture { priority: 255, ..Capture::v3("ka227-v3-v4-owner255.pcap") }.is_read_and_written();
}

#[test]
fn keepalived_v3_ipv4_virtual_mac() {
    Capture { source_mac: VIRTUAL_MAC_V4, ..Capture::v3("ka227-v3-v4-vmac.pcap") }.is_read_and_written();
}

#[test]
fn keepalived_v3_ipv4_with_the_checksum_of_rfc_9568() {
    // W-2
    let capture = Capture { form: ChecksumForm::MessageOnly, ..Capture::v3("ka243-v3-v4-msgonly.pcap") };
    capture.is_read_and_written();
}

#[test]
fn keepalived_v3_ipv6() {
    // W-5, W-13
    Capture::v6("ka227-v3-v6.pcap").is_read_and_written();
}

#[test]
fn keepalived_v3_ipv6_virtual_mac() {
    Capture { source_mac: VIRTUAL_MAC_V6, ..Capture::v6("ka227-v3-v6-vmac.pcap") }.is_read_and_written();
}

#[test]
fn an_authentication_header_is_another_protocol() {
    let adverts = adverts("ka227-v2-ah.pcap");
    assert_eq!(adverts.len(), 5);
    for received in &adverts {
        let reject = received.datagram().expect("IPv4").split().expect_err("protocol 51");
        assert_eq!(reject, Reject::Malformed(Malformed::Protocol { found: 51 }));
    }
}

#[test]
fn what_an_authentication_header_carries_does_not_pass_without_it() {
    // P06
    for received in &adverts("ka227-v2-ah.pcap") {
        let message = &received.frame[14 + 20 + 24..];
        let header = Header { source: ip("192.0.2.1"), destination: ip("224.0.0.18"), ttl: 255 };
        let advert = wire::parse(&header, message, &Expect::version(Version::V2)).expect("a sound message");
        let password = Password::new(b"s3cr3t").expect("short");
        assert_eq!(
            advert.authenticate(Some(&password)),
            Err(Reject::AuthTypeMismatch { found: 2, expected: 1 })
        );
        assert_eq!(advert.authenticate(None), Err(Reject::AuthTypeMismatch { found: 2, expected: 0 }));
    }
}

#[test]
fn an_hmac_trailer_makes_an_advert_too_long() {
    for (file, found, expected) in [("ka243-v3-v4-hmac.pcap", 40, 12), ("ka243-v3-v6-hmac.pcap", 68, 40)] {
        let adverts = adverts(file);
        assert_eq!(adverts.len(), 5);
        for received in &adverts {
            let (header, message) = received.datagram().expect("IP").split().expect("VRRP");
            let reject = wire::parse(&header, message, &Expect::version(Version::V3));
            assert_eq!(reject, Err(Reject::Length { found, expected }), "{file}");
        }
    }
}

#[test]
fn the_checksum_of_an_hmac_advert_covers_the_declared_part_over_ipv4() {
    // P80, as far as it goes without the key
    for received in &adverts("ka243-v3-v4-hmac.pcap") {
        let (header, message) = received.datagram().expect("IP").split().expect("VRRP");
        let advert = wire::parse(&header, &message[..12], &Expect::version(Version::V3)).expect("sound");
        assert_eq!(advert.checksum_form(), ChecksumForm::PseudoHeader);
    }
}

#[test]
fn a_v2_advert_is_the_wrong_version_for_a_v3_instance_and_the_reverse() {
    // P21, P35
    for (file, instance, found) in
        [("ka227-v2-mc.pcap", Version::V3, 2), ("ka227-v3-v4.pcap", Version::V2, 3)]
    {
        for received in &adverts(file) {
            let (header, message) = received.datagram().expect("IP").split().expect("VRRP");
            let reject = wire::parse(&header, message, &Expect::version(instance));
            assert_eq!(reject, Err(Reject::Version { found, expected: Some(instance) }));
        }
    }
}

#[test]
fn padding_to_the_least_ethernet_frame_is_not_part_of_the_datagram() {
    // P56
    for received in &adverts("ka227-v3-v4.pcap") {
        let datagram = received.frame[14..].to_vec();
        let mut padded = datagram.clone();
        padded.resize(46, 0);
        assert_eq!(Datagram::V4(&padded).split(), Datagram::V4(&datagram).split());
    }
}

/// How many frames of each kind a capture holds, as tcpdump counts them.
#[derive(Debug, Default, PartialEq)]
struct Kinds {
    adverts: usize,
    gratuitous_arps: usize,
    other_arps: usize,
    neighbour_adverts: usize,
    other_ip: usize,
}

#[test]
fn every_frame_is_an_advert_or_is_told_apart() {
    let arp = |gratuitous_arps, other_ip| Kinds { adverts: 5, gratuitous_arps, other_ip, ..Kinds::default() };
    let na =
        |neighbour_adverts, other_ip| Kinds { adverts: 5, neighbour_adverts, other_ip, ..Kinds::default() };
    let tables = [
        ("ka227-v2-ah.pcap", arp(5, 4)),
        ("ka227-v2-mc.pcap", arp(5, 4)),
        ("ka227-v2-pass.pcap", arp(5, 4)),
        ("ka227-v2-uni.pcap", Kinds { other_arps: 2, ..arp(5, 5) }),
        ("ka227-v2-vmac.pcap", arp(5, 7)),
        ("ka227-v3-v4.pcap", arp(5, 4)),
        ("ka227-v3-v4-owner255.pcap", arp(5, 4)),
        ("ka227-v3-v4-vmac.pcap", arp(5, 4)),
        ("ka227-v3-v6.pcap", na(10, 6)),
        ("ka227-v3-v6-vmac.pcap", na(10, 8)),
        ("ka243-v3-v4-msgonly.pcap", arp(1, 4)),
        ("ka243-v3-v4-hmac.pcap", arp(1, 4)),
        ("ka243-v3-v6-hmac.pcap", na(2, 6)),
    ];
    for (file, expected) in tables {
        let mut kinds = Kinds::default();
        for received in pcap::frames(file).into_iter().map(Received::new) {
            count(&received, &mut kinds);
        }
        assert_eq!(kinds, expected, "{file}");
    }
}

fn count(received: &Received, kinds: &mut Kinds) {
    if received.is_advert() {
        kinds.adverts += 1;
        return;
    }
    if let NetSlice::Arp(arp) = received.net() {
        let vip = [192, 0, 2, 253];
        let gratuitous = arp.operation() == ArpOperation::REQUEST
            && arp.sender_protocol_addr() == vip
            && arp.target_protocol_addr() == vip;
        if gratuitous {
            kinds.gratuitous_arps += 1
        } else {
            kinds.other_arps += 1
        }
        return;
    }
    let packet = SlicedPacket::from_ethernet(&received.frame).expect("read before");
    match packet.transport {
        Some(TransportSlice::Icmpv6(icmp)) if icmp.type_u8() == 136 => kinds.neighbour_adverts += 1,
        _ => kinds.other_ip += 1,
    }
    if let Some(Datagram::V4(octets)) = received.datagram() {
        let reject = Datagram::V4(octets).split().expect_err("not VRRP");
        let found = received.protocol().expect("IPv4 has one");
        assert_eq!(reject, Reject::Malformed(Malformed::Protocol { found }));
    }
}
