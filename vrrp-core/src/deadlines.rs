//! The earliest of many deadlines, in a tournament tree.
//!
//! A tree rather than a heap: moving one deadline touches only its ancestors, stops at the first one that
//! does not change, and needs no position table. Memory is taken when the number of timers is set.

use alloc::vec;
use alloc::vec::Vec;

use crate::time::Time;

/// One deadline for each of a fixed number of owners; [`Time::MAX`] stands for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// A complete binary tree: node 1 is the root, the leaves are the second half.
    nodes: Vec<Time>,
}

impl Deadlines {
    /// Makes room for `owners` deadlines, none of them set.
    pub(crate) fn new(owners: usize) -> Self {
        Self { nodes: vec![Time::MAX; owners.next_power_of_two().saturating_mul(2)] }
    }

    /// Sets the deadline of one owner.
    pub(crate) fn set(&mut self, owner: usize, at: Option<Time>) {
        let mut node = self.leaves() + owner;
        let mut value = at.unwrap_or(Time::MAX);
        while let Some(slot) = self.nodes.get_mut(node).filter(|slot| **slot != value) {
            *slot = value;
            if node <= 1 {
                return;
            }
            let sibling = self.nodes.get(node ^ 1).copied().unwrap_or(Time::MAX);
            value = value.min(sibling);
            node /= 2;
        }
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Time> {
        self.nodes.get(1).copied().filter(|at| *at != Time::MAX)
    }

    /// The owner of the earliest deadline, if that is not after `now`.
    pub(crate) fn due(&self, now: Time) -> Option<usize> {
        let earliest = self.earliest().filter(|at| *at <= now)?;
        let mut node = 1;
        while node < self.leaves() {
            let left = node * 2;
            node = if self.nodes.get(left) == Some(&earliest) { left } else { left + 1 };
        }
        Some(node - self.leaves())
    }

    fn leaves(&self) -> usize {
        self.nodes.len() / 2
    }
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
        fn the_tree_agrees_with_a_scan(sets in proptest::collection::vec((0_usize..13, proptest::option::of(0_u64..50)), 0..200)) {
            let mut tree = Deadlines::new(13);
            let mut list = [None; 13];
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
