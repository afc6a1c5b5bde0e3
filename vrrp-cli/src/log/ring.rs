//! The bounded way from any thread to the one that writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, SystemTime};

use super::sink::{Ident, Line, Sinks};

/// Lines that wait to be written. A thousand instances may change their state twice while the disk is slow.
const LINES: usize = 8192;
/// How long the end of the program may wait for the last lines.
const FLUSH: Duration = Duration::from_secs(2);

/// What `env_logger` writes to: it hands each line over and never waits.
pub(super) struct Enqueue {
    entries: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

/// The thread that writes, for as long as somebody holds this.
#[derive(Debug)]
pub struct Writer {
    entries: SyncSender<Entry>,
    is_last: Arc<AtomicBool>,
    /// Nothing ever comes here; it ends with the thread.
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Entry {
    Line(Line),
    /// Look whether there is more to come.
    Wake,
}

pub(super) fn start(mut sinks: Sinks) -> io::Result<(Enqueue, Writer)> {
    let (entries, waiting) = sync_channel(LINES);
    let dropped = Arc::new(AtomicU64::new(0));
    let is_last = Arc::new(AtomicBool::new(false));
    let (end, ended) = sync_channel(0);
    let (lost, last) = (Arc::clone(&dropped), Arc::clone(&is_last));
    std::thread::Builder::new().name("log".to_string()).spawn(move || {
        vrrp_net::process::schedule_ordinarily();
        write(&waiting, &lost, &last, &mut sinks);
        drop(end);
    })?;
    let enqueue = Enqueue { entries: entries.clone(), dropped };
    Ok((enqueue, Writer { entries, is_last, ended }))
}

impl io::Write for Enqueue {
    /// One whole record: a digit for the severity, a letter for the ident, the text.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let mut characters = text.chars();
        let severity =
            characters.next().and_then(|digit| digit.to_digit(8)).and_then(|n| u8::try_from(n).ok());
        let ident = Ident::of_letter(characters.next());
        let (severity, text) = (severity.unwrap_or(6), printable(characters.as_str()));
        let line = Line { at: SystemTime::now(), severity, ident, text };
        if let Err(TrySendError::Full(_)) = self.entries.try_send(Entry::Line(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    /// Writes what is there and ends the thread; waits for at most two seconds.
    fn drop(&mut self) {
        self.is_last.store(true, Ordering::Release);
        // A full ring wakes the thread anyway.
        let _ = self.entries.try_send(Entry::Wake);
        let _ = self.ended.recv_timeout(FLUSH);
    }
}

fn write(waiting: &Receiver<Entry>, dropped: &AtomicU64, is_last: &AtomicBool, sinks: &mut Sinks) {
    loop {
        let entry = match waiting.try_recv() {
            Ok(entry) => Ok(entry),
            Err(_) if is_last.load(Ordering::Acquire) => return,
            // The timeout lets the count of lost lines be said although no line follows.
            Err(_) => waiting.recv_timeout(Duration::from_secs(1)),
        };
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let text = format!("{lost} lines were lost: they came faster than they could be written");
            sinks.write(&Line { at: SystemTime::now(), severity: 4, ident: Ident::Parent, text });
        }
        match entry {
            Ok(Entry::Line(line)) => sinks.write(&line),
            Ok(Entry::Wake) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Keeps a line one line, and a terminal from obeying it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_record_becomes_a_line_and_a_full_ring_counts() {
        let (entries, waiting) = sync_channel(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut enqueue = Enqueue { entries, dropped: Arc::clone(&dropped) };
        for _ in 0..3 {
            enqueue.write_all("4p(VI_1) a\nb\u{1b}[2J".as_bytes()).expect("never fails");
        }
        let Ok(Entry::Line(line)) = waiting.try_recv() else { panic!() };
        assert_eq!((line.severity, line.ident), (4, Ident::Parent));
        assert_eq!(line.text, "(VI_1) a\u{fffd}b\u{fffd}[2J");
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }
}
