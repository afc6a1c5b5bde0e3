//! From what the file says to what holds: inheritance, defaults, and what must fit together.

mod addresses;
mod announce;
mod instance;
mod tracked;
mod wire;

use std::collections::HashMap;
use std::time::Duration;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::draft::{Draft, GroupDraft, ScriptDraft};
use super::model::{Config, Global, Group, Instance, Script, Weight};
use super::severity::Code;
use super::span::Span;

/// Makes the configuration; what cannot be used is reported and left out.
pub(super) fn resolve(draft: Draft, diagnostics: &mut Diagnostics) -> Config {
    let inherited = draft.global.inherited;
    let global = draft.global.done;
    let scripts: Vec<Script> =
        draft.scripts.into_iter().filter_map(|script| resolve_script(script, diagnostics)).collect();
    let mut instances: Vec<Instance> = draft
        .instances
        .into_iter()
        .filter_map(|instance| instance::resolve(instance, &global, &inherited, &scripts, diagnostics))
        .collect();
    let mut members = HashMap::new();
    let groups: Vec<Group> = draft
        .groups
        .into_iter()
        .filter_map(|group| resolve_group(group, &global, &instances, &scripts, &mut members, diagnostics))
        .collect();
    for group in groups.iter().filter(|group| !group.tracking_weight) {
        let member = |name: &str| group.members.iter().any(|member| member.value == name);
        for instance in instances.iter_mut().filter(|instance| member(&instance.name.value)) {
            let why = format!("it is in the group `{}` without sync_group_tracking_weight", group.name.value);
            tracked::only_unweighted(instance, &scripts, &why, diagnostics);
        }
    }
    repeated_vrids(&instances, diagnostics);
    Config { global, scripts, groups, instances }
}

fn resolve_script(draft: ScriptDraft, diagnostics: &mut Diagnostics) -> Option<Script> {
    let Some(mut command) = draft.command else {
        let message =
            format!("vrrp_script `{}` has no command that can be run; it is skipped", draft.name.value);
        let found = Diagnostic::at(Code::CommandMissing, draft.name.span, message);
        diagnostics.push(found.help("script \"/path/of/check arguments\""));
        return None;
    };
    command.user = draft.user.or(command.user);
    let interval = draft.interval.map_or(Duration::from_secs(1), |interval| interval.value);
    let count = |count: Option<super::Spanned<i64>>| {
        count.map_or(1, |count| u32::try_from(count.value).unwrap_or(u32::MAX))
    };
    Some(Script {
        name: draft.name,
        command,
        interval,
        timeout: draft.timeout.map_or(interval, |timeout| timeout.value),
        weight: draft.weight.map_or(Weight { value: 0, reverse: false }, |weight| weight.value),
        rise: count(draft.rise),
        fall: count(draft.fall),
        init_fail: draft.init_fail,
    })
}

fn resolve_group(
    draft: GroupDraft,
    global: &Global,
    instances: &[Instance],
    scripts: &[Script],
    taken: &mut HashMap<String, Span>,
    diagnostics: &mut Diagnostics,
) -> Option<Group> {
    let name = &draft.name;
    let mut members: Vec<super::Spanned<String>> = Vec::new();
    for member in draft.members {
        if !instances.iter().any(|instance| instance.name.value == member.value) {
            let message =
                format!("there is no vrrp_instance `{}` for the group; it is skipped", member.value);
            let mut found = Diagnostic::at(Code::GroupMemberUnknown, member.span, message);
            let names = instances.iter().map(|instance| instance.name.value.as_str());
            if let Some(near) = super::suggest::nearest(&member.value, names) {
                found = found.replace(near);
            }
            diagnostics.push(found);
        } else if let Some(before) = taken.get(&member.value) {
            let message = format!("vrrp_instance `{}` is in a group already; it is skipped", member.value);
            let found = Diagnostic::at(Code::NameRepeated, member.span, message);
            diagnostics.push(found.context(*before, "first one"));
        } else {
            taken.insert(member.value.clone(), member.span);
            members.push(member);
        }
    }
    if members.len() < 2 {
        let message = match members.len() {
            0 => format!("vrrp_sync_group `{}` has no members and is skipped", name.value),
            _ => format!("vrrp_sync_group `{}` has one member only", name.value),
        };
        diagnostics.push(Diagnostic::at(Code::GroupSmall, name.span, message));
    }
    if members.is_empty() {
        return None;
    }
    Some(Group {
        members,
        track_interfaces: draft.track_interfaces,
        track_scripts: tracked::known_scripts(draft.track_scripts, scripts, diagnostics),
        tracking_weight: draft.tracking_weight,
        notify: draft.notify,
        smtp_alert: alert(draft.smtp_alert, global),
        name: draft.name,
    })
}

/// Whether changes are mailed: what the block says, then what VRRP says, then what everything says.
fn alert(own: Option<super::Spanned<bool>>, global: &Global) -> bool {
    own.map(|own| own.value).or(global.mail.alert_vrrp).or(global.mail.alert).unwrap_or(false)
}

/// Two instances must not share VRID, family and interface, unless unicast keeps them apart.
fn repeated_vrids(instances: &[Instance], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<(Option<&str>, u8, vrrp_core::Family), Vec<&Instance>> = HashMap::new();
    for instance in instances {
        let interface = instance.interface.as_ref().map(|interface| interface.value.as_str());
        let others = seen.entry((interface, instance.vrid.value, instance.family)).or_default();
        if let Some(other) = others.iter().find(|other| meet(other, instance)) {
            let message = format!(
                "`{}` and `{}` both use VRID {} with {} on interface {}",
                other.name.value,
                instance.name.value,
                instance.vrid.value,
                instance.family,
                interface.unwrap_or("(none)"),
            );
            let found = Diagnostic::at(Code::VridRepeated, instance.vrid.span, message);
            diagnostics.push(
                found
                    .context(other.vrid.span, "used here first")
                    .help("each virtual router of a segment needs a VRID of its own, 1 to 255"),
            );
        }
        others.push(instance);
    }
}

fn meet(left: &Instance, right: &Instance) -> bool {
    let shares =
        |peer: &super::Peer| right.peers.iter().any(|other| other.address.value == peer.address.value);
    left.unicast == right.unicast && (!left.unicast || left.peers.iter().any(shares))
}
