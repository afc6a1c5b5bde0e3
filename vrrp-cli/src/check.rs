//! `vrrpd check` and `-t`: what is wrong with a configuration, without touching the system.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use crate::args;
use crate::conf::lower::{Elsewhere, Host, Interner, System, lower};
use crate::conf::severity::Shown;
use crate::conf::{Diagnostic, Diagnostics, LoadOptions, load};
use crate::exit::Exit;

/// Says everything about a file to a person: [`Exit::Checked`] with errors, [`Exit::Success`] otherwise.
pub fn check(options: &args::Check) -> Exit {
    let system: &dyn System = if options.elsewhere { &Elsewhere } else { &Host };
    let found = findings(&options.file, options.config_id.clone(), system);
    let mut out = io::stdout().lock();
    let text = match options.json {
        true => json_lines(&found),
        false => format!("{}{}\n", found.render(out.is_terminal()), summary(&options.file, &found)),
    };
    if let Err(error) = crate::write_out(&mut out, &text) {
        return crate::say(&format!("vrrpd: cannot write to standard output: {error}\n"), Exit::Failed);
    }
    match found.exit_code_check() {
        0 => Exit::Success,
        _ => Exit::Checked,
    }
}

/// keepalived's `-t`: a line for each finding, to standard error or into a file, and keepalived's exit codes.
pub fn test(file: &Path, config_id: Option<String>, log: Option<&Path>) -> Exit {
    let found = findings(file, config_id, &Host);
    let lines: String = found.lines().map(|(_, line)| line + "\n").collect();
    let written = match log {
        Some(path) => File::create(path).and_then(|mut log| log.write_all(lines.as_bytes())),
        None => io::stderr().write_all(lines.as_bytes()),
    };
    if let (Err(error), Some(path)) = (written, log) {
        let _ = writeln!(io::stderr(), "Unable to open config-test log file {}: {error}", path.display());
        return Exit::Failed;
    }
    Exit::Code(found.exit_code_test())
}

fn findings(file: &Path, config_id: Option<String>, system: &dyn System) -> Diagnostics {
    let (config, mut found) = load(file, &LoadOptions { config_id });
    if let Some(config) = config {
        // What would be carried out does not matter here, only what is said about it.
        let _ = lower(&config, system, &mut Interner::default(), &mut found);
    }
    found
}

/// A finding for programs: editors, pipelines.
#[derive(Serialize)]
struct Finding<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    /// The file and the line of the finding, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// What would be right in the place of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<&'a str>,
}

impl<'a> Finding<'a> {
    fn new(item: &'a Diagnostic, found: &Diagnostics) -> Self {
        let place = item.primary.as_ref().map(|(span, _)| span.at);
        Self {
            severity: item.code.row().shown.word(),
            code: item.code.row().name,
            message: &item.message,
            file: place.map(|place| found.sources().path(place.file).display().to_string()),
            line: place.map(|place| found.sources().line(place)),
            help: item.help.as_deref(),
            replacement: item.replacement.as_deref(),
        }
    }
}

/// Each finding as a JSON object on a line of its own.
fn json_lines(found: &Diagnostics) -> String {
    let line = |item| serde_json::to_string(&Finding::new(item, found)).unwrap_or_default() + "\n";
    found.items().iter().map(line).collect()
}

/// One line: how many findings of which kind.
fn summary(file: &Path, found: &Diagnostics) -> String {
    let count = |shown| found.items().iter().filter(|item| item.code.row().shown == shown).count();
    let kinds = [(Shown::Error, "error"), (Shown::Warning, "warning"), (Shown::Note, "note")];
    let said = kinds.map(|(shown, word)| (count(shown), word)).into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> =
        said.map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" })).collect();
    match said.is_empty() {
        true => format!("{}: nothing to say", file.display()),
        false => format!("{}: {}", file.display(), said.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::parse_str;

    #[test]
    fn a_program_reads_each_finding_with_its_place_and_no_secret() {
        let text = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    prioritty 100\n    \
                    authentication {\n        auth_type PASS\n        auth_pass keep@lived\n    }\n}\n";
        let (_, found) = parse_str("a.conf", text.as_bytes(), &LoadOptions::default());
        let lines = json_lines(&found);
        let findings: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let unknown = findings.iter().find(|finding| finding["code"] == "keyword-unknown").unwrap();
        assert_eq!((&unknown["file"], &unknown["line"]), (&"a.conf".into(), &4.into()));
        assert_eq!(unknown["replacement"], "priority");
        assert!(!lines.contains("keep@lived"), "{lines}");
    }
}
