//! What the configuration file of a node says at present.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::effect::Held;
use super::fault::Change;
use super::scenario::NodePlan;
use crate::config::{Config, ConfigError, InstanceConfig};
use crate::types::{Family, Interval, Priority, Version, Vip};

/// What `preempt_delay` becomes where there was none.
pub(super) const PREEMPT_DELAY: Duration = Duration::from_secs(2);

/// The virtual routers by position, whether or not they are configured now.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    instances: Vec<InstanceConfig>,
    present: Vec<bool>,
    pub(super) grouped: bool,
}

impl Setup {
    pub(super) fn new(plan: &NodePlan) -> Self {
        let instances = plan.config.instances().to_vec();
        let present = instances.iter().map(|_| true).collect();
        Self { instances, present, grouped: !plan.config.groups().is_empty() }
    }

    pub(super) fn config(&self, position: usize) -> &InstanceConfig {
        &self.instances[position]
    }

    /// The positions of the virtual routers that are configured, in the order in which they are.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        self.present.iter().enumerate().filter_map(|(position, present)| present.then_some(position))
    }

    /// Whether two nodes have the same virtual routers and groups.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (&self.present, self.grouped) == (&other.present, other.grouped)
    }

    /// All addresses of a virtual router: the advertised ones, then the excluded ones.
    pub(super) fn vips(&self, position: usize) -> impl Iterator<Item = Held> {
        let config = &self.instances[position];
        config.addresses.iter().chain(&config.excluded).map(|vip| (vip.interface, vip.address))
    }

    /// Changes what was planned, or makes it as it was planned again; says whether that changed anything.
    pub(super) fn apply(&mut self, plan: &NodePlan, change: Change, planned: bool) -> bool {
        let before = self.clone();
        match change {
            Change::Group => self.grouped = planned && !plan.config.groups().is_empty(),
            Change::Instance { position } => {
                if let Some(present) = self.present.get_mut(position) {
                    *present = planned;
                }
            }
            Change::Address | Change::Interval | Change::PreemptDelay | Change::Priority => {
                for (ours, plan) in self.instances.iter_mut().zip(plan.config.instances()) {
                    alter(ours, plan, change, planned);
                }
            }
        }
        self.instances != before.instances || !self.is_like(&before)
    }

    /// The configuration that this makes.
    pub(super) fn config_of(&self, plan: &NodePlan) -> Result<Config, Vec<ConfigError>> {
        let mut config = plan.config.to_router_config();
        config.instances = self.positions().map(|position| self.instances[position].clone()).collect();
        let members = config.instances.len();
        if !self.grouped || members == 0 {
            config.groups.clear();
        }
        config.groups.iter_mut().for_each(|group| group.members = (0..members).collect());
        Config::new(config)
    }
}

fn alter(ours: &mut InstanceConfig, plan: &InstanceConfig, change: Change, planned: bool) {
    match change {
        Change::Address => {
            ours.addresses.clone_from(&plan.addresses);
            if !planned {
                ours.addresses.push(another(plan));
            }
        }
        Change::Interval => ours.interval = if planned { plan.interval } else { shorter(plan) },
        Change::PreemptDelay => {
            ours.preempt_delay = match (planned, plan.preempt_delay.is_zero()) {
                (true, _) => plan.preempt_delay,
                (false, true) => PREEMPT_DELAY,
                (false, false) => Duration::ZERO,
            };
        }
        // Turned round, so that whoever was the best is the worst; the owner is who has the addresses.
        Change::Priority => {
            let turned = Priority::new(u8::MAX - plan.priority.get()).unwrap_or(plan.priority);
            ours.priority = if planned { plan.priority } else { turned };
        }
        Change::Group | Change::Instance { .. } => {}
    }
}

/// An address that no scenario plans for the virtual router.
fn another(plan: &InstanceConfig) -> Vip {
    let vrid = plan.vrid.get();
    let address: IpAddr = match plan.family {
        Family::V4 => Ipv4Addr::new(192, 0, 99, vrid).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 99, vrid.into()).into(),
    };
    Vip::new(address, plan.family.bits(), plan.interface)
}

/// Half the interval. VRRPv2 takes no advert with another interval, and the two options together never come to
/// rest with different intervals.
fn shorter(plan: &InstanceConfig) -> Interval {
    let restless = plan.higher_prio_send_advert && plan.lower_prio_no_advert;
    match plan.version == Version::V3 && !restless {
        true => Interval::from_centis(plan.interval.as_centis() / 2).unwrap_or(plan.interval),
        false => plan.interval,
    }
}
