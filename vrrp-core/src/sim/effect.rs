//! Facts and actions as values of their own, so that they can wait, be judged and be written down.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::fault::Change;
use crate::action::{Action, Cause, InstanceId, Notification, State, Subject, TrackerId};
use crate::event::{Event, TrackerEvent};
use crate::input::CheckOutcome;
use crate::time::Time;
use crate::types::{Family, InterfaceId, Vip};

/// An address on an interface.
pub(super) type Held = (InterfaceId, IpAddr);

/// Something that a node is told. Instances, segments and trackers are positions.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    CheckEnded { tracker: TrackerId, outcome: CheckOutcome },
    Held { instance: usize, complete: bool },
    Interface { segment: usize, up: bool },
    Packet { received: Time, packet: Sent },
    Reconfigure { change: Change, planned: bool },
    Reload,
    Shutdown,
    Source { segment: usize, family: Family, address: Option<IpAddr> },
    Tick,
    Tracker { tracker: TrackerId, up: bool },
    TransmitFailed { instance: usize },
}

/// An advert on its way. Every node has every virtual router, in one order: the position says which.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) instance: usize,
    pub(super) interface: InterfaceId,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) ttl: u8,
    pub(super) octets: Rc<[u8]>,
}

impl Sent {
    pub(super) fn segment(&self) -> usize {
        usize::try_from(self.interface.0).unwrap_or(0)
    }

    /// The VRRP message behind the IPv4 header, if there is one.
    fn message(&self) -> &[u8] {
        match self.source {
            IpAddr::V4(_) => &self.octets[20..],
            IpAddr::V6(_) => &self.octets,
        }
    }

    /// Read from the octets, not from what was asked for.
    pub(super) fn priority(&self) -> u8 {
        self.message()[2]
    }

    /// Max Advertise Interval of VRRPv3 in centiseconds, or Adver Int of VRRPv2 as such.
    pub(super) fn centis(&self) -> u16 {
        match self.message()[0] >> 4 {
            2 => u16::from(self.message()[5]) * 100,
            _ => u16::from_be_bytes([self.message()[4], self.message()[5]]) & 0xfff,
        }
    }
}

/// Without the octets, which may hold a password.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (priority, centis) = (self.priority(), self.centis());
        let Self { instance, source, destination, ttl, .. } = self;
        write!(f, "vr{instance} {source} > {destination} ttl={ttl} priority={priority} interval={centis}")
    }
}

/// Something that a router asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Become {
        instance: usize,
        from: State,
        to: State,
        cause: Cause,
    },
    Transmit(Sent),
    Remove {
        instance: usize,
        addresses: Vec<Held>,
    },
    Add {
        instance: usize,
        addresses: Vec<Held>,
    },
    Announce {
        instance: usize,
        addresses: Vec<Held>,
        repeat: u8,
    },
    RunCheck {
        tracker: TrackerId,
    },
    StopCheck {
        tracker: TrackerId,
        kill: bool,
    },
    Notify {
        instance: Option<usize>,
        what: Notification,
    },
    /// A tracker changed its verdict, or the startup delay began or ended.
    Verdict {
        up: bool,
    },
    /// Any other event.
    Event,
}

impl Effect {
    /// Copies an action. `position` finds an instance.
    pub(super) fn of(action: Action<'_>, position: impl Fn(InstanceId) -> usize) -> Self {
        match action {
            Action::Become(change) => Self::Become {
                instance: position(change.instance),
                from: change.from,
                to: change.to,
                cause: change.cause,
            },
            Action::Transmit(advert) => Self::Transmit(Sent {
                instance: position(advert.instance),
                interface: advert.interface,
                source: advert.source,
                destination: advert.destination,
                ttl: advert.ttl,
                octets: advert.datagram.into(),
            }),
            Action::RemoveAddresses { instance, addresses } => {
                Self::Remove { instance: position(instance), addresses: held(addresses) }
            }
            Action::AddAddresses { instance, addresses } => {
                Self::Add { instance: position(instance), addresses: held(addresses) }
            }
            Action::Announce(announce) => Self::Announce {
                instance: position(announce.instance),
                addresses: held(announce.addresses),
                repeat: announce.repeat,
            },
            Action::RunCheck { tracker, .. } => Self::RunCheck { tracker },
            Action::StopCheck { tracker, kill, .. } => Self::StopCheck { tracker, kill },
            Action::Notify(notify) => {
                let instance = match notify.subject {
                    Subject::Instance(instance) => Some(position(instance)),
                    Subject::Group(_) => None,
                };
                Self::Notify { instance, what: notify.what }
            }
            Action::Event(Event::Tracker { what: TrackerEvent::Up, .. }) => Self::Verdict { up: true },
            Action::Event(Event::Tracker { what: TrackerEvent::Down { .. }, .. }) => {
                Self::Verdict { up: false }
            }
            Action::Event(Event::StartupDelay(delay)) => Self::Verdict { up: delay.is_zero() },
            Action::Event(_) => Self::Event,
        }
    }

    /// Whose it is.
    pub(super) const fn instance(&self) -> Option<usize> {
        match self {
            Self::Become { instance, .. }
            | Self::Transmit(Sent { instance, .. })
            | Self::Remove { instance, .. }
            | Self::Add { instance, .. }
            | Self::Announce { instance, .. } => Some(*instance),
            Self::Notify { instance, .. } => *instance,
            Self::RunCheck { .. } | Self::StopCheck { .. } | Self::Verdict { .. } | Self::Event => None,
        }
    }
}

/// The addresses as the kernel knows them.
pub(super) fn held(vips: &[Vip]) -> Vec<Held> {
    vips.iter().map(|vip| (vip.interface, vip.address)).collect()
}
