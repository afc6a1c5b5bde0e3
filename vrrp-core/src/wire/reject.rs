//! Why a packet was dropped: each reason is one counter.

use core::fmt;

use thiserror::Error;

use super::Reason;
use crate::{Interval, Version};

/// Why a packet was dropped, with what was found in it.
///
/// A dropped packet changes a counter and nothing else (RFC 9568 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reject {
    /// Not one whole IP datagram that carries VRRP.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Sent to neither a group of ours nor one of our addresses.
    #[error("destination is neither the group nor one of our addresses")]
    Destination,
    /// Sent by ourselves, or by somebody who has our address.
    #[error("source is one of our own addresses")]
    OwnSource,
    /// A source that no host can have.
    #[error("source is unspecified, loopback, multicast or broadcast, expected the address of a host")]
    Source,
    /// A TTL or hop limit other than 255: the packet may come from another link (RFC 9568 section 7.1).
    ///
    /// For a unicast peer behind routers it is what is configured for that peer.
    #[error("TTL {found}, expected {}", Range(*min, *max))]
    Ttl {
        /// What was left of it.
        found: u8,
        /// The lowest that is accepted.
        min: u8,
        /// The highest that is accepted.
        max: u8,
    },
    /// A version that the instance does not speak, or that nobody does (RFC 9568 section 7.1).
    #[error("version {found}, expected {}", Versions(*expected))]
    Version {
        /// The number found, 0 to 15.
        found: u8,
        /// The version of the instance, `None` for 2 or 3.
        expected: Option<Version>,
    },
    /// Not the length that the count of addresses gives (RFC 9568 section 7.1).
    #[error("{found} octets, expected {expected}")]
    Length {
        /// The octets received behind the IP header.
        found: u16,
        /// The octets that the message should have; 8 when not even its fixed part is there.
        expected: u16,
    },
    /// Not an advert (RFC 9568 section 5.2.2).
    #[error("type {found}, expected 1")]
    Type {
        /// The number found, 0 to 15.
        found: u8,
    },
    /// A checksum that does not verify (RFC 9568 section 7.1).
    #[error("checksum {found:#06x}, expected {expected:#06x}")]
    Checksum {
        /// The checksum found.
        found: u16,
        /// The right one; that of RFC 9568 where two forms would have been right.
        expected: u16,
    },
    /// No address (RFC 9568 section 5.2.5, erratum 8299).
    #[error("no address, expected at least 1")]
    CountZero,
    /// An interval of zero (RFC 9568 section 5.2.7, erratum 8301).
    #[error("interval 0, expected at least 1")]
    IntervalZero,
    /// A VRID that is not configured on this interface for this family (RFC 9568 section 7.1).
    #[error("VRID {found} is not configured on this interface")]
    Vrid {
        /// The VRID found, 0 to 255.
        found: u8,
    },
    /// An advert for a VRRPv2 router that owns the addresses (RFC 3768 section 7.1).
    #[error("an advert for addresses that we own, expected none")]
    Owner,
    /// An authentication type that RFC 2338 does not know (`vrrpStatsInvalidAuthType` of RFC 2787).
    #[error("authentication type {found}, expected 0, 1 or 2")]
    AuthTypeInvalid {
        /// The type found.
        found: u8,
    },
    /// An authentication type that is not ours (`vrrpStatsAuthTypeMismatch` of RFC 2787).
    #[error("authentication type {found}, expected {expected}")]
    AuthTypeMismatch {
        /// The type found.
        found: u8,
        /// The type of the instance.
        expected: u8,
    },
    /// A password that is not ours (`vrrpStatsAuthFailures` of RFC 2787).
    #[error("the password is not ours")]
    AuthFailure,
    /// An interval of VRRPv2 that is not ours (RFC 3768 section 7.1).
    #[error("interval {found} s, expected {expected} s")]
    IntervalMismatch {
        /// The interval found.
        found: Interval,
        /// The interval of the instance.
        expected: Interval,
    },
    /// Addresses that are not ours, where the instance insists (RFC 3768 section 7.1).
    #[error("the addresses are not ours")]
    AddressList,
    /// A unicast packet for an instance that multicasts, or the reverse.
    #[error("unicast and multicast do not mix in one instance")]
    Mode,
    /// A unicast packet from somebody who is not a peer of the instance.
    #[error("source is not a listed peer")]
    UnlistedPeer,
    /// A packet for an instance that does not run yet, or has a fault.
    #[error("the instance does not take part")]
    NotReady,
}

/// What is wrong with a datagram before VRRP begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Too short for an IPv4 header, another version of IP, or a header length that cannot be.
    #[error("not an IPv4 header")]
    Header,
    /// A total length that is shorter than the header or longer than what was received.
    #[error("IP total length {found}, received {received} octets")]
    TotalLength {
        /// The total length found.
        found: u16,
        /// The octets received, at most 65535.
        received: u16,
    },
    /// A part of a datagram.
    #[error("a fragment, expected a whole datagram")]
    Fragment,
    /// Another protocol than VRRP; 51 is the IP authentication header.
    #[error("IP protocol {found}, expected 112")]
    Protocol {
        /// The number found.
        found: u8,
    },
    /// Source and destination are of different families.
    #[error("source and destination are of different families")]
    Families,
}

impl Reject {
    /// How many reasons there are.
    pub const COUNT: usize = Reason::COUNT;
    /// All reasons, each at its [`Reject::index`].
    pub const ALL: [Reason; Self::COUNT] = Reason::ALL;

    /// The reason without numbers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Malformed(_) => Reason::Malformed,
            Self::Destination => Reason::Destination,
            Self::OwnSource => Reason::OwnSource,
            Self::Source => Reason::Source,
            Self::Ttl { .. } => Reason::Ttl,
            Self::Version { .. } => Reason::Version,
            Self::Length { .. } => Reason::Length,
            Self::Type { .. } => Reason::Type,
            Self::Checksum { .. } => Reason::Checksum,
            Self::CountZero => Reason::CountZero,
            Self::IntervalZero => Reason::IntervalZero,
            Self::Vrid { .. } => Reason::Vrid,
            Self::Owner => Reason::Owner,
            Self::AuthTypeInvalid { .. } => Reason::AuthTypeInvalid,
            Self::AuthTypeMismatch { .. } => Reason::AuthTypeMismatch,
            Self::AuthFailure => Reason::AuthFailure,
            Self::IntervalMismatch { .. } => Reason::IntervalMismatch,
            Self::AddressList => Reason::AddressList,
            Self::Mode => Reason::Mode,
            Self::UnlistedPeer => Reason::UnlistedPeer,
            Self::NotReady => Reason::NotReady,
        }
    }

    /// The place of the reason in an array of [`Reject::COUNT`] counters.
    pub const fn index(&self) -> usize {
        self.reason().index()
    }

    /// The name of the reason, as it stands in traces and metrics.
    pub const fn name(&self) -> &'static str {
        self.reason().name()
    }

    pub(super) fn length(found: usize, expected: usize) -> Self {
        let short = |len| u16::try_from(len).unwrap_or(u16::MAX);
        Self::Length { found: short(found), expected: short(expected) }
    }
}

/// A range, or the one number in it.
struct Range(u8, u8);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (min, max) if min == max => min.fmt(f),
            (min, max) => write!(f, "{min} to {max}"),
        }
    }
}

/// The version that was expected, in words.
struct Versions(Option<Version>);

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(version) => version.fmt(f),
            None => f.write_str("2 or 3"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_reject_says_what_was_found_and_what_was_expected() {
        let says = |reject: Reject| reject.to_string();
        assert_eq!(says(Reject::Ttl { found: 254, min: 255, max: 255 }), "TTL 254, expected 255");
        assert_eq!(says(Reject::Ttl { found: 3, min: 60, max: 62 }), "TTL 3, expected 60 to 62");
        assert_eq!(says(Reject::Version { found: 4, expected: None }), "version 4, expected 2 or 3");
        assert_eq!(says(Reject::Version { found: 2, expected: Some(Version::V3) }), "version 2, expected 3");
        assert_eq!(says(Reject::length(70_000, 12)), "65535 octets, expected 12");
        assert_eq!(says(Reject::Checksum { found: 1, expected: 0xabcd }), "checksum 0x0001, expected 0xabcd");
        assert_eq!(says(Malformed::Protocol { found: 51 }.into()), "IP protocol 51, expected 112");
    }
}
