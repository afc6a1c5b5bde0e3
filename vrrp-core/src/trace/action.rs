//! Actions in words.

use core::fmt;

use super::advert::Octets;
use super::instance::VipWord;
use super::words::{List, Span, Word};
use crate::action::{Action, Announce, Become, Cause, Notify, Subject, Transmit};
use crate::event::{Event, InstanceEvent, TrackerEvent};
use crate::input::CheckOutcome;
use crate::types::{InterfaceId, Vip};
use crate::wire::Reject;

/// An advert on its way, with octets that may differ from those that go out in their password.
pub(super) struct Sent<'a> {
    pub(super) transmit: &'a Transmit<'a>,
    pub(super) octets: &'a Octets,
}

/// Every action but an advert, which [`Sent`] writes.
pub(super) struct Words<'a>(pub(super) &'a Action<'a>);

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transmit { instance, interface, .. } = self.transmit;
        write!(f, "#{instance} transmit if={interface} {}", self.octets)
    }
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Become(Become { instance, name, from, to, cause }) => {
                write!(f, "#{instance} become {} {from} {to} {}", text(name), CauseWords(cause))
            }
            Action::Transmit(Transmit { instance, interface, .. }) => {
                write!(f, "#{instance} transmit if={interface}")
            }
            Action::RemoveAddresses { instance, addresses } => {
                write!(f, "#{instance} remove {}", vips(addresses))
            }
            Action::AddAddresses { instance, addresses } => write!(f, "#{instance} add {}", vips(addresses)),
            Action::Announce(announce) => write_announce(f, announce),
            Action::RunCheck { tracker, name } => write!(f, "tracker #{tracker} run {}", text(name)),
            Action::StopCheck { tracker, name, kill } => {
                let how = if *kill { "kill" } else { "terminate" };
                write!(f, "tracker #{tracker} {how} {}", text(name))
            }
            Action::Notify(Notify { subject, name, what, priority }) => {
                match subject {
                    Subject::Instance(id) => write!(f, "#{id}")?,
                    Subject::Group(id) => write!(f, "group #{id}")?,
                }
                write!(f, " notify {} {what} prio={priority}", text(name))
            }
            Action::Event(event) => write_event(f, event),
        }
    }
}

fn write_announce(f: &mut fmt::Formatter<'_>, announce: &Announce<'_>) -> fmt::Result {
    let Announce { instance, addresses, repeat, garp_interval, gna_interval } = announce;
    write!(f, "#{instance} announce {} repeat={repeat}", vips(addresses))?;
    for (key, interval) in [("garp-interval", garp_interval), ("gna-interval", gna_interval)] {
        if !interval.is_zero() {
            write!(f, " {key}={}", Span(*interval))?;
        }
    }
    Ok(())
}

fn write_event(f: &mut fmt::Formatter<'_>, event: &Event<'_>) -> fmt::Result {
    match event {
        Event::Instance { instance, name, what } => {
            write!(f, "#{instance} event {} {}", text(name), InstanceWords(what))
        }
        Event::Group { group, name, to } => write!(f, "group #{group} event {} {to}", text(name)),
        Event::Tracker { tracker, name, what } => {
            write!(f, "tracker #{tracker} event {} {}", text(name), TrackerWords(what))
        }
        Event::Rejected { source, reject } => {
            write!(f, "event rejected {}", reject.name())?;
            if let Some(source) = source {
                write!(f, " from={source}")?;
            }
            write!(f, "{}", Why(reject))
        }
        Event::StartupDelay(delay) => write!(f, "event startup-delay {}", Span(*delay)),
        Event::Lost { events } => write!(f, "event lost {events}"),
    }
}

struct InstanceWords<'a>(&'a InstanceEvent);

impl fmt::Display for InstanceWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            InstanceEvent::Rejected { source, reject } => {
                write!(f, "rejected {} from={source}{}", reject.name(), Why(reject))
            }
            InstanceEvent::MasterIs { address, before: None } => write!(f, "master-is {address}"),
            InstanceEvent::MasterIs { address, before: Some(before) } => {
                write!(f, "master-is {address} before={before}")
            }
            InstanceEvent::BackupReceivedPriorityZero => f.write_str("backup-received-priority-zero"),
            InstanceEvent::MasterReceivedPriorityZero => f.write_str("master-received-priority-zero"),
            InstanceEvent::LowerPriorityDiscarded { from, priority } => {
                write!(f, "lower-priority-discarded from={from} prio={priority}")
            }
            InstanceEvent::LowerPriorityReceived { from, priority, ours } => {
                write!(f, "lower-priority-received from={from} prio={priority} ours={ours}")
            }
            InstanceEvent::TwoOwners { other } => write!(f, "two-owners other={other}"),
            InstanceEvent::IntervalAdopted { ours, theirs } => {
                write!(f, "interval-adopted ours={ours} theirs={theirs}")
            }
            InstanceEvent::AddressListDiffers { from, theirs, ours } => {
                write!(f, "address-list-differs from={from} theirs={theirs} ours={ours}")
            }
            InstanceEvent::LinkLocalNotFirst { from } => write!(f, "link-local-not-first from={from}"),
            InstanceEvent::Priority { from, to } => write!(f, "priority from={from} to={to}"),
            InstanceEvent::PreemptDelayStarted { delay } => {
                write!(f, "preempt-delay-started {}", Span(*delay))
            }
            InstanceEvent::PreemptDelayStopped => f.write_str("preempt-delay-stopped"),
            InstanceEvent::SentPriorityZero => f.write_str("sent-priority-zero"),
            InstanceEvent::Late { by } => write!(f, "late by={}", Span(*by)),
        }
    }
}

/// The numbers of a reject. Those of a checksum are left out: they may be made of a password.
struct Why<'a>(&'a Reject);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reject::Checksum { .. } => Ok(()),
            reject => write!(f, ": {reject}"),
        }
    }
}

struct TrackerWords<'a>(&'a TrackerEvent);

impl fmt::Display for TrackerWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TrackerEvent::Returned(outcome) => write!(f, "returned {}", OutcomeWords(outcome)),
            TrackerEvent::Up => f.write_str("up"),
            TrackerEvent::Down { last: None } => f.write_str("down"),
            TrackerEvent::Down { last: Some(last) } => write!(f, "down {}", OutcomeWords(last)),
            TrackerEvent::TimedOut => f.write_str("timed-out"),
            TrackerEvent::StillRunning => f.write_str("still-running"),
        }
    }
}

/// How a run of a check ended, as inputs and actions say it.
pub(super) struct OutcomeWords<'a>(pub(super) &'a CheckOutcome);

impl fmt::Display for OutcomeWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CheckOutcome::Exited(status) => write!(f, "exit={status}"),
            CheckOutcome::NotRun => f.write_str("not-run"),
            CheckOutcome::Signaled(signal) => write!(f, "signal={signal}"),
        }
    }
}

struct CauseWords<'a>(&'a Cause);

impl fmt::Display for CauseWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |f: &mut fmt::Formatter<'_>, what: &str, InterfaceId(id): &InterfaceId| {
            write!(f, "{what} if={id}")
        };
        match self.0 {
            Cause::Startup => f.write_str("startup"),
            Cause::Owner => f.write_str("owner"),
            Cause::MasterDown => f.write_str("master-down"),
            Cause::MasterResigned => f.write_str("master-resigned"),
            Cause::HigherPriority { from, priority } => {
                write!(f, "higher-priority from={from} prio={priority}")
            }
            Cause::HigherAddress { from, priority } => {
                write!(f, "higher-address from={from} prio={priority}")
            }
            Cause::InterfaceDown { interface } => on(f, "interface-down", interface),
            Cause::NoSource { interface } => on(f, "no-source", interface),
            Cause::Tracker { tracker } => write!(f, "tracker #{tracker}"),
            Cause::Recovered => f.write_str("recovered"),
            Cause::Group { group } => write!(f, "group #{group}"),
            Cause::NotHeld => f.write_str("not-held"),
            Cause::TransmitFailed => f.write_str("transmit-failed"),
            Cause::Removed => f.write_str("removed"),
            Cause::Shutdown => f.write_str("shutdown"),
        }
    }
}

fn text(name: &str) -> Word<'_> {
    Word(name.as_bytes())
}

fn vips(vips: &[Vip]) -> impl fmt::Display + '_ {
    List(vips.iter().map(VipWord))
}
