//! The loop of a runner.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use vrrp_core::{CheckOutcome, Notification, TrackerId};

use super::child::{self, Child, Output};
use super::command::{Command, Commands};
use super::handle::{Order, RunnerHandle};
use super::notify::{Job, Queues};
use super::report::{Report, Told};
use super::run::{Purpose, Run};

/// Runs scripts. See the [module](super).
pub struct Runner {
    poll: Poll,
    events: Events,
    orders: Receiver<Order>,
    environment: Vec<(OsString, OsString)>,
    commands: Commands,
    /// What was configured before, for the last notifies of what a reload removed.
    previous: Commands,
    pub(super) runs: BTreeMap<usize, Run>,
    /// Outputs whose process has ended but which somebody still holds open, oldest first by number.
    outputs: BTreeMap<usize, Output>,
    pub(super) queues: Queues,
    next: usize,
    /// We are the process that orphans come to.
    pub(super) is_first: bool,
    pub(super) finishing_since: Option<Instant>,
    tell: Box<dyn FnMut(Report) -> Told + Send>,
    /// What nobody could take, oldest first. Bounded: a check whose end is not told does not run again.
    untold: Vec<Report>,
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the runner runs or it does not
pub enum Turn {
    /// Take another turn.
    Running,
    /// The runner was told to finish, and has.
    Finished,
}

/// Orders that fit between two turns: every instance of a large router may change its state at once.
const ORDERS: usize = 8192;
const WAKER: Token = Token(0);
/// From one attempt to tell a report to the next.
const TELL_AGAIN: Duration = Duration::from_millis(5);
/// Outputs that processes in the background may keep open.
const OUTPUTS: usize = 64;

impl Runner {
    /// A runner with no commands, whose scripts find `environment` ([`super::environment`]), and its handle. `tell` is
    /// called in the thread that takes turns; it must not wait, and may give a report back to be told it again
    /// ([`Told::Later`]).
    ///
    /// # Errors
    /// Without file descriptors left.
    pub fn new<T: Into<Told>>(
        environment: Vec<(OsString, OsString)>,
        mut tell: impl FnMut(Report) -> T + Send + 'static,
    ) -> io::Result<(Self, RunnerHandle)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, orders) = sync_channel(ORDERS);
        let runner = Self {
            poll,
            events: Events::with_capacity(256),
            orders,
            environment,
            commands: Commands::new(),
            previous: Commands::new(),
            runs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            queues: Queues::default(),
            next: 1,
            is_first: std::process::id() == 1,
            finishing_since: None,
            tell: Box::new(move |report| tell(report).into()),
            untold: Vec::new(),
        };
        Ok((runner, RunnerHandle::new(sender, waker)))
    }

    /// Takes turns until it was told to finish and has.
    ///
    /// # Errors
    /// When the kernel refuses to wait: a mistake of ours.
    pub fn run(mut self) -> io::Result<()> {
        while self.turn(None)? == Turn::Running {}
        Ok(())
    }

    /// Waits for something to do, at most `max_wait`, and does it.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn turn(&mut self, max_wait: Option<Duration>) -> io::Result<Turn> {
        let now = Instant::now();
        let wake = self.deadline(now).map(|at| at.saturating_duration_since(now));
        let wait = [wake, max_wait].into_iter().flatten().min();
        match self.poll.poll(&mut self.events, wait) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let tokens: Vec<Token> = self.events.iter().map(mio::event::Event::token).collect();
        self.read_outputs(&tokens);
        self.reap(&tokens);
        if self.is_first {
            self.bury_orphans();
        }
        for _ in 0..ORDERS {
            let Ok(order) = self.orders.try_recv() else { break };
            self.carry_out(order);
        }
        self.start_notifies();
        for report in std::mem::take(&mut self.untold) {
            self.report(report);
        }
        let now = Instant::now();
        self.enforce(now);
        Ok(self.is_finished(now))
    }

    pub(super) fn report(&mut self, report: Report) {
        if let Told::Later(report) = (self.tell)(report) {
            self.untold.push(report);
        }
    }

    /// When to tell again what could not be told.
    pub(super) fn tell_again(&self, now: Instant) -> Option<Instant> {
        (!self.untold.is_empty()).then(|| now + TELL_AGAIN)
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Configure(commands) => self.previous = std::mem::replace(&mut self.commands, *commands),
            Order::RunCheck { tracker, name } => self.run_check(tracker, name),
            Order::StopCheck { tracker, kill } => self.stop_check(tracker, kill),
            Order::Notify { is_group, name, what, priority } => self.enqueue(is_group, name, what, priority),
            Order::Finish => self.begin_finish(Instant::now()),
        }
    }

    fn run_check(&mut self, tracker: TrackerId, name: Box<str>) {
        // The router counts runs, so that this is a mistake of whoever speaks for it; two at a time are none of ours.
        if self.runs.values().any(|run| run.is_check_of(tracker)) {
            return;
        }
        let command = self.commands.checks.get(&*name).or_else(|| self.previous.checks.get(&*name)).cloned();
        let purpose = Purpose::Check { tracker, name };
        match command {
            Some(command) => self.start(&command, purpose),
            None => self.over(purpose, CheckOutcome::NotRun, "there is no such script".to_string()),
        }
    }

    fn stop_check(&mut self, tracker: TrackerId, kill: bool) {
        let now = Instant::now();
        for run in self.runs.values_mut().filter(|run| run.is_check_of(tracker)) {
            match kill {
                true => run.kill(now),
                false => run.stop(now),
            }
        }
    }

    fn enqueue(&mut self, is_group: bool, name: Box<str>, what: Notification, priority: u8) {
        let (subject, now, before) = match is_group {
            true => ("GROUP", &self.commands.groups, &self.previous.groups),
            false => ("INSTANCE", &self.commands.instances, &self.previous.instances),
        };
        let Some(notifies) = now.get(&*name).or_else(|| before.get(&*name)) else { return };
        let commands = notifies.commands(what, subject, &name, priority);
        let key = (is_group, name);
        for command in commands {
            let job = Job { command, is_last: what == Notification::Stop };
            if let Some(dropped) = self.queues.push(&key, job) {
                let (name, command) = (key.1.to_string(), dropped.command.label());
                self.report(Report::NotifyDropped { name, command });
            }
        }
    }

    /// A notify that cannot be started makes room for the next one at once.
    fn start_notifies(&mut self) {
        loop {
            let jobs = self.queues.startable();
            if jobs.is_empty() {
                return;
            }
            for (key, Job { command, is_last }) in jobs {
                let purpose = Purpose::Notify { key, command: command.label(), is_last };
                self.start(&command, purpose);
            }
        }
    }

    fn start(&mut self, command: &Command, purpose: Purpose) {
        let number = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        let tokens = [end_token(number), output_token(number)];
        match Child::start(command, &self.environment, self.poll.registry(), tokens) {
            Ok(child) => {
                let run = Run { child, purpose, started: Instant::now(), stopping: None };
                self.runs.insert(number, run);
            }
            Err(error) => {
                let words = format!("cannot start `{}`: {error}", command.label());
                self.over(purpose, CheckOutcome::NotRun, words);
            }
        }
    }

    /// Waits for processes that scripts left behind and that came to us because we are the first process of a container.
    fn bury_orphans(&mut self) {
        while let Some(dead) = child::any_dead() {
            // One of ours, whose end is about to be told; what lies behind it has time.
            if self.runs.values().any(|run| run.child.id() == dead) {
                return;
            }
            child::bury(dead);
        }
    }

    fn over(&mut self, purpose: Purpose, outcome: CheckOutcome, words: String) {
        let words = if outcome.is_success() { String::new() } else { words };
        let report = match purpose {
            Purpose::Check { tracker, name } => {
                Report::CheckEnded { tracker, name: name.into_string(), outcome, words }
            }
            Purpose::Notify { key, command, .. } => {
                self.queues.ended(&key);
                Report::NotifyEnded { name: key.1.into_string(), command, outcome, words }
            }
        };
        self.report(report);
    }

    fn read_outputs(&mut self, tokens: &[Token]) {
        for number in tokens.iter().filter_map(output_of) {
            let run = self.runs.get_mut(&number).map(|run| run.child.output());
            let Some(output) = run.or_else(|| self.outputs.get_mut(&number)) else { continue };
            output.read();
            output.listen_again(self.poll.registry(), output_token(number));
        }
        self.outputs.retain(|_, output| !output.is_over());
    }

    /// Waits for every process that has ended.
    fn reap(&mut self, tokens: &[Token]) {
        let told = tokens.iter().filter_map(end_of);
        let asked =
            self.runs.iter().filter(|(_, run)| run.child.has_to_be_asked()).map(|(number, _)| *number);
        let numbers: Vec<usize> = told.chain(asked).collect();
        let mut ended = Vec::new();
        for number in numbers {
            let Some(run) = self.runs.get_mut(&number) else { continue };
            if let Some(outcome) = run.child.ended(run.stopping.is_some()) {
                ended.push((number, outcome));
            }
        }
        for (number, outcome) in ended {
            let Some(mut run) = self.runs.remove(&number) else { continue };
            run.child.output().read();
            let output = run.child.into_output();
            let words = output.words();
            // A process in the background may go on writing; closing the pipe would end it.
            if !output.is_over() {
                self.outputs.insert(number, output);
                while self.outputs.len() > OUTPUTS {
                    self.outputs.pop_first();
                }
            }
            self.over(run.purpose, outcome, words);
        }
    }
}

/// Processes count from 1; each has two tokens, and 0 is the waker's.
fn end_token(number: usize) -> Token {
    Token(number.wrapping_mul(2))
}

fn output_token(number: usize) -> Token {
    Token(number.wrapping_mul(2).wrapping_add(1))
}

fn end_of(token: &Token) -> Option<usize> {
    (token.0.is_multiple_of(2) && *token != WAKER).then_some(token.0 / 2)
}

fn output_of(token: &Token) -> Option<usize> {
    (token.0 % 2 == 1).then_some(token.0 / 2)
}
