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
        // What was told before the commit is put into words that fit it.
        self.hear_news();
        self.config = loaded.config.clone();
        self.is_filtered |= !loaded.no_accept.is_empty();
        let status = self.handle.status(STATUS).map_err(|error| error.to_string())?;
        let trackers = status.trackers.iter().map(|tracker| (tracker.id, &*tracker.name));
        self.known = Known::new(loaded.config.clone(), trackers).with_no_accept(loaded.no_accept.clone());
        self.memory.keep(&self.known);
        let down =
            status.trackers.iter().filter(|tracker| loaded.down.iter().any(|name| **name == *tracker.name));
        for tracker in down {
            self.handle.tracker(tracker.id, false).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
