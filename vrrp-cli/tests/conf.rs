//! The configuration reader on a corpus of files: what it says, and how it ends.

#[path = "conf/corpus.rs"]
mod corpus;
