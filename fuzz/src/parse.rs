//! The packet parser: whatever the octets, a value or one reason; and what was read can be written and read
//! again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_core::wire::{self, Advert, AdvertTemplate, ChecksumForm, Datagram, Expect, Header, Reject};
use vrrp_core::{Password, Version, Vrid};

use crate::checksum::{Pseudo, repair};

const SOURCE_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Judges one datagram. The first octet says how:
///
/// | bit | |
/// | --- | --- |
/// | 0 | IPv6: the rest is the payload, not a whole datagram |
/// | 1 | the checksum is repaired first, or few inputs would get past it |
/// | 2 | … without a pseudo-header |
/// | 3, 4 | the version that is expected: any, 2, 3, any |
/// | 5, 6 | the checksum form that is expected: either, message only, pseudo-header, either |
/// | 7 | an empty list is accepted |
pub fn parse(data: &[u8]) {
    let Some((&flags, octets)) = data.split_first() else { return };
    let mut octets = octets.to_vec();
    let v6 = flags & 1 != 0;
    if flags & 2 != 0 {
        repair_in(&mut octets, v6, flags & 4 != 0);
    }
    let datagram = match v6 {
        false => Datagram::V4(&octets),
        true => Datagram::V6 {
            source: SOURCE_V6,
            destination: wire::GROUP_V6,
            hop_limit: wire::TTL,
            payload: &octets,
        },
    };
    let expect = Expect {
        version: [None, Some(Version::V2), Some(Version::V3), None][usize::from(flags >> 3 & 3)],
        form: [
            ChecksumForm::Either,
            ChecksumForm::MessageOnly,
            ChecksumForm::PseudoHeader,
            ChecksumForm::Either,
        ][usize::from(flags >> 5 & 3)],
        empty: flags & 0x80 != 0,
    };
    match datagram.split() {
        Err(reject) => assert!(matches!(reject, Reject::Malformed(_)), "{reject}"),
        Ok((header, payload)) => match wire::parse(&header, payload, &expect) {
            Err(reject) => assert!(!reject.to_string().is_empty() && reject.index() < Reject::COUNT),
            Ok(advert) => {
                is_consistent(&advert, &expect, payload);
                is_written_as_it_was_read(&advert, &header);
            }
        },
    }
}

fn repair_in(octets: &mut [u8], v6: bool, message_only: bool) {
    if v6 {
        return repair(octets, Pseudo::V6(SOURCE_V6, wire::GROUP_V6));
    }
    let address = |at: usize| octets.get(at..at + 4)?.first_chunk().copied().map(Ipv4Addr::from);
    let (Some(from), Some(to)) = (address(12), address(16)) else { return };
    let pseudo = match message_only || octets.get(20).is_some_and(|octet| octet >> 4 == 2) {
        true => Pseudo::None,
        false => Pseudo::V4(from, to),
    };
    let total = usize::from(u16::from_be_bytes([octets[2], octets[3]])).min(octets.len());
    let header = usize::from(octets[0] & 0x0f) * 4;
    if let Some(message) = octets.get_mut(header..total) {
        repair(message, pseudo);
    }
}

fn is_consistent(advert: &Advert<'_>, expect: &Expect, payload: &[u8]) {
    assert!(expect.version.is_none_or(|version| version == advert.version()));
    assert!(expect.empty || advert.count() > 0);
    assert_eq!(advert.addresses().count(), usize::from(advert.count()));
    assert!(advert.interval().fits(advert.version()));
    assert_eq!(Some(advert.vrid()), wire::peek_vrid(payload));
    assert_eq!(advert.auth_type().is_some(), advert.version() == Version::V2);
    assert!(!format!("{advert:?}").contains("auth_data"));
    let _ = (advert.authenticate(None), advert.link_local_first());
}

/// Lays out an advert that says the same, and reads that.
fn is_written_as_it_was_read(advert: &Advert<'_>, header: &Header) {
    let Ok(vrid) = Vrid::new(advert.vrid()) else { return };
    let addresses: Vec<IpAddr> = advert.addresses().collect();
    let password = match (advert.auth_type(), advert.auth_data()) {
        (Some(wire::AUTH_PASSWORD), Some(data)) => Some(Password::new(data).expect("eight octets fit")),
        _ => None,
    };
    let mut template = AdvertTemplate::new(
        advert.version(),
        advert.family(),
        vrid,
        advert.interval(),
        &addresses,
        password.as_ref(),
        advert.checksum_form(),
    )
    .expect("what came in one advert fits in one");
    let octets = template
        .write(advert.priority(), header.source, header.destination, header.ttl, 7)
        .expect("the families agree");
    let (again, payload) = match advert.family() {
        vrrp_core::Family::V4 => Datagram::V4(octets).split().expect("we write whole datagrams"),
        vrrp_core::Family::V6 => (*header, octets),
    };
    assert_eq!(again, *header);
    let expect = Expect { version: Some(advert.version()), form: ChecksumForm::Either, empty: true };
    let read = wire::parse(&again, payload, &expect).expect("what we write is right");
    assert_eq!(
        (read.version(), read.vrid(), read.priority(), read.interval()),
        (advert.version(), advert.vrid(), advert.priority(), advert.interval()),
    );
    assert_eq!(read.authenticate(password.as_ref()), Ok(()));
    let mut read: Vec<IpAddr> = read.addresses().collect();
    read.sort();
    let mut addresses = addresses;
    addresses.sort();
    assert_eq!(read, addresses);
    // A list that names an address twice is a permutation of nothing.
    let unique = addresses.windows(2).all(|pair| pair[0] != pair[1]);
    assert!(advert.holds_in_any_order(template.addresses()) || !unique);
}
