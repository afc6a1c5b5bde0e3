//! What holds whatever a router is told, in whatever order, and however late its actions are taken
//! (T1, T2, V4, V5, V6, V7, V8 and V14 of the conformance catalogue).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::queue::Events;
use crate::trace::Recorder;
use crate::wire::{AdvertTemplate, ChecksumForm, Datagram, GROUP_V4};
use crate::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes, in units of 50 ms, and the timers fire.
    Tick(u16),
    /// Time passes to the deadline.
    Deadline,
    Packet(Forged),
    Interface(u32, bool),
    Source(u32, bool),
    Tracker(bool),
    CheckEnded(u8),
    Held(u32, bool),
    TransmitFailed(u32),
    Reconfigure(u8),
    Shutdown,
}

/// An advert, which may break a rule.
#[derive(Clone, Copy, Debug)]
struct Forged {
    vrid: u8,
    version: Version,
    priority: u8,
    /// The last octet of the source; 1 is ours.
    from: u8,
    centis: u16,
    ttl: u8,
    flip: Option<u8>,
    late: u8,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_router_keeps_its_invariants(first in 0_u8..4, steps in vec((step(), prop_oneof![9 => Just(1000), 1 => 0_usize..4]), 1..120)) {
        let mut world = World::new(first);
        world.step(&Step::Tick(0), 1000)?;
        for (step, taken) in steps {
            world.step(&step, taken)?;
        }
        world.settle()?;
    }
}

struct World {
    router: Router,
    now: Time,
    known: BTreeMap<InstanceId, State>,
    /// Who left MASTER but for somebody better, and has not said so with priority 0.
    owes: BTreeSet<InstanceId>,
    held: BTreeMap<InstanceId, BTreeSet<Vip>>,
    notified: BTreeMap<InstanceId, Notification>,
    log: String,
}

impl World {
    fn new(first: u8) -> Self {
        Self {
            router: Router::new(config(first)),
            now: Time::ZERO,
            known: BTreeMap::new(),
            owes: BTreeSet::new(),
            held: BTreeMap::new(),
            notified: BTreeMap::new(),
            log: format!("configuration {first}\n"),
        }
    }

    fn step(&mut self, step: &Step, taken: usize) -> Result<(), TestCaseError> {
        self.log += &format!("{} {step:?}, {taken} taken\n", self.now);
        let octets;
        let input = match step {
            Step::Tick(units) => {
                self.now = self.now + Duration::from_millis(50) * u32::from(*units);
                Input::Tick
            }
            Step::Deadline => {
                self.now = self.router.deadline().map_or(self.now, |at| at.max(self.now));
                Input::Tick
            }
            Step::Packet(forged) => {
                octets = forged.octets();
                let received = self.now.saturating_sub(Duration::from_millis(u64::from(forged.late)));
                let datagram = Datagram::V4(&octets);
                Input::Packet(Packet { interface: InterfaceId(1), received, datagram })
            }
            Step::Interface(id, up) => Input::Interface { interface: InterfaceId(*id), up: *up },
            Step::Source(id, there) => {
                let address = there.then_some(Ipv4Addr::new(192, 0, 2, 1).into());
                Input::Source { interface: InterfaceId(*id), family: Family::V4, address }
            }
            Step::Tracker(up) => {
                let tracker = self.router.trackers().find(|tracker| tracker.name() == "t");
                let Some(tracker) = tracker.map(|tracker| tracker.id()) else { return Ok(()) };
                Input::Tracker { tracker, up: *up }
            }
            Step::CheckEnded(how) => {
                let tracker = self.router.trackers().find(|tracker| tracker.name() == "chk");
                let Some(tracker) = tracker.map(|tracker| tracker.id()) else { return Ok(()) };
                let outcome = match how {
                    0 | 1 => CheckOutcome::Exited((*how).into()),
                    2 => CheckOutcome::NotRun,
                    _ => CheckOutcome::Signaled(9),
                };
                Input::CheckEnded { tracker, outcome }
            }
            Step::Held(id, complete) => {
                Input::Held { instance: InstanceId::from_number(*id), complete: *complete }
            }
            Step::TransmitFailed(id) => Input::TransmitFailed { instance: InstanceId::from_number(*id) },
            Step::Reconfigure(number) => Input::Reconfigure(config(*number)),
            Step::Shutdown => Input::Shutdown,
        };
        let (is_packet, is_tick) = (matches!(input, Input::Packet(_)), matches!(input, Input::Tick));
        let before = self.router.clone();
        let _ = self.router.handle(self.now, input);
        if is_packet {
            self.one_counter_moves(&before)?;
        }
        self.drain(taken)?;
        if taken == 1000 {
            self.look(is_tick)?;
        }
        Ok(())
    }

    /// V14 and T2: one packet, one counter; one that was dropped changes nothing else.
    fn one_counter_moves(&self, before: &Router) -> Result<(), TestCaseError> {
        if self.router.phase == super::Phase::Stopped {
            return Ok(());
        }
        let total = |router: &Router| {
            let instances = router.instances.iter().map(|instance| &instance.stats);
            let accepted: u64 = instances.clone().map(|stats| stats.adverts_received).sum();
            let dropped: u64 = instances.map(|stats| stats.rejected.total()).sum();
            (accepted, dropped + router.stats.rejected.total())
        };
        let ((accepted, dropped), (accepted_before, dropped_before)) = (total(&self.router), total(before));
        let moved = (accepted - accepted_before, dropped - dropped_before);
        prop_assert!(moved == (1, 0) || moved == (0, 1), "{moved:?} after\n{}", self.log);
        if moved == (0, 1) {
            let (mut before, mut after) = (before.clone(), self.router.clone());
            before.now = after.now;
            forget(&mut before);
            forget(&mut after);
            prop_assert!(before == after, "a dropped packet changed the router after\n{}", self.log);
        }
        Ok(())
    }

    /// Takes some of the actions, and compares them with what the world knows.
    fn drain(&mut self, taken: usize) -> Result<(), TestCaseError> {
        let mut recorder = Recorder::new();
        let (now, log) = (self.now, &mut self.log);
        let mut actions = Actions::new(&mut self.router);
        for _ in 0..taken {
            let Some(action) = actions.next() else { break };
            *log += &format!("{}\n", recorder.action(now, &action));
            match action {
                Action::Become(Become { instance, from, to, cause, .. }) => {
                    let known = self.known.insert(instance, to).unwrap_or(State::Initialize);
                    prop_assert_eq!(known, from, "the world knows another state after\n{}", log);
                    let yields = matches!(cause, Cause::HigherPriority { .. } | Cause::HigherAddress { .. });
                    if from == State::Master && !yields {
                        self.owes.insert(instance);
                    }
                    if to == State::Master {
                        self.owes.remove(&instance);
                    }
                }
                Action::Transmit(Transmit { instance, datagram, .. }) => {
                    let known = self.known.get(&instance).copied();
                    // The third octet behind the IPv4 header is the priority.
                    match datagram[22] {
                        0 => {
                            prop_assert!(known != Some(State::Master), "V5 after\n{}", log);
                            prop_assert!(self.owes.remove(&instance), "V5 after\n{}", log);
                        }
                        _ => prop_assert_eq!(
                            known,
                            Some(State::Master),
                            "who is no MASTER sent after\n{}",
                            log
                        ),
                    }
                }
                Action::RemoveAddresses { instance, addresses } => {
                    let held = self.held.entry(instance).or_default();
                    held.retain(|vip| !addresses.contains(vip));
                }
                Action::AddAddresses { instance, addresses } => {
                    prop_assert_eq!(self.known.get(&instance), Some(&State::Master), "added after\n{}", log);
                    self.held.entry(instance).or_default().extend(addresses);
                }
                Action::Announce(Announce { instance, addresses, repeat, .. }) => {
                    let held = self.held.entry(instance).or_default();
                    prop_assert!(
                        repeat > 0 && addresses.iter().all(|vip| held.contains(vip)),
                        "announced after\n{}",
                        log
                    );
                }
                Action::Notify(Notify { subject: Subject::Instance(instance), what, .. }) => {
                    if what != Notification::MasterRxLowerPri {
                        let before = self.notified.insert(instance, what);
                        prop_assert_ne!(before, Some(what), "notified twice after\n{}", log);
                    }
                }
                Action::Notify(_) | Action::RunCheck { .. } | Action::StopCheck { .. } | Action::Event(_) => {
                }
            }
        }
        Ok(())
    }

    /// What is to be seen when nothing is pending.
    fn look(&self, ticked: bool) -> Result<(), TestCaseError> {
        let log = &self.log;
        if ticked {
            let deadline = self.router.deadline();
            prop_assert!(deadline.is_none_or(|at| at > self.now), "a due timer did not fire after\n{}", log);
        }
        let nothing = BTreeSet::new();
        for instance in self.router.instances() {
            let known = self.known.get(&instance.id()).copied().unwrap_or(State::Initialize);
            prop_assert_eq!(known, instance.state(), "after\n{}", log);
            let deadline = instance.deadline();
            match instance.state() {
                State::Initialize | State::Fault => prop_assert_eq!(deadline, None, "V4 after\n{}", log),
                State::Backup => {
                    let waits = deadline.is_none() && self.is_held_back(instance.id());
                    prop_assert!(deadline.is_some() || waits, "V4 after\n{}", log);
                }
                State::Master => {
                    // T1: the next advert is never more than an interval away.
                    let latest = self.now + instance.config().interval.as_duration();
                    prop_assert!(deadline.is_some_and(|at| at <= latest), "T1 after\n{}", log);
                }
            }
            let held = self.held.get(&instance.id()).unwrap_or(&nothing);
            let wanted: BTreeSet<Vip> = match instance.state() {
                State::Master => instance.config().addresses.iter().copied().collect(),
                State::Initialize | State::Backup | State::Fault => BTreeSet::new(),
            };
            prop_assert_eq!(held, &wanted, "addresses after\n{}", log);
            if instance.config().version == Version::V2 {
                prop_assert_eq!(instance.master_interval(), instance.config().interval, "V7 after\n{}", log);
            }
        }
        for group in &self.router.groups {
            let members = group.config.members.iter().map(|member| &self.router.instances[*member]);
            let masters: BTreeSet<bool> = members.map(|member| member.state() == State::Master).collect();
            prop_assert!(masters.len() <= 1, "a group is split after\n{}", log);
        }
        let gone = self.held.iter().filter(|(id, _)| self.router.instance(**id).is_none());
        for (id, held) in gone {
            prop_assert!(held.is_empty(), "#{id} left {held:?} behind after\n{}", log);
        }
        Ok(())
    }

    /// Whether an instance without a timer is in a group of which another member still listens, or has not started.
    fn is_held_back(&self, id: InstanceId) -> bool {
        let groups = self.router.groups.iter().map(|group| &group.config.members);
        let instances = &self.router.instances;
        let mut own = groups.filter(|members| members.iter().any(|member| instances[*member].id == id));
        own.any(|members| {
            let mut others = members.iter().map(|member| &instances[*member]).filter(|other| other.id != id);
            others.any(|other| match other.state() {
                State::Initialize => true,
                State::Backup => other.deadline().is_some(),
                State::Master | State::Fault => false,
            })
        })
    }

    /// In the end everything stops, and nothing is left.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.step(&Step::Shutdown, 1000)?;
        prop_assert_eq!(self.router.deadline(), None, "after\n{}", &self.log);
        Ok(())
    }
}

/// Forgets what a dropped packet may change: counters, and what was told of it.
fn forget(router: &mut Router) {
    router.stats = RouterStats::default();
    router.told = instance::Told::default();
    router.events = Events::default();
    for instance in &mut router.instances {
        instance.stats.rejected = Rejects::default();
        instance.told = instance::Told::default();
    }
}

impl Forged {
    fn octets(self) -> Vec<u8> {
        let (vrid, interval) = (Vrid::new(self.vrid).unwrap(), Interval::from_centis(self.centis).unwrap());
        let vips = [IpAddr::from(Ipv4Addr::new(192, 0, 2, 100 + self.vrid))];
        let form = ChecksumForm::PseudoHeader;
        let advert = AdvertTemplate::new(self.version, Family::V4, vrid, interval, &vips, None, form);
        let source = Ipv4Addr::new(192, 0, 2, self.from).into();
        let mut advert = advert.unwrap();
        let octets = advert.write(self.priority, source, GROUP_V4.into(), self.ttl, 1).unwrap();
        let mut octets = octets.to_vec();
        if let Some(at) = self.flip {
            let at = usize::from(at) % octets.len();
            octets[at] ^= 1;
        }
        octets
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![Just(0), 0_u16..30, 0_u16..3000].prop_map(Step::Tick),
        6 => Just(Step::Deadline),
        8 => forged().prop_map(Step::Packet),
        2 => (1_u32..3, prop_oneof![3 => Just(true), 1 => Just(false)]).prop_map(|(id, up)| Step::Interface(id, up)),
        2 => (1_u32..3, prop_oneof![5 => Just(true), 1 => Just(false)]).prop_map(|(id, there)| Step::Source(id, there)),
        1 => any::<bool>().prop_map(Step::Tracker),
        2 => (0_u8..4).prop_map(Step::CheckEnded),
        1 => (0_u32..9, any::<bool>()).prop_map(|(id, complete)| Step::Held(id, complete)),
        1 => (0_u32..9).prop_map(Step::TransmitFailed),
        1 => (0_u8..4).prop_map(Step::Reconfigure),
    ]
}

prop_compose! {
    fn forged()(
        vrid in 51_u8..55,
        v2 in any::<bool>(),
        priority in prop_oneof![Just(0), Just(50), Just(100), Just(150), Just(255), any::<u8>()],
        from in 0_u8..4,
        secs in prop_oneof![5 => Just(1_u16), 1 => 2_u16..4],
        ttl in prop_oneof![9 => Just(255), 1 => Just(254)],
        flip in prop_oneof![6 => Just(None), 1 => any::<u8>().prop_map(Some)],
        late in prop_oneof![2 => Just(0), 1 => any::<u8>()],
    ) -> Forged {
        let version = if v2 { Version::V2 } else { Version::V3 };
        Forged { vrid, version, priority, from, centis: secs * 100, ttl, flip, late }
    }
}

/// Four configurations that differ in addresses, priorities, trackers and members.
fn config(number: u8) -> Config {
    let mut config = RouterConfig::new();
    for id in [1, 2] {
        config.interfaces.push(InterfaceConfig::new(InterfaceId(id), format!("eth{id}")));
    }
    config.trackers.push(TrackerConfig::new("t", TrackerKind::External));
    if number != 3 {
        let mut script = ScriptConfig::new(Duration::from_secs(2));
        (script.rise, script.fall) = (2, 1 + u32::from(number));
        config.trackers.push(TrackerConfig::new("chk", TrackerKind::Script(script)));
    }
    let instance = |name: &str, vrid: u8, interface: u32, version: Version| {
        let mut vips = Vec::new();
        for extra in 0..=number % 3 {
            let address = Ipv4Addr::new(192, 0, 2, 100 + vrid + 20 * extra);
            vips.push(Vip::new(address.into(), 24, InterfaceId(interface)));
        }
        let mut instance = InstanceConfig::new(name, InterfaceId(1), Vrid::new(vrid).unwrap(), vips);
        instance.version = version;
        instance.announce.master_refresh = Duration::from_secs(7);
        instance
    };
    let mut single = instance("VI_1", 51, 1, Version::V3);
    single.track = [Track::new(0, -30), Track::new(0, 0)][..usize::from(number % 3)].to_vec();
    single.priority = Priority::new(if number == 2 { 255 } else { 100 + number }).unwrap();
    single.preempt_delay = Duration::from_secs(u64::from(number) * 3);
    let mut old = instance("VI_2", 52, 1, Version::V2);
    old.preempt = number != 1;
    config.instances = Vec::from([single, old]);
    config.instances.push(instance("G_1", 53, 1, Version::V3));
    config.instances.push(instance("G_2", 54, 2, Version::V3));
    if number != 3 {
        config.instances[2].track.push(Track::new(1, 0));
    }
    config.groups.push(GroupConfig::new("G", Vec::from([2, 3])));
    Config::new(config).unwrap()
}
