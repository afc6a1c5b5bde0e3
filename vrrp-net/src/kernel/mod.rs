//! The `kernel` thread: everything that may have to wait for the kernel's network lock.
//!
//! It keeps the addresses of every instance as the instance wants them, and returns facts. It decides nothing: what is
//! wanted is a value ([`holding::Holding`]), and so is what the kernel holds.

mod audit;
mod carry;
pub(crate) mod holding;
mod listen;
mod silence;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vrrp_core::{Family, InterfaceId, Time};

use crate::clock;
use crate::error::{Error, system};
use crate::netlink::{Address, Link, Request};
use crate::nftables::Nftables;
use crate::queue::{self, Bell, Refused};
use crate::socket::{Receiver, ReceiverPlan};
use carry::Work;
use holding::Holding;

/// From one look at the whole kernel state to the next.
const AUDIT: Duration = Duration::from_secs(5);

/// What is to be kept, as a configuration says it.
#[derive(Debug, Default)]
pub(crate) struct KernelPlan {
    /// Handle and name of every interface.
    pub(crate) interfaces: Vec<(InterfaceId, Arc<str>)>,
    pub(crate) receivers: Vec<ReceiverPlan>,
    /// Of all instances.
    pub(crate) holdings: Vec<Arc<Holding>>,
    /// Of instances that just went, or whose addresses are others now. Nothing of them is wanted any more, whatever they
    /// wish for: the plan says so and not their slots, so that what goes and what comes instead are seen at once.
    pub(crate) retired: Vec<Arc<Holding>>,
}

/// What the packet thread tells the kernel thread.
#[derive(Debug)]
pub(crate) enum Order {
    /// Close a socket: leaving a group waits for the kernel's network lock.
    Close(Receiver),
    /// Keep this from now on.
    Keep {
        plan: Arc<KernelPlan>,
        /// Sockets that somebody has opened already: interface, family, kernel index.
        opened: Vec<(InterfaceId, Family, u32)>,
    },
}

/// What the kernel thread tells the packet thread, beside the slots of the instances.
#[derive(Debug)]
pub(crate) enum Fact {
    /// How the interfaces are.
    Snapshot(Box<Snapshot>),
    /// Something that a person should know.
    Trouble {
        /// Whose addresses it concerns.
        instance: Option<Arc<str>>,
        /// What is wrong, in words.
        text: String,
    },
}

/// The interfaces that the plan names, as the kernel had them.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// When the kernel was asked: what a monitor told later is newer.
    pub(crate) asked_at: Time,
    /// The interfaces that exist.
    pub(crate) links: Vec<(InterfaceId, Link, Forwarding)>,
    /// Their addresses, in the kernel's order.
    pub(crate) addresses: Vec<Address>,
    /// Sockets that were opened since the last snapshot.
    pub(crate) receivers: Vec<Receiver>,
}

/// Whether an interface forwards IPv6, which makes its neighbour adverts a router's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarding(pub(crate) bool);

/// What both threads look at without waiting.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Packet thread: how often it asked for a snapshot.
    snapshots_asked: AtomicU64,
    /// Packet thread: nothing more will be wished.
    stop: AtomicBool,
}

/// The packet thread's end.
#[derive(Debug)]
pub(crate) struct KernelHandle {
    shared: Arc<Shared>,
    bell: Bell,
    orders: queue::Sender<Order>,
    facts: queue::Receiver<Fact>,
}

impl KernelHandle {
    /// Has the kernel thread look at what it is to do.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Asks for a new snapshot, and for everything to be compared and repaired.
    pub(crate) fn ask_snapshot(&self) {
        self.shared.snapshots_asked.fetch_add(1, Ordering::AcqRel);
        self.bell.ring();
    }

    /// Gives an order, or gives it back to be tried later.
    ///
    /// # Errors
    /// When nobody will ever take it.
    pub(crate) fn order(&self, order: Order) -> Result<Option<Order>, Error> {
        match self.orders.send(order) {
            Ok(()) => Ok(None),
            Err(Refused::Full(order)) => Ok(Some(order)),
            Err(Refused::Gone(_)) => Err(Error::KernelGone),
        }
    }

    pub(crate) fn facts(&self) -> &queue::Receiver<Fact> {
        &self.facts
    }

    /// Ends the kernel thread when it has carried out every wish.
    pub(crate) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.bell.ring();
    }
}

impl Drop for KernelHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The kernel thread's work: addresses kept as the instances want them.
///
/// [`Kernel::spawn`] gives it a thread of its own, so that no packet ever waits for it. Whoever has no threads leaves it
/// inside of the [`crate::Driver`], or turns it in a loop of their own.
pub struct Kernel {
    request: Request,
    filter: Nftables,
    shared: Arc<Shared>,
    bell: Bell,
    orders: queue::Receiver<Order>,
    facts: queue::Sender<Fact>,
    /// The packet thread's bell.
    driver: Bell,
    plan: Arc<KernelPlan>,
    works: Vec<Work>,
    links: Vec<(InterfaceId, Link)>,
    /// Interface, family and kernel index of every receiving socket.
    listening: Vec<(InterfaceId, Family, u32)>,
    /// Sockets that were opened and not handed over yet.
    opened: Vec<Receiver>,
    snapshots_given: u64,
    /// Until when a question for a snapshot has to wait, because the last answer failed.
    no_answer_before: Time,
    next_audit: Time,
    /// What was complained about since the last audit, and between the one before and that.
    complaints: [Vec<String>; 2],
}

impl Kernel {
    /// Opens netlink sockets in the network namespace of this thread. `driver` is rung when there is something to look at.
    pub(crate) fn open(
        plan: Arc<KernelPlan>,
        filter_table: &str,
        driver: Bell,
    ) -> Result<(Self, KernelHandle), Error> {
        let shared = Arc::new(Shared::default());
        shared.snapshots_asked.store(1, Ordering::Release);
        let bell = Bell::new().map_err(|error| system("make an event descriptor")(error))?;
        let rings = || "make an event descriptor";
        let (orders, taken) =
            queue::ring_with(ORDERS, bell.clone()).map_err(|error| system(rings())(error))?;
        let (facts, heard) =
            queue::ring_with(FACTS, driver.clone()).map_err(|error| system(rings())(error))?;
        let works = plan.holdings.iter().cloned().map(Work::new).collect();
        let kernel = Self {
            request: Request::open()?,
            filter: Nftables::open(filter_table)?,
            shared: Arc::clone(&shared),
            bell: bell.clone(),
            orders: taken,
            facts,
            driver,
            plan,
            works,
            links: Vec::new(),
            listening: Vec::new(),
            opened: Vec::new(),
            snapshots_given: 0,
            no_answer_before: Time::ZERO,
            next_audit: Time::ZERO,
            complaints: [Vec::new(), Vec::new()],
        };
        Ok((kernel, KernelHandle { shared, bell, orders, facts: heard }))
    }

    /// Does what there is to do, after waiting for it for at most `max_wait`. Says whether there is more to come: not
    /// after the driver has stopped and everything it wished for is done.
    pub fn turn(&mut self, max_wait: Duration) -> bool {
        self.wait(max_wait);
        self.bell.hear();
        self.take_orders();
        self.work_off();
        if clock::now() >= self.audit_at() {
            self.audit();
            self.work_off();
        }
        !self.is_finished()
    }

    /// Works until the driver has stopped and everything it wished for is done.
    pub fn run(mut self) {
        while self.turn(AUDIT) {}
    }

    /// Works in a thread of its own, in the network namespace of this one.
    ///
    /// # Errors
    /// Without resources for a thread.
    pub fn spawn(self) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("kernel".to_string()).spawn(move || self.run())
    }

    /// When there is something to do, if nothing happens before.
    pub fn deadline(&self) -> Time {
        match self.works.iter().any(Work::has_news) {
            true => Time::ZERO,
            false => self.works.iter().filter_map(Work::retry_at).fold(self.audit_at(), Time::min),
        }
    }

    /// When to look at the whole: on schedule, or as soon as somebody asks.
    fn audit_at(&self) -> Time {
        match self.snapshots_asked() == self.snapshots_given {
            true => self.next_audit,
            false => self.next_audit.min(self.no_answer_before),
        }
    }

    fn snapshots_asked(&self) -> u64 {
        self.shared.snapshots_asked.load(Ordering::Acquire)
    }

    fn wait(&self, max_wait: Duration) {
        let now = clock::now();
        let wait = self.deadline().saturating_since(now).min(max_wait);
        // Rounded up: to wake a moment early would only mean to wait again.
        let milliseconds = wait.as_millis().saturating_add(1).min(60_000);
        let timeout = match wait.is_zero() {
            true => PollTimeout::ZERO,
            false => PollTimeout::from(u16::try_from(milliseconds).unwrap_or(60_000)),
        };
        let mut fds = [PollFd::new(self.bell.as_fd(), PollFlags::POLLIN)];
        // Interrupted is as good as awake: what there is to do is looked up, not told.
        let _ = poll(&mut fds, timeout);
    }

    fn is_finished(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire) && !self.works.iter().any(Work::has_news)
    }

    fn take_orders(&mut self) {
        while let Some(order) = self.orders.take() {
            match order {
                Order::Close(receiver) => drop(receiver),
                Order::Keep { plan, opened } => {
                    for (interface, family, index) in opened {
                        self.listening.retain(|known| (known.0, known.1) != (interface, family));
                        self.listening.push((interface, family, index));
                    }
                    self.install(plan);
                }
            }
        }
    }

    fn install(&mut self, plan: Arc<KernelPlan>) {
        let before = std::mem::take(&mut self.works);
        let mut changed = false;
        let stay = plan.holdings.iter().map(|holding| (holding, false));
        for (holding, retired) in stay.chain(plan.retired.iter().map(|holding| (holding, true))) {
            let same = before.iter().find(|work| Arc::ptr_eq(work.holding(), holding));
            changed |= same.is_none();
            let mut work = match same {
                Some(work) => work.clone(),
                None => Work::inherit(Arc::clone(holding), &before),
            };
            work.retired = retired;
            self.works.push(work);
        }
        self.listening.retain(|(interface, family, _)| {
            plan.receivers.iter().any(|plan| (plan.interface, plan.family) == (*interface, *family))
        });
        changed |= plan.interfaces != self.plan.interfaces || plan.receivers != self.plan.receivers;
        self.plan = plan;
        if changed {
            // What a new instance finds in the kernel is to be put in order before it is relied on.
            self.next_audit = Time::ZERO;
        }
    }

    fn index_of(&self, interface: InterfaceId) -> Option<u32> {
        self.links.iter().find(|(id, _)| *id == interface).map(|(_, link)| link.index)
    }

    /// The name of an interface in the configuration.
    fn name_of(&self, interface: InterfaceId) -> &str {
        self.plan.interfaces.iter().find(|(id, _)| *id == interface).map_or("?", |(_, name)| name)
    }

    /// Says something that a person should know: once, however long it stays so.
    fn complain(&mut self, instance: Option<Arc<str>>, text: String) {
        let [now, before] = &mut self.complaints;
        if now.contains(&text) {
            return;
        }
        now.push(text.clone());
        if !before.contains(&text) {
            // A full ring has worse news in it than this.
            let _ = self.facts.send(Fact::Trouble { instance, text });
        }
    }
}

/// Readable when there is something to do before the next audit.
impl AsFd for Kernel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Reconfigurations in a row that the kernel thread has not seen.
const ORDERS: usize = 16;
/// Facts that the packet thread has not seen.
const FACTS: usize = 64;
