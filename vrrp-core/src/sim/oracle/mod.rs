//! The judge of a run. It knows what it saw: packets that arrived, actions, cables; its arithmetic is its own.

mod batch;
mod listening;
mod network;
mod standing;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::effect::{Effect, Fact};
use super::network::Network;
use super::node::Node;
use super::scenario::Scenario;
use crate::time::Time;
use batch::Batch;
use listening::Shadow;
use standing::{GRACE, Standing};

/// What must hold, one name for each invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// One input asks for a bounded number of actions.
    Bounded,
    /// Become, transmit, remove, add, announce, notify, event: in this order for each instance.
    Order,
    /// What is asked for follows from the state before and after, all of it and nothing else.
    Effects,
    /// Adverts, addresses and announcements belong to a MASTER; priority 0 to one that just ceased to be.
    Claim,
    /// The members of a sync group are MASTER together or not at all.
    Together,
    /// An instance takes part exactly when its interface, source, trackers and group allow it.
    Readiness,
    /// After a tick the next deadline lies in the future.
    Deadline,
    /// The kernel holds all addresses of a MASTER and none of anybody else.
    Kernel,
    /// After a stop no address, timer, check or advert is left.
    NothingLeft,
    /// The adverts of a MASTER are never further apart than its interval.
    AdvertGap,
    /// A BACKUP listens for all of Master_Down_Interval, or Skew_Time after priority 0 (RFC 9568 section 6.1).
    Listening,
    /// Of two routers that listened to the same end, the better one takes over (what Skew_Time is for).
    BetterFirst,
    /// Two routers of which the better is heard by the other are not both MASTER for longer than an interval.
    Yielding,
    /// Once Master_Down_Interval (3A + Skew, A and Skew those of the better one) and 20 ms have passed without a
    /// fault, no two routers are MASTER of which one hears the better one. This holds for every two nodes with
    /// such a link, whatever is cut elsewhere, with two exceptions:
    ///
    /// - for twice as long as a packet takes, because a new MASTER cannot be heard sooner;
    /// - while the nodes have different intervals, and the better one cannot hear the other or is not to answer it
    ///   (`lower_prio_no_advert`): a last advert that was overtaken leaves the other with the shorter interval of a
    ///   MASTER that is gone, it takes over, and only the next regular advert corrects it ([`Rule::Yielding`]).
    OneMaster,
    /// Whoever hears no MASTER for its own Master_Down_Interval and 20 ms is one; whatever is cut.
    TakingOver,
    /// Once the shortest Master_Down_Interval of those who can take over, and 20 ms, have passed without a fault,
    /// nobody among them is without a MASTER. Judged where everybody who is heard hears the same nodes (on all
    /// segments of a sync group) and all nodes have the same virtual routers and groups (or one that follows its
    /// group leaves a virtual router to others without a fault); elsewhere only [`Rule::TakingOver`] is asked for.
    Owner,
    /// In calm no state changes.
    CalmEdge,
    /// In calm no advert leaves before its turn.
    CalmAdvert,
    /// In the end exactly one MASTER, and nobody with a higher priority who preempts is not it.
    Converged,
    /// A node whose kernel refuses an address resigns, and leaves whoever serves alone for a while; when nobody
    /// can hold it, somebody serves with the rest.
    Refused,
    /// Loading the same configuration again changes nothing.
    Reload,
    /// The same scenario gives the same run.
    Reproducible,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) rule: Rule,
    pub(super) text: String,
}

/// Fails with a rule and a message unless a condition holds.
macro_rules! hold {
    ($rule:ident, $condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(super::Violation { rule: super::Rule::$rule, text: alloc::format!($($message)+) });
        }
    };
}
use hold;

/// What the judge looks at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) now: Time,
    pub(super) nodes: &'a [Node],
    pub(super) network: &'a Network,
    pub(super) scenario: &'a Scenario,
}

/// What the judge remembers.
#[derive(Clone, Debug)]
pub(super) struct Oracle {
    /// By node, then by virtual router.
    shadows: Vec<Vec<Shadow>>,
    /// When the last fault ended or began.
    quiet_since: Time,
    /// Who hears whom, and how long each listened since then.
    standing: Standing,
    /// Since when two nodes are both MASTER though the second hears the first, by virtual router.
    overlaps: Vec<Option<Time>>,
    /// Since when a node hears no MASTER and is none, by virtual router.
    deserted: Vec<Option<Time>>,
    /// Whether the members of its group were MASTER together since it was configured, by node.
    joined: Vec<bool>,
    /// Rules that are not looked at.
    ignored: Vec<Rule>,
    /// For how long the strict rules applied.
    pub(super) strict: Duration,
    looked_at: Time,
}

impl Oracle {
    pub(super) fn new(scenario: &Scenario, ignored: &[Rule]) -> Self {
        let (nodes, instances) = (scenario.nodes.len(), scenario.virtual_routers());
        Self {
            shadows: vec![vec![Shadow::default(); instances]; nodes],
            quiet_since: Time::ZERO,
            standing: Standing::new(nodes, instances),
            overlaps: vec![None; instances * nodes * nodes],
            deserted: vec![None; instances * nodes],
            joined: vec![true; nodes],
            ignored: ignored.to_vec(),
            strict: Duration::ZERO,
            looked_at: Time::ZERO,
        }
    }

    /// A fault began or ended, or a fact other than a packet changed something.
    pub(super) fn disturb(&mut self, now: Time) {
        self.shadows.iter_mut().flatten().for_each(|shadow| shadow.refused_at = None);
        self.unsettle(now);
    }

    /// A kernel refused an address, or its node resigned: everybody listens anew, but nothing else went wrong.
    pub(super) fn unsettle(&mut self, now: Time) {
        self.quiet_since = now;
        self.standing.forget();
        self.overlaps.fill(None);
        self.deserted.fill(None);
    }

    /// A process began: nothing is known of it.
    pub(super) fn booted(&mut self, now: Time, node: usize) {
        self.shadows[node].fill(Shadow::at(now));
    }

    /// A node goes on: its adverts could not be on time.
    pub(super) fn thawed(&mut self, now: Time, node: usize) {
        self.shadows[node].iter_mut().for_each(|shadow| shadow.thaws(now));
    }

    /// Judges what one fact made a node ask for.
    pub(super) fn judge(
        &mut self,
        scene: Scene<'_>,
        node: usize,
        fact: &Fact,
        effects: &[Effect],
    ) -> Result<(), Violation> {
        let result =
            self.hear(scene, node, fact).and_then(|()| Batch::new(scene, node, fact, effects).judge(self));
        self.forgive(result)
    }

    /// Judges the network as a whole at the end of a batch, and the host whose turn it was.
    pub(super) fn look(&mut self, scene: Scene<'_>, turn: Option<usize>) -> Result<(), Violation> {
        let result = self.look_at(scene, turn);
        self.looked_at = scene.now;
        self.forgive(result)
    }

    /// Judges a router that was stopped, when all that it asked for was done.
    pub(super) fn stopped(&self, scene: Scene<'_>, node: usize) -> Result<(), Violation> {
        self.forgive(self.check_stopped(scene, node))
    }

    /// Judges the end, when nothing is wrong any more.
    pub(super) fn converged(&self, scene: Scene<'_>) -> Result<(), Violation> {
        self.forgive(self.check_converged(scene))
    }

    /// Whether a rule that was broken is looked at.
    fn forgive(&self, result: Result<(), Violation>) -> Result<(), Violation> {
        result.or_else(|violation| match self.ignored.contains(&violation.rule) {
            true => Ok(()),
            false => Err(violation),
        })
    }

    /// Whether all that a node hears of a virtual router must have settled: two takeovers one after the other (a
    /// MASTER first, then whoever preempts it once its delay is over), and a late advert in between.
    fn is_settled(&self, scene: Scene<'_>, position: usize, node: usize) -> bool {
        if !self.standing.is_closed(position, node) {
            return false;
        }
        let held_off = self.shadows.iter().flatten().map(|shadow| shadow.left_alone_until).max();
        let patience = scene.scenario.longest_preempt_delay()
            + held_off.unwrap_or(Time::ZERO).saturating_since(self.quiet_since);
        let bound = self.standing.longest(scene, position, node) + GRACE;
        let settling = (bound + scene.scenario.longest_interval()) * 2 + patience;
        scene.now > self.quiet_since + settling
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
