//! The director: facts in, actions out, one deadline.

use core::marker::PhantomData;

use vrrp_core::Time;

use crate::action::Action;
use crate::input::Input;

/// Decides what IPVS should hold. A skeleton: see the crate's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Director {
    now: Time,
    seed: u64,
}

impl Director {
    /// Makes a director without virtual servers. The seed spreads the starts of checks; one seed always
    /// spreads them alike.
    pub const fn new(seed: u64) -> Self {
        Self { now: Time::ZERO, seed }
    }

    /// Tells the director one fact, and gives what is to be done about it. A `now` before the last one counts
    /// as the last one.
    ///
    /// Without virtual servers no fact concerns it.
    pub fn handle(&mut self, now: Time, input: Input<'_>) -> Actions<'_> {
        self.now = self.now.max(now);
        match input {
            Input::AddressPresent { .. }
            | Input::Bytes { .. }
            | Input::Closed { .. }
            | Input::Connected { .. }
            | Input::Datagram { .. }
            | Input::Failed { .. }
            | Input::ScriptEnded { .. }
            | Input::Table(_)
            | Input::Tick => Actions { director: PhantomData },
        }
    }

    /// When to hand over [`Input::Tick`]: never, while there is nothing to check.
    pub const fn deadline(&self) -> Option<Time> {
        None
    }

    /// The seed that it was made with.
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

/// The actions of one input, first to last, lent by the director.
#[derive(Debug)]
#[must_use = "an action that is not carried out is a service that does not answer"]
pub struct Actions<'d> {
    director: PhantomData<&'d mut Director>,
}

impl Actions<'_> {
    /// The next action. Not an iterator: it borrows from the director until the one after it is asked for.
    #[allow(clippy::should_implement_trait)] // an iterator could not lend what belongs to the director
    pub fn next(&mut self) -> Option<Action<'_>> {
        None
    }
}
