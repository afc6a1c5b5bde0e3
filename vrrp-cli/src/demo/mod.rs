//! `vrrpd demo`: two hosts and a client in network namespaces, the real daemon with a real file on each, and what
//! the client saw when the master was cut off.
//!
//! Everything that is shown was observed from outside of the daemons: addresses in the kernels of the hosts,
//! packets on the client's wire, the answers to the client's pings.

mod scene;
mod timeline;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use vrrp_core::{Interval, OutOfRange};
use vrrp_net::lab::{self, Moment};

use scene::Scene;

/// What the demonstration runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The advertisement interval of both hosts; at most 40.95 s.
    pub interval: Interval,
    /// Another daemon that reads keepalived.conf, such as `keepalived`; ourselves without one.
    pub daemon: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        // A tenth of a second shows a takeover that a person can follow without waiting for it.
        Self { interval: Interval::from_centis(10).unwrap_or_default(), daemon: None }
    }
}

/// Why the demonstration could not be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel gives us no namespaces.
    #[error(transparent)]
    Refused(#[from] lab::Refusal),
    /// Something in the lab did not happen.
    #[error(transparent)]
    Lab(#[from] lab::Error),
    /// The interval fits no VRRPv3 advert.
    #[error(transparent)]
    Interval(#[from] OutOfRange),
    /// The path of this program is not known.
    #[error("this program cannot find itself: {0}")]
    Myself(io::Error),
    /// The terminal is gone.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// A host kept what it should have given back.
    #[error("{host} still holds {address} after its daemon stopped")]
    Left {
        /// Which host.
        host: String,
        /// Which address.
        address: std::net::IpAddr,
    },
}

/// Gives the demonstration on `out`.
///
/// It must be called first in `main`, while the process has one thread: see [`lab::enter`].
///
/// # Errors
/// [`Error`]; the lab is removed in any case.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    if !options.interval.fits(vrrp_core::Version::V3) {
        let (value, max) = (options.interval.as_centis().into(), Interval::MAX_V3.as_centis().into());
        return Err(OutOfRange { what: "interval in centiseconds", value, min: 1, max }.into());
    }
    lab::enter()?;
    let scene = Scene::build(options)?;
    scene.introduce(out)?;
    let mut results = Vec::new();
    let acts: [(&str, scene::Act); 4] = [
        ("Both daemons start", Scene::start),
        ("The cable of the master is cut in the switch: a silent death", Scene::cut),
        ("The cable is back: the better router takes over again", Scene::mend),
        ("The master is told to stop (SIGTERM)", Scene::stop_master),
    ];
    for (number, (title, act)) in acts.into_iter().enumerate() {
        writeln!(out, "\n{}. {title}", number + 1)?;
        out.flush()?;
        let since = Moment::now();
        let outcome = act(&scene, since)?;
        timeline::write(out, since, &scene.observe(since))?;
        if let Some(bound) = outcome.bound {
            let (outage, resolution) = (outcome.outage, outcome.resolution);
            results.push(Measured { title, outage, bound, resolution });
        }
    }
    scene.leave()?;
    writeln!(out, "\nAfter both daemons stopped, no kernel holds the address any more.\n")?;
    for measured in results {
        writeln!(out, "{measured}")?;
    }
    Ok(())
}

/// One outage and what the protocol allows.
struct Measured {
    title: &'static str,
    outage: Duration,
    bound: Duration,
    resolution: Duration,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |span: Duration| format!("{:.1} ms", span.as_secs_f64() * 1000.0);
        let (outage, bound, resolution) = (self.outage, self.bound, self.resolution);
        writeln!(f, "{}", self.title)?;
        write!(
            f,
            "    the client was without the address for {}, give or take {}; ",
            ms(outage),
            ms(resolution)
        )?;
        // An outage begins up to one ping after the fact and is seen to end up to one ping later.
        let late = outage.saturating_sub(resolution).saturating_sub(bound);
        // What would be shown as nothing is nothing.
        match Some(late).filter(|late| late.as_micros() >= 100) {
            None => write!(f, "the protocol allows {}", ms(bound)),
            Some(late) => write!(f, "that is {} more than the {} of the protocol", ms(late), ms(bound)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(outage_us: u64) -> String {
        let (bound, resolution) = (Duration::from_micros(360_900), Duration::from_millis(1));
        Measured { title: "A cut", outage: Duration::from_micros(outage_us), bound, resolution }.to_string()
    }

    #[test]
    fn an_outage_is_held_to_what_the_protocol_allows_as_exactly_as_it_was_measured() {
        assert!(said(361_000).ends_with("361.0 ms, give or take 1.0 ms; the protocol allows 360.9 ms"));
        assert!(said(363_900).ends_with("that is 2.0 ms more than the 360.9 ms of the protocol"));
    }
}
