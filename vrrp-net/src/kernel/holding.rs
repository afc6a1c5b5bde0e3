//! What an instance wants the kernel to hold, and what it holds: one slot for each direction, newest wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vrrp_core::Vip;

/// The addresses of one instance, shared by the packet thread, which wishes, and the kernel thread, which reports.
///
/// Each field is written by one of them alone and read by the other at any time: nobody waits, and whoever looks late
/// sees the newest value and how many it missed.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) name: Arc<str>,
    /// In the order of the configuration: advertised, then excluded.
    pub(crate) vips: Box<[Vip]>,
    /// Whether the instance owns its addresses (priority 255): what the host had before us stays.
    pub(crate) owner: bool,
    /// Whether the host answers on its addresses while it does not own them (`accept`).
    pub(crate) accept: bool,
    /// Packet thread: number of the wish * 2 + whether the addresses are wanted.
    wish: AtomicU64,
    /// Packet thread: how often somebody was seen taking an address away.
    losses: AtomicU64,
    /// Kernel thread: number of the report << 32 | number of the wish it answers (31 bits) * 2 + whether all are held.
    report: AtomicU64,
    /// Kernel thread: one bit for each address that the kernel holds.
    held: Box<[AtomicU64]>,
}

/// A wish, with the number that a report answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) number: u64,
    pub(crate) wanted: bool,
}

/// What the kernel thread last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Counts reports, so that two that say the same are two.
    pub(crate) number: u32,
    /// The lower 31 bits of the number of the wish that it answers.
    wish: u32,
    /// Whether nothing is missing of what is wanted, or nothing left of what is not.
    pub(crate) complete: bool,
}

impl Report {
    pub(crate) fn answers(&self, wish: Wish) -> bool {
        u64::from(self.wish) == wish.number & WISH_BITS
    }
}

const WISH_BITS: u64 = (1 << 31) - 1;

impl Holding {
    pub(crate) fn new(name: Arc<str>, vips: Box<[Vip]>, owner: bool, accept: bool) -> Self {
        let words = vips.len().div_ceil(64);
        Self {
            name,
            vips,
            owner,
            accept,
            wish: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            report: AtomicU64::new(0),
            held: std::iter::repeat_with(|| AtomicU64::new(0)).take(words).collect(),
        }
    }

    /// Whether another one asks for the same, so that what the kernel holds for one is right for the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.vips == other.vips && self.owner == other.owner && self.accept == other.accept
    }

    pub(crate) fn wish(&self) -> Wish {
        let word = self.wish.load(Ordering::Acquire);
        Wish { number: word >> 1, wanted: word & 1 == 1 }
    }

    /// Packet thread: replaces the wish.
    pub(crate) fn set_wish(&self, wanted: bool) {
        let number = self.wish().number + 1;
        self.wish.store(number << 1 | u64::from(wanted), Ordering::Release);
    }

    pub(crate) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    /// Packet thread: somebody took an address away.
    pub(crate) fn count_loss(&self) {
        self.losses.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn report(&self) -> Report {
        let word = self.report.load(Ordering::Acquire);
        Report {
            number: (word >> 32) as u32,
            wish: ((word >> 1) & WISH_BITS) as u32,
            complete: word & 1 == 1,
        }
    }

    /// Kernel thread: answers a wish.
    pub(crate) fn set_report(&self, wish: Wish, complete: bool) {
        let number = u64::from(self.report().number.wrapping_add(1));
        let word = number << 32 | (wish.number & WISH_BITS) << 1 | u64::from(complete);
        self.report.store(word, Ordering::Release);
    }

    pub(crate) fn holds(&self, place: usize) -> bool {
        let word = self.held.get(place / 64).map_or(0, |word| word.load(Ordering::Acquire));
        word >> (place % 64) & 1 == 1
    }

    /// Kernel thread: says whether the kernel holds an address.
    pub(crate) fn set_held(&self, place: usize, held: bool) {
        let Some(word) = self.held.get(place / 64) else { return };
        let bit = 1 << (place % 64);
        match held {
            true => word.fetch_or(bit, Ordering::AcqRel),
            false => word.fetch_and(!bit, Ordering::AcqRel),
        };
    }

    /// How many addresses the kernel holds.
    pub(crate) fn count_held(&self) -> usize {
        self.held.iter().map(|word| word.load(Ordering::Acquire).count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vrrp_core::InterfaceId;

    fn holding(addresses: u8) -> Holding {
        let vip = |last| Vip::new([192, 0, 2, last].into(), 32, InterfaceId(0));
        Holding::new("VI_1".into(), (0..addresses).map(vip).collect(), false, true)
    }

    #[test]
    fn the_newest_wish_is_seen_with_its_number() {
        let holding = holding(1);
        holding.set_wish(true);
        holding.set_wish(false);
        holding.set_wish(true);
        assert_eq!(holding.wish(), Wish { number: 3, wanted: true });
    }

    #[test]
    fn a_report_answers_one_wish_and_two_that_say_the_same_are_two() {
        let holding = holding(1);
        holding.set_wish(true);
        let wish = holding.wish();
        holding.set_report(wish, true);
        let first = holding.report();
        assert!(first.complete && first.answers(wish));
        holding.set_report(wish, true);
        assert_ne!(holding.report(), first);
        holding.set_wish(false);
        assert!(!holding.report().answers(holding.wish()));
    }

    #[test]
    fn each_address_has_its_bit() {
        let holding = holding(130);
        for place in [0, 63, 64, 129] {
            holding.set_held(place, true);
        }
        assert!(holding.holds(64) && !holding.holds(65) && holding.holds(129));
        holding.set_held(64, false);
        holding.set_held(1000, true);
        assert_eq!(holding.count_held(), 3);
        assert!(!holding.holds(1000));
    }
}
