//! The language of transcripts and recordings: one line for every input and every action.
//!
//! ```text
//! start
//! | interface 1 eth0
//! | instance VI_1 if=1 vrid=51 vips=192.0.2.253/24@1
//! > 0 interface if=1 up
//! > 0 source if=1 192.0.2.1
//! < 0 #0 become VI_1 INIT BACKUP startup
//! = 3.609375
//! > 3.609375 tick
//! < 3.609375 #0 become VI_1 BACKUP MASTER master-down
//! < 3.609375 #0 transmit if=1 from=192.0.2.1 v3 vrid=51 prio=100 every=1.00 vips=192.0.2.253
//! ```
//!
//! `>` is a fact that the router was told, `<` an action that it asked for, `=` its deadline after that, and
//! `start` what it was made of. Configurations follow in lines that begin with `|`. What starts with `#`, and
//! an empty line, says nothing. Times are seconds on the router's clock, exact to the nanosecond.
//!
//! [`Line`]'s `Display` and `FromStr` are each other's inverse, so a recording can be played again: an
//! [`InputLine`] gives back the [`crate::Input`]. An action is kept as its words, because what a router asks
//! for is compared and shown, and never carried out from paper.
//!
//! ```
//! use vrrp_core::trace::{self, Line};
//! use vrrp_core::{Config, Router};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recording = "start\n| interface 1 eth0\n> 0 interface if=1 up\n> 3.609375 tick\n";
//! let mut router = None;
//! for (number, line) in trace::read(recording) {
//!     match line.map_err(|why| format!("line {number}: {why}"))? {
//!         Line::Start(config) => router = Config::new(*config).ok().map(Router::new),
//!         Line::Input(line) => {
//!             let input = line.input().map_err(|wrong| format!("line {number}: {wrong:?}"))?;
//!             let mut actions = router.as_mut().ok_or("no start")?.handle(line.now(), input);
//!             while let Some(action) = actions.next() {
//!                 println!("{action:?}");
//!             }
//!         }
//!         _ => {} // what the router did when this was recorded
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A recording holds no secret: [`Recorder`] writes a stand-in for every password.

mod action;
mod advert;
mod config;
mod input;
mod instance;
mod recorder;
mod words;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

pub use input::InputLine;
pub use recorder::Recorder;

use crate::config::RouterConfig;
use crate::time::Time;
use words::Words;

/// One line of a transcript; with a configuration, several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// A router is made of this configuration.
    Start(Box<RouterConfig>),
    /// The router was told a fact.
    Input(InputLine),
    /// The router asked for something.
    Action(ActionLine),
    /// The deadline after an input and its actions; none when there is nothing to wait for.
    Deadline(Option<Time>),
}

/// An action in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionLine {
    now: Time,
    words: String,
}

impl ActionLine {
    /// When it was asked for.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// What was asked for, as the line says it.
    pub fn words(&self) -> &str {
        &self.words
    }
}

/// A text that is no line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct LineError {
    what: String,
}

impl LineError {
    fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(config) => {
                f.write_str("start")?;
                config::write(f, config)
            }
            Self::Input(input) => write!(f, "> {input}"),
            Self::Action(ActionLine { now, words }) => write!(f, "< {now} {words}"),
            Self::Deadline(Some(at)) => write!(f, "= {at}"),
            Self::Deadline(None) => f.write_str("= none"),
        }
    }
}

impl FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let (first, more) = text.split_once('\n').unwrap_or((text, ""));
        let mut words = Words::new(first);
        let line = match words.word("a line")? {
            "start" => Self::Start(Box::new(config::read(more)?)),
            ">" => return InputLine::read(words, more).map(Self::Input),
            "<" => {
                let now = words.time()?;
                return Ok(Self::Action(ActionLine { now, words: words.rest() }));
            }
            "=" => match words.word("a deadline")? {
                "none" => Self::Deadline(None),
                at => Self::Deadline(Some(words::time(at)?)),
            },
            other => {
                return Err(LineError::new(format_args!("a line begins with start, >, < or =, not {other}")));
            }
        };
        words.end()?;
        Ok(line)
    }
}

/// The lines of a whole transcript, each with the number of its first line, from 1.
///
/// Empty lines and those that begin with `#` are passed over.
pub fn read(transcript: &str) -> impl Iterator<Item = (usize, Result<Line, LineError>)> {
    let mut lines = transcript.lines().enumerate().peekable();
    core::iter::from_fn(move || {
        let (at, first) = lines.find(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))?;
        let mut text = String::from(first);
        while let Some((_, more)) = lines.next_if(|(_, line)| line.starts_with('|')) {
            text.push('\n');
            text.push_str(more);
        }
        Some((at + 1, text.parse()))
    })
}
