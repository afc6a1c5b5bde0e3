//! What one input made a node ask for: in order, complete, and no claim without the right to it.

use alloc::vec::Vec;

use super::{Oracle, Scene, Violation, hold};
use crate::action::{Cause, Notification, State};
use crate::config::Destination;
use crate::instance::HOLD_OFF;
use crate::sim::effect::{Effect, Fact, Held, Sent};
use crate::sim::node::Node;
use crate::sim::scenario::{LATENESS, NodePlan};

/// One input and all that came of it.
pub(super) struct Batch<'a> {
    scene: Scene<'a>,
    at: usize,
    node: &'a Node,
    plan: &'a NodePlan,
    fact: &'a Fact,
    effects: &'a [Effect],
}

/// What was seen for one instance.
#[derive(Clone, Copy, Default)]
struct Seen {
    became: Option<(State, State, Cause)>,
    adverts: usize,
    farewells: usize,
    added: bool,
    removed: bool,
    announced: bool,
    notified: Option<Notification>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(scene: Scene<'a>, at: usize, fact: &'a Fact, effects: &'a [Effect]) -> Self {
        Self { scene, at, node: &scene.nodes[at], plan: &scene.scenario.nodes[at], fact, effects }
    }

    pub(super) fn judge(&self, oracle: &mut Oracle) -> Result<(), Violation> {
        let at = self.at;
        if self.reloads() {
            oracle.joined[at] = false;
            for (position, shadow) in oracle.shadows[at].iter_mut().enumerate() {
                shadow.reconfigured(self.scene.config(at, position).interval);
            }
        }
        oracle.forgive(self.check_order())?;
        let mut seen = Vec::new();
        seen.resize(self.plan.config.instances().len(), Seen::default());
        for effect in self.effects {
            let taken = self.take(oracle, effect, &mut seen);
            oracle.forgive(taken)?;
        }
        for (position, seen) in seen.iter().enumerate() {
            self.check_effects(oracle, position, seen)?;
        }
        if let Fact::Tick = self.fact {
            let deadline = self.node.deadline();
            let now = self.scene.now;
            hold!(
                Deadline,
                deadline.is_none_or(|at| at > now),
                "node {at}: {deadline:?} at {now} after a tick"
            );
        }
        if let Fact::Reload = self.fact {
            hold!(Reload, self.effects.is_empty(), "node {at} did something: {:?}", self.effects);
        }
        Ok(())
    }

    fn check_order(&self) -> Result<(), Violation> {
        let (at, instances) = (self.at, self.plan.config.instances().len());
        let rank = |effect: &Effect| match effect {
            Effect::Become { .. } => 0,
            Effect::Transmit(_) => 1,
            Effect::Remove { .. } => 2,
            Effect::Add { .. } => 3,
            Effect::Announce { .. } => 4,
            Effect::Notify { .. } => 5,
            Effect::RunCheck { .. } | Effect::StopCheck { .. } => 6,
            Effect::Verdict { .. } | Effect::Event => 7,
        };
        for position in 0..instances {
            let own = self.effects.iter().filter(|effect| effect.instance() == Some(position));
            hold!(Order, own.map(rank).is_sorted(), "node {at} vr{position}: {:?}", self.effects);
        }
        let mut rest = self.effects.iter().skip_while(|effect| rank(effect) < 7);
        hold!(Order, rest.all(|effect| rank(effect) == 7), "node {at}: events come last: {:?}", self.effects);
        let bound = instances * (6 + self.scene.nodes.len()) + 8 + 4 * instances;
        hold!(Bounded, self.effects.len() <= bound, "node {at}: {} actions", self.effects.len());
        Ok(())
    }

    fn take(&self, oracle: &mut Oracle, effect: &Effect, seen: &mut [Seen]) -> Result<(), Violation> {
        let Some(position) = effect.instance() else { return Ok(()) };
        let (at, now) = (self.at, self.scene.now);
        let seen = &mut seen[position];
        let state = oracle.shadows[at][position].state;
        let reloads = self.reloads();
        match effect {
            Effect::Become { from, to, cause, .. } => {
                hold!(
                    Effects,
                    seen.became.is_none() && state == *from && from != to,
                    "node {at}: {effect:?}"
                );
                hold!(
                    CalmEdge,
                    !oracle.is_settled(self.scene, position, at),
                    "node {at}: {effect:?} at {now}"
                );
                seen.became = Some((*from, *to, *cause));
                oracle.shadows[at][position].state = *to;
                if *to == State::Master {
                    oracle.shadows[at][position].master_at = now;
                    oracle.takes_over(self.scene, at, position, *cause)?;
                }
                if *to == State::Backup && !yields(*cause) {
                    let interval = self.scene.config(at, position).interval;
                    oracle.shadows[at][position].listens(now, interval);
                }
                if let Cause::NotHeld = cause {
                    let shadow = &mut oracle.shadows[at][position];
                    let since = shadow.refused_at.replace(now).map(|at| now.saturating_since(at));
                    hold!(
                        Refused,
                        since.is_none_or(|since| since >= HOLD_OFF / 2),
                        "node {at} vr{position} resigns once more at {now}, after {since:?}"
                    );
                }
                if matches!(cause, Cause::NotHeld | Cause::TransmitFailed) {
                    oracle.shadows[at][position].left_alone_until = now + HOLD_OFF;
                }
            }
            Effect::Transmit(sent) => self.check_advert(oracle, sent, seen)?,
            Effect::Remove { addresses, .. } => {
                seen.removed = true;
                hold!(Effects, reloads || self.are_all(position, addresses), "node {at}: {effect:?}");
                hold!(Claim, reloads || state != State::Master, "node {at} as {state}: {effect:?}");
                oracle.shadows[at][position].wanted &= state == State::Master;
            }
            Effect::Add { addresses, .. } => {
                seen.added = true;
                hold!(Effects, reloads || self.are_all(position, addresses), "node {at}: {effect:?}");
                hold!(Claim, state == State::Master, "node {at} as {state}: {effect:?}");
                oracle.shadows[at][position].wanted = true;
            }
            Effect::Announce { addresses, .. } => {
                seen.announced = true;
                let wanted =
                    oracle.shadows[at][position].wanted && (reloads || self.are_all(position, addresses));
                hold!(Claim, state == State::Master && wanted, "node {at} as {state}: {effect:?}");
            }
            Effect::Notify { what, .. } if *what != Notification::MasterRxLowerPri => {
                seen.notified = Some(*what);
            }
            Effect::Notify { .. }
            | Effect::RunCheck { .. }
            | Effect::StopCheck { .. }
            | Effect::Verdict { .. }
            | Effect::Event => {}
        }
        Ok(())
    }

    /// Whether the configuration changes: then only a part of the addresses may be concerned.
    const fn reloads(&self) -> bool {
        matches!(self.fact, Fact::Reconfigure { .. })
    }

    fn are_all(&self, position: usize, addresses: &[Held]) -> bool {
        self.node.setup.vips(position).eq(addresses.iter().copied())
    }

    fn check_advert(&self, oracle: &mut Oracle, sent: &Sent, seen: &mut Seen) -> Result<(), Violation> {
        let (at, position, now) = (self.at, sent.instance, self.scene.now);
        let settled = oracle.is_settled(self.scene, position, at);
        let shadow = &mut oracle.shadows[at][position];
        let config = self.scene.config(at, position);
        let source = self.plan.source(sent.segment(), config.family);
        let envelope =
            (sent.source, sent.ttl) == (source, 255) && sent.centis() == config.interval.as_centis();
        hold!(Effects, envelope && sent.destination != source, "node {at}: {sent:?}");
        if sent.priority() == 0 {
            let left = matches!(seen.became, Some((State::Master, _, _)));
            hold!(Claim, left, "node {at} never was MASTER: {sent:?}");
            seen.farewells += 1;
            return Ok(());
        }
        let last_word = config.higher_prio_send_advert
            && matches!(seen.became, Some((State::Master, State::Backup, cause)) if yields(cause));
        hold!(Claim, shadow.state == State::Master || last_word, "node {at} as {}: {sent:?}", shadow.state);
        let priority = self.node.instance(position).map(|instance| instance.priority().get());
        hold!(Effects, Some(sent.priority()) == priority, "node {at}: {sent:?}");
        let interval = config.interval.as_duration();
        let gap = now.saturating_since(shadow.advert_at);
        let first = seen.became.is_some() || self.reloads();
        hold!(
            AdvertGap,
            first || gap <= interval + LATENESS * 4,
            "node {at}: {gap:?} before {sent:?} at {now}"
        );
        let too_soon = settled && !first && seen.adverts == 0 && gap + LATENESS * 4 < interval;
        hold!(CalmAdvert, !too_soon, "node {at}: only {gap:?} before {sent:?} at {now}");
        shadow.advert_at = now;
        seen.adverts += 1;
        Ok(())
    }

    fn check_effects(&self, oracle: &Oracle, position: usize, seen: &Seen) -> Result<(), Violation> {
        let at = self.at;
        let config = self.scene.config(at, position);
        let shadow = oracle.shadows[at][position];
        let (state, wanted) = (self.node.state(position), shadow.wanted);
        let all = || alloc::format!("node {at} vr{position} is {state}: {:?}", self.effects);
        hold!(Effects, state == shadow.state, "{}, but it told {}", all(), shadow.state);
        hold!(Effects, wanted == (state == State::Master), "{}", all());
        let Some(instance) = self.node.instance(position).filter(|_| !self.reloads()) else { return Ok(()) };
        let peers = match &config.destination {
            Destination::Multicast(_) => 1,
            Destination::Unicast(peers) => {
                peers.iter().filter(|peer| Some(peer.address) != instance.source()).count()
            }
        };
        hold!(Effects, [0, peers].contains(&(seen.adverts + seen.farewells)), "{}", all());
        let Some((from, to, cause)) = seen.became else {
            // A stop is told even when there was nothing to leave.
            let stopped = matches!(self.fact, Fact::Shutdown).then_some(Notification::Stop);
            hold!(Effects, !seen.added && !seen.removed && seen.notified == stopped, "{}", all());
            return Ok(());
        };
        let notification = match (to, cause) {
            (State::Master, _) => Notification::Master,
            (State::Backup, _) => Notification::Backup,
            (State::Fault, _) => Notification::Fault,
            (State::Initialize, _) => Notification::Stop,
        };
        hold!(Effects, seen.notified == Some(notification), "{}", all());
        let (adverts, farewells) = match (from, to) {
            (_, State::Master) => (peers, 0),
            (State::Master, _) if yields(cause) => {
                (if config.higher_prio_send_advert { peers } else { 0 }, 0)
            }
            (State::Master, _) => (0, if instance.source().is_some() { peers } else { 0 }),
            (_, _) => (0, 0),
        };
        hold!(Effects, (seen.adverts, seen.farewells) == (adverts, farewells), "{}", all());
        hold!(Effects, seen.added == (to == State::Master), "{}", all());
        // One that was MASTER only within this input removes, too, in case that the addresses are there.
        let may_remove = matches!(self.fact, Fact::Tick) && to != State::Master;
        hold!(Effects, seen.removed == (from == State::Master) || may_remove, "{}", all());
        hold!(Effects, seen.removed || from != State::Master, "{}", all());
        hold!(Effects, seen.announced == (to == State::Master), "{}", all());
        Ok(())
    }
}

/// Whether MASTER was lost to an advert.
const fn yields(cause: Cause) -> bool {
    matches!(cause, Cause::HigherAddress { .. } | Cause::HigherPriority { .. })
}
