//! The octets of VRRP: a datagram is taken apart and judged, an advert is written.
//!
//! ```text
//! Datagram ──split──► Header + payload ──parse──► Advert ──authenticate, agrees_on_interval──► the router
//!     │                                  │                                  │
//!     └──────────────────────────────────┴──────────── Reject ◄─────────────┘
//! ```
//!
//! Every function is total: whatever the octets, the answer is a value or a [`Reject`]. Nothing allocates but
//! [`AdvertTemplate::new`] and [`AddressList::new`], which run when a configuration is taken.
//!
//! ```
//! use vrrp_core::wire::{self, AdvertTemplate, ChecksumForm, Datagram, Expect};
//! use vrrp_core::{Family, Interval, Version, Vrid};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let vip = "192.0.2.253".parse()?;
//! let (version, vrid, form) = (Version::V3, Vrid::new(51)?, ChecksumForm::PseudoHeader);
//! let mut advert =
//!     AdvertTemplate::new(version, Family::V4, vrid, Interval::DEFAULT, &[vip], None, form)?;
//! let sent = advert.write(150, "192.0.2.1".parse()?, wire::GROUP_V4.into(), wire::TTL, 1);
//!
//! let (header, payload) = Datagram::V4(sent.ok_or("one family")?).split()?;
//! let received = wire::parse(&header, payload, &Expect::version(version))?;
//! assert_eq!((received.vrid(), received.priority()), (51, 150));
//! assert!(received.addresses().eq([vip]));
//! # Ok(())
//! # }
//! ```

mod address_list;
mod advert;
mod checksum;
mod datagram;
mod reason;
mod reject;
mod template;
mod v2;
mod v3;

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::{Family, Version};

pub use address_list::{AddressList, AddressListError};
pub use advert::{Addresses, Advert};
pub use checksum::ChecksumForm;
pub(crate) use checksum::message_checksum;
pub use datagram::{Datagram, Header};
pub use reason::{Reason, UnknownReason};
pub use reject::{Malformed, Reject};
pub use template::{AdvertTemplate, TemplateError};

/// The IP protocol and IPv6 next header number of VRRP (RFC 9568 sections 5.1.1.4 and 5.1.2.4).
pub const PROTOCOL: u8 = 112;
/// The TTL and hop limit of every advert on a link (RFC 9568 sections 5.1.1.3 and 5.1.2.3).
pub const TTL: u8 = 255;
/// The group that IPv4 adverts go to (RFC 9568 section 5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// The group that IPv6 adverts go to (RFC 9568 section 5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// The number that RFC 2338 section 5.3.6 gives to an advert without authentication.
pub const AUTH_NONE: u8 = 0;
/// The number that RFC 2338 section 5.3.6 gives to a simple text password.
pub const AUTH_PASSWORD: u8 = 1;
/// The number that RFC 2338 section 5.3.6 gives to the IP authentication header.
pub const AUTH_HEADER: u8 = 2;

/// The octets before the addresses, in both versions.
const FIXED_LEN: usize = 8;
/// The only type of packet there is (RFC 9568 section 5.2.2).
const TYPE_ADVERT: u8 = 1;
const IPV4_HEADER_LEN: usize = 20;
const IPV6_HEADER_LEN: usize = 40;

/// What a packet must be like beyond the RFCs, as the instance that it is for is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // who asks for a packet to be judged has to answer each question
pub struct Expect {
    /// The version that the instance speaks; `None` takes both.
    pub version: Option<Version>,
    /// The checksum that VRRPv3 over IPv4 must carry; [`ChecksumForm::Either`] takes both.
    pub form: ChecksumForm,
    /// Whether an advert may name no address at all.
    ///
    /// RFC 9568 section 5.2.5 forbids it. An instance that advertises no address itself accepts it all the
    /// same, because keepalived sends it when `virtual_ipaddress` is empty.
    pub empty: bool,
}

impl Expect {
    /// Judges by the RFCs alone: for a packet that no instance is known for.
    pub const ANY: Self = Self { version: None, form: ChecksumForm::Either, empty: false };

    /// Judges for an instance of a version that takes both checksums and advertises addresses.
    pub const fn version(version: Version) -> Self {
        Self { version: Some(version), ..Self::ANY }
    }
}

/// The VRID of a payload that nothing else is known of, to find out whom it concerns.
pub fn peek_vrid(payload: &[u8]) -> Option<u8> {
    payload.get(1).copied()
}

/// The version number of a payload that nothing else is known of, 0 to 15.
pub fn peek_version(payload: &[u8]) -> Option<u8> {
    payload.first().map(|octet| octet >> 4)
}

/// Judges the structure of a VRRP message and gives a view of it.
///
/// The rules are those of RFC 9568 section 7.1 (with errata 8299 and 8301) and RFC 3768 section 7.1, in this
/// order, and the first one that fails is the answer: version, completeness, type, checksum, count, interval.
/// What needs more than the packet (TTL, VRID, owner, authentication, equal intervals) is not judged here.
///
/// A message ends with its last address, or in VRRPv2 with its authentication data: octets behind that are a
/// [`Reject::Length`].
///
/// # Errors
/// The first rule that the packet breaks.
pub fn parse<'a>(header: &Header, payload: &'a [u8], expect: &Expect) -> Result<Advert<'a>, Reject> {
    let Some(found) = peek_version(payload) else {
        return Err(Reject::length(0, FIXED_LEN));
    };
    let version = match (found, header.family()) {
        (2, Family::V4) => Version::V2,
        (3, Family::V4 | Family::V6) => Version::V3,
        (_, Family::V4) => return Err(Reject::Version { found, expected: expect.version }),
        (_, Family::V6) => return Err(Reject::Version { found, expected: Some(Version::V3) }),
    };
    if expect.version.is_some_and(|expected| expected != version) {
        return Err(Reject::Version { found, expected: expect.version });
    }
    match version {
        Version::V2 => v2::parse(payload, expect),
        Version::V3 => v3::parse(header, payload, expect),
    }
}

/// How many addresses fit in one packet, at most the 255 that the count can say.
///
/// `mtu` is that of the interface, in octets, with the IP header. VRRPv2 over IPv6 does not exist: zero.
pub fn max_addresses(family: Family, version: Version, mtu: usize) -> usize {
    let (before, each) = match (family, version) {
        (Family::V4, Version::V2) => (IPV4_HEADER_LEN + FIXED_LEN + v2::AUTH_LEN, 4),
        (Family::V4, Version::V3) => (IPV4_HEADER_LEN + FIXED_LEN, 4),
        (Family::V6, Version::V3) => (IPV6_HEADER_LEN + FIXED_LEN, 16),
        (Family::V6, Version::V2) => return 0,
    };
    (mtu.saturating_sub(before) / each).min(usize::from(u8::MAX))
}

/// The octets of one address.
const fn address_len(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}
