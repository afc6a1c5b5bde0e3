//! The shapes of vrrp-net.

use nix::unistd::geteuid;
use vrrp_net::Setup;
use vrrp_net::runner::{self, Commands, Notifies};

use super::super::command::Run;
use super::{Executable, Identity, Lowered, NotifyCommands};

impl Lowered {
    /// What the driver is told.
    pub fn setup(&self) -> Setup {
        let mut setup = Setup::new(self.router.clone());
        let silent = self.router.instances().iter().zip(&self.accept).filter(|(_, accept)| !**accept);
        setup.no_accept = silent.map(|(instance, _)| instance.name.clone()).collect();
        if let Some(table) = &self.filter_table {
            setup.filter_table.clone_from(table);
        }
        setup
    }

    /// What the runner is told. A check that must not be run is left out: the runner then reports that it was not
    /// run, which is a failure.
    pub fn commands(&self) -> Commands {
        let mut commands = Commands::new();
        for (tracker, executable) in &self.checks {
            if let (Some(tracker), Some(command)) =
                (self.router.trackers().get(*tracker), command(executable))
            {
                commands.checks.insert(tracker.name.clone(), command);
            }
        }
        let instances = self.router.instances().iter().map(|instance| instance.name.clone());
        commands.instances = instances.zip(self.notify_instances.iter().map(notifies)).collect();
        let groups = self.router.groups().iter().map(|group| group.name.clone());
        commands.groups = groups.zip(self.notify_groups.iter().map(notifies)).collect();
        commands
    }
}

fn notifies(from: &NotifyCommands) -> Notifies {
    let mut to = Notifies::new();
    let find = |executable: &Option<Executable>| executable.as_ref().and_then(command);
    (to.master, to.backup, to.fault) = (find(&from.master), find(&from.backup), find(&from.fault));
    (to.stop, to.any) = (find(&from.stop), find(&from.any));
    to.master_rx_lower_pri = find(&from.master_rx_lower_pri);
    to.tells_deleted = from.tells_deleted;
    to
}

/// The command; `None` if it must not be run.
fn command(executable: &Executable) -> Option<runner::Command> {
    let command = match executable.run.as_ref().ok()? {
        Run::Program { path, words } => runner::Command::program(path, words.clone()),
        Run::Shell { bash, text } => runner::Command::shell(bash, text),
    };
    // Only root can become somebody else; whoever else runs vrrpd runs its commands, too.
    if !geteuid().is_root() {
        return Some(command);
    }
    let Identity { uid, gid, groups } = &executable.identity;
    let supplementary = groups != &[*gid] && !groups.is_empty();
    let identity = runner::Identity::lookup(&uid.to_string(), Some(&gid.to_string()), supplementary).ok()?;
    Some(command.with_identity(Some(identity)))
}
