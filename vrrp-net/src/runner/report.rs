//! What a runner tells.

use vrrp_core::{CheckOutcome, TrackerId};

/// Something that happened to a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// A run of a check is over: the router is to hear it as [`vrrp_core::Input::CheckEnded`].
    CheckEnded {
        /// Which check.
        tracker: TrackerId,
        /// Its name.
        name: String,
        /// How it ended.
        outcome: CheckOutcome,
        /// The beginning of what it wrote, or why it could not be started; empty if it succeeded.
        words: String,
    },
    /// A notify is over.
    NotifyEnded {
        /// Whose notify it was: the name of the instance or group.
        name: String,
        /// What was run.
        command: String,
        /// How it ended.
        outcome: CheckOutcome,
        /// The beginning of what it wrote, or why it could not be started; empty if it succeeded.
        words: String,
    },
    /// A notify was told to end: others wait behind it.
    NotifyStopped {
        /// Whose notify it was.
        name: String,
        /// What was run.
        command: String,
        /// How long it had run.
        after: std::time::Duration,
    },
    /// A notify was never run: too many waited already.
    NotifyDropped {
        /// Whose notify it was.
        name: String,
        /// What was to be run.
        command: String,
    },
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // it was taken or it was not
pub enum Told {
    /// It was taken.
    Taken,
    /// Nobody could take it now: the runner tells it again a moment later, after those that can be told.
    Later(Report),
}

impl From<()> for Told {
    fn from((): ()) -> Self {
        Self::Taken
    }
}
