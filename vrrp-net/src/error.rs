//! What can go wrong when the loops are set up or run.

use std::io;

use thiserror::Error;

use crate::{netlink, nftables};

/// Why a driver cannot be made, reconfigured or run on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused something that is no netlink request.
    #[error("cannot {what}: {source}")]
    System {
        /// What was to be done, and to which interface.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A netlink request or socket failed.
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
    /// The packet filter cannot be spoken to.
    #[error(transparent)]
    Nftables(#[from] nftables::Error),
    /// An interface changed its handle over a reconfiguration, so that what is known of it would be somebody else's.
    #[error("interface {name} had the handle {before} and now has {after}: a handle stays with its name")]
    Handle {
        /// The name of the interface.
        name: String,
        /// The handle that it has.
        before: u32,
        /// The handle that the new configuration gives it.
        after: u32,
    },
    /// Nobody keeps the addresses any more: the [`crate::Kernel`] was dropped, or its thread is over.
    #[error("the kernel thread is gone, so that no address can be added or removed")]
    KernelGone,
    /// The driver has stopped or is gone: nobody carries the command out.
    #[error("the driver has stopped")]
    Stopped,
    /// The driver's queue of commands is full: it is held up, or somebody floods it.
    #[error("the driver takes no more commands at present: try again")]
    Busy,
}

/// Names what failed.
pub(crate) fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
    move |source| Error::System { what: what.into(), source: source.into() }
}
