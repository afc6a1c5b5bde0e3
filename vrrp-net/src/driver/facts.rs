//! What the kernel, its thread and other threads tell, on its way to the router.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use vrrp_core::{Family, Input, Time};

use super::handle::{Command, Prepared};
use super::report::{Outside, Report};
use super::world::{Consequence, Virtual};
use super::{Driver, Phase, STOP};
use crate::error::Error;
use crate::kernel::{Fact, Snapshot};
use crate::netlink::{Address, Event, Progress};

/// A configuration to be put in force, and whom to tell when it is.
pub(super) type Commit = (Box<Prepared>, SyncSender<()>);

impl Driver {
    /// Takes what the kernel thread found, and what became of wishes.
    pub(super) fn hear_kernel(&mut self, now: Time, outside: &mut dyn Outside) {
        while let Some(fact) = self.kernel.facts().take() {
            match fact {
                Fact::Snapshot(snapshot) => self.hear_snapshot(now, *snapshot, outside),
                Fact::Trouble { instance, text } => {
                    outside.report(Report::Trouble { name: instance, text });
                }
            }
        }
        for number in 0..self.carrier.slots.len() {
            self.hear_report(number, now, outside);
        }
    }

    fn hear_report(&mut self, number: usize, now: Time, outside: &mut dyn Outside) {
        let Some(slot) = self.carrier.slots.at_mut(number) else { return };
        let report = slot.holding.report();
        if report == slot.heard {
            return;
        }
        slot.heard = report;
        let wish = slot.holding.wish();
        // Of a wish that was replaced meanwhile, nothing is to be said.
        if !wish.wanted || slot.wish.is_some() || !report.answers(wish) {
            return;
        }
        slot.lost = false;
        let (instance, complete) = (slot.id, report.complete);
        outside.report(Report::Held { instance, name: Arc::clone(&slot.name), complete });
        self.tell(now, Input::Held { instance, complete }, outside);
    }

    fn hear_snapshot(&mut self, now: Time, mut snapshot: Snapshot, outside: &mut dyn Outside) {
        for receiver in std::mem::take(&mut snapshot.receivers) {
            if let Err(error) = self.seat(receiver) {
                outside.report(Report::Trouble { name: None, text: error.to_string() });
            }
        }
        if self.world.take(&snapshot) == Consequence::LookAgain {
            self.kernel.ask_snapshot();
        }
        self.tell_interfaces(now, outside);
    }

    /// Reads what the monitor has to tell, a bounded part of it.
    pub(super) fn hear_monitor(&mut self, now: Time, outside: &mut dyn Outside) -> Result<(), Error> {
        if !self.monitor_ready {
            return Ok(());
        }
        let mut look_again = false;
        let mut overrun = false;
        let mut lost = false;
        let (world, plan, slots) = (&mut self.world, &self.plan, &mut self.carrier.slots);
        let progress = self.monitor.read(EVENTS, |event| match event {
            Event::AddressAdded(address) => {
                let id = world.id_of(address.index);
                if id.is_some_and(|id| plan.is_virtual(address.address, id) != Virtual::Yes) {
                    world.address_added(&address, now);
                }
            }
            Event::AddressRemoved(address) => {
                world.address_removed(&address, now);
                lost |= is_loss(&address, world, plan, slots);
            }
            Event::LinkChanged(link) => {
                look_again |= world.link_changed(&link, now) == Consequence::LookAgain;
            }
            Event::LinkGone(link) => {
                look_again |= world.link_gone(&link, now) == Consequence::LookAgain;
            }
            Event::Overrun => overrun = true,
        })?;
        self.monitor_ready = progress == Progress::More;
        if overrun {
            self.stats.overruns += 1;
            outside.report(Report::Overrun);
        }
        if look_again || overrun {
            self.kernel.ask_snapshot();
        } else if lost {
            self.kernel.ring();
        }
        if lost {
            self.tell_losses(now, outside);
        }
        self.tell_interfaces(now, outside);
        Ok(())
    }

    /// Addresses of a MASTER have gone, and are on their way back.
    fn tell_losses(&mut self, now: Time, outside: &mut dyn Outside) {
        for number in 0..self.carrier.slots.len() {
            let Some(slot) = self.carrier.slots.at_mut(number) else { return };
            if !std::mem::take(&mut slot.lost) {
                continue;
            }
            let (instance, complete) = (slot.id, false);
            outside.report(Report::Held { instance, name: Arc::clone(&slot.name), complete });
            self.tell(now, Input::Held { instance, complete }, outside);
        }
    }

    /// Tells the router what it does not know yet of the interfaces.
    pub(super) fn tell_interfaces(&mut self, now: Time, outside: &mut dyn Outside) {
        for number in 0..self.world.interfaces().len() {
            let plan = &self.plan;
            let news = self.world.news(number, |address, interface| plan.is_virtual(address, interface));
            let Some((interface, before, told)) = news else { continue };
            if let Some(known) = self.world.interface(interface) {
                let (name, exists) = (Arc::clone(&known.name), known.index().is_some());
                let (up, v4, v6) = (told.up, told.v4, told.v6);
                outside.report(Report::Interface { interface, name, exists, up, v4, v6 });
            }
            let up_changes = before.map(|before| before.up) != Some(told.up);
            // What comes up has its addresses first, so that it is ready at once; what goes down says that first, so that
            // it is not missed for its addresses.
            if up_changes && !told.up {
                self.tell(now, Input::Interface { interface, up: false }, outside);
            }
            for (family, address, known) in [
                (Family::V4, told.v4, before.map(|before| before.v4)),
                (Family::V6, told.v6, before.map(|before| before.v6)),
            ] {
                if known != Some(address) {
                    self.tell(now, Input::Source { interface, family, address }, outside);
                }
            }
            if up_changes && told.up {
                self.tell(now, Input::Interface { interface, up: true }, outside);
            }
        }
    }

    /// Takes commands; the last configuration to be put in force is given back, for the end of the turn.
    pub(super) fn hear_commands(&mut self, now: Time, outside: &mut dyn Outside) -> Option<Commit> {
        let mut commit: Option<Commit> = None;
        while let Some(command) = self.commands.take() {
            match command {
                Command::CheckEnded(tracker, outcome) => {
                    self.tell(now, Input::CheckEnded { tracker, outcome }, outside);
                }
                Command::Tracker(tracker, up) => self.tell(now, Input::Tracker { tracker, up }, outside),
                // Whoever asked may have given up waiting.
                Command::Status(answer) => drop(answer.try_send(self.status())),
                Command::Commit(prepared, done) => {
                    commit = Some((prepared, done));
                    // The next one has its own turn: each brings sockets that must not be lost.
                    self.rang = true;
                    break;
                }
            }
        }
        if self.phase == Phase::Running && self.handle.shared.shutdown.load(Ordering::Acquire) {
            self.phase = Phase::Stopping(now + STOP);
            self.tell(now, Input::Shutdown, outside);
        }
        commit
    }
}

/// Whether an address that went is one that a MASTER holds; if so, the kernel thread is to look after it.
fn is_loss(
    address: &Address,
    world: &super::World,
    plan: &super::Plan,
    slots: &mut super::slots::Slots,
) -> bool {
    let Some(interface) = world.id_of(address.index) else { return false };
    let mut lost = false;
    for (_, at, place) in plan.places(address.address) {
        let same_prefix = place.prefix == address.prefix || address.address.is_ipv6();
        let Some(slot) = slots.by_position(place.instance).filter(|_| *at == interface && same_prefix) else {
            continue;
        };
        if slot.holding.wish().wanted && slot.wish.is_none() {
            // One that is not known to be held may have been added and lost just now.
            slot.holding.count_loss();
            slot.lost |= slot.holding.holds(place.vip);
            lost = true;
        }
    }
    lost
}

/// Datagrams of the monitor in one turn.
const EVENTS: usize = 64;
