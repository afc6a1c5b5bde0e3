//! What the fuzz targets do, as plain functions: each takes bytes and panics when a rule is broken.
//!
//! `fuzz_targets/` gives them to libFuzzer (feature `engine`, which needs a C++ compiler); `tests/corpus.rs`
//! gives them every file of the committed corpora under plain `cargo test`.
#![forbid(unsafe_code)]
#![allow(clippy::indexing_slicing)] // a panic is what these functions are for

mod checksum;
mod conf;
mod parse;
mod router;
mod trace;

pub use conf::conf;
pub use parse::parse;
pub use router::router;
pub use trace::trace;

/// One target: bytes in, a panic when a rule is broken.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its file in `fuzz_targets/` and of its folder in `corpus/`.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 4] = [
    Target { name: "conf", run: conf },
    Target { name: "parse", run: parse },
    Target { name: "router", run: router },
    Target { name: "trace", run: trace },
];
