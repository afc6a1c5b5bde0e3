//! Three routers in virtual time, and the master's cable is pulled out: what each one hears and does, as a trace.
//!
//! `cargo run -p vrrp-core --features sim --example simulate`
//!
//! A seed as argument plays a drawn scenario instead, as `tests/sim.rs` does. Without `--all`, what nobody acts
//! on is left out: adverts of a master that all obey, and ticks.

use std::error::Error;

use vrrp_core::sim::{self, Fault, Scenario};
use vrrp_core::{Interval, Time};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut all, mut seed) = (false, None);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--all" => all = true,
            number => seed = Some(number.parse()?),
        }
    }
    let scenario = match seed {
        Some(seed) => Scenario::from_seed(seed).map_err(|errors| format!("{errors:?}"))?,
        None => pulled_cable()?,
    };
    let trace = sim::trace(&scenario).map_err(|failure| failure.to_string())?;
    trace.lines().filter(|line| all || tells(line)).for_each(|line| println!("{line}"));
    Ok(())
}

/// Priorities 150, 100 and 50, one advert a second; the first one is cut off from 10 to 20 s.
fn pulled_cable() -> Result<Scenario, Box<dyn Error>> {
    let end = Time::from_millis(30_000);
    let mut scenario =
        Scenario::plain(&[150, 100, 50], Interval::DEFAULT, end).ok_or("priorities are not 0")?;
    scenario.faults = vec![
        (Time::from_millis(10_000), Fault::Unplug { segment: 0, node: 0 }),
        (Time::from_millis(20_000), Fault::Plug { segment: 0, node: 0 }),
    ];
    Ok(scenario)
}

/// Whether a line is more than a sign of life.
fn tells(line: &str) -> bool {
    let quiet = ["tick", "packet", "transmit"];
    !line.split(' ').any(|word| quiet.contains(&word)) || line.contains("prio=0")
}
