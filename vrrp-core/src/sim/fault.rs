//! What can go wrong, and its end.

use core::time::Duration;

/// One thing that happens to the network or to a node. Nodes and segments are named by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are positions of nodes and segments, and say what they are
pub enum Fault {
    /// The kernel of a node refuses addresses: the last one of each instance cannot be put on.
    AddFails { node: usize },
    /// Addresses can be put on again, and what is missing is.
    AddWorks { node: usize },
    /// A host starts its router. What a dead process left on its interfaces goes first.
    Boot { node: usize },
    /// The process dies. Its addresses stay where they are.
    Crash { node: usize },
    /// Nothing that one node sends reaches the other any more.
    Cut { segment: usize, from: usize, to: usize },
    /// The first address of each instance is deleted by somebody, and put back a moment later.
    Delete { node: usize },
    /// The process stands still. Its packets wait, or are lost when the whole machine stands still.
    Freeze { node: usize, machine: bool },
    /// The addresses that a node sends from can be used again.
    GainSource { segment: usize, node: usize },
    /// A node is separated from all others, though its interface stays up: a switch port gone wrong.
    Isolate { segment: usize, node: usize },
    /// The end of every cut on a segment.
    Join { segment: usize },
    /// A node has no address to send from any more.
    LoseSource { segment: usize, node: usize },
    /// The end of a cut.
    Mend { segment: usize, from: usize, to: usize },
    /// A segment becomes unreliable, or with [`Noise::NONE`] reliable again.
    Noise { segment: usize, noise: Noise },
    /// The interface of a node is up again.
    Plug { segment: usize, node: usize },
    /// The end of a separation.
    Rejoin { segment: usize, node: usize },
    /// The configuration is loaded again after something in it was changed, or made as it was planned again.
    Reconfigure { node: usize, change: Change, planned: bool },
    /// The kernel of a node refuses an address, for ever: the last one that each instance was planned to have.
    Refuse { node: usize },
    /// The configuration is loaded again, unchanged.
    Reload { node: usize },
    /// Nothing can be sent, and the socket says so.
    SendFails { node: usize },
    /// Sending works again.
    SendWorks { node: usize },
    /// A segment falls into two: the nodes whose bit is set, and the others.
    Split { segment: usize, side: u8 },
    /// The router is told to stop, and the process ends.
    Stop { node: usize },
    /// What the trackers of a node watch fails or recovers.
    Trackers { node: usize, up: bool },
    /// A frozen node goes on.
    Thaw { node: usize },
    /// The interface of a node goes down.
    Unplug { segment: usize, node: usize },
}

/// What can be changed in the configuration of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// One more advertised address.
    Address,
    /// The sync group is gone.
    Group,
    /// A virtual router is gone.
    Instance {
        /// Which one.
        position: usize,
    },
    /// Half the advertisement interval.
    Interval,
    /// A `preempt_delay` where there was none, or none where there was one.
    PreemptDelay,
    /// The order of priorities turned round.
    Priority,
}

/// How unreliable a segment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // what a link can do to a packet
pub struct Noise {
    /// How many of a hundred packets are lost.
    pub loss: u8,
    /// How many of a hundred packets arrive twice.
    pub duplicates: u8,
    /// The most by which a packet is late; late packets overtake each other.
    pub delay: Duration,
}

impl Noise {
    /// A reliable segment.
    pub const NONE: Self = Self { loss: 0, duplicates: 0, delay: Duration::ZERO };
}

impl Fault {
    /// Whether this begins some trouble, and does not end it or change nothing.
    pub(super) const fn breaks(&self) -> bool {
        match self {
            Self::AddFails { .. }
            | Self::Crash { .. }
            | Self::Cut { .. }
            | Self::Delete { .. }
            | Self::Freeze { .. }
            | Self::Isolate { .. }
            | Self::LoseSource { .. }
            | Self::Refuse { .. }
            | Self::SendFails { .. }
            | Self::Split { .. }
            | Self::Stop { .. }
            | Self::Unplug { .. } => true,
            Self::Noise { noise, .. } => noise.loss > 0 || noise.duplicates > 0 || !noise.delay.is_zero(),
            Self::Reconfigure { planned, .. } => !*planned,
            Self::Trackers { up, .. } => !*up,
            Self::AddWorks { .. }
            | Self::Boot { .. }
            | Self::GainSource { .. }
            | Self::Join { .. }
            | Self::Mend { .. }
            | Self::Plug { .. }
            | Self::Rejoin { .. }
            | Self::Reload { .. }
            | Self::SendWorks { .. }
            | Self::Thaw { .. } => false,
        }
    }
}
