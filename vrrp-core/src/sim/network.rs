//! Segments, and which packet arrives where and when.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::fault::Noise;
use super::rng::Rng;
use crate::time::Time;

/// Segments that join all nodes; each direction of each link can be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    nodes: usize,
    cut: Vec<bool>,
    noise: Vec<Noise>,
    latency: (Duration, Duration),
    /// When the last packet that was held back arrives.
    late_until: Time,
}

impl Network {
    pub(super) fn new(segments: usize, nodes: usize, latency: (Duration, Duration)) -> Self {
        let cut = vec![false; segments * nodes * nodes];
        Self { nodes, cut, noise: vec![Noise::NONE; segments], latency, late_until: Time::ZERO }
    }

    /// Cuts or mends one direction.
    pub(super) fn set_cut(&mut self, segment: usize, from: usize, to: usize, cut: bool) {
        let at = self.at(segment, from, to);
        self.cut[at] = cut;
    }

    /// Cuts or mends all that a node has on a segment.
    pub(super) fn set_isolated(&mut self, segment: usize, node: usize, cut: bool) {
        for other in 0..self.nodes {
            self.set_cut(segment, node, other, cut);
            self.set_cut(segment, other, node, cut);
        }
    }

    /// Cuts all between the nodes whose bit is set and the others.
    pub(super) fn split(&mut self, segment: usize, side: u8) {
        let inside = |node: usize| side >> node & 1;
        for from in 0..self.nodes {
            for to in 0..self.nodes {
                if inside(from) != inside(to) {
                    self.set_cut(segment, from, to, true);
                }
            }
        }
    }

    /// Mends all of a segment.
    pub(super) fn join(&mut self, segment: usize) {
        let size = self.nodes * self.nodes;
        self.cut[segment * size..(segment + 1) * size].fill(false);
    }

    pub(super) fn set_noise(&mut self, segment: usize, noise: Noise) {
        self.noise[segment] = noise;
    }

    /// Whether any segment loses packets or holds them back, or one that was held back is still under way;
    /// duplicates alone do no harm.
    pub(super) fn is_noisy(&self, now: Time) -> bool {
        now <= self.late_until || self.noise.iter().any(|noise| noise.loss > 0 || !noise.delay.is_zero())
    }

    /// When the last packet that was held back arrives.
    pub(super) const fn late_until(&self) -> Time {
        self.late_until
    }

    /// Whether nothing is cut from one node to another.
    pub(super) fn joins(&self, segment: usize, from: usize, to: usize) -> bool {
        !self.cut[self.at(segment, from, to)]
    }

    /// After how long each copy of a packet arrives: none, one or two.
    pub(super) fn copies(
        &mut self,
        now: Time,
        rng: &mut Rng,
        segment: usize,
        from: usize,
        to: usize,
    ) -> [Option<Duration>; 2] {
        let noise = self.noise[segment];
        if !self.joins(segment, from, to) || rng.percent(noise.loss.into()) {
            return [None, None];
        }
        let (low, high) = self.latency;
        let mut delay = || Some(rng.span(low, high) + rng.span(Duration::ZERO, noise.delay));
        let first = delay();
        let second = delay().filter(|_| rng.percent(noise.duplicates.into()));
        if !noise.delay.is_zero() {
            self.late_until =
                first.into_iter().chain(second).map(|delay| now + delay).fold(self.late_until, Time::max);
        }
        [first, second]
    }

    fn at(&self, segment: usize, from: usize, to: usize) -> usize {
        (segment * self.nodes + from) * self.nodes + to
    }
}
