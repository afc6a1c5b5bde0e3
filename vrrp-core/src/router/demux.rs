//! Which instance a packet is for: interface, family and VRID, found in constant time.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::config::InstanceConfig;
use crate::types::{Family, InterfaceId};

/// No instance.
const NONE: u16 = u16::MAX;

/// The instances by interface, family and VRID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Demux {
    tables: Vec<Table>,
    /// For each instance, the next one with the same interface, family and VRID.
    next: Vec<u16>,
}

/// The first instance of each VRID on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    key: (InterfaceId, Family),
    heads: Box<[u16; 256]>,
}

impl Demux {
    pub(super) fn new<'a>(instances: impl Iterator<Item = &'a InstanceConfig>) -> Self {
        let mut demux = Self::default();
        for (position, config) in instances.enumerate() {
            let key = (config.interface, config.family);
            let at = match demux.tables.binary_search_by_key(&key, |table| table.key) {
                Ok(at) => at,
                Err(at) => {
                    demux.tables.insert(at, Table { key, heads: Box::new([NONE; 256]) });
                    at
                }
            };
            let table = demux.tables.get_mut(at);
            let head = table.and_then(|table| table.heads.get_mut(usize::from(config.vrid.get())));
            let position = u16::try_from(position).unwrap_or(NONE);
            demux.next.push(head.map_or(NONE, |head| core::mem::replace(head, position)));
        }
        demux
    }

    /// The positions of all instances that such a packet may be for.
    pub(super) fn find(
        &self,
        interface: InterfaceId,
        family: Family,
        vrid: u8,
    ) -> impl Iterator<Item = usize> {
        let table = self.tables.binary_search_by_key(&(interface, family), |table| table.key);
        let table = table.ok().and_then(|at| self.tables.get(at));
        let head = table.and_then(|table| table.heads.get(usize::from(vrid)).copied());
        let some = |position: u16| (position != NONE).then(|| usize::from(position));
        core::iter::successors(head.and_then(some), move |at| self.next.get(*at).copied().and_then(some))
    }
}
