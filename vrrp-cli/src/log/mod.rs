//! The log: any thread hands a line over without waiting, one thread writes.
//!
//! The text of a line is keepalived's where keepalived has one. Where it goes depends on how we were started: to the
//! terminal (`-l`, `run`), to the journal when standard error is its stream, to a file, to syslog.

mod patient;
mod ring;
mod sink;

use std::io::Write;

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};

pub use ring::Writer;
pub use sink::{Ident, Sinks};

use crate::args::Facility;

/// Lines about the daemon itself: they carry keepalived's ident of its parent process.
pub const DAEMON: &str = "vrrpd::main";
/// Lines about virtual routers: they carry the ident of keepalived's VRRP process.
pub const VRRP: &str = "vrrpd::vrrp";

/// What [`DAEMON`] and [`VRRP`] begin with.
const OURS: &str = "vrrpd";

/// Where lines go.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // the caller says all of it
pub struct Settings {
    /// To standard error, each with the time before it.
    pub console: bool,
    /// To syslog, or to the journal in its place.
    pub syslog: bool,
    /// The facility of syslog.
    pub facility: Facility,
    /// Details are written, too (`-D`): lines at the level `debug`.
    pub detail: bool,
}

/// Starts the log. `VRRPD_LOG` says which lines there are; without it those of level `info` and above, and with `-D`
/// our own at `debug`.
///
/// Call it once, after [`vrrp_net::process::detach`]: it starts a thread.
///
/// # Errors
/// When there is a logger already or no thread can be started.
pub fn start(settings: &Settings) -> std::io::Result<Writer> {
    let (target, writer) = ring::start(Sinks::new(settings))?;
    let mut builder = Builder::new();
    match std::env::var("VRRPD_LOG") {
        Ok(filters) => builder.parse_filters(&filters),
        Err(_) => builder.filter_level(LevelFilter::Info),
    };
    if settings.detail && std::env::var_os("VRRPD_LOG").is_none() {
        builder.filter_module(OURS, LevelFilter::Debug);
    }
    builder
        .target(Target::Pipe(Box::new(target)))
        .format(|out, record| {
            let ident = if record.target() == DAEMON { Ident::Parent } else { Ident::Vrrp };
            write!(out, "{}{}{}", priority(record.level()), ident.letter(), record.args())
        })
        .try_init()
        .map_err(std::io::Error::other)?;
    Ok(writer)
}

/// The severity of RFC 5424 section 6.2.1, one digit.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}
