//! How late this machine is, for bounds that must hold on a busy one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::error::{Error, system};

/// A thread of ordinary priority that wakes up every millisecond and notes how much too late it was.
///
/// A test that bounds a time of what it observes watches the machine meanwhile: on an idle one the bound is what the
/// rule says, on a busy one it grows with what the scheduler does to everybody.
pub struct Lateness {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Nanoseconds.
    worst: AtomicU64,
    /// When the thread is to wake up next.
    due: RwLock<Instant>,
    stop: AtomicBool,
}

impl Lateness {
    /// Begins to watch.
    ///
    /// # Errors
    /// Without room for a thread.
    pub fn watch() -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            worst: AtomicU64::new(0),
            due: RwLock::new(Instant::now() + PERIOD),
            stop: AtomicBool::new(false),
        });
        let watched = Arc::clone(&shared);
        let thread = thread::Builder::new().name("lab lateness".to_string());
        let thread = thread.spawn(move || watched.watch()).map_err(system("watch how late it is"))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The longest that it was too late so far, at present included.
    pub fn worst(&self) -> Duration {
        let due = *self.shared.due.read().unwrap_or_else(PoisonError::into_inner);
        self.shared.note(due);
        Duration::from_nanos(self.shared.worst.load(Ordering::Acquire))
    }

    /// A bound for something that takes a few wake-ups in a row, each of which may be as late as the latest.
    pub fn allow(&self, bound: Duration) -> Duration {
        bound + self.worst() * WAKE_UPS
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn watch(&self) {
        while !self.stop.load(Ordering::Acquire) {
            let due = Instant::now() + PERIOD;
            *self.due.write().unwrap_or_else(PoisonError::into_inner) = due;
            thread::park_timeout(PERIOD);
            self.note(due);
        }
    }

    fn note(&self, due: Instant) {
        let late = Instant::now().saturating_duration_since(due).as_nanos();
        self.worst.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::AcqRel);
    }
}

const PERIOD: Duration = Duration::from_millis(1);
/// From a packet to a line of netlink's monitor: the packet thread, the kernel thread, the recorder, with room.
const WAKE_UPS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_grows_with_what_was_seen() {
        let lateness = Lateness::watch().unwrap();
        let start = Instant::now();
        while lateness.worst().is_zero() {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody wakes up to the nanosecond");
            thread::park_timeout(PERIOD);
        }
        let worst = lateness.worst();
        assert!(lateness.allow(Duration::from_secs(1)) >= Duration::from_secs(1) + worst * WAKE_UPS);
    }
}
