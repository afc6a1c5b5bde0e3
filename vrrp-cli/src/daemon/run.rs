//! The main thread: signals in, threads started and ended, what they tell put into words.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use log::{Level, error, info, warn};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook_mio::v1_0::Signals;
use vrrp_core::{Config, InstanceId, Notification, Notify, Subject};
use vrrp_net::runner::{self, Runner, RunnerHandle};
use vrrp_net::{Driver, Handle, Report, process};

use super::lines::{self, Known, Line, Memory};
use super::load::{Loaded, load};
use super::options::Options;
use super::threads::{Death, Elsewhere, NEWS, Name, News, Teller, spawn};
use super::{cleanup, service, tell};
use crate::conf::lower::Interner;
use crate::exit::Exit;
use crate::log::{DAEMON, VRRP};

/// A running daemon.
pub(super) struct Daemon {
    file: PathBuf,
    config_id: Option<String>,
    vrrp: bool,
    interner: Interner,
    config: Config,
    known: Known,
    poll: Poll,
    signals: Signals,
    news: Receiver<News>,
    teller: Teller,
    handle: Handle,
    runner: RunnerHandle,
    /// The threads that have not ended.
    alive: Vec<Name>,
    memory: Memory,
    /// There were addresses that do not answer.
    is_filtered: bool,
    phase: Phase,
    exit: Exit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// The virtual routers are left; what they hold is given back.
    Leaving {
        until: Instant,
    },
    /// The last scripts run.
    Finishing {
        until: Instant,
    },
    Over,
}

const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);
/// How long leaving may take: a priority 0 advert and the removal of a thousand addresses take a fraction of it.
const LEAVE: Duration = Duration::from_secs(5);
/// The same when a thread that is needed for it has died.
const LEAVE_CRIPPLED: Duration = Duration::from_secs(1);
/// How long the last scripts may take; the runner's own limit comes before.
const FINISH: Duration = Duration::from_secs(15);

impl Daemon {
    /// Opens everything and starts the threads.
    ///
    /// # Errors
    /// What is missing, in words, and how the program is to end.
    pub(super) fn start(
        options: &Options,
        loaded: Loaded,
        interner: Interner,
    ) -> Result<Self, (String, Exit)> {
        let failed = |what: &str, error: io::Error| (format!("cannot {what}: {error}"), exit_for(&error));
        let poll = Poll::new().map_err(|error| failed("make a poll", error))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(|error| failed("make a waker", error))?;
        let (teller, news) = Teller::new(Arc::new(waker));
        let mut signals = Signals::new(heard()).map_err(|error| failed("hear signals", error))?;
        let registered = poll.registry().register(&mut signals, SIGNALS, Interest::READABLE);
        registered.map_err(|error| failed("hear signals", error))?;

        let mut driver = Driver::new(loaded.setup()).map_err(|error| {
            let exit = if is_denied(&error) { Exit::Permission } else { Exit::Failed };
            let hint = if exit == Exit::Permission {
                "; vrrpd needs CAP_NET_ADMIN and CAP_NET_RAW, as root has"
            } else {
                ""
            };
            (format!("{error}{hint}"), exit)
        })?;
        let handle = driver.handle();
        let (runner, runner_handle) =
            make_runner(&handle, &teller).map_err(|error| failed("run scripts", error))?;
        runner_handle.configure(loaded.commands.clone()).map_err(|busy| (busy.to_string(), Exit::Failed))?;
        let down = driver
            .router()
            .trackers()
            .filter(|tracker| loaded.down.iter().any(|name| name == tracker.name()));
        for id in down.map(|tracker| tracker.id()).collect::<Vec<_>>() {
            handle.tracker(id, false).map_err(|error| (error.to_string(), Exit::Failed))?;
        }

        let trackers = driver.router().trackers().map(|tracker| (tracker.id(), tracker.name()));
        let known = Known::new(loaded.config.clone(), trackers).with_no_accept(loaded.no_accept.clone());

        let mut alive = Vec::new();
        let mut start = |name: Name, work: Work| {
            alive.push(name);
            spawn(name, &teller, work).map_err(|error| failed("start a thread", error))
        };
        start(Name::Runner, Box::new(move || runner.run().map_err(|error| error.to_string())))?;
        if let Some(kernel) = driver.take_kernel() {
            start(
                Name::Kernel,
                Box::new(move || {
                    kernel.run();
                    Ok(())
                }),
            )?;
        }
        let mut elsewhere = Elsewhere { runner: runner_handle.clone(), teller: teller.clone() };
        start(Name::Vrrp, Box::new(move || driver.run(&mut elsewhere).map_err(|error| error.to_string())))?;
        Ok(Self {
            file: options.file.clone(),
            config_id: options.config_id.clone(),
            vrrp: options.vrrp,
            interner,
            known,
            config: loaded.config,
            poll,
            signals,
            news,
            teller,
            handle,
            runner: runner_handle,
            alive,
            memory: Memory::default(),
            is_filtered: !loaded.no_accept.is_empty(),
            phase: Phase::Running,
            exit: Exit::Success,
        })
    }

    /// Runs until everything has ended.
    pub(super) fn run(mut self) -> Exit {
        if self.config.instances().is_empty() {
            warn!(target: DAEMON, "Warning - vrrpd has no configuration to run");
        }
        info!(target: VRRP, "Startup complete");
        service::ready();
        self.work()
    }

    /// Ends what has only begun.
    pub(super) fn stop_at_once(mut self) -> Exit {
        self.stop(Exit::Failed);
        self.work()
    }

    fn work(&mut self) -> Exit {
        let mut events = Events::with_capacity(16);
        while self.phase != Phase::Over {
            let until = match self.phase {
                Phase::Leaving { until } | Phase::Finishing { until } => Some(until),
                Phase::Running | Phase::Over => None,
            };
            let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    error!(target: DAEMON, "cannot wait for signals: {error}");
                    self.stop(Exit::Failed);
                }
                Ok(()) | Err(_) => {}
            }
            self.hear_signals();
            self.hear_news();
            self.proceed();
        }
        self.exit
    }

    fn hear_signals(&mut self) {
        let signals: Vec<i32> = self.signals.pending().collect();
        let mut reload = false;
        for signal in signals {
            match signal {
                SIGTERM | SIGINT => self.stop_or_hurry(),
                SIGHUP => reload = true,
                SIGUSR1 => {
                    info!(target: VRRP, "SIGUSR1: there is no dump of the data yet; nothing is written")
                }
                SIGUSR2 => {
                    info!(target: VRRP, "SIGUSR2: there is no dump of the statistics yet; nothing is written")
                }
                signal => {
                    info!(target: VRRP, "signal {signal}: what keepalived does for it is not there yet")
                }
            }
        }
        if reload && self.phase == Phase::Running {
            self.reload();
        }
    }

    fn hear_news(&mut self) {
        for _ in 0..NEWS {
            let Ok(news) = self.news.try_recv() else { break };
            match news {
                News::Driver(report) => self.tell_of_driver(&report),
                News::Script(report) => lines::script_report(&report).into_iter().for_each(say),
                News::Ended(name, outcome) => self.ended(name, outcome),
            }
        }
        match self.teller.lost() {
            0 => {}
            lost => {
                warn!(target: DAEMON, "{lost} reports of the threads were lost: they came faster than they could be told")
            }
        }
    }

    fn tell_of_driver(&mut self, report: &Report) {
        let before = self.memory.remember(report);
        lines::driver(report, &self.known, before).into_iter().for_each(say);
    }

    fn ended(&mut self, name: Name, outcome: Result<(), Death>) {
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
    fn stop_or_hurry(&mut self) {
        match &mut self.phase {
            Phase::Running => self.stop(Exit::Success),
            Phase::Finishing { until } => *until = Instant::now(),
            Phase::Leaving { .. } | Phase::Over => {}
        }
    }

    fn stop(&mut self, exit: Exit) {
        if self.phase == Phase::Running {
            info!(target: DAEMON, "Stopping");
            service::stopping();
            self.exit = exit;
            self.handle.shutdown();
            self.phase = Phase::Leaving { until: Instant::now() + LEAVE };
        }
    }

    /// Goes on with the end as far as it has come.
    fn proceed(&mut self) {
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
                let until = if self.runner.finish().is_ok() { now + FINISH } else { now };
                self.phase = Phase::Finishing { until };
                self.proceed();
            }
            Phase::Finishing { until } if runs(Name::Runner) && now < until => {}
            Phase::Finishing { .. } => self.phase = Phase::Over,
            Phase::Running | Phase::Over => {}
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

    /// Reads the configuration again. Whatever is wrong with it, the running one goes on.
    fn reload(&mut self) {
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
        let status = self.handle.status(LEAVE).map_err(|error| error.to_string())?;
        let trackers = status.trackers.iter().map(|tracker| (tracker.id, &*tracker.name));
        self.known = Known::new(loaded.config.clone(), trackers).with_no_accept(loaded.no_accept.clone());
        let down =
            status.trackers.iter().filter(|tracker| loaded.down.iter().any(|name| **name == *tracker.name));
        for tracker in down {
            self.handle.tracker(tracker.id, false).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

type Work = Box<dyn FnOnce() -> Result<(), String> + Send>;

fn make_runner(handle: &Handle, teller: &Teller) -> io::Result<(Runner, RunnerHandle)> {
    let more = std::env::var("VRRPD_SCRIPT_ENV").unwrap_or_default();
    let more: Vec<&str> = more.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    let (handle, teller) = (handle.clone(), teller.clone());
    Runner::new(runner::environment(&more), move |report| {
        if let runner::Report::CheckEnded { tracker, outcome, .. } = &report {
            // A result that is lost would leave the router waiting for it. Thousands of commands before this one mean
            // that the driver is held up, and then nothing is more urgent.
            for _ in 0..1000 {
                match handle.check_ended(*tracker, *outcome) {
                    Err(vrrp_net::Error::Busy) => std::thread::sleep(Duration::from_millis(1)),
                    Ok(()) | Err(_) => break,
                }
            }
        }
        teller.tell(News::Script(report));
    })
}

/// The signals that mean something to a keepalived; none of them ends us by accident.
fn heard() -> Vec<i32> {
    let realtime = process::realtime_signals();
    vec![SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, realtime.start() + 2, realtime.end() - 1]
}

fn exit_for(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Exit::Permission,
        _ => Exit::Failed,
    }
}

fn is_denied(error: &vrrp_net::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
        {
            return true;
        }
        source = error.source();
    }
    false
}

/// Logs a line; details are at the level `debug` unless they are asked for.
fn say(line: Line) {
    let level = if line.detail { line.level.max(Level::Debug) } else { line.level };
    log::log!(target: VRRP, level, "{}", line.text);
}
