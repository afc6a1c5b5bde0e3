//! The checksum of VRRP and its two forms (RFC 9568 section 5.2.8).

use core::net::IpAddr;

use etherparse::checksum::Sum16BitWords;

use super::{Header, Malformed, PROTOCOL, Reject};

/// What the checksum of VRRPv3 over IPv4 covers.
///
/// RFC 9568 says the message only. RFC 5798 was read as a pseudo-header before the message, and keepalived,
/// FRR and others send that. VRRPv2 never has a pseudo-header, VRRPv3 over IPv6 always has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[allow(clippy::exhaustive_enums)] // each form is a checksum or its absence
pub enum ChecksumForm {
    /// No preference: both are accepted, the pseudo-header is sent. Of a packet: both forms verify, which
    /// happens for some pairs of addresses and says nothing about the sender.
    #[default]
    Either,
    /// The message alone (RFC 9568).
    MessageOnly,
    /// The message behind a pseudo-header of source, destination, protocol and length.
    PseudoHeader,
}

impl ChecksumForm {
    /// The name, as it stands in traces and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::MessageOnly => "message-only",
            Self::PseudoHeader => "pseudo-header",
        }
    }

    /// Whether a packet whose checksum verified in the form `found` is what `self` asks for.
    pub(super) const fn accepts(self, found: Self) -> bool {
        matches!(
            (self, found),
            (Self::Either, _)
                | (_, Self::Either)
                | (Self::MessageOnly, Self::MessageOnly)
                | (Self::PseudoHeader, Self::PseudoHeader)
        )
    }
}

/// A sum of 16-bit words on its way to a checksum (RFC 1071).
#[derive(Clone, Debug)]
pub(super) struct Sum(Sum16BitWords);

impl Sum {
    /// The sum of some octets; an odd last one counts as if a zero followed.
    pub(super) fn of(octets: &[u8]) -> Self {
        Self(Sum16BitWords::new().add_slice(octets))
    }

    /// The sum with two more octets.
    pub(super) fn and(self, octets: [u8; 2]) -> Self {
        Self(self.0.add_2bytes(octets))
    }

    /// The sum with a pseudo-header: RFC 8200 section 8.1 for IPv6, its IPv4 likeness (RFC 5798) for IPv4.
    ///
    /// `None` when the addresses are not of one family.
    pub(super) fn and_pseudo_header(
        mut self,
        source: IpAddr,
        destination: IpAddr,
        len: usize,
    ) -> Option<Self> {
        let sum = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.0.add_4bytes(source.octets()).add_4bytes(destination.octets())
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.0.add_16bytes(source.octets()).add_16bytes(destination.octets())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
        };
        // The longest message has 4088 octets, so 16 bits of length are enough in both pseudo-headers.
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        Some(Self(sum.add_2bytes(len.to_be_bytes()).add_2bytes([0, PROTOCOL])))
    }

    /// The checksum that makes the sum right; zero is sent as zero.
    pub(super) fn checksum(&self) -> u16 {
        self.0.ones_complement().to_be()
    }

    /// Whether a sum that contains the checksum is right. By folding, 0x0000 and 0xffff are both right where
    /// the checksum is zero.
    pub(super) fn verifies(&self) -> bool {
        self.0.ones_complement() == 0
    }
}

/// Verifies a message that has no pseudo-header.
pub(super) fn verify_message(message: &[u8]) -> Result<ChecksumForm, Reject> {
    let sum = Sum::of(message);
    if sum.verifies() { Ok(ChecksumForm::MessageOnly) } else { Err(mismatch(message, sum)) }
}

/// Verifies a message of VRRPv3 over IPv6, which has a pseudo-header.
pub(super) fn verify_pseudo_header(
    message: &[u8],
    source: IpAddr,
    destination: IpAddr,
) -> Result<ChecksumForm, Reject> {
    let sum = Sum::of(message)
        .and_pseudo_header(source, destination, message.len())
        .ok_or(Reject::Malformed(Malformed::Families))?;
    if sum.verifies() { Ok(ChecksumForm::PseudoHeader) } else { Err(mismatch(message, sum)) }
}

/// Verifies a message of VRRPv3 over IPv4, which may have a pseudo-header, and says which form it is.
pub(super) fn verify_either(
    message: &[u8],
    source: IpAddr,
    destination: IpAddr,
    expected: ChecksumForm,
) -> Result<ChecksumForm, Reject> {
    let message_only = Sum::of(message);
    let pseudo_header = message_only
        .clone()
        .and_pseudo_header(source, destination, message.len())
        .ok_or(Reject::Malformed(Malformed::Families))?;
    let found = match (message_only.verifies(), pseudo_header.verifies()) {
        (true, true) => Some(ChecksumForm::Either),
        (true, false) => Some(ChecksumForm::MessageOnly),
        (false, true) => Some(ChecksumForm::PseudoHeader),
        (false, false) => None,
    };
    match (found, expected) {
        (Some(found), expected) if expected.accepts(found) => Ok(found),
        (_, ChecksumForm::PseudoHeader) => Err(mismatch(message, pseudo_header)),
        (_, ChecksumForm::Either | ChecksumForm::MessageOnly) => Err(mismatch(message, message_only)),
    }
}

/// The checksum that a message should have, whatever stands in its place.
///
/// `None` for less than a whole fixed part, or when the addresses are not of one family.
pub(crate) fn message_checksum(header: &Header, message: &[u8], form: ChecksumForm) -> Option<u16> {
    let stored = u16::from_be_bytes(*message.get(6..8)?.first_chunk()?);
    let sum = Sum::of(message).and((!stored).to_be_bytes());
    Some(match form {
        ChecksumForm::MessageOnly => sum.checksum(),
        ChecksumForm::Either | ChecksumForm::PseudoHeader => {
            sum.and_pseudo_header(header.source, header.destination, message.len())?.checksum()
        }
    })
}

/// The reject of a message whose octets, with all that its checksum covers, add up to `sum`.
fn mismatch(message: &[u8], sum: Sum) -> Reject {
    let stored = message.get(6..8).and_then(|octets| octets.first_chunk()).copied().unwrap_or_default();
    let found = u16::from_be_bytes(stored);
    // In one's complement arithmetic adding the complement takes the stored checksum out of the sum.
    let expected = sum.and((!found).to_be_bytes()).checksum();
    Reject::Checksum { found, expected }
}
