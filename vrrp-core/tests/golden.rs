//! Replays every transcript of `tests/golden/` and compares actions and deadlines, to the nanosecond.
//!
//! A transcript is written in the language of [`vrrp_core::trace`]. The runner tells the router each `>` line
//! and writes the `<` lines itself; `=` follows when the deadline moved. Two kinds of line are its own:
//!
//! - `% take N`: of the actions of the next input only N are taken, the rest stays pending;
//! - `? #ID` and `? router`: what the views and counters say at this point (counters that are zero are left out).
//!
//! `UPDATE_GOLDEN=1` writes the files anew; what changed is to be checked against the rule that the head of
//! the file names, by hand.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use vrrp_core::trace::{InputLine, Line, Recorder};
use vrrp_core::wire::Reason;
use vrrp_core::{Config, InstanceId, Rejects, Router, Time};

#[test]
fn every_transcript_is_played_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 100, "the transcripts are gone: {} files in {}", files.len(), folder.display());
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    assert!(
        !update || env::var_os("CI").is_none(),
        "UPDATE_GOLDEN would make every transcript right: not in CI"
    );
    let mut wrong = String::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
        let written = fs::read_to_string(file).unwrap();
        let played = match play(&written) {
            Ok(played) => played,
            Err(why) => {
                writeln!(wrong, "{}: {why}", file.display()).unwrap();
                continue;
            }
        };
        if update && played != written {
            fs::write(file, played).unwrap();
        } else if let Some(difference) = difference(&written, &played) {
            writeln!(wrong, "{}:{difference}", file.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Plays a transcript and writes down what happens.
fn play(transcript: &str) -> Result<String, String> {
    let mut stage = Stage::default();
    let mut lines = transcript.lines().enumerate().peekable();
    while let Some((at, first)) = lines.next() {
        let mut text = String::from(first);
        while let Some((_, more)) = lines.next_if(|(_, line)| line.starts_with('|')) {
            text.push('\n');
            text.push_str(more);
        }
        stage.line(&text).map_err(|why| format!("line {}: {why}", at + 1))?;
    }
    Ok(stage.played)
}

#[derive(Default)]
struct Stage {
    played: String,
    router: Option<Router>,
    recorder: Recorder,
    deadline: Option<Time>,
    take: Option<usize>,
}

impl Stage {
    fn line(&mut self, text: &str) -> Result<(), String> {
        match text.chars().next() {
            None | Some('#') => self.write(text),
            Some('<' | '=') => {}
            Some('%') => {
                let number = text.strip_prefix("% take ").ok_or("there is only % take N")?;
                self.take = Some(number.parse().map_err(|_| "% take needs a number")?);
                self.write(text);
            }
            Some('?') => {
                let subject = text.split_ascii_whitespace().nth(1).ok_or("? needs a subject")?;
                let router = self.router.as_ref().ok_or("the transcript does not begin with start")?;
                let view = view(router, subject)?;
                self.write(&format!("? {subject}{view}"));
            }
            Some(_) => match text.parse::<Line>().map_err(|why| why.to_string())? {
                Line::Start(config) => self.start(*config)?,
                Line::Input(input) => self.input(&input)?,
                other => return Err(format!("{other} cannot be played")),
            },
        }
        Ok(())
    }

    fn start(&mut self, config: vrrp_core::RouterConfig) -> Result<(), String> {
        let config = Config::new(config).map_err(|errors| format!("{errors:?}"))?;
        let line = self.recorder.start(&config).to_string();
        self.write(&line);
        self.router = Some(Router::new(config));
        Ok(())
    }

    fn input(&mut self, line: &InputLine) -> Result<(), String> {
        let input = line.input().map_err(|errors| format!("{errors:?}"))?;
        let recorded = self.recorder.input(line.now(), &input).to_string();
        self.write(&recorded);
        let router = self.router.as_mut().ok_or("the transcript does not begin with start")?;
        let limit = self.take.take().unwrap_or(1000);
        let mut actions = router.handle(line.now(), input);
        for _ in 0..limit {
            let Some(action) = actions.next() else { break };
            writeln!(self.played, "{}", self.recorder.action(line.now(), &action)).unwrap();
        }
        let deadline = router.deadline();
        if deadline != self.deadline {
            self.deadline = deadline;
            self.write(&Line::Deadline(deadline).to_string());
        }
        Ok(())
    }

    fn write(&mut self, line: &str) {
        self.played.push_str(line);
        self.played.push('\n');
    }
}

fn view(router: &Router, subject: &str) -> Result<String, String> {
    let mut view = String::new();
    if subject == "router" {
        let stats = router.stats();
        counters(
            &mut view,
            &[("packets", stats.packets), ("events-lost", stats.events_lost)],
            &stats.rejected,
        );
        return Ok(view);
    }
    let id = subject.strip_prefix('#').and_then(|id| id.parse().ok()).ok_or("? needs #ID or router")?;
    let instance = router.instance(InstanceId::from_number(id)).ok_or("there is no such instance")?;
    let interval = instance.master_interval();
    write!(view, " {} prio={} interval={interval}", instance.state(), instance.priority()).unwrap();
    if let Some((master, priority)) = instance.master() {
        write!(view, " master={master}/{priority}").unwrap();
    }
    let stats = instance.stats();
    let numbers = [
        ("received", stats.adverts_received),
        ("sent", stats.adverts_sent),
        ("became-master", stats.became_master),
        ("released-master", stats.released_master),
        ("zero-received", stats.priority_zero_received),
        ("zero-sent", stats.priority_zero_sent),
        ("interval-mismatches", stats.interval_mismatches),
        ("address-list-mismatches", stats.address_list_mismatches),
        ("link-local-not-first", stats.link_local_not_first),
        ("message-only", stats.checksum_message_only),
        ("pseudo-header", stats.checksum_pseudo_header),
    ];
    counters(&mut view, &numbers, &stats.rejected);
    Ok(view)
}

fn counters(view: &mut String, numbers: &[(&str, u64)], rejected: &Rejects) {
    for (name, number) in numbers.iter().filter(|(_, number)| *number > 0) {
        write!(view, " {name}={number}").unwrap();
    }
    for reason in Reason::ALL.into_iter().filter(|reason| rejected.get(*reason) > 0) {
        write!(view, " rejected-{reason}={}", rejected.get(reason)).unwrap();
    }
}

/// The first line that is not as it is written, with the lines around it.
fn difference(written: &str, played: &str) -> Option<String> {
    let (written, played): (Vec<&str>, Vec<&str>) = (written.lines().collect(), played.lines().collect());
    let at = (0..written.len().max(played.len())).find(|at| written.get(*at) != played.get(*at))?;
    let mut text = format!("{}\n", at + 1);
    for line in &written[at.saturating_sub(4).min(written.len())..at.min(written.len())] {
        writeln!(text, "      {line}").unwrap();
    }
    for (sign, lines) in [("-", &written), ("+", &played)] {
        for line in lines.iter().skip(at).take(8) {
            writeln!(text, "    {sign} {line}").unwrap();
        }
    }
    Some(text)
}

#[test]
fn a_transcript_that_is_wrong_is_found_out() {
    let right = "start\n| interface 1 eth0\n| instance VI_1 if=1 vrid=51 vips=192.0.2.253/24@1\n\
                 > 0 interface if=1 up\n> 0 source if=1 192.0.2.1\n";
    let played = play(right).unwrap();
    assert!(played.ends_with("= 3.609375\n"), "{played}");
    assert_eq!(difference(&played, &play(&played).unwrap()), None);
    let late = played.replace("3.609375", "3.609376");
    assert!(difference(&late, &play(&late).unwrap()).is_some());
    let missing: String =
        played.lines().filter(|line| !line.contains("become")).map(|l| format!("{l}\n")).collect();
    assert!(difference(&missing, &play(&missing).unwrap()).is_some());
    assert!(play("> 0 tick\n").is_err());
}

/// What of the conformance catalogue concerns the router, and stands in the head of a transcript or at a test.
#[test]
fn every_rule_of_the_catalogue_is_shown() {
    // Not the router's: T07 is arithmetic, T10 to T12 need a real daemon, E19, E20 and X7 an option that keepalived
    // does not have either, Y05 and Y15 are about configurations and processes, X19 is an option, too;
    // P69 is an option that there is not, P78 is the kernel's (a raw socket walks the headers), and P81, P82 and P83 need
    // HMAC, which is not there.
    let rules = [
        ("S", 1..=40),
        ("T", 2..=6),
        ("T", 8..=9),
        ("E", 1..=18),
        ("E", 21..=23),
        ("O", 1..=5),
        ("A", 1..=2),
        ("A", 5..=6),
        ("A", 16..=19),
        ("Y", 1..=4),
        ("Y", 6..=14),
        ("X", 1..=6),
        ("X", 8..=18),
        ("V", 4..=9),
        ("P", 1..=68),
        ("P", 70..=77),
        ("P", 79..=80),
        ("P", 84..=85),
    ];
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shown = String::new();
    for file in ["src/router/invariants.rs", "tests/endurance.rs", "tests/encode.rs", "tests/parse.rs"]
        .into_iter()
        .chain([
            "tests/parse_datagram.rs",
            "tests/parse_random.rs",
            "tests/vectors.rs",
            "tests/vectors_captures.rs",
        ])
    {
        shown += &fs::read_to_string(package.join(file)).unwrap();
    }
    for entry in fs::read_dir(package.join("tests/golden")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        shown.extend(text.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")));
    }
    let words: Vec<&str> = shown.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let mut missing = Vec::new();
    for (letter, numbers) in rules {
        for number in numbers {
            let found = words.contains(&format!("{letter}{number:02}").as_str())
                || words.contains(&format!("{letter}{number}").as_str());
            if !found {
                missing.push(format!("{letter}{number:02}"));
            }
        }
    }
    assert!(missing.is_empty(), "shown nowhere: {missing:?}");
}
