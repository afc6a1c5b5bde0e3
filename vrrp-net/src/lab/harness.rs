//! The `main` of a test binary whose tests need a lab: a process for each, one after the other.
//!
//! In `Cargo.toml`, `harness = false` for the test; in the test:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use vrrp_net::lab::harness;
//!
//! fn addresses_can_be_added() {}
//!
//! fn main() -> ExitCode {
//!     harness::main(&[("addresses_can_be_added", addresses_can_be_added)])
//! }
//! ```
//!
//! It understands what `cargo test` passes on: filters, `--exact`, `--skip`, `--list`, `--nocapture`. A test that
//! cannot run on this machine is reported as ignored with the reason, or as failed if `VRRPD_NO_SKIP` is `1`.

use std::env;
use std::io::{self, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use super::enter::enter;
use super::moment::wait_for;
use super::path::is_installed;

/// A test: its name and what it does. It fails by a panic.
pub type Test = (&'static str, fn());

/// Runs the tests that the command line names.
pub fn main(tests: &[Test]) -> ExitCode {
    if let Ok(name) = env::var(TEST) {
        return match tests.iter().find(|(test, _)| *test == name) {
            Some((_, test)) => run_here(*test),
            None => ExitCode::FAILURE,
        };
    }
    let options = Options::read(env::args().skip(1));
    let chosen: Vec<&Test> = tests.iter().filter(|(name, _)| options.chooses(name)).collect();
    if options.list {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    println!("\nrunning {} test{}", chosen.len(), if chosen.len() == 1 { "" } else { "s" });
    let mut failures = Vec::new();
    let mut ignored = 0;
    for (name, _) in &chosen {
        let (verdict, output) = run_in_child(name, options.nocapture);
        match &verdict {
            Verdict::Passed => println!("test {name} ... ok"),
            Verdict::Skipped(reason) => {
                ignored += 1;
                println!("test {name} ... ignored, {reason}");
            }
            Verdict::Failed(reason) => {
                println!("test {name} ... FAILED");
                failures.push((*name, reason.clone(), output));
            }
        }
    }
    report_failures(&failures);
    let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {} failed; {ignored} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        chosen.len() - failures.len() - ignored,
        failures.len(),
        tests.len() - chosen.len(),
        start.elapsed().as_secs_f64()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CARGO_TEST_FAILED) }
}

/// Ends a test that cannot run on this machine: it counts as ignored, or failed with `VRRPD_NO_SKIP=1`.
pub fn skip(reason: &str) -> ! {
    println!("{SKIP_MARK}{}", reason.replace('\n', " "));
    std::process::exit(SKIPPED)
}

/// Whether a test that cannot run on this machine has failed (`VRRPD_NO_SKIP=1`): for tests of other harnesses.
pub fn is_skipping_forbidden() -> bool {
    env::var("VRRPD_NO_SKIP").is_ok_and(|value| value == "1")
}

/// Skips a test if one of the programs that it runs is not installed.
pub fn need_programs(programs: &[&str]) {
    let missing: Vec<_> = programs.iter().copied().filter(|program| !is_installed(program)).collect();
    if !missing.is_empty() {
        skip(&format!("not installed: {}", missing.join(", ")));
    }
}

/// Names the test in the environment of its process.
const TEST: &str = "VRRPD_LAB_TEST";
const SKIPPED: i32 = 77;
const SKIP_MARK: &str = "skipped: ";
/// What libtest ends with.
const CARGO_TEST_FAILED: u8 = 101;
/// Far beyond what a test may take, for one that hangs.
const PATIENCE: Duration = Duration::from_secs(300);

enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

fn run_here(test: fn()) -> ExitCode {
    // When the harness is killed, so is the test that it runs.
    if let Err(error) = set_pdeathsig(Signal::SIGKILL) {
        eprintln!("cannot tie this test to its harness: {error}");
        return ExitCode::FAILURE;
    }
    if let Err(refusal) = enter() {
        skip(&refusal.to_string());
    }
    test();
    ExitCode::SUCCESS
}

fn run_in_child(name: &str, nocapture: bool) -> (Verdict, String) {
    let exe = match env::current_exe() {
        Ok(exe) => exe,
        Err(error) => return (Verdict::Failed(format!("cannot find this program: {error}")), String::new()),
    };
    let child = Command::new(exe)
        .env(TEST, name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if nocapture { Stdio::inherit() } else { Stdio::piped() })
        .spawn();
    match child {
        Ok(child) => finish(child, nocapture),
        Err(error) => (Verdict::Failed(format!("cannot start: {error}")), String::new()),
    }
}

fn finish(mut child: Child, nocapture: bool) -> (Verdict, String) {
    let stdout = child.stdout.take().map(|stdout| thread::spawn(move || read(stdout)));
    let stderr = child.stderr.take().map(|stderr| thread::spawn(move || read(stderr)));
    let ended = wait_for(PATIENCE, "the test to end", || child.try_wait().transpose());
    // A no-op unless it hangs; with the process its whole lab ends.
    let _ = child.kill();
    let _ = child.wait();
    let text = |reader: Option<thread::JoinHandle<String>>| reader.and_then(|reader| reader.join().ok());
    let (stdout, stderr) = (text(stdout).unwrap_or_default(), text(stderr).unwrap_or_default());
    if nocapture {
        print!("{stdout}");
    }
    let verdict = match ended {
        Ok(Ok(status)) if status.success() => Verdict::Passed,
        Ok(Ok(status)) if status.code() == Some(SKIPPED) => {
            let reason =
                stdout.lines().find_map(|line| line.strip_prefix(SKIP_MARK)).unwrap_or("no reason given");
            if is_skipping_forbidden() {
                Verdict::Failed(format!("may not be skipped (VRRPD_NO_SKIP=1): {reason}"))
            } else {
                Verdict::Skipped(reason.to_string())
            }
        }
        Ok(Ok(status)) => Verdict::Failed(status.to_string()),
        Ok(Err(error)) => Verdict::Failed(error.to_string()),
        Err(_) => Verdict::Failed(format!("did not end within {PATIENCE:?}")),
    };
    (verdict, stdout + &stderr)
}

fn read(mut pipe: impl Read) -> String {
    let mut octets = Vec::new();
    let _ = io::copy(&mut pipe, &mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

fn report_failures(failures: &[(&str, String, String)]) {
    if failures.is_empty() {
        return;
    }
    println!("\nfailures:");
    for (name, reason, output) in failures {
        println!("\n---- {name}: {reason} ----\n{output}");
    }
    println!("\nfailures:");
    failures.iter().for_each(|(name, _, _)| println!("    {name}"));
}

#[derive(Default)]
struct Options {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    list: bool,
    nocapture: bool,
    only_ignored: bool,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => options.exact = true,
                "--list" => options.list = true,
                "--nocapture" | "--no-capture" | "--show-output" => options.nocapture = true,
                "--ignored" => options.only_ignored = true,
                "--skip" => options.skips.extend(arguments.next()),
                // Options of libtest whose value is a word of its own.
                "--format" | "--test-threads" | "--color" | "--logfile" | "-Z" => drop(arguments.next()),
                _ if argument.starts_with('-') => {}
                _ => options.filters.push(argument),
            }
        }
        options
    }

    fn chooses(&self, name: &str) -> bool {
        let matches =
            |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        let wanted = self.filters.is_empty() || self.filters.iter().any(matches);
        wanted && !self.skips.iter().any(matches) && !self.only_ignored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str]) -> Vec<&'static str> {
        let options = Options::read(arguments.iter().map(ToString::to_string));
        ["one", "one_two", "three"].into_iter().filter(|name| options.chooses(name)).collect()
    }

    #[test]
    fn a_filter_chooses_what_contains_it() {
        assert_eq!(chosen(&["one"]), ["one", "one_two"]);
        assert_eq!(chosen(&["--exact", "one"]), ["one"]);
        assert_eq!(chosen(&["--skip", "two", "--format", "terse"]), ["one", "three"]);
        assert_eq!(chosen(&["--test-threads=1", "--nocapture"]), ["one", "one_two", "three"]);
    }
}
