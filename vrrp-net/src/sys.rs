//! The only unsafe code of the workspace: what the kernel offers and no crate wraps safely.
#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

/// Takes a descriptor over from a type that owns it but does not convert into [`OwnedFd`].
pub(crate) fn into_owned(owner: impl IntoRawFd) -> OwnedFd {
    // SAFETY: `into_raw_fd` hands over the ownership of an open descriptor, and nobody else holds it now.
    unsafe { OwnedFd::from_raw_fd(owner.into_raw_fd()) }
}
