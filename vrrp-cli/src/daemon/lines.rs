//! What the driver and the runner tell, in the words of keepalived's log.
//!
//! People and programs search for these lines, so their texts are those of keepalived 2.2.7 wherever it has one for the
//! event. Everything here is a function of its arguments.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use vrrp_core::wire::Reject;
use vrrp_core::{
    Cause, CheckOutcome, Config, Destination, Family, InstanceConfig, InstanceEvent, InterfaceId, State,
    TrackerEvent, TrackerId, TrackerKind, Version, Vip,
};
use vrrp_net::{Report, runner};

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // what a log needs
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// Only those who want details want it (`-D`).
    pub detail: bool,
    /// Its words.
    pub text: String,
}

/// The names and settings behind the reports.
#[derive(Clone, Debug)]
pub struct Known {
    config: Config,
    instances: HashMap<String, usize>,
    /// Name, and whether it is a script, of the trackers.
    trackers: HashMap<TrackerId, (String, bool)>,
    /// Instances whose addresses do not answer.
    no_accept: BTreeSet<String>,
}

impl Known {
    /// What a configuration knows, with the ids that the router has given its trackers.
    pub fn new<'a>(config: Config, trackers: impl IntoIterator<Item = (TrackerId, &'a str)>) -> Self {
        let named = config.instances().iter().enumerate();
        let instances = named.map(|(at, instance)| (instance.name.clone(), at)).collect();
        let is_script = |name: &str| {
            let found = config.trackers().iter().find(|tracker| tracker.name == name);
            found.is_some_and(|tracker| matches!(tracker.kind, TrackerKind::Script(_)))
        };
        let trackers =
            trackers.into_iter().map(|(id, name)| (id, (name.to_string(), is_script(name)))).collect();
        Self { instances, trackers, config, no_accept: BTreeSet::new() }
    }

    /// Names the instances whose addresses do not answer.
    #[must_use]
    pub fn with_no_accept(self, no_accept: BTreeSet<String>) -> Self {
        Self { no_accept, ..self }
    }

    fn instance(&self, name: &str) -> Option<&InstanceConfig> {
        self.config.instances().get(*self.instances.get(name)?)
    }

    fn interface(&self, id: InterfaceId) -> &str {
        let found = self.config.interfaces().iter().find(|interface| interface.id == id);
        found.map_or("?", |interface| &interface.name)
    }

    fn is_script(&self, tracker: TrackerId) -> bool {
        self.trackers.get(&tracker).is_some_and(|(_, is_script)| *is_script)
    }

    /// Whether the first state of an instance had to wait for a script.
    fn waited_for_script(&self, name: &str) -> bool {
        let tracks = self.instance(name).map_or(&[][..], |instance| &instance.track);
        let kind = |tracker: usize| self.config.trackers().get(tracker).map(|tracker| &tracker.kind);
        tracks
            .iter()
            .any(|track| track.weight == 0 && matches!(kind(track.tracker), Some(TrackerKind::Script(_))))
    }
}

/// What was told before and is part of what is told next.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    interfaces: HashMap<Arc<str>, Seen>,
    held: HashMap<Arc<str>, bool>,
    priorities: HashMap<Arc<str>, u8>,
    checks: HashMap<TrackerId, CheckOutcome>,
}

/// What a report is to be compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // what there is
pub struct Before {
    /// How the interface of the report was, if it was told of.
    pub interface: Option<Seen>,
    /// Whether the kernel held all addresses of the instance of the report, if it was told of.
    pub held: Option<bool>,
    /// The effective priority of the instance of the report, if it ever changed.
    pub priority: Option<u8>,
}

/// How an interface was when it was last told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // what there is
pub struct Seen {
    /// Whether it existed.
    pub exists: bool,
    /// Whether it could carry packets.
    pub up: bool,
    /// Its primary IPv4 address.
    pub v4: Option<IpAddr>,
    /// Its link-local IPv6 address.
    pub v6: Option<IpAddr>,
}

impl Memory {
    /// Remembers what a report says, and gives what was said before.
    pub fn remember(&mut self, report: &Report) -> Before {
        match report {
            Report::Interface { name, exists, up, v4, v6, .. } => {
                let now = Seen { exists: *exists, up: *up, v4: *v4, v6: *v6 };
                Before { interface: self.interfaces.insert(Arc::clone(name), now), ..Before::default() }
            }
            Report::Held { name, complete, .. } => {
                Before { held: self.held.insert(Arc::clone(name), *complete), ..Before::default() }
            }
            Report::Instance { name, what: InstanceEvent::Priority { to, .. }, .. } => {
                Before { priority: self.priorities.insert(Arc::clone(name), *to), ..Before::default() }
            }
            Report::Became { name, .. } => {
                Before { priority: self.priorities.get(name).copied(), ..Before::default() }
            }
            _ => Before::default(),
        }
    }
}

impl Memory {
    /// Forgets what is not configured any more.
    pub fn keep(&mut self, known: &Known) {
        let interfaces = known.config.interfaces();
        self.interfaces.retain(|name, _| interfaces.iter().any(|interface| *interface.name == **name));
        self.held.retain(|name, _| known.instances.contains_key(&**name));
        self.priorities.retain(|name, _| known.instances.contains_key(&**name));
        self.checks.retain(|tracker, _| known.trackers.contains_key(tracker));
    }

    /// Remembers how a check ended, and says whether that is another end than the last time.
    pub fn is_news(&mut self, report: &runner::Report) -> bool {
        match report {
            runner::Report::CheckEnded { tracker, outcome, .. } => {
                self.checks.insert(*tracker, *outcome) != Some(*outcome)
            }
            _ => true,
        }
    }
}

/// The lines for something that the driver tells.
pub fn driver(report: &Report, known: &Known, before: Before) -> Vec<Line> {
    match report {
        Report::Became { name, from, to, cause, .. } => {
            let configured = known.instance(name).map_or(0, |instance| instance.priority.get());
            became(name, *from, *to, *cause, before.priority.unwrap_or(configured), known)
        }
        Report::Instance { name, what, .. } => instance(name, what, known).into_iter().collect(),
        Report::Group { name, to, .. } => {
            // keepalived speaks of the state in capitals when it is not BACKUP.
            let state = if *to == State::Backup { "BACKUP state" } else { &format!("{to} state") };
            vec![info(format!("VRRP_Group({name}) Syncing instances to {state}"))]
        }
        Report::Tracker { tracker, name, what } if known.is_script(*tracker) => {
            script(name, *what).into_iter().collect()
        }
        // Interfaces speak for themselves, and what stands for a lasting fault says nothing new.
        Report::Tracker { .. } => Vec::new(),
        Report::Rejected { source: Some(source), reject } => {
            vec![trace(format!("packet from {source} dropped: {reject}"))]
        }
        Report::Rejected { source: None, reject } => vec![trace(format!("packet dropped: {reject}"))],
        Report::StartupDelay(Duration::ZERO) => vec![info("Delayed start completed".to_string())],
        Report::StartupDelay(delay) => vec![info(format!("Delaying startup for {} seconds", delay.as_secs_f64()))],
        Report::Lost { events } => vec![warn(format!("{events} events were lost: too many came at once"))],
        Report::Addresses { name, wanted, .. } => addresses(name, *wanted, known),
        Report::Announcing { name, addresses, count, .. } => announcing(name, addresses, *count, known),
        Report::Announced { interface, address, .. } => {
            let (_, each) = announcements(address);
            vec![detail(format!("Sending {each} on {} for {address}", known.interface(*interface)))]
        }
        // An address that the kernel refuses is tried again and again; once is enough to know it.
        Report::Held { complete, .. } if before.held == Some(*complete) => Vec::new(),
        Report::Held { name, complete: false, .. } => {
            vec![warn(format!("({name}) the kernel does not hold all addresses; they are set again"))]
        }
        Report::Held { name, complete: true, .. } => {
            vec![detail(format!("({name}) the kernel holds all addresses"))]
        }
        Report::Transmit { name, destination, errno: Some(errno), .. } => {
            let words = nix::errno::Errno::from_raw(*errno).desc();
            let unicast = known.instance(name).is_some_and(is_unicast);
            vec![warn(match unicast {
                true => format!("({name}) Cant send advert to {destination} ({words})"),
                false => format!("({name}): send advert error {errno} ({words})"),
            })]
        }
        Report::Transmit { name, destination, errno: None, .. } => {
            vec![info(format!("({name}) adverts to {destination} go out again"))]
        }
        Report::Interface { name, exists, up, v4, v6, .. } => {
            interface(name, before.interface, Seen { exists: *exists, up: *up, v4: *v4, v6: *v6 })
        }
        Report::Overrun => vec![warn(
            "Netlink: Receive buffer overrun on monitor socket - (No buffer space available); everything is looked at anew"
                .to_string(),
        )],
        Report::Trouble { name: Some(name), text } => vec![warn(format!("({name}) {text}"))],
        Report::Trouble { name: None, text } => vec![warn(text.clone())],
        other => vec![trace(format!("{other:?}"))],
    }
}

fn interface(name: &str, before: Option<Seen>, now: Seen) -> Vec<Line> {
    let was = before.unwrap_or(Seen { v4: None, v6: None, ..now });
    let mut lines = match (was.exists, now.exists) {
        (true, false) => vec![warn(format!("Interface {name} deleted"))],
        (false, true) => vec![info(format!("Interface {name} added"))],
        _ => Vec::new(),
    };
    match (was.up, now.up) {
        (true, false) if now.exists => lines.push(warn(format!("Netlink reports {name} down"))),
        (false, true) => lines.push(info(format!("Netlink reports {name} up"))),
        _ => {}
    }
    for (was, now) in [(was.v4, now.v4), (was.v6, now.v6)].into_iter().filter(|(was, now)| was != now) {
        // Of two that change places neither came nor went.
        match (was, now) {
            (None, Some(came)) if before.is_some() => {
                lines.push(detail(format!("Netlink reflector reports IP {came} added to {name}")));
            }
            (Some(gone), None) => {
                lines.push(detail(format!("Netlink reflector reports IP {gone} removed from {name}")));
            }
            _ => {}
        }
        lines.extend(was.map(|was| detail(format!("Deassigned address {was} from interface {name}"))));
        lines.extend(now.map(|now| detail(format!("Assigned address {now} for interface {name}"))));
    }
    lines
}

/// The lines for something that the runner tells; `is_news` is what [`Memory::is_news`] says of it.
pub fn script_report(report: &runner::Report, is_news: bool) -> Vec<Line> {
    match report {
        // What follows from the result is told by the router; here are the script's own words, or why it has none.
        runner::Report::CheckEnded { words, .. } if words.is_empty() => Vec::new(),
        runner::Report::CheckEnded { name, words, .. } => {
            let text = format!("VRRP_Script({name}) says: {words}");
            vec![if is_news { info(text) } else { detail(text) }]
        }
        runner::Report::NotifyEnded { outcome, .. } if outcome.is_success() => Vec::new(),
        runner::Report::NotifyEnded { name, command, outcome, words } => {
            let said = if words.is_empty() { String::new() } else { format!(": {words}") };
            vec![warn(format!("({name}) notify `{command}` failed ({}){said}", ended(*outcome)))]
        }
        runner::Report::NotifyStopped { name, command, after } => vec![warn(format!(
            "({name}) notify `{command}` has run for {} s while others wait: it is stopped",
            after.as_secs()
        ))],
        runner::Report::NotifyDropped { name, command } => {
            vec![warn(format!("({name}) notify `{command}` is not run: too many wait"))]
        }
        other => vec![trace(format!("{other:?}"))],
    }
}

fn became(name: &str, from: State, to: State, cause: Cause, ours: u8, known: &Known) -> Vec<Line> {
    let mut lines: Vec<Line> = why(name, to, cause, ours, known).into_iter().collect();
    let first = from == State::Initialize && !known.waited_for_script(name);
    let init = if first { " (init)" } else { "" };
    match to {
        State::Master => lines.push(info(format!("({name}) Entering MASTER STATE"))),
        State::Backup => lines.push(info(format!("({name}) Entering BACKUP STATE{init}"))),
        State::Fault => lines.push(warn(format!("({name}) Entering FAULT STATE{init}"))),
        State::Initialize => {}
    }
    lines
}

fn why(name: &str, to: State, cause: Cause, ours: u8, known: &Known) -> Option<Line> {
    Some(match cause {
        Cause::MasterDown | Cause::MasterResigned => {
            detail(format!("({name}) Receive advertisement timeout"))
        }
        Cause::HigherPriority { from, priority } => info(format!(
            "({name}) Master received advert from {from} with higher priority {priority}, ours {ours}"
        )),
        Cause::HigherAddress { from, priority } => info(format!(
            "({name}) Master received advert from {from} with same priority {priority} but higher IP address than ours"
        )),
        Cause::InterfaceDown { interface } => {
            warn(format!("({name}): entering FAULT state (interface {} down)", known.interface(interface)))
        }
        Cause::NoSource { .. } => {
            let family = match known.instance(name).map(|instance| instance.family) {
                Some(Family::V6) => "IPv6",
                Some(Family::V4) | None => "IPv4",
            };
            match known.instance(name).is_some_and(|instance| instance.source.is_some()) {
                true => warn(format!("({name}): entering FAULT state (src address not configured)")),
                false => warn(format!("({name}) entering FAULT state (no {family} address for interface)")),
            }
        }
        Cause::Tracker { tracker } if to == State::Fault => {
            let what = match known.trackers.get(&tracker) {
                Some((script, true)) => format!(" due to script {script}"),
                Some((name, false)) => format!(" ({name} down)"),
                None => String::new(),
            };
            warn(format!("({name}): entering FAULT state{what}"))
        }
        Cause::NotHeld => {
            warn(format!("({name}) the kernel does not take the addresses: somebody else is to be master"))
        }
        Cause::TransmitFailed => {
            warn(format!("({name}) no advert can be sent: somebody else is to be master"))
        }
        Cause::Removed => info(format!("({name}) is not configured any more")),
        _ => return None,
    })
}

fn instance(name: &str, what: &InstanceEvent, known: &Known) -> Option<Line> {
    Some(match *what {
        InstanceEvent::Rejected { source, reject } => {
            return rejected(source, &reject, known.instance(name))
                .map(|text| warn(format!("({name}) {text}")));
        }
        InstanceEvent::MasterIs { address, before: None } => {
            detail(format!("({name}) master set to {address}"))
        }
        InstanceEvent::MasterIs { address, before: Some(before) } => {
            detail(format!("({name}) master changed from {before} to {address}"))
        }
        InstanceEvent::BackupReceivedPriorityZero => {
            detail(format!("({name}) Backup received priority 0 advertisement"))
        }
        InstanceEvent::MasterReceivedPriorityZero => {
            detail(format!("({name}) Master received priority 0 message"))
        }
        InstanceEvent::LowerPriorityDiscarded { from, priority } => {
            info(format!("({name}) received lower priority ({priority}) advert from {from} - discarding"))
        }
        InstanceEvent::LowerPriorityReceived { from, priority, ours } => warn(format!(
            "({name}) Received advert from {from} with lower priority {priority}, ours {ours}, forcing new election"
        )),
        InstanceEvent::TwoOwners { other } => warn(format!(
            "({name}) WARNING - {other} sends with priority 255: two routers claim to own the addresses"
        )),
        InstanceEvent::IntervalAdopted { ours, theirs } => info(format!(
            "({name}) advertisement interval mismatch ours = {} centi-sec rcv'd={} centi-sec",
            ours.as_centis(),
            theirs.as_centis()
        )),
        InstanceEvent::AddressListDiffers { from, theirs, ours } if theirs == ours => {
            warn(format!("({name}) {}", absent(from, known.instance(name)?)))
        }
        InstanceEvent::AddressListDiffers { theirs, ours, .. } => {
            warn(format!("({name}) expected {ours} VIPs but received {theirs}"))
        }
        InstanceEvent::LinkLocalNotFirst { from } => {
            warn(format!("({name}) first address in advert from {from} is not link-local"))
        }
        InstanceEvent::Priority { from, to } => {
            info(format!("({name}) Changing effective priority from {from} to {to}"))
        }
        InstanceEvent::PreemptDelayStarted { delay } => {
            detail(format!("({name}) start preempt delay ({}.{:06})", delay.as_secs(), delay.subsec_micros()))
        }
        InstanceEvent::PreemptDelayStopped => detail(format!("({name}) stop preempt delay")),
        InstanceEvent::SentPriorityZero => detail(format!("({name}) sent 0 priority")),
        InstanceEvent::Late { by } => {
            warn(format!("A thread timer expired {}.{:06} seconds ago", by.as_secs(), by.subsec_micros()))
        }
        ref other => trace(format!("({name}) {other:?}")),
    })
}

/// Why an advert was dropped; none for what is no news.
fn rejected(source: IpAddr, reject: &Reject, instance: Option<&InstanceConfig>) -> Option<String> {
    let version = instance.map_or(2, |instance| instance.version.number());
    Some(match *reject {
        Reject::Ttl { found, min: 255, .. } => {
            format!("invalid TTL/HL from {source}. Received {found} and expect 255")
        }
        Reject::Ttl { found, min, max } => {
            format!("TTL/HL {found} from {source} not in range [{min}, {max}]")
        }
        Reject::Version { found, expected } => {
            let expected = expected.map_or(version, Version::number);
            format!("wrong VRRP version from {source}. Received {found} and expect {expected}")
        }
        Reject::Type { found } => format!("Invalid packet type from {source}. {found} and expect 1"),
        Reject::Checksum { .. } => format!("Invalid VRRPv{version} checksum from {source}"),
        Reject::Owner => format!("Dropping packet(s) from {source} since we are address owner"),
        Reject::AuthTypeInvalid { found } => format!("Invalid auth type from {source}: {found}"),
        Reject::AuthTypeMismatch { found, expected } => {
            format!("received a {found} auth from {source}, expecting {expected}!")
        }
        Reject::AuthFailure => format!("received an invalid passwd from {source}!"),
        Reject::IntervalMismatch { found, expected } => format!(
            "advertisement interval mismatch with {source} mine={} sec rcv'd={} sec",
            expected.as_centis() / 100,
            found.as_centis() / 100
        ),
        Reject::AddressList => format!("ip addresses in advert from {source} are not those of this instance"),
        Reject::Mode => match instance.is_some_and(is_unicast) {
            true => format!("Expected unicast packet but received multicast packet from {source}"),
            false => format!("Expected multicast packet but received unicast packet from {source}"),
        },
        Reject::UnlistedPeer => format!("unicast source address {source} not a unicast peer"),
        // The kernel does not give us our own packets: it is another host.
        Reject::OwnSource => {
            "WARNING - equal priority advert received from remote host with our IP address.".to_string()
        }
        // Packets before the instance is ready come every second.
        Reject::NotReady => return None,
        ref other => format!("packet from {source} dropped: {other}"),
    })
}

/// As many addresses as we have, and others.
fn absent(source: IpAddr, instance: &InstanceConfig) -> String {
    let ours = instance.addresses.iter().take(SHOWN).map(|vip| vip.address.to_string());
    let vrid = instance.vrid.get();
    let list = ours.collect::<Vec<_>>().join(", ");
    format!("ip address associated with VRID {vrid} not present in advert from {source}: one of {list}")
}

/// Addresses in one line.
const SHOWN: usize = 16;

fn script(name: &str, what: TrackerEvent) -> Option<Line> {
    Some(match what {
        TrackerEvent::Returned(CheckOutcome::Exited(status)) => {
            info(format!("Script `{name}` now returning {status}"))
        }
        TrackerEvent::Returned(CheckOutcome::NotRun) => warn(format!("Script `{name}` cannot be run")),
        TrackerEvent::Returned(CheckOutcome::Signaled(_)) => return None,
        TrackerEvent::Up => info(format!("VRRP_Script({name}) succeeded")),
        TrackerEvent::Down { last: Some(outcome) } => {
            warn(format!("VRRP_Script({name}) failed ({})", ended(outcome)))
        }
        TrackerEvent::Down { last: None } => warn(format!("VRRP_Script({name}) failed")),
        TrackerEvent::TimedOut => warn(format!("VRRP_Script({name}) timed_out")),
        TrackerEvent::StillRunning => {
            info(format!("Track script {name} is already running, expect idle - skipping run"))
        }
        other => trace(format!("VRRP_Script({name}) {other:?}")),
    })
}

fn ended(outcome: CheckOutcome) -> String {
    match outcome {
        CheckOutcome::Exited(status) => format!("exited with status {status}"),
        CheckOutcome::NotRun => "cannot be run".to_string(),
        CheckOutcome::Signaled(signal) => format!("due to signal {signal}"),
    }
}

fn addresses(name: &str, wanted: bool, known: &Known) -> Vec<Line> {
    let doing = if wanted { "setting" } else { "removing" };
    let instance = known.instance(name);
    let has = |which: fn(&InstanceConfig) -> &Vec<Vip>| instance.map(|instance| !which(instance).is_empty());
    let mut lines = Vec::new();
    // Of an instance that is not configured any more nothing is known but that it had addresses.
    if has(|instance| &instance.addresses).unwrap_or(true) {
        lines.push(detail(format!("({name}) {doing} VIPs.")));
    }
    if has(|instance| &instance.excluded).unwrap_or(false) {
        lines.push(detail(format!("({name}) {doing} E-VIPs.")));
    }
    if known.no_accept.contains(name) {
        // The filter is there before the addresses are, and goes after them.
        let place = if wanted { 0 } else { lines.len() };
        lines.insert(place, detail(format!("({name}) {doing} firewall drop rule")));
    }
    lines
}

fn announcing(name: &str, addresses: &[(InterfaceId, IpAddr)], count: usize, known: &Known) -> Vec<Line> {
    let named = addresses.iter().map(|(interface, address)| {
        let ((all, _), interface) = (announcements(address), known.interface(*interface));
        detail(format!("({name}) Sending/queueing {all} on {interface} for {address}"))
    });
    let rest = addresses.last().filter(|_| count > addresses.len()).map(|(_, last)| {
        let ((all, _), rest) = (announcements(last), count - addresses.len());
        detail(format!("({name}) Sending/queueing {all} for {rest} more addresses"))
    });
    named.chain(rest).collect()
}

/// What announces an address: in general, and one of them.
fn announcements(address: &IpAddr) -> (&'static str, &'static str) {
    match Family::of(address) {
        Family::V4 => ("gratuitous ARPs", "gratuitous ARP"),
        Family::V6 => ("Unsolicited Neighbour Adverts", "unsolicited Neighbour Advert"),
    }
}

fn is_unicast(instance: &InstanceConfig) -> bool {
    matches!(instance.destination, Destination::Unicast(_))
}

fn info(text: String) -> Line {
    Line { level: Level::Info, detail: false, text }
}

fn warn(text: String) -> Line {
    Line { level: Level::Warn, detail: false, text }
}

fn detail(text: String) -> Line {
    Line { level: Level::Info, detail: true, text }
}

/// For those who look for what nobody has a line for.
fn trace(text: String) -> Line {
    Line { level: Level::Trace, detail: true, text }
}
