//! What systemd wants to hear. Without it, nothing is said.

use sd_notify::NotifyState;

/// The daemon runs, or runs on with what a reload brought.
pub(super) fn ready() {
    say(&[NotifyState::Ready, NotifyState::Status("running")]);
}

/// The configuration is read again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(_) => say(&[NotifyState::Reloading]),
    }
}

/// The daemon leaves.
pub(super) fn stopping() {
    say(&[NotifyState::Stopping, NotifyState::Status("leaving")]);
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::debug!(target: crate::log::DAEMON, "systemd does not listen: {error}");
    }
}
