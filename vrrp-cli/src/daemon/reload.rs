//! A reload: everything that can fail comes first, and what fails changes nothing.

use std::time::Duration;

use log::{error, info};

use super::lines::Known;
use super::load::{Loaded, load};
use super::run::Daemon;
use super::{service, tell};
use crate::log::{DAEMON, VRRP};

/// How long the packet thread may take to say how everything is.
const STATUS: Duration = Duration::from_secs(5);

impl Daemon {
    /// Reads the configuration again. Whatever is wrong with it, the running one goes on.
    pub(super) fn reload(&mut self) {
        info!(target: DAEMON, "Reloading ...");
        service::reloading();
        match self.replace() {
            Ok(()) => info!(target: VRRP, "Reload complete"),
            Err(words) => error!(target: VRRP, "Not reloaded: {words}. The running configuration goes on"),
        }
        service::ready();
    }

    fn replace(&mut self) -> Result<(), String> {
        let (loaded, found) = load(&self.file, self.config_id.clone(), &mut self.interner);
        tell(&found);
        let loaded = loaded.map_err(|_| format!("{} cannot be carried out", self.file.display()))?;
        let loaded = if self.vrrp { loaded } else { Loaded::nothing() };
        let prepared = self.handle.prepare(loaded.setup()).map_err(|error| error.to_string())?;
        // Before the router asks for any of them.
        self.runner.configure(loaded.commands.clone()).map_err(|busy| busy.to_string())?;
        self.handle.commit(prepared).map_err(|error| error.to_string())?;
        self.adopt(loaded);
        Ok(())
    }

    /// What follows from a configuration that is in force: nothing here can take it back.
    fn adopt(&mut self, loaded: Loaded) {
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
        self.is_filtered |= !loaded.no_accept.is_empty();
        self.known = Known::new(loaded.config.clone(), names).with_no_accept(loaded.no_accept);
        self.memory.keep(&self.known);
        self.config = loaded.config;
    }
}
