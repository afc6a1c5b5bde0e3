//! The advert that an instance sends, kept ready.

use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use etherparse::{IpDscp, IpNumber, Ipv4Header};
use thiserror::Error;

use super::checksum::Sum;
use super::{
    AUTH_NONE, AUTH_PASSWORD, AddressList, AddressListError, ChecksumForm, FIXED_LEN, IPV4_HEADER_LEN,
    PROTOCOL, TYPE_ADVERT, v2,
};
use crate::{Family, Interval, Password, Version, Vrid};

/// Network control (DSCP CS6, the octet 0xc0), as every implementation marks its adverts.
const DSCP: IpDscp = IpDscp::CS6;
const PRIORITY_AT: usize = 2;
const CHECKSUM_AT: usize = 6;

/// An advert laid out once, of which each sending rewrites a few octets in place.
///
/// Writing costs the same whatever the number of addresses: the sum of all that does not change is kept.
#[derive(Clone)]
pub struct AdvertTemplate {
    version: Version,
    form: ChecksumForm,
    addresses: AddressList,
    /// Room for the IPv4 header, if there is one, and the message.
    octets: Vec<u8>,
    message_at: usize,
    /// The sum of the message with priority and checksum zero.
    sum: Sum,
}

/// An advert that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The addresses do not fit.
    #[error(transparent)]
    Addresses(#[from] AddressListError),
    /// VRRPv2 has no IPv6 (RFC 3768 section 1).
    #[error("VRRPv2 over IPv6 does not exist, expected version 3")]
    Version,
    /// The version cannot carry the interval (RFC 9568 section 5.2.7, RFC 3768 section 5.3.7).
    #[error(
        "interval {interval} s does not fit VRRPv{version}: version 2 has whole seconds from 1 to 255, version 3 0.01 to 40.95 s"
    )]
    Interval {
        /// The interval that was asked for.
        interval: Interval,
        /// The version that was asked for.
        version: Version,
    },
    /// VRRPv3 has no password (RFC 9568 section 9).
    #[error("VRRPv3 carries no password, expected none")]
    Password,
}

impl AdvertTemplate {
    /// Lays an advert out.
    ///
    /// IPv6 addresses that are link-local go first. `form` counts for VRRPv3 over IPv4 alone.
    ///
    /// # Errors
    /// What the version cannot say is refused: see [`TemplateError`].
    pub fn new(
        version: Version,
        family: Family,
        vrid: Vrid,
        interval: Interval,
        addresses: &[IpAddr],
        password: Option<&Password>,
        form: ChecksumForm,
    ) -> Result<Self, TemplateError> {
        if version == Version::V2 && family == Family::V6 {
            return Err(TemplateError::Version);
        }
        if !interval.fits(version) {
            return Err(TemplateError::Interval { interval, version });
        }
        if version == Version::V3 && password.is_some() {
            return Err(TemplateError::Password);
        }
        let addresses = AddressList::new(family, addresses)?;
        let message_at = match family {
            Family::V4 => IPV4_HEADER_LEN,
            Family::V6 => 0,
        };
        let mut octets = vec![0; message_at];
        octets.extend_from_slice(&fixed_part(version, vrid, interval, &addresses, password));
        octets.extend_from_slice(addresses.octets());
        if version == Version::V2 {
            octets.extend_from_slice(password.map_or(&[0; v2::AUTH_LEN], |password| password.octets()));
        }
        let sum = Sum::of(octets.get(message_at..).unwrap_or_default());
        Ok(Self { version, form, addresses, octets, message_at, sum })
    }

    /// Rewrites the advert for one sending and gives its octets.
    ///
    /// IPv4: a whole datagram, its header included (TOS 0xc0, nothing set of the fragment flags, as keepalived
    /// sends it). An `ip_id` of zero goes out as 1, because Linux would put an identification of its own there.
    /// IPv6: the message alone; the hop limit is the socket's.
    ///
    /// `ttl` is [`TTL`](super::TTL) but for routed unicast. `None` when an address is of another family.
    pub fn write(
        &mut self,
        priority: u8,
        source: IpAddr,
        destination: IpAddr,
        ttl: u8,
        ip_id: u16,
    ) -> Option<&[u8]> {
        if Family::of(&source) != self.addresses.family() {
            return None;
        }
        let message_len = self.octets.len().saturating_sub(self.message_at);
        let sum = self.sum.clone().and([priority, 0]);
        let with_pseudo_header = sum.clone().and_pseudo_header(source, destination, message_len)?;
        let checksum = match (self.version, self.addresses.family(), self.form) {
            (Version::V2, ..) | (Version::V3, Family::V4, ChecksumForm::MessageOnly) => sum.checksum(),
            (Version::V3, Family::V6, _)
            | (Version::V3, Family::V4, ChecksumForm::Either | ChecksumForm::PseudoHeader) => {
                with_pseudo_header.checksum()
            }
        };
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) {
            let mut header = Ipv4Header {
                dscp: DSCP,
                total_len: u16::try_from(self.octets.len()).ok()?,
                identification: ip_id.max(1),
                dont_fragment: false,
                time_to_live: ttl,
                protocol: IpNumber(PROTOCOL),
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv4Header::default()
            };
            header.header_checksum = header.calc_header_checksum();
            self.octets
                .get_mut(..IPV4_HEADER_LEN)?
                .copy_from_slice(header.to_bytes().get(..IPV4_HEADER_LEN)?);
        }
        *self.octets.get_mut(self.message_at + PRIORITY_AT)? = priority;
        let at = self.message_at + CHECKSUM_AT;
        self.octets.get_mut(at..at + 2)?.copy_from_slice(&checksum.to_be_bytes());
        Some(&self.octets)
    }

    /// The addresses that are advertised.
    pub const fn addresses(&self) -> &AddressList {
        &self.addresses
    }

    /// Sends another form of checksum from now on; it counts for VRRPv3 over IPv4 alone.
    pub const fn set_checksum_form(&mut self, form: ChecksumForm) {
        self.form = form;
    }

    /// The octets of the message that no sending changes.
    fn constant_octets(&self) -> impl Iterator<Item = &u8> {
        let changes = |at: usize| at == PRIORITY_AT || at == CHECKSUM_AT || at == CHECKSUM_AT + 1;
        let message = self.octets.iter().skip(self.message_at).enumerate();
        message.filter(move |(at, _)| !changes(*at)).map(|(_, octet)| octet)
    }
}

/// Octets 0 to 7 with priority and checksum zero.
fn fixed_part(
    version: Version,
    vrid: Vrid,
    interval: Interval,
    addresses: &AddressList,
    password: Option<&Password>,
) -> [u8; FIXED_LEN] {
    let [interval_high, interval_low] = match version {
        // `Interval::fits` was asked: whole seconds, at most 255.
        Version::V2 => {
            let secs = u8::try_from(interval.as_centis() / 100).unwrap_or(u8::MAX);
            [if password.is_some() { AUTH_PASSWORD } else { AUTH_NONE }, secs]
        }
        Version::V3 => interval.as_centis().to_be_bytes(),
    };
    let count = u8::try_from(addresses.len()).unwrap_or(u8::MAX);
    let version_and_type = version.number() << 4 | TYPE_ADVERT;
    [version_and_type, vrid.get(), 0, count, interval_high, interval_low, 0, 0]
}

/// Equal templates send equal adverts, whatever each has sent before.
impl PartialEq for AdvertTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
            && self.form == other.form
            && self.addresses == other.addresses
            && self.constant_octets().eq(other.constant_octets())
    }
}

impl Eq for AdvertTemplate {}

/// Says everything but the octets, which may hold a secret.
impl core::fmt::Debug for AdvertTemplate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AdvertTemplate")
            .field("version", &self.version)
            .field("form", &self.form)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
