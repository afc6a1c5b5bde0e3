//! The configuration reader: what it says to a corpus of files, what it makes of them, and that nothing breaks it.

#[path = "conf/corpus.rs"]
mod corpus;
#[path = "conf/disk.rs"]
mod disk;
#[path = "conf/docs.rs"]
mod docs;
#[path = "conf/exit_codes.rs"]
mod exit_codes;
#[path = "conf/host.rs"]
mod host;
#[path = "conf/survives.rs"]
mod survives;
#[path = "conf/values.rs"]
mod values;
