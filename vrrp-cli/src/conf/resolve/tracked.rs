//! What instances and groups watch.

use std::collections::HashSet;

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::model::{Instance, Script, Tracked};
use super::super::severity::Code;
use super::super::suggest;

/// The tracked scripts that exist, each once.
pub(super) fn known_scripts(
    tracked: Vec<Tracked>,
    scripts: &[Script],
    diagnostics: &mut Diagnostics,
) -> Vec<Tracked> {
    let known = |entry: &Tracked| {
        if scripts.iter().any(|script| script.name.value == entry.name.value) {
            return true;
        }
        let message = format!("there is no vrrp_script `{}`; it is not tracked", entry.name.value);
        let mut found = Diagnostic::at(Code::TrackedUnknown, entry.name.span, message);
        let names = scripts.iter().map(|script| script.name.value.as_str());
        if let Some(near) = suggest::nearest(&entry.name.value, names) {
            found = found.replace(near);
        }
        diagnostics.push(found);
        false
    };
    let tracked = tracked.into_iter().filter(known).collect();
    once(tracked, diagnostics)
}

/// Each tracked thing once.
pub(super) fn once(tracked: Vec<Tracked>, diagnostics: &mut Diagnostics) -> Vec<Tracked> {
    let mut seen = HashSet::new();
    let first = |entry: &Tracked| {
        let first = seen.insert(entry.name.value.clone());
        if !first {
            let message = format!("`{}` is tracked twice; the first line counts", entry.name.value);
            diagnostics.push(Diagnostic::at(Code::NameRepeated, entry.name.span, message));
        }
        first
    };
    tracked.into_iter().filter(first).collect()
}

/// Drops what would change the priority of an instance whose priority must not change.
pub(super) fn only_unweighted(
    instance: &mut Instance,
    scripts: &[Script],
    why: &str,
    diagnostics: &mut Diagnostics,
) {
    let name = &instance.name.value;
    let script = |wanted: &str| scripts.iter().find(|script| script.name.value == wanted);
    let mut keep = |entry: &Tracked, default: i16| {
        let weight = entry.weight.map_or(default, |weight| weight.value);
        if weight != 0 {
            let message = format!("`{name}`: `{}` has a weight and is not tracked: {why}", entry.name.value);
            diagnostics.push(Diagnostic::at(Code::Adjusted, entry.name.span, message));
        }
        weight == 0
    };
    instance.track_interfaces.retain(|entry| keep(entry, 0));
    instance
        .track_scripts
        .retain(|entry| keep(entry, script(&entry.name.value).map_or(0, |script| script.weight.value)));
}
