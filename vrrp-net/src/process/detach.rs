//! Going into the background, while whoever called waits to hear how it went.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, pipe2, setsid};

use crate::sys;

/// Which side of [`detach`] this is.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // a fork has two sides
pub enum Detached {
    /// The process that was called. It only waits.
    Foreground(Foreground),
    /// The daemon: a session of its own, in `/`, with standard input, output and error as before until
    /// [`Background::ready`] or [`Background::failed`].
    Background(Background),
}

/// The process that was called, waiting for the daemon.
#[derive(Debug)]
pub struct Foreground {
    news: File,
    daemon: Pid,
}

/// The daemon, until it has said how its start went.
#[derive(Debug)]
pub struct Background {
    news: File,
}

/// Splits into a process that waits and a daemon.
///
/// # Errors
/// `EBUSY` when the process has more than one thread; what `fork`, `pipe` or `setsid` say.
pub fn detach() -> io::Result<Detached> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    match sys::fork()? {
        ForkResult::Parent { child } => {
            drop(writer);
            Ok(Detached::Foreground(Foreground { news: File::from(reader), daemon: child }))
        }
        ForkResult::Child => {
            drop(reader);
            setsid()?;
            chdir("/")?;
            Ok(Detached::Background(Background { news: File::from(writer) }))
        }
    }
}

impl Foreground {
    /// Waits until the daemon runs or has failed, and tells the exit code for either.
    pub fn wait(mut self) -> u8 {
        let mut code = [0];
        if let Ok(1) = self.news.read(&mut code) {
            return code[0];
        }
        // It ended without a word.
        match waitpid(self.daemon, None) {
            Ok(WaitStatus::Exited(_, code)) => u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(1),
            Ok(_) | Err(_) => 1,
        }
    }
}

impl Background {
    /// The start went well: lets go of the terminal, then of the process that was called.
    ///
    /// # Errors
    /// When `/dev/null` cannot be opened.
    pub fn ready(mut self) -> io::Result<()> {
        let null = OwnedFd::from(OpenOptions::new().read(true).write(true).open("/dev/null")?);
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        // Whoever called may be gone already; that changes nothing.
        let _ = self.news.write_all(&[0]);
        Ok(())
    }

    /// The start failed: the process that was called ends with this code.
    pub fn failed(mut self, code: u8) {
        let _ = self.news.write_all(&[code]);
    }
}
