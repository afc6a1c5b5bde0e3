//! Who takes part, and what is to go wrong when.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::effect::Held;
use super::fault::{Change, Fault};
use super::setup::PREEMPT_DELAY;
use crate::config::{Config, InstanceConfig, InterfaceConfig, RouterConfig};
use crate::instance::HOLD_OFF;
use crate::time::Time;
use crate::timers;
use crate::types::{Family, InterfaceId, Interval, Priority, Vip, Vrid};

/// The most that a host is late when it wakes up.
pub(super) const LATENESS: Duration = Duration::from_micros(500);

/// A run of the simulator before it begins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// Feeds all chance during the run.
    pub seed: u64,
    /// How many segments there are; every node has one interface on each.
    pub segments: usize,
    /// The nodes, at most 8.
    pub nodes: Vec<NodePlan>,
    /// The shortest and the longest time that a packet takes on a reliable segment.
    pub latency: (Duration, Duration),
    /// What happens when, in any order.
    pub faults: Vec<(Time, Fault)>,
    /// When nothing goes wrong by itself any more: checks hang only long before.
    pub calm_at: Time,
    /// When the network is looked at as a whole once more, and every node is told to stop.
    pub end: Time,
}

/// One node before it boots.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodePlan {
    /// What its router is to do. Every node has the same virtual routers in the same order.
    pub config: Config,
    /// The last part of its addresses; who wins a tie is the one with the highest.
    pub host: u16,
    /// Whether it has trackers that [`Fault::Trackers`] turns.
    pub tracked: bool,
    /// When it boots first.
    pub boot_at: Time,
    /// How long after a boot its source addresses can be used.
    pub source_after: Duration,
}

impl Scenario {
    /// Nodes of these priorities on one segment, with one virtual router, VRRPv3 over IPv4; all boot at once.
    /// The address of the first node is the lowest. None when a priority is 0 or there are more than 8.
    pub fn plain(priorities: &[u8], interval: Interval, end: Time) -> Option<Self> {
        let mut nodes = Vec::new();
        for (host, priority) in (1..).zip(priorities) {
            let mut instance = instance(0, 1, Family::V4, 1)?;
            instance.priority = Priority::new(*priority).ok()?;
            instance.interval = interval;
            let mut config = RouterConfig::new();
            config.interfaces.push(InterfaceConfig::new(InterfaceId(0), "eth0"));
            config.instances.push(instance);
            nodes.push(NodePlan {
                config: Config::new(config).ok()?,
                host,
                tracked: false,
                boot_at: Time::ZERO,
                source_after: Duration::ZERO,
            });
        }
        let latency = (Duration::from_micros(100), Duration::from_micros(200));
        (nodes.len() <= 8).then_some(Self {
            seed: 0,
            segments: 1,
            nodes,
            latency,
            faults: Vec::new(),
            calm_at: Time::ZERO,
            end,
        })
    }

    /// The number of virtual routers.
    pub(super) fn virtual_routers(&self) -> usize {
        self.nodes.first().map_or(0, |node| node.config.instances().len())
    }

    /// The segment of a virtual router.
    pub(super) fn segment(&self, virtual_router: usize) -> usize {
        let instance = self.nodes.first().and_then(|node| node.config.instances().get(virtual_router));
        instance.map_or(0, |instance| usize::try_from(instance.interface.0).unwrap_or(0))
    }

    /// Whether all virtual routers change state together.
    pub(super) fn is_grouped(&self) -> bool {
        self.nodes.first().is_some_and(|node| !node.config.groups().is_empty())
    }

    /// The longest that a packet takes from the router that sends it to the router that hears it.
    pub(super) fn reach(&self) -> Duration {
        self.latency.1 + LATENESS
    }

    /// The longest that a lower-priority master is left alone, as configured.
    pub(super) fn longest_preempt_delay(&self) -> Duration {
        let added = |fault: &(Time, Fault)| {
            matches!(fault.1, Fault::Reconfigure { change: Change::PreemptDelay, .. })
        };
        let added = self.faults.iter().any(added).then_some(PREEMPT_DELAY);
        self.instances().map(|instance| instance.preempt_delay).chain(added).max().unwrap_or_default()
    }

    /// For how long after the last fault a node may leave a lower-priority master alone because it resigned.
    pub(super) fn hold_off(&self) -> Duration {
        let resigns = |fault: &Fault| {
            matches!(
                fault,
                Fault::AddFails { .. }
                    | Fault::Delete { .. }
                    | Fault::Refuse { .. }
                    | Fault::SendFails { .. }
            )
        };
        match self.faults.iter().any(|(_, fault)| resigns(fault)) {
            true => HOLD_OFF,
            false => Duration::ZERO,
        }
    }

    /// The longest interval of all nodes.
    pub(super) fn longest_interval(&self) -> Duration {
        self.instances().map(|instance| instance.interval.as_duration()).max().unwrap_or_default()
    }

    /// The longest that anybody ever listens before taking over, whatever interval was learned.
    pub(super) fn longest_listening(&self) -> Duration {
        let longest = self.instances().map(|instance| instance.interval).max().unwrap_or_default();
        let lowest = Priority::new(1).unwrap_or_default();
        let down = |instance: &InstanceConfig| {
            timers::master_down(instance.version, lowest, longest, instance.down_timer_adverts)
        };
        self.instances().map(down).max().unwrap_or_default()
    }

    fn instances(&self) -> impl Iterator<Item = &InstanceConfig> {
        self.nodes.iter().flat_map(|node| node.config.instances())
    }
}

impl NodePlan {
    /// The address of a virtual router that [`Fault::Refuse`] is about.
    pub(super) fn refused(&self, position: usize) -> Option<Held> {
        let config = self.config.instances().get(position)?;
        let last = config.addresses.iter().chain(&config.excluded).next_back()?;
        Some((last.interface, last.address))
    }

    /// The address of the node on a segment.
    pub(super) fn source(&self, segment: usize, family: Family) -> IpAddr {
        source(segment, family, self.host)
    }
}

/// The address of a host on a segment.
pub(super) fn source(segment: usize, family: Family, host: u16) -> IpAddr {
    let [high, low] = host.to_be_bytes();
    let segment = u8::try_from(segment).unwrap_or(u8::MAX);
    match family {
        Family::V4 => Ipv4Addr::new(10, segment, high, low).into(),
        Family::V6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, segment.into(), host).into(),
    }
}

/// A virtual router with so many addresses.
pub(super) fn instance(segment: u32, vrid: u8, family: Family, addresses: u16) -> Option<InstanceConfig> {
    let interface = InterfaceId(segment);
    let vips = (0..addresses).map(|n| {
        let address: IpAddr = match (family, n) {
            (Family::V4, n) => {
                Ipv4Addr::from(u32::from_be_bytes([192, 0, 2, vrid]) + (u32::from(n) << 8)).into()
            }
            (Family::V6, 0) => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xffff, vrid.into()).into(),
            (Family::V6, n) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, n, vrid.into()).into(),
        };
        Vip::new(address, family.bits(), interface)
    });
    let name = alloc::format!("vr{vrid}");
    Some(InstanceConfig::new(name, interface, Vrid::new(vrid).ok()?, vips.collect()))
}
