//! When the packet thread is to wake up: a timerfd, because the timeout of a poll is up to a millisecond late.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::time::TimeSpec;
use nix::sys::timer::TimerSetTimeFlags;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags};
use vrrp_core::Time;

use crate::error::{Error, system};

/// One alarm on the driver's clock.
#[derive(Debug)]
pub(crate) struct Timer {
    fd: TimerFd,
    set_to: Option<Time>,
}

impl Timer {
    pub(crate) fn open() -> Result<Self, Error> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let fd = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)
            .map_err(|error| system("make a timer descriptor")(error))?;
        Ok(Self { fd, set_to: None })
    }

    /// Sets the alarm, or takes it off.
    pub(crate) fn set(&mut self, at: Option<Time>) -> Result<(), Error> {
        if self.set_to == at {
            return Ok(());
        }
        let result = match at {
            Some(at) => {
                let at = std::time::Duration::from_nanos(at.as_nanos().max(1));
                let expiration = Expiration::OneShot(TimeSpec::from_duration(at));
                self.fd.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            }
            None => self.fd.unset(),
        };
        result.map_err(|error| system("set the timer")(error))?;
        self.set_to = at;
        Ok(())
    }

    /// The alarm has gone off: the same time can be set again.
    pub(crate) fn rang(&mut self) {
        self.set_to = None;
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
