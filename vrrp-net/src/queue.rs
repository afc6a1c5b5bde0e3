//! What crosses between threads without anybody waiting: a bounded ring whose sender counts what does not fit, and a bell.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, TrySendError};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// A bell: rung by any thread, heard by polling its descriptor for reading. Ringing never waits.
#[derive(Clone, Debug)]
pub struct Bell(Arc<EventFd>);

impl Bell {
    /// Makes a silent bell.
    ///
    /// # Errors
    /// Without file descriptors left.
    pub fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        Ok(Self(Arc::new(EventFd::from_flags(flags)?)))
    }

    /// Rings; a bell that rings already goes on ringing.
    pub fn ring(&self) {
        // It can only fail when it has been rung 2^64 - 1 times since it was heard: then it rings.
        let _ = self.0.write(1);
    }

    /// Silences the bell and tells whether it rang. To be called before looking at what it rang for.
    pub fn hear(&self) -> bool {
        self.0.read().is_ok()
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A ring of at most `capacity` values.
///
/// # Errors
/// Without file descriptors left.
pub fn ring<T>(capacity: usize) -> io::Result<(Sender<T>, Receiver<T>)> {
    ring_with(capacity, Bell::new()?)
}

/// A ring that rings a bell which others may share.
pub(crate) fn ring_with<T>(capacity: usize, bell: Bell) -> io::Result<(Sender<T>, Receiver<T>)> {
    let (sender, receiver) = mpsc::sync_channel(capacity);
    let dropped = Arc::new(AtomicU64::new(0));
    let sender = Sender { sender, bell: bell.clone(), dropped: Arc::clone(&dropped) };
    Ok((sender, Receiver { receiver, bell, dropped }))
}

/// The end of a ring that values are put in.
#[derive(Debug)]
pub struct Sender<T> {
    sender: mpsc::SyncSender<T>,
    bell: Bell,
    dropped: Arc<AtomicU64>,
}

impl<T> Sender<T> {
    /// Puts a value in and rings, or counts it and gives it back.
    ///
    /// # Errors
    /// [`Refused`] when the ring is full, or nobody will ever look.
    pub fn send(&self, value: T) -> Result<(), Refused<T>> {
        match self.sender.try_send(value) {
            Ok(()) => {
                self.bell.ring();
                Ok(())
            }
            Err(refused) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Err(match refused {
                    TrySendError::Full(value) => Refused::Full(value),
                    TrySendError::Disconnected(value) => Refused::Gone(value),
                })
            }
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), bell: self.bell.clone(), dropped: Arc::clone(&self.dropped) }
    }
}

/// A value that was not put in.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are no more ways
pub enum Refused<T> {
    /// There is no room.
    Full(T),
    /// The receiver does not exist any more.
    Gone(T),
}

/// The end of a ring that values are taken from.
#[derive(Debug)]
pub struct Receiver<T> {
    receiver: mpsc::Receiver<T>,
    bell: Bell,
    dropped: Arc<AtomicU64>,
}

impl<T> Receiver<T> {
    /// The bell that each value rings: poll its descriptor, then [`Bell::hear`], then take until there is none.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The oldest value.
    pub fn take(&self) -> Option<T> {
        self.receiver.try_recv().ok()
    }

    /// How many values were refused since the ring was made.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_gives_the_value_back_and_counts_it() {
        let (sender, receiver) = ring(2).expect("an event descriptor");
        assert!(!receiver.bell().hear());
        assert_eq!(sender.send(1), Ok(()));
        assert_eq!(sender.send(2), Ok(()));
        assert_eq!(sender.send(3), Err(Refused::Full(3)));
        assert!(receiver.bell().hear() && !receiver.bell().hear());
        assert_eq!((receiver.take(), receiver.take(), receiver.take()), (Some(1), Some(2), None));
        assert_eq!(receiver.dropped(), 1);
        drop(receiver);
        assert_eq!(sender.send(4), Err(Refused::Gone(4)));
    }
}
