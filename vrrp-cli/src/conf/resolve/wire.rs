//! What an instance puts on the wire: family, version, password, interval.

use std::time::Duration;

use vrrp_core::{Family, Version};

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::draft::{Inherited, InstanceDraft};
use super::super::number::Seconds;
use super::super::severity::Code;
use super::super::span::{Secret, Spanned};

/// The family of the first address decides; without addresses, that of the peers and sources.
pub(super) fn family(draft: &InstanceDraft) -> Family {
    let first = draft.addresses.first().map(|address| address.address);
    let source = draft.unicast_source.or(draft.mcast_source).map(|source| source.value);
    let peer = draft.peers.first().map(|peer| peer.address.value);
    first.or(peer).or(source).map_or(Family::V4, |address| Family::of(&address))
}

pub(super) fn version(
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

pub(super) fn password(
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
    let pass_absent = pass.is_none();
    let (Some(kind), Some(pass)) = (kind, pass) else {
        // What is written and cannot be used was reported where it stands.
        let reported = |absent: bool, keyword| absent && draft.written.contains(&keyword);
        if reported(kind.is_none(), "auth_type") || reported(pass_absent, "auth_pass") {
            return None;
        }
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
    let bytes = pass.value.reveal();
    let mut key = [0; 8];
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = *from;
    }
    if bytes.len() > key.len() {
        let message = format!("`{name}`: auth_pass is {} bytes long; the first 8 are used", bytes.len());
        diagnostics.push(Diagnostic::at(Code::AuthCut, pass.span, message));
    }
    Some(Secret::new(key))
}

/// The interval in centiseconds that the version can carry.
pub(super) fn advert(draft: &InstanceDraft, version: Version, diagnostics: &mut Diagnostics) -> u16 {
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
