//! Packets as they pass an interface, with the kernel's time stamps.

use std::fs::File;
use std::io::{self, BufWriter, IoSliceMut, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

use super::error::{Error, system};
use super::frame::Frame;
use super::moment::Moment;
use super::record::{Precedence, Record};
use crate::sys;

/// A running capture of all packets in and out of one interface.
pub struct Capture {
    record: Record<Frame>,
    lost: Arc<AtomicU32>,
}

impl Capture {
    /// Opens it in the network namespace of this thread.
    pub(super) fn open(index: u32) -> Result<Self, Error> {
        let socket = open(index).map_err(system(format!("capture packets on interface {index}")))?;
        let lost = Arc::new(AtomicU32::new(0));
        let of_thread = Arc::clone(&lost);
        let mut buffer = vec![0; 1 << 16];
        let record = Record::start("lab capture", Precedence::Ordinary, socket, move |socket, frames| {
            while let Some((frame, lost)) = read(socket, &mut buffer)? {
                frames.push(frame);
                if let Some(lost) = lost {
                    of_thread.store(lost, Ordering::Relaxed);
                }
            }
            Ok(())
        })?;
        Ok(Self { record, lost })
    }

    /// All packets so far. The last millisecond may still be missing; [`Capture::finish`] has all.
    pub fn frames(&self) -> Vec<Frame> {
        self.record.all()
    }

    /// The number of packets so far, to look back to with [`Capture::since`].
    pub fn mark(&self) -> usize {
        self.record.len()
    }

    /// The packets after a mark.
    pub fn since(&self, mark: usize) -> Vec<Frame> {
        self.record.since(mark)
    }

    /// Waits until `find` finds something among the packets, past ones first.
    ///
    /// # Errors
    /// [`Error::Late`] if it has not by `within`.
    pub fn wait_for<T>(
        &self,
        within: Duration,
        what: &str,
        find: impl FnMut(&Frame) -> Option<T>,
    ) -> Result<T, Error> {
        self.record.wait_for(within, what, find)
    }

    /// How many packets the kernel dropped because we read too slowly.
    pub fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Ends the capture and gives all packets.
    pub fn finish(self) -> Vec<Frame> {
        self.record.finish()
    }
}

/// Writes packets in tcpdump's format, with nanoseconds.
pub fn write_pcap(path: &Path, frames: &[Frame]) -> Result<(), Error> {
    write_frames(path, frames).map_err(system(format!("write {}", path.display())))
}

const ETH_P_ALL: u16 = libc::ETH_P_ALL as u16;
/// For a burst of some ten thousand packets; without root the kernel's `net.core.rmem_max` holds.
const RECEIVE_BUFFER: usize = 32 << 20;

fn open(index: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), None)?;
    if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
    }
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    setsockopt(&socket, sockopt::RxqOvfl, &1)?;
    // Bound last: without a protocol nothing is received.
    socket.bind(&sys::packet_address(index, ETH_P_ALL)?)?;
    Ok(socket)
}

fn read(socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<(Frame, Option<u32>)>> {
    let mut parts = [IoSliceMut::new(buffer)];
    let mut control = nix::cmsg_space!(libc::timespec, u32);
    let (length, outgoing, at, lost) = loop {
        let message = match recvmsg::<LinkAddr>(
            socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::empty(),
        ) {
            Ok(message) => message,
            Err(Errno::EINTR) => continue,
            // The interface was set down; it may come up again.
            Err(Errno::EAGAIN | Errno::ENETDOWN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (mut at, mut lost) = (Moment::now(), None);
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::ScmTimestampns(stamp) => at = stamp.into(),
                ControlMessageOwned::RxqOvfl(count) => lost = Some(count),
                _ => {}
            }
        }
        let outgoing = message.address.is_some_and(|address| address.pkttype() == libc::PACKET_OUTGOING);
        break (message.bytes, outgoing, at, lost);
    };
    let octets = buffer.get(..length).unwrap_or_default().to_vec();
    Ok(Some((Frame { at, outgoing, octets }, lost)))
}

fn write_frames(path: &Path, frames: &[Frame]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for word in [MAGIC_NANOSECONDS, VERSION_2_4, 0, 0, SNAP_LENGTH, ETHERNET] {
        file.write_all(&word.to_ne_bytes())?;
    }
    for frame in frames {
        let length = u32::try_from(frame.octets.len()).unwrap_or(u32::MAX);
        let seconds = u32::try_from(frame.at.0 / 1_000_000_000).unwrap_or(u32::MAX);
        let nanoseconds = (frame.at.0 % 1_000_000_000) as u32;
        for word in [seconds, nanoseconds, length, length] {
            file.write_all(&word.to_ne_bytes())?;
        }
        file.write_all(&frame.octets)?;
    }
    file.flush()
}

const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Major and minor number, two octets each in the machine's order.
const VERSION_2_4: u32 = if cfg!(target_endian = "little") { 4 << 16 | 2 } else { 2 << 16 | 4 };
const SNAP_LENGTH: u32 = 1 << 16;
const ETHERNET: u32 = 1;
