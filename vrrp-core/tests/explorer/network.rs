//! What holds for the states that were found.

use std::collections::BTreeSet;
use std::time::Duration;

use vrrp_core as core;

use super::automaton::{Automaton, Heard};
use super::{DOWN, STEP, State, Wire};

/// All states of a network, and where each leads in calm.
pub(crate) struct Network {
    wire: Wire,
    automata: Vec<Automaton>,
    states: Vec<State>,
    calm: Vec<Vec<u32>>,
}

impl Network {
    pub(super) fn new(wire: Wire, automata: Vec<Automaton>, states: Vec<State>, calm: Vec<Vec<u32>>) -> Self {
        Self { wire, automata, states, calm }
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// How many states each router has.
    pub(crate) fn routers(&self) -> Vec<usize> {
        self.automata.iter().map(Automaton::len).collect()
    }

    /// Exactly one MASTER, if anybody runs.
    pub(crate) fn one_alone(&self, state: &State) -> bool {
        let masters = self.running(state).filter(|at| self.is_master(state, *at)).count();
        masters == usize::from(self.running(state).next().is_some())
    }

    /// Exactly one MASTER, and it is the first of those that run: models name the best first.
    pub(crate) fn best_alone(&self, state: &State) -> bool {
        self.one_alone(state) && self.running(state).next().is_none_or(|best| self.is_master(state, best))
    }

    /// As [`Self::one_alone`], or a second one took over just now, and its first advert is under way to the other.
    pub(crate) fn one_alone_or_yielding(&self, state: &State) -> bool {
        let masters: Vec<usize> = self.running(state).filter(|at| self.is_master(state, *at)).collect();
        let [one, other] = masters[..] else { return self.one_alone(state) };
        let (better, worse) = match self.automata[one].beats(&self.automata[other]) {
            true => (one, other),
            false => (other, one),
        };
        let mut flights = self.wire.flights(state.adverts);
        flights.any(|flight| flight.from == better && flight.to == worse && !flight.farewell)
    }

    /// From whatever state, over whatever path without loss and faults: after this span it is good, and stays so.
    pub(crate) fn always_settles(&self, within: Duration, good: impl Fn(&Self, &State) -> bool) {
        let steps = within.as_nanos().div_ceil(STEP.as_nanos());
        let mut possible = vec![true; self.states.len()];
        let mut settled = None;
        for step in 0..=steps {
            let bad = |at: &usize| possible[*at] && !good(self, &self.states[*at]);
            let worst = (0..self.states.len()).find(bad);
            match worst {
                None => settled = settled.or(Some(step)),
                Some(_) => settled = None,
            }
            if step == steps {
                assert!(
                    worst.is_none(),
                    "{within:?} after any fault: {:?}",
                    worst.map(|at| self.describe(&self.states[at]))
                );
            }
            let mut next = vec![false; self.states.len()];
            for (at, calm) in self.calm.iter().enumerate().filter(|(at, _)| possible[*at]) {
                assert!(!calm.is_empty(), "time stands still in {}", self.describe(&self.states[at]));
                calm.iter().for_each(|to| next[*to as usize] = true);
            }
            possible = next;
        }
        println!(
            "  settled after {:?} of {within:?}",
            STEP * u32::try_from(settled.unwrap_or(steps)).expect("small")
        );
    }

    /// Wherever two routers are MASTER, each hears one advert of the other: the better one alone remains.
    /// Tells how many such pairs of states there are.
    pub(crate) fn check_that_one_advert_each_way_settles_two_masters(&mut self) -> usize {
        let mut pairs = BTreeSet::new();
        for state in &self.states {
            let masters: Vec<usize> = self.running(state).filter(|at| self.is_master(state, *at)).collect();
            for (one, other) in masters.iter().flat_map(|one| masters.iter().map(move |other| (*one, *other)))
            {
                if one < other {
                    pairs.insert([(one, state.routers[one]), (other, state.routers[other])]);
                }
            }
        }
        for &[(one, before), (other, rival)] in &pairs {
            let (one_after, _) = self.automata[one].step(before, &[Heard::new(other, false)]);
            let (other_after, _) = self.automata[other].step(rival, &[Heard::new(one, false)]);
            let after = (self.automata[one].state(one_after), self.automata[other].state(other_after));
            let expected = match self.automata[one].beats(&self.automata[other]) {
                true => (core::State::Master, core::State::Backup),
                false => (core::State::Backup, core::State::Master),
            };
            assert_eq!(after, expected, "routers {one} and {other}, both MASTER in {before} and {rival}");
        }
        pairs.len()
    }

    fn running(&self, state: &State) -> impl Iterator<Item = usize> {
        let routers = state.routers;
        (0..self.automata.len()).filter(move |at| routers[*at] != DOWN)
    }

    fn is_master(&self, state: &State, at: usize) -> bool {
        self.automata[at].state(state.routers[at]) == core::State::Master
    }

    fn describe(&self, state: &State) -> String {
        let name = |at: usize| match state.routers[at] {
            DOWN => "down".to_owned(),
            number => self.automata[at].state(number).to_string(),
        };
        let routers: Vec<String> = (0..self.automata.len()).map(name).collect();
        format!("{} with {state:?}", routers.join(" "))
    }
}
