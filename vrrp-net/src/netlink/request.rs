//! Asking the kernel and reading its answers.

use std::io;
use std::time::Duration;

use neli::consts::socket::NlFamily;

use super::decode;
use super::error::Error;
use super::frame::{self, Message, Messages};
use super::socket::{Mode, Received, Socket};

/// A blocking socket for requests, in the network namespace of the thread that opened it.
///
/// One request at a time; after an error the next one works again.
pub struct Request {
    pub(super) socket: Socket,
    pub(super) sequence: u32,
}

/// A message of an answer.
pub(crate) struct Answer {
    pub(crate) kind: u16,
    pub(crate) payload: Vec<u8>,
}

impl Request {
    /// Opens the socket.
    ///
    /// # Errors
    /// [`Error::Open`], for instance without file descriptors left.
    pub fn open() -> Result<Self, Error> {
        Self::open_family(NlFamily::Route)
    }

    /// Opens a socket to another part of the kernel.
    pub(crate) fn open_family(family: NlFamily) -> Result<Self, Error> {
        let socket =
            Socket::open(family, &[], Mode::Blocking(PATIENCE), RECEIVE_BUFFER).map_err(Error::Open)?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Asks for something to be done; the kernel acknowledges.
    pub(super) fn change(
        &mut self,
        asked: &dyn Fn() -> String,
        kind: u16,
        flags: u16,
        payload: &[u8],
    ) -> Result<(), Error> {
        let mut outcome = Ok(());
        self.change_many(asked, kind, flags, &[payload.to_vec()], |_, errno, explanation| {
            if let Some(errno) = errno {
                outcome = Err(Error::Refused { request: asked(), errno, explanation });
            }
        })?;
        outcome
    }

    /// Asks for several things in one send; `answer(which, errno, explanation)` comes once for each.
    ///
    /// # Errors
    /// When the socket fails; what has not been answered by then may or may not have happened.
    pub(super) fn change_many(
        &mut self,
        asked: &dyn Fn() -> String,
        kind: u16,
        flags: u16,
        payloads: &[Vec<u8>],
        mut answer: impl FnMut(usize, Option<i32>, Option<String>),
    ) -> Result<(), Error> {
        let first = self.sequence.wrapping_add(1);
        let mut messages = Vec::new();
        for payload in payloads {
            self.sequence = self.sequence.wrapping_add(1);
            let flags = flags::REQUEST | flags::ACK | flags;
            frame::push(&mut messages, Message { kind, flags, sequence: self.sequence, payload });
        }
        let mut open = vec![true; payloads.len()];
        let mut left = payloads.len();
        self.socket.send(&messages).map_err(socket_failed(asked))?;
        while left > 0 {
            self.read(asked, |message| {
                let which = message.sequence.wrapping_sub(first) as usize;
                let Some(waiting) = open.get_mut(which).filter(|waiting| **waiting) else { return Ok(()) };
                if message.kind != kind::ERROR {
                    return Ok(());
                }
                let verdict =
                    decode::verdict(message.payload, message.flags).ok_or("a verdict without a number")?;
                *waiting = false;
                left -= 1;
                answer(which, verdict.errno, verdict.explanation);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Asks for one thing; the answer is what comes before the acknowledgement.
    pub(crate) fn ask(
        &mut self,
        asked: &dyn Fn() -> String,
        kind: u16,
        payload: &[u8],
    ) -> Result<Vec<Answer>, Error> {
        self.question(asked, kind, flags::ACK, payload).map(|(answers, _)| answers)
    }

    /// Reads a whole table, again if it changed meanwhile.
    pub(crate) fn dump(
        &mut self,
        asked: &dyn Fn() -> String,
        kind: u16,
        payload: &[u8],
    ) -> Result<Vec<Answer>, Error> {
        for _ in 0..DUMP_TRIES {
            let (answers, interrupted) = self.question(asked, kind, flags::DUMP, payload)?;
            if !interrupted {
                return Ok(answers);
            }
        }
        Err(Error::Unsettled { request: asked() })
    }

    fn question(
        &mut self,
        asked: &dyn Fn() -> String,
        kind: u16,
        flags: u16,
        payload: &[u8],
    ) -> Result<(Vec<Answer>, bool), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let mut message = Vec::new();
        frame::push(&mut message, Message { kind, flags: flags::REQUEST | flags, sequence, payload });
        self.socket.send(&message).map_err(socket_failed(asked))?;

        let mut answers = Vec::new();
        let mut interrupted = false;
        let mut end = None;
        while end.is_none() {
            self.read(asked, |message| {
                if message.sequence != sequence || end.is_some() {
                    return Ok(());
                }
                interrupted |= message.flags & flags::DUMP_INTERRUPTED != 0;
                match message.kind {
                    kind::ERROR | kind::DONE => {
                        end = Some(
                            decode::verdict(message.payload, message.flags)
                                .ok_or("a verdict without a number")?,
                        );
                    }
                    kind => answers.push(Answer { kind, payload: message.payload.to_vec() }),
                }
                Ok(())
            })?;
        }
        match end {
            Some(decode::Verdict { errno: Some(errno), explanation }) => {
                Err(Error::Refused { request: asked(), errno, explanation })
            }
            Some(_) | None => Ok((answers, interrupted)),
        }
    }

    /// Reads one datagram and hands its messages over.
    pub(super) fn read(
        &mut self,
        asked: &dyn Fn() -> String,
        mut each: impl FnMut(Message<'_>) -> Result<(), &'static str>,
    ) -> Result<(), Error> {
        let datagram = match self.socket.receive().map_err(socket_failed(asked))? {
            Received::Datagram(datagram) => datagram,
            Received::Foreign => return Ok(()),
            Received::Truncated => return Err(Error::Unreadable { request: asked(), reason: "cut off" }),
        };
        for message in Messages::new(datagram) {
            message
                .map_err(|_| "a length that cannot be")
                .and_then(&mut each)
                .map_err(|reason| Error::Unreadable { request: asked(), reason })?;
        }
        Ok(())
    }
}

/// Turns the encoder's complaint into an error.
pub(crate) fn unsendable(asked: &dyn Fn() -> String) -> impl FnOnce(String) -> Error {
    move |reason| Error::Unsendable { request: asked(), reason }
}

/// Message types of `<linux/netlink.h>` and `<linux/rtnetlink.h>`.
pub(super) mod kind {
    pub(in super::super) const ERROR: u16 = libc::NLMSG_ERROR as u16;
    pub(in super::super) const DONE: u16 = libc::NLMSG_DONE as u16;
    pub(in super::super) const NEWLINK: u16 = libc::RTM_NEWLINK;
    pub(in super::super) const DELLINK: u16 = libc::RTM_DELLINK;
    pub(in super::super) const GETLINK: u16 = libc::RTM_GETLINK;
    pub(in super::super) const SETLINK: u16 = libc::RTM_SETLINK;
    pub(in super::super) const NEWADDR: u16 = libc::RTM_NEWADDR;
    pub(in super::super) const DELADDR: u16 = libc::RTM_DELADDR;
    pub(in super::super) const GETADDR: u16 = libc::RTM_GETADDR;
    pub(in super::super) const NEWROUTE: u16 = libc::RTM_NEWROUTE;
    pub(in super::super) const DELROUTE: u16 = libc::RTM_DELROUTE;
    /// `<linux/netfilter/nfnetlink.h>`.
    pub(in super::super) const BATCH_BEGIN: u16 = 0x10;
    pub(in super::super) const BATCH_END: u16 = 0x11;
}

/// Message flags of `<linux/netlink.h>`.
pub(super) mod flags {
    pub(in super::super) const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
    pub(in super::super) const ACK: u16 = libc::NLM_F_ACK as u16;
    pub(in super::super) const DUMP: u16 = libc::NLM_F_DUMP as u16;
    pub(in super::super) const DUMP_INTERRUPTED: u16 = 0x10;
    pub(in super::super) const REPLACE: u16 = libc::NLM_F_REPLACE as u16;
    pub(in super::super) const EXCL: u16 = libc::NLM_F_EXCL as u16;
    pub(in super::super) const CREATE: u16 = libc::NLM_F_CREATE as u16;
}

/// The kernel answers inside `send`; only a lost answer is ever waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Room for the answers to the largest chunk that we send, refusals with their words included.
const RECEIVE_BUFFER: usize = 1 << 20;
const DUMP_TRIES: usize = 8;

pub(super) fn socket_failed(asked: &dyn Fn() -> String) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Socket { request: asked(), source }
}
