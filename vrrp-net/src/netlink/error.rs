//! What can go wrong between us and the kernel.

use std::io;

use nix::errno::Errno;
use thiserror::Error;

/// A request that was not carried out, or a socket that does not work.
///
/// `request` says in words what was asked and of which interface, as in `add 192.0.2.1/24 to eth0`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No netlink socket could be made.
    #[error("cannot open a netlink socket: {0}")]
    Open(#[source] io::Error),
    /// The kernel understood and said no.
    #[error("cannot {request}: {}{}", Errno::from_raw(*errno).desc(), explain(explanation))]
    Refused {
        /// What was asked.
        request: String,
        /// The error number, for instance `libc::EEXIST`.
        errno: i32,
        /// The kernel's own words (extended acknowledgement), when it has any.
        explanation: Option<String>,
    },
    /// The socket failed while asking or while reading the answer.
    #[error("cannot {request}: netlink socket: {source}")]
    Socket {
        /// What was asked.
        request: String,
        /// What the socket said. `ENOBUFS`: answers were lost, so the outcome is unknown until the next dump.
        source: io::Error,
    },
    /// The request cannot be written as a message.
    #[error("cannot {request}: {reason}")]
    Unsendable {
        /// What was asked.
        request: String,
        /// Why not.
        reason: String,
    },
    /// The answer is not what the protocol says.
    #[error("cannot {request}: the kernel's answer cannot be read ({reason})")]
    Unreadable {
        /// What was asked.
        request: String,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// The table changed during each of several dumps.
    #[error("cannot {request}: it changes faster than it can be read")]
    Unsettled {
        /// What was asked.
        request: String,
    },
    /// There is no interface of that name or number.
    #[error("cannot {request}: no such interface")]
    NoSuchLink {
        /// What was asked.
        request: String,
    },
}

impl Error {
    /// The kernel's error number, when it said no or the socket failed with one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::Open(source) | Self::Socket { source, .. } => source.raw_os_error(),
            Self::Unsendable { .. }
            | Self::Unreadable { .. }
            | Self::Unsettled { .. }
            | Self::NoSuchLink { .. } => None,
        }
    }
}

fn explain(explanation: &Option<String>) -> String {
    explanation.as_ref().map(|words| format!(" ({words})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_was_asked_and_the_kernels_words() {
        let error = Error::Refused {
            request: "add 192.0.2.1/24 to eth0".into(),
            errno: Errno::EEXIST as i32,
            explanation: Some("ipv4: Address already assigned".into()),
        };
        assert_eq!(
            error.to_string(),
            "cannot add 192.0.2.1/24 to eth0: File exists (ipv4: Address already assigned)"
        );
        assert_eq!(error.errno(), Some(libc::EEXIST));
    }
}
