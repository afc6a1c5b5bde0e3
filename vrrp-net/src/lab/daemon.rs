//! A program on a host.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::error::{Error, system};
use super::moment::wait_for;

/// A program that was started on a host, with all it writes in a file. Dropping it kills it and its process group.
pub struct Daemon {
    program: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    pub(super) fn start(program: String, command: &mut Command, log: PathBuf) -> Result<Self, Error> {
        let file = File::create(&log).map_err(system(format!("write {}", log.display())))?;
        let copy = file.try_clone().map_err(system("share a file"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .process_group(0) // Ctrl-C at the terminal is for the lab's program to act on
            .spawn()
            .map_err(system(format!("start {program}")))?;
        Ok(Self { program, child, log })
    }

    /// Its process id, as the lab's program sees it (on its host it has another one).
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where all that it writes goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has written so far, octets that are not UTF-8 replaced.
    pub fn output(&self) -> String {
        fs::read(&self.log).map(|octets| String::from_utf8_lossy(&octets).into_owned()).unwrap_or_default()
    }

    /// Sends it a signal; a process that has ended takes it without an error.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        kill(self.pid(), signal).map_err(system(format!("send {signal} to {}", self.program)))
    }

    /// Kills it and its process group at once (`SIGKILL`).
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        let _ = killpg(self.pid(), Signal::SIGKILL);
        self.child.wait().map_err(system(format!("wait for {}", self.program)))
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Error::Late`] if it runs on.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus, Error> {
        let what = format!("{} to end", self.program);
        wait_for(within, &what, || match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(Ok(status)),
            Err(error) => Some(Err(error)),
        })?
        .map_err(system::<io::Error>(what))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
