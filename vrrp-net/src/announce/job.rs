//! What is still to be announced for one instance.

use std::time::Duration;

use vrrp_core::{Announce, InstanceId, InterfaceId, Vip};

use crate::kernel::holding::Holding;

/// Announcements of one instance's addresses: all of them once, then all of them again.
///
/// While the kernel still takes addresses on, each is announced once as soon as it is held; the repeats begin when the
/// kernel has said that it is done.
#[derive(Debug)]
pub(crate) struct Job {
    instance: InstanceId,
    garp_gap: Duration,
    gna_gap: Duration,
    /// For each address, by its place in the holding: how often it is still to be announced.
    left: Vec<u8>,
    /// The place that the present round goes on from.
    place: usize,
    /// How many announcements an address has left before its turn in this round; counts down round by round.
    round: u8,
    /// How many addresses are left in this round.
    in_round: usize,
}

impl Job {
    /// A job for the addresses that are named, which are all addresses of the holding or some.
    pub(crate) fn new(announce: &Announce<'_>, holding: &Holding) -> Self {
        let mut left = vec![0; holding.vips.len()];
        let all = announce.addresses.len() == holding.vips.len();
        for (left, vip) in left.iter_mut().zip(&holding.vips) {
            if all || announce.addresses.contains(vip) {
                *left = announce.repeat;
            }
        }
        let in_round = left.iter().filter(|left| **left > 0).count();
        Self {
            instance: announce.instance,
            garp_gap: announce.garp_interval,
            gna_gap: announce.gna_interval,
            left,
            place: 0,
            round: announce.repeat,
            in_round,
        }
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    /// From one announcement to the next on an interface.
    pub(super) fn gap(&self, ipv6: bool) -> Duration {
        if ipv6 { self.gna_gap } else { self.garp_gap }
    }

    pub(super) fn end(&mut self) {
        self.round = 0;
    }

    pub(super) fn is_over(&self) -> bool {
        self.round == 0
    }

    /// Where the next announcement goes: an interface, and whether it is IPv6. None when there is none, or none whose
    /// address the kernel holds.
    pub(super) fn next(&self, holding: &Holding) -> Option<(InterfaceId, bool)> {
        let vip = holding.vips.get(self.find(holding)?)?;
        Some((vip.interface, vip.address.is_ipv6()))
    }

    /// Takes the next announcement.
    pub(super) fn take<'h>(&mut self, holding: &'h Holding) -> Option<&'h Vip> {
        let place = self.find(holding)?;
        if let Some(left) = self.left.get_mut(place) {
            *left -= 1;
        }
        self.place = place + 1;
        self.in_round -= 1;
        if self.in_round == 0 {
            self.round -= 1;
            self.place = 0;
            self.in_round = self.left.iter().filter(|left| **left > 0).count();
        }
        holding.vips.get(place)
    }

    /// The place of the next address of this round that is held: behind the last one, or before it if it was held late.
    fn find(&self, holding: &Holding) -> Option<usize> {
        if self.round == 0 {
            return None;
        }
        let due = |place: &usize| {
            self.left.get(*place).is_some_and(|left| *left == self.round) && holding.holds(*place)
        };
        let places = self.place..self.left.len();
        places.chain(0..self.place).find(due)
    }
}
