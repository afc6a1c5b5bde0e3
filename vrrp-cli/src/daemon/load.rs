//! From a file to everything that the threads are given.

use std::collections::BTreeSet;
use std::path::Path;

use vrrp_core::{Config, RouterConfig};
use vrrp_net::Setup;
use vrrp_net::runner::{Command, Commands, Identity, Notifies};

use crate::conf::command::Run;
use crate::conf::lower::{Executable, Host, Interner, Lowered, NotifyCommands, lower};
use crate::conf::{self, Diagnostics, LoadOptions};

/// A configuration, ready to be carried out.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) no_accept: BTreeSet<String>,
    /// The name of the tables that keep addresses from answering, if the file says one.
    pub(super) filter_table: Option<String>,
    pub(super) commands: Commands,
    /// Trackers that are down for good, by name.
    pub(super) down: Vec<String>,
}

/// Why there is nothing to carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such file.
    NoFile,
    /// The findings say it.
    Findings,
}

/// Reads a file and everything it includes, for this host. The findings are there in any case.
pub(super) fn load(
    file: &Path,
    config_id: Option<String>,
    interner: &mut Interner,
) -> (Result<Loaded, Refusal>, Diagnostics) {
    let (config, mut found) = conf::load(file, &LoadOptions { config_id });
    let Some(config) = config else {
        let refusal = if file.exists() { Refusal::Findings } else { Refusal::NoFile };
        return (Err(refusal), found);
    };
    // Handles of names that are refused in the end must not stay: the next file may be another one altogether.
    let mut tried = interner.clone();
    let lowered = lower(&config, &Host, &mut tried, &mut found);
    if lowered.is_some() {
        *interner = tried;
    }
    (lowered.map(Loaded::new).ok_or(Refusal::Findings), found)
}

impl Loaded {
    /// No virtual router at all.
    pub(super) fn nothing() -> Self {
        let config = Config::new(RouterConfig::new()).expect("nothing in it, nothing wrong");
        Self {
            config,
            no_accept: BTreeSet::new(),
            filter_table: None,
            commands: Commands::new(),
            down: Vec::new(),
        }
    }

    pub(super) fn setup(&self) -> Setup {
        let mut setup = Setup::new(self.config.clone());
        setup.no_accept.clone_from(&self.no_accept);
        if let Some(table) = &self.filter_table {
            setup.filter_table.clone_from(table);
        }
        setup
    }

    fn new(lowered: Lowered) -> Self {
        let config = lowered.router;
        let mut commands = Commands::new();
        let tracker = |position: usize| config.trackers().get(position).map(|tracker| tracker.name.clone());
        for (position, executable) in &lowered.checks {
            let Some(name) = tracker(*position) else { continue };
            commands.checks.insert(name, command(executable));
        }
        for (instance, theirs) in config.instances().iter().zip(&lowered.notify_instances) {
            commands.instances.insert(instance.name.clone(), notifies(theirs));
        }
        for (group, theirs) in config.groups().iter().zip(&lowered.notify_groups) {
            commands.groups.insert(group.name.clone(), notifies(theirs));
        }
        let silent = config.instances().iter().zip(&lowered.accept).filter(|(_, accept)| !**accept);
        let no_accept = silent.map(|(instance, _)| instance.name.clone()).collect();
        let down = lowered.down.iter().filter_map(|position| tracker(*position)).collect();
        Self { no_accept, filter_table: lowered.filter_table, commands, down, config }
    }
}

fn notifies(theirs: &NotifyCommands) -> Notifies {
    let of = |executable: &Option<Executable>| executable.as_ref().map(command);
    let mut notifies = Notifies::new();
    notifies.master = of(&theirs.master);
    notifies.backup = of(&theirs.backup);
    notifies.fault = of(&theirs.fault);
    notifies.stop = of(&theirs.stop);
    notifies.any = of(&theirs.any);
    notifies.master_rx_lower_pri = of(&theirs.master_rx_lower_pri);
    notifies.tells_deleted = theirs.tells_deleted;
    notifies
}

fn command(executable: &Executable) -> Command {
    let command = match &executable.run {
        Ok(Run::Program { path, words }) => Command::program(path, words.clone()),
        Ok(Run::Shell { bash, text }) => Command::shell(bash, text),
        Err(reason) => Command::refused(&executable.shown, reason),
    };
    let who = &executable.identity;
    // Without root nobody can become somebody else, and root, whom scripts run as by default, least of all.
    let stay = who.uid == 0 && !nix::unistd::Uid::effective().is_root();
    command.with_identity((!stay).then(|| Identity::new(who.uid, who.gid, who.groups.clone())))
}
