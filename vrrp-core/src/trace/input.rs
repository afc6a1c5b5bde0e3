//! Inputs in words, and back.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::LineError;
use super::action::OutcomeWords;
use super::advert::Octets;
use super::config;
use super::words::{self, Words};
use crate::action::{InstanceId, TrackerId};
use crate::config::{Config, ConfigError, RouterConfig};
use crate::input::{CheckOutcome, Input, Packet};
use crate::time::Time;
use crate::types::{Family, InterfaceId};

/// A fact that a router was told, with all that it borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLine {
    now: Time,
    fact: Fact,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fact {
    CheckEnded(TrackerId, CheckOutcome),
    Held(InstanceId, bool),
    Interface(InterfaceId, bool),
    Packet { interface: InterfaceId, received: Time, octets: Octets },
    Reconfigure(Box<RouterConfig>),
    Shutdown,
    Source(InterfaceId, Family, Option<IpAddr>),
    Tick,
    Tracker(TrackerId, bool),
    TransmitFailed(InstanceId),
}

impl InputLine {
    /// Keeps a fact word by word, passwords too; [`super::Recorder`] keeps it without them.
    pub fn new(now: Time, input: &Input<'_>) -> Self {
        let fact = match input {
            Input::CheckEnded { tracker, outcome } => Fact::CheckEnded(*tracker, *outcome),
            Input::Held { instance, complete } => Fact::Held(*instance, *complete),
            Input::Interface { interface, up } => Fact::Interface(*interface, *up),
            Input::Packet(Packet { interface, received, datagram }) => {
                Fact::Packet { interface: *interface, received: *received, octets: Octets::of(datagram) }
            }
            Input::Reconfigure(config) => Fact::Reconfigure(Box::new(config.to_router_config())),
            Input::Shutdown => Fact::Shutdown,
            Input::Source { interface, family, address } => Fact::Source(*interface, *family, *address),
            Input::Tick => Fact::Tick,
            Input::Tracker { tracker, up } => Fact::Tracker(*tracker, *up),
            Input::TransmitFailed { instance } => Fact::TransmitFailed(*instance),
        };
        Self { now, fact }
    }

    /// When the router was told.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The fact, to be told again.
    ///
    /// # Errors
    /// The configuration of a `reconfigure` is refused.
    pub fn input(&self) -> Result<Input<'_>, Vec<ConfigError>> {
        Ok(match &self.fact {
            Fact::CheckEnded(tracker, outcome) => Input::CheckEnded { tracker: *tracker, outcome: *outcome },
            Fact::Held(instance, complete) => Input::Held { instance: *instance, complete: *complete },
            Fact::Interface(interface, up) => Input::Interface { interface: *interface, up: *up },
            Fact::Packet { interface, received, octets } => Input::Packet(Packet {
                interface: *interface,
                received: *received,
                datagram: octets.datagram(),
            }),
            Fact::Reconfigure(config) => Input::Reconfigure(Config::new(config.as_ref().clone())?),
            Fact::Shutdown => Input::Shutdown,
            Fact::Source(interface, family, address) => {
                Input::Source { interface: *interface, family: *family, address: *address }
            }
            Fact::Tick => Input::Tick,
            Fact::Tracker(tracker, up) => Input::Tracker { tracker: *tracker, up: *up },
            Fact::TransmitFailed(instance) => Input::TransmitFailed { instance: *instance },
        })
    }

    pub(super) fn config_mut(&mut self) -> Option<&mut RouterConfig> {
        match &mut self.fact {
            Fact::Reconfigure(config) => Some(config),
            _ => None,
        }
    }

    pub(super) fn octets_mut(&mut self) -> Option<&mut Octets> {
        match &mut self.fact {
            Fact::Packet { octets, .. } => Some(octets),
            _ => None,
        }
    }

    /// Reads what stands behind `>`; `more` are the lines of a configuration.
    pub(super) fn read(mut words: Words<'_>, more: &str) -> Result<Self, LineError> {
        let now = words.time()?;
        let kind = words.word("an input")?;
        if kind != "reconfigure" && !more.is_empty() {
            return Err(LineError::new(format_args!("a configuration does not belong to {kind}")));
        }
        let fact = read_fact(kind, &mut words, more, now)?;
        words.end()?;
        Ok(Self { now, fact })
    }
}

fn read_fact(kind: &str, words: &mut Words<'_>, more: &str, now: Time) -> Result<Fact, LineError> {
    Ok(match kind {
        "check-ended" => Fact::CheckEnded(TrackerId(number(words)?), read_outcome(words)?),
        "held" => Fact::Held(InstanceId(number(words)?), either(words, "complete", "missing")?),
        "interface" => Fact::Interface(InterfaceId(words.must("if")?), either(words, "up", "down")?),
        "packet" => Fact::Packet {
            interface: InterfaceId(words.must("if")?),
            received: words.value("received").map(words::time).transpose()?.unwrap_or(now),
            octets: Octets::read(words)?,
        },
        "reconfigure" => Fact::Reconfigure(Box::new(config::read(more)?)),
        "shutdown" => Fact::Shutdown,
        "source" => read_source(words)?,
        "tick" => Fact::Tick,
        "tracker" => Fact::Tracker(TrackerId(number(words)?), either(words, "up", "down")?),
        "transmit-failed" => Fact::TransmitFailed(InstanceId(number(words)?)),
        other => return Err(LineError::new(format_args!("there is no input {other}"))),
    })
}

fn read_outcome(words: &mut Words<'_>) -> Result<CheckOutcome, LineError> {
    match (words.maybe("exit")?, words.maybe("signal")?, words.flag("not-run")) {
        (Some(status), None, false) => Ok(CheckOutcome::Exited(status)),
        (None, Some(signal), false) => Ok(CheckOutcome::Signaled(signal)),
        (None, None, true) => Ok(CheckOutcome::NotRun),
        _ => Err(LineError::new("a check ends with one of exit=, signal= and not-run")),
    }
}

/// `IPv4 none`, or an address; in front of an address the family stands only when it is not that of the address.
fn read_source(words: &mut Words<'_>) -> Result<Fact, LineError> {
    let interface = InterfaceId(words.must("if")?);
    let family = match (words.flag("IPv4"), words.flag("IPv6")) {
        (true, false) => Some(Family::V4),
        (false, true) => Some(Family::V6),
        (false, false) => None,
        (true, true) => return Err(LineError::new("a source has one family")),
    };
    let address: Option<IpAddr> = match words.flag("none") {
        true => None,
        false => Some(words.parse("an address")?),
    };
    let family = family.or(address.as_ref().map(Family::of));
    let family = family.ok_or_else(|| LineError::new("IPv4 or IPv6 is missing"))?;
    Ok(Fact::Source(interface, family, address))
}

/// The number behind `#`.
fn number(words: &mut Words<'_>) -> Result<u32, LineError> {
    let word = words.word("a number behind #")?;
    words::parse("a number", word.strip_prefix('#').unwrap_or(""))
}

fn either(words: &mut Words<'_>, yes: &str, no: &str) -> Result<bool, LineError> {
    match words.word(yes)? {
        word if word == yes => Ok(true),
        word if word == no => Ok(false),
        word => Err(LineError::new(format_args!("{word} is neither {yes} nor {no}"))),
    }
}

impl fmt::Display for InputLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.now)?;
        let up = |up: &bool| if *up { "up" } else { "down" };
        match &self.fact {
            Fact::CheckEnded(id, outcome) => write!(f, "check-ended #{id} {}", OutcomeWords(outcome)),
            Fact::Held(id, complete) => {
                write!(f, "held #{id} {}", if *complete { "complete" } else { "missing" })
            }
            Fact::Interface(interface, is_up) => write!(f, "interface if={interface} {}", up(is_up)),
            Fact::Packet { interface, received, octets } => {
                write!(f, "packet if={interface}")?;
                if *received != self.now {
                    write!(f, " received={received}")?;
                }
                write!(f, " {octets}")
            }
            Fact::Reconfigure(config) => {
                f.write_str("reconfigure")?;
                config::write(f, config)
            }
            Fact::Shutdown => f.write_str("shutdown"),
            Fact::Source(interface, family, address) => {
                write!(f, "source if={interface}")?;
                if address.as_ref().map(Family::of) != Some(*family) {
                    write!(f, " {family}")?;
                }
                match address {
                    Some(address) => write!(f, " {address}"),
                    None => f.write_str(" none"),
                }
            }
            Fact::Tick => f.write_str("tick"),
            Fact::Tracker(id, is_up) => write!(f, "tracker #{id} {}", up(is_up)),
            Fact::TransmitFailed(id) => write!(f, "transmit-failed #{id}"),
        }
    }
}
