//! Checked values: what is out of range cannot be made.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};
use core::num::NonZeroU8;
use core::str::FromStr;
use core::time::Duration;

use thiserror::Error;

/// A value outside of the range that its type allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} {value} is not in {min} to {max}")]
pub struct OutOfRange {
    /// What the value was meant to be.
    pub what: &'static str,
    /// The value that was given.
    pub value: u64,
    /// The lowest value allowed.
    pub min: u64,
    /// The highest value allowed.
    pub max: u64,
}

/// The address family of a virtual router (VRIDs are per family, RFC 9568 section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums)] // there is no third family
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The number of bits of an address: 32 or 128.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// The version of the protocol that a virtual router speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums)] // a new version of VRRP is a new protocol
pub enum Version {
    /// VRRPv2 (RFC 3768), IPv4 only.
    V2,
    /// VRRPv3 (RFC 9568).
    V3,
}

impl Version {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// A virtual router identifier, 1 to 255 (RFC 9568 section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// Makes a VRID.
    ///
    /// # Errors
    /// Zero is refused.
    pub const fn new(vrid: u8) -> Result<Self, OutOfRange> {
        match NonZeroU8::new(vrid) {
            Some(vrid) => Ok(Self(vrid)),
            None => Err(OutOfRange { what: "VRID", value: 0, min: 1, max: 255 }),
        }
    }

    /// The number, 1 to 255.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A configured priority, 1 to 255; zero exists on the wire only (RFC 9568 section 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Priority(NonZeroU8);

impl Priority {
    /// The priority of the router that owns the addresses.
    pub const OWNER: Self = Self(NonZeroU8::MAX);
    /// The priority of a router that was given none.
    pub const DEFAULT: Self = match NonZeroU8::new(100) {
        Some(priority) => Self(priority),
        None => Self::OWNER,
    };

    /// Makes a priority.
    ///
    /// # Errors
    /// Zero is refused.
    pub const fn new(priority: u8) -> Result<Self, OutOfRange> {
        match NonZeroU8::new(priority) {
            Some(priority) => Ok(Self(priority)),
            None => Err(OutOfRange { what: "priority", value: 0, min: 1, max: 255 }),
        }
    }

    /// The number, 1 to 255.
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Whether this is the priority of the address owner.
    pub const fn is_owner(self) -> bool {
        self.0.get() == u8::MAX
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An advertisement interval in centiseconds: 1 to 4095 in VRRPv3, whole seconds from 1 to 255 in VRRPv2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interval(u16);

impl Interval {
    /// One second, the default of every RFC.
    pub const DEFAULT: Self = Self(100);
    /// The longest interval of VRRPv3, 40.95 s.
    pub const MAX_V3: Self = Self(4095);
    /// The longest interval of VRRPv2, 255 s.
    pub const MAX_V2: Self = Self(25_500);

    /// Makes an interval from centiseconds, 1 to 25500.
    ///
    /// # Errors
    /// What neither version can carry is refused; [`Interval::fits`] asks for one version.
    pub const fn from_centis(centis: u16) -> Result<Self, OutOfRange> {
        if centis == 0 || centis > Self::MAX_V2.0 {
            return Err(OutOfRange {
                what: "interval in centiseconds",
                value: centis as u64,
                min: 1,
                max: Self::MAX_V2.0 as u64,
            });
        }
        Ok(Self(centis))
    }

    /// Makes an interval from whole seconds, 1 to 255.
    ///
    /// # Errors
    /// Zero is refused.
    pub const fn from_secs(secs: u8) -> Result<Self, OutOfRange> {
        match secs {
            0 => Err(OutOfRange { what: "interval in seconds", value: 0, min: 1, max: 255 }),
            secs => Ok(Self(secs as u16 * 100)),
        }
    }

    /// Whether a version can carry the interval.
    pub const fn fits(self, version: Version) -> bool {
        match version {
            Version::V2 => self.0 % 100 == 0,
            Version::V3 => self.0 <= Self::MAX_V3.0,
        }
    }

    /// The number of centiseconds.
    pub const fn as_centis(self) -> u16 {
        self.0
    }

    /// The interval as a span.
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0 as u64 * 10)
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Seconds with two decimals: `0.01`, `1.00`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A handle of an interface, chosen by the caller and stable while the router lives.
///
/// It is not a kernel index: that changes when an interface is deleted and made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceId(pub u32);

impl fmt::Display for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The eight octets of the simple text password of RFC 2338, zero padded; never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; 8]);

/// A password longer than the eight octets that VRRPv2 carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a password has {0} octets, VRRPv2 carries 8")]
pub struct PasswordTooLong(pub usize);

impl Password {
    /// Makes a password of up to eight octets.
    ///
    /// # Errors
    /// A longer one is refused; who wants keepalived's cut makes it before.
    pub fn new(text: &[u8]) -> Result<Self, PasswordTooLong> {
        let mut octets = [0; 8];
        octets.get_mut(..text.len()).ok_or(PasswordTooLong(text.len()))?.copy_from_slice(text);
        Ok(Self(octets))
    }

    /// The octets as they go on the wire.
    pub const fn octets(&self) -> &[u8; 8] {
        &self.0
    }

    /// Compares with what a peer sent, in a time that does not depend on where they differ.
    pub fn matches(&self, received: &[u8; 8]) -> bool {
        self.0.iter().zip(received).fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs)) == 0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(********)")
    }
}

/// The label of an IPv4 address (`eth0:0`), at most 15 octets, as IFA_LABEL carries it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VipLabel {
    octets: [u8; 15],
    len: u8,
}

impl VipLabel {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        let octets = self.octets.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(octets).unwrap_or_default()
    }
}

impl FromStr for VipLabel {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let too_long = OutOfRange { what: "length of a label", value: text.len() as u64, min: 1, max: 15 };
        let mut octets = [0; 15];
        octets.get_mut(..text.len()).ok_or(too_long)?.copy_from_slice(text.as_bytes());
        match u8::try_from(text.len()) {
            Ok(len @ 1..) => Ok(Self { octets, len }),
            Ok(0) | Err(_) => Err(too_long),
        }
    }
}

impl fmt::Display for VipLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for VipLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for VipLabel {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for VipLabel {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A virtual address, and how it goes on its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_structs)] // what is not named here is in `options`
pub struct Vip {
    /// The address.
    pub address: IpAddr,
    /// The length of its prefix, at most 32 or 128.
    pub prefix: u8,
    /// The interface that holds it.
    pub interface: InterfaceId,
    /// What the kernel is told beside it.
    pub options: VipOptions,
}

impl Vip {
    /// An address on an interface without further options.
    pub const fn new(address: IpAddr, prefix: u8, interface: InterfaceId) -> Self {
        Self { address, prefix, interface, options: VipOptions::NONE }
    }
}

impl fmt::Display for Vip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// What the kernel is told beside an address; the router itself does not look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct VipOptions {
    /// The broadcast address (`brd`).
    pub broadcast: Option<Ipv4Addr>,
    /// The label, IPv4 only (`label`).
    pub label: Option<VipLabel>,
    /// The scope as rtnetlink numbers it (`scope`): 0 global, 253 link, 254 host.
    pub scope: u8,
}

impl VipOptions {
    /// No option: global scope, no label, no broadcast address.
    pub const NONE: Self = Self { broadcast: None, label: None, scope: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn zero_is_neither_vrid_nor_priority_nor_interval() {
        assert!(Vrid::new(0).is_err());
        assert!(Priority::new(0).is_err());
        assert!(Interval::from_centis(0).is_err());
        assert!(Interval::from_secs(0).is_err());
    }

    #[test]
    fn an_interval_fits_the_versions_that_can_carry_it() {
        let half = Interval::from_centis(50).unwrap();
        assert!(half.fits(Version::V3) && !half.fits(Version::V2));
        let minute = Interval::from_secs(60).unwrap();
        assert!(minute.fits(Version::V2) && !minute.fits(Version::V3));
        assert!(Interval::from_centis(25_501).is_err());
    }

    #[test]
    fn a_password_is_compared_whole_and_never_shown() {
        let password = Password::new(b"s3cr3t").unwrap();
        assert!(password.matches(b"s3cr3t\0\0"));
        assert!(!password.matches(b"s3cr3t\0x"));
        assert!(Password::new(b"123456789").is_err());
        assert!(!format!("{password:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_label_has_one_to_fifteen_octets() {
        assert_eq!("eth0:0".parse::<VipLabel>().unwrap().as_str(), "eth0:0");
        assert!("".parse::<VipLabel>().is_err());
        assert!("sixteen_octets__".parse::<VipLabel>().is_err());
    }
}
