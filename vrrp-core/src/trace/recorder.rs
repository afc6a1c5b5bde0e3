//! Keeping inputs and actions, but no secret.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::action::{Sent, Words};
use super::advert::Octets;
use super::input::InputLine;
use super::{ActionLine, Line};
use crate::action::Action;
use crate::config::{Config, RouterConfig};
use crate::input::Input;
use crate::time::Time;
use crate::types::Password;
use crate::wire::{Datagram, Expect, peek_version};

/// What stands for a password that no configuration has had.
const UNKNOWN: [u8; 8] = *b"unknown~";

/// Turns inputs and actions into lines that hold no secret.
///
/// Every password of a configuration is replaced by a stand-in (`secret0`, `secret1`, … in the order in which
/// they are met) wherever it turns up, and checksums that were right are made right again; a password in a
/// packet that is none of ours becomes `unknown~`. So a recording plays again exactly as it was, without the
/// secret: what matched still matches, and what did not still does not.
#[derive(Clone, Default)]
pub struct Recorder {
    /// The passwords of all configurations so far; each stands at the number of its stand-in.
    known: Vec<Password>,
}

impl Recorder {
    /// A recorder that has met no password yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The head of a transcript: what the router is made of.
    pub fn start(&mut self, config: &Config) -> Line {
        let mut config = config.to_router_config();
        self.conceal_config(&mut config);
        Line::Start(Box::new(config))
    }

    /// A fact that the router is told at `now`.
    pub fn input(&mut self, now: Time, input: &Input<'_>) -> Line {
        let mut line = InputLine::new(now, input);
        if let Some(config) = line.config_mut() {
            self.conceal_config(config);
        }
        if let Some(octets) = line.octets_mut() {
            self.conceal_packet(octets);
        }
        Line::Input(line)
    }

    /// What the router asked for at `now`.
    pub fn action(&mut self, now: Time, action: &Action<'_>) -> Line {
        let words = match action {
            Action::Transmit(transmit) => {
                let mut octets = Octets::sent(transmit);
                self.conceal_packet(&mut octets);
                Sent { transmit, octets: &octets }.to_string()
            }
            Action::Become(_)
            | Action::RemoveAddresses { .. }
            | Action::AddAddresses { .. }
            | Action::Announce(_)
            | Action::RunCheck { .. }
            | Action::StopCheck { .. }
            | Action::Notify(_)
            | Action::Event(_) => Words(action).to_string(),
        };
        Line::Action(ActionLine { now, words })
    }

    fn conceal_config(&mut self, config: &mut RouterConfig) {
        let passwords = config.instances.iter_mut().filter_map(|instance| instance.password.as_mut());
        for password in passwords {
            let known = self.known.iter().position(|known| known == password);
            let number = known.unwrap_or_else(|| {
                self.known.push(*password);
                self.known.len() - 1
            });
            *password = Password::new(&stand_in(number)).unwrap_or(*password);
        }
    }

    /// What stands for these octets if they are a password of ours.
    fn known(&self, octets: &[u8]) -> Option<[u8; 8]> {
        self.known.iter().position(|known| known.octets() == octets).map(stand_in)
    }

    fn conceal_packet(&self, octets: &mut Octets) {
        let Ok((header, payload)) = octets.datagram().split() else {
            // What makes a datagram malformed stands in the fixed part of its IPv4 header.
            return octets.all_mut().iter_mut().skip(20).for_each(|octet| *octet = 0);
        };
        let len = payload.len();
        let data = payload.last_chunk::<8>().copied();
        let complete = crate::wire::parse(&header, payload, &Expect { empty: true, ..Expect::ANY });
        let declared = payload.get(3).map(|count| 16 + 4 * usize::from(*count));
        match (peek_version(payload), complete) {
            (Some(3), Ok(_)) => {}
            (Some(3), Err(_)) => self.conceal_everywhere(octets.all_mut()),
            // A message of version 2 is as long as its count says, and ends with its password.
            (Some(2), _) if declared == Some(len) => {
                let stand_in = match data {
                    None | Some([0, 0, 0, 0, 0, 0, 0, 0]) => return,
                    Some(data) => self.known(&data).unwrap_or(UNKNOWN),
                };
                octets.replace_auth(stand_in);
            }
            // Nothing behind the fixed part of anything else is ever looked at.
            (Some(_) | None, _) => octets.blank(),
        }
    }

    fn conceal_everywhere(&self, octets: &mut [u8]) {
        let mut at = 0;
        while let Some(window) = octets.get_mut(at..at + 8) {
            if let Some(stand_in) = self.known(window) {
                window.copy_from_slice(&stand_in);
            }
            at += 1;
        }
    }
}

/// Counts only: the passwords are secrets.
impl core::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Recorder").field("passwords", &self.known.len()).finish()
    }
}

/// `secret0` to `secret9`, `secret10`, …, and past 8 octets the digits alone.
fn stand_in(number: usize) -> [u8; 8] {
    let text = match number {
        0..=99 => format!("secret{number}"),
        _ => format!("{number:08}"),
    };
    let mut octets = [0; 8];
    octets.iter_mut().zip(text.bytes()).for_each(|(place, octet)| *place = octet);
    octets
}

impl Octets {
    /// Exchanges the authentication data at the end of a message of version 2. A checksum that was right stays
    /// right, and one that was not stays wrong.
    fn replace_auth(&mut self, data: [u8; 8]) {
        let was_right = self.checksum_of_v2().is_some_and(|(found, right)| found == right);
        let Some(place) = self.payload_mut().last_chunk_mut::<8>() else { return };
        *place = data;
        let Some((found, right)) = self.checksum_of_v2() else { return };
        let checksum = match (was_right, found == right) {
            (true, _) => right,
            (false, true) => !right,
            (false, false) => found,
        };
        if let Some(place) = self.payload_mut().get_mut(6..8) {
            place.copy_from_slice(&checksum.to_be_bytes());
        }
    }

    /// The checksum of a message of version 2, and the one that it should have.
    fn checksum_of_v2(&self) -> Option<(u16, u16)> {
        let (header, payload) = self.datagram().split().ok()?;
        let found = u16::from_be_bytes(*payload.get(6..8)?.first_chunk()?);
        let right = crate::wire::message_checksum(&header, payload, crate::wire::ChecksumForm::MessageOnly)?;
        Some((found, right))
    }

    /// Zeroes everything behind the fixed part of the message.
    fn blank(&mut self) {
        self.payload_mut().iter_mut().skip(8).for_each(|octet| *octet = 0);
    }

    /// The VRRP message in a datagram that can be split.
    fn payload_mut(&mut self) -> &mut [u8] {
        let payload = match self.datagram() {
            Datagram::V4(octets) => {
                let header_len = octets.first().map_or(0, |first| usize::from(first & 15) * 4);
                let total = octets.get(2..4).and_then(|len| len.first_chunk()).copied().unwrap_or_default();
                header_len..usize::from(u16::from_be_bytes(total))
            }
            Datagram::V6 { payload, .. } => 0..payload.len(),
        };
        self.all_mut().get_mut(payload).unwrap_or_default()
    }
}
