//! Writing to whoever reads, and going on without them when they do not.

use std::io::Write;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long a reader may take that has kept up so far. Less than what the end of the program waits for the last lines.
const PATIENCE_MS: u8 = 250;
/// What a pipe that can be written to takes at once (`PIPE_BUF`).
const CHUNK: usize = 4096;

/// Writes lines, and counts those that could not be.
#[derive(Debug, Default)]
pub(super) struct Patient {
    /// The reader has not kept up and is not waited for.
    is_stuck: bool,
    /// The last line is not whole.
    is_torn: bool,
    missing: u64,
}

impl Patient {
    /// Writes a line that ends with a newline; before it, if lines are missing, what `lost` says about their number.
    pub(super) fn write(&mut self, out: &mut (impl Write + AsFd), line: &str, lost: impl Fn(u64) -> String) {
        if self.missing > 0 {
            let before = if self.is_torn { "\n" } else { "" };
            if !self.put(out, &format!("{before}{}", lost(self.missing))) {
                self.missing += 1;
                return;
            }
            self.missing = 0;
        }
        if !self.put(out, line) {
            self.missing += 1;
        }
    }

    /// Whether it was written, or cannot ever be: a terminal that is gone is no reason to stop.
    fn put(&mut self, out: &mut (impl Write + AsFd), text: &str) -> bool {
        for (position, chunk) in text.as_bytes().chunks(CHUNK).enumerate() {
            let patience = if self.is_stuck { PollTimeout::ZERO } else { PollTimeout::from(PATIENCE_MS) };
            let mut wanted = [PollFd::new(out.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut wanted, patience) == Ok(0) {
                self.is_stuck = true;
                self.is_torn |= position > 0;
                return false;
            }
            if out.write_all(chunk).is_err() {
                return true;
            }
        }
        (self.is_stuck, self.is_torn) = (false, false);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::{Duration, Instant};

    fn lost(count: u64) -> String {
        format!("{count} missing\n")
    }

    /// Fills a pipe to its last octet; gives how many that are.
    fn fill(writer: &mut std::io::PipeWriter) -> usize {
        let mut patient = Patient::default();
        let page = "x".repeat(CHUNK);
        let mut written = 0;
        while patient.put(writer, &page) {
            written += CHUNK;
        }
        written
    }

    #[test]
    fn who_does_not_read_is_waited_for_once_and_told_what_is_missing() {
        let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
        let filled = fill(&mut writer);
        let mut patient = Patient::default();
        let start = Instant::now();
        for number in 0..1000 {
            patient.write(&mut writer, &format!("line {number}\n"), lost);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "each line waited");
        let mut buffer = vec![0; filled];
        reader.read_exact(&mut buffer).expect("what filled it");
        patient.write(&mut writer, "here again\n", lost);
        patient.write(&mut writer, "and on\n", lost);
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "1000 missing\nhere again\nand on\n");
    }

    #[test]
    fn a_line_that_was_torn_is_ended_before_the_next() {
        let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
        let filled = fill(&mut writer);
        let mut buffer = vec![0; CHUNK];
        reader.read_exact(&mut buffer).expect("a page of what filled it");
        let mut patient = Patient::default();
        patient.write(&mut writer, &format!("{}\n", "y".repeat(2 * CHUNK)), lost);
        let mut buffer = vec![0; filled];
        reader.read_exact(&mut buffer).expect("the rest of it, and half a line");
        patient.write(&mut writer, "next\n", lost);
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "\n1 missing\nnext\n");
    }

    #[test]
    fn a_reader_that_is_gone_is_no_hindrance() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut patient = Patient::default();
        patient.write(&mut writer, "line\n", lost);
        assert_eq!(patient.missing, 0);
    }
}
