//! The earliest of many deadlines, in a tournament tree.
//!
//! A tree rather than a heap: moving one deadline touches only its ancestors, stops at the first one that
//! does not change, and needs no position table. Four children a node, because an advert that keeps a timer
//! from firing usually moves the earliest one of all, and half the levels are half the way up.
//! Memory is taken when the number of timers is set.

use alloc::vec;
use alloc::vec::Vec;

use crate::time::Time;

const WIDTH: usize = 4;
const NONE: u64 = Time::MAX.as_nanos();

/// One deadline for each of a fixed number of owners; [`Time::MAX`] stands for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// A complete tree of nanoseconds: the children of group `g` are the groups from `4 g + 1` on, and each
    /// slot holds the earliest deadline below it.
    groups: Vec<[u64; WIDTH]>,
    /// The first group whose slots are the owners' own.
    leaves: usize,
}

impl Deadlines {
    /// Makes room for `owners` deadlines, none of them set.
    pub(crate) fn new(owners: usize) -> Self {
        let (mut leaves, mut width) = (0, 1);
        while width * WIDTH < owners {
            leaves += width;
            width *= WIDTH;
        }
        Self { groups: vec![[NONE; WIDTH]; leaves + width], leaves }
    }

    /// Sets the deadline of one owner.
    pub(crate) fn set(&mut self, owner: usize, at: Option<Time>) {
        let mut value = at.unwrap_or(Time::MAX).as_nanos();
        let (mut group, mut slot) = (self.leaves + owner / WIDTH, owner % WIDTH);
        while let Some(times) = self.groups.get_mut(group) {
            match times.get_mut(slot) {
                Some(time) if *time != value => *time = value,
                Some(_) | None => return,
            }
            if group == 0 {
                return;
            }
            value = earliest_of(times);
            (group, slot) = ((group - 1) / WIDTH, (group - 1) % WIDTH);
        }
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Time> {
        self.groups.first().map(earliest_of).filter(|at| *at != NONE).map(Time::from_nanos)
    }

    /// The owner of the earliest deadline, if that is not after `now`.
    pub(crate) fn due(&self, now: Time) -> Option<usize> {
        let earliest = self.earliest().filter(|at| *at <= now)?.as_nanos();
        let mut at = 0;
        loop {
            let slot = self.groups.get(at)?.iter().position(|time| *time == earliest)?;
            if at >= self.leaves {
                return Some((at - self.leaves) * WIDTH + slot);
            }
            at = at * WIDTH + 1 + slot;
        }
    }
}

fn earliest_of(group: &[u64; WIDTH]) -> u64 {
    let [a, b, c, d] = *group;
    a.min(b).min(c.min(d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_owner_has_no_deadline() {
        assert_eq!(Deadlines::default().earliest(), None);
        assert_eq!(Deadlines::new(0).due(Time::MAX), None);
        let mut empty = Deadlines::default();
        empty.set(3, Some(Time::ZERO));
        assert_eq!(empty.earliest(), None);
    }

    proptest! {
        #[test]
        fn the_tree_agrees_with_a_scan(sets in proptest::collection::vec((0_usize..77, proptest::option::of(0_u64..50)), 0..200)) {
            let mut tree = Deadlines::new(77);
            let mut list = [None; 77];
            for (owner, nanos) in sets {
                let at = nanos.map(Time::from_nanos);
                tree.set(owner, at);
                list[owner] = at;
                let earliest = list.iter().flatten().min().copied();
                prop_assert_eq!(tree.earliest(), earliest);
                if let Some(at) = earliest {
                    prop_assert_eq!(list[tree.due(at).unwrap()], Some(at));
                    prop_assert_eq!(tree.due(at.saturating_sub(core::time::Duration::from_nanos(1))).filter(|_| at > Time::ZERO), None);
                }
            }
        }
    }
}
