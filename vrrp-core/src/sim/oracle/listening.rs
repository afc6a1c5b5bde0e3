//! When a BACKUP may take over: Master_Down_Interval computed once more, from the packets that arrived.

use core::net::IpAddr;
use core::time::Duration;

use super::{Oracle, Scene, Violation, hold};
use crate::action::{Cause, State};
use crate::config::InstanceConfig;
use crate::sim::effect::Fact;
use crate::time::Time;
use crate::types::{Interval, Priority, Version};

/// What the judge knows of one virtual router of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shadow {
    pub(super) state: State,
    /// Whether its addresses were asked for.
    pub(super) wanted: bool,
    /// When it became MASTER last.
    pub(super) master_at: Time,
    /// When it sent its last advert that was not priority 0.
    pub(super) advert_at: Time,
    /// Since when it listens, and to which interval.
    heard_at: Time,
    interval: Interval,
    /// To whom it listens.
    master: Option<IpAddr>,
    /// When somebody resigned.
    resigned_at: Option<Time>,
    /// Whether that was somebody else than whom it listens to: his last word was overtaken by the first of the
    /// next master, and counts all the same (RFC 9568 section 6.4.2 does not ask who says it).
    overtaken: bool,
    /// How often its node was frozen and went on since then, and when it did first.
    thaws: u32,
    thawed_at: Time,
    /// Until when a lower-priority master is left alone after a resignation.
    pub(super) left_alone_until: Time,
    /// When it resigned because of an address, since the last fault.
    pub(super) refused_at: Option<Time>,
    /// Whether adverts of lower priority may have counted: then it is not known for sure.
    unsure: bool,
}

impl Default for Shadow {
    fn default() -> Self {
        Self::at(Time::ZERO)
    }
}

impl Shadow {
    pub(super) fn at(now: Time) -> Self {
        Self {
            state: State::Initialize,
            wanted: false,
            master_at: now,
            advert_at: now,
            heard_at: now,
            interval: Interval::DEFAULT,
            master: None,
            resigned_at: None,
            overtaken: false,
            thaws: 0,
            thawed_at: now,
            left_alone_until: Time::ZERO,
            refused_at: None,
            unsure: false,
        }
    }

    /// The BACKUP begins to listen.
    pub(super) fn listens(&mut self, now: Time, interval: Interval) {
        *self = Self {
            heard_at: now,
            interval,
            master: None,
            resigned_at: None,
            overtaken: false,
            thaws: 0,
            unsure: false,
            ..*self
        };
    }

    /// A BACKUP without a master expects its own interval.
    pub(super) fn reconfigured(&mut self, interval: Interval) {
        if self.master.is_none() {
            self.interval = interval;
        }
    }

    /// The node goes on.
    pub(super) fn thaws(&mut self, now: Time) {
        self.advert_at = now;
        self.thaws += 1;
        if self.thaws == 1 {
            self.thawed_at = now;
        }
    }

    /// The earliest that the BACKUP may take over. Who slept through all of Master_Down_Interval after that, and
    /// perhaps missed every advert, gives the master the time for one more; but only once.
    fn due(&self, config: &InstanceConfig, priority: Priority) -> Time {
        let priority = priority.get();
        let interval = match config.version {
            Version::V2 => config.interval,
            Version::V3 => self.interval,
        };
        let adverts = u32::from(config.down_timer_adverts);
        let silence =
            self.heard_at + interval.as_duration() * adverts + skew(config.version, priority, interval);
        let resignation =
            self.resigned_at.map_or(Time::MAX, |at| at + skew(config.version, priority, interval));
        let due = silence.min(resignation);
        let listening = interval.as_duration() * adverts + skew(config.version, priority, interval);
        match self.thaws == 1 && self.thawed_at.saturating_since(due) > listening {
            true => self.thawed_at + interval.as_duration() + skew(config.version, priority, interval),
            false => due,
        }
    }
}

impl Oracle {
    /// Remembers an advert before the router judges it.
    pub(super) fn hear(&mut self, scene: Scene<'_>, node: usize, fact: &Fact) -> Result<(), Violation> {
        let Fact::Packet { received, packet } = fact else { return Ok(()) };
        let Some(instance) = scene.nodes[node].instance(packet.instance) else { return Ok(()) };
        let shadow = &mut self.shadows[node][packet.instance];
        let config = scene.config(node, packet.instance);
        let (ours, theirs) = (instance.priority(), packet.priority());
        if ours.is_owner() && config.version == Version::V2 {
            return Ok(());
        }
        let lower = theirs < ours.get();
        if theirs == 0 {
            shadow.resigned_at.get_or_insert(*received);
            shadow.overtaken |= shadow.master.is_some_and(|master| master != packet.source);
        } else if shadow.state == State::Backup && lower && (config.preempt || ours.is_owner()) {
            shadow.unsure |= !config.preempt_delay.is_zero() || *received < shadow.left_alone_until;
        } else if shadow.state == State::Backup || !lower {
            shadow.heard_at = *received;
            shadow.interval = Interval::from_centis(packet.centis()).unwrap_or_default();
            shadow.master = Some(packet.source);
            shadow.resigned_at = None;
            shadow.overtaken = false;
            shadow.thaws = 0;
            shadow.unsure = false;
        }
        Ok(())
    }

    /// A BACKUP became MASTER: not too early, and not before somebody better.
    pub(super) fn takes_over(
        &self,
        scene: Scene<'_>,
        node: usize,
        position: usize,
        cause: Cause,
    ) -> Result<(), Violation> {
        let now = scene.now;
        let Some(instance) = scene.nodes[node].instance(position) else { return Ok(()) };
        if !matches!(cause, Cause::MasterDown | Cause::MasterResigned) {
            return Ok(());
        }
        let mut shadow = self.shadows[node][position];
        if scene.scenario.is_grouped() {
            // Its timer may have been over for long, and only the other members held it back.
            shadow.thaws = 0;
        }
        let due = shadow.due(scene.config(node, position), instance.priority());
        let early = !self.ignored.contains(&super::Rule::Listening) && now < due && !shadow.unsure;
        hold!(Listening, !early, "node {node} vr{position} took over at {now}, not before {due}");
        // With different intervals, a last advert that was overtaken leaves a BACKUP with the wrong one.
        if scene.is_noisy()
            || scene.scenario.is_grouped()
            || shadow.unsure
            || shadow.overtaken
            || !self.standing.is_uniform(position)
        {
            return Ok(());
        }
        for (other, better) in scene.nodes.iter().enumerate() {
            let Some(theirs) = better.instance(position).filter(|_| other != node) else { continue };
            let shadow = self.shadows[other][position];
            let config = scene.config(other, position);
            let first = shadow.due(config, theirs.priority());
            let in_time = first + scene.scenario.reach() * 2 < due && self.quiet_since <= first.min(now);
            let ranks = theirs.priority() >= instance.priority() && !shadow.unsure;
            let listens = match shadow.state {
                State::Backup => config.preempt_delay.is_zero() && shadow.left_alone_until < self.quiet_since,
                State::Master => shadow.master_at > self.quiet_since,
                State::Initialize | State::Fault => false,
            };
            let heard = scene.hears(scene.scenario.segment(position), node, other);
            hold!(
                BetterFirst,
                !(in_time && ranks && listens && heard),
                "node {node} vr{position} took over at {now} (due {due}), though node {other} with priority {} was due at {first}",
                theirs.priority()
            );
        }
        Ok(())
    }
}

/// Skew_Time of RFC 9568 section 6.1 and RFC 3768 section 6.1.
pub(super) fn skew(version: Version, priority: u8, interval: Interval) -> Duration {
    let second = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => interval.as_duration(),
    };
    second * (256 - u32::from(priority)) / 256
}
