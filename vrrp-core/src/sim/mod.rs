//! A whole network in one thread: real [`Router`](crate::Router)s, virtual time, and everything that can go
//! wrong between them, all of it from one seed. Exempt from semantic versioning.
//!
//! [`run`] plays a [`Scenario`] and judges every step by the [`Rule`]s. The same scenario always gives the same
//! run, to the octet. A run that breaks a rule gives a [`Failure`] with the seed and the trace.
//!
//! ```
//! use vrrp_core::sim::{self, Scenario};
//!
//! let scenario = Scenario::from_seed(7).expect("every seed is a sound scenario");
//! let report = sim::run(&scenario).unwrap_or_else(|failure| panic!("{failure}"));
//! assert!(report.faults >= 5);
//! ```

mod draw;
mod effect;
mod fault;
mod key;
mod log;
mod network;
mod node;
mod oracle;
mod rng;
mod sabotage;
mod scenario;
mod setup;
mod world;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

pub use fault::{Change, Fault, Noise};
pub use key::key;
pub use oracle::Rule;
pub use rng::Rng;
pub use sabotage::Bug;
pub use scenario::{NodePlan, Scenario};

use crate::time::Time;
use crate::trace::Recorder;
use world::World;

/// How many lines of the trace a failure shows.
const SHOWN: usize = 150;

/// What a run was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How long it took on the clock of the simulator.
    pub virtual_time: Duration,
    /// For how much of that the strictest rules applied.
    pub strict_time: Duration,
    /// How many faults found something to break.
    pub faults: u64,
    /// How many things happened.
    pub steps: u64,
    /// How often an instance changed its state.
    pub transitions: u64,
    /// How many adverts were sent.
    pub adverts: u64,
}

impl core::ops::AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.virtual_time += other.virtual_time;
        self.strict_time += other.strict_time;
        self.faults += other.faults;
        self.steps += other.steps;
        self.transitions += other.transitions;
        self.adverts += other.adverts;
    }
}

/// A run that broke a rule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// What was wrong.
    pub message: String,
    /// When it was noticed.
    pub at: Time,
    /// What was played.
    pub scenario: Scenario,
    /// All that happened until then.
    pub trace: String,
}

/// What the nodes are made of, the end of the trace, and last what was wrong.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (node, plan) in self.scenario.nodes.iter().enumerate() {
            writeln!(f, "n{node} {}", Recorder::new().start(&plan.config))?;
        }
        let lines = self.trace.lines().count();
        writeln!(f, "the last {SHOWN} of {lines} lines:")?;
        self.trace.lines().skip(lines.saturating_sub(SHOWN)).try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "rule {} at {}: {}", self.rule, self.at, self.message)
    }
}

/// Plays a scenario.
///
/// # Errors
/// The first rule that is broken, with the trace.
pub fn run(scenario: &Scenario) -> Result<Report, Box<Failure>> {
    run_with(scenario, None, &[])
}

/// Plays a scenario with a planted bug, and without some rules.
///
/// # Errors
/// The first other rule that is broken, with the trace.
pub fn run_with(scenario: &Scenario, bug: Option<Bug>, ignored: &[Rule]) -> Result<Report, Box<Failure>> {
    let mut world = World::new(scenario, bug, ignored, false);
    match world.run() {
        Ok(()) => Ok(world.report),
        Err(_) => Err(Box::new(fail(scenario, bug, ignored))),
    }
}

/// Plays a scenario and gives its trace: `!` for a fault, and for each node, named `n0` and so on, the lines of
/// [`crate::trace`]. Those from one `start` to the next are a transcript that can be played again.
///
/// # Errors
/// The first rule that is broken.
pub fn trace(scenario: &Scenario) -> Result<String, Box<Failure>> {
    let mut world = World::new(scenario, None, &[], true);
    match world.run() {
        Ok(()) => Ok(world.log.unwrap_or_default().into_text()),
        Err(_) => Err(Box::new(fail(scenario, None, &[]))),
    }
}

/// Plays a scenario that fails once more, and writes everything down.
fn fail(scenario: &Scenario, bug: Option<Bug>, ignored: &[Rule]) -> Failure {
    let mut world = World::new(scenario, bug, ignored, true);
    let (rule, message) = match world.run() {
        Err(violation) => (violation.rule, violation.text),
        Ok(()) => (Rule::Reproducible, String::from("the run fails only when nobody watches")),
    };
    let (at, trace) = (world.now(), world.log.take().unwrap_or_default().into_text());
    Failure { rule, message, at, scenario: scenario.clone(), trace }
}
