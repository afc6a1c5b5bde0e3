//! What can go wrong in a lab.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::netlink;

/// Something in the lab did not work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel has no interfaces of a kind.
    #[error("the kernel has no interfaces of the kind {kind}: modprobe {kind}")]
    KernelLacks {
        /// The kind, which is also the name of the module.
        kind: &'static str,
    },
    /// A fact did not come about in time.
    #[error("waited {waited:?} in vain for {what}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
    },
    /// An address with its prefix was expected.
    #[error("{text:?} is not an address with a prefix length, as in 192.0.2.1/24")]
    NoPrefix {
        /// What was given.
        text: String,
    },
    /// The host has no such interface on a bridge.
    #[error("host {host} has no interface {interface} that is attached to a bridge")]
    NotAttached {
        /// The host.
        host: String,
        /// The interface.
        interface: String,
    },
    /// `lab::enter` has not been called, or has been refused.
    #[error("there is no lab here: lab::enter() must come first in main, and succeed")]
    NotEntered,
    /// The kernel refused a change.
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
    /// A call to the system failed.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program that the lab needs failed.
    #[error("{program} failed: {words}")]
    Tool {
        /// The program.
        program: &'static str,
        /// Its complaint.
        words: String,
    },
}

/// Names what was tried, for `map_err`.
pub(super) fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
    move |source| Error::System { what: what.into(), source: source.into() }
}

/// Says which module is missing when an interface of a kind cannot be made.
pub(super) fn lacking(kind: &'static str) -> impl FnOnce(netlink::Error) -> Error {
    move |error| match error {
        netlink::Error::Refused { errno: libc::EOPNOTSUPP, .. } => Error::KernelLacks { kind },
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_module_is_named() {
        let refused = |errno| netlink::Error::Refused { request: "make x".into(), errno, explanation: None };
        let words = "the kernel has no interfaces of the kind veth: modprobe veth";
        assert_eq!(lacking("veth")(refused(libc::EOPNOTSUPP)).to_string(), words);
        assert_eq!(
            lacking("veth")(refused(libc::EPERM)).to_string(),
            "cannot make x: Operation not permitted"
        );
    }
}
