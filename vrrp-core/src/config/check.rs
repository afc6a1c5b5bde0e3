//! A configuration that was checked as a whole.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use thiserror::Error;

use super::instance::{Destination, InstanceConfig};
use super::tracker::{Track, TrackerConfig, TrackerKind};
use super::{GroupConfig, InterfaceConfig, RouterConfig};
use crate::types::{Family, InterfaceId, Vrid};
use crate::wire::{self, AdvertTemplate, ChecksumForm, TemplateError};

/// The most instances, trackers and groups that one router takes.
const MAX_ENTRIES: usize = 32_767;
/// Weights are -253 to 253: more could never matter to a priority.
const MAX_WEIGHT: u16 = 253;

/// A configuration whose parts fit together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub(crate) interfaces: Vec<InterfaceConfig>,
    pub(crate) trackers: Vec<TrackerConfig>,
    pub(crate) instances: Vec<InstanceConfig>,
    pub(crate) groups: Vec<GroupConfig>,
    pub(crate) startup_delay: Duration,
    /// The advert of each instance, laid out.
    pub(crate) templates: Vec<AdvertTemplate>,
    notes: Vec<ConfigNote>,
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two entries of a kind have one name.
    #[error("two {kind}s are named {name}")]
    DuplicateName {
        /// What kind of entry.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// An interface handle is used that no interface has, or two have.
    #[error("{who}: interface {interface} is not in the list of interfaces exactly once")]
    Interface {
        /// Who names it.
        who: String,
        /// The handle.
        interface: InterfaceId,
    },
    /// Two instances would hear the same adverts.
    #[error("{first} and {second} both use VRID {vrid} with {family} on interface {interface}")]
    SameRouter {
        /// One instance.
        first: String,
        /// The other.
        second: String,
        /// The VRID of both.
        vrid: Vrid,
        /// The family of both.
        family: Family,
        /// The name of the interface of both.
        interface: String,
    },
    /// An address is of the wrong family.
    #[error("{instance}: {address} is not an {family} address")]
    Family {
        /// Which instance.
        instance: String,
        /// The address.
        address: IpAddr,
        /// The family that it should have.
        family: Family,
    },
    /// The version cannot say it: an interval, a password or a family that it does not carry.
    #[error("{instance}: {reason}")]
    Advert {
        /// Which instance.
        instance: String,
        /// Why there can be no such advert.
        reason: TemplateError,
    },
    /// A group address is none, or a peer address is one.
    #[error("{instance}: adverts cannot go to {address} in this mode")]
    Destination {
        /// Which instance.
        instance: String,
        /// The address.
        address: IpAddr,
    },
    /// A number is out of its range.
    #[error("{who}: {what} {value} is not in {min} to {max}")]
    Range {
        /// Who has it.
        who: String,
        /// What it is.
        what: &'static str,
        /// The number.
        value: i64,
        /// The lowest allowed.
        min: i64,
        /// The highest allowed.
        max: i64,
    },
    /// A position points behind the end of its list.
    #[error("{who}: there is no {kind} number {position}")]
    Missing {
        /// Who points there.
        who: String,
        /// What kind of entry it should be.
        kind: &'static str,
        /// The position.
        position: usize,
    },
    /// An instance is in two groups, or twice in one.
    #[error("{instance} is a member of more than one group")]
    Groups {
        /// Which instance.
        instance: String,
    },
}

/// Something that was settled for the user, and that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigNote {
    /// More addresses than an advert can carry: the last ones are held but not advertised.
    MovedToExcluded {
        /// Which instance.
        instance: String,
        /// How many addresses an advert of this interface carries.
        limit: usize,
        /// How many were moved.
        moved: usize,
    },
}

impl Config {
    /// Checks a configuration.
    ///
    /// Addresses beyond 255, or beyond what fits in one packet of the interface, are moved to the excluded
    /// ones, which [`Config::notes`] tells.
    ///
    /// # Errors
    /// All that is wrong, not the first alone.
    pub fn new(config: RouterConfig) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        check_names(&config, &mut errors);
        check_trackers(&config, &mut errors);
        for instance in &config.instances {
            check_instance(&config, instance, &mut errors);
        }
        check_same_router(&config, &mut errors);
        check_groups(&config, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let RouterConfig { interfaces, trackers, mut instances, groups, startup_delay } = config;
        let notes = instances.iter_mut().filter_map(|instance| move_surplus(&interfaces, instance)).collect();
        let templates: Vec<_> = instances.iter().map(template).collect();
        let mut errors = Vec::new();
        let templates = templates.into_iter().filter_map(|result| result.map_err(|e| errors.push(e)).ok());
        let templates = templates.collect();
        match errors.is_empty() {
            true => Ok(Self { interfaces, trackers, instances, groups, startup_delay, templates, notes }),
            false => Err(errors),
        }
    }

    /// What was settled for the user.
    pub fn notes(&self) -> &[ConfigNote] {
        &self.notes
    }

    /// The configuration as it was written down, but with what was settled for the user.
    pub fn to_router_config(&self) -> RouterConfig {
        RouterConfig {
            interfaces: self.interfaces.clone(),
            trackers: self.trackers.clone(),
            instances: self.instances.clone(),
            groups: self.groups.clone(),
            startup_delay: self.startup_delay,
        }
    }

    /// The interfaces.
    pub fn interfaces(&self) -> &[InterfaceConfig] {
        &self.interfaces
    }

    /// The trackers.
    pub fn trackers(&self) -> &[TrackerConfig] {
        &self.trackers
    }

    /// The virtual routers.
    pub fn instances(&self) -> &[InstanceConfig] {
        &self.instances
    }

    /// The sync groups.
    pub fn groups(&self) -> &[GroupConfig] {
        &self.groups
    }
}

/// The advert of an instance; only what its version cannot say is an error.
fn template(instance: &InstanceConfig) -> Result<AdvertTemplate, ConfigError> {
    let form = match instance.checksum_as_v2 {
        true => ChecksumForm::MessageOnly,
        false => ChecksumForm::PseudoHeader,
    };
    let addresses: Vec<IpAddr> = instance.addresses.iter().map(|vip| vip.address).collect();
    let (version, password) = (instance.version, instance.password.as_ref());
    AdvertTemplate::new(
        version,
        instance.family,
        instance.vrid,
        instance.interval,
        &addresses,
        password,
        form,
    )
    .map_err(|reason| ConfigError::Advert { instance: instance.name.clone(), reason })
}

fn check_names(config: &RouterConfig, errors: &mut Vec<ConfigError>) {
    let mut kind = |kind: &'static str, names: &mut dyn Iterator<Item = &String>| {
        let mut seen = BTreeSet::new();
        let mut count = 0_usize;
        for name in names {
            count += 1;
            if !seen.insert(name) {
                errors.push(ConfigError::DuplicateName { kind, name: name.clone() });
            }
        }
        range(errors, "router", kind, count as i64, 0, MAX_ENTRIES as i64);
    };
    kind("instance", &mut config.instances.iter().map(|i| &i.name));
    kind("group", &mut config.groups.iter().map(|g| &g.name));
    kind("tracker", &mut config.trackers.iter().map(|t| &t.name));
    let mut seen = BTreeSet::new();
    for interface in &config.interfaces {
        if !seen.insert(interface.id) {
            errors.push(ConfigError::Interface { who: interface.name.clone(), interface: interface.id });
        }
    }
}

fn check_trackers(config: &RouterConfig, errors: &mut Vec<ConfigError>) {
    for tracker in &config.trackers {
        match &tracker.kind {
            TrackerKind::External => {}
            TrackerKind::Interface(interface) => known(config, &tracker.name, *interface, errors),
            TrackerKind::Script(script) => {
                let times = [("interval", script.interval), ("timeout", script.timeout)];
                for (what, time) in times {
                    let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
                    range(errors, &tracker.name, what, nanos, 1, i64::MAX - 1);
                }
                range(errors, &tracker.name, "rise", script.rise.into(), 1, u32::MAX.into());
                range(errors, &tracker.name, "fall", script.fall.into(), 1, u32::MAX.into());
            }
        }
    }
}

fn check_instance(config: &RouterConfig, instance: &InstanceConfig, errors: &mut Vec<ConfigError>) {
    let name = || instance.name.clone();
    let wrong_family =
        |address: IpAddr| ConfigError::Family { instance: name(), address, family: instance.family };
    known(config, &instance.name, instance.interface, errors);
    range(errors, &instance.name, "down_timer_adverts", instance.down_timer_adverts.into(), 1, 100);
    let peers: &[_] = match &instance.destination {
        Destination::Multicast(group) => {
            if !group.is_multicast() {
                errors.push(ConfigError::Destination { instance: name(), address: *group });
            }
            if Family::of(group) != instance.family {
                errors.push(wrong_family(*group));
            }
            &[]
        }
        Destination::Unicast(peers) => peers,
    };
    for peer in peers {
        if peer.address.is_multicast() || peer.address.is_unspecified() {
            errors.push(ConfigError::Destination { instance: name(), address: peer.address });
        }
    }
    let addresses = peers.iter().map(|peer| peer.address).chain(instance.source);
    let addresses = addresses.chain(instance.addresses.iter().map(|vip| vip.address));
    errors.extend(addresses.filter(|address| Family::of(address) != instance.family).map(wrong_family));
    for vip in instance.addresses.iter().chain(&instance.excluded) {
        let bits = Family::of(&vip.address).bits();
        range(errors, &instance.name, "prefix length", vip.prefix.into(), 0, bits.into());
        known(config, &instance.name, vip.interface, errors);
    }
    check_tracks(config, &instance.name, &instance.track, errors);
}

fn check_tracks(config: &RouterConfig, who: &str, track: &[Track], errors: &mut Vec<ConfigError>) {
    for track in track {
        if track.tracker >= config.trackers.len() {
            let position = track.tracker;
            errors.push(ConfigError::Missing { who: who.to_string(), kind: "tracker", position });
        }
        let limit = i64::from(MAX_WEIGHT);
        range(errors, who, "weight", track.weight.into(), -limit, limit);
    }
}

/// Two instances are one on the wire when interface, family and VRID agree and one of them could take
/// the other's adverts for its own.
fn check_same_router(config: &RouterConfig, errors: &mut Vec<ConfigError>) {
    let key = |i: &InstanceConfig| (i.interface, i.family, i.vrid);
    let mut sorted: Vec<&InstanceConfig> = config.instances.iter().collect();
    sorted.sort_by_key(|instance| key(instance));
    for run in sorted.chunk_by(|a, b| key(a) == key(b)) {
        for (position, first) in run.iter().enumerate() {
            let rest = run.get(position + 1..).unwrap_or_default();
            if let Some(second) = rest.iter().find(|second| meet(&first.destination, &second.destination)) {
                let interface = config.interfaces.iter().find(|i| i.id == first.interface);
                errors.push(ConfigError::SameRouter {
                    first: first.name.clone(),
                    second: second.name.clone(),
                    vrid: first.vrid,
                    family: first.family,
                    interface: interface.map_or_else(String::new, |i| i.name.clone()),
                });
            }
        }
    }
}

fn meet(first: &Destination, second: &Destination) -> bool {
    match (first, second) {
        (Destination::Multicast(first), Destination::Multicast(second)) => first == second,
        (Destination::Unicast(first), Destination::Unicast(second)) => {
            first.is_empty()
                || second.is_empty()
                || first.iter().any(|peer| second.iter().any(|other| other.address == peer.address))
        }
        (Destination::Multicast(_), Destination::Unicast(_))
        | (Destination::Unicast(_), Destination::Multicast(_)) => false,
    }
}

fn check_groups(config: &RouterConfig, errors: &mut Vec<ConfigError>) {
    let mut seen = BTreeSet::new();
    for group in &config.groups {
        for &position in &group.members {
            match config.instances.get(position) {
                None => {
                    errors.push(ConfigError::Missing { who: group.name.clone(), kind: "instance", position });
                }
                Some(instance) if !seen.insert(position) => {
                    errors.push(ConfigError::Groups { instance: instance.name.clone() });
                }
                Some(_) => {}
            }
        }
        check_tracks(config, &group.name, &group.track, errors);
    }
}

fn move_surplus(interfaces: &[InterfaceConfig], instance: &mut InstanceConfig) -> Option<ConfigNote> {
    let mtu = interfaces.iter().find(|i| i.id == instance.interface).map_or(1500, |i| i.mtu);
    let limit = wire::max_addresses(instance.family, instance.version, mtu.into());
    let moved = instance.addresses.len().checked_sub(limit).filter(|moved| *moved > 0)?;
    let surplus = instance.addresses.split_off(limit);
    instance.excluded.splice(..0, surplus);
    Some(ConfigNote::MovedToExcluded { instance: instance.name.clone(), limit, moved })
}

fn known(config: &RouterConfig, who: &str, interface: InterfaceId, errors: &mut Vec<ConfigError>) {
    if !config.interfaces.iter().any(|known| known.id == interface) {
        errors.push(ConfigError::Interface { who: who.to_string(), interface });
    }
}

fn range(errors: &mut Vec<ConfigError>, who: &str, what: &'static str, value: i64, min: i64, max: i64) {
    if !(min..=max).contains(&value) {
        errors.push(ConfigError::Range { who: who.to_string(), what, value, min, max });
    }
}
