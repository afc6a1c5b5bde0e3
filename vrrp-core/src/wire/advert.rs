//! A view of an advert that has been judged.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AUTH_HEADER, AUTH_NONE, AUTH_PASSWORD, AddressList, ChecksumForm, Reject, address_len};
use crate::{Family, Interval, Password, Version};

/// An advert that keeps the structural rules, borrowed from the packet that carried it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Advert<'a> {
    pub(super) version: Version,
    pub(super) family: Family,
    pub(super) vrid: u8,
    pub(super) priority: u8,
    pub(super) count: u8,
    pub(super) interval: Interval,
    pub(super) form: ChecksumForm,
    pub(super) auth: Option<Auth<'a>>,
    pub(super) addresses: &'a [u8],
}

/// The authentication of RFC 2338, which every VRRPv2 advert carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Auth<'a> {
    pub(super) kind: u8,
    pub(super) data: &'a [u8; 8],
}

impl<'a> Advert<'a> {
    /// The version (RFC 9568 section 5.2.1).
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The family of the datagram and of all its addresses.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The VRID as it stands there, zero included (RFC 9568 section 5.2.3).
    pub const fn vrid(&self) -> u8 {
        self.vrid
    }

    /// The priority; zero says that the sender leaves (RFC 9568 section 5.2.4).
    pub const fn priority(&self) -> u8 {
        self.priority
    }

    /// The number of addresses (RFC 9568 section 5.2.5); zero only where [`Expect::empty`] allows it.
    ///
    /// [`Expect::empty`]: super::Expect::empty
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// The sender's interval (RFC 9568 section 5.2.7; RFC 3768 section 5.3.7).
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The form in which the checksum verified.
    pub const fn checksum_form(&self) -> ChecksumForm {
        self.form
    }

    /// The authentication type of VRRPv2 (RFC 2338 section 5.3.6), `None` in VRRPv3.
    pub const fn auth_type(&self) -> Option<u8> {
        match self.auth {
            Some(auth) => Some(auth.kind),
            None => None,
        }
    }

    /// The authentication data of VRRPv2 (RFC 2338 section 5.3.10), `None` in VRRPv3. It may be a secret.
    pub const fn auth_data(&self) -> Option<&'a [u8; 8]> {
        match self.auth {
            Some(auth) => Some(auth.data),
            None => None,
        }
    }

    /// The addresses in the order of the packet (RFC 9568 section 5.2.9).
    pub const fn addresses(&self) -> Addresses<'a> {
        Addresses { family: self.family, octets: self.addresses }
    }

    /// Whether the first address is link-local, as RFC 9568 section 5.2.9 (erratum 8300) wants it of IPv6.
    ///
    /// IPv4 and an empty list always are as they should be.
    pub fn link_local_first(&self) -> bool {
        match self.addresses().next() {
            Some(IpAddr::V6(first)) => first.is_unicast_link_local(),
            Some(IpAddr::V4(_)) | None => true,
        }
    }

    /// Whether the advert lists the very addresses that we advertise, in whatever order.
    ///
    /// One comparison of memory when the order is ours, too; n log n otherwise.
    pub fn holds_in_any_order(&self, ours: &AddressList) -> bool {
        self.family == ours.family()
            && (self.addresses == ours.octets() || ours.is_permutation(self.addresses()))
    }

    /// Judges the authentication of RFC 2338 section 7.1 for an instance with this password, or without one.
    ///
    /// VRRPv3 has none and passes. With type 0 the authentication data is ignored.
    ///
    /// # Errors
    /// [`Reject::AuthTypeInvalid`], [`Reject::AuthTypeMismatch`] or [`Reject::AuthFailure`].
    pub fn authenticate(&self, password: Option<&Password>) -> Result<(), Reject> {
        let Some(auth) = self.auth else {
            return Ok(());
        };
        let found = auth.kind;
        if !matches!(found, AUTH_NONE | AUTH_PASSWORD | AUTH_HEADER) {
            return Err(Reject::AuthTypeInvalid { found });
        }
        match (password, found) {
            (None, AUTH_NONE) => Ok(()),
            (Some(password), AUTH_PASSWORD) if password.matches(auth.data) => Ok(()),
            (Some(_), AUTH_PASSWORD) => Err(Reject::AuthFailure),
            (Some(_), _) => Err(Reject::AuthTypeMismatch { found, expected: AUTH_PASSWORD }),
            (None, _) => Err(Reject::AuthTypeMismatch { found, expected: AUTH_NONE }),
        }
    }

    /// Refuses a VRRPv2 advert whose interval is not ours (RFC 3768 section 7.1).
    ///
    /// VRRPv3 adverts pass: their interval is adopted (RFC 9568 section 6.4.2).
    ///
    /// # Errors
    /// [`Reject::IntervalMismatch`].
    pub fn agrees_on_interval(&self, ours: Interval) -> Result<(), Reject> {
        match self.version {
            Version::V2 if self.interval != ours => {
                Err(Reject::IntervalMismatch { found: self.interval, expected: ours })
            }
            Version::V2 | Version::V3 => Ok(()),
        }
    }
}

/// Says everything but the authentication data, which may be a secret.
impl fmt::Debug for Advert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advert")
            .field("version", &self.version)
            .field("vrid", &self.vrid)
            .field("priority", &self.priority)
            .field("interval", &self.interval)
            .field("checksum_form", &self.form)
            .field("auth_type", &self.auth_type())
            .field("addresses", &self.addresses())
            .finish()
    }
}

/// The addresses of an advert, in the order of the packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Addresses<'a> {
    family: Family,
    octets: &'a [u8],
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        match self.family {
            Family::V4 => {
                let (address, rest) = self.octets.split_first_chunk::<4>()?;
                self.octets = rest;
                Some(Ipv4Addr::from(*address).into())
            }
            Family::V6 => {
                let (address, rest) = self.octets.split_first_chunk::<16>()?;
                self.octets = rest;
                Some(Ipv6Addr::from(*address).into())
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.octets.len() / address_len(self.family);
        (len, Some(len))
    }
}

impl ExactSizeIterator for Addresses<'_> {}

impl fmt::Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}
