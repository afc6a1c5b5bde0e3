//! The network as a whole: one master where it can be heard, and nobody without one.

use core::net::IpAddr;

use super::listening::skew;
use super::standing::{GRACE, Standing};
use super::{Oracle, Rule, Scene, Violation, hold};
use crate::action::State;
use crate::config::InstanceConfig;
use crate::sim::node::Node;
use crate::sim::scenario::LATENESS;
use crate::types::Priority;

impl Oracle {
    pub(super) fn look_at(&mut self, scene: Scene<'_>, turn: Option<usize>) -> Result<(), Violation> {
        let now = scene.now;
        self.check_silence(scene)?;
        if let Some(node) = turn {
            self.check_host(scene, node)?;
        }
        if scene.is_noisy() {
            self.disturb(now);
            return Ok(());
        }
        self.quiet_since = self.quiet_since.max(scene.network.late_until() + LATENESS);
        self.standing.look(scene);
        let mut strict = scene.scenario.virtual_routers() > 0;
        for position in 0..scene.scenario.virtual_routers() {
            self.check_masters(scene, position)?;
            strict &= (0..scene.nodes.len()).any(|node| self.is_strict_among_several(scene, position, node));
        }
        if strict {
            self.strict += now.saturating_since(self.looked_at);
        }
        for node in 0..scene.nodes.len() {
            self.check_owners(scene, node)?;
        }
        Ok(())
    }

    /// Whether [`Rule::Owner`] is asked of a node and others that it hears.
    fn is_strict_among_several(&self, scene: Scene<'_>, position: usize, node: usize) -> bool {
        let standing = &self.standing;
        let several = standing.circle(position, node).filter(|other| scene.takes_part(*other, position));
        standing.is_closed(position, node)
            && standing.is_alike()
            && several.take(2).count() == 2
            && scene.now > self.quiet_since + standing.owner_due(scene, position, node) + GRACE
    }

    /// Of two masters the better is heard by the other, which yields.
    fn check_masters(&mut self, scene: Scene<'_>, position: usize) -> Result<(), Violation> {
        let (now, nodes) = (scene.now, scene.nodes.len());
        let segment = scene.scenario.segment(position);
        for better in 0..nodes {
            for worse in 0..nodes {
                let overlap = &mut self.overlaps[(position * nodes + better) * nodes + worse];
                let both = scene.is_master(better, position) && scene.is_master(worse, position);
                let beaten = both && scene.rank(better, position) > scene.rank(worse, position);
                if !beaten || !scene.hears(segment, worse, better) {
                    *overlap = None;
                    continue;
                }
                let since = *overlap.get_or_insert(now);
                let span = now.saturating_since(since);
                let config = scene.config(better, position);
                let interval = config.interval.as_duration();
                let reach = scene.scenario.reach();
                hold!(
                    Yielding,
                    span <= interval + reach * 2,
                    "vr{position}: nodes {better} and {worse} have both been MASTER since {since}, now {now}"
                );
                // Who can hear and may answer corrects at once a BACKUP that was left with the wrong interval.
                let answers = scene.hears(segment, better, worse) && !config.lower_prio_no_advert;
                let priority = scene.rank(better, position).map_or(0, |(priority, _)| priority.get());
                let bound = interval * u32::from(config.down_timer_adverts)
                    + skew(config.version, priority, config.interval)
                    + GRACE;
                let strict =
                    now > self.quiet_since + bound && (self.standing.is_uniform(position) || answers);
                hold!(
                    OneMaster,
                    !strict || span <= reach * 2,
                    "vr{position}: nodes {better} and {worse} are MASTER since {since}, now {now}; quiet since {}, bound {bound:?}",
                    self.quiet_since
                );
            }
        }
        Ok(())
    }

    /// Whoever can take part is master, or hears one.
    fn check_owners(&mut self, scene: Scene<'_>, node: usize) -> Result<(), Violation> {
        let setup = &scene.nodes[node].setup;
        let served = |position: usize| {
            let segment = scene.scenario.segment(position);
            let hears = |other| scene.is_master(other, position) && scene.hears(segment, node, other);
            (0..scene.nodes.len()).any(|other| other != node && hears(other))
        };
        let masters = setup.positions().all(|position| scene.is_master(node, position));
        let take_part = setup.positions().all(|position| scene.takes_part(node, position));
        // One member of a group that hears a master holds all of them back.
        let held_back = |position| !scene.is_master(node, position) && served(position);
        let group_fine = masters || !take_part || setup.positions().any(held_back);
        for position in 0..scene.scenario.virtual_routers() {
            let fine = match setup.grouped && setup.positions().any(|present| present == position) {
                true => group_fine,
                false => {
                    let alone = scene.takes_part(node, position) && !scene.is_master(node, position);
                    !alone || served(position)
                }
            };
            self.check_owner(scene, node, position, fine)?;
        }
        Ok(())
    }

    fn check_owner(
        &mut self,
        scene: Scene<'_>,
        node: usize,
        position: usize,
        fine: bool,
    ) -> Result<(), Violation> {
        let deserted = &mut self.deserted[position * scene.nodes.len() + node];
        if fine {
            *deserted = None;
            return Ok(());
        }
        let (now, quiet, standing) = (scene.now, self.quiet_since, &self.standing);
        let since = *deserted.get_or_insert(now);
        let bound = standing.owner_due(scene, position, node) + GRACE;
        let strict = standing.is_closed(position, node) && standing.is_alike() && now > quiet + bound;
        hold!(
            Owner,
            !strict || self.ignored.contains(&Rule::Owner),
            "node {node} vr{position} hears no MASTER at {now}; quiet since {quiet}, bound {bound:?}"
        );
        let bound = standing.listening(scene, position, node) + GRACE;
        hold!(
            TakingOver,
            now.saturating_since(since) <= bound,
            "node {node} vr{position} hears no MASTER since {since}, now {now}; bound {bound:?}"
        );
        Ok(())
    }

    /// A MASTER that goes on is heard from, whether or not it was woken.
    fn check_silence(&self, scene: Scene<'_>) -> Result<(), Violation> {
        for (at, node) in scene.nodes.iter().enumerate().filter(|(_, node)| node.is_active()) {
            for position in (0..scene.scenario.virtual_routers()).filter(|p| node.state(*p) == State::Master)
            {
                let gap = scene.now.saturating_since(self.shadows[at][position].advert_at);
                let interval = scene.config(at, position).interval.as_duration();
                let now = scene.now;
                hold!(
                    AdvertGap,
                    gap <= interval + LATENESS * 4,
                    "node {at} vr{position}: silent for {gap:?} at {now}"
                );
            }
        }
        Ok(())
    }

    /// What holds for one host at any time.
    fn check_host(&mut self, scene: Scene<'_>, at: usize) -> Result<(), Violation> {
        let (now, node) = (scene.now, &scene.nodes[at]);
        if !node.is_active() {
            return Ok(());
        }
        let plan = &scene.scenario.nodes[at];
        // Who joins a group listens first.
        let split = scene.is_split(at);
        self.joined[at] |= !split;
        hold!(Together, !split || !self.joined[at], "node {at}: half a group is MASTER at {now}");
        let mut held = 0;
        for position in node.setup.positions().filter(|position| scene.is_master(at, *position)) {
            let refused = plan.refused(position).filter(|_| node.refuses);
            for vip in node.setup.vips(position) {
                let there = node.kernel.contains(&vip);
                held += usize::from(there);
                let may_lack = node.is_disturbed() || refused == Some(vip);
                hold!(Kernel, there || may_lack, "node {at} vr{position} is MASTER with {:?}", node.kernel);
            }
        }
        hold!(Kernel, held == node.kernel.len(), "node {at} holds more than it should: {:?}", node.kernel);
        for position in 0..scene.scenario.virtual_routers() {
            let Some(instance) = node.instance(position) else { continue };
            let state = instance.state();
            if let Some(ready) = node.is_ready(now, plan, position) {
                let part = matches!(state, State::Backup | State::Master);
                hold!(Readiness, part == ready, "node {at} vr{position} is {state}, ready={ready} at {now}");
            }
        }
        Ok(())
    }

    /// What holds when a router was stopped and all its actions carried out.
    pub(super) fn check_stopped(&self, scene: Scene<'_>, at: usize) -> Result<(), Violation> {
        let node = &scene.nodes[at];
        let deadline = node.deadline();
        hold!(NothingLeft, deadline.is_none(), "node {at} still has a deadline: {deadline:?}");
        hold!(NothingLeft, node.checks.is_empty(), "node {at} still runs checks {:?}", node.checks);
        hold!(NothingLeft, node.kernel.is_empty(), "node {at} left {:?}", node.kernel);
        for position in 0..scene.scenario.virtual_routers() {
            let state = node.state(position);
            hold!(NothingLeft, state == State::Initialize, "node {at} vr{position} is {state}");
        }
        Ok(())
    }

    /// What holds at the end, when nothing is wrong any more.
    pub(super) fn check_converged(&self, scene: Scene<'_>) -> Result<(), Violation> {
        let standing = Standing::of(scene);
        for position in 0..scene.scenario.virtual_routers() {
            let segment = scene.scenario.segment(position);
            for node in (0..scene.nodes.len()).filter(|node| scene.takes_part_wholly(*node, position)) {
                if !standing.is_closed(position, node) {
                    continue;
                }
                let joined = |other: &usize| *other == node || scene.hears(segment, node, *other);
                let mut masters =
                    (0..scene.nodes.len()).filter(joined).filter(|other| scene.is_master(*other, position));
                let (master, second) = (masters.next(), masters.next());
                // Who resigned because of an address may be about to be replaced, and a group that others do not
                // have may hold a node back for good.
                let refused = standing.circle(position, node).any(|other| scene.nodes[other].refuses);
                let all = standing.is_alike() && !refused;
                hold!(
                    Converged,
                    (master.is_some() || !all) && second.is_none(),
                    "node {node} vr{position}: masters {master:?} and {second:?}"
                );
                // Halves of a group that was taken apart and put together again stay where they are.
                if !all || standing.circle(position, node).any(|other| scene.is_split(other)) {
                    continue;
                }
                let Some(instance) = scene.nodes[node].instance(position) else { continue };
                let best = master.and_then(|master| scene.nodes[master].instance(position));
                let preempts = scene.config(node, position).preempt || instance.priority().is_owner();
                hold!(
                    Converged,
                    !preempts || best.is_some_and(|best| best.priority() >= instance.priority()),
                    "vr{position}: node {node} should be MASTER, not {master:?}"
                );
            }
        }
        Ok(())
    }
}

impl<'a> Scene<'a> {
    /// Whether packets of one node reach another, and both go on.
    pub(super) fn hears(&self, segment: usize, listener: usize, speaker: usize) -> bool {
        let ready = |node: usize| self.nodes[node].is_active() && self.nodes[node].plugged[segment];
        ready(listener) && ready(speaker) && self.network.joins(segment, speaker, listener)
    }

    /// How a virtual router of a node was to be configured.
    pub(super) fn config(&self, node: usize, position: usize) -> &'a InstanceConfig {
        self.nodes[node].setup.config(position)
    }

    /// Whether packets are lost or late, or a host cannot do what its router asks for.
    pub(super) fn is_noisy(&self) -> bool {
        self.network.is_noisy(self.now) || self.nodes.iter().any(Node::is_disturbed)
    }

    fn is_master(&self, node: usize, position: usize) -> bool {
        self.nodes[node].is_active() && self.nodes[node].state(position) == State::Master
    }

    /// Whether only some members of a group are MASTER.
    pub(super) fn is_split(&self, node: usize) -> bool {
        let setup = &self.nodes[node].setup;
        let masters = setup.positions().filter(|position| self.is_master(node, *position)).count();
        setup.grouped && ![0, setup.positions().count()].contains(&masters)
    }

    pub(super) fn takes_part(&self, node: usize, position: usize) -> bool {
        let state = self.nodes[node].state(position);
        self.nodes[node].is_active() && matches!(state, State::Backup | State::Master)
    }

    /// Whether a node takes part, and can be heard where it does.
    fn takes_part_wholly(&self, node: usize, position: usize) -> bool {
        let segment = self.scenario.segment(position);
        self.takes_part(node, position) && self.nodes[node].plugged[segment]
    }

    /// Who wins: by priority, then by address.
    fn rank(&self, node: usize, position: usize) -> Option<(Priority, IpAddr)> {
        let instance = self.nodes[node].instance(position)?;
        Some((instance.priority(), instance.source()?))
    }
}
