//! Links, addresses and routes of the kernel (rtnetlink), behind types of our own.
//!
//! [`Request`] asks and changes on a blocking socket: the kernel answers inside the call, but may hold it for tens of
//! milliseconds while others use its network lock, so it has no place in a thread that keeps time.
//! [`Monitor`] tells what changes, without ever blocking. Both belong to the network namespace of the thread that
//! opens them and can be used from any other afterwards.
//!
//! Whatever octets arrive, nothing here panics: messages are split by a checked parser and only their payloads are
//! given to `neli`.

mod address;
mod decode;
mod encode;
mod error;
mod frame;
mod link;
mod monitor;
mod request;
mod route;
mod socket;
mod transaction;

pub use address::{Address, Outcome, flag, protocol, scope};
pub use error::Error;
pub use link::{Link, LinkChange, LinkKind, MacvlanMode, NewLink, Peer, PortState};
pub use monitor::{Event, Monitor, Progress};
pub use request::Request;
pub(crate) use request::{Answer, unsendable};
pub use route::Route;
pub(crate) use transaction::Step;
