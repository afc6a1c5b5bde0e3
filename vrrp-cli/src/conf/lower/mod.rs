//! From the typed configuration to what the core and the daemon's threads are given.

mod commands;
mod instance;
mod interfaces;
mod secure;
mod system;

use std::collections::HashMap;
use std::net::IpAddr;

use vrrp_core::{
    ConfigError, ConfigNote, GroupConfig, InstanceConfig, RouterConfig, ScriptConfig, Track, TrackerConfig,
    TrackerKind,
};

pub use commands::{Executable, NotifyCommands};
pub use interfaces::Interner;
pub use system::{Elsewhere, Host, Identity, Interface, System};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::model::{Config, Instance, Tracked, Weight};
use super::severity::Code;
use super::span::Span;
use super::span::Spanned;
use commands::{Lookup, Purpose};
use interfaces::Interfaces;

/// A configuration in the shapes that carry it out.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// For the router.
    pub router: vrrp_core::Config,
    /// The command of each tracker of the router that is a script, by the tracker's position.
    pub checks: Vec<(usize, Executable)>,
    /// The trackers that the daemon has to report as down, once, because they stand for a lasting fault.
    pub down: Vec<usize>,
    /// Commands of each instance, in the order of the router's instances.
    pub notify_instances: Vec<NotifyCommands>,
    /// Commands of each group, in the order of the router's groups.
    pub notify_groups: Vec<NotifyCommands>,
    /// For each instance, whether its addresses answer packets.
    pub accept: Vec<bool>,
    /// The name of the nftables tables, if the file says one.
    pub filter_table: Option<String>,
    /// For each instance, whether its changes are mailed.
    pub smtp_alert: Vec<bool>,
    /// For each group, whether its changes are mailed.
    pub smtp_alert_groups: Vec<bool>,
}

/// Lowers a configuration for a host; `None` if it must not be started, which the findings then say.
pub fn lower(
    config: &Config,
    system: &dyn System,
    interner: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Option<Lowered> {
    let mut interfaces = Interfaces::new(config, system, interner);
    let mut lookup = Lookup::new(&config.global, system, diagnostics);
    let mut trackers = Trackers::default();
    let mut checks = Vec::new();
    for script in &config.scripts {
        let mut schedule = ScriptConfig::new(script.interval);
        (schedule.timeout, schedule.rise, schedule.fall) = (script.timeout, script.rise, script.fall);
        schedule.init_fail = script.init_fail;
        let name = script.name.value.clone();
        let position = trackers.add(Key::Script(name.clone()), name, TrackerKind::Script(schedule));
        trackers.weights.insert(position, script.weight);
        checks.push((position, lookup.command(&script.command, Purpose::Check, diagnostics)));
    }
    let mut router = RouterConfig::new();
    router.startup_delay = config.global.startup_delay;
    let mut lowered_notify = Vec::new();
    for instance in &config.instances {
        lowered_notify.push(lookup.notify(&instance.notify, diagnostics));
        let Some(mut lowered) = instance::lower(instance, &config.global, &mut interfaces, diagnostics)
        else {
            let message = format!("`{}` holds a number that the core refuses", instance.name.value);
            diagnostics.push(Diagnostic::at(Code::ConfigRefused, instance.name.span, message));
            continue;
        };
        lowered.track = trackers.tracks(
            &instance.track_interfaces,
            &instance.track_scripts,
            &mut interfaces,
            diagnostics,
        );
        trackers.devices(instance, &mut lowered, &mut interfaces, diagnostics);
        if instance.fault_without_peers && instance.peers.is_empty() {
            lowered.track.push(Track::new(trackers.lasting_fault(&instance.name.value), 0));
        }
        router.instances.push(lowered);
    }
    own_addresses(config, system, diagnostics);
    let mut notify_groups = Vec::new();
    for group in &config.groups {
        notify_groups.push(lookup.notify(&group.notify, diagnostics));
        let position = |name: &str| config.instances.iter().position(|instance| instance.name.value == name);
        let members = group.members.iter().filter_map(|member| position(&member.value)).collect();
        let mut lowered = GroupConfig::new(group.name.value.clone(), members);
        lowered.track =
            trackers.tracks(&group.track_interfaces, &group.track_scripts, &mut interfaces, diagnostics);
        router.groups.push(lowered);
    }
    lookup.finish(diagnostics);
    router.trackers = trackers.list;
    router.interfaces = interfaces.finish();
    let router = checked(router, config, diagnostics);
    diagnostics.settle();
    if diagnostics.is_fatal() {
        return None;
    }
    Some(Lowered {
        router: router?,
        checks,
        down: trackers.down,
        notify_instances: lowered_notify,
        notify_groups,
        accept: config.instances.iter().map(|instance| instance.accept).collect(),
        filter_table: config.global.filter_table.clone(),
        smtp_alert: config.instances.iter().map(|instance| instance.smtp_alert).collect(),
        smtp_alert_groups: config.groups.iter().map(|group| group.smtp_alert).collect(),
    })
}

/// Says which virtual addresses are the host's own: it would lose them to whoever is master.
fn own_addresses(config: &Config, system: &dyn System, diagnostics: &mut Diagnostics) {
    let others = config.instances.iter().filter(|instance| instance.priority != u8::MAX);
    let mut others = others.peekable();
    if others.peek().is_none() {
        return;
    }
    let own: HashMap<IpAddr, String> = system.own_addresses().into_iter().collect();
    for instance in others {
        for address in instance.addresses.iter().chain(&instance.excluded) {
            let Some(interface) = own.get(&address.address) else { continue };
            let message = format!(
                "`{}`: {} is on {interface} of this host already; if it is the host's own address, the host loses it whenever it is not master",
                instance.name.value, address.address
            );
            let found = Diagnostic::at(Code::AddressOwn, address.span, message);
            diagnostics.push(found.help(
                "a host that owns the address has priority 255; any other needs an address of its own beside it",
            ));
        }
    }
}

fn checked(
    router: RouterConfig,
    config: &Config,
    diagnostics: &mut Diagnostics,
) -> Option<vrrp_core::Config> {
    let named = |name: &str| config.instances.iter().find(|instance| instance.name.value == name);
    match vrrp_core::Config::new(router) {
        Ok(router) => {
            for note in router.notes() {
                let ConfigNote::MovedToExcluded { instance, limit, moved } = note else { continue };
                let message = format!(
                    "`{instance}`: an advert on this interface carries {limit} addresses; the last {moved} are held but not advertised"
                );
                diagnostics.push(match named(instance).and_then(|instance| instance.addresses.get(*limit)) {
                    Some(first) => {
                        Diagnostic::at(Code::AddressMoved, first.span, message).label("from here on")
                    }
                    None => Diagnostic::nowhere(Code::AddressMoved, message),
                });
            }
            Some(router)
        }
        // What the reader lets through, the core should take: whatever is left is said in the core's words.
        Err(_) if diagnostics.is_fatal() => None,
        Err(errors) => {
            for error in errors {
                diagnostics.push(match owner(&error, config) {
                    Some(span) => Diagnostic::at(Code::ConfigRefused, span, error.to_string()),
                    None => Diagnostic::nowhere(Code::ConfigRefused, error.to_string()),
                });
            }
            None
        }
    }
}

/// The name of the block that an error of the core is about.
fn owner(error: &ConfigError, config: &Config) -> Option<Span> {
    let name = match error {
        ConfigError::Advert { instance, .. }
        | ConfigError::Destination { instance, .. }
        | ConfigError::Family { instance, .. }
        | ConfigError::Groups { instance } => instance,
        ConfigError::DuplicateName { name, .. } => name,
        ConfigError::SameRouter { second, .. } => second,
        ConfigError::Interface { who, .. }
        | ConfigError::Missing { who, .. }
        | ConfigError::Range { who, .. } => who,
        _ => return None,
    };
    let instances = config.instances.iter().map(|instance| &instance.name);
    let groups = config.groups.iter().map(|group| &group.name);
    let scripts = config.scripts.iter().map(|script| &script.name);
    instances.chain(groups).chain(scripts).find(|known| known.value == *name).map(|known| known.span)
}

#[derive(Clone, Eq, Hash, PartialEq)]
enum Key {
    Script(String),
    Interface(String),
}

/// The trackers of the router, each once.
#[derive(Default)]
struct Trackers {
    list: Vec<TrackerConfig>,
    positions: HashMap<Key, usize>,
    weights: HashMap<usize, Weight>,
    down: Vec<usize>,
}

impl Trackers {
    fn add(&mut self, key: Key, name: String, kind: TrackerKind) -> usize {
        let list = &mut self.list;
        *self.positions.entry(key).or_insert_with(|| {
            list.push(TrackerConfig::new(name, kind));
            list.len() - 1
        })
    }

    /// A tracker that is never up.
    fn lasting_fault(&mut self, instance: &str) -> usize {
        self.list.push(TrackerConfig::new(format!("peers of {instance}"), TrackerKind::External));
        let position = self.list.len() - 1;
        self.down.push(position);
        position
    }

    fn interface(
        &mut self,
        name: &Spanned<String>,
        interfaces: &mut Interfaces<'_>,
        diagnostics: &mut Diagnostics,
    ) -> usize {
        let kind = TrackerKind::Interface(interfaces.id(name, diagnostics));
        // The names of scripts and interfaces may coincide; trackers are told apart by theirs.
        let shown = format!("interface {}", name.value);
        self.add(Key::Interface(name.value.clone()), shown, kind)
    }

    /// Lets the instance watch every interface that its addresses are put on: a master whose address is on a dead link
    /// serves nobody.
    fn devices(
        &mut self,
        instance: &Instance,
        lowered: &mut InstanceConfig,
        interfaces: &mut Interfaces<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let addresses = instance.addresses.iter().chain(&instance.excluded);
        for dev in addresses.filter(|address| !address.no_track).filter_map(|address| address.dev.as_ref()) {
            // Whether its own interface matters is the instance's own setting.
            if interfaces.id(dev, diagnostics) == lowered.interface {
                continue;
            }
            let position = self.interface(dev, interfaces, diagnostics);
            if !lowered.track.iter().any(|track| track.tracker == position) {
                lowered.track.push(Track::new(position, 0));
            }
        }
    }

    fn tracks(
        &mut self,
        tracked_interfaces: &[Tracked],
        scripts: &[Tracked],
        interfaces: &mut Interfaces<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Track> {
        let mut out = Vec::new();
        for entry in tracked_interfaces {
            let position = self.interface(&entry.name, interfaces, diagnostics);
            out.push(track(position, entry.weight.unwrap_or(Weight { value: 0, reverse: false })));
        }
        for entry in scripts {
            let Some(&position) = self.positions.get(&Key::Script(entry.name.value.clone())) else {
                continue;
            };
            let default = self.weights.get(&position).copied();
            let weight = entry.weight.or(default).unwrap_or(Weight { value: 0, reverse: false });
            out.push(track(position, weight));
        }
        out
    }
}

fn track(tracker: usize, weight: Weight) -> Track {
    Track { tracker, weight: weight.value, reverse: weight.reverse }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{LoadOptions, parse_str};

    #[test]
    fn what_the_core_refuses_points_at_its_block() {
        let text = b"vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n}\n";
        let (config, _) = parse_str("x", text, &LoadOptions::default());
        let error = |instance: &str| ConfigError::Destination {
            instance: instance.to_string(),
            address: [224, 0, 0, 5].into(),
        };
        assert_eq!(owner(&error("A"), &config), Some(config.instances[0].name.span));
        assert_eq!(owner(&error("B"), &config), None);
    }
}
