//! What a driver is told to do, and the same laid out for its two loops.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use vrrp_core::{Config, Destination, Family, InstanceConfig, InterfaceId};

use super::world::Virtual;
use crate::kernel::KernelPlan;
use crate::kernel::holding::Holding;
use crate::nftables::DEFAULT_TABLE;
use crate::socket::{ReceiverPlan, VridSet};

/// What a driver is to do.
///
/// The name of each [`vrrp_core::InterfaceConfig`] is that of a kernel interface; its handle stays with its name over
/// every reconfiguration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// What the router is to do.
    pub config: Config,
    /// Names of the instances whose addresses must not answer while the host does not own them (keepalived's
    /// `no_accept`, the Accept_Mode of RFC 9568 when it is false).
    pub no_accept: BTreeSet<String>,
    /// The name of the nftables tables that keep those addresses from answering. That of the first setup stays.
    pub filter_table: String,
}

impl Setup {
    /// A setup in which every address answers; the table has the name that keepalived gives it.
    pub fn new(config: Config) -> Self {
        Self { config, no_accept: BTreeSet::new(), filter_table: DEFAULT_TABLE.to_string() }
    }
}

/// A configuration laid out for the packet thread and the kernel thread.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kernel: KernelPlan,
    /// Every virtual address, sorted.
    vips: Vec<(IpAddr, InterfaceId, Place)>,
}

/// Where a virtual address is: its instance by position in the configuration, its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) instance: usize,
    pub(crate) vip: usize,
    pub(crate) prefix: u8,
    owner: bool,
}

impl Plan {
    pub(crate) fn new(setup: &Setup) -> Self {
        let config = &setup.config;
        let interfaces = config.interfaces().iter().map(|i| (i.id, Arc::from(i.name.as_str()))).collect();
        let holdings: Vec<_> = config.instances().iter().map(|i| Arc::new(holding(setup, i))).collect();
        let mut vips = Vec::new();
        for (instance, holding) in holdings.iter().enumerate() {
            for (place, vip) in holding.vips.iter().enumerate() {
                let place = Place { instance, vip: place, prefix: vip.prefix, owner: holding.owner };
                vips.push((vip.address, vip.interface, place));
            }
        }
        vips.sort_unstable();
        let receivers = receivers(config.instances());
        Self { kernel: KernelPlan { interfaces, receivers, holdings, retired: Vec::new() }, vips }
    }

    /// Whether an address is virtual, and whether the owner may be known by it.
    pub(crate) fn is_virtual(&self, address: IpAddr, interface: InterfaceId) -> Virtual {
        let mut places = self.places(address).peekable();
        if places.peek().is_none() {
            return Virtual::No;
        }
        match places.any(|(_, at, place)| *at == interface && place.owner) {
            true => Virtual::Owned,
            false => Virtual::Yes,
        }
    }

    /// Every place that an address has.
    pub(crate) fn places(&self, address: IpAddr) -> impl Iterator<Item = &(IpAddr, InterfaceId, Place)> {
        let start = self.vips.partition_point(|(known, ..)| *known < address);
        let rest = self.vips.get(start..).unwrap_or_default();
        rest.iter().take_while(move |(known, ..)| *known == address)
    }
}

fn holding(setup: &Setup, instance: &InstanceConfig) -> Holding {
    let vips = instance.addresses.iter().chain(&instance.excluded).copied().collect();
    let accept = !setup.no_accept.contains(&instance.name);
    Holding::new(instance.name.as_str().into(), vips, instance.priority.is_owner(), accept)
}

/// One for each interface and family that an instance uses.
fn receivers(instances: &[InstanceConfig]) -> Vec<ReceiverPlan> {
    let mut plans: Vec<ReceiverPlan> = Vec::new();
    for instance in instances {
        let key = (instance.interface, instance.family);
        let at = match plans.binary_search_by_key(&key, |plan| (plan.interface, plan.family)) {
            Ok(at) => at,
            Err(at) => {
                let (groups, vrids) = (Vec::new(), VridSet::default());
                let (interface, family): (_, Family) = key;
                plans.insert(at, ReceiverPlan { interface, family, groups, vrids });
                at
            }
        };
        let Some(plan) = plans.get_mut(at) else { continue };
        plan.vrids.insert(instance.vrid.get());
        if let Destination::Multicast(group) = &instance.destination
            && let Err(at) = plan.groups.binary_search(group)
        {
            plan.groups.insert(at, *group);
        }
    }
    plans
}
