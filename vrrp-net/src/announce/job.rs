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
    repeat: u8,
    /// How many addresses may still be named when they are announced.
    named: usize,
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
            round: if in_round == 0 { 0 } else { announce.repeat },
            in_round,
            repeat: announce.repeat,
            named: NAMED,
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

    /// Takes the next announcement, and says whether it is to be named when it leaves: the first one of each of the
    /// first addresses.
    pub(super) fn take<'h>(&mut self, holding: &'h Holding) -> Option<(&'h Vip, bool)> {
        let place = self.find(holding)?;
        let mut named = false;
        if let Some(left) = self.left.get_mut(place) {
            named = *left == self.repeat && self.named > 0;
            *left -= 1;
        }
        self.named -= usize::from(named);
        self.place = place + 1;
        self.in_round -= 1;
        if self.in_round == 0 {
            self.round -= 1;
            self.place = 0;
            self.in_round = self.left.iter().filter(|left| **left > 0).count();
        }
        holding.vips.get(place).map(|vip| (vip, named))
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

/// Addresses of one job that are named: a thousand would drown everything else that is told.
pub(crate) const NAMED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use vrrp_core::InstanceId;

    #[test]
    fn all_are_announced_once_then_all_again() {
        let (holding, mut job) = job(3, 2);
        (0..3).for_each(|place| holding.set_held(place, true));
        assert_eq!(take_all(&mut job, &holding), [0, 1, 2, 0, 1, 2]);
        assert!(job.is_over());
    }

    #[test]
    fn what_is_held_goes_at_once_and_repeats_wait_for_the_rest() {
        let (holding, mut job) = job(3, 2);
        assert_eq!(take_all(&mut job, &holding), [] as [u8; 0]);
        holding.set_held(1, true);
        assert_eq!(take_all(&mut job, &holding), [1]);
        (0..3).for_each(|place| holding.set_held(place, true));
        assert_eq!(take_all(&mut job, &holding), [2, 0, 0, 1, 2]);
    }

    #[test]
    fn only_the_named_addresses_are_announced() {
        let (holding, _) = job(3, 1);
        (0..3).for_each(|place| holding.set_held(place, true));
        let some = [holding.vips[2]];
        let mut job = Job::new(&announce(&some, 2), &holding);
        assert_eq!(take_all(&mut job, &holding), [2, 2]);
    }

    #[test]
    fn nothing_to_announce_is_over_at_once() {
        let (holding, job) = job(0, 5);
        assert!(job.next(&holding).is_none() && job.is_over());
        assert!(Job::new(&announce(&[], 0), &holding).is_over());
    }

    fn job(addresses: u8, repeat: u8) -> (Holding, Job) {
        let vip = |last| Vip::new([192, 0, 2, last].into(), 32, InterfaceId(0));
        let vips: Box<[Vip]> = (0..addresses).map(vip).collect();
        let holding = Holding::new("VI_1".into(), vips.clone(), false, true);
        let job = Job::new(&announce(&vips, repeat), &holding);
        (holding, job)
    }

    fn announce(addresses: &[Vip], repeat: u8) -> Announce<'_> {
        let (garp_interval, gna_interval) = (Duration::ZERO, Duration::ZERO);
        Announce { instance: InstanceId::from_number(0), addresses, repeat, garp_interval, gna_interval }
    }

    fn take_all(job: &mut Job, holding: &Holding) -> Vec<u8> {
        std::iter::from_fn(|| job.take(holding))
            .map(|(vip, _)| match vip.address {
                std::net::IpAddr::V4(address) => address.octets()[3],
                std::net::IpAddr::V6(_) => u8::MAX,
            })
            .collect()
    }
}
