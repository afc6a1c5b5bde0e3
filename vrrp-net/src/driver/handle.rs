//! Commands to a driver from other threads.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vrrp_core::{CheckOutcome, Config, InterfaceId, TrackerId};

use super::setup::{Plan, Setup};
use super::status::Status;
use crate::error::Error;
use crate::netlink::Request;
use crate::queue::{self, Bell, Refused};
use crate::socket::{Receiver, ReceiverPlan};

/// Tells a [`crate::Driver`] what other threads know and want. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) commands: queue::Sender<Command>,
    pub(super) bell: Bell,
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) shutdown: AtomicBool,
    /// What is in force: written by whoever puts it in force, read by those who prepare.
    outline: Mutex<Outline>,
}

#[derive(Debug, Default)]
struct Outline {
    interfaces: Vec<(InterfaceId, Arc<str>)>,
    receivers: Vec<ReceiverPlan>,
}

#[derive(Debug)]
pub(super) enum Command {
    CheckEnded(TrackerId, CheckOutcome),
    Commit(Box<Prepared>, mpsc::SyncSender<()>),
    Status(mpsc::SyncSender<Status>),
    Tracker(TrackerId, bool),
}

/// A reconfiguration of which everything that can fail is done; dropping it changes nothing.
#[derive(Debug)]
pub struct Prepared {
    pub(super) config: Config,
    pub(super) plan: Plan,
    /// Sockets that the new configuration needs and the old one did not.
    pub(super) opened: Vec<Receiver>,
}

impl Handle {
    /// How a run of a check ended.
    ///
    /// # Errors
    /// [`Error::Busy`] when the driver has thousands of commands before this one, [`Error::Stopped`] when it is gone.
    pub fn check_ended(&self, tracker: TrackerId, outcome: CheckOutcome) -> Result<(), Error> {
        self.send(Command::CheckEnded(tracker, outcome))
    }

    /// The verdict on a tracker of the kind [`vrrp_core::TrackerKind::External`].
    ///
    /// # Errors
    /// As [`Handle::check_ended`].
    pub fn tracker(&self, tracker: TrackerId, up: bool) -> Result<(), Error> {
        self.send(Command::Tracker(tracker, up))
    }

    /// Leave every virtual router: priority 0 is sent and the addresses are removed. [`crate::Driver::turn`] then says
    /// that it has stopped. Cannot fail, and more than once is as good as once.
    pub fn shutdown(&self) {
        self.shared.shutdown.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Does all of a reconfiguration that may fail or take time, and changes nothing. To be called in the network
    /// namespace of the driver, from any thread but one that must not wait.
    ///
    /// # Errors
    /// [`Error::Handle`] when an interface changed its handle, or a socket that cannot be opened.
    pub fn prepare(&self, setup: Setup) -> Result<Prepared, Error> {
        let plan = Plan::new(&setup);
        let missing: Vec<_> = {
            let outline = self.shared.outline.lock().unwrap_or_else(PoisonError::into_inner);
            check_handles(&outline.interfaces, &plan.kernel.interfaces)?;
            let is_new =
                |wanted: &&ReceiverPlan| !outline.receivers.iter().any(|have| is_same_socket(have, wanted));
            plan.kernel.receivers.iter().filter(is_new).cloned().collect()
        };
        let mut opened = Vec::new();
        if !missing.is_empty() {
            let mut request = Request::open()?;
            for receiver in missing {
                let names = &plan.kernel.interfaces;
                let Some((_, name)) = names.iter().find(|(id, _)| *id == receiver.interface) else {
                    continue;
                };
                // One that does not exist yet is listened to when it does.
                if let Some(link) = request.link(name)? {
                    opened.push(Receiver::open(receiver, link.index, name)?);
                }
            }
        }
        Ok(Prepared { config: setup.config, plan, opened })
    }

    /// Puts a prepared configuration in force and waits until the packet loop has done so, which takes it less than a
    /// millisecond. Not for the thread that turns the driver: that has [`crate::Driver::commit`].
    ///
    /// # Errors
    /// Never because of the configuration: [`Error::Stopped`] when there is no driver any more, [`Error::Busy`] as for
    /// [`Handle::check_ended`].
    pub fn commit(&self, prepared: Prepared) -> Result<(), Error> {
        let (done, wait) = mpsc::sync_channel(1);
        self.send(Command::Commit(Box::new(prepared), done))?;
        wait.recv().map_err(|_| Error::Stopped)
    }

    /// How everything is at present, waiting for the answer for at most `patience`. Not for the thread that turns the
    /// driver: that has [`crate::Driver::status`].
    ///
    /// # Errors
    /// [`Error::Busy`] when it did not answer in time, [`Error::Stopped`] when it is gone.
    pub fn status(&self, patience: Duration) -> Result<Status, Error> {
        let (answer, wait) = mpsc::sync_channel(1);
        self.send(Command::Status(answer))?;
        wait.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::Busy,
            RecvTimeoutError::Disconnected => Error::Stopped,
        })
    }

    pub(super) fn remember(&self, plan: &Plan) {
        let mut outline = self.shared.outline.lock().unwrap_or_else(PoisonError::into_inner);
        outline.interfaces.clone_from(&plan.kernel.interfaces);
        outline.receivers.clone_from(&plan.kernel.receivers);
    }

    fn send(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).map_err(|refused| match refused {
            Refused::Full(_) => Error::Busy,
            Refused::Gone(_) => Error::Stopped,
        })
    }
}

/// Whether one socket serves both: other VRIDs are a matter of its filter.
pub(super) fn is_same_socket(have: &ReceiverPlan, wanted: &ReceiverPlan) -> bool {
    let key = |plan: &ReceiverPlan| (plan.interface, plan.family);
    let groups: fn(&ReceiverPlan) -> &[IpAddr] = |plan| &plan.groups;
    key(have) == key(wanted) && groups(have) == groups(wanted)
}

fn check_handles(before: &[(InterfaceId, Arc<str>)], after: &[(InterfaceId, Arc<str>)]) -> Result<(), Error> {
    for (id, name) in after {
        let same_name = before.iter().find(|(_, known)| known == name);
        if let Some((known, _)) = same_name.filter(|(known, _)| known != id) {
            return Err(Error::Handle { name: name.to_string(), before: known.0, after: id.0 });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use vrrp_core::{InstanceConfig, InterfaceConfig, RouterConfig, Vip, Vrid};

    use super::*;

    #[test]
    fn what_could_not_be_committed_is_not_remembered() {
        // Without room for a single command.
        let bell = Bell::new().unwrap();
        let (commands, kept) = queue::ring_with(0, bell.clone()).unwrap();
        let handle = Handle { commands, bell, shared: Arc::default() };
        let prepared = || Prepared { config: setup().config, plan: Plan::new(&setup()), opened: Vec::new() };
        assert!(matches!(handle.commit(prepared()), Err(Error::Busy)));
        drop(kept);
        assert!(matches!(handle.commit(prepared()), Err(Error::Stopped)));
        let outline = handle.shared.outline.lock().unwrap();
        assert!(outline.receivers.is_empty() && outline.interfaces.is_empty(), "{outline:?}");
    }

    fn setup() -> Setup {
        let eth0 = InterfaceId(1);
        let mut config = RouterConfig::new();
        config.interfaces.push(InterfaceConfig::new(eth0, "eth0"));
        let vips = vec![Vip::new([192, 0, 2, 100].into(), 24, eth0)];
        config.instances.push(InstanceConfig::new("VI_1", eth0, Vrid::new(51).unwrap(), vips));
        Setup::new(Config::new(config).unwrap())
    }
}
