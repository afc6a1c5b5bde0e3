//! How long scripts may take, and what becomes of those that take longer.

use std::time::{Duration, Instant};

use super::report::Report;
use super::run::{Purpose, Run};
use super::turn::{Runner, Turn};

/// How long a notify may run while others of the same instance wait behind it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the notifies of the time before may run on when the daemon stops: one of them may wait for its end.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// How long all notifies together may hold up the end of the daemon: whoever stops a container kills it after 10 s.
const FINISH: Duration = Duration::from_secs(5);
/// How often a process is asked whether it has ended where the kernel has no pidfds.
const ASK: Duration = Duration::from_millis(20);
/// How often the first process of a container looks for orphans that have ended.
const BURIALS: Duration = Duration::from_secs(1);

impl Runner {
    /// Asks all checks to end, and begins to count the time that notifies have left.
    pub(super) fn begin_finish(&mut self, now: Instant) {
        self.finishing_since.get_or_insert(now);
        for run in self.runs.values_mut().filter(|run| run.is_check()) {
            run.stop(now);
        }
    }

    /// Asks notifies to end that take too long, and kills what was asked and did not.
    pub(super) fn enforce(&mut self, now: Instant) {
        let mut late = Vec::new();
        for number in self.runs.keys().copied().collect::<Vec<_>>() {
            let limit = self.runs.get(&number).and_then(|run| self.limit(run));
            let Some(run) = self.runs.get_mut(&number) else { continue };
            if run.stopping.is_some_and(|kill_at| kill_at <= now) {
                run.kill(now);
            } else if run.stopping.is_none() && limit.is_some_and(|limit| limit <= now) {
                late.extend(stopped(run, now));
                run.stop(now);
            }
        }
        late.into_iter().for_each(|report| self.report(report));
    }

    /// When a notify is asked to end: it has no limit as long as nobody waits for it.
    fn limit(&self, run: &Run) -> Option<Instant> {
        let Purpose::Notify { key, is_last, .. } = &run.purpose else { return None };
        match self.finishing_since {
            Some(since) if !is_last => Some(run.started.max(since) + LAST_PATIENCE),
            Some(_) => None,
            None => self.queues.is_waited_for(key).then(|| run.started + PATIENCE),
        }
    }

    pub(super) fn is_finished(&mut self, now: Instant) -> Turn {
        let Some(since) = self.finishing_since else { return Turn::Running };
        if since + FINISH <= now {
            self.give_up(now);
            return Turn::Finished;
        }
        match self.runs.is_empty() && self.queues.is_empty() {
            true => Turn::Finished,
            false => Turn::Running,
        }
    }

    /// Kills what still runs, and says what is left undone.
    fn give_up(&mut self, now: Instant) {
        let mut late = Vec::new();
        for run in self.runs.values_mut() {
            run.kill(now);
            late.extend(stopped(run, now));
        }
        late.into_iter().for_each(|report| self.report(report));
        for (key, job) in self.queues.drain() {
            let (name, command) = (key.1.into_string(), job.command.label());
            self.report(Report::NotifyDropped { name, command });
        }
    }

    /// When to look again without being woken.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let runs = self.runs.values().filter_map(|run| {
            let ask = run.child.has_to_be_asked().then(|| now + ASK);
            [run.stopping.or_else(|| self.limit(run)), ask].into_iter().flatten().min()
        });
        let finish = self.finishing_since.map(|since| since + FINISH);
        runs.chain(finish).chain(self.is_first.then(|| now + BURIALS)).chain(self.tell_again(now)).min()
    }
}

/// That a notify is not left to run to its end.
fn stopped(run: &Run, now: Instant) -> Option<Report> {
    let Purpose::Notify { key, command, .. } = &run.purpose else { return None };
    let after = now.saturating_duration_since(run.started);
    Some(Report::NotifyStopped { name: key.1.to_string(), command: command.clone(), after })
}
