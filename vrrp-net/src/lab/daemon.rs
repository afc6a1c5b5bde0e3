//! A program on a host.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::error::{Error, system};
use super::moment::wait_for;

/// A program that was started on a host, with all it writes in a file. Dropping it kills it ([`Daemon::kill`]).
pub struct Daemon {
    program: String,
    pid: Pid,
    child: Shared,
    log: PathBuf,
}

/// A process that its host buries if it goes first: the first process of a host cannot end before that.
pub(super) type Shared = Arc<Mutex<Child>>;

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
        let pid = Pid::from_raw(child.id().cast_signed());
        Ok(Self { program, pid, child: Arc::new(Mutex::new(child)), log })
    }

    /// Its process id, as the lab's program sees it (on its host it has another one).
    pub fn id(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    /// Where all that it writes goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has written so far, octets that are not UTF-8 replaced.
    pub fn output(&self) -> String {
        fs::read(&self.log).map(|octets| String::from_utf8_lossy(&octets).into_owned()).unwrap_or_default()
    }

    /// Sends it a signal; nothing happens if it has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        if self.status()?.is_some() {
            return Ok(());
        }
        kill(self.pid, signal).map_err(system(format!("send {signal} to {}", self.program)))
    }

    /// Kills it with all that it has started and not let go (`SIGKILL`); [`Daemon::signal`] reaches it alone.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        let all = if self.status()?.is_none() { descendants(self.pid) } else { BTreeSet::new() };
        for process in &all {
            let _ = kill(*process, Signal::SIGKILL);
        }
        let _ = killpg(self.pid, Signal::SIGKILL);
        let status = self.child().wait().map_err(system(format!("wait for {}", self.program)))?;
        // The others are buried by the first process of the host.
        let gone = |process: &Pid| !Path::new("/proc").join(process.to_string()).exists();
        wait_for(BURIAL, &format!("what {} started to end", self.program), || {
            all.iter().all(gone).then_some(())
        })?;
        Ok(status)
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.status(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Error::Late`] if it runs on.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus, Error> {
        wait_for(within, &format!("{} to end", self.program), || self.status().transpose())?
    }

    pub(super) fn share(&self) -> Shared {
        Arc::clone(&self.child)
    }

    fn status(&self) -> Result<Option<ExitStatus>, Error> {
        self.child().try_wait().map_err(system(format!("wait for {}", self.program)))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

const BURIAL: Duration = Duration::from_secs(5);

/// All below a process, and itself, held so that none can make another meanwhile.
fn descendants(root: Pid) -> BTreeSet<Pid> {
    let mut found = BTreeSet::new();
    // Where /proc could not be mounted anew its numbers are not ours.
    if fs::read_link("/proc/self").ok().and_then(|own| own.to_str()?.parse().ok()) != Some(process::id()) {
        return found;
    }
    let mut fresh = BTreeSet::from([root]);
    while !fresh.is_empty() {
        for process in &fresh {
            let _ = kill(*process, Signal::SIGSTOP);
        }
        found.append(&mut fresh);
        fresh = processes()
            .filter(|(process, parent)| found.contains(parent) && !found.contains(process))
            .map(|(process, _)| process)
            .collect();
    }
    found
}

/// All processes with their parents.
fn processes() -> impl Iterator<Item = (Pid, Pid)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?;
        Some((Pid::from_raw(process), Pid::from_raw(parent)))
    })
}
