//! Every state that two or three routers can reach, whatever is lost, late, doubled or overtaken, and whoever
//! dies, stops or comes back at whichever step: from each of them the network finds its one MASTER again, over
//! every path that loses nothing, within Master_Down_Interval and 20 ms.
//!
//! A router is explored by itself: what it does depends on its state and on what it hears, so each pair of these
//! is played once with a real [`Router`] and remembered. A network is then a handful of numbers. Time goes in
//! steps of a quarter of the interval, of which all timers are multiples but one (the answer to a stream of
//! priority 0, which is taken at the next step).

#![allow(clippy::disallowed_types)] // the explorer looks states up, in no order

mod explorer;

use std::time::Duration;

use explorer::{Explorer, Model, Network};
use vrrp_core::{Interval, Priority};

const INTERVAL: Duration = Duration::from_millis(10);

/// Two routers, adverts that take one or two steps.
#[test]
fn two_routers_of_different_priority_always_find_the_better_one() {
    let model = Model::new(&[192, 128], 2);
    let network = explore("192/128", &model);
    network.always_settles(settling(&model), |network, state| network.best_alone(state));
}

#[test]
fn two_routers_of_one_priority_always_find_one() {
    let model = Model::new(&[128, 128], 2);
    let network = explore("128/128", &model);
    network.always_settles(settling(&model), |network, state| network.one_alone(state));
}

#[test]
fn two_routers_that_do_not_preempt_always_find_one() {
    let mut model = Model::new(&[192, 128], 2);
    model.preempt = false;
    let network = explore("192/128 nopreempt", &model);
    network.always_settles(settling(&model), |network, state| network.one_alone(state));
}

#[test]
fn a_preempt_delay_only_puts_off_the_better_one() {
    let mut model = Model::new(&[192, 128], 1);
    model.preempt_delay = INTERVAL * 2;
    let network = explore("192/128 preempt_delay", &model);
    network.always_settles(settling(&model), |network, state| network.one_alone_or_yielding(state));
    // The better one listens, leaves the other alone for the delay, and then listens once more.
    let second = settling(&model) + model.preempt_delay + INTERVAL;
    network.always_settles(settling(&model) + second, |network, state| network.best_alone(state));
}

#[test]
fn an_owner_always_wins() {
    let model = Model::new(&[255, 192], 1);
    let network = explore("255/192", &model);
    network.always_settles(settling(&model), |network, state| network.best_alone(state));
}

#[test]
fn two_owners_always_find_one() {
    let model = Model::new(&[255, 255], 1);
    let network = explore("255/255", &model);
    network.always_settles(settling(&model), |network, state| network.one_alone(state));
}

#[test]
fn three_routers_of_different_priority_always_find_the_best_one() {
    let model = Model::new(&[192, 128, 64], 1);
    let network = explore("192/128/64", &model);
    network.always_settles(settling(&model), |network, state| network.best_alone(state));
}

#[test]
fn three_routers_of_one_priority_always_find_one() {
    let model = Model::new(&[128, 128, 128], 1);
    let network = explore("128/128/128", &model);
    network.always_settles(settling(&model), |network, state| network.one_alone(state));
}

#[test]
fn three_routers_that_do_not_preempt_always_find_one() {
    let mut model = Model::new(&[192, 128, 64], 1);
    model.preempt = false;
    let network = explore("192/128/64 nopreempt", &model);
    network.always_settles(settling(&model), |network, state| network.one_alone(state));
}

#[test]
fn routers_of_different_intervals_always_find_the_better_one() {
    for centis in [[1, 2], [2, 1]] {
        let mut model = Model::new(&[192, 128], 2);
        model.intervals = centis.map(|centis| Interval::from_centis(centis).expect("not zero")).to_vec();
        let network = explore(&format!("192/128 {centis:?} cs"), &model);
        network.always_settles(settling(&model), |network, state| network.best_alone(state));
    }
}

#[test]
#[should_panic(expected = "both MASTER")]
fn a_master_that_never_yields_is_found() {
    let mut model = Model::new(&[192, 128], 1);
    model.deaf = true;
    explore("192/128 deaf", &model);
}

#[test]
#[should_panic(expected = "after any fault")]
fn a_network_that_settles_too_late_is_found() {
    let model = Model::new(&[192, 128], 1);
    explore("192/128", &model).always_settles(INTERVAL * 3, |network, state| network.best_alone(state));
}

/// V9: of two MASTERs that have heard one advert of each other, one is MASTER, the better one. Whatever else
/// they have been through.
fn explore(name: &str, model: &Model) -> Network {
    let mut network = Explorer::new(model).explore();
    println!("{name}: {} states of the network, {:?} of each router", network.len(), network.routers());
    assert!(network.len() > 100, "{name}: nothing was explored");
    let pairs = network.check_that_one_advert_each_way_settles_two_masters();
    assert!(pairs > 0, "{name}: no two MASTERs ever met");
    network
}

/// 3A + Skew of the lowest priority + 20 ms.
fn settling(model: &Model) -> Duration {
    let lowest = model.priorities.iter().copied().min().map_or(0, Priority::get);
    let longest = model.intervals.iter().copied().max().unwrap_or_default().as_duration();
    longest * 3 + longest * (256 - u32::from(lowest)) / 256 + Duration::from_millis(20)
}
