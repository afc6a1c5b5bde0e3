//! The same work under vrrpd and under keepalived, in one run, with the measured table at the end.
//!
//! ```console
//! # cargo build --release && cargo run --release -p vrrp-benches --bin side_by_side
//! ```
//!
//! Both get the same options (`-n -l -f FILE`, and `-D` where it says so) and the same file. All numbers are taken from outside of them:
//! pings of a client, captures, netlink events, interface and scheduler counters. `-h` lists what can be chosen.

mod addresses;
mod masters;
mod process;
mod program;
mod table;
mod takeover;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use addresses::Kind;
use program::{Log, Program};
use table::Table;
use vrrp_net::lab;

/// No wait for a fact is longer, whatever the machine is doing.
const PATIENCE: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: side_by_side [WORK]... [--runs N] [--only vrrpd|keepalived]
  takeover    the master's link is cut, at 10 ms adverts
  masters     one host is master of 255 instances at 10 ms
  addresses   one instance with 1,000 IPv4 addresses
  detailed    the same with -D, which logs every announcement
  addresses6  one instance with 1,000 IPv6 addresses
all of them if none is named; --runs is the number of cuts (20)";

fn main() -> ExitCode {
    let choice = match choice() {
        Ok(choice) => choice,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::from(2);
        }
    };
    match run(&choice) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side_by_side: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is to be measured.
struct Choice {
    works: Vec<String>,
    runs: usize,
    programs: Vec<Program>,
}

fn choice() -> Result<Choice, String> {
    let all = ["takeover", "masters", "addresses", "detailed", "addresses6"];
    let mut choice = Choice { works: Vec::new(), runs: 20, programs: Program::both() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => {
                let runs = arguments.next().and_then(|runs| runs.parse().ok()).filter(|runs| *runs > 0);
                choice.runs = runs.ok_or("--runs wants a number above 0")?;
            }
            "--only" => {
                let name = arguments.next().unwrap_or_default();
                choice.programs.retain(|program| program.name() == name);
                if choice.programs.is_empty() {
                    return Err(format!("--only wants vrrpd or keepalived, not {name}"));
                }
            }
            work if all.contains(&work) => choice.works.push(work.to_owned()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if choice.works.is_empty() {
        choice.works = all.map(str::to_owned).to_vec();
    }
    Ok(choice)
}

fn run(choice: &Choice) -> Result<(), Box<dyn Error>> {
    for program in &choice.programs {
        program.look()?;
    }
    let machine = process::machine();
    lab::enter()?;
    println!("{machine}");
    let mut table = Table::default();
    for work in &choice.works {
        for program in &choice.programs {
            eprintln!("{work} under {} …", program.name());
            match work.as_str() {
                "takeover" => takeover::measure(program, choice.runs, &mut table)?,
                "masters" => masters::measure(program, &mut table)?,
                "addresses" => addresses::measure(program, Kind::V4, Log::Plain, &mut table)?,
                "detailed" => addresses::measure(program, Kind::V4, Log::Detailed, &mut table)?,
                _ => addresses::measure(program, Kind::V6, Log::Plain, &mut table)?,
            }
        }
    }
    println!("{table}");
    Ok(())
}
