//! Telling a runner what to do, from any thread and without waiting.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use mio::Waker;
use vrrp_core::{Notification, Notify, Subject, TrackerId};

use super::command::Commands;

/// Tells a [`super::Runner`] what to do.
#[derive(Clone, Debug)]
pub struct RunnerHandle {
    orders: SyncSender<Order>,
    waker: Arc<Waker>,
}

/// The runner has more orders than it has room for, or is gone: this one is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the runner of scripts does not keep up, an order is lost")]
#[allow(clippy::exhaustive_structs)] // there is nothing to tell
pub struct Busy;

/// What a runner is told.
#[derive(Debug)]
pub(super) enum Order {
    Configure(Box<Commands>),
    RunCheck { tracker: TrackerId, name: Box<str> },
    StopCheck { tracker: TrackerId, kill: bool },
    Notify { is_group: bool, name: Box<str>, what: Notification, priority: u8 },
    Finish,
}

impl RunnerHandle {
    pub(super) fn new(orders: SyncSender<Order>, waker: Arc<Waker>) -> Self {
        Self { orders, waker }
    }

    /// Replaces the commands. Those that were there before still serve what the new configuration does not name.
    ///
    /// # Errors
    /// [`Busy`]
    pub fn configure(&self, commands: Commands) -> Result<(), Busy> {
        self.send(Order::Configure(Box::new(commands)))
    }

    /// Carries out [`vrrp_core::Action::RunCheck`].
    ///
    /// # Errors
    /// [`Busy`]: the router has to hear [`vrrp_core::CheckOutcome::NotRun`].
    pub fn run_check(&self, tracker: TrackerId, name: &str) -> Result<(), Busy> {
        self.send(Order::RunCheck { tracker, name: name.into() })
    }

    /// Carries out [`vrrp_core::Action::StopCheck`].
    ///
    /// # Errors
    /// [`Busy`]: the check goes on, and the router will ask again.
    pub fn stop_check(&self, tracker: TrackerId, kill: bool) -> Result<(), Busy> {
        self.send(Order::StopCheck { tracker, kill })
    }

    /// Carries out [`vrrp_core::Action::Notify`].
    ///
    /// # Errors
    /// [`Busy`]: the scripts for this event will not run.
    pub fn notify(&self, notify: &Notify<'_>) -> Result<(), Busy> {
        let is_group = matches!(notify.subject, Subject::Group(_));
        let Notify { name, what, priority, .. } = *notify;
        self.send(Order::Notify { is_group, name: name.into(), what, priority })
    }

    /// Stops all checks, waits a bounded time for the notifies that were ordered so far, and ends the runner.
    ///
    /// # Errors
    /// [`Busy`]
    pub fn finish(&self) -> Result<(), Busy> {
        self.send(Order::Finish)
    }

    fn send(&self, order: Order) -> Result<(), Busy> {
        match self.orders.try_send(order) {
            Ok(()) => self.waker.wake().map_err(|_| Busy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Busy),
        }
    }
}
