//! A scenario from a seed.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::fault::{Change, Fault, Noise};
use super::rng::Rng;
use super::scenario::{NodePlan, Scenario, instance, source};
use crate::config::{
    Config, ConfigError, Destination, GroupConfig, InstanceConfig, InterfaceConfig, Peer, RouterConfig,
    ScriptConfig, Track, TrackerConfig, TrackerKind,
};
use crate::time::Time;
use crate::types::{Family, InterfaceId, Interval, Password, Priority, Version};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// Faults begin and end before this.
const STORM: Duration = Duration::from_secs(45);
/// The shortest run.
const SHORTEST: Duration = Duration::from_secs(60);
/// How long calm is watched after everything must have settled.
const CALM: Duration = Duration::from_secs(8);

/// Which virtual routers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    /// Two on one segment, each with an order of its own.
    Mutual,
    /// One on each of two segments, in a sync group.
    Grouped,
    /// One on each of two segments, independent.
    Apart,
}

/// What all nodes agree on for one virtual router.
struct Common {
    base: InstanceConfig,
    unicast: bool,
    /// The intervals that nodes choose from.
    intervals: Vec<Interval>,
    priorities: Vec<u8>,
}

impl Scenario {
    /// The scenario of a seed: at least five faults and sixty seconds, then calm.
    ///
    /// # Errors
    /// Never for a configuration of ours; the type says so only because [`Config::new`] checks it.
    pub fn from_seed(seed: u64) -> Result<Self, Vec<ConfigError>> {
        let mut rng = Rng::new(seed);
        let shape = rng.pick(&[
            Shape::One,
            Shape::One,
            Shape::One,
            Shape::One,
            Shape::Mutual,
            Shape::Mutual,
            Shape::Grouped,
            Shape::Grouped,
            Shape::Grouped,
            Shape::Apart,
        ]);
        let segments = match shape {
            Shape::One | Shape::Mutual => 1,
            Shape::Grouped | Shape::Apart => 2,
        };
        // At a centisecond there are so many packets that few nodes have to do.
        let fast = rng.below(150) == 0;
        let nodes = match fast {
            true => rng.between(2, 3),
            false => rng.pick(&[2, 2, 3, 3, 3, 4, 5]),
        };
        let hosts = hosts(&mut rng, nodes);
        let common = virtual_routers(&mut rng, shape, hosts.len(), fast);
        let preempting = rng.pick(&[100, 100, 0, 50]);
        let delayed = rng.percent(25);
        let tracked = rng.percent(40);
        let startup_delay = match rng.percent(10) {
            true => rng.span(SECOND / 2, SECOND * 3),
            false => Duration::ZERO,
        };
        let latency = (rng.span(MILLISECOND / 20, MILLISECOND), rng.span(MILLISECOND, MILLISECOND * 5));
        let mut plans = Vec::new();
        for (position, host) in hosts.iter().enumerate() {
            let preempt = rng.percent(preempting);
            let preempt_delay = match delayed && rng.percent(60) {
                true => SECOND * u32::try_from(rng.between(1, 8)).unwrap_or(1),
                false => Duration::ZERO,
            };
            let mut config = RouterConfig::new();
            config.startup_delay = startup_delay;
            for segment in 0..segments {
                config
                    .interfaces
                    .push(InterfaceConfig::new(InterfaceId(segment), alloc::format!("eth{segment}")));
            }
            for common in &common {
                let mut instance = personal(&mut rng, common, position, &hosts);
                (instance.preempt, instance.preempt_delay) = (preempt, preempt_delay);
                config.instances.push(instance);
            }
            if shape == Shape::Grouped {
                config.groups.push(GroupConfig::new("group", vec![0, 1]));
            }
            if tracked {
                track(&mut rng, &mut config);
            }
            plans.push(NodePlan {
                config: Config::new(config)?,
                host: *host,
                tracked,
                boot_at: Time::ZERO + rng.span(Duration::ZERO, SECOND * 2),
                source_after: match rng.percent(15) {
                    true => rng.span(Duration::ZERO, SECOND * 3 / 2),
                    false => Duration::ZERO,
                },
            });
        }
        let mut scenario = Self {
            seed: rng.number(),
            segments: segments as usize,
            nodes: plans,
            latency,
            faults: Vec::new(),
            calm_at: Time::ZERO + STORM,
            end: Time::ZERO,
        };
        scenario.draw_faults(&mut rng);
        let settled = (scenario.longest_listening() + scenario.longest_interval() + SECOND) * 2
            + scenario.longest_preempt_delay()
            + scenario.hold_off()
            + startup_delay
            + SECOND * 2;
        scenario.end = Time::ZERO + (STORM + settled + CALM).max(SHORTEST);
        Ok(scenario)
    }

    /// Faults and their ends, then the end of whatever is still wrong but for what may stay for ever.
    fn draw_faults(&mut self, rng: &mut Rng) {
        let count = rng.between(5, 12);
        // Some runs have long quiet times between faults, some have none.
        let longest = rng.pick(&[SECOND * 2, SECOND * 6, SECOND * 15]);
        for _ in 0..count {
            let at = Time::ZERO + rng.span(SECOND, STORM - SECOND);
            let span = match rng.below(3) {
                0 => rng.span(MILLISECOND, MILLISECOND * 300),
                1 => rng.span(MILLISECOND * 300, SECOND * 2),
                _ => rng.span(SECOND, longest),
            };
            let until = (at + span).min(Time::ZERO + STORM);
            let (begin, end) = self.draw_fault(rng);
            self.faults.push((at, begin));
            self.faults.extend(end.map(|end| (until, end)));
        }
        let scarred = rng.percent(20);
        let calm = Time::ZERO + STORM;
        for segment in 0..self.segments {
            if !scarred {
                self.faults.push((calm, Fault::Join { segment }));
            }
            self.faults.push((calm, Fault::Noise { segment, noise: Noise::NONE }));
        }
        if scarred {
            for _ in 0..rng.between(1, 3) {
                let (segment, from, to) = self.draw_link(rng);
                self.faults.push((calm, Fault::Cut { segment, from, to }));
            }
        }
        for node in 0..self.nodes.len() {
            let repairs = [
                Fault::Boot { node },
                Fault::Thaw { node },
                Fault::AddWorks { node },
                Fault::SendWorks { node },
            ];
            self.faults.extend(repairs.map(|repair| (calm, repair)));
            for segment in 0..self.segments {
                self.faults.push((calm, Fault::Plug { segment, node }));
                self.faults.push((calm, Fault::GainSource { segment, node }));
            }
            if rng.percent(80) {
                self.faults.push((calm, Fault::Trackers { node, up: true }));
            }
        }
        // Some networks stay as they were changed, each node in its own way.
        if rng.percent(75) {
            let back = self.faults.iter().filter_map(|(_, fault)| match *fault {
                Fault::Reconfigure { node, change, .. } => {
                    Some((calm, Fault::Reconfigure { node, change, planned: true }))
                }
                _ => None,
            });
            let back: Vec<_> = back.collect();
            self.faults.extend(back);
        }
        // An address that cannot be held: on one node in some runs, on every node in others.
        if rng.percent(6) {
            let all = rng.percent(50).then_some(0..self.nodes.len());
            let one = rng.position(self.nodes.len());
            for node in all.unwrap_or(one..one + 1) {
                self.faults.push((Time::ZERO + rng.span(SECOND, STORM), Fault::Refuse { node }));
            }
        }
        // What changes nothing may come at any time, and must not be felt.
        let node = rng.position(self.nodes.len());
        self.faults.push((calm + rng.span(SECOND, SECOND * 10), Fault::Reload { node }));
    }

    fn draw_fault(&self, rng: &mut Rng) -> (Fault, Option<Fault>) {
        let node = rng.position(self.nodes.len());
        let (segment, from, to) = self.draw_link(rng);
        match rng.below(31) {
            0 | 1 => (Fault::AddFails { node }, Some(Fault::AddWorks { node })),
            2..=4 => (Fault::Crash { node }, Some(Fault::Boot { node })),
            5..=7 => (Fault::Cut { segment, from, to }, Some(Fault::Mend { segment, from, to })),
            8 => (Fault::Delete { node }, None),
            9..=11 => (Fault::Freeze { node, machine: rng.percent(50) }, Some(Fault::Thaw { node })),
            12 | 13 => (Fault::Isolate { segment, node }, Some(Fault::Rejoin { segment, node })),
            14 | 15 => {
                let noise = Noise {
                    loss: u8::try_from(rng.pick(&[0, 10, 30, 60, 90])).unwrap_or(0),
                    duplicates: u8::try_from(rng.pick(&[0, 0, 30])).unwrap_or(0),
                    delay: rng.pick(&[Duration::ZERO, MILLISECOND * 20, MILLISECOND * 300, SECOND * 2]),
                };
                (Fault::Noise { segment, noise }, Some(Fault::Noise { segment, noise: Noise::NONE }))
            }
            16 => (Fault::LoseSource { segment, node }, Some(Fault::GainSource { segment, node })),
            17 => (Fault::SendFails { node }, Some(Fault::SendWorks { node })),
            18 => {
                let side = u8::try_from(rng.between(1, (1 << self.nodes.len()) - 2)).unwrap_or(1);
                (Fault::Split { segment, side }, Some(Fault::Join { segment }))
            }
            19..=21 => (Fault::Stop { node }, Some(Fault::Boot { node })),
            22..=27 => {
                let position = rng.position(self.virtual_routers());
                let change = rng.pick(&[
                    Change::Address,
                    Change::Group,
                    Change::Group,
                    Change::Instance { position },
                    Change::Interval,
                    Change::PreemptDelay,
                    Change::Priority,
                ]);
                let back = Fault::Reconfigure { node, change, planned: true };
                (Fault::Reconfigure { node, change, planned: false }, rng.percent(50).then_some(back))
            }
            28 => (Fault::Trackers { node, up: false }, Some(Fault::Trackers { node, up: true })),
            _ => (Fault::Unplug { segment, node }, Some(Fault::Plug { segment, node })),
        }
    }

    /// A segment and two different nodes.
    fn draw_link(&self, rng: &mut Rng) -> (usize, usize, usize) {
        let from = rng.position(self.nodes.len());
        let to = (from + 1 + rng.position(self.nodes.len() - 1)) % self.nodes.len();
        (rng.position(self.segments), from, to)
    }
}

/// Different hosts in any order, some above 255 so that comparing single octets goes wrong.
fn hosts(rng: &mut Rng, nodes: u64) -> Vec<u16> {
    let mut hosts: Vec<u16> = Vec::new();
    while (hosts.len() as u64) < nodes {
        let host = rng.pick(&[1, 2, 3, 200, 254, 0x101, 0x1fe, 0x6401]);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

fn virtual_routers(rng: &mut Rng, shape: Shape, nodes: usize, fast: bool) -> Vec<Common> {
    let segments: &[u32] = match shape {
        Shape::One => &[0],
        Shape::Mutual => &[0, 0],
        Shape::Grouped | Shape::Apart => &[0, 1],
    };
    let mut all: Vec<Common> = Vec::new();
    for (vrid, segment) in (1..).zip(segments) {
        let (version, family) = match fast {
            true => (Version::V3, Family::V4),
            false => rng.pick(&[
                (Version::V2, Family::V4),
                (Version::V3, Family::V4),
                (Version::V3, Family::V4),
                (Version::V3, Family::V6),
            ]),
        };
        let addresses = u16::try_from(rng.between(1, 4)).unwrap_or(1);
        let Some(mut base) = instance(*segment, vrid, family, addresses) else { continue };
        let excluded = rng.position(base.addresses.len());
        base.excluded = base.addresses.split_off(base.addresses.len() - excluded);
        base.version = version;
        base.down_timer_adverts = rng.pick(&[3, 3, 3, 3, 3, 3, 3, 3, 4, 5]);
        base.track_primary = !rng.percent(10);
        base.lower_prio_no_advert = rng.percent(10);
        base.higher_prio_send_advert = rng.percent(10);
        base.checksum_as_v2 = rng.percent(30);
        if version == Version::V2 && rng.percent(50) {
            base.password = Password::new(b"secret").ok();
        }
        // A group whose members rank the nodes differently has no best node that could be asked for in the end.
        let priorities = match (shape, all.first()) {
            (Shape::Grouped, Some(first)) => first.priorities.clone(),
            _ => priorities(rng, nodes, version == Version::V3 && shape != Shape::Grouped),
        };
        let intervals = intervals(rng, version, fast);
        // With different intervals these two together never come to rest: the last word of a master that yields
        // gives the other BACKUPs its short interval, they take over before the winner's next advert, and since
        // nobody answers them they last until then, to say a last word of their own.
        if intervals.len() > 1 {
            base.higher_prio_send_advert &= !base.lower_prio_no_advert;
        }
        all.push(Common { base, unicast: rng.percent(25), intervals, priorities });
    }
    all
}

fn priorities(rng: &mut Rng, nodes: usize, two_owners: bool) -> Vec<u8> {
    let kind = rng.below(20);
    let same = u8::try_from(rng.between(1, 254)).unwrap_or(1);
    let mut draw = |_| match kind {
        0..=2 => same,
        3..=5 => rng.pick(&[100, 101]),
        6..=8 => rng.pick(&[250, 251, 252, 253, 254]),
        _ => u8::try_from(rng.between(1, 254)).unwrap_or(1),
    };
    let mut priorities: Vec<u8> = (0..nodes).map(&mut draw).collect();
    if kind >= 18 {
        priorities[0] = 255;
    }
    // Two owners never hear each other in version 2: that is a mistake no router can mend.
    if kind == 19 && two_owners && rng.percent(30) {
        priorities[1] = 255;
    }
    priorities
}

fn intervals(rng: &mut Rng, version: Version, fast: bool) -> Vec<Interval> {
    let centis = match (version, fast) {
        (Version::V2, _) => vec![rng.pick(&[100, 100, 100, 200, 300])],
        (Version::V3, true) => vec![1],
        (Version::V3, false) => {
            let all = [10, 20, 30, 50, 100, 100, 100, 100, 137, 250];
            match rng.percent(25) {
                true => vec![rng.pick(&all), rng.pick(&all), rng.pick(&all)],
                false => vec![rng.pick(&all)],
            }
        }
    };
    centis.into_iter().filter_map(|centis| Interval::from_centis(centis).ok()).collect()
}

/// The instance of one node.
fn personal(rng: &mut Rng, common: &Common, position: usize, hosts: &[u16]) -> InstanceConfig {
    let mut instance = common.base.clone();
    instance.priority = Priority::new(common.priorities[position]).unwrap_or_default();
    instance.interval = rng.pick(&common.intervals);
    if common.unicast {
        let segment = usize::try_from(instance.interface.0).unwrap_or(0);
        // Some users give every host the same list, themselves included.
        let listed = |(at, _): &(usize, &u16)| *at != position || rng.percent(50);
        let peers = hosts.iter().enumerate().filter(listed);
        let peers = peers.map(|(_, host)| Peer::new(source(segment, instance.family, *host)));
        instance.destination = Destination::Unicast(peers.collect());
    }
    instance
}

/// A switch that somebody turns, and perhaps a check.
fn track(rng: &mut Rng, config: &mut RouterConfig) {
    let weight = rng.pick(&[0, 0, -60, -2, 30]);
    config.trackers.push(TrackerConfig::new("switch", TrackerKind::External));
    let mut tracks = vec![Track::new(0, weight)];
    if rng.percent(50) {
        let mut script = ScriptConfig::new(SECOND * u32::try_from(rng.between(1, 3)).unwrap_or(1));
        script.timeout = rng.pick(&[SECOND, SECOND * 5]);
        script.rise = rng.pick(&[1, 2]);
        script.fall = rng.pick(&[1, 3]);
        script.init_fail = rng.percent(20);
        config.trackers.push(TrackerConfig::new("check", TrackerKind::Script(script)));
        tracks.push(Track::new(1, rng.pick(&[0, -30, 10])));
    }
    match config.groups.first_mut() {
        Some(group) => group.track = tracks,
        None => config.instances.iter_mut().for_each(|instance| instance.track.clone_from(&tracks)),
    }
}
