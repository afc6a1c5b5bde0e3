//! Interfaces: names in the file, handles in the core, facts of the host.

use std::collections::BTreeMap;

use vrrp_core::{InterfaceConfig, InterfaceId};

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::model::Config;
use super::super::severity::Code;
use super::super::span::Spanned;
use super::super::suggest;
use super::system::{Interface, System};

/// Gives each interface name one handle for as long as it lives: a reload keeps the handles.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    names: Vec<String>,
}

impl Interner {
    /// The handle of a name.
    pub fn id(&mut self, name: &str) -> InterfaceId {
        let position = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_string());
            self.names.len() - 1
        });
        InterfaceId(u32::try_from(position).unwrap_or(u32::MAX))
    }

    /// The name behind a handle.
    pub fn name(&self, id: InterfaceId) -> Option<&str> {
        self.names.get(id.0 as usize).map(String::as_str)
    }
}

/// The interfaces that a configuration names.
pub(super) struct Interfaces<'a> {
    system: &'a dyn System,
    interner: &'a mut Interner,
    dynamic: bool,
    default: String,
    used: BTreeMap<InterfaceId, InterfaceConfig>,
}

impl<'a> Interfaces<'a> {
    pub(super) fn new(config: &Config, system: &'a dyn System, interner: &'a mut Interner) -> Self {
        let default = config.global.default_interface.as_ref();
        Self {
            system,
            interner,
            dynamic: config.global.dynamic_interfaces,
            default: default.map_or("eth0".to_string(), |default| default.value.clone()),
            used: BTreeMap::new(),
        }
    }

    /// The name that addresses without `dev` are put on if their instance has no interface.
    pub(super) fn default_name(&self) -> &str {
        &self.default
    }

    /// Whether an address is the host's own.
    pub(super) fn is_local(&self, address: std::net::IpAddr) -> bool {
        self.system.is_local(address)
    }

    /// Whether an address is certainly not the host's own.
    pub(super) fn is_foreign(&self, address: std::net::IpAddr) -> bool {
        self.system.interface("lo") != Interface::Unknown && !self.system.is_local(address)
    }

    /// The handle of an interface; says so if there is no such interface.
    pub(super) fn id(&mut self, name: &Spanned<String>, diagnostics: &mut Diagnostics) -> InterfaceId {
        let id = self.interner.id(&name.value);
        if self.used.contains_key(&id) {
            return id;
        }
        let mut config = InterfaceConfig::new(id, name.value.clone());
        match self.system.interface(&name.value) {
            Interface::Present { mtu } => config.mtu = mtu,
            Interface::Unknown => {}
            Interface::Absent if self.dynamic => {
                let message = format!("there is no interface `{}` yet", name.value);
                diagnostics.push(Diagnostic::at(Code::Adjusted, name.span, message));
            }
            Interface::Absent => {
                let known = self.system.interfaces();
                let message = format!("there is no interface `{}`", name.value);
                let found = Diagnostic::at(Code::InterfaceMissing, name.span, message);
                let near = suggest::nearest(&name.value, known.iter().map(String::as_str));
                diagnostics.push(match near {
                    Some(near) => found.replace(near),
                    None => found.help(format!("this host has {}", known.join(", "))),
                });
            }
        }
        self.used.insert(id, config);
        id
    }

    pub(super) fn finish(self) -> Vec<InterfaceConfig> {
        self.used.into_values().collect()
    }
}
