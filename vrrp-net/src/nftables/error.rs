//! What can go wrong, and which addresses answer for it.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;

use crate::netlink;

/// Addresses are not blocked, or still are.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel cannot filter.
    #[error(
        "this kernel has no nf_tables (load the module nf_tables, or build the kernel with CONFIG_NF_TABLES): \
         while this node is MASTER, {answering} will answer although accept is off"
    )]
    Missing {
        /// What will not be blocked.
        answering: Addresses,
    },
    /// The rules could not be made or changed. What was blocked before stays blocked if the kernel refused
    /// ([`netlink::Error::Refused`]).
    #[error("{source}: while this node is MASTER, {answering} will answer although accept is off")]
    NotBlocked {
        /// What may not be blocked.
        answering: Addresses,
        /// Why.
        source: netlink::Error,
    },
    /// Addresses that may answer again could not be unblocked.
    #[error("{source}: {silent} will not answer until the nftables table {table} is removed")]
    NotUnblocked {
        /// The table.
        table: String,
        /// What may still be blocked.
        silent: Addresses,
        /// Why.
        source: netlink::Error,
    },
    /// There is no socket to speak to the kernel's filter.
    #[error("cannot speak to nf_tables: {0}")]
    Open(#[source] netlink::Error),
    /// The kernel would not take the table's name.
    #[error("{name:?} is no name for an nftables table: it has {} octets, 1 to {} are allowed, none of them zero",
        name.len(), super::TABLE_NAME_MAX)]
    TableName {
        /// The name.
        name: String,
    },
}

/// Addresses in a sentence: the first few, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<IpAddr>);

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = self.0.split_at_checked(SHOWN).unwrap_or((&self.0, &[]));
        if shown.is_empty() {
            return f.write_str("any address that it blocks");
        }
        for (number, address) in shown.iter().enumerate() {
            let last = rest.is_empty() && number + 1 == shown.len();
            let before = match number {
                0 => "",
                _ if last => " and ",
                _ => ", ",
            };
            write!(f, "{before}{address}")?;
        }
        match rest.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// How many addresses a message names.
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(count: u8) -> Addresses {
        Addresses((1..=count).map(|number| [192, 0, 2, number].into()).collect())
    }

    #[test]
    fn a_few_addresses_are_named_and_the_rest_is_counted() {
        assert_eq!(addresses(1).to_string(), "192.0.2.1");
        assert_eq!(addresses(3).to_string(), "192.0.2.1, 192.0.2.2 and 192.0.2.3");
        assert_eq!(addresses(4).to_string(), "192.0.2.1, 192.0.2.2, 192.0.2.3 and 192.0.2.4");
        assert_eq!(addresses(6).to_string(), "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 and 2 more");
    }

    #[test]
    fn a_kernel_without_filter_is_named_with_what_follows() {
        let error = Error::Missing { answering: addresses(1) }.to_string();
        assert!(error.contains("no nf_tables") && error.contains("192.0.2.1 will answer"), "{error}");
    }
}
