//! Runs check scripts and notify scripts for a router, in a loop of its own.
//!
//! A [`Runner`] belongs to one thread; a [`RunnerHandle`] tells it from any other thread, without ever waiting, what
//! the router asks for. What happened comes back through a closure as [`Report`]s.
//!
//! - A check runs at most once at a time, and a check that cannot be started has failed ([`CheckOutcome::NotRun`]).
//! - The notifies of one instance or group run one after another in the order of the events, the script for the state
//!   before the script for every state; those of different instances do not wait for each other.
//! - Every process gets a process group of its own, nothing on standard input, an environment that was chosen, and a
//!   bounded place for its output. Groups that are told to end and do not are killed.
//!
//! No signal handler is installed: the end of a child is seen through its pidfd (Linux 5.3), or by asking now and then
//! where there is none.
//!
//! [`CheckOutcome::NotRun`]: vrrp_core::CheckOutcome::NotRun

mod child;
mod command;
mod handle;
mod identity;
mod notify;
mod patience;
mod report;
mod run;
mod turn;

pub use command::{Command, Commands, Notifies, environment};
pub use handle::{Busy, RunnerHandle};
pub use identity::Identity;
pub use report::{Report, Told};
pub use turn::{Runner, Turn};
