//! Instructions and allocations of one operation, held to the committed `benches/counts.txt`.
//!
//! ```console
//! $ cargo run --release -p vrrp-benches --bin counts             # compare
//! $ cargo run --release -p vrrp-benches --bin counts -- --bless  # accept what is measured
//! ```
//!
//! Times on a shared machine say little, instructions under valgrind hardly vary. Each case runs twice in a
//! process of its own, with a few and with many operations; the difference is free of set-up, and divided by
//! the operations it is the cost of one. So no symbol has to be found, nothing is inlined for the sake of the
//! measurement, and there is no runner to install: the whole is this file and Debian's valgrind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use vrrp_benches::{Lan, datagram, template};
use vrrp_core::wire::{self, Datagram, Expect};
use vrrp_core::{Interval, Version, Vrid};

/// What is measured: a name and how many instances, or addresses where there is no instance.
const CASES: [(&str, usize); 10] = [
    ("parse", 1),
    ("parse", 255),
    ("encode", 1),
    ("encode", 255),
    ("hear", 1),
    ("hear", 255),
    ("hear", 1000),
    ("tick", 1),
    ("tick", 255),
    ("tick", 1000),
];
/// Operations of the short and of the long run; both go round whole sets of 1,000 instances.
const FEW: usize = 2000;
const MANY: usize = 6000;
/// How far a count may be from the committed one, in percent: a compiler of the same version makes the same code.
const TOLERANCE: f64 = 10.0;
/// How far the cost of an advert may depend on the number of instances.
const FLAT: f64 = 1.2;

/// What one operation costs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    instructions: f64,
    allocations: f64,
}

type Costs = BTreeMap<(String, usize), Cost>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bless = match arguments[..] {
        [] => false,
        ["--bless"] => true,
        ["--operate", name, size, times] => {
            let [size, times] = [size, times].map(|number| number.parse().expect("our own argument"));
            println!("{}", operate(name, size, times));
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("usage: counts [--bless]");
            return ExitCode::from(2);
        }
    };
    let mut measured = Costs::new();
    for (name, size) in CASES {
        let cost = measure(name, size);
        println!(
            "{name:8} {size:5} {:10.1} instructions {:6.2} allocations",
            cost.instructions, cost.allocations
        );
        measured.insert((name.to_owned(), size), cost);
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.txt");
    if bless {
        fs::write(&committed, table(&measured)).expect("the folder of this crate can be written");
        println!("accepted in {}", committed.display());
    }
    let known = fs::read_to_string(&committed).map(|text| read(&text)).unwrap_or_default();
    let broken = judge(&known, &measured);
    broken.iter().for_each(|rule| eprintln!("broken: {rule}"));
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does one operation at least `times` times, and says how often.
fn operate(name: &str, size: usize, times: usize) -> usize {
    let addresses = u8::try_from(size).unwrap_or(u8::MAX);
    match name {
        "parse" => {
            let octets = datagram(addresses);
            for _ in 0..times {
                let (header, payload) = Datagram::V4(std::hint::black_box(&octets)).split().expect("whole");
                let advert = wire::parse(&header, payload, &Expect::version(Version::V3)).expect("right");
                std::hint::black_box(advert);
            }
        }
        "encode" => {
            let vips: Vec<_> = (1..=addresses).map(|host| [10, 1, 1, host].into()).collect();
            let mut template = template(Vrid::new(1).expect("not zero"), Interval::DEFAULT, &vips);
            let (from, to) = ([10, 0, 0, 1].into(), wire::GROUP_V4.into());
            for _ in 0..times {
                std::hint::black_box(template.write(std::hint::black_box(100), from, to, wire::TTL, 1));
            }
        }
        "hear" => {
            let mut lan = Lan::of_backups(size);
            for _ in 0..times {
                assert_eq!(lan.hear(), 0, "an advert that is as expected asks for nothing");
            }
        }
        // One operation is one advert, so a tick of 1,000 masters is 1,000 of them.
        "tick" => {
            let mut lan = Lan::of_masters(size, 1);
            let mut sent = 0;
            while sent < times {
                sent += lan.tick();
            }
            return sent;
        }
        other => {
            eprintln!("no case is called {other}");
            std::process::exit(2);
        }
    }
    times
}

fn measure(name: &str, size: usize) -> Cost {
    let instructions = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
    let allocations = ["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"];
    let each = |tool, words| {
        let (few, few_cost) = under_valgrind(tool, words, name, size, FEW);
        let (many, many_cost) = under_valgrind(tool, words, name, size, MANY);
        (many_cost - few_cost) as f64 / (many - few) as f64
    };
    Cost {
        instructions: each(&instructions, "I   refs:"),
        allocations: each(&allocations, "total heap usage:"),
    }
}

/// How many operations ran, and the number that valgrind says behind `words`.
fn under_valgrind(tool: &[&str; 3], words: &str, name: &str, size: usize, times: usize) -> (u64, u64) {
    let ours = env::current_exe().expect("a program knows where it is");
    let output = Command::new("valgrind")
        .args(tool)
        .arg(ours)
        .args(["--operate", name, &size.to_string(), &times.to_string()])
        .output()
        .expect("valgrind is installed (Debian: apt install valgrind)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let operations = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    (operations, number_after(&said, words))
}

fn number_after(text: &str, words: &str) -> u64 {
    let (_, number) =
        text.lines().find_map(|line| line.split_once(words)).expect("valgrind says it at the end");
    let digits =
        number.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',');
    digits.collect::<String>().parse().expect("digits")
}

fn judge(known: &Costs, measured: &Costs) -> Vec<String> {
    let mut broken = Vec::new();
    for ((name, size), cost) in measured {
        if cost.allocations != 0.0 {
            broken.push(format!("{name} {size} allocates {} times, expected never", cost.allocations));
        }
        match known.get(&(name.clone(), *size)) {
            None => broken.push(format!("{name} {size} is not in counts.txt, accept it with --bless")),
            Some(known) => {
                let percent = (cost.instructions / known.instructions - 1.0) * 100.0;
                if percent.abs() > TOLERANCE {
                    broken.push(format!(
                        "{name} {size}: {:.1} instructions, {percent:+.1} % from {:.1}; at most {TOLERANCE} % either way. \
                         Find out why, or accept it with --bless and say so in the commit",
                        cost.instructions, known.instructions
                    ));
                }
            }
        }
    }
    let hear = |size| measured.get(&("hear".to_owned(), size)).map_or(f64::NAN, |cost| cost.instructions);
    let ratio = hear(1000) / hear(1);
    println!("an advert among 1,000 instances costs {ratio:.3} of one alone, at most {FLAT}");
    if !(1.0 / FLAT..=FLAT).contains(&ratio) {
        broken.push(format!("the cost of an advert grows with the number of instances: {ratio:.3} times"));
    }
    broken
}

fn table(costs: &Costs) -> String {
    let mut text =
        String::from("# case size instructions, of one operation; written by `counts --bless` with ");
    let version =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let _ = writeln!(text, "{}", String::from_utf8_lossy(&version).trim());
    for ((name, size), cost) in costs {
        let _ = writeln!(text, "{name} {size} {:.1}", cost.instructions);
    }
    text
}

fn read(text: &str) -> Costs {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let key = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some((key, Cost { instructions: words.next()?.parse().ok()?, allocations: 0.0 }))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}
