//! Whatever the octets: no panic, at most one reason, and what is written is read back.

#[path = "vectors/craft.rs"]
mod craft;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use craft::with_checksum;
use proptest::collection::vec;
use proptest::prelude::*;
use vrrp_core::wire::{self, Advert, AdvertTemplate, ChecksumForm, Datagram, Expect, Header, Reject};
use vrrp_core::{Family, Interval, Password, Version, Vrid};

const EXPECTATIONS: [Expect; 4] = [
    Expect::ANY,
    Expect { version: Some(Version::V2), form: ChecksumForm::MessageOnly, empty: true },
    Expect { version: Some(Version::V3), form: ChecksumForm::PseudoHeader, empty: true },
    Expect { version: Some(Version::V3), form: ChecksumForm::Either, empty: false },
];

/// Reads everything there is to read of a message, whatever it is.
fn read_all(header: &Header, message: &[u8]) {
    for expect in &EXPECTATIONS {
        match wire::parse(header, message, expect) {
            Ok(advert) => is_consistent(&advert, expect, message),
            Err(reject) => assert!(reject.index() < Reject::COUNT),
        }
    }
}

fn is_consistent(advert: &Advert<'_>, expect: &Expect, message: &[u8]) {
    assert!(expect.version.is_none_or(|version| version == advert.version()));
    assert!(expect.empty || advert.count() > 0);
    assert_eq!(advert.addresses().len(), usize::from(advert.count()));
    assert_eq!(advert.addresses().count(), usize::from(advert.count()));
    assert!(advert.addresses().all(|address| Family::of(&address) == advert.family()));
    assert!(advert.interval().fits(advert.version()));
    assert_eq!(Some(advert.vrid()), wire::peek_vrid(message));
    assert_eq!(Some(advert.version().number()), wire::peek_version(message));
}

/// A generator whose sequence is known (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn fill<'a>(&mut self, room: &'a mut [u8; 96]) -> &'a mut [u8] {
        let len = self.next() as usize % (room.len() + 1);
        let octets = &mut room[..len];
        for chunk in octets.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        octets
    }
}

#[test]
fn a_million_random_strings_are_read_without_a_panic() {
    // P84
    let v4 =
        Header { source: Ipv4Addr::new(192, 0, 2, 1).into(), destination: wire::GROUP_V4.into(), ttl: 255 };
    let v6 = Header { source: Ipv6Addr::LOCALHOST.into(), destination: wire::GROUP_V6.into(), ttl: 255 };
    let mut random = Random(9568);
    let mut room = [0; 96];
    for round in 0..1_000_000 {
        let octets = random.fill(&mut room);
        // Every other string looks like VRRP or IPv4 at first, or it would not get far.
        if let (1, Some(first)) = (round % 2, octets.first_mut()) {
            *first = [0x21, 0x31, 0x45, 0x46][round / 2 % 4];
        }
        let octets = &*octets;
        if let Ok((header, payload)) = Datagram::V4(octets).split() {
            let _ = wire::parse(&header, payload, &Expect::ANY);
        }
        let _ = wire::parse(&v4, octets, &Expect::ANY);
        let _ = wire::parse(&v6, octets, &Expect::ANY);
    }
}

/// What can be said in an advert.
#[derive(Clone, Debug)]
struct Said {
    version: Version,
    header: Header,
    vrid: u8,
    priority: u8,
    interval: Interval,
    addresses: Vec<IpAddr>,
    password: Option<[u8; 8]>,
    form: ChecksumForm,
}

impl Said {
    fn template(&self) -> AdvertTemplate {
        let password = self.password.map(|octets| Password::new(&octets).expect("eight octets"));
        AdvertTemplate::new(
            self.version,
            self.header.family(),
            Vrid::new(self.vrid).expect("not zero"),
            self.interval,
            &self.addresses,
            password.as_ref(),
            self.form,
        )
        .expect("all that is generated can be said")
    }

    fn expect(&self) -> Expect {
        Expect { version: Some(self.version), form: self.form, empty: true }
    }

    /// The message as it goes out, without an IP header.
    fn message(&self) -> Vec<u8> {
        let Header { source, destination, ttl } = self.header;
        let mut template = self.template();
        let octets = template.write(self.priority, source, destination, ttl, 1).expect("one family");
        octets[if source.is_ipv4() { 20 } else { 0 }..].to_vec()
    }
}

fn v4_address() -> impl Strategy<Value = IpAddr> {
    any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).into())
}

fn v6_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).into()),
        any::<u64>().prop_map(|bits| Ipv6Addr::from(0xfe80 << 112 | u128::from(bits)).into()),
    ]
}

fn form() -> impl Strategy<Value = ChecksumForm> {
    prop_oneof![Just(ChecksumForm::Either), Just(ChecksumForm::MessageOnly), Just(ChecksumForm::PseudoHeader)]
}

fn header(address: impl Strategy<Value = IpAddr> + Clone) -> impl Strategy<Value = Header> {
    (address.clone(), address, any::<u8>()).prop_map(|(source, destination, ttl)| Header {
        source,
        destination,
        ttl,
    })
}

fn v2() -> impl Strategy<Value = Said> {
    let password = proptest::option::of(any::<[u8; 8]>());
    let fields = (1..=255_u8, any::<u8>(), 1..=255_u8, vec(v4_address(), 0..=255), password);
    (header(v4_address().boxed()), fields).prop_map(
        |(header, (vrid, priority, secs, addresses, password))| {
            let interval = Interval::from_secs(secs).expect("not zero");
            let (version, form) = (Version::V2, ChecksumForm::MessageOnly);
            Said { version, header, vrid, priority, interval, addresses, password, form }
        },
    )
}

fn v3(address: BoxedStrategy<IpAddr>) -> impl Strategy<Value = Said> {
    let fields = (1..=255_u8, any::<u8>(), 1..=4095_u16, vec(address.clone(), 0..=255), form());
    (header(address), fields).prop_map(|(header, (vrid, priority, centis, addresses, form))| {
        let interval = Interval::from_centis(centis).expect("in range");
        Said { version: Version::V3, header, vrid, priority, interval, addresses, password: None, form }
    })
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![v2(), v3(v4_address().boxed()), v3(v6_address().boxed())]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_octets_are_a_message_or_a_reason(octets in vec(any::<u8>(), 0..1200), v4 in header(v4_address().boxed()),
                                            v6 in header(v6_address().boxed())) {
        read_all(&v4, &octets);
        read_all(&v6, &octets);
        if let Ok((header, payload)) = Datagram::V4(&octets).split() {
            read_all(&header, payload);
        }
    }

    #[test]
    fn what_is_written_is_read_back(said in said()) {
        let message = said.message();
        let advert = wire::parse(&said.header, &message, &said.expect()).expect("we write what we read");
        prop_assert_eq!(advert.version(), said.version);
        prop_assert_eq!(advert.family(), said.header.family());
        prop_assert_eq!(advert.vrid(), said.vrid);
        prop_assert_eq!(advert.priority(), said.priority);
        prop_assert_eq!(advert.interval(), said.interval);
        let mut read: Vec<IpAddr> = advert.addresses().collect();
        let mut written = said.addresses.clone();
        if said.header.family() == Family::V4 {
            prop_assert_eq!(&read, &written);
        }
        read.sort();
        written.sort();
        prop_assert_eq!(read, written);
        prop_assert!(advert.holds_in_any_order(said.template().addresses()));
        let password = said.password.map(|octets| Password::new(&octets).expect("eight octets"));
        prop_assert_eq!(advert.authenticate(password.as_ref()), Ok(()));
    }

    #[test]
    fn a_whole_datagram_is_read_back(said in prop_oneof![v2(), v3(v4_address().boxed())], ip_id in 1..=u16::MAX) {
        let Header { source, destination, ttl } = said.header;
        let mut template = said.template();
        let octets = template.write(said.priority, source, destination, ttl, ip_id).expect("one family").to_vec();
        let message = said.message();
        prop_assert_eq!(Datagram::V4(&octets).split(), Ok((said.header, message.as_slice())));
    }

    #[test]
    fn our_checksum_is_the_one_made_by_hand(said in said()) {
        let message = said.message();
        let mut unsummed = message.clone();
        unsummed[6..8].fill(0);
        let pair = (said.header.source, said.header.destination);
        let message_only = said.header.family() == Family::V4 && said.form == ChecksumForm::MessageOnly;
        prop_assert_eq!(with_checksum(unsummed, (!message_only).then_some(pair)), message);
    }

    #[test]
    fn a_changed_message_is_read_or_rejected(said in said(), changes in vec((any::<usize>(), any::<u8>()), 1..5),
                                             repair in any::<bool>()) {
        let mut message = said.message();
        for (at, octet) in changes {
            let len = message.len();
            message[at % len] = octet;
        }
        if repair {
            message[6..8].fill(0);
            let pair = (said.header.source, said.header.destination);
            message = with_checksum(message, said.header.source.is_ipv6().then_some(pair));
        }
        read_all(&said.header, &message);
    }

    #[test]
    fn the_order_of_a_list_does_not_matter_but_each_address_does(
        said in v3(v6_address().boxed()), seed in any::<u64>(), at in any::<usize>()
    ) {
        let message = said.message();
        let expect = Expect { form: ChecksumForm::Either, ..said.expect() };
        let advert = wire::parse(&said.header, &message, &expect).expect("we write what we read");
        let mut shuffled = said.addresses.clone();
        let mut random = Random(seed);
        shuffled.sort_by_cached_key(|_| random.next());
        let list = |addresses: &[IpAddr]| wire::AddressList::new(Family::V6, addresses).expect("one family");
        prop_assert!(advert.holds_in_any_order(&list(&shuffled)));
        if let Some(at) = at.checked_rem(shuffled.len()) {
            let gone = shuffled.swap_remove(at);
            prop_assert!(!advert.holds_in_any_order(&list(&shuffled)));
            shuffled.push(Ipv6Addr::from(!u128::from_be_bytes(octets(gone))).into());
            prop_assert!(!advert.holds_in_any_order(&list(&shuffled)));
        }
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
