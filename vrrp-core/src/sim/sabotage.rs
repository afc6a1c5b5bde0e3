//! Planted bugs: what a run must find, or it proves nothing.
//!
//! None of them touches the router's code. They sit where a driver sits, between the router and the world:
//! an input that never arrives, an action that is dropped or moved, a configuration that is not the one that was
//! asked for, a clock that runs ahead. From outside a
//! router whose packets with a higher priority are thrown away is one that does not obey them.

use alloc::vec::Vec;
use core::time::Duration;

use super::effect::{Effect, Fact};
use super::node::Node;
use super::scenario::NodePlan;
use crate::action::State;
use crate::config::Config;
use crate::router::InstanceView;
use crate::timers;

/// A mistake that all nodes of a run make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// Addresses are announced before they are put on: the action is moved.
    AnnounceFirst,
    /// A MASTER does not obey a higher priority: the packet is thrown away.
    DisobeysPriority,
    /// An interface that goes down is not noticed: the fact never arrives.
    IgnoresInterfaces,
    /// A sync group still holds its members back when a reload removed it: the router is given it again.
    KeepsGroup,
    /// Addresses stay where they are when a MASTER leaves: the action is dropped.
    KeepsAddresses,
    /// A MASTER does not yield to its own priority from a higher address: the packet is thrown away.
    KeepsTie,
    /// A better router never preempts: it is configured so.
    NeverPreempts,
    /// A BACKUP never takes over: time does not reach it.
    NeverTakesOver,
    /// Skew_Time is zero: a BACKUP's clock jumps by its Skew_Time when its timer would be over without it.
    NoSkew,
    /// Every tenth advert or so is not sent.
    SkipsAdverts,
    /// A MASTER leaves without priority 0: the advert is dropped.
    SilentStop,
}

impl Bug {
    /// Every planted bug.
    pub const ALL: [Self; 11] = [
        Self::AnnounceFirst,
        Self::DisobeysPriority,
        Self::IgnoresInterfaces,
        Self::KeepsAddresses,
        Self::KeepsGroup,
        Self::KeepsTie,
        Self::NeverPreempts,
        Self::NeverTakesOver,
        Self::NoSkew,
        Self::SkipsAdverts,
        Self::SilentStop,
    ];

    /// Whether a fact never reaches the router.
    pub(super) fn swallows(self, node: &Node, fact: &Fact) -> bool {
        let beaten = |beats: fn(u8, u8) -> bool| {
            let Fact::Packet { packet, .. } = fact else { return false };
            let instance = node.instance(packet.instance).filter(|i| i.state() == State::Master);
            instance.is_some_and(|instance| beats(packet.priority(), instance.priority().get()))
        };
        match self {
            Self::DisobeysPriority => beaten(|theirs, ours| theirs > ours),
            Self::IgnoresInterfaces => matches!(fact, Fact::Interface { up: false, .. }),
            Self::KeepsTie => beaten(|theirs, ours| theirs == ours),
            Self::NeverTakesOver => matches!(fact, Fact::Tick) && node.state(0) == State::Backup,
            Self::AnnounceFirst
            | Self::KeepsAddresses
            | Self::KeepsGroup
            | Self::NeverPreempts
            | Self::NoSkew
            | Self::SilentStop
            | Self::SkipsAdverts => false,
        }
    }

    /// What a router is made of instead.
    pub(super) fn configures(self, config: &Config, plan: &NodePlan) -> Option<Config> {
        let mut config = config.to_router_config();
        match self {
            Self::NeverPreempts => {
                config.instances.iter_mut().for_each(|instance| instance.preempt = false);
            }
            Self::KeepsGroup => {
                config.groups = plan.config.groups().to_vec();
                let members = config.instances.len();
                config.groups.iter_mut().for_each(|group| group.members = (0..members).collect());
            }
            _ => return None,
        }
        Config::new(config).ok()
    }

    /// Spoils what the router asks for. `nth` counts the inputs of the run.
    pub(super) fn spoils(self, effects: &mut Vec<Effect>, nth: u64) {
        match self {
            Self::AnnounceFirst => {
                let announce = |effect: &Effect| matches!(effect, Effect::Announce { .. });
                let add = effects.iter().position(|effect| matches!(effect, Effect::Add { .. }));
                if let (Some(add), Some(at)) = (add, effects.iter().position(announce)) {
                    effects.swap(add, at);
                }
            }
            Self::KeepsAddresses => effects.retain(|effect| !matches!(effect, Effect::Remove { .. })),
            Self::SilentStop => {
                effects.retain(|effect| !matches!(effect, Effect::Transmit(sent) if sent.priority() == 0));
            }
            Self::SkipsAdverts if nth % 10 == 0 => {
                effects.retain(|effect| !matches!(effect, Effect::Transmit(sent) if sent.priority() > 0));
            }
            Self::DisobeysPriority
            | Self::IgnoresInterfaces
            | Self::KeepsGroup
            | Self::KeepsTie
            | Self::NeverPreempts
            | Self::NeverTakesOver
            | Self::NoSkew
            | Self::SkipsAdverts => {}
        }
    }

    /// The Skew_Time in the timer of a BACKUP.
    pub(super) fn skew_of(instance: &InstanceView<'_>) -> Option<Duration> {
        let waits = instance.state() == State::Backup;
        let version = instance.config().version;
        waits.then(|| timers::skew(version, instance.priority(), instance.master_interval()))
    }
}
