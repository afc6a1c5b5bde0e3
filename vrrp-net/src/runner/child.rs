//! One process, from its start until it was waited for.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Stdio};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use vrrp_core::CheckOutcome;

use super::command::Command;
use crate::sys;

/// A running process with its process group.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    /// None on kernels without pidfds: then it has to be asked now and then.
    pidfd: Option<OwnedFd>,
    output: Output,
}

/// What a process writes: the beginning is kept, the rest is read and forgotten.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Option<File>,
    text: Vec<u8>,
}

/// Much of a message, little of a flood.
const KEPT: usize = 1024;

impl Child {
    /// Starts a process; `tokens` are for its end and its output.
    pub(super) fn start(
        command: &Command,
        environment: &[(OsString, OsString)],
        registry: &Registry,
        tokens: [Token; 2],
    ) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let pipe = File::from(OwnedFd::from(reader));
        // Only our end: a script may expect that writing waits.
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        registry.register(&mut SourceFd(&pipe.as_raw_fd()), tokens[1], Interest::READABLE)?;
        let mut to_be = command.to_process(environment)?;
        to_be.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let process = to_be.spawn()?;
        let pidfd = sys::pidfd_open(process.id()).ok().filter(|pidfd| {
            registry
                .register(&mut SourceFd(&pidfd.as_fd().as_raw_fd()), tokens[0], Interest::READABLE)
                .is_ok()
        });
        Ok(Self { process, pidfd, output: Output { pipe: Some(pipe), text: Vec::new() } })
    }

    /// Whether nobody will tell when it ends.
    pub(super) fn has_to_be_asked(&self) -> bool {
        self.pidfd.is_none()
    }

    /// Sends a signal to the whole group. The process was not waited for, so that its number is still its own.
    pub(super) fn signal(&self, signal: Signal) {
        // A group that has just ended takes it without harm.
        let _ = killpg(self.id(), signal);
    }

    /// Waits for it if it has ended; `was_stopped`: what is left of its group is killed first.
    pub(super) fn ended(&mut self, was_stopped: bool) -> Option<CheckOutcome> {
        if was_stopped && self.is_zombie() {
            self.signal(Signal::SIGKILL);
        }
        let status = match self.process.try_wait() {
            Ok(status) => status?,
            // Somebody else waited for it: what it said is lost, and that is no success.
            Err(_) => return Some(CheckOutcome::NotRun),
        };
        Some(match (status.code(), status.signal()) {
            (Some(code), _) => CheckOutcome::Exited(code),
            (None, Some(signal)) => CheckOutcome::Signaled(signal),
            (None, None) => CheckOutcome::NotRun,
        })
    }

    /// The number of the process.
    pub(super) fn id(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed())
    }

    pub(super) fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// The output once the process is gone: somebody in its group may still write.
    pub(super) fn into_output(self) -> Output {
        self.output
    }

    fn is_zombie(&self) -> bool {
        dead(Id::Pid(self.id())).is_some()
    }
}

/// Some child of ours that has ended and that nobody has waited for.
pub(super) fn any_dead() -> Option<Pid> {
    dead(Id::All)
}

/// Waits for a child that has ended.
pub(super) fn bury(pid: Pid) {
    let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
}

fn dead(which: Id<'_>) -> Option<Pid> {
    let status = waitid(which, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT);
    status.ok().and_then(|status| status.pid())
}

impl Output {
    /// Reads what is there. Bounded: a flood has to wait for its next turn.
    pub(super) fn read(&mut self) {
        let mut buffer = [0; 4096];
        for _ in 0..READS {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    let room = KEPT - self.text.len();
                    self.text.extend(buffer.iter().take(count.min(room)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    /// Whether nobody writes any more.
    pub(super) fn is_over(&self) -> bool {
        self.pipe.is_none()
    }

    /// Makes the poll say again that there is something to read, as it speaks only once.
    pub(super) fn listen_again(&self, registry: &Registry, token: Token) {
        if let Some(pipe) = &self.pipe {
            // A failure costs lines of a script that floods us.
            let _ = registry.reregister(&mut SourceFd(&pipe.as_raw_fd()), token, Interest::READABLE);
        }
    }

    /// The beginning of the output in one line, without what a terminal would obey.
    pub(super) fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.text);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.take(LINES).collect::<Vec<_>>().join(" | ");
        line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }
}

const READS: usize = 16;
const LINES: usize = 5;
