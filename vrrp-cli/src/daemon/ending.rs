//! How the daemon ends: as it was told to, or after a bug of ours.

use std::time::{Duration, Instant};

use log::{error, info};
use vrrp_core::{InstanceId, Notification, Notify, Subject};

use super::run::{Daemon, Phase};
use super::threads::{Death, Name, guarded};
use super::{cleanup, service};
use crate::exit::Exit;
use crate::log::DAEMON;

/// How long leaving may take: a priority 0 advert and the removal of a thousand addresses take a fraction of it.
const LEAVE: Duration = Duration::from_secs(5);
/// The same when a thread that is needed for it has died.
const LEAVE_CRIPPLED: Duration = Duration::from_secs(1);
/// How long all of it may take, the last scripts included: whoever stops a container kills it after 10 s.
const ALL: Duration = Duration::from_millis(6500);

impl Daemon {
    /// A thread is over.
    pub(super) fn ended(&mut self, name: Name, outcome: Result<(), Death>) {
        self.alive.retain(|alive| *alive != name);
        let thread = name.as_str();
        match outcome {
            Ok(()) if self.phase != Phase::Running => return,
            Ok(()) => error!(target: DAEMON, "the thread `{thread}` ended by itself"),
            Err(Death::Error(words)) => error!(target: DAEMON, "the thread `{thread}` cannot go on: {words}"),
            Err(Death::Panic(words)) => error!(target: DAEMON, "a bug ended the thread `{thread}`: {words}"),
        }
        self.stop(Exit::Bug);
        self.exit = Exit::Bug;
        if let Phase::Leaving { until } = &mut self.phase {
            *until = (*until).min(Instant::now() + LEAVE_CRIPPLED);
        }
    }

    /// Stops; whoever asks again waits for no script.
    pub(super) fn stop_or_hurry(&mut self) {
        match &mut self.phase {
            Phase::Running => self.stop(Exit::Success),
            Phase::Finishing { until } => *until = Instant::now(),
            Phase::Leaving { .. } | Phase::Over => {}
        }
    }

    pub(super) fn stop(&mut self, exit: Exit) {
        if self.phase == Phase::Running {
            info!(target: DAEMON, "Stopping");
            service::stopping();
            self.exit = exit;
            self.handle.shutdown();
            let now = Instant::now();
            self.end_by = now + ALL;
            self.phase = Phase::Leaving { until: now + LEAVE };
        }
    }

    /// Goes on with the end as far as it has come.
    pub(super) fn proceed(&mut self) {
        let now = Instant::now();
        let runs = |name| self.alive.contains(&name);
        match self.phase {
            Phase::Leaving { until } if (runs(Name::Vrrp) || runs(Name::Kernel)) && now < until => {}
            Phase::Leaving { .. } => {
                if self.exit == Exit::Success && (runs(Name::Vrrp) || runs(Name::Kernel)) {
                    error!(target: DAEMON, "leaving took longer than {} s", LEAVE.as_secs());
                    self.exit = Exit::Failed;
                }
                if self.exit != Exit::Success {
                    self.clean_up();
                }
                let until = if self.runner.finish().is_ok() { self.end_by } else { now };
                self.phase = Phase::Finishing { until };
                self.proceed();
            }
            Phase::Finishing { until } if runs(Name::Runner) && now < until => {}
            Phase::Finishing { .. } => self.phase = Phase::Over,
            Phase::Running | Phase::Over => {}
        }
    }

    /// Ends without waiting for anybody: what is there is given back here.
    pub(super) fn abandon(&mut self) {
        self.handle.shutdown();
        if guarded(|| self.clean_up()).is_err() {
            error!(target: DAEMON, "addresses may be left");
        }
    }

    /// Does what the threads that should have done it cannot be relied on to have done.
    fn clean_up(&mut self) {
        match cleanup::remove_addresses(&self.config) {
            Ok(0) => {}
            Ok(count) => error!(target: DAEMON, "{count} addresses were still there and are removed"),
            Err(error) => error!(target: DAEMON, "addresses may be left: {error}"),
        }
        if self.is_filtered
            && let Err(error) = cleanup::remove_filter()
        {
            error!(target: DAEMON, "addresses may stay blocked: {error}");
        }
        if self.alive.contains(&Name::Vrrp) {
            return;
        }
        for (position, instance) in self.config.instances().iter().enumerate() {
            let subject =
                Subject::Instance(InstanceId::from_number(u32::try_from(position).unwrap_or(u32::MAX)));
            let (what, priority) = (Notification::Stop, instance.priority.get());
            let _ = self.runner.notify(&Notify { subject, name: &instance.name, what, priority });
        }
    }
}
