//! What can be run, and for whom.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::{env, io, process};

use vrrp_core::Notification;

use super::identity::Identity;
use crate::sys;

/// A program with its arguments, or a text for bash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    program: PathBuf,
    /// The name that the program is called by, then its arguments.
    words: Vec<OsString>,
    is_shell: bool,
    identity: Option<Identity>,
    refusal: Option<String>,
}

impl Command {
    /// A program, the name that it is called by, and its arguments.
    pub fn program(path: impl Into<PathBuf>, words: Vec<OsString>) -> Self {
        Self { program: path.into(), words, is_shell: false, identity: None, refusal: None }
    }

    /// A text that bash carries out.
    pub fn shell(bash: impl Into<PathBuf>, text: impl Into<OsString>) -> Self {
        let words = vec![OsString::from("bash"), OsString::from("-c"), text.into()];
        Self { program: bash.into(), words, is_shell: true, identity: None, refusal: None }
    }

    /// A command that must not run; every run of it fails for this reason.
    pub fn refused(shown: impl Into<OsString>, reason: impl Into<String>) -> Self {
        let words = vec![shown.into()];
        let refusal = Some(reason.into());
        Self { program: PathBuf::new(), words, is_shell: false, identity: None, refusal }
    }

    /// Lets it run as somebody else.
    #[must_use]
    pub fn with_identity(self, identity: Option<Identity>) -> Self {
        Self { identity, ..self }
    }

    /// What a person recognises it by.
    pub fn label(&self) -> String {
        let words = self.words.iter().skip(if self.is_shell { 2 } else { 0 });
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// The same with more arguments at its end; a shell puts them there, too.
    pub(super) fn with_arguments(&self, arguments: &[&str]) -> Self {
        let mut command = self.clone();
        if self.is_shell {
            if let Some(text) = command.words.last_mut() {
                text.push(" \"$@\"");
            }
            command.words.push(OsString::from("bash"));
        }
        command.words.extend(arguments.iter().map(OsString::from));
        command
    }

    /// The process to be, without its standard streams.
    ///
    /// # Errors
    /// Why it must not run.
    pub(super) fn to_process(&self, environment: &[(OsString, OsString)]) -> io::Result<process::Command> {
        if let Some(reason) = &self.refusal {
            return Err(io::Error::other(reason.clone()));
        }
        let mut command = process::Command::new(&self.program);
        let mut words = self.words.iter();
        if let Some(name) = words.next() {
            command.arg0(name);
        }
        command.args(words).env_clear().process_group(0);
        match &self.identity {
            Some(identity) if !identity.is_ours() => {
                let foreign = |name: &OsStr| name == "HOME";
                command.envs(environment.iter().filter(|(name, _)| !foreign(name)).cloned());
                sys::become_in_child(&mut command, identity.raw());
            }
            Some(_) | None => {
                command.envs(environment.iter().cloned());
            }
        }
        Ok(command)
    }
}

/// The commands of a whole configuration, by the names of trackers, instances and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commands {
    /// What each check runs, by the name of the tracker.
    pub checks: BTreeMap<String, Command>,
    /// What each instance runs.
    pub instances: BTreeMap<String, Notifies>,
    /// What each group runs.
    pub groups: BTreeMap<String, Notifies>,
}

impl Commands {
    /// No commands.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What an instance or group runs when something happens to it (`notify_*`, `notify`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notifies {
    /// On MASTER.
    pub master: Option<Command>,
    /// On BACKUP.
    pub backup: Option<Command>,
    /// On FAULT, and when a reload removed the instance.
    pub fault: Option<Command>,
    /// When the daemon stops.
    pub stop: Option<Command>,
    /// When a MASTER hears another one with a lower priority.
    pub master_rx_lower_pri: Option<Command>,
    /// On everything but the last, with `INSTANCE` or `GROUP`, name, state and priority behind its own arguments.
    pub any: Option<Command>,
    /// A removed instance is told to [`Notifies::any`] as `DELETED` and not as `FAULT` (`notify_deleted`).
    pub tells_deleted: bool,
}

impl Notifies {
    /// Nothing is run.
    pub fn new() -> Self {
        Self::default()
    }

    /// The commands for an event, in their order.
    pub(super) fn commands(
        &self,
        what: Notification,
        subject: &str,
        name: &str,
        priority: u8,
    ) -> Vec<Command> {
        let what = match what {
            Notification::Deleted if !self.tells_deleted => Notification::Fault,
            what => what,
        };
        let specific = match what {
            Notification::Master => &self.master,
            Notification::Backup => &self.backup,
            Notification::Fault => &self.fault,
            Notification::Stop => &self.stop,
            Notification::MasterRxLowerPri => &self.master_rx_lower_pri,
            _ => &None,
        };
        let state = what.to_string();
        let arguments = [subject, name, &state, &priority.to_string()];
        let any = self.any.as_ref().filter(|_| what != Notification::MasterRxLowerPri);
        specific.iter().cloned().chain(any.map(|any| any.with_arguments(&arguments))).collect()
    }
}

/// What scripts find in their environment: the variables of ours that are harmless (`PATH`, `HOME`, `LANG`, `LC_*`,
/// `TZ`, `TMPDIR`) and those named in `more`; without a `PATH` of ours, the usual one.
pub fn environment(more: &[&str]) -> Vec<(OsString, OsString)> {
    let is_allowed = |name: &OsStr| {
        name.to_str()
            .is_some_and(|name| HARMLESS.contains(&name) || name.starts_with("LC_") || more.contains(&name))
    };
    let mut chosen: Vec<(OsString, OsString)> = env::vars_os().filter(|(name, _)| is_allowed(name)).collect();
    if !chosen.iter().any(|(name, _)| name == "PATH") {
        chosen.push((OsString::from("PATH"), OsString::from(USUAL_PATH)));
    }
    chosen
}

const HARMLESS: [&str; 6] = ["PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR"];
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Command {
        Command::program(words[0], words.iter().map(OsString::from).collect())
    }

    fn labels(notifies: &Notifies, what: Notification) -> Vec<String> {
        notifies.commands(what, "INSTANCE", "VI_1", 100).iter().map(Command::label).collect()
    }

    fn all() -> Notifies {
        Notifies {
            master: Some(command(&["/m", "master"])),
            fault: Some(command(&["/f"])),
            stop: Some(command(&["/s"])),
            master_rx_lower_pri: Some(command(&["/l"])),
            any: Some(command(&["/any", "a b"])),
            ..Notifies::new()
        }
    }

    #[test]
    fn the_command_of_the_state_comes_first_and_only_notify_gets_arguments() {
        assert_eq!(labels(&all(), Notification::Master), ["/m master", "/any a b INSTANCE VI_1 MASTER 100"]);
        assert_eq!(labels(&all(), Notification::Backup), ["/any a b INSTANCE VI_1 BACKUP 100"]);
        assert_eq!(labels(&all(), Notification::Stop), ["/s", "/any a b INSTANCE VI_1 STOP 100"]);
        assert_eq!(labels(&all(), Notification::MasterRxLowerPri), ["/l"]);
    }

    #[test]
    fn a_removed_instance_is_in_fault_unless_deleted_is_asked_for() {
        assert_eq!(labels(&all(), Notification::Deleted), ["/f", "/any a b INSTANCE VI_1 FAULT 100"]);
        let tells = Notifies { tells_deleted: true, ..all() };
        assert_eq!(labels(&tells, Notification::Deleted), ["/any a b INSTANCE VI_1 DELETED 100"]);
    }

    #[test]
    fn a_shell_gets_the_arguments_behind_its_text() {
        let shell = Command::shell("/bin/bash", "echo a; echo b").with_arguments(&["INSTANCE", "V 1"]);
        assert_eq!(shell.words, ["bash", "-c", "echo a; echo b \"$@\"", "bash", "INSTANCE", "V 1"]);
    }

    #[test]
    fn the_environment_is_what_was_allowed() {
        let names = |more: &[&str]| -> Vec<OsString> {
            environment(more).into_iter().map(|(name, _)| name).collect()
        };
        assert!(names(&[]).contains(&OsString::from("PATH")));
        assert!(!names(&[]).contains(&OsString::from("CARGO_MANIFEST_DIR")));
        assert!(names(&["CARGO_MANIFEST_DIR"]).contains(&OsString::from("CARGO_MANIFEST_DIR")));
    }
}
