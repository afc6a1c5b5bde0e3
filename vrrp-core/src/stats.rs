//! Counters, one per object of the VRRP MIBs (RFC 2787, RFC 6527) and per reason to drop a packet.

use crate::wire::{Reason, Reject};

/// The counters of one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Adverts that were accepted.
    pub adverts_received: u64,
    /// Adverts that were handed over to be sent, one per destination.
    pub adverts_sent: u64,
    /// Times that the instance became MASTER.
    pub became_master: u64,
    /// Times that it left MASTER.
    pub released_master: u64,
    /// Accepted adverts with priority 0.
    pub priority_zero_received: u64,
    /// Adverts with priority 0 that were handed over to be sent, one per destination.
    pub priority_zero_sent: u64,
    /// Accepted VRRPv3 adverts whose interval differs from ours.
    pub interval_mismatches: u64,
    /// Accepted adverts whose address list differs from ours.
    pub address_list_mismatches: u64,
    /// Accepted IPv6 adverts whose first address is not link-local (RFC 9568 section 5.2.9, erratum 8300).
    pub link_local_not_first: u64,
    /// Accepted VRRPv3/IPv4 adverts whose checksum covers the message only (RFC 9568).
    pub checksum_message_only: u64,
    /// Accepted VRRPv3/IPv4 adverts whose checksum covers a pseudo-header (RFC 5798).
    pub checksum_pseudo_header: u64,
    /// Dropped packets by reason.
    pub rejected: Rejects,
}

/// The counters of a router: what was dropped before an instance was found for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouterStats {
    /// Packets handed in.
    pub packets: u64,
    /// Dropped packets by reason.
    pub rejected: Rejects,
    /// Events that nobody took in time.
    pub events_lost: u64,
}

/// Dropped packets by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejects([u64; Reason::COUNT]);

impl Rejects {
    /// How many packets were dropped for a reason.
    pub fn get(&self, reason: Reason) -> u64 {
        self.0.get(reason.index()).copied().unwrap_or(0)
    }

    /// How many packets were dropped.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn count(&mut self, reject: Reject) {
        if let Some(counter) = self.0.get_mut(reject.index()) {
            *counter = counter.wrapping_add(1);
        }
    }
}

impl Default for Rejects {
    fn default() -> Self {
        Self([0; Reason::COUNT])
    }
}

/// A map from the name of each reason to its counter.
#[cfg(feature = "serde")]
impl serde::Serialize for Rejects {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Reason::ALL.into_iter().map(|reason| (reason.name(), self.get(reason))))
    }
}
