//! What a host does for its router.

use core::net::IpAddr;
use core::time::Duration;

use super::{Event, MILLISECOND, World};
use crate::input::CheckOutcome;
use crate::sim::effect::{Effect, Fact, Sent};
use crate::types::Family;

/// How long a check takes that hangs: longer than it may.
const HANGING: Duration = Duration::from_secs(8);

impl World<'_> {
    pub(super) fn carry_out(&mut self, node: usize, effect: Effect) {
        let incarnation = self.nodes[node].incarnation;
        match effect {
            Effect::Transmit(sent) => self.transmit(node, &sent),
            Effect::Remove { addresses, .. } => {
                addresses.iter().for_each(|address| {
                    self.nodes[node].kernel.remove(address);
                });
            }
            Effect::Add { instance, mut addresses } => {
                if self.nodes[node].add_fails {
                    addresses.pop();
                }
                if self.nodes[node].refuses {
                    let refused = self.scenario.nodes[node].refused(instance);
                    addresses.retain(|address| Some(*address) != refused);
                }
                self.nodes[node].kernel.extend(addresses);
                let at = self.now + self.rng.span(MILLISECOND / 20, MILLISECOND * 3);
                self.put(at, Event::Held { node, incarnation, instance });
            }
            Effect::RunCheck { tracker } => {
                self.nodes[node].checks.insert(tracker);
                let may_hang = self.now + HANGING * 2 < self.scenario.calm_at;
                let span = match may_hang && self.rng.percent(3) {
                    true => HANGING,
                    false => self.rng.span(MILLISECOND, MILLISECOND * 200),
                };
                self.put(self.now + span, Event::CheckEnds { node, incarnation, tracker });
            }
            Effect::StopCheck { tracker, .. } => {
                if self.nodes[node].checks.remove(&tracker) {
                    let outcome = CheckOutcome::Signaled(15);
                    self.tell(node, incarnation, Fact::CheckEnded { tracker, outcome });
                }
            }
            Effect::Become { .. }
            | Effect::Announce { .. }
            | Effect::Notify { .. }
            | Effect::Verdict { .. }
            | Effect::Event => {}
        }
    }

    fn transmit(&mut self, from: usize, sent: &Sent) {
        let incarnation = self.nodes[from].incarnation;
        if self.nodes[from].send_fails {
            return self.tell(from, incarnation, Fact::TransmitFailed { instance: sent.instance });
        }
        let segment = sent.segment();
        if !self.nodes[from].plugged[segment] {
            return;
        }
        let family = Family::of(&sent.source);
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            let address: IpAddr = self.scenario.nodes[to].source(segment, family);
            if !sent.destination.is_multicast() && sent.destination != address {
                continue;
            }
            let copies = self.network.copies(self.now, &mut self.rng, segment, from, to);
            for delay in copies.into_iter().flatten() {
                self.put(self.now + delay, Event::Arrival { node: to, packet: sent.clone() });
            }
        }
    }
}
