//! The addresses of an instance and of its peers, and whether they answer.

use std::collections::HashMap;
use std::net::IpAddr;

use vrrp_core::{Family, Version};

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::draft::InstanceDraft;
use super::super::model::{Address, Peer};
use super::super::severity::Code;
use super::super::span::Spanned;
use super::instance::OWNER;

pub(super) fn of_family(
    source: &Spanned<IpAddr>,
    family: Family,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> bool {
    let same = Family::of(&source.value) == family;
    if !same {
        let message =
            format!("`{name}`: {} is not {family}, as the instance is; it is skipped", source.value);
        diagnostics.push(Diagnostic::at(Code::ValueInvalid, source.span, message));
    }
    same
}

/// Whether adverts are unicast, and the peers of the family without the host itself.
pub(super) fn peers(
    draft: &mut InstanceDraft,
    family: Family,
    diagnostics: &mut Diagnostics,
) -> (bool, Vec<Peer>) {
    let name = &draft.name.value;
    let own = draft.unicast_source.map(|source| source.value);
    let mut listed = std::mem::take(&mut draft.peers);
    listed.retain(|peer| of_family(&peer.address, family, name, diagnostics));
    let unicast = !listed.is_empty();
    if let Some(span) = draft.unicast.filter(|_| !unicast && !draft.fault_without_peers) {
        let message =
            format!("`{name}`: unicast_peer names nobody, so adverts are multicast, as keepalived does");
        let found = Diagnostic::at(Code::Adjusted, span, message);
        diagnostics.push(found.help("with unicast_fault_no_peer the instance is in FAULT instead"));
    }
    let mut kept: Vec<Peer> = Vec::new();
    for peer in listed {
        let known = kept.iter().any(|other| other.address.value == peer.address.value);
        if Some(peer.address.value) != own && !known {
            kept.push(peer);
        }
    }
    (unicast, kept)
}

/// The addresses that can be used, each once.
pub(super) fn addresses(
    read: Vec<Address>,
    family: Option<Family>,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<Address> {
    let mut kept: Vec<Address> = Vec::new();
    let mut seen = HashMap::new();
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

pub(super) fn addresses_excluded(
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

pub(super) fn link_local(address: &Address) -> bool {
    match address.address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

pub(super) fn no_addresses(draft: &InstanceDraft, strict: bool, diagnostics: &mut Diagnostics) {
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

pub(super) fn accept(
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
pub(super) fn no_answer<'a>(
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
