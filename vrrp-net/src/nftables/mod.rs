//! Addresses that must not answer: the firewall of an instance without accept mode (`no_accept`, `vrrp_strict`).
//!
//! A MASTER that does not own its addresses forwards for them and takes nothing that is sent to them (RFC 9568 section
//! 6.4.3, Accept_Mode). On Linux an address on an interface always answers, so that packets to and from it are dropped
//! by a table of ours in the kernel's packet filter, nf_tables. Neighbor discovery goes on.
//!
//! The tables have the name, the shape and the place of keepalived's: whichever of the two starts next removes what the
//! other one left when it was killed.
//!
//! ```no_run
//! use vrrp_net::nftables::{DEFAULT_TABLE, Desired, Nftables};
//!
//! # fn main() -> Result<(), vrrp_net::nftables::Error> {
//! let mut filter = Nftables::open(DEFAULT_TABLE)?;
//! filter.remove()?; // what a killed process left
//! let mut desired = Desired::new();
//! desired.insert([192, 0, 2, 10].into(), 2);
//! filter.apply(&desired)?; // before the address is added
//! filter.remove()?; // at the end, after it is removed
//! # Ok(())
//! # }
//! ```

mod desired;
mod error;
mod expression;
mod kernel;
mod message;
mod snapshot;
mod table;

pub use desired::Desired;
pub use error::{Addresses, Error};

use crate::netlink::{self, Step};
use kernel::{Failure, Kernel, next_generation};
use snapshot::Snapshot;
use table::{Family, Writer};

/// The name of keepalived's tables, and of ours.
pub const DEFAULT_TABLE: &str = "keepalived";

/// The longest name that the kernel takes for a table, in octets (`NFT_NAME_MAXLEN` less the zero at its end).
pub const TABLE_NAME_MAX: usize = 255;

/// Our tables in the packet filter of a network namespace: that of the thread that calls [`Nftables::open`].
///
/// A call takes some tens of microseconds, but waits for others who change the filter.
pub struct Nftables {
    kernel: Kernel,
    /// None when it is unknown what is in the kernel.
    written: Option<Written>,
}

/// What is in the kernel since our last change.
struct Written {
    desired: Desired,
    /// As long as the kernel says the same, nobody has changed anything.
    generation: u32,
    /// Taken when there is time, to tell a change of our tables from one of others'.
    snapshot: Option<Snapshot>,
}

impl Nftables {
    /// Opens a socket; nothing is changed. On a kernel without nf_tables this works, and so does everything until there
    /// is an address to block.
    ///
    /// # Errors
    /// [`Error::TableName`] for a name of 0 or more than [`TABLE_NAME_MAX`] octets or with a zero in it,
    /// [`Error::Open`] for instance without file descriptors left.
    pub fn open(table: &str) -> Result<Self, Error> {
        if !(1..=TABLE_NAME_MAX).contains(&table.len()) || table.contains('\0') {
            return Err(Error::TableName { name: table.to_string() });
        }
        let kernel = Kernel::open(table).map_err(Error::Open)?;
        Ok(Self { kernel, written: None })
    }

    /// The name of the tables.
    pub fn table(&self) -> &str {
        &self.kernel.table
    }

    /// Makes the kernel block the desired addresses and no others; without any there is no table.
    ///
    /// All changes or none. If nothing is to be changed, nothing is written: call it again at any time, and it repairs
    /// what others have removed or altered (`nft flush ruleset`, say). The first call replaces tables of our name,
    /// whoever made them; the first repetition after a change may write once more if others changed the filter
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotBlocked`], [`Error::NotUnblocked`]; each names the addresses that answer, or do
    /// not, for it. The next call tries again.
    pub fn apply(&mut self, desired: &Desired) -> Result<(), Error> {
        if desired.is_empty() && self.written.as_ref().is_some_and(|written| written.desired.is_empty()) {
            return Ok(());
        }
        self.reconcile(desired).map_err(|failure| {
            // Whatever happened, the next call looks for itself.
            let before = self.written.take().map(|written| written.desired).unwrap_or_default();
            self.explain(failure, desired, &before)
        })
    }

    /// Unblocks all and leaves no table.
    ///
    /// As the first call it removes tables of our name that a killed process left. Without any, nothing is written.
    ///
    /// # Errors
    /// [`Error::NotUnblocked`].
    pub fn remove(&mut self) -> Result<(), Error> {
        self.apply(&Desired::new())
    }

    fn reconcile(&mut self, desired: &Desired) -> Result<(), Failure> {
        let mut tries = 0;
        loop {
            let generation = match self.kernel.generation() {
                Err(Failure::Missing) if desired.is_empty() => return Ok(()),
                generation => generation?,
            };
            let equal = self.written.as_ref().is_some_and(|written| written.desired == *desired);
            let intact = self.is_intact(generation, equal);
            if equal && intact {
                return Ok(());
            }
            let steps = self.steps(desired, intact)?;
            tries += 1;
            match self.kernel.commit(&steps, desired.len()) {
                Ok(()) => {}
                // Somebody was faster: look at what there is now.
                Err(Failure::Netlink(netlink::Error::Refused { .. }))
                    if tries < TRIES && self.kernel.generation()? != generation =>
                {
                    self.written = None;
                    continue;
                }
                Err(failure) => return Err(failure),
            }
            // If others have come in between, the true one is higher, and the next call looks closer.
            let generation = if steps.is_empty() { generation } else { next_generation(generation) };
            self.written = Some(Written { desired: desired.clone(), generation, snapshot: None });
            if equal {
                // Others change the filter often: only a snapshot can tell that they leave our tables alone.
                self.is_intact(generation, true);
            }
            return Ok(());
        }
    }

    /// Whether our tables are as we have written them. `thorough` reads them if that is needed for the answer; without
    /// it a change by anybody is a no.
    fn is_intact(&mut self, generation: u32, thorough: bool) -> bool {
        let Some(written) = &mut self.written else { return false };
        let same = written.generation == generation;
        if !thorough || (same && written.snapshot.is_some()) {
            return same;
        }
        // What cannot be read is written again.
        let snapshot = Snapshot::read(&mut self.kernel, &written.desired).ok();
        if same {
            let undisturbed = self.kernel.generation().is_ok_and(|after| after == generation);
            written.snapshot = snapshot.filter(|_| undisturbed);
            return true;
        }
        let intact = snapshot.is_some() && snapshot == written.snapshot;
        if intact {
            written.generation = generation;
        }
        intact
    }

    fn steps(&mut self, desired: &Desired, intact: bool) -> Result<Vec<Step>, Failure> {
        let mut steps = Vec::new();
        let before = self.written.as_ref().map(|written| &written.desired).filter(|_| intact);
        for family in Family::ALL {
            let exists = match before {
                Some(before) => !family.sets(before).is_empty(),
                None => self.kernel.exists(family)?,
            };
            let mut writer = Writer { family, table: &self.kernel.table, steps: &mut steps };
            let written = match before {
                Some(before) if family.sets(before) == family.sets(desired) => {
                    writer.change_elements(before, desired)
                }
                Some(_) | None => {
                    let deleted = if exists { writer.delete() } else { Ok(()) };
                    deleted.and_then(|()| writer.create(desired))
                }
            };
            written.map_err(|reason| self.kernel.unsendable(desired.len(), reason))?;
        }
        Ok(steps)
    }

    fn explain(&self, failure: Failure, desired: &Desired, before: &Desired) -> Error {
        let source = match failure {
            Failure::Missing => {
                return Error::Missing { answering: Addresses(desired.beyond(&Desired::new())) };
            }
            Failure::Netlink(source) => source,
        };
        let kept = if matches!(source, netlink::Error::Refused { .. }) { before } else { &Desired::new() };
        let answering = Addresses(desired.beyond(kept));
        if answering.0.is_empty() {
            let silent = Addresses(before.beyond(desired));
            return Error::NotUnblocked { table: self.table().to_string(), silent, source };
        }
        Error::NotBlocked { answering, source }
    }
}

/// How often a change is tried while others change our tables.
const TRIES: usize = 8;
