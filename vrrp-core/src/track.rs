//! A tracker at run time: its verdict, and for a check its schedule.

use core::time::Duration;

use crate::action::TrackerId;
use crate::config::{ScriptConfig, TrackerConfig, TrackerKind};
use crate::event::TrackerEvent;
use crate::input::CheckOutcome;
use crate::time::Time;

/// A run that was asked to end gets this long before it is killed, as in keepalived.
const KILL_AFTER: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracker {
    pub(crate) id: TrackerId,
    pub(crate) config: TrackerConfig,
    /// None until the first result.
    pub(crate) up: Option<bool>,
    /// Consecutive results: rises to `rise + fall - 1`, the verdict changes at `rise`.
    count: u32,
    last: Option<CheckOutcome>,
    run: Run,
    pub(crate) asks: Asks,
}

/// Where a check is between two starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// Nothing runs.
    Idle { start_at: Option<Time> },
    /// A run is under way.
    Running { next_at: Time, stop_at: Time },
    /// A run took too long and was told to end; its result does not matter any more.
    Stopping { next_at: Time, kill_at: Time },
}

/// What is still to be asked of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asks {
    pub(crate) queued: bool,
    pub(crate) run: bool,
    pub(crate) stop: Option<Stop>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Terminate,
    Kill,
}

impl Tracker {
    pub(crate) fn new(id: TrackerId, config: TrackerConfig) -> Self {
        let up = match &config.kind {
            TrackerKind::Script(script) if script.init_fail => Some(false),
            TrackerKind::External | TrackerKind::Interface(_) | TrackerKind::Script(_) => None,
        };
        let run = Run::Idle { start_at: None };
        Self { id, config, up, count: 0, last: None, run, asks: Asks::default() }
    }

    /// Takes over what a tracker of the same name knew before a reconfiguration.
    pub(crate) fn inherit(&mut self, old: &Self, now: Time) {
        self.id = old.id;
        self.run = self.rescheduled(old.run, now);
        self.asks = Asks { queued: false, ..old.asks };
        self.last = old.last;
        self.up = old.up;
        self.count = match (&self.config.kind, &old.config.kind) {
            (TrackerKind::Script(new), TrackerKind::Script(was))
                if new.rise == was.rise && new.fall == was.fall =>
            {
                old.count
            }
            (TrackerKind::Script(new), _) => settled_count(new, old.up == Some(true)),
            (TrackerKind::External | TrackerKind::Interface(_), _) => 0,
        };
    }

    /// The run of the tracker before: a shorter interval or timeout counts from now on.
    fn rescheduled(&self, run: Run, now: Time) -> Run {
        let TrackerKind::Script(script) = &self.config.kind else { return run };
        let latest = now + script.interval;
        match run {
            Run::Idle { start_at } => Run::Idle { start_at: start_at.map(|at| at.min(latest)) },
            Run::Running { next_at, stop_at } => {
                Run::Running { next_at: next_at.min(latest), stop_at: stop_at.min(now + script.timeout) }
            }
            Run::Stopping { next_at, kill_at } => Run::Stopping { next_at: next_at.min(latest), kill_at },
        }
    }

    /// Whether a tracker of the same name and kind may pass its verdict on to this one.
    pub(crate) fn is_same(&self, old: &Self) -> bool {
        self.config.name == old.config.name
            && match (&self.config.kind, &old.config.kind) {
                (TrackerKind::Interface(new), TrackerKind::Interface(was)) => new == was,
                (new, was) => core::mem::discriminant(new) == core::mem::discriminant(was),
            }
    }

    /// Schedules the first run of a check, unless one is scheduled or under way.
    pub(crate) fn start(&mut self, now: Time) {
        if let (TrackerKind::Script(_), Run::Idle { start_at: None }) = (&self.config.kind, self.run) {
            self.run = Run::Idle { start_at: Some(now) };
        }
    }

    /// Starts nothing any more, and asks a run under way to end.
    pub(crate) fn stop(&mut self) {
        if let Run::Running { .. } | Run::Stopping { .. } = self.run {
            self.asks.stop = Some(Stop::Terminate);
        }
        self.asks.run = false;
        self.run = Run::Idle { start_at: None };
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.run {
            Run::Idle { start_at } => start_at,
            Run::Running { next_at, stop_at } => Some(next_at.min(stop_at)),
            Run::Stopping { next_at, kill_at } => Some(next_at.min(kill_at)),
        }
    }

    /// Fires what is due; tells at most one event.
    pub(crate) fn tick(&mut self, now: Time) -> Option<TrackerEvent> {
        let TrackerKind::Script(script) = &self.config.kind else { return None };
        match self.run {
            Run::Idle { start_at: Some(start_at) } if start_at <= now => {
                self.asks.run = true;
                let next_at = after(start_at, script.interval, now);
                self.run = Run::Running { next_at, stop_at: now + script.timeout };
                None
            }
            Run::Running { next_at, stop_at } if stop_at <= now => {
                self.asks.stop = Some(Stop::Terminate);
                self.run = Run::Stopping { next_at, kill_at: now + KILL_AFTER };
                Some(TrackerEvent::TimedOut)
            }
            Run::Running { next_at, stop_at } if next_at <= now => {
                self.run = Run::Running { next_at: after(next_at, script.interval, now), stop_at };
                Some(TrackerEvent::StillRunning)
            }
            Run::Stopping { next_at, kill_at } if kill_at <= now => {
                self.asks.stop = Some(Stop::Kill);
                self.run = Run::Stopping { next_at, kill_at: now + KILL_AFTER };
                None
            }
            Run::Stopping { next_at, kill_at } if next_at <= now => {
                self.run = Run::Stopping { next_at: after(next_at, script.interval, now), kill_at };
                Some(TrackerEvent::StillRunning)
            }
            Run::Idle { .. } | Run::Running { .. } | Run::Stopping { .. } => None,
        }
    }

    /// A run ended. Returns whether its result counts: one that was stopped for taking too long has counted
    /// as a failure already.
    pub(crate) fn ended(&mut self, now: Time) -> bool {
        match self.run {
            Run::Running { next_at, .. } => {
                self.run = Run::Idle { start_at: Some(next_at.max(now)) };
                true
            }
            Run::Stopping { next_at, .. } => {
                self.asks.stop = None;
                self.run = Run::Idle { start_at: Some(next_at.max(now)) };
                false
            }
            Run::Idle { .. } => false,
        }
    }

    /// Remembers an outcome; tells whether it differs from the one before.
    pub(crate) fn remember(&mut self, outcome: CheckOutcome) -> bool {
        let before = self.last.replace(outcome);
        before.is_some_and(|before| before != outcome)
    }

    pub(crate) const fn last(&self) -> Option<CheckOutcome> {
        self.last
    }

    /// Counts a success or failure; tells whether the verdict changed. The first result is a verdict by
    /// itself; later ones need `rise` or `fall` in a row.
    pub(crate) fn count(&mut self, success: bool) -> bool {
        let before = self.up;
        let after = match &self.config.kind {
            TrackerKind::Script(script) => {
                self.count = match before {
                    None => settled_count(script, success),
                    Some(_) => next_count(script, self.count, success),
                };
                self.count >= script.rise
            }
            TrackerKind::External | TrackerKind::Interface(_) => success,
        };
        self.up = Some(after);
        before != Some(after)
    }
}

fn settled_count(script: &ScriptConfig, up: bool) -> u32 {
    if up { script.rise.saturating_add(script.fall) - 1 } else { 0 }
}

/// keepalived's counter: a success below the threshold counts up, one at it settles at the top; failures
/// mirror that, so only results in a row change a verdict.
fn next_count(script: &ScriptConfig, count: u32, success: bool) -> u32 {
    let threshold = script.rise.saturating_sub(1);
    match success {
        true if count < threshold => count + 1,
        true => settled_count(script, true),
        false if count > script.rise => count - 1,
        false => 0,
    }
}

/// The next point of a schedule after `at`, never in the past.
fn after(at: Time, interval: Duration, now: Time) -> Time {
    let next = at + interval;
    if next <= now { now + interval } else { next }
}
