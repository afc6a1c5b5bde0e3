//! Something written down by a thread as it happens: packets, kernel events.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

use super::error::{Error, system};
use crate::sys;

/// What a thread has written down so far, and goes on with until this is dropped.
pub struct Record<T> {
    shared: Arc<Shared<T>>,
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Clone + Send + 'static> Record<T> {
    /// Starts a thread of that precedence that calls `read` whenever `source` is readable; `read` must not block and says all it has.
    pub(super) fn start<S: AsFd + Send + 'static>(
        name: &str,
        precedence: Precedence,
        source: S,
        read: impl FnMut(&mut S, &mut Vec<T>) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, Error> {
        let (stopped, stop) = pipe2(OFlag::O_CLOEXEC).map_err(system("make a pipe"))?;
        let shared = Arc::new(Shared { entries: Mutex::default(), more: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                if precedence == Precedence::Realtime {
                    // Where it is not allowed a busy machine makes what is written down coarser.
                    let _ = sys::set_realtime(PRIORITY);
                }
                write_down(source, &stopped, &of_thread, read);
            })
            .map_err(system("start a thread"))?;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// All entries so far, in order.
    pub fn all(&self) -> Vec<T> {
        self.shared.lock().entries.clone()
    }

    /// How many entries there are so far; with [`Record::since`] a mark to look back to.
    pub fn len(&self) -> usize {
        self.shared.lock().entries.len()
    }

    /// Whether nothing has been written down yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries from number `mark` on.
    pub fn since(&self, mark: usize) -> Vec<T> {
        self.shared.lock().entries.get(mark..).unwrap_or_default().to_vec()
    }

    /// Ends the recording, what is queued included, and gives all of it.
    pub fn finish(mut self) -> Vec<T> {
        self.stop();
        std::mem::take(&mut self.shared.lock().entries)
    }

    /// Waits until `find` finds something among the entries, the past ones first.
    ///
    /// # Errors
    /// [`Error::Late`] if nothing is found in time, [`Error::System`] if the recording broke off.
    pub fn wait_for<U>(
        &self,
        within: Duration,
        what: &str,
        mut find: impl FnMut(&T) -> Option<U>,
    ) -> Result<U, Error> {
        let start = Instant::now();
        let mut seen = 0;
        let mut entries = self.shared.lock();
        loop {
            if let Some(found) = entries.entries.iter().skip(seen).find_map(&mut find) {
                return Ok(found);
            }
            seen = entries.entries.len();
            if let Some(words) = &entries.broken {
                return Err(system(format!("record {what}"))(io::Error::other(words.clone())));
            }
            let Some(left) = within.checked_sub(start.elapsed()) else {
                return Err(Error::Late { what: what.to_string(), waited: start.elapsed() });
            };
            entries = self.shared.more.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> Record<T> {
    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<T> Drop for Record<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How a recording thread competes with what it observes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Precedence {
    /// As everybody: for what the kernel stamps with the time itself.
    Ordinary,
    /// Before everybody: for what is as late as the thread.
    Realtime,
}

/// Above all that is ordinary, below what the kernel itself needs.
const PRIORITY: i32 = 20;

struct Shared<T> {
    entries: Mutex<Entries<T>>,
    more: Condvar,
}

struct Entries<T> {
    entries: Vec<T>,
    broken: Option<String>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), broken: None }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_down<T, S: AsFd>(
    mut source: S,
    stopped: &OwnedFd,
    shared: &Shared<T>,
    mut read: impl FnMut(&mut S, &mut Vec<T>) -> io::Result<()>,
) {
    let mut fresh = Vec::new();
    loop {
        let mut ready =
            [PollFd::new(source.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(error) => return shared.lock().broken = Some(error.to_string()),
            Ok(_) => {}
        }
        let stop = ready[1].any().unwrap_or(true);
        let outcome = read(&mut source, &mut fresh);
        let mut entries = shared.lock();
        entries.entries.append(&mut fresh);
        if let Err(error) = outcome {
            entries.broken = Some(error.to_string());
        }
        let end = stop || entries.broken.is_some();
        drop(entries);
        shared.more.notify_all();
        if end {
            return;
        }
    }
}
