//! A reload: everything that can fail comes first, and what fails changes nothing.

use std::time::Duration;

use log::{error, info, warn};
use vrrp_net::Prepared;

use super::lines::Known;
use super::load::{Loaded, load};
use super::run::Daemon;
use super::threads::guarded;
use super::{plant, service, tell};
use crate::conf::Diagnostics;
use crate::conf::severity::Code;
use crate::log::{DAEMON, VRRP};

/// How long the packet thread may take to say how everything is.
const STATUS: Duration = Duration::from_secs(5);

impl Daemon {
    /// Reads the configuration again. Whatever is wrong with it, or with us, a configuration goes on.
    pub(super) fn reload(&mut self) {
        info!(target: DAEMON, "Reloading ...");
        service::reloading();
        let prepared = guarded(|| self.prepare()).unwrap_or_else(|words| Err(bug(&words)));
        match prepared.and_then(|(loaded, prepared)| self.put_in_force(loaded, prepared)) {
            Err(words) => error!(target: VRRP, "Not reloaded: {words}. The running configuration goes on"),
            Ok(loaded) => match guarded(|| self.adopt(loaded)) {
                Ok(()) => info!(target: VRRP, "Reload complete"),
                Err(words) => {
                    error!(target: VRRP, "Reloaded, and the new configuration is in force, but {}", bug(&words));
                }
            },
        }
        service::ready();
    }

    /// Everything that can fail because of the file or the system.
    fn prepare(&mut self) -> Result<(Loaded, Prepared), String> {
        let (loaded, found) = load(&self.file, self.config_id.clone(), &mut self.interner);
        tell(&found);
        plant::panic_at("reload");
        let loaded = loaded.map_err(|_| format!("{} cannot be carried out", self.file.display()))?;
        let loaded = if self.vrrp { loaded } else { Loaded::nothing() };
        self.check_emptiness(&loaded, &found)?;
        let prepared = self.handle.prepare(loaded.setup()).map_err(|error| error.to_string())?;
        Ok((loaded, prepared))
    }

    /// Giving every address away is rarely meant, and never when it is the files that are missing.
    fn check_emptiness(&self, loaded: &Loaded, found: &Diagnostics) -> Result<(), String> {
        if !loaded.config.instances().is_empty() || self.config.instances().is_empty() {
            return Ok(());
        }
        let is_missing = |code| matches!(code, Code::IncludeEmpty | Code::FileSkipped);
        match found.items().iter().find(|item| is_missing(item.code)) {
            Some(item) => Err(format!("there is no vrrp_instance left, and {}", item.message)),
            None => {
                warn!(target: VRRP, "there is no vrrp_instance left: all virtual addresses are given up");
                Ok(())
            }
        }
    }

    /// Lets the threads go over to it; if they cannot, they have what they had.
    fn put_in_force(&mut self, loaded: Loaded, prepared: Prepared) -> Result<Loaded, String> {
        // Before the router asks for any of them.
        self.runner.configure(loaded.commands.clone()).map_err(|busy| busy.to_string())?;
        let committed = match plant::is_planted("commit") {
            true => Err(vrrp_net::Error::Busy),
            false => self.handle.commit(prepared),
        };
        committed.map_err(|error| match self.runner.configure(self.commands.clone()) {
            Ok(()) => error.to_string(),
            Err(busy) => format!("{error}, and the scripts are those of the new configuration ({busy})"),
        })?;
        Ok(loaded)
    }

    /// What follows from a configuration that is in force: nothing here can take it back.
    fn adopt(&mut self, loaded: Loaded) {
        self.commands = loaded.commands;
        self.config = loaded.config.clone();
        self.is_filtered |= !loaded.no_accept.is_empty();
        plant::panic_at("adopt");
        let trackers = match self.handle.status(STATUS) {
            Ok(status) => status.trackers,
            Err(error) => {
                error!(target: DAEMON, "scripts have no names in the log, and lasting faults are not told: {error}");
                Vec::new()
            }
        };
        for tracker in
            trackers.iter().filter(|tracker| loaded.down.iter().any(|name| **name == *tracker.name))
        {
            if let Err(error) = self.handle.tracker(tracker.id, false) {
                error!(target: DAEMON, "`{}` is down, and the router cannot be told: {error}", tracker.name);
            }
        }
        let names = trackers.iter().map(|tracker| (tracker.id, &*tracker.name));
        self.known = Known::new(loaded.config, names).with_no_accept(loaded.no_accept);
        self.memory.keep(&self.known);
    }
}

fn bug(words: &str) -> String {
    format!("a bug of ours: {words}")
}
