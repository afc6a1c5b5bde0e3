//! Bugs and failures for the tests of what follows from them. There are none in a release.

/// Whether the tests ask for this one, by `VRRPD_PLANT=NAME`.
pub(super) fn is_planted(name: &str) -> bool {
    cfg!(debug_assertions) && std::env::var_os("VRRPD_PLANT").is_some_and(|planted| planted == name)
}

/// Panics if the tests ask for it.
#[allow(clippy::panic)] // that is what it is for
pub(super) fn panic_at(name: &str) {
    if is_planted(name) {
        panic!("planted");
    }
}
