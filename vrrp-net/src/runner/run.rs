//! A process and what it is for.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use vrrp_core::TrackerId;

use super::child::Child;
use super::notify::Key;

/// A process and what it is for.
pub(super) struct Run {
    pub(super) child: Child,
    pub(super) purpose: Purpose,
    pub(super) started: Instant,
    /// It was told to end; when to kill it.
    pub(super) stopping: Option<Instant>,
}

#[derive(Clone)]
pub(super) enum Purpose {
    Check {
        tracker: TrackerId,
        name: Box<str>,
    },
    Notify {
        key: Key,
        command: String,
        /// It belongs to the end of the daemon.
        is_last: bool,
    },
}

/// From SIGTERM to SIGKILL, as keepalived has it.
const KILL_AFTER: Duration = Duration::from_secs(2);

impl Run {
    pub(super) fn is_check(&self) -> bool {
        matches!(self.purpose, Purpose::Check { .. })
    }

    pub(super) fn is_check_of(&self, wanted: TrackerId) -> bool {
        matches!(self.purpose, Purpose::Check { tracker, .. } if tracker == wanted)
    }

    /// Asks it to end, once.
    pub(super) fn stop(&mut self, now: Instant) {
        if self.stopping.is_none() {
            self.child.signal(Signal::SIGTERM);
            self.stopping = Some(now + KILL_AFTER);
        }
    }

    /// Ends it.
    pub(super) fn kill(&mut self, now: Instant) {
        self.child.signal(Signal::SIGKILL);
        self.stopping = Some(now + KILL_AFTER);
    }
}
