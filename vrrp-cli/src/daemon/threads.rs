//! The threads, and what comes back from them.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use mio::Waker;
use vrrp_core::{Notify, TrackerId};
use vrrp_net::runner::{self, RunnerHandle};
use vrrp_net::{NotTaken, Notice, Outside, Report};

use super::plant;

/// A thread of the daemon, by the name that the kernel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Vrrp,
    Kernel,
    Runner,
}

impl Name {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
            Self::Kernel => "kernel",
            Self::Runner => "runner",
        }
    }
}

/// Something that the main thread is told.
#[derive(Debug)]
pub(super) enum News {
    Driver(Report),
    Script(runner::Report),
    /// A thread is over: well, with an error, or by a panic.
    Ended(Name, Result<(), Death>),
}

/// Why a thread is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Death {
    Error(String),
    Panic(String),
}

/// Tells the main thread without waiting for it.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    news: SyncSender<News>,
    waker: Arc<Waker>,
    lost: Arc<AtomicU64>,
}

/// News that wait: a thousand instances may change their state while main reads a large configuration.
pub(super) const NEWS: usize = 32_768;

impl Teller {
    pub(super) fn new(waker: Arc<Waker>) -> (Self, Receiver<News>) {
        let (news, receiver) = sync_channel(NEWS);
        (Self { news, waker, lost: Arc::new(AtomicU64::new(0)) }, receiver)
    }

    pub(super) fn tell(&self, news: News) {
        if self.news.try_send(news).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        // A failure leaves main to find it at its next wake-up.
        let _ = self.waker.wake();
    }

    /// How many news were lost since this was last asked.
    pub(super) fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// Starts a thread whose end, however it comes, is told.
pub(super) fn spawn(
    name: Name,
    teller: &Teller,
    work: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> io::Result<()> {
    let teller = teller.clone();
    let body = move || {
        // Nothing that was in the middle of a change is looked at again.
        let outcome = match guarded(work) {
            Ok(outcome) => outcome.map_err(Death::Error),
            Err(words) => Err(Death::Panic(words)),
        };
        // The one piece of news that must not be lost: here, and only here, is time to wait.
        let _ = teller.news.send(News::Ended(name, outcome));
        let _ = teller.waker.wake();
    };
    std::thread::Builder::new().name(name.as_str().to_string()).spawn(body).map(drop)
}

/// Does something that may hold a bug; `Err` has the words of its panic.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_string())
}

/// What the packet thread hands on to the others.
pub(super) struct Elsewhere {
    pub(super) runner: RunnerHandle,
    pub(super) teller: Teller,
}

impl Outside for Elsewhere {
    fn run_check(&mut self, tracker: TrackerId, name: &str) -> Result<(), NotTaken> {
        self.runner.run_check(tracker, name).map_err(|_| NotTaken)
    }

    fn stop_check(&mut self, tracker: TrackerId, _name: &str, kill: bool) {
        // The router asks again if this one is lost.
        let _ = self.runner.stop_check(tracker, kill);
    }

    fn notify(&mut self, notice: Notice) {
        let Notice { subject, name, what, priority } = notice;
        if self.runner.notify(&Notify { subject, name: &name, what, priority }).is_err() {
            let (name, command) = (name.to_string(), format!("all of {what}"));
            self.teller.tell(News::Script(runner::Report::NotifyDropped { name, command }));
        }
    }

    fn report(&mut self, report: Report) {
        if matches!(report, Report::Held { complete: true, .. }) {
            plant::panic_at("panic");
        }
        self.teller.tell(News::Driver(report));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};

    fn teller() -> (Teller, Receiver<News>, Poll) {
        let poll = Poll::new().expect("a poll");
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker"));
        let (teller, news) = Teller::new(waker);
        (teller, news, poll)
    }

    fn death(news: &Receiver<News>) -> Result<(), Death> {
        match news.recv_timeout(std::time::Duration::from_secs(10)) {
            Ok(News::Ended(Name::Vrrp, outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_end_of_a_thread_is_told_however_it_comes() {
        let (teller, news, _poll) = teller();
        spawn(Name::Vrrp, &teller, || Ok(())).expect("a thread");
        assert_eq!(death(&news), Ok(()));
        spawn(Name::Vrrp, &teller, || Err("no socket".to_string())).expect("a thread");
        assert_eq!(death(&news), Err(Death::Error("no socket".to_string())));
        spawn(Name::Vrrp, &teller, || panic!("a bug in {}", 1)).expect("a thread");
        assert_eq!(death(&news), Err(Death::Panic("a bug in 1".to_string())));
    }

    #[test]
    fn news_that_do_not_fit_are_counted() {
        let (teller, news, _poll) = teller();
        for _ in 0..=NEWS {
            teller.tell(News::Driver(Report::Overrun));
        }
        assert_eq!((teller.lost(), teller.lost()), (1, 0));
        drop(news);
    }
}
