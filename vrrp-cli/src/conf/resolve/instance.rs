//! One instance: what it inherits, and what its keywords mean together.

use std::time::Duration;

use std::net::IpAddr;

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::draft::{Inherited, InstanceDraft};
use super::super::model::{Global, Instance, Script, State};
use super::super::severity::Code;
use super::super::span::Spanned;
use super::addresses::{
    accept, addresses, addresses_excluded, link_local, no_addresses, no_answer, of_family, peers,
};
use super::wire::{advert, family, password, version};
use super::{alert, announce, tracked};

/// The priority of the address owner.
pub(super) const OWNER: u8 = 255;

/// Makes an instance; `None` if it lacks what it cannot do without.
pub(super) fn resolve(
    mut draft: InstanceDraft,
    global: &Global,
    inherited: &Inherited,
    scripts: &[Script],
    diagnostics: &mut Diagnostics,
) -> Option<Instance> {
    let (name, at) = (draft.name.value.clone(), draft.name.span);
    let (vrid, complete) = required(&draft, diagnostics);
    let family = family(&draft);
    let version = version(&draft, inherited, family, diagnostics);
    let own = std::mem::take(&mut draft.inherited);
    let flag = |own: Option<Spanned<bool>>, global: Option<Spanned<bool>>, default: bool| {
        own.or(global).map_or(default, |value| value.value)
    };
    let strict = flag(own.strict, inherited.strict, false);
    let priority = priority(&draft);
    let state = state(&draft, priority, strict, diagnostics);
    let (nopreempt, preempt_delay) = preemption(&draft, state, priority, strict, diagnostics);
    let password = password(&mut draft, version, strict, diagnostics);
    let (unicast, peers) = peers(&mut draft, family, diagnostics);
    let mut usable = |source: &Spanned<IpAddr>| of_family(source, family, &name, diagnostics);
    draft.mcast_source = draft.mcast_source.filter(&mut usable);
    draft.unicast_source = draft.unicast_source.filter(&mut usable);
    let addresses = addresses(std::mem::take(&mut draft.addresses), Some(family), &name, diagnostics);
    let excluded = addresses_excluded(&addresses, std::mem::take(&mut draft.excluded), &name, diagnostics);
    if addresses.is_empty() {
        no_addresses(&draft, strict, diagnostics);
    }
    if let Some(first) = addresses.first().filter(|first| strict && !link_local(first)) {
        let message = format!("`{name}`: in strict mode the first IPv6 address must be link-local");
        diagnostics.push(Diagnostic::at(Code::StrictRefuses, first.span, message).help("put fe80::… first"));
    }
    let accept = accept(&draft, version, strict, priority, diagnostics);
    if !accept && priority != OWNER {
        no_answer(&draft, strict, addresses.iter().chain(&excluded), diagnostics);
    }
    let interface_name = draft.interface.as_ref().map(|interface| interface.value.clone());
    // Its own interface is watched anyway.
    draft.track_interfaces.retain(|entry| Some(&entry.name.value) != interface_name.as_ref());
    let interfaces = tracked::once(std::mem::take(&mut draft.track_interfaces), diagnostics);
    let track_scripts =
        tracked::known_scripts(std::mem::take(&mut draft.track_scripts), scripts, diagnostics);
    let advert_centis = advert(&draft, version, diagnostics);
    let down_timer = own.down_timer_adverts.or(inherited.down_timer_adverts);
    if !complete {
        return None;
    }
    let silent_master =
        strict || flag(own.lower_priority_no_advert, inherited.lower_priority_no_advert, false);
    let mut instance = Instance {
        announce: announce::announce(&own, inherited, strict, diagnostics),
        vrid: vrid?,
        interface: draft.interface,
        version,
        family,
        state,
        priority,
        advert_centis,
        password,
        nopreempt,
        preempt_delay,
        addresses,
        excluded,
        no_addresses: draft.no_addresses,
        mcast_source: draft.mcast_source,
        unicast_source: draft.unicast_source,
        unicast,
        peers,
        unicast_ttl: draft.unicast_ttl.and_then(|ttl| u8::try_from(ttl.value).ok()).unwrap_or(255),
        fault_without_peers: draft.unicast.is_some() && draft.fault_without_peers,
        check_unicast_source: flag(own.check_unicast_source, inherited.check_unicast_source, false),
        track_interfaces: interfaces,
        track_scripts,
        ignore_interface: draft.ignore_interface,
        strict,
        accept,
        skip_check_addresses: flag(own.skip_check_addresses, inherited.skip_check_addresses, false),
        down_timer_adverts: down_timer.map_or(3, |value| u8::try_from(value.value).unwrap_or(3)),
        lower_priority_no_advert: silent_master,
        // keepalived's default is off. After two halves of a network come together again the winner then
        // never learns that there was another master, and its neighbours keep the loser's hardware address.
        // A winner that does not answer gains nothing, and others would take the loser's word for its.
        higher_priority_send_advert: flag(
            own.higher_priority_send_advert,
            inherited.higher_priority_send_advert,
            !silent_master,
        ),
        owner_ignores_adverts: flag(own.owner_ignores_adverts, inherited.owner_ignores_adverts, false),
        checksum_as_v2: flag(own.checksum_as_v2, inherited.checksum_as_v2, false),
        notify: draft.notify,
        smtp_alert: alert(draft.smtp_alert, global),
        name: Spanned::new(name, at),
    };
    if priority == OWNER {
        tracked::only_unweighted(&mut instance, scripts, "the priority 255 never changes", diagnostics);
    }
    Some(instance)
}

/// The VRID, and whether everything that is required is there.
fn required(draft: &InstanceDraft, diagnostics: &mut Diagnostics) -> (Option<Spanned<u8>>, bool) {
    let vrid = draft.vrid.and_then(|vrid| Some(Spanned::new(u8::try_from(vrid.value).ok()?, vrid.span)));
    let mut complete = vrid.is_some();
    let name = &draft.name;
    // What is written and cannot be used was reported where it stands.
    if vrid.is_none() && !draft.written.contains(&"virtual_router_id") {
        let message = format!("`{}` has no virtual_router_id", name.value);
        let found = Diagnostic::at(Code::InstanceIncomplete, name.span, message);
        diagnostics
            .push(found.help("virtual_router_id NUMBER, 1 to 255, the same on every host of the cluster"));
    }
    if draft.interface.is_none() {
        complete = false;
        if draft.written.contains(&"interface") {
            return (vrid, complete);
        }
        let message = format!("`{}` has no interface", name.value);
        let found = Diagnostic::at(Code::InstanceIncomplete, name.span, message);
        diagnostics.push(found.help("interface NAME"));
    }
    (vrid, complete)
}

fn priority(draft: &InstanceDraft) -> u8 {
    let master = draft.state.is_some_and(|state| state.value == 0);
    let given = draft.priority.and_then(|priority| u8::try_from(priority.value).ok());
    given.unwrap_or(if master { OWNER } else { 100 })
}

fn state(draft: &InstanceDraft, priority: u8, strict: bool, diagnostics: &mut Diagnostics) -> State {
    let name = &draft.name.value;
    match draft.state {
        Some(Spanned { value: 0, span }) if strict && priority != OWNER => {
            let message =
                format!("`{name}`: in strict mode only the address owner (priority 255) starts as MASTER");
            diagnostics.push(Diagnostic::at(Code::NotInStrict, span, message).help("BACKUP is used"));
            State::Backup
        }
        Some(Spanned { value: 0, .. }) => State::Master,
        Some(_) => State::Backup,
        None if priority == OWNER => State::Master,
        None => State::Backup,
    }
}

fn preemption(
    draft: &InstanceDraft,
    state: State,
    priority: u8,
    strict: bool,
    diagnostics: &mut Diagnostics,
) -> (bool, Duration) {
    let name = &draft.name.value;
    let master = draft.state.is_some_and(|wanted| wanted.value == 0) || state == State::Master;
    let reason = if priority == OWNER { "priority 255" } else { "state MASTER" };
    let mut nopreempt = draft.nopreempt.filter(|nopreempt| nopreempt.value);
    if let Some(flag) = nopreempt.take_if(|_| master || priority == OWNER) {
        let message = format!("`{name}`: nopreempt has no effect with {reason}");
        let found = Diagnostic::at(Code::Adjusted, flag.span, message);
        diagnostics.push(found.help("nopreempt needs `state BACKUP` on every host"));
    }
    let mut delay = draft.preempt_delay.filter(|delay| !delay.value.is_zero());
    if let Some(flag) = nopreempt
        && let Some(ignored) = delay.take()
    {
        let message = format!("`{name}`: preempt_delay has no effect with nopreempt");
        let found =
            Diagnostic::at(Code::Adjusted, ignored.span, message).context(flag.span, "it never preempts");
        diagnostics.push(found.help("remove one of them"));
    }
    if let Some(delay) = delay.take_if(|_| master || priority == OWNER || strict) {
        let (code, reason) = match strict {
            true => (Code::NotInStrict, "vrrp_strict"),
            false => (Code::Adjusted, reason),
        };
        let message = format!("`{name}`: preempt_delay has no effect with {reason}");
        diagnostics.push(Diagnostic::at(code, delay.span, message));
    }
    (nopreempt.is_some(), delay.map_or(Duration::ZERO, |delay| delay.value))
}
