//! Looks for all states of a small network.

mod automaton;
mod network;

use std::collections::HashMap;
use std::time::Duration;

use automaton::{Automaton, Heard};
use vrrp_core::{Interval, Priority};

pub(crate) use network::Network;

/// How long a step takes: a quarter of the shortest interval there is.
pub(crate) const STEP: Duration = Duration::from_micros(2500);
/// More states than this are a mistake in the model.
const LIMIT: usize = 4_000_000;
/// Stands for a router that does not run.
const DOWN: u16 = u16::MAX;

/// What is explored.
pub(crate) struct Model {
    pub(crate) priorities: Vec<Priority>,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) preempt: bool,
    pub(crate) preempt_delay: Duration,
    /// A planted bug: a MASTER hears nothing.
    pub(crate) deaf: bool,
    /// After how many steps an advert arrives at the latest.
    pub(crate) slowest: usize,
}

impl Model {
    pub(crate) fn new(priorities: &[u8], slowest: usize) -> Self {
        let priorities: Vec<Priority> =
            priorities.iter().map(|number| Priority::new(*number).expect("not zero")).collect();
        let intervals = vec![Interval::from_centis(1).expect("the shortest there is"); priorities.len()];
        Self { priorities, intervals, preempt: true, preempt_delay: Duration::ZERO, deaf: false, slowest }
    }
}

/// A network at one moment: the state of each router by number, and the adverts under way, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) routers: [u16; 3],
    adverts: u64,
}

/// An advert under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    from: usize,
    to: usize,
    farewell: bool,
    /// How many steps it has been under way; from 0 to `slowest - 1`.
    age: usize,
}

/// What becomes of an advert in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    ArrivesAndAgain,
    Lost,
    Waits,
}

/// Finds every state once.
pub(crate) struct Explorer {
    wire: Wire,
    automata: Vec<Automaton>,
    numbers: HashMap<State, u32>,
    states: Vec<State>,
    /// Where each state may lead when nothing is lost and nobody fails.
    calm: Vec<Vec<u32>>,
}

impl Explorer {
    pub(crate) fn new(model: &Model) -> Self {
        let wire = Wire { nodes: model.priorities.len(), slowest: model.slowest };
        let automata = (0..model.priorities.len()).map(|at| Automaton::new(model, at)).collect();
        Self { wire, automata, numbers: HashMap::new(), states: Vec::new(), calm: Vec::new() }
    }

    /// Begins with no router at all and goes wherever faults and time can lead.
    pub(crate) fn explore(mut self) -> Network {
        self.number(State { routers: [DOWN; 3], adverts: 0 });
        while let Some(&state) = self.states.get(self.calm.len()) {
            self.faults(state);
            let calm = self.steps(state, true);
            self.steps(state, false);
            self.calm.push(calm);
            assert!(self.states.len() < LIMIT, "more states than anybody expects");
        }
        Network::new(self.wire, self.automata, self.states, self.calm)
    }

    fn number(&mut self, state: State) -> u32 {
        let Self { numbers, states, .. } = self;
        *numbers.entry(state).or_insert_with(|| {
            states.push(state);
            u32::try_from(states.len() - 1).expect("fewer than LIMIT")
        })
    }

    /// A router dies, is stopped, or starts.
    fn faults(&mut self, state: State) {
        for at in 0..self.automata.len() {
            if state.routers[at] == DOWN {
                let mut booted = state;
                let sends = self.automata[at].boots();
                booted.routers[at] = 0;
                self.send(&mut booted, at, sends);
                self.number(booted);
                continue;
            }
            let mut dead = state;
            dead.routers[at] = DOWN;
            self.number(dead);
            let mut stopped = dead;
            let sends = self.automata[at].stops(state.routers[at]);
            self.send(&mut stopped, at, sends);
            self.number(stopped);
        }
    }

    /// All that one step can bring.
    fn steps(&mut self, state: State, calm: bool) -> Vec<u32> {
        let flights: Vec<Flight> = self.wire.flights(state.adverts).collect();
        let mut fates: Vec<Vec<Fate>> = vec![Vec::new()];
        for flight in &flights {
            let mut possible = vec![Fate::Arrives];
            if flight.age + 1 < self.wire.slowest {
                possible.extend([Fate::Waits, Fate::ArrivesAndAgain]);
            }
            if !calm {
                possible.push(Fate::Lost);
            }
            let with = |so_far: &Vec<Fate>, fate: Fate| so_far.iter().copied().chain([fate]).collect();
            fates = fates
                .iter()
                .flat_map(|so_far| possible.iter().map(move |fate| with(so_far, *fate)))
                .collect();
        }
        let mut next = Vec::new();
        for fates in fates {
            next.extend(self.step(state, &flights, &fates));
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    /// One step with the fate of each advert known; what arrives at one router arrives in any order.
    fn step(&mut self, state: State, flights: &[Flight], fates: &[Fate]) -> Vec<u32> {
        let mut results = vec![State { routers: state.routers, adverts: 0 }];
        for (flight, fate) in flights.iter().zip(fates) {
            if matches!(fate, Fate::Waits | Fate::ArrivesAndAgain) {
                results[0].adverts |= self.wire.bit(Flight { age: flight.age + 1, ..*flight });
            }
        }
        for at in (0..self.automata.len()).filter(|at| state.routers[*at] != DOWN) {
            let arrives = |(flight, fate): &(&Flight, &Fate)| {
                flight.to == at && matches!(fate, Fate::Arrives | Fate::ArrivesAndAgain)
            };
            let heard = flights.iter().zip(fates).filter(arrives);
            let heard: Vec<Heard> =
                heard.map(|(flight, _)| Heard::new(flight.from, flight.farewell)).collect();
            let mut ways = Vec::new();
            for order in orders(&heard) {
                let way = self.automata[at].step(state.routers[at], &order);
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
            let mut more = Vec::new();
            for result in results {
                for (router, sends) in &ways {
                    let mut result = result;
                    result.routers[at] = *router;
                    self.send(&mut result, at, *sends);
                    more.push(result);
                }
            }
            results = more;
        }
        results.into_iter().map(|state| self.number(state)).collect()
    }

    /// Puts what a router sends on its way to every other one that runs or may run when it arrives.
    fn send(&self, state: &mut State, from: usize, sends: automaton::Sends) {
        for to in (0..self.automata.len()).filter(|to| *to != from) {
            for farewell in [false, true] {
                if sends.has(farewell) {
                    state.adverts |= self.wire.bit(Flight { from, to, farewell, age: 0 });
                }
            }
        }
    }
}

/// How adverts under way are written in the bits of a number.
#[derive(Clone, Copy)]
struct Wire {
    nodes: usize,
    slowest: usize,
}

impl Wire {
    fn bit(self, flight: Flight) -> u64 {
        let link = (flight.from * self.nodes + flight.to) * 2 + usize::from(flight.farewell);
        1 << (link * self.slowest + flight.age)
    }

    fn flights(self, adverts: u64) -> impl Iterator<Item = Flight> {
        let links = (0..self.nodes).flat_map(move |from| (0..self.nodes).map(move |to| (from, to)));
        let all = links.filter(|(from, to)| from != to).flat_map(move |(from, to)| {
            let ages = (0..self.slowest).flat_map(|age| [(false, age), (true, age)]);
            ages.map(move |(farewell, age)| Flight { from, to, farewell, age })
        });
        all.filter(move |flight| adverts & self.bit(*flight) != 0)
    }
}

/// All orders of a list.
fn orders(heard: &[Heard]) -> Vec<Vec<Heard>> {
    if heard.len() < 2 {
        return vec![heard.to_vec()];
    }
    let mut all = Vec::new();
    for first in 0..heard.len() {
        let mut rest = heard.to_vec();
        let first = rest.remove(first);
        all.extend(orders(&rest).into_iter().map(|order| [vec![first], order].concat()));
    }
    all
}
