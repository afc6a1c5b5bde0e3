//! Nothing that a file can hold breaks the reader: random bytes, mutated corpus files, and files made to be slow.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use vrrp_cli::conf::lower::{Interner, lower};
use vrrp_cli::conf::severity::Code;
use vrrp_cli::conf::{self, Diagnostics};

use crate::corpus;
use crate::host::Host;

/// Pieces that matter to the reader.
const PIECES: &[&str] = &[
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "#",
    "!",
    "$A",
    "${A}",
    "$A=",
    "@host-a ",
    "@^",
    "~SEQ(",
    "include ",
    "\n",
    "\\\n",
    "\0",
    "\r",
    "\u{feff}",
    "é",
    "🦀",
    "\u{202e}",
    "vrrp_instance X {\n",
    "virtual_ipaddress {\n",
    "192.0.2.1/33",
    "-1",
    "99999999999999999999",
    "0.0000000001",
    "auth_pass ",
    "weight ",
    "reverse",
    "dev",
    "global_defs {\n",
];

#[test]
fn random_bytes_are_read_to_their_end() {
    let mut random = Random(0x5eed);
    for _ in 0..2_000 {
        let length = random.below(400);
        let bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        everything(&bytes);
    }
}

#[test]
fn mutated_files_are_read_to_their_end() {
    let files: Vec<Vec<u8>> =
        corpus::files().iter().map(|path| fs::read(path).expect("the corpus can be read")).collect();
    let mut random = Random(0xc0ffee);
    for round in 0..3_000 {
        let mut bytes = files[round % files.len()].clone();
        for _ in 0..=random.below(6) {
            mutate(&mut bytes, &files, &mut random);
        }
        everything(&bytes);
    }
}

#[test]
fn files_made_to_be_slow_are_not() {
    let laughs: String =
        (0..40).map(|i| format!("$L{}={}\n", i + 1, format!("${{L{i}}}").repeat(10))).collect();
    let slow: &[(&str, String)] = &[
        ("definitions that double", format!("$L0=ha\n{laughs}router_id ${{L40}}\n")),
        ("a block that uses itself", "$A= \\\n a $A \\\n b $A \\\n $A\n$A\n".repeat(3)),
        ("deep blocks", "a {\n".repeat(50_000)),
        ("closing braces", "}".repeat(200_000)),
        ("one long line", "virtual_ipaddress ".repeat(200_000)),
        ("one long word", "x".repeat(1_000_000)),
        ("many dollars", "$".repeat(300_000)),
        ("many open names", "${".repeat(100_000)),
        ("many quotes", "\"'".repeat(300_000)),
        ("many findings", "auth_pas x\n".repeat(100_000)),
        ("many secrets", (0..3_000).map(|i| format!("$S=geheim{i}\nauth_pass $S\npriority $S\n")).collect()),
        ("braces in a pattern", format!("include {}\n", "{a,b}".repeat(5_000))),
        (
            "many addresses",
            format!("vrrp_instance A {{\nvirtual_ipaddress {{\n{}}}\n}}\n", "192.0.2.1\n".repeat(50_000)),
        ),
    ];
    for (what, text) in slow {
        let started = worked();
        everything(text.as_bytes());
        let took = worked() - started;
        assert!(took < Duration::from_secs(10), "{what} took {took:?}");
    }
}

#[test]
fn every_bound_says_that_it_was_reached() {
    let doubled: String = (0..40).map(|i| format!("$L{}=${{L{i}}}${{L{i}}}\n", i + 1)).collect();
    for text in [format!("$L0=hahahaha\n{doubled}router_id ${{L30}}\n"), "a {\n".repeat(100)] {
        let diagnostics = everything(text.as_bytes());
        assert!(diagnostics.is_fatal() || diagnostics.has_errors());
    }
    let long = vec![b' '; (33 << 20) + 1];
    assert!(everything(&long).is_fatal(), "33 MiB are too much");
}

#[test]
fn the_first_bound_that_is_reached_is_said_once() {
    let doubled: String = (0..40).map(|i| format!("$L{}=${{L{i}}}${{L{i}}}\n", i + 1)).collect();
    let text = format!("$L0=hahahaha\n{doubled}router_id ${{L30}} ${{L30}}\nrouter_id ${{L31}}\n");
    let diagnostics = everything(text.as_bytes());
    let large = diagnostics.items().iter().filter(|item| item.code == Code::FileLarge).count();
    assert_eq!(large, 1, "{}", diagnostics.render(false));
}

/// The processor time of this thread: other work on the machine does not count.
fn worked() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has this clock").into()
}

/// All that can be done with a text.
fn everything(bytes: &[u8]) -> Diagnostics {
    let (config, mut diagnostics) = conf::parse_str("fuzz.conf", bytes, &corpus::options());
    let lowered = lower(&config, &Host, &mut Interner::default(), &mut diagnostics);
    assert_eq!(lowered.is_none(), diagnostics.is_fatal(), "what is refused says why");
    assert!(diagnostics.render(false).is_empty() == diagnostics.items().is_empty());
    assert_eq!(diagnostics.lines().count(), diagnostics.items().len());
    let _ = format!("{config:?}");
    diagnostics
}

fn mutate(bytes: &mut Vec<u8>, files: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(40)).min(bytes.len());
    match random.below(5) {
        0 => drop(bytes.drain(at..end)),
        1 => {
            let piece = PIECES[random.below(PIECES.len())];
            drop(bytes.splice(at..at, piece.bytes()));
        }
        2 => {
            let other = &files[random.below(files.len())];
            let from = random.below(other.len() + 1);
            let to = (from + random.below(80)).min(other.len());
            drop(bytes.splice(at..end, other[from..to].iter().copied()));
        }
        3 => bytes[at..end].iter_mut().for_each(|byte| *byte = random.byte()),
        _ => {
            let copy = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, copy));
        }
    }
}

/// The same numbers in every run: a failure can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.next() & 0xff) as u8
    }
}
