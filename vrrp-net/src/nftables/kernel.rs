//! Our requests to the kernel's packet filter.

use std::io::Cursor;

use neli::FromBytesWithInput;
use neli::consts::socket::NlFamily;
use neli::types::{Buffer, GenlBuffer};

use super::expression::{Attribute, payload};
use super::message;
use super::table::Family;
use crate::netlink::{Answer, Error, Request, Step, unsendable};

/// Why something was not done.
pub(super) enum Failure {
    /// The kernel has no nf_tables.
    Missing,
    Netlink(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Netlink(error)
    }
}

/// A socket to the packet filter and the name of our tables.
pub(super) struct Kernel {
    pub(super) table: String,
    /// None on a kernel without nfnetlink.
    request: Option<Request>,
}

impl Kernel {
    pub(super) fn open(table: &str) -> Result<Self, Error> {
        let request = match Request::open_family(NlFamily::Netfilter) {
            Ok(request) => Some(request),
            Err(error) if error.errno() == Some(libc::EPROTONOSUPPORT) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { table: table.to_string(), request })
    }

    /// The number of the ruleset, which grows by one with each change that anybody makes in the namespace.
    pub(super) fn generation(&mut self) -> Result<u32, Failure> {
        let Some(request) = &mut self.request else { return Err(Failure::Missing) };
        let asked = || "read the generation of the nftables ruleset".to_string();
        let payload = payload(libc::AF_UNSPEC as u8, 0, []).map_err(unsendable(&asked))?;
        let answers = match request.ask(&asked, message::GET_GENERATION, &payload) {
            // What nfnetlink says for a subsystem that it does not have and cannot load.
            Err(error) if error.errno() == Some(libc::EINVAL) => return Err(Failure::Missing),
            answers => answers?,
        };
        let number = |answer: &Answer| {
            let attributes = attributes(body(answer)?)?;
            let octets = find(&attributes, message::GENERATION)?;
            octets.first_chunk().map(|octets| u32::from_be_bytes(*octets))
        };
        let generation = answers.iter().find_map(number);
        generation.ok_or_else(|| Error::Unreadable { request: asked(), reason: "no generation in it" }.into())
    }

    /// Whether there is a table of our name.
    pub(super) fn exists(&mut self, family: Family) -> Result<bool, Failure> {
        let Some(request) = &mut self.request else { return Err(Failure::Missing) };
        let asked = || format!("look for the nftables table {} {}", family.name(), self.table);
        let name = [Attribute::new(message::TABLE, self.table.as_str())];
        let payload = payload(family as u8, 0, name).map_err(unsendable(&asked))?;
        match request.ask(&asked, message::GET_TABLE, &payload) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// All objects of one kind in our table, or the elements of one of its sets.
    pub(super) fn dump(
        &mut self,
        family: Family,
        kind: u16,
        set: Option<&str>,
    ) -> Result<Vec<Answer>, Failure> {
        let Some(request) = &mut self.request else { return Err(Failure::Missing) };
        let asked = || format!("read the nftables table {} {}", family.name(), self.table);
        // Chains are not asked for by their table: whatever is of another one is left out below.
        let table = (kind != message::GET_CHAIN).then(|| Attribute::new(message::TABLE, self.table.as_str()));
        let set = set.map(|set| Attribute::new(message::SET, set));
        let payload = payload(family as u8, 0, table.into_iter().chain(set)).map_err(unsendable(&asked))?;
        let mut answers = request.dump(&asked, kind, &payload)?;
        answers.retain(|answer| is_about(answer, &self.table).unwrap_or(false));
        Ok(answers)
    }

    /// Makes a change. It is not tied to a generation: among others who write all the time it would never have its turn.
    pub(super) fn commit(&mut self, steps: &[Step], addresses: usize) -> Result<(), Failure> {
        let asked = || asked(addresses, &self.table);
        let Some(request) = &mut self.request else { return Err(Failure::Missing) };
        let frame = payload(libc::AF_UNSPEC as u8, message::SUBSYSTEM, []).map_err(unsendable(&asked))?;
        Ok(request.transact(&asked, steps, &frame)?)
    }

    /// What a change is about.
    pub(super) fn asked(&self, addresses: usize) -> String {
        asked(addresses, &self.table)
    }

    pub(super) fn unsendable(&self, addresses: usize, reason: String) -> Failure {
        unsendable(&|| self.asked(addresses))(reason).into()
    }
}

/// The generation after one change.
pub(super) fn next_generation(generation: u32) -> u32 {
    // The kernel leaves zero out.
    generation.checked_add(1).unwrap_or(1)
}

/// What follows the header of an answer, in which the kernel tells the generation.
pub(super) fn body(answer: &Answer) -> Option<&[u8]> {
    answer.payload.get(HEADER..)
}

pub(super) fn attributes(octets: &[u8]) -> Option<GenlBuffer<u16, Buffer>> {
    GenlBuffer::from_bytes_with_input(&mut Cursor::new(octets), octets.len()).ok()
}

pub(super) fn find(attributes: &GenlBuffer<u16, Buffer>, kind: u16) -> Option<&[u8]> {
    attributes
        .iter()
        .find(|attribute| *attribute.nla_type().nla_type() == kind)
        .map(|attribute| attribute.nla_payload().as_ref())
}

/// Family, version and resource.
const HEADER: usize = 4;

fn asked(addresses: usize, table: &str) -> String {
    match addresses {
        0 => format!("remove the nftables table {table}"),
        1 => format!("block 1 address in the nftables table {table}"),
        more => format!("block {more} addresses in the nftables table {table}"),
    }
}

fn is_about(answer: &Answer, table: &str) -> Option<bool> {
    let attributes = attributes(body(answer)?)?;
    let name = find(&attributes, message::TABLE)?;
    Some(name.strip_suffix(&[0]) == Some(table.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_is_never_zero() {
        assert_eq!((next_generation(7), next_generation(u32::MAX)), (8, 1));
    }
}
