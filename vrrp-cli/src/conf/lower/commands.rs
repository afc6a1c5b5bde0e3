//! Commands with everything that running them takes.

use super::super::command::{self, Command, Run, UserSpec};
use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::model::{Global, Notify};
use super::super::severity::Code;
use super::super::span::Span;
use super::secure;
use super::system::{Identity, System};

/// The user that commands run as if it exists and nobody else is named.
const DEFAULT_USER: &str = "keepalived_script";

/// A command that was looked up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Executable {
    /// What is run, or why it must not be run. A check that cannot be run has failed.
    pub run: Result<Run, String>,
    /// Who it runs as.
    pub identity: Identity,
    /// The command as it stands in the file.
    pub shown: String,
}

/// The commands of an instance or group, by what they tell.
#[derive(Clone, Debug, Default)]
pub struct NotifyCommands {
    /// On MASTER.
    pub master: Option<Executable>,
    /// On BACKUP.
    pub backup: Option<Executable>,
    /// On FAULT.
    pub fault: Option<Executable>,
    /// When the daemon stops.
    pub stop: Option<Executable>,
    /// On every change, after the one above, with four more arguments.
    pub any: Option<Executable>,
    /// When a master hears an advert of lower priority.
    pub master_rx_lower_pri: Option<Executable>,
    /// A removed instance is reported as DELETED, not as FAULT.
    pub tells_deleted: bool,
}

/// What a command is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Its exit code is a state.
    Check,
    /// It tells of a change.
    Notify,
}

/// Looks commands up.
pub(super) struct Lookup<'a> {
    system: &'a dyn System,
    script_user: Option<&'a UserSpec>,
    security: bool,
    symlinks: bool,
    /// A command of root that nothing secures.
    unsecured: Option<Span>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(global: &'a Global, system: &'a dyn System, diagnostics: &mut Diagnostics) -> Self {
        let lookup = Self {
            system,
            script_user: global.script_user.as_ref(),
            security: global.script_security,
            symlinks: global.symlink_paths,
            unsecured: None,
        };
        if let Some(spec) = lookup.script_user
            && let Err(error) = lookup.identity(None)
        {
            let found = Diagnostic::at(Code::CommandUser, spec.span, format!("script_user: {error}"));
            diagnostics.push(found.help("no command runs that does not name a user of its own"));
        }
        lookup
    }

    /// Looks up all commands of an instance or group.
    pub(super) fn notify(&mut self, notify: &Notify, diagnostics: &mut Diagnostics) -> NotifyCommands {
        let mut find = |command: &Option<Command>| {
            command.as_ref().map(|command| self.command(command, Purpose::Notify, diagnostics))
        };
        NotifyCommands {
            master: find(&notify.master),
            backup: find(&notify.backup),
            fault: find(&notify.fault),
            stop: find(&notify.stop),
            any: find(&notify.any),
            master_rx_lower_pri: find(&notify.master_rx_lower_pri),
            tells_deleted: notify.tells_deleted,
        }
    }

    /// Looks up one command.
    pub(super) fn command(
        &mut self,
        command: &Command,
        purpose: Purpose,
        diagnostics: &mut Diagnostics,
    ) -> Executable {
        let shown = command.text.to_string_lossy().into_owned();
        let mut run = command::decide(command, self.system).map_err(|error| {
            let (code, help) = match purpose {
                Purpose::Check => (Code::CommandMissing, "a check that cannot be run counts as failed"),
                Purpose::Notify => (Code::NotifyMissing, "nobody will be told of this change"),
            };
            diagnostics.push(Diagnostic::at(code, command.span, format!("`{shown}`: {error}")).help(help));
            error.to_string()
        });
        let identity = match self.identity(command.user.as_ref()) {
            Ok(identity) => identity,
            Err(error) => {
                // That nobody is the script_user is said once, where it stands.
                if command.user.is_some() || self.script_user.is_none() {
                    let span = command.user.as_ref().map_or(command.span, |user| user.span);
                    diagnostics.push(Diagnostic::at(Code::CommandUser, span, format!("`{shown}`: {error}")));
                }
                run = Err(error);
                Identity { uid: 0, gid: 0, groups: Vec::new() }
            }
        };
        if identity.uid == 0 && run.is_ok() {
            if !self.security {
                self.unsecured = self.unsecured.or(Some(command.span));
            } else if let Some(error) = run.as_ref().ok().and_then(|run| secure::insecure(run, self.system)) {
                let found = Diagnostic::at(Code::CommandMissing, command.span, format!("`{shown}`: {error}"));
                diagnostics.push(
                    found.help(
                        "enable_script_security refuses it; write whole paths that only root can change",
                    ),
                );
                run = Err(error);
            }
        }
        if let (Ok(Run::Program { path, .. }), false) = (&mut run, self.symlinks) {
            // What was judged is what runs, whatever a link says later.
            *path = self.system.real(path);
        }
        Executable { run, identity, shown }
    }

    /// Says once that commands of root are not secured.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) {
        if let Some(span) = self.unsecured {
            let message = "commands run as root, and enable_script_security is not set";
            let found = Diagnostic::at(Code::ScriptSecurity, span, message);
            diagnostics.push(found.help("set it in global_defs, and a script_user if they need not be root"));
        }
    }

    fn identity(&self, own: Option<&UserSpec>) -> Result<Identity, String> {
        let Some(spec) = own.or(self.script_user) else {
            return match self.system.user(DEFAULT_USER) {
                Some(user) => Ok(Identity { groups: vec![user.gid], ..user }),
                None if self.security => Err(format!("there is no script_user and no user {DEFAULT_USER}")),
                None => Ok(Identity { uid: 0, gid: 0, groups: Vec::new() }),
            };
        };
        let user = self.system.user(&spec.user).ok_or_else(|| format!("there is no user {}", spec.user))?;
        let gid = match &spec.group {
            Some(group) => self.system.group(group).ok_or_else(|| format!("there is no group {group}"))?,
            None => user.gid,
        };
        let groups = if spec.supplementary { user.groups } else { vec![gid] };
        Ok(Identity { uid: user.uid, gid, groups })
    }
}
