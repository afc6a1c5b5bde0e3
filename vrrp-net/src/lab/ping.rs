//! Whether an address answers, by the millisecond.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use socket2::{Domain, Protocol, Socket, Type};

use super::error::{Error, system};
use super::moment::Moment;
use super::network::next;
use super::record::{Precedence, Record};

/// A running series of ICMP echo requests, one a millisecond, from a thread of real-time priority where that is allowed.
pub struct Pinger {
    record: Record<Note>,
}

impl Pinger {
    /// Starts in the network namespace of this thread.
    pub(super) fn open(target: IpAddr) -> Result<Self, Error> {
        let source = Source::open(target).map_err(system(format!("ping {target}")))?;
        let record = Record::start("lab ping", Precedence::Realtime, source, |source, notes| {
            source.ask(notes)?;
            source.listen(notes)
        })?;
        Ok(Self { record })
    }

    /// Waits until a request that was sent at `from` or later is answered, and tells when that one was sent.
    ///
    /// # Errors
    /// [`Error::Late`] if none is by `within`.
    pub fn wait_for_answer(&self, from: Moment, within: Duration) -> Result<Moment, Error> {
        let mut sent = Vec::new();
        self.record.wait_for(within, "an answer to a ping", |note| match *note {
            Note::Sent { number, at } => {
                if at >= from {
                    sent.push((number, at));
                }
                None
            }
            Note::Answered { number, .. } => {
                sent.iter().find(|(asked, _)| *asked == number).map(|(_, at)| *at)
            }
        })
    }

    /// What is known so far.
    pub fn report(&self) -> Report {
        Report::from_notes(&self.record.all())
    }

    /// Ends the series.
    pub fn finish(self) -> Report {
        Report::from_notes(&self.record.finish())
    }
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// When it was sent.
    pub sent: Moment,
    /// When the kernel received the answer.
    pub answered: Option<Moment>,
}

/// All requests of a series, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The requests.
    pub probes: Vec<Probe>,
    /// When the series ended or was looked at.
    pub end: Moment,
}

/// A time in which nothing was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first unanswered request was sent.
    pub from: Moment,
    /// When the next answered one was sent; none if there was none any more.
    pub to: Option<Moment>,
    /// How many requests were not answered.
    pub lost: usize,
}

impl Outage {
    /// How long it lasted, to `end` if it was not over.
    pub fn duration(&self, end: Moment) -> Duration {
        self.to.unwrap_or(end).since(self.from)
    }
}

impl Report {
    /// The times in which requests were not answered within `patience`. The last requests, sent less than `patience`
    /// before the end, count only if they were answered.
    pub fn outages(&self, patience: Duration) -> Vec<Outage> {
        let mut outages: Vec<Outage> = Vec::new();
        let mut out = false;
        for probe in &self.probes {
            match probe.answered {
                Some(answered) if answered.since(probe.sent) <= patience => {
                    if let Some(outage) = outages.last_mut().filter(|_| out) {
                        outage.to = Some(probe.sent);
                    }
                    out = false;
                }
                Some(_) | None if probe.sent + patience > self.end => {}
                Some(_) | None => {
                    if !out {
                        outages.push(Outage { from: probe.sent, to: None, lost: 0 });
                    }
                    out = true;
                    if let Some(outage) = outages.last_mut() {
                        outage.lost += 1;
                    }
                }
            }
        }
        outages
    }

    /// The longest time between two requests: no outage is known more exactly. One millisecond unless the machine
    /// held us up.
    pub fn resolution(&self) -> Duration {
        self.probes.windows(2).map(|pair| pair[1].sent.since(pair[0].sent)).max().unwrap_or_default()
    }

    fn from_notes(notes: &[Note]) -> Self {
        let end = Moment::now();
        let mut probes: Vec<Probe> = Vec::new();
        for note in notes {
            match *note {
                // Numbers count from 0 without a gap.
                Note::Sent { at, .. } => probes.push(Probe { sent: at, answered: None }),
                Note::Answered { number, at } => {
                    let probe = usize::try_from(number).ok().and_then(|number| probes.get_mut(number));
                    if let Some(probe) = probe {
                        probe.answered.get_or_insert(at);
                    }
                }
            }
        }
        Self { probes, end }
    }
}

const EVERY: Duration = Duration::from_millis(1);

#[derive(Clone, Copy)]
enum Note {
    Sent { number: u64, at: Moment },
    Answered { number: u64, at: Moment },
}

struct Source {
    /// Readable when one of the two below is.
    either: Epoll,
    timer: TimerFd,
    socket: Socket,
    target: IpAddr,
    id: u16,
    number: u64,
    buffer: Vec<u8>,
}

impl Source {
    fn open(target: IpAddr) -> io::Result<Self> {
        let (domain, protocol) = match target {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        let every = TimeSpec::from_duration(EVERY);
        timer
            .set(Expiration::IntervalDelayed(TimeSpec::nanoseconds(1), every), TimerSetTimeFlags::empty())?;
        let either = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        either.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        either.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
        let id = next() as u16; // any that the other pingers of this process do not have
        Ok(Self { either, timer, socket, target, id, number: 0, buffer: vec![0; 2048] })
    }

    /// Sends one request if it is time. One that cannot be sent is one that is not answered.
    fn ask(&mut self, notes: &mut Vec<Note>) -> io::Result<()> {
        match self.timer.wait() {
            Ok(()) => {}
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let number = self.number;
        self.number += 1;
        let echo = IcmpEchoHeader { id: self.id, seq: number as u16 };
        let body = number.to_be_bytes();
        let header: Vec<u8> = match self.target {
            IpAddr::V4(_) => Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(echo), &body)
                .to_bytes()
                .as_slice()
                .to_vec(),
            // The kernel fills the checksum in, which covers the source address.
            IpAddr::V6(_) => Icmpv6Header::new(Icmpv6Type::EchoRequest(echo)).to_bytes().as_slice().to_vec(),
        };
        let at = Moment::now();
        let _ = self
            .socket
            .send_to(&[header.as_slice(), &body].concat(), &SocketAddr::new(self.target, 0).into());
        notes.push(Note::Sent { number, at });
        Ok(())
    }

    fn listen(&mut self, notes: &mut Vec<Note>) -> io::Result<()> {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.buffer)];
            let mut control = nix::cmsg_space!(libc::timespec);
            let fd = self.socket.as_raw_fd();
            let (length, source, at) =
                match recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut control), MsgFlags::empty()) {
                    Ok(message) => {
                        let stamp = message.cmsgs()?.find_map(|control| match control {
                            ControlMessageOwned::ScmTimestampns(stamp) => Some(Moment::from(stamp)),
                            _ => None,
                        });
                        (message.bytes, message.address.and_then(ip), stamp.unwrap_or_else(Moment::now))
                    }
                    Err(Errno::EAGAIN) => return Ok(()),
                    // What others say about our requests (unreachable, refused) is told once through the socket.
                    Err(Errno::EINTR | Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::ECONNREFUSED) => {
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
            let packet = self.buffer.get(..length).unwrap_or_default();
            if source == Some(self.target)
                && let Some(number) = self.answer(packet)
            {
                notes.push(Note::Answered { number, at });
            }
        }
    }

    /// The number of our request that a packet answers.
    fn answer(&self, packet: &[u8]) -> Option<u64> {
        let (packet, reply) = match self.target {
            IpAddr::V4(_) => (packet.get(usize::from(packet.first()? & 0xf) * 4..)?, ECHO_REPLY_V4),
            IpAddr::V6(_) => (packet, ECHO_REPLY_V6),
        };
        let id = u16::from_be_bytes(packet.get(4..6)?.try_into().ok()?);
        let number = u64::from_be_bytes(packet.get(8..16)?.try_into().ok()?);
        (*packet.first()? == reply && id == self.id).then_some(number)
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.either.0.as_fd()
    }
}

const ECHO_REPLY_V4: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;

fn ip(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(answered: &[bool]) -> Report {
        let sent = |i: usize| Moment(1_000_000 * (i as u64 + 1));
        let probe =
            |(i, answered): (usize, &bool)| Probe { sent: sent(i), answered: answered.then(|| sent(i)) };
        Report { probes: answered.iter().enumerate().map(probe).collect(), end: sent(answered.len()) }
    }

    #[test]
    fn an_outage_goes_from_the_first_lost_to_the_next_answered_request() {
        let outages = report(&[true, false, false, true, true, false, true]).outages(Duration::ZERO);
        assert_eq!(
            outages,
            [
                Outage { from: Moment(2_000_000), to: Some(Moment(4_000_000)), lost: 2 },
                Outage { from: Moment(6_000_000), to: Some(Moment(7_000_000)), lost: 1 },
            ]
        );
    }

    #[test]
    fn an_outage_that_does_not_end_has_no_end() {
        let report = report(&[true, false, false]);
        let outages = report.outages(Duration::ZERO);
        assert_eq!(outages, [Outage { from: Moment(2_000_000), to: None, lost: 2 }]);
        assert_eq!(outages[0].duration(report.end), Duration::from_millis(2));
    }

    #[test]
    fn requests_that_may_still_be_answered_are_not_lost() {
        assert_eq!(report(&[true, true, false]).outages(Duration::from_millis(2)), []);
    }
}
