//! One instance for the core.

use std::net::IpAddr;

use vrrp_core::{
    AnnounceSchedule, Destination, Family, InstanceConfig, InterfaceId, Interval, Password, Peer, Priority,
    Version, Vip, VipOptions, Vrid,
};

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::model::{Address, Announce, Global, Instance};
use super::super::severity::Code;
use super::super::span::Spanned;
use super::interfaces::Interfaces;

/// Lowers an instance without its trackers; `None` if the reader let a value through that the core refuses.
pub(super) fn lower(
    instance: &Instance,
    global: &Global,
    interfaces: &mut Interfaces<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<InstanceConfig> {
    let fallback = Spanned::new(interfaces.default_name().to_string(), instance.name.span);
    let interface = interfaces.id(instance.interface.as_ref().unwrap_or(&fallback), diagnostics);
    let addresses = vips(&instance.addresses, interface, interfaces, diagnostics);
    let excluded = vips(&instance.excluded, interface, interfaces, diagnostics);
    let vrid = Vrid::new(instance.vrid.value).ok()?;
    let mut lowered = InstanceConfig::new(instance.name.value.clone(), interface, vrid, addresses);
    lowered.family = instance.family;
    lowered.version = instance.version;
    lowered.priority = Priority::new(instance.priority).ok()?;
    lowered.interval = Interval::from_centis(instance.advert_centis).ok()?;
    lowered.down_timer_adverts = instance.down_timer_adverts;
    lowered.destination = destination(instance, global, interfaces);
    let source = source(instance);
    lowered.source = source.map(|source| source.value);
    if let Some(source) = source.filter(|source| interfaces.is_foreign(source.value)) {
        let name = &instance.name.value;
        let on = instance.interface.as_ref().map_or("", |interface| &interface.value);
        let message = format!("`{name}`: {} is not an address of this host", source.value);
        let found = Diagnostic::at(Code::SourceForeign, source.span, message);
        diagnostics.push(found.help(format!("set it on {on}, or remove the keyword")));
    }
    lowered.ttl = if instance.unicast { instance.unicast_ttl } else { 255 };
    lowered.password = instance.password.as_ref().and_then(|password| Password::new(password.reveal()).ok());
    lowered.preempt = !instance.nopreempt;
    lowered.preempt_delay = instance.preempt_delay;
    lowered.checksum_as_v2 = instance.checksum_as_v2;
    lowered.lower_prio_no_advert = instance.lower_priority_no_advert;
    lowered.higher_prio_send_advert = instance.higher_priority_send_advert;
    lowered.owner_ignore_adverts = instance.owner_ignores_adverts;
    // RFC 3768 section 7.1 lets a router drop an advert with other addresses; with configurations that are
    // changed host by host that means two masters, so only those who ask for the RFC get it.
    lowered.check_address_list =
        instance.strict && instance.version == Version::V2 && !instance.skip_check_addresses;
    lowered.check_unicast_src = instance.check_unicast_source
        || instance.peers.iter().any(|peer| peer.min_ttl.or(peer.max_ttl).is_some());
    lowered.track_primary = !instance.ignore_interface;
    lowered.announce = schedule(&instance.announce, global);
    lowered.excluded = excluded;
    Some(lowered)
}

fn vips(
    addresses: &[Address],
    interface: InterfaceId,
    interfaces: &mut Interfaces<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Vip> {
    let vip = |address: &Address| {
        let on = address.dev.as_ref().map_or(interface, |dev| interfaces.id(dev, diagnostics));
        let mut options = VipOptions::NONE;
        options.broadcast = address.broadcast;
        options.label = address.label.as_ref().and_then(|label| label.parse().ok());
        options.scope = address.scope.unwrap_or(0);
        Vip { options, ..Vip::new(address.address, address.prefix, on) }
    };
    addresses.iter().map(vip).collect()
}

fn destination(instance: &Instance, global: &Global, interfaces: &Interfaces<'_>) -> Destination {
    if instance.unicast || (instance.fault_without_peers && instance.peers.is_empty()) {
        let others = instance.peers.iter().filter(|peer| !interfaces.is_local(peer.address.value));
        let peers = others.map(|peer| Peer {
            address: peer.address.value,
            min_ttl: peer.min_ttl.unwrap_or(0),
            max_ttl: peer.max_ttl.unwrap_or(255),
        });
        return Destination::Unicast(peers.collect());
    }
    match instance.family {
        Family::V4 => global.group4.map(|group| IpAddr::V4(group.value)),
        Family::V6 => global.group6.map(|group| IpAddr::V6(group.value)),
    }
    .map_or(Destination::multicast(instance.family), Destination::Multicast)
}

fn source(instance: &Instance) -> Option<Spanned<IpAddr>> {
    if instance.unicast { instance.unicast_source } else { instance.mcast_source }
}

fn schedule(announce: &Announce, global: &Global) -> AnnounceSchedule {
    let mut schedule = AnnounceSchedule::default();
    schedule.master_delay = announce.delay;
    schedule.master_repeat = announce.repeat;
    schedule.master_refresh = announce.refresh;
    schedule.master_refresh_repeat = announce.refresh_repeat;
    schedule.lower_prio_delay = announce.lower_priority_delay;
    schedule.lower_prio_repeat = announce.lower_priority_repeat;
    schedule.garp_interval = global.garp_interval;
    schedule.gna_interval = global.gna_interval;
    schedule
}
