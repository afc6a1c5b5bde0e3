//! Changes of which all or none take effect: a batch of nfnetlink.
//!
//! The kernel wants the whole batch in one send, carries out one message after the other on a copy, and makes the copy
//! the truth at the end if it has refused nothing.

use super::decode;
use super::error::Error;
use super::frame::{self, Message};
use super::request::{Request, flags, kind, socket_failed};

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it does, as in `ip6: add the set vips`.
    pub(crate) what: String,
    /// The message type, its upper octet the subsystem.
    pub(crate) kind: u16,
    /// `NLM_F_CREATE` and the like.
    pub(crate) flags: u16,
    /// What follows the message's header.
    pub(crate) payload: Vec<u8>,
}

impl Request {
    /// Carries out all steps, or none when one is refused; `frame` is the payload of the messages before and after them.
    /// No steps are no change.
    ///
    /// # Errors
    /// [`Error::Refused`] with the first step that the kernel did not want, then nothing has changed. After any other
    /// error the outcome is unknown.
    pub(crate) fn transact(
        &mut self,
        whole: &dyn Fn() -> String,
        steps: &[Step],
        frame: &[u8],
    ) -> Result<(), Error> {
        let Some(last) = steps.len().checked_sub(1) else { return Ok(()) };
        let mut messages = Vec::new();
        let first = self.push(&mut messages, kind::BATCH_BEGIN, 0, frame);
        for (number, step) in steps.iter().enumerate() {
            // A refusal is always told; the answer to the last step says that all have been looked at.
            let acknowledge = if number == last { flags::ACK } else { 0 };
            self.push(&mut messages, step.kind, step.flags | acknowledge, &step.payload);
        }
        self.push(&mut messages, kind::BATCH_END, 0, frame);
        self.socket
            .set_send_buffer(messages.len() + SEND_OVERHEAD)
            .and_then(|()| self.socket.send(&messages))
            .map_err(socket_failed(whole))?;

        let mut refusal = None;
        let mut ended = false;
        while !ended {
            self.read(whole, |message| {
                // The batch as a whole is number 0, step n is number n + 1.
                let number = message.sequence.wrapping_sub(first) as usize;
                if message.kind != kind::ERROR || number > steps.len() || ended {
                    return Ok(());
                }
                let verdict =
                    decode::verdict(message.payload, message.flags).ok_or("a verdict without a number")?;
                // What is wrong with the batch as a whole is told first and is the end of it.
                ended = number == 0 || number == steps.len();
                if let Some(errno) = verdict.errno
                    && refusal.is_none()
                {
                    let step = number.checked_sub(1).and_then(|number| steps.get(number));
                    let request = match step {
                        Some(step) => format!("{} ({})", whole(), step.what),
                        None => whole(),
                    };
                    refusal = Some(Error::Refused { request, errno, explanation: verdict.explanation });
                }
                Ok(())
            })?;
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Appends a message and tells its number.
    fn push(&mut self, messages: &mut Vec<u8>, kind: u16, flags: u16, payload: &[u8]) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let flags = flags::REQUEST | flags;
        frame::push(messages, Message { kind, flags, sequence: self.sequence, payload });
        self.sequence
    }
}

/// The kernel keeps 32 octets of the send buffer for itself, and doubles what it is told.
const SEND_OVERHEAD: usize = 4096;
