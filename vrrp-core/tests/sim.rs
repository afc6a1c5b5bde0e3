//! The simulator: whatever the interleaving, the rules hold. `SIM_SEEDS=200000 cargo test --release -p vrrp-core
//! --features sim --test sim` runs more seeds, `SIM_SEED=7` one, `SIM_TRACE=1` beside it prints its trace.

#![allow(clippy::disallowed_methods)] // seeds are played on all processors

use std::env;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use vrrp_core::sim::{self, Bug, Fault, Report, Rule, Scenario};
use vrrp_core::trace::{self, Line, Recorder};
use vrrp_core::{Config, Router};

/// Seeds in CI.
const SEEDS: u64 = 10_000;
/// One seed of so many at most may go by without a moment in which the strict rules apply everywhere.
const LOOSE: u64 = 20;

#[test]
fn every_rule_holds_for_every_seed() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("SIM_SEED") {
        let scenario = scenario(seed);
        let played = sim::trace(&scenario);
        if env::var_os("SIM_TRACE").is_some() {
            println!("{}", played.as_ref().unwrap_or_else(|failure| &failure.trace));
        }
        played.unwrap_or_else(|failure| panic!("{failure}\nseed {seed}"));
        return;
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS);
    let (loose, refusing) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = all(seeds, |seed| {
        let scenario = scenario(seed);
        let refuses = scenario.faults.iter().any(|(_, fault)| matches!(fault, Fault::Refuse { .. }));
        let report = sim::run(&scenario).unwrap_or_else(|failure| panic!("{failure}\nseed {seed}"));
        assert!(report.virtual_time >= Duration::from_secs(60), "seed {seed}: {report:?}");
        assert!(report.faults >= 5, "seed {seed}: {report:?}");
        loose.fetch_add(u64::from(report.strict_time.is_zero()), Ordering::Relaxed);
        refusing.fetch_add(u64::from(refuses), Ordering::Relaxed);
        report
    });
    let (loose, refusing) = (loose.into_inner(), refusing.into_inner());
    println!("{seeds} seeds, {loose} never strict, {refusing} with an address that is refused: {total:?}");
    // Links that stay cut one way, or a node that is left alone, on one of the segments.
    assert!(loose * LOOSE <= seeds.max(LOOSE), "the strict rules never applied in {loose} of {seeds} seeds");
    assert!(refusing * 50 >= seeds, "a refused address in only {refusing} of {seeds} seeds");
}

fn scenario(seed: u64) -> Scenario {
    Scenario::from_seed(seed).expect("every seed is a sound scenario")
}

/// Runs seeds on all processors and adds up what they report.
fn all(seeds: u64, run: impl Fn(u64) -> Report + Sync) -> Report {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut sum = Report::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return sum;
            }
            sum += run(seed);
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut total = Report::default();
        for worker in workers {
            total += worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        total
    })
}

#[test]
fn one_seed_twice_is_one_run() {
    for seed in 0..200 {
        let scenario = scenario(seed);
        let first = sim::trace(&scenario).unwrap_or_else(|failure| panic!("{failure}\nseed {seed}"));
        assert!(first.lines().count() > 100, "seed {seed} tells nothing");
        assert_eq!(first, sim::trace(&scenario).expect("it held a moment ago"), "seed {seed}");
    }
}

#[test]
fn the_trace_changes_nothing() {
    for seed in 0..50 {
        let scenario = scenario(seed);
        let report = sim::run(&scenario).unwrap_or_else(|failure| panic!("{failure}\nseed {seed}"));
        let trace = sim::trace(&scenario).expect("it held a moment ago");
        assert_eq!(trace.matches(" become ").count() as u64, report.transitions, "seed {seed}");
    }
}

/// What a seed finds goes into `tests/golden/`: the lines of a node are a transcript.
#[test]
fn the_trace_of_a_node_is_a_transcript() {
    let trace = sim::trace(&scenario(1)).unwrap_or_else(|failure| panic!("{failure}"));
    let mut played = 0;
    let node: Vec<&str> = trace.lines().filter_map(|line| line.strip_prefix("n0 ")).collect();
    for life in node.join("\n").split("start\n").skip(1) {
        let mut router = None;
        let mut actions = Vec::new();
        for (at, line) in trace::read(&format!("start\n{life}")) {
            match line.unwrap_or_else(|error| panic!("line {at}: {error}")) {
                Line::Start(config) => router = Some(Router::new(Config::new(*config).expect("it ran"))),
                Line::Input(input) => {
                    assert!(actions.is_empty(), "line {at}: these were not asked for: {actions:?}");
                    let router = router.as_mut().expect("start comes first");
                    let mut asked = router.handle(input.now(), input.input().expect("it ran"));
                    while let Some(action) = asked.next() {
                        actions.push(Recorder::new().action(input.now(), &action).to_string());
                        played += 1;
                    }
                    actions.reverse();
                }
                action => assert_eq!(Some(action.to_string()), actions.pop(), "line {at}"),
            }
        }
    }
    assert!(played > 50, "only {played} actions");
}

#[test]
fn skew_zero_is_caught() {
    let found = caught(Bug::NoSkew, &[], 20);
    assert!(found.contains(&Rule::Listening), "{found:?}");
    // And by what Skew_Time is for, seen from outside, when nobody computes it once more.
    let found = caught(Bug::NoSkew, &[Rule::Listening], 20);
    assert!(found.contains(&Rule::BetterFirst), "{found:?}");
}

#[test]
fn announcing_an_address_before_it_is_there_is_caught() {
    let found = caught(Bug::AnnounceFirst, &[Rule::Order], 5);
    assert!(found.contains(&Rule::Claim), "{found:?}");
}

#[test]
fn a_master_that_leaves_without_priority_zero_is_caught() {
    let found = caught(Bug::SilentStop, &[], 5);
    assert!(found.contains(&Rule::Effects), "{found:?}");
}

#[test]
fn a_master_that_does_not_obey_is_caught() {
    let found = caught(Bug::DisobeysPriority, &[], 20);
    assert!(found.contains(&Rule::OneMaster) && found.contains(&Rule::Yielding), "{found:?}");
}

#[test]
fn a_master_that_keeps_a_tie_is_caught() {
    let found = caught(Bug::KeepsTie, &[], 100);
    assert!(found.contains(&Rule::OneMaster) && found.contains(&Rule::Yielding), "{found:?}");
}

#[test]
fn an_address_left_behind_is_caught() {
    let found = caught(Bug::KeepsAddresses, &[Rule::Effects], 5);
    assert!(found.contains(&Rule::Kernel), "{found:?}");
}

#[test]
fn a_skipped_advert_is_caught() {
    let found = caught(Bug::SkipsAdverts, &[Rule::Effects], 5);
    assert!(found.contains(&Rule::AdvertGap), "{found:?}");
}

#[test]
fn an_address_left_behind_by_a_stop_is_caught() {
    let found = caught(Bug::KeepsAddresses, &[Rule::Effects, Rule::Kernel], 5);
    assert!(found.contains(&Rule::NothingLeft), "{found:?}");
}

#[test]
fn a_backup_that_never_takes_over_is_caught() {
    assert!(broken(Bug::NeverTakesOver, &[], 2).contains(&Rule::Deadline));
    // Without that it is woken all the time, which takes some patience.
    assert!(broken(Bug::NeverTakesOver, &[Rule::Deadline], 4).contains(&Rule::Owner));
    let found = broken(Bug::NeverTakesOver, &[Rule::Deadline, Rule::Owner], 4);
    assert!(found.contains(&Rule::TakingOver), "{found:?}");
}

#[test]
fn a_better_router_that_never_preempts_is_caught() {
    let found = caught(Bug::NeverPreempts, &[Rule::Reload], 50);
    assert!(found.contains(&Rule::Converged), "{found:?}");
}

#[test]
fn a_member_that_waits_for_ever_for_a_group_that_a_reload_removed_is_caught() {
    let found = caught(Bug::KeepsGroup, &[], 100);
    assert!(found.contains(&Rule::TakingOver) || found.contains(&Rule::Owner), "{found:?}");
}

#[test]
fn a_missed_interface_is_caught() {
    let found = caught(Bug::IgnoresInterfaces, &[], 20);
    assert!(found.contains(&Rule::Readiness), "{found:?}");
}

#[test]
fn every_bug_is_caught() {
    for bug in Bug::ALL {
        let caught = (0..200).find(|seed| sim::run_with(&scenario(*seed), Some(bug), &[]).is_err());
        assert!(caught.is_some(), "{bug:?}");
        println!("{bug:?}: seed {caught:?}");
    }
}

/// The rules that a planted bug breaks in twenty times as many seeds as those of which one at least finds it.
fn caught(bug: Bug, ignored: &[Rule], within: u64) -> Vec<Rule> {
    assert!(!broken(bug, ignored, within).is_empty(), "{bug:?} passed {within} seeds");
    broken(bug, ignored, within * 20)
}

/// The rules that a planted bug breaks first in so many seeds.
fn broken(bug: Bug, ignored: &[Rule], seeds: u64) -> Vec<Rule> {
    let rule = |seed| sim::run_with(&scenario(seed), Some(bug), ignored).err().map(|failure| failure.rule);
    let mut rules: Vec<Rule> = (0..seeds).filter_map(rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}
