//! Receiving sockets in their seats, and a configuration put in force.

use std::sync::Arc;

use mio::Token;
use vrrp_core::Input;

use super::handle::is_same_socket;
use super::report::Outside;
use super::{Driver, Prepared, SEATS, Seat, Setup};
use crate::clock;
use crate::error::Error;
use crate::kernel::Order;
use crate::socket::Receiver;

impl Driver {
    /// [`crate::Handle::prepare`] for those who have no other thread.
    ///
    /// # Errors
    /// As there.
    pub fn prepare(&self, setup: Setup) -> Result<Prepared, Error> {
        self.handle.prepare(setup)
    }

    /// Puts a prepared configuration in force: what is unchanged keeps its state, and feels nothing.
    pub fn commit(&mut self, prepared: Prepared, outside: &mut dyn Outside) {
        let Prepared { config, mut plan, opened } = prepared;
        self.handle.remember(&plan);
        let now = clock::now();
        // Its actions are taken below, once there are slots for the new instances.
        drop(self.router.handle(now, Input::Reconfigure(config)));
        let known: Vec<_> =
            self.carrier.slots.iter_mut().map(|slot| (slot.id, Arc::clone(&slot.holding))).collect();
        self.carrier.slots.renew(&self.router, &mut plan.kernel);
        for (instance, holding) in known {
            let now = self.carrier.slots.get_mut(instance).map(|slot| &slot.holding);
            if now.is_some_and(|now| !Arc::ptr_eq(now, &holding)) {
                self.carrier.cancel_announcements(instance);
            }
        }
        // The last adverts of what went still need the interfaces that go with it.
        self.tell(now, Input::Tick, outside);
        self.flush(now, outside);
        self.world.set_interfaces(&plan.kernel.interfaces);

        let key = |receiver: &Receiver| (receiver.plan().interface, receiver.plan().family, receiver.index());
        let listening = opened.iter().map(key).collect();
        let mut close = Vec::new();
        for seat in &mut self.receivers {
            let Some(receiver) = &mut seat.receiver else { continue };
            let plans = &plan.kernel.receivers;
            let replaced = opened.iter().any(|opened| {
                (opened.plan().interface, opened.plan().family)
                    == (receiver.plan().interface, receiver.plan().family)
            });
            match plans.iter().find(|wanted| is_same_socket(receiver.plan(), wanted)) {
                Some(wanted) if !replaced => receiver.set_vrids(wanted.vrids),
                Some(_) | None => close.extend(seat.receiver.take()),
            }
        }
        for receiver in &close {
            self.unwatch(receiver);
        }
        for receiver in opened {
            // The poll has room for a descriptor: it was made large enough by the kernel for every one that can be open.
            if let Err(error) = self.seat(receiver) {
                outside.report(super::Report::Trouble { name: None, text: error.to_string() });
            }
        }
        let order = Arc::new(std::mem::take(&mut plan.kernel));
        self.plan = plan;
        self.orders.extend(close.into_iter().map(Order::Close));
        self.orders.push(Order::Keep { plan: order, opened: listening });
        // Which addresses are virtual may have changed, and with that by which one the host is known.
        self.tell_interfaces(now, outside);
        self.flush(now, outside);
    }

    /// Gives a receiving socket a seat: that of the one it replaces, or a free one.
    pub(super) fn seat(&mut self, receiver: Receiver) -> Result<(), Error> {
        let key = (receiver.plan().interface, receiver.plan().family);
        let same = |seat: &Seat| {
            seat.receiver.as_ref().is_some_and(|old| (old.plan().interface, old.plan().family) == key)
        };
        let at = self.receivers.iter().position(same);
        let at = at.or_else(|| self.receivers.iter().position(|seat| seat.receiver.is_none()));
        let at = at.unwrap_or_else(|| {
            self.receivers.push(Seat::default());
            self.receivers.len() - 1
        });
        if let Some(old) = self.receivers.get_mut(at).and_then(|seat| seat.receiver.take()) {
            self.unwatch(&old);
            self.orders.push(Order::Close(old));
        }
        self.register(&receiver, Token(SEATS + at))?;
        if let Some(seat) = self.receivers.get_mut(at) {
            // What came before the poll watched it has to be looked for.
            *seat = Seat { receiver: Some(receiver), ready: true };
        }
        Ok(())
    }

    fn unwatch(&self, receiver: &Receiver) {
        let fd = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(receiver));
        // It is closed after this, which does the same.
        let _ = self.poll.registry().deregister(&mut mio::unix::SourceFd(&fd));
    }
}
