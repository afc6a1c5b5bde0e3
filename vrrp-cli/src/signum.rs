//! `--signum`: the number of the signal that asks a running daemon for something.

use vrrp_net::process;

/// The number of the signal with one of keepalived's names, in its spelling.
pub fn number(name: &str) -> Option<i32> {
    Some(match name {
        "STOP" => libc_number(nix::sys::signal::Signal::SIGTERM),
        "RELOAD" => libc_number(nix::sys::signal::Signal::SIGHUP),
        "DATA" => libc_number(nix::sys::signal::Signal::SIGUSR1),
        "STATS" => libc_number(nix::sys::signal::Signal::SIGUSR2),
        "STATS_CLEAR" => *process::realtime_signals().end() - 1,
        "JSON" => *process::realtime_signals().start() + 2,
        _ => return None,
    })
}

fn libc_number(signal: nix::sys::signal::Signal) -> i32 {
    signal as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_numbers_that_keepalived_prints() {
        let numbers = ["STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON"].map(number);
        assert_eq!(numbers, [15, 1, 10, 12, 63, 36].map(Some));
        assert_eq!(number("stop"), None);
        assert_eq!(number("FOO"), None);
    }
}
