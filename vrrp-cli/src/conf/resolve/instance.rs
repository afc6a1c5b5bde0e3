//! One instance: what it inherits, and what its keywords mean together.

use std::net::IpAddr;
use std::time::Duration;

use vrrp_core::{Family, Version};

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::draft::{Inherited, InstanceDraft};
use super::super::model::{Address, Global, Instance, Peer, Script, State};
use super::super::number::Seconds;
use super::super::severity::Code;
use super::super::span::{Secret, Spanned};
use super::{alert, announce, tracked};

const OWNER: u8 = 255;

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
    let unicast = !draft.peers.is_empty();
    if let Some(span) = draft.unicast.filter(|_| !unicast && !draft.fault_without_peers) {
        let message =
            format!("`{name}`: unicast_peer is empty, so adverts are multicast, as keepalived does");
        let found = Diagnostic::at(Code::Adjusted, span, message);
        diagnostics.push(found.help("with unicast_fault_no_peer the instance is in FAULT instead"));
    }
    let peers = peers(&mut draft, family, diagnostics);
    for source in [&draft.mcast_source, &draft.unicast_source].into_iter().flatten() {
        of_family(source, family, &name, diagnostics);
    }
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
        lower_priority_no_advert: strict
            || flag(own.lower_priority_no_advert, inherited.lower_priority_no_advert, false),
        // keepalived's default is off. After two halves of a network come together again the winner then
        // never learns that there was another master, and its neighbours keep the loser's hardware address.
        higher_priority_send_advert: flag(
            own.higher_priority_send_advert,
            inherited.higher_priority_send_advert,
            !strict,
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
        let message = match draft.peers.is_empty() {
            true => format!("`{}` has no interface", name.value),
            false => format!("`{}` has no interface; unicast without one is not built yet", name.value),
        };
        let found = Diagnostic::at(Code::InstanceIncomplete, name.span, message);
        diagnostics.push(found.help("interface NAME"));
    }
    (vrid, complete)
}

/// The family of the first address decides; without addresses, that of the peers and sources.
fn family(draft: &InstanceDraft) -> Family {
    let first = draft.addresses.first().map(|address| address.address);
    let source = draft.unicast_source.or(draft.mcast_source).map(|source| source.value);
    let peer = draft.peers.first().map(|peer| peer.address.value);
    first.or(peer).or(source).map_or(Family::V4, |address| Family::of(&address))
}

fn version(
    draft: &InstanceDraft,
    inherited: &Inherited,
    family: Family,
    diagnostics: &mut Diagnostics,
) -> Version {
    let own = draft.inherited.version;
    if let Some(own) = own.filter(|own| family == Family::V6 && own.value == 2) {
        let message = format!("`{}`: IPv6 has no VRRPv2; version 3 is used", draft.name.value);
        diagnostics.push(Diagnostic::at(Code::Adjusted, own.span, message));
    }
    match own.or(inherited.version) {
        _ if family == Family::V6 => Version::V3,
        Some(Spanned { value: 3, .. }) => Version::V3,
        _ => Version::V2,
    }
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

fn password(
    draft: &mut InstanceDraft,
    version: Version,
    strict: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Secret<[u8; 8]>> {
    let name = &draft.name.value;
    let (kind, pass) = (draft.auth_type, draft.auth_pass.take());
    let span = kind.map(|kind| kind.span).or(pass.as_ref().map(|pass| pass.span))?;
    if strict {
        let message = format!("`{name}`: strict mode has no authentication; adverts are sent without");
        diagnostics.push(Diagnostic::at(Code::NotInStrict, span, message));
        return None;
    }
    if version == Version::V3 {
        let message = format!("`{name}`: VRRPv3 has no authentication; adverts are sent without");
        diagnostics.push(Diagnostic::at(Code::Adjusted, span, message));
        return None;
    }
    let (Some(kind), Some(pass)) = (kind, pass) else {
        let lacks = if kind.is_none() { "auth_type" } else { "auth_pass" };
        let message = format!("`{name}`: there is no {lacks}; adverts are sent without authentication");
        diagnostics.push(Diagnostic::at(Code::ValueInvalid, span, message));
        return None;
    };
    if kind.value == 1 {
        let message =
            format!("`{name}`: auth_type AH is not carried out yet; the peers would refuse every advert");
        let found = Diagnostic::at(Code::KeywordWire, kind.span, message);
        diagnostics.push(found.help("use `auth_type PASS` on every host of the cluster"));
        return None;
    }
    let bytes = pass.value.reveal().as_bytes();
    let mut key = [0; 8];
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = *from;
    }
    if bytes.len() > key.len() {
        let message = format!("`{name}`: auth_pass is {} bytes long; the first 8 are used", bytes.len());
        diagnostics.push(Diagnostic::at(Code::AuthCut, pass.span, message));
    }
    if pass.value.reveal().contains(char::REPLACEMENT_CHARACTER) {
        let message = format!("`{name}`: auth_pass holds a byte that is not UTF-8; its value is not known");
        diagnostics.push(Diagnostic::at(Code::ValueWire, pass.span, message));
    }
    Some(Secret::new(key))
}

fn of_family(source: &Spanned<IpAddr>, family: Family, name: &str, diagnostics: &mut Diagnostics) -> bool {
    let same = Family::of(&source.value) == family;
    if !same {
        let message = format!("`{name}`: {} is not {family}, as the instance is", source.value);
        diagnostics.push(Diagnostic::at(Code::ValueWire, source.span, message));
    }
    same
}

/// The peers of the family, without the host itself.
fn peers(draft: &mut InstanceDraft, family: Family, diagnostics: &mut Diagnostics) -> Vec<Peer> {
    let own = draft.unicast_source.map(|source| source.value);
    let mut kept: Vec<Peer> = Vec::new();
    for peer in std::mem::take(&mut draft.peers) {
        let known = kept.iter().any(|other| other.address.value == peer.address.value);
        if of_family(&peer.address, family, &draft.name.value, diagnostics)
            && Some(peer.address.value) != own
            && !known
        {
            kept.push(peer);
        }
    }
    kept
}

/// The addresses that can be used, each once.
fn addresses(
    read: Vec<Address>,
    family: Option<Family>,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<Address> {
    let mut kept: Vec<Address> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for address in read {
        if let Some(family) = family.filter(|family| Family::of(&address.address) != *family) {
            let message = format!(
                "`{name}`: {} is not {family}, as the first address is; it is skipped",
                address.address
            );
            let found = Diagnostic::at(Code::AddressWrongFamily, address.span, message);
            diagnostics
                .push(found.help("put it into virtual_ipaddress_excluded, or into an instance of its own"));
            continue;
        }
        let dev = address.dev.as_ref().map(|dev| dev.value.clone());
        if let Some(before) = seen.insert((address.address, dev), address.span) {
            let message = format!("`{name}`: {} stands here twice", address.address);
            let found = Diagnostic::at(Code::AddressRepeated, address.span, message);
            diagnostics.push(found.context(before, "first one"));
            continue;
        }
        kept.push(address);
    }
    kept
}

fn addresses_excluded(
    advertised: &[Address],
    read: Vec<Address>,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<Address> {
    let mut kept = addresses(read, None, name, diagnostics);
    kept.retain(|address| {
        let same = |other: &&Address| other.address == address.address && other.dev == address.dev;
        let before = advertised.iter().find(same);
        if let Some(before) = before {
            let message = format!("`{name}`: {} stands in virtual_ipaddress, too", address.address);
            let found = Diagnostic::at(Code::AddressRepeated, address.span, message);
            diagnostics.push(found.context(before.span, "first one"));
        }
        before.is_none()
    });
    kept
}

fn link_local(address: &Address) -> bool {
    match address.address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn no_addresses(draft: &InstanceDraft, strict: bool, diagnostics: &mut Diagnostics) {
    let (name, span) = (&draft.name.value, draft.name.span);
    if strict {
        let message = format!("`{name}`: strict mode needs an address in virtual_ipaddress");
        diagnostics.push(Diagnostic::at(Code::StrictRefuses, span, message));
    } else if !draft.no_addresses {
        let message = format!("`{name}` advertises no address");
        let found = Diagnostic::at(Code::NoAddresses, span, message);
        diagnostics.push(found.help("say no_virtual_ipaddress if that is meant"));
    }
}

fn accept(
    draft: &InstanceDraft,
    version: Version,
    strict: bool,
    priority: u8,
    diagnostics: &mut Diagnostics,
) -> bool {
    match draft.accept {
        Some(Spanned { value: true, span }) if strict && version == Version::V2 && priority != OWNER => {
            let message = format!("`{}`: strict VRRPv2 has no accept mode", draft.name.value);
            diagnostics.push(Diagnostic::at(Code::NotInStrict, span, message).help("no_accept is used"));
            false
        }
        Some(accept) => accept.value,
        None => !strict || priority == OWNER,
    }
}

/// Says which addresses will not answer, and why.
fn no_answer<'a>(
    draft: &InstanceDraft,
    strict: bool,
    addresses: impl Iterator<Item = &'a Address>,
    diagnostics: &mut Diagnostics,
) {
    let list: Vec<String> = addresses.map(|address| address.address.to_string()).collect();
    if list.is_empty() {
        return;
    }
    let (span, why) = match draft.accept {
        Some(accept) => (accept.span, if accept.value { "strict VRRPv2" } else { "no_accept" }),
        None if strict => (draft.name.span, "vrrp_strict"),
        None => return,
    };
    let message = format!(
        "`{}`: because of {why}, these addresses will answer nothing, not even ping: {}",
        draft.name.value,
        list.join(", ")
    );
    let help = match why {
        "no_accept" => "remove no_accept if services listen on them",
        _ => "remove vrrp_strict (or say `strict_mode off` in the instance) if services listen on them",
    };
    diagnostics.push(Diagnostic::at(Code::NoAnswer, span, message).help(help));
}

/// The interval in centiseconds that the version can carry.
fn advert(draft: &InstanceDraft, version: Version, diagnostics: &mut Diagnostics) -> u16 {
    let (wanted, span) = match draft.advert {
        Some(advert) => (advert.value, advert.span),
        None => (Duration::from_secs(1), draft.name.span),
    };
    let (unit, limit) = match version {
        Version::V2 => (1000u128, 255_000u128),
        Version::V3 => (10, 40_950),
    };
    let nanos = wanted.as_nanos();
    let rounded = (nanos + unit * 500_000) / (unit * 1_000_000) * unit;
    let used = rounded.clamp(unit, limit);
    if used * 1_000_000 != nanos {
        let used = Duration::from_millis(u64::try_from(used).unwrap_or(1000));
        let why = match version {
            Version::V2 => "VRRPv2 counts whole seconds",
            Version::V3 => "VRRPv3 counts hundredths of a second up to 40.95",
        };
        let (name, wanted, used) = (&draft.name.value, Seconds(wanted), Seconds(used));
        let message = format!("`{name}`: {why}; advert_int {wanted} is used as {used}");
        diagnostics.push(Diagnostic::at(Code::Adjusted, span, message));
    }
    u16::try_from(used / 10).unwrap_or(100)
}
