//! The names under which dropped packets are counted.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// The reason of a [`Reject`](super::Reject) without numbers: what is counted, and what traces and metrics say.
///
/// `Display` and `FromStr` are each other's inverse. The order is that in which the rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
#[allow(missing_docs)] // each is the variant of `Reject` that has its name
pub enum Reason {
    Malformed,
    Destination,
    OwnSource,
    Source,
    Ttl,
    Version,
    Length,
    Type,
    Checksum,
    CountZero,
    IntervalZero,
    Vrid,
    Owner,
    AuthTypeInvalid,
    AuthTypeMismatch,
    AuthFailure,
    IntervalMismatch,
    AddressList,
    Mode,
    UnlistedPeer,
    NotReady,
}

impl Reason {
    /// How many reasons there are.
    pub const COUNT: usize = 21;
    /// All reasons, each at its [`Reason::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Malformed,
        Self::Destination,
        Self::OwnSource,
        Self::Source,
        Self::Ttl,
        Self::Version,
        Self::Length,
        Self::Type,
        Self::Checksum,
        Self::CountZero,
        Self::IntervalZero,
        Self::Vrid,
        Self::Owner,
        Self::AuthTypeInvalid,
        Self::AuthTypeMismatch,
        Self::AuthFailure,
        Self::IntervalMismatch,
        Self::AddressList,
        Self::Mode,
        Self::UnlistedPeer,
        Self::NotReady,
    ];

    /// The place in an array of [`Reason::COUNT`] counters.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name, as it stands in traces and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Destination => "destination",
            Self::OwnSource => "own-source",
            Self::Source => "source",
            Self::Ttl => "ttl",
            Self::Version => "version",
            Self::Length => "length",
            Self::Type => "type",
            Self::Checksum => "checksum",
            Self::CountZero => "count-zero",
            Self::IntervalZero => "interval-zero",
            Self::Vrid => "vrid",
            Self::Owner => "owner",
            Self::AuthTypeInvalid => "auth-type-invalid",
            Self::AuthTypeMismatch => "auth-type-mismatch",
            Self::AuthFailure => "auth-failure",
            Self::IntervalMismatch => "interval-mismatch",
            Self::AddressList => "address-list",
            Self::Mode => "mode",
            Self::UnlistedPeer => "unlisted-peer",
            Self::NotReady => "not-ready",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no such reason to drop a packet, expected one like ttl or checksum")]
#[allow(clippy::exhaustive_structs)] // there is nothing more to say
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        Self::ALL.into_iter().find(|reason| reason.name() == name).ok_or(UnknownReason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_reason_stands_at_its_index_and_is_read_back_from_its_name() {
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), at);
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
        assert_eq!("no-such-thing".parse::<Reason>(), Err(UnknownReason));
    }
}
