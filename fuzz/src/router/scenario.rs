//! Facts from bytes. Most of them make sense, or none would get far.

mod config;
mod packet;

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use vrrp_core::{
    CheckOutcome, Config, Family, Input, InstanceId, InterfaceId, Packet, Router, Time, TrackerId,
};

pub(super) use config::config;

/// What can be named: the ids that exist, and the present.
#[derive(Debug)]
pub(super) struct Facts {
    instances: Vec<InstanceId>,
    trackers: Vec<TrackerId>,
    now: Time,
}

impl Facts {
    pub(super) fn of(router: &Router, now: Time) -> Self {
        Self {
            instances: router.instances().map(|instance| instance.id()).collect(),
            trackers: router.trackers().map(|tracker| tracker.id()).collect(),
            now,
        }
    }
}

/// One step of a scenario.
#[derive(Debug)]
pub(super) enum Step {
    /// Time goes on.
    Pass(Duration),
    /// Time goes on to the router's deadline, and a little or much beyond.
    ToDeadline(Duration),
    /// The router is told something, and some of what it asks for is taken.
    Tell {
        input: Told,
        take: usize,
        /// How far behind the clock of the caller is: a clock that goes back.
        stale: Duration,
    },
}

/// An input that owns its octets.
#[derive(Debug)]
pub(super) enum Told {
    CheckEnded(TrackerId, CheckOutcome),
    Held(InstanceId, bool),
    Interface(InterfaceId, bool),
    Packet { interface: InterfaceId, age: Duration, octets: packet::Octets },
    Reconfigure(Box<Config>),
    Shutdown,
    Source(InterfaceId, Family, Option<std::net::IpAddr>),
    Tick,
    Tracker(TrackerId, bool),
    TransmitFailed(InstanceId),
}

impl Told {
    pub(super) fn as_input(&self, now: Time) -> Input<'_> {
        match self {
            Self::CheckEnded(tracker, outcome) => Input::CheckEnded { tracker: *tracker, outcome: *outcome },
            Self::Held(instance, complete) => Input::Held { instance: *instance, complete: *complete },
            Self::Interface(interface, up) => Input::Interface { interface: *interface, up: *up },
            Self::Packet { interface, age, octets } => Input::Packet(Packet {
                interface: *interface,
                received: now.saturating_sub(*age),
                datagram: octets.datagram(),
            }),
            Self::Reconfigure(config) => Input::Reconfigure(Config::clone(config)),
            Self::Shutdown => Input::Shutdown,
            Self::Source(interface, family, address) => {
                Input::Source { interface: *interface, family: *family, address: *address }
            }
            Self::Tick => Input::Tick,
            Self::Tracker(tracker, up) => Input::Tracker { tracker: *tracker, up: *up },
            Self::TransmitFailed(instance) => Input::TransmitFailed { instance: *instance },
        }
    }
}

/// The next step.
pub(super) fn step(bytes: &mut Unstructured<'_>, facts: &Facts) -> Result<Step> {
    let kind = bytes.int_in_range(0..=15_u8)?;
    Ok(match kind {
        0 => Step::Pass(Duration::from_micros(bytes.arbitrary::<u32>()?.into())),
        1 => Step::ToDeadline(match bytes.arbitrary::<u8>()? {
            late @ 0..=199 => Duration::from_nanos(late.into()),
            late => Duration::from_secs(u64::from(late - 199) * 7),
        }),
        kind => {
            let input = told(bytes, facts, kind)?;
            let take = match bytes.int_in_range(0..=7_u8)? {
                0 => bytes.int_in_range(0..=3_usize)?,
                _ => usize::MAX,
            };
            let stale = Duration::from_millis(match bytes.int_in_range(0..=15_u8)? {
                0 => bytes.arbitrary::<u16>()?.into(),
                _ => 0,
            });
            Step::Tell { input, take, stale }
        }
    })
}

fn told(bytes: &mut Unstructured<'_>, facts: &Facts, kind: u8) -> Result<Told> {
    Ok(match kind {
        2..=4 => Told::Tick,
        5 => Told::Interface(interface(bytes)?, bytes.arbitrary()?),
        6 => {
            let (interface, family) = (interface(bytes)?, config::family(bytes)?);
            let address = bytes.arbitrary::<bool>()?.then(|| packet::host(family, 1));
            Told::Source(interface, family, address)
        }
        7 => Told::Held(instance(bytes, facts)?, bytes.arbitrary()?),
        8 => Told::TransmitFailed(instance(bytes, facts)?),
        9 => {
            let outcome = match bytes.int_in_range(0..=3_u8)? {
                0 => CheckOutcome::NotRun,
                1 => CheckOutcome::Signaled(bytes.arbitrary::<u8>()?.into()),
                2 => CheckOutcome::Exited(bytes.arbitrary::<u8>()?.into()),
                _ => CheckOutcome::Exited(0),
            };
            Told::CheckEnded(tracker(bytes, facts)?, outcome)
        }
        10 => Told::Tracker(tracker(bytes, facts)?, bytes.arbitrary()?),
        11 => match bytes.int_in_range(0..=7_u8)? {
            0 => Told::Shutdown,
            _ => match config(bytes)? {
                Some(config) => Told::Reconfigure(Box::new(config)),
                None => Told::Tick,
            },
        },
        _ => Told::Packet {
            interface: interface(bytes)?,
            age: Duration::from_micros(bytes.arbitrary::<u16>()?.into())
                .min(facts.now.saturating_since(Time::ZERO)),
            octets: packet::octets(bytes)?,
        },
    })
}

fn interface(bytes: &mut Unstructured<'_>) -> Result<InterfaceId> {
    Ok(InterfaceId(bytes.int_in_range(1..=2)?))
}

fn instance(bytes: &mut Unstructured<'_>, facts: &Facts) -> Result<InstanceId> {
    Ok(match facts.instances.is_empty() {
        true => InstanceId::from_number(bytes.arbitrary()?),
        false => *bytes.choose(&facts.instances)?,
    })
}

fn tracker(bytes: &mut Unstructured<'_>, facts: &Facts) -> Result<TrackerId> {
    Ok(match facts.trackers.is_empty() {
        true => TrackerId::from_number(bytes.arbitrary()?),
        false => *bytes.choose(&facts.trackers)?,
    })
}
