//! Telling the neighbours where an address is: gratuitous ARP and unsolicited neighbour adverts.

mod frame;
mod job;

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use vrrp_core::{InstanceId, InterfaceId, Time};

use crate::error::{Error, system};
use crate::kernel::holding::Holding;
use crate::socket::link_address;
use crate::sys::mmsg::{self, BATCH, Outgoing};
use frame::Frame;
pub(crate) use job::{Job, NAMED};

/// What a frame on an interface needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) index: u32,
    pub(crate) mac: [u8; 6],
    /// Whether the host forwards IPv6 from it.
    pub(crate) router: bool,
}

/// Sends announcements, each only after the kernel holds its address, and no faster than their interface allows.
///
/// Bounded: an instance has one job, and a newer one takes the place of what is left of the older.
pub(crate) struct Announcer {
    socket: Socket,
    jobs: Vec<Job>,
    /// For each interface and kind of announcement that is paced: when the next one may go.
    paces: Vec<Pace>,
    /// A batch on its way.
    frames: Vec<Waiting>,
    /// When what the socket did not take is tried again.
    again_at: Option<Time>,
    pub(crate) sent: u64,
    pub(crate) refused: u64,
}

/// A frame on its way.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    instance: InstanceId,
    frame: Frame,
    /// The kernel index of the interface that it leaves by.
    index: u32,
    /// What is to be told once it has left.
    named: Option<(InterfaceId, IpAddr)>,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    interface: InterfaceId,
    ipv6: bool,
    next: Time,
}

impl Announcer {
    pub(crate) fn open() -> Result<Self, Error> {
        // Protocol 0: a packet socket that never receives.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), None)
            .map_err(|error| system("open a socket for announcements")(error))?;
        Ok(Self {
            socket,
            jobs: Vec::new(),
            paces: Vec::new(),
            frames: Vec::with_capacity(BATCH),
            again_at: None,
            sent: 0,
            refused: 0,
        })
    }

    /// Takes a job in the place of the instance's older one.
    pub(crate) fn begin(&mut self, job: Job) {
        self.cancel(job.instance());
        self.jobs.push(job);
    }

    /// Forgets what is still to be sent for an instance.
    pub(crate) fn cancel(&mut self, instance: InstanceId) {
        self.jobs.retain(|job| job.instance() != instance);
        self.frames.retain(|waiting| waiting.instance != instance);
    }

    /// When there is something to send, if what the kernel holds stays as it is; the epoch when at once.
    pub(crate) fn deadline<'h>(
        &self,
        now: Time,
        holding: impl Fn(InstanceId) -> Option<&'h Holding>,
    ) -> Option<Time> {
        let earliest = self.jobs.iter().filter_map(|job| {
            let (interface, ipv6) = job.next(holding(job.instance())?)?;
            Some(self.pace(interface, ipv6))
        });
        let waiting = (!self.frames.is_empty()).then_some(now);
        let earliest = earliest.chain(waiting).min()?;
        Some(earliest.max(self.again_at.unwrap_or(earliest)))
    }

    /// Sends at most one batch of what may go now, and tells of the first announcements of each job that the kernel took.
    pub(crate) fn run<'h>(
        &mut self,
        now: Time,
        holding: impl Fn(InstanceId) -> Option<&'h Holding>,
        port: impl Fn(InterfaceId) -> Option<Port>,
        tell: impl FnMut(InstanceId, InterfaceId, IpAddr),
    ) {
        if self.again_at.is_some_and(|at| at > now) {
            return;
        }
        self.again_at = None;
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in &mut jobs {
            let Some(holding) = holding(job.instance()) else {
                job.end();
                continue;
            };
            while let Some((interface, ipv6)) = job.next(holding) {
                if self.frames.len() == BATCH || self.pace(interface, ipv6) > now {
                    break;
                }
                let Some((vip, named)) = job.take(holding) else { break };
                // Not an Ethernet interface, or gone: there is nobody to tell.
                let Some(port) = port(interface) else { continue };
                let frame = Frame::announce(vip.address, &port);
                let named = named.then_some((interface, vip.address));
                self.frames.push(Waiting { instance: job.instance(), frame, index: port.index, named });
                self.keep_pace(interface, ipv6, now, job.gap(ipv6));
            }
        }
        jobs.retain(|job| !job.is_over());
        // A job that had no room goes first the next time.
        if self.frames.len() == BATCH && jobs.len() > 1 {
            jobs.rotate_left(1);
        }
        self.jobs = jobs;
        self.flush(now, tell);
    }

    fn flush(&mut self, now: Time, mut tell: impl FnMut(InstanceId, InterfaceId, IpAddr)) {
        let mut done = 0;
        while done < self.frames.len() {
            let mut outgoing = [Outgoing::default(); BATCH];
            let mut names = [link_address(0, 0, [0; 6]); BATCH];
            let rest = self.frames.get(done..).unwrap_or_default();
            for (waiting, name) in rest.iter().zip(&mut names) {
                let frame = &waiting.frame;
                *name = link_address(waiting.index, frame.ether_type(), frame.destination());
            }
            for ((waiting, name), outgoing) in rest.iter().zip(&names).zip(&mut outgoing) {
                *outgoing = Outgoing { name: name.octets(), control: &[], octets: waiting.frame.octets() };
            }
            match mmsg::send(self.socket.as_fd(), outgoing.get(..rest.len()).unwrap_or(&outgoing)) {
                Ok(sent) => {
                    for waiting in rest.iter().take(sent) {
                        if let Some((interface, address)) = waiting.named {
                            tell(waiting.instance, interface, address);
                        }
                    }
                    self.sent += sent as u64;
                    done += sent.max(1);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) => {
                    self.again_at = Some(now + FULL_QUEUE);
                    break;
                }
                Err(_) => {
                    self.refused += 1;
                    done += 1;
                }
            }
        }
        self.frames.drain(..done.min(self.frames.len()));
    }

    fn pace(&self, interface: InterfaceId, ipv6: bool) -> Time {
        let pace = self.paces.iter().find(|pace| (pace.interface, pace.ipv6) == (interface, ipv6));
        pace.map_or(Time::ZERO, |pace| pace.next)
    }

    fn keep_pace(&mut self, interface: InterfaceId, ipv6: bool, now: Time, gap: Duration) {
        if gap.is_zero() {
            return;
        }
        let next = now + gap;
        match self.paces.iter_mut().find(|pace| (pace.interface, pace.ipv6) == (interface, ipv6)) {
            Some(pace) => pace.next = next,
            None => self.paces.push(Pace { interface, ipv6, next }),
        }
    }
}

/// The device's queue has no room at present.
fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS))
}

/// How long a full device queue is left alone.
const FULL_QUEUE: Duration = Duration::from_millis(1);
