//! Who has something to ask, and what is to be told: both bounded, both taken by [`super::Actions`].

use alloc::collections::VecDeque;
use core::net::IpAddr;
use core::time::Duration;

use crate::action::{GroupId, InstanceId, State, TrackerId};
use crate::event::{InstanceEvent, TrackerEvent};
use crate::wire::Reject;

/// Somebody with pending wishes, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Instance(usize),
    RetiredInstance(usize),
    Tracker(usize),
    RetiredTracker(usize),
    Group(usize),
}

/// An event without the name of whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Instance(InstanceId, InstanceEvent),
    Group(GroupId, State),
    Tracker(TrackerId, TrackerEvent),
    Rejected(Option<IpAddr>, Reject),
    StartupDelay(Duration),
    Lost(u64),
}

/// Events in the order in which they happened; what does not fit is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    ring: VecDeque<Told>,
    limit: usize,
    lost: u64,
    /// Whether the loss was told since the last one.
    lost_told: bool,
}

impl Events {
    /// Room for `limit` events.
    pub(super) fn grow(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
        self.ring.reserve(self.limit.saturating_sub(self.ring.len()));
    }

    pub(super) fn push(&mut self, event: Told) {
        if self.ring.len() >= self.limit {
            self.lost += 1;
            self.lost_told = false;
            return;
        }
        self.ring.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Told> {
        let event = self.ring.pop_front();
        if event.is_none() && self.lost > 0 && !self.lost_told {
            self.lost_told = true;
            return Some(Told::Lost(self.lost));
        }
        event
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty() && (self.lost == 0 || self.lost_told)
    }

    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }
}
