//! The notifies that wait, one queue for each instance and group.

use std::collections::{BTreeMap, VecDeque};

use super::command::Command;

/// Whose queue: a group or an instance, and its name.
pub(super) type Key = (bool, Box<str>);

/// A notify that waits.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) command: Command,
    /// It belongs to the end of the daemon and is never dropped.
    pub(super) is_last: bool,
}

/// All queues; one that is empty and runs nothing is not there.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: BTreeMap<Key, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    is_busy: bool,
    jobs: VecDeque<Job>,
}

/// Notifies that wait in one queue; with 32 changes of state behind, the oldest tell nobody anything.
pub(super) const WAITING: usize = 64;

impl Queues {
    /// Puts a notify at the end of a queue; gives back the one that had to go for it.
    pub(super) fn push(&mut self, key: &Key, job: Job) -> Option<Job> {
        let queue = self.queues.entry(key.clone()).or_default();
        queue.jobs.push_back(job);
        if queue.jobs.len() <= WAITING {
            return None;
        }
        let oldest = queue.jobs.iter().position(|job| !job.is_last)?;
        queue.jobs.remove(oldest)
    }

    /// The next notify of every queue that runs none; it counts as running from here on.
    pub(super) fn startable(&mut self) -> Vec<(Key, Job)> {
        let idle = self.queues.iter_mut().filter(|(_, queue)| !queue.is_busy);
        let next = idle.filter_map(|(key, queue)| {
            let job = queue.jobs.pop_front()?;
            queue.is_busy = true;
            Some((key.clone(), job))
        });
        next.collect()
    }

    /// The notify of a queue that ran has ended.
    pub(super) fn ended(&mut self, key: &Key) {
        if let Some(queue) = self.queues.get_mut(key) {
            queue.is_busy = false;
            if queue.jobs.is_empty() {
                self.queues.remove(key);
            }
        }
    }

    /// Whether something waits behind the notify that runs.
    pub(super) fn is_waited_for(&self, key: &Key) -> bool {
        self.queues.get(key).is_some_and(|queue| !queue.jobs.is_empty())
    }

    /// Takes everything that waits.
    pub(super) fn drain(&mut self) -> Vec<(Key, Job)> {
        let queues = std::mem::take(&mut self.queues);
        queues
            .into_iter()
            .flat_map(|(key, queue)| queue.jobs.into_iter().map(move |job| (key.clone(), job)))
            .collect()
    }

    /// Whether nothing runs and nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str) -> Job {
        Job { command: Command::program(name, vec![name.into()]), is_last: name == "stop" }
    }

    fn labels(jobs: Vec<(Key, Job)>) -> Vec<String> {
        jobs.into_iter().map(|(_, job)| job.command.label()).collect()
    }

    #[test]
    fn one_queue_runs_one_at_a_time_in_order_and_others_do_not_wait() {
        let (a, b): (Key, Key) = ((false, "a".into()), (true, "a".into()));
        let mut queues = Queues::default();
        for name in ["1", "2"] {
            assert!(queues.push(&a, job(name)).is_none());
        }
        assert!(queues.push(&b, job("3")).is_none());
        assert_eq!(labels(queues.startable()), ["1", "3"]);
        assert_eq!(labels(queues.startable()), [""; 0]);
        assert!(queues.is_waited_for(&a) && !queues.is_waited_for(&b));
        queues.ended(&a);
        assert_eq!(labels(queues.startable()), ["2"]);
        queues.ended(&a);
        queues.ended(&b);
        assert!(queues.is_empty());
    }

    #[test]
    fn a_full_queue_drops_the_oldest_but_never_the_last_wish() {
        let key: Key = (false, "a".into());
        let mut queues = Queues::default();
        assert!(queues.push(&key, job("stop")).is_none());
        for number in 1..WAITING {
            assert!(queues.push(&key, job(&number.to_string())).is_none());
        }
        assert_eq!(queues.push(&key, job("new")).map(|job| job.command.label()).as_deref(), Some("1"));
    }
}
