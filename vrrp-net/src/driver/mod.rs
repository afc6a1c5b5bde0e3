//! The packet loop: poll, read, order, handle, carry out.

mod carry;
mod commit;
mod facts;
mod handle;
mod report;
mod setup;
mod slots;
mod status;
mod timer;
mod world;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use vrrp_core::{CheckOutcome, Input, Router, Time};

use crate::clock::{self, Stamps};
use crate::error::{Error, system};
use crate::kernel::{Kernel, KernelHandle, Order};
use crate::netlink::Monitor;
use crate::queue::{self, Bell};
use crate::socket::{Inboxes, Receiver};
use crate::sys;
use carry::Carrier;
use handle::{Command, Shared};
use setup::Plan;
use timer::Timer;
use world::World;

pub use handle::{Handle, Prepared};
pub use report::{NotTaken, Notice, Outside, Report};
pub use setup::Setup;
pub use status::{DriverStats, InstanceStatus, InterfaceStatus, Status, TrackerStatus};

/// Carries out on this host what a [`Router`] decides.
///
/// Everything happens inside of [`Driver::turn`]: it waits for whatever comes first, tells the router and carries out what
/// the router asks for. It makes no thread. Requests to the kernel that may have to wait are a [`Kernel`]'s, which lives
/// inside of the driver until [`Driver::take_kernel`] takes it out to where it keeps no packet waiting.
///
/// All sockets belong to the network namespace of the thread that makes the driver.
pub struct Driver {
    router: Router,
    carrier: Carrier,
    world: World,
    plan: Plan,
    poll: Poll,
    events: Events,
    timer: Timer,
    monitor: Monitor,
    receivers: Vec<Seat>,
    /// The seat to read first.
    first_seat: usize,
    inboxes: Inboxes,
    bell: Bell,
    commands: queue::Receiver<Command>,
    handle: Handle,
    kernel: KernelHandle,
    /// The kernel's work, while nobody has taken it out.
    inline: Option<Kernel>,
    /// Orders that the kernel thread had no room for.
    orders: Vec<Order>,
    /// The monitor has more to tell than was read.
    monitor_ready: bool,
    /// Somebody has rung who was not listened to yet.
    rang: bool,
    /// The poll had more to tell than it was asked for.
    crowded: bool,
    /// When the sockets were last read.
    read_at: Time,
    phase: Phase,
    stats: DriverStats,
}

/// A place for a receiving socket, whose number is its token.
#[derive(Debug, Default)]
struct Seat {
    receiver: Option<Receiver>,
    /// It may have something to read that the poll will not tell again.
    ready: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// The router has stopped; what it wished for is carried out, until then.
    Stopping(Time),
    Stopped,
}

/// What a turn of the loop leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // it goes on or it does not
pub enum Turn {
    /// Turn again.
    Running,
    /// The driver was told to stop, and everything is carried out: nothing more will happen.
    Stopped,
}

impl Driver {
    /// Opens everything. Nothing is sent and nothing is changed before the first turn.
    ///
    /// # Errors
    /// Without the right to open raw sockets (CAP_NET_RAW, CAP_NET_ADMIN) or without file descriptors left.
    pub fn new(setup: Setup) -> Result<Self, Error> {
        let mut plan = Plan::new(&setup);
        let Setup { config, filter_table, .. } = setup;
        let router = Router::new(config);
        let bell = Bell::new().map_err(|error| system("make an event descriptor")(error))?;
        let (sender, commands) = queue::ring_with(COMMANDS, bell.clone())
            .map_err(|error| system("make an event descriptor")(error))?;
        let handle =
            Handle { commands: sender, bell: bell.clone(), shared: std::sync::Arc::new(Shared::default()) };
        handle.remember(&plan);
        let mut carrier = Carrier::open()?;
        carrier.slots.renew(&router, &mut plan.kernel);
        let mut world = World::default();
        world.set_interfaces(&plan.kernel.interfaces);
        // Before anything is read of the kernel, so that no change falls between.
        let monitor = Monitor::open()?;
        let kernel_plan = std::sync::Arc::new(std::mem::take(&mut plan.kernel));
        let (inline, kernel) = Kernel::open(kernel_plan, &filter_table, bell.clone())?;
        let (poll, timer) = (Poll::new().map_err(|error| system("make a poll")(error))?, Timer::open()?);
        let mut driver = Self {
            router,
            carrier,
            world,
            plan,
            poll,
            events: Events::with_capacity(EVENTS),
            timer,
            monitor,
            receivers: Vec::new(),
            first_seat: 0,
            inboxes: Inboxes::new(),
            bell,
            commands,
            handle,
            kernel,
            inline: Some(inline),
            orders: Vec::new(),
            monitor_ready: true,
            rang: false,
            crowded: false,
            read_at: clock::now(),
            phase: Phase::Running,
            stats: DriverStats::default(),
        };
        driver.register(&driver.bell, BELL)?;
        driver.register(&driver.timer, TIMER)?;
        driver.register(&driver.monitor, MONITOR)?;
        driver.arm()?;
        Ok(driver)
    }

    /// For commands from other threads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The router, to look at.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Takes the kernel's work out, to be run elsewhere ([`Kernel::spawn`]): from now on no packet waits for it. None
    /// when it has been taken already.
    pub fn take_kernel(&mut self) -> Option<Kernel> {
        self.inline.take()
    }

    /// Waits for at most `max_wait` (without it: for as long as it takes) for something to happen, and does what follows
    /// from it. A bounded piece of work: what is left is done in the next turn, before any waiting.
    ///
    /// # Errors
    /// Only what makes going on pointless: a poll, timer or netlink socket that does not work any more.
    pub fn turn(&mut self, max_wait: Option<Duration>, outside: &mut dyn Outside) -> Result<Turn, Error> {
        if self.phase == Phase::Stopped {
            return Ok(Turn::Stopped);
        }
        self.stats.turns += 1;
        self.wait(max_wait)?;
        let now = clock::now();
        let mut commit = None;
        if std::mem::take(&mut self.rang) {
            self.hear_kernel(now, outside);
            commit = self.hear_commands(now, outside);
        }
        self.hear_monitor(now, outside)?;
        self.receive(now, outside);
        self.tell(now, Input::Tick, outside);
        self.flush(now, outside);
        if let Some((prepared, done)) = commit {
            self.commit(*prepared, outside);
            // Whoever asked may have given up waiting.
            let _ = done.send(());
        }
        self.announce(outside);
        self.turn_kernel()?;
        self.finish(now, outside);
        self.arm()?;
        Ok(match self.phase {
            Phase::Running | Phase::Stopping(_) => Turn::Running,
            Phase::Stopped => Turn::Stopped,
        })
    }

    /// Turns until the driver has stopped.
    ///
    /// # Errors
    /// As [`Driver::turn`].
    pub fn run(&mut self, outside: &mut dyn Outside) -> Result<(), Error> {
        while self.turn(None, outside)? == Turn::Running {}
        Ok(())
    }

    /// How everything is at present.
    pub fn status(&self) -> Status {
        let mut stats = self.stats;
        self.carrier.count(&mut stats);
        stats.facts_dropped = self.kernel.facts().dropped();
        stats.commands_dropped = self.commands.dropped();
        Status::take(clock::now(), &self.router, &self.carrier.slots, &self.world, stats)
    }

    /// When the next turn is due if nothing happens before; the driver wakes up by itself then.
    pub fn deadline(&self) -> Option<Time> {
        let now = clock::now();
        if self.has_leftovers() {
            return Some(now);
        }
        let router = self.router.deadline_within(HOLD);
        let kernel = self.inline.as_ref().map(Kernel::deadline);
        let stop = match self.phase {
            Phase::Stopping(until) => Some(until),
            Phase::Running | Phase::Stopped => None,
        };
        let order = (!self.orders.is_empty()).then(|| now + ORDER_AGAIN);
        let announcement = self.carrier.announcement_deadline(now);
        [router, announcement, kernel, stop, order].into_iter().flatten().min()
    }

    /// Sets the alarm for the next turn. What was left undone rings at once: whoever polls the driver from a loop of
    /// their own needs no other sign.
    fn arm(&mut self) -> Result<(), Error> {
        let deadline = self.deadline();
        self.timer.set(deadline)
    }

    fn wait(&mut self, max_wait: Option<Duration>) -> Result<(), Error> {
        let timeout = if self.has_leftovers() { Some(Duration::ZERO) } else { max_wait };
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(system("wait for packets")(error)),
        }
        self.crowded = self.events.iter().count() == EVENTS;
        for event in &self.events {
            match event.token() {
                BELL => self.rang |= self.bell.hear(),
                TIMER => self.timer.rang(),
                MONITOR => self.monitor_ready = true,
                Token(number) => {
                    if let Some(seat) = self.receivers.get_mut(number - SEATS) {
                        seat.ready = true;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether something was left undone because a turn is bounded.
    fn has_leftovers(&self) -> bool {
        self.crowded || self.rang || self.monitor_ready || self.receivers.iter().any(|seat| seat.ready)
    }

    /// Reads every socket that has something, a bounded number of times, and tells the router in the order of arrival.
    fn receive(&mut self, now: Time, outside: &mut dyn Outside) {
        for _ in 0..ROUNDS {
            if !self.receivers.iter().any(|seat| seat.ready) {
                break;
            }
            self.inboxes.clear();
            let stamps = Stamps::taken(self.read_at, now);
            // Each time from another one on: a flood of one must not keep the others from being read.
            let seats = self.receivers.len().max(1);
            self.first_seat = (self.first_seat + 1) % seats;
            let (before, from) = self.receivers.split_at_mut(self.first_seat);
            for seat in from.iter_mut().chain(before).filter(|seat| seat.ready) {
                let Some(receiver) = &mut seat.receiver else {
                    seat.ready = false;
                    continue;
                };
                if self.inboxes.is_full() {
                    break;
                }
                let read = self.inboxes.read(receiver, &stamps);
                seat.ready = read.more;
                self.stats.datagrams_dropped += u64::from(read.dropped);
            }
            if self.inboxes.is_empty() {
                break;
            }
            self.inboxes.sort();
            self.stats.datagrams += self.inboxes.len() as u64;
            for number in 0..self.inboxes.len() {
                let Some(packet) = self.inboxes.packet(number) else { continue };
                let actions = self.router.handle(now, Input::Packet(packet));
                self.carrier.carry(actions, &self.world, outside);
            }
        }
        self.read_at = now;
    }

    fn tell(&mut self, now: Time, input: Input<'_>, outside: &mut dyn Outside) {
        let actions = self.router.handle(now, input);
        self.carrier.carry(actions, &self.world, outside);
    }

    /// Sends what is to be sent, tells the router what could not be, and has wishes carried out.
    fn flush(&mut self, now: Time, outside: &mut dyn Outside) {
        // The router never answers a failure with an advert at once, so the second round is the last.
        for _ in 0..2 {
            self.carrier.send(outside);
            while let Some(instance) = self.carrier.failed.pop() {
                self.tell(now, Input::TransmitFailed { instance }, outside);
            }
            while let Some(tracker) = self.carrier.not_run.pop() {
                let outcome = CheckOutcome::NotRun;
                self.tell(now, Input::CheckEnded { tracker, outcome }, outside);
            }
        }
        if self.carrier.publish() {
            self.kernel.ring();
        }
    }

    fn announce(&mut self, outside: &mut dyn Outside) {
        self.carrier.announce(clock::now(), &self.world, outside);
    }

    fn turn_kernel(&mut self) -> Result<(), Error> {
        for order in std::mem::take(&mut self.orders) {
            self.orders.extend(self.kernel.order(order)?);
        }
        if let Some(kernel) = &mut self.inline {
            kernel.turn(Duration::ZERO);
        }
        Ok(())
    }

    /// Stops once everything is carried out, or has had its time.
    fn finish(&mut self, now: Time, outside: &mut dyn Outside) {
        let Phase::Stopping(until) = self.phase else { return };
        let settled = self.orders.is_empty() && self.carrier.slots.are_settled();
        if !settled && now < until {
            return;
        }
        if !settled {
            let text = "the kernel did not remove every address in time".to_string();
            outside.report(Report::Trouble { name: None, text });
        }
        self.kernel.stop();
        self.phase = Phase::Stopped;
    }

    fn register(&self, source: &impl AsFd, token: Token) -> Result<(), Error> {
        let fd = source.as_fd().as_raw_fd();
        let result = self.poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE);
        result.map_err(|error| system("watch a descriptor")(error))
    }
}

/// Its epoll: readable whenever a turn has something to do. To be used by those who own their loop.
impl AsFd for Driver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        sys::poll_fd(&self.poll)
    }
}

const BELL: Token = Token(0);
const TIMER: Token = Token(1);
const MONITOR: Token = Token(2);
/// The token of the first receiving socket.
const SEATS: usize = 16;
/// How long the kernel has for the last removals.
const STOP: Duration = Duration::from_secs(5);
/// When an order that the kernel thread had no room for is given again.
const ORDER_AGAIN: Duration = Duration::from_millis(1);
/// What one poll tells at most.
const EVENTS: usize = 256;
/// Commands that were not looked at yet.
const COMMANDS: usize = 4096;
/// Batches of one turn, of 64 datagrams each.
const ROUNDS: usize = 8;
/// How long a wake-up for an advert is held, so that one serves several instances.
const HOLD: Duration = Duration::from_micros(500);
