//! The main thread: signals in, threads started and ended, what they tell put into words.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use log::{Level, error, info, warn};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook_mio::v1_0::Signals;
use vrrp_core::Config;
use vrrp_net::runner::{self, Commands, Runner, RunnerHandle, Told};
use vrrp_net::{Driver, Handle, Report, process};

use super::lines::{self, Known, Line, Memory};
use super::load::Loaded;
use super::options::Options;
use super::plant;
use super::service;
use super::threads::{Elsewhere, NEWS, Name, News, Teller, guarded, spawn};
use crate::conf::lower::Interner;
use crate::exit::Exit;
use crate::log::{DAEMON, VRRP};

/// A running daemon.
pub(super) struct Daemon {
    pub(super) file: PathBuf,
    pub(super) config_id: Option<String>,
    pub(super) vrrp: bool,
    pub(super) interner: Interner,
    pub(super) config: Config,
    pub(super) known: Known,
    pub(super) poll: Poll,
    pub(super) signals: Signals,
    pub(super) news: Receiver<News>,
    pub(super) teller: Teller,
    pub(super) handle: Handle,
    pub(super) runner: RunnerHandle,
    /// What the runner was given.
    pub(super) commands: Commands,
    /// The threads that have not ended.
    pub(super) alive: Vec<Name>,
    pub(super) memory: Memory,
    /// There were addresses that do not answer.
    pub(super) is_filtered: bool,
    pub(super) phase: Phase,
    /// When all of the end has to be over, once it has begun.
    pub(super) end_by: Instant,
    pub(super) exit: Exit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
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
/// One bug may be met again on the way out; what comes after that goes on for ever.
const BUGS: usize = 3;
const SIGNALS: Token = Token(1);

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
        let run_scripts = move || {
            process::schedule_ordinarily();
            runner.run().map_err(|error| error.to_string())
        };
        start(Name::Runner, Box::new(run_scripts))?;
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
            commands: loaded.commands,
            alive,
            memory: Memory::default(),
            is_filtered: !loaded.no_accept.is_empty(),
            phase: Phase::Running,
            end_by: Instant::now(),
            exit: Exit::Success,
        })
    }

    /// Runs until everything has ended.
    pub(super) fn run(mut self) -> Exit {
        process::schedule_ordinarily();
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

    /// A bug in this thread must not leave addresses behind: the others are asked to leave all the same.
    fn work(&mut self) -> Exit {
        for _ in 0..BUGS {
            let Err(words) = guarded(|| self.turns()) else { return self.exit };
            error!(target: DAEMON, "a bug in the main thread: {words}");
            self.stop(Exit::Bug);
            self.exit = Exit::Bug;
        }
        self.abandon();
        Exit::Bug
    }

    fn turns(&mut self) {
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
                    plant::panic_at("main");
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
                News::Script(report) => {
                    let is_news = self.memory.is_news(&report);
                    lines::script_report(&report, is_news).into_iter().for_each(say);
                }
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
}

type Work = Box<dyn FnOnce() -> Result<(), String> + Send>;

fn make_runner(handle: &Handle, teller: &Teller) -> io::Result<(Runner, RunnerHandle)> {
    let more = std::env::var("VRRPD_SCRIPT_ENV").unwrap_or_default();
    let more: Vec<&str> = more.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    let (handle, teller) = (handle.clone(), teller.clone());
    Runner::new(runner::environment(&more), move |report| {
        if let runner::Report::CheckEnded { tracker, outcome, .. } = &report
            && matches!(handle.check_ended(*tracker, *outcome), Err(vrrp_net::Error::Busy))
        {
            // A result that is lost would leave the router waiting for it.
            return Told::Later(report);
        }
        teller.tell(News::Script(report));
        Told::Taken
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
