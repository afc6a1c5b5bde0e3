//! Numbers of `<linux/netfilter/nf_tables.h>`.

/// Message types: the subsystem in the upper octet.
pub(super) const NEW_TABLE: u16 = SUBSYSTEM << 8;
pub(super) const GET_TABLE: u16 = SUBSYSTEM << 8 | 1;
pub(super) const DELETE_TABLE: u16 = SUBSYSTEM << 8 | 2;
pub(super) const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
pub(super) const GET_CHAIN: u16 = SUBSYSTEM << 8 | 4;
pub(super) const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
pub(super) const GET_RULE: u16 = SUBSYSTEM << 8 | 7;
pub(super) const NEW_SET: u16 = SUBSYSTEM << 8 | 9;
pub(super) const GET_SET: u16 = SUBSYSTEM << 8 | 10;
pub(super) const NEW_ELEMENTS: u16 = SUBSYSTEM << 8 | 12;
pub(super) const GET_ELEMENTS: u16 = SUBSYSTEM << 8 | 13;
pub(super) const DELETE_ELEMENTS: u16 = SUBSYSTEM << 8 | 14;
pub(super) const GET_GENERATION: u16 = SUBSYSTEM << 8 | 16;

/// `NFNL_SUBSYS_NFTABLES`.
pub(super) const SUBSYSTEM: u16 = 10;

/// The table's name in a message about a chain, a rule, a set or elements.
pub(super) const TABLE: u16 = 1;
/// The set's name in a message about elements.
pub(super) const SET: u16 = 2;
/// The list of elements in a message about them.
pub(super) const ELEMENTS: u16 = 3;
/// The number of the ruleset in the answer to [`GET_GENERATION`].
pub(super) const GENERATION: u16 = 1;

/// Flags of a message that makes something.
pub(super) mod flags {
    pub(in super::super) const CREATE: u16 = libc::NLM_F_CREATE as u16;
    pub(in super::super) const APPEND: u16 = libc::NLM_F_APPEND as u16;
}
