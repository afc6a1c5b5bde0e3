//! The trace of a run.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::trace::{Line, Recorder};

/// All that happened, in lines: `n0` and a line of [`crate::trace`] for what a node was told or asked for, a time
/// and `!` for a fault. The lines of one node from one `start` to the next are a transcript that can be played
/// again.
#[derive(Clone, Default)]
pub(super) struct Log {
    text: String,
    recorders: Vec<Recorder>,
}

/// The part of one node.
pub(super) struct NodeLog<'a> {
    log: &'a mut Log,
    node: usize,
}

impl Log {
    pub(super) fn new(nodes: usize) -> Self {
        Self { text: String::new(), recorders: (0..nodes).map(|_| Recorder::new()).collect() }
    }

    pub(super) fn node(&mut self, node: usize) -> NodeLog<'_> {
        NodeLog { log: self, node }
    }

    /// Writes a line that concerns no node alone.
    pub(super) fn write(&mut self, line: fmt::Arguments<'_>) {
        self.text.push_str(&format!("{line}\n"));
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl NodeLog<'_> {
    /// Writes down what the node was made of, is told, or asks for.
    pub(super) fn record(&mut self, line: impl FnOnce(&mut Recorder) -> Line) {
        let line = format!("{}", line(&mut self.log.recorders[self.node]));
        for line in line.lines() {
            self.log.write(format_args!("n{} {line}", self.node));
        }
    }
}
