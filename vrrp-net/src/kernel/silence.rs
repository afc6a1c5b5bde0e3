//! Addresses that must not answer: blocked before they are added, unblocked after they are removed.

use super::Kernel;
use super::carry::Work;
use crate::nftables::Desired;

impl Kernel {
    /// Has the packet filter block the addresses of every instance without accept mode that has them or is about to. An
    /// instance whose addresses cannot be blocked gets them all the same, and a person is told that they answer.
    pub(super) fn silence(&mut self) {
        let silent = self.works.iter().filter(|work| !work.holding().accept && work.may_hold());
        let desired: Desired = silent
            .flat_map(|work| &work.holding().vips)
            .filter_map(|vip| Some((vip.address, self.index_of(vip.interface)?)))
            .collect();
        if let Err(error) = self.filter.apply(&desired) {
            self.complain(None, error.to_string());
        }
    }

    /// Whether an instance without accept mode has something to do.
    pub(super) fn has_silent_work(&self) -> bool {
        self.works.iter().any(|work| !work.holding().accept && work.has_news())
    }
}

impl Work {
    /// Whether an address of it may be on its interface, now or after the next step.
    fn may_hold(&self) -> bool {
        self.wants() || self.is_removing()
    }
}
