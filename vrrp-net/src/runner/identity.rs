//! Who a script runs as.

use nix::unistd::{Gid, Uid};

use crate::sys;

/// A user and groups by number: nothing is asked of a directory service while a failover is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    user: u32,
    group: u32,
    groups: Vec<u32>,
}

impl Identity {
    /// A user, its group, and all groups that it is in; without any it is in the first alone.
    pub fn new(user: u32, group: u32, groups: Vec<u32>) -> Self {
        let groups = if groups.is_empty() { vec![group] } else { groups };
        Self { user, group, groups }
    }

    /// Whether this is who we are already, so that a child is nobody else by itself.
    pub(super) fn is_ours(&self) -> bool {
        self.user == Uid::effective().as_raw()
            && self.group == Gid::effective().as_raw()
            && self.groups == [self.group]
    }

    pub(super) fn raw(&self) -> sys::Identity {
        sys::Identity { user: self.user, group: self.group, groups: self.groups.clone() }
    }
}
