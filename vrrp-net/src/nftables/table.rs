//! The objects in the kernel, the same as keepalived's: whichever of the two starts finds and removes what the other
//! left when it was killed. Shape and order as `nft --debug=netlink list ruleset` shows them for keepalived 2.2.7.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use neli::{Size, ToBytes};

use super::desired::Desired;
use super::expression::{
    Attribute, ELEMENT, Header, Interface, Verdict, end, equal, equal_under, is_in, load, load_interface,
    payload, value,
};
use super::message::{self, flags};
use crate::netlink::Step;

/// A table is of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    V4 = libc::NFPROTO_IPV4 as isize,
    V6 = libc::NFPROTO_IPV6 as isize,
}

impl Family {
    pub(super) const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// Its name in `nft`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V4 => "ip",
            Self::V6 => "ip6",
        }
    }

    /// The sets of its table, none when there is no table.
    pub(super) fn sets(self, desired: &Desired) -> Vec<&'static str> {
        match self {
            Self::V4 if desired.v4.is_empty() => vec![],
            Self::V4 => vec![VIPS],
            Self::V6 if desired.v6.is_empty() && desired.link_local.is_empty() => vec![],
            Self::V6 if desired.link_local.is_empty() => vec![VIPS, DISCOVERY],
            Self::V6 => vec![VIPS, DISCOVERY, LINK_LOCAL],
        }
    }
}

/// Writes the steps for one table.
pub(super) struct Writer<'a> {
    pub(super) family: Family,
    pub(super) table: &'a str,
    pub(super) steps: &'a mut Vec<Step>,
}

impl Writer<'_> {
    /// Removes the table with all that is in it.
    pub(super) fn delete(&mut self) -> Result<(), String> {
        self.step("remove the table", message::DELETE_TABLE, 0, [])
    }

    /// Makes the table with all that is in it, if there is something to block.
    pub(super) fn create(&mut self, desired: &Desired) -> Result<(), String> {
        let sets = self.family.sets(desired);
        if sets.is_empty() {
            return Ok(());
        }
        self.step("add the table", message::NEW_TABLE, flags::CREATE, [])?;
        self.base_chain("out", LOCAL_OUT)?;
        self.base_chain("in", LOCAL_IN)?;
        match self.family {
            Family::V4 => self.contents_v4()?,
            Family::V6 => self.contents_v6(sets.contains(&LINK_LOCAL))?,
        }
        self.change_elements(&Desired::new(), desired)
    }

    /// Makes the difference between two contents of the same sets.
    pub(super) fn change_elements(&mut self, before: &Desired, after: &Desired) -> Result<(), String> {
        match self.family {
            Family::V4 => self.change_set(VIPS, &before.v4, &after.v4, Ipv4Addr::octets),
            Family::V6 => {
                self.change_set(VIPS, &before.v6, &after.v6, Ipv6Addr::octets)?;
                self.change_set(LINK_LOCAL, &before.link_local, &after.link_local, |(address, index)| {
                    [address.octets().as_slice(), &index.to_ne_bytes()].concat()
                })
            }
        }
    }

    fn contents_v4(&mut self) -> Result<(), String> {
        self.set("add the set vips", VIPS, 1, KEY_IPV4, 4, ORDER_BIG_ENDIAN)?;
        self.rule("in", [load(Header::Network, V4_DESTINATION, 4), is_in(VIPS), end(Verdict::Drop)])?;
        self.rule("out", [load(Header::Network, V4_SOURCE, 4), is_in(VIPS), end(Verdict::Drop)])
    }

    fn contents_v6(&mut self, link_local: bool) -> Result<(), String> {
        self.chain("in_link_local")?;
        self.chain("out_link_local")?;
        self.set("add the set vips", VIPS, 2, KEY_IPV6, 16, ORDER_BIG_ENDIAN)?;
        self.discovery_set()?;
        for (chain, side, offset) in
            [("in", "in_link_local", V6_DESTINATION), ("out", "out_link_local", V6_SOURCE)]
        {
            // Others must find the hardware address of what does not answer (RFC 9568 section 6.4.3).
            let is_icmp = [load(Header::Network, V6_NEXT_HEADER, 1), equal([libc::IPPROTO_ICMPV6 as u8])];
            let is_discovery = [load(Header::Transport, 0, 1), is_in(DISCOVERY), end(Verdict::Accept)];
            self.rule(chain, is_icmp.into_iter().chain(is_discovery))?;

            let is_link_local = equal_under(LINK_LOCAL_MASK.octets(), LINK_LOCAL_PREFIX.octets());
            let address = load(Header::Network, offset, 16);
            self.rule(chain, [address].into_iter().chain(is_link_local).chain([end(Verdict::Goto(side))]))?;
        }
        for (chain, offset) in [("in", V6_DESTINATION), ("out", V6_SOURCE)] {
            self.rule(chain, [load(Header::Network, offset, 16), is_in(VIPS), end(Verdict::Drop)])?;
        }
        if !link_local {
            return Ok(());
        }
        self.set("add the set vips_link_local", LINK_LOCAL, 4, KEY_IPV6_INTERFACE, 20, ORDER_OF_HOST)?;
        for (chain, offset, interface) in [
            ("in_link_local", V6_DESTINATION, Interface::Input),
            ("out_link_local", V6_SOURCE, Interface::Output),
        ] {
            let address = load(Header::Network, offset, 16);
            self.rule(chain, [address, load_interface(interface), is_in(LINK_LOCAL), end(Verdict::Drop)])?;
        }
        Ok(())
    }

    fn base_chain(&mut self, name: &str, hook: u32) -> Result<(), String> {
        let priority = PRIORITY.cast_unsigned();
        let hook = Attribute::nest(4, [Attribute::number(1, hook), Attribute::number(2, priority)]);
        let policy = Attribute::number(5, ACCEPT);
        let attributes = [Attribute::new(3, name), hook, policy, Attribute::new(7, "filter")];
        self.step("add a chain at a hook", message::NEW_CHAIN, flags::CREATE, attributes)
    }

    fn chain(&mut self, name: &str) -> Result<(), String> {
        self.step("add a chain", message::NEW_CHAIN, flags::CREATE, [Attribute::new(3, name)])
    }

    /// `number` is its own in the batch; `key` and `order` tell `nft` how to show the elements.
    fn set(
        &mut self,
        what: &'static str,
        name: &str,
        number: u32,
        key: u32,
        key_octets: u32,
        order: u32,
    ) -> Result<(), String> {
        self.step(what, message::NEW_SET, flags::CREATE, set(name, number, key, key_octets, order))
    }

    fn discovery_set(&mut self) -> Result<(), String> {
        let attributes = set(DISCOVERY, 3, KEY_ICMPV6_TYPE, 1, ORDER_OF_HOST);
        let constant = [Attribute::number(3, SET_CONSTANT)];
        let attributes = attributes.into_iter().chain(constant);
        self.step("add the set neighbor-discovery", message::NEW_SET, flags::CREATE, attributes)?;
        let elements = elements([[NEIGHBOR_SOLICITATION], [NEIGHBOR_ADVERTISEMENT]]);
        // Its number in the batch: a constant set takes elements only in the batch that makes it.
        let attributes = [Attribute::new(2, DISCOVERY), Attribute::number(4, 3), elements];
        self.step("fill the set neighbor-discovery", message::NEW_ELEMENTS, flags::CREATE, attributes)
    }

    fn rule(&mut self, chain: &str, expressions: impl IntoIterator<Item = Attribute>) -> Result<(), String> {
        let attributes = [Attribute::new(2, chain), Attribute::nest(4, expressions)];
        self.step("add a rule", message::NEW_RULE, flags::CREATE | flags::APPEND, attributes)
    }

    fn change_set<E: Ord, K: Size + ToBytes>(
        &mut self,
        set: &str,
        before: &BTreeSet<E>,
        after: &BTreeSet<E>,
        key: impl Fn(&E) -> K,
    ) -> Result<(), String> {
        let gone: Vec<_> = before.difference(after).collect();
        let come: Vec<_> = after.difference(before).collect();
        for (what, kind, flags, changed) in [
            ("unblock addresses", message::DELETE_ELEMENTS, 0, gone),
            ("block addresses", message::NEW_ELEMENTS, flags::CREATE, come),
        ] {
            for chunk in changed.chunks(CHUNK) {
                let elements = elements(chunk.iter().map(|element| key(element)));
                self.step(what, kind, flags, [Attribute::new(2, set), elements])?;
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        what: &'static str,
        kind: u16,
        flags: u16,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<(), String> {
        let table = [Attribute::new(message::TABLE, self.table)];
        let payload = payload(self.family as u8, 0, table.into_iter().chain(attributes))?;
        let what = format!("{}: {what}", self.family.name());
        self.steps.push(Step { what, kind, flags, payload });
        Ok(())
    }
}

const VIPS: &str = "vips";
const DISCOVERY: &str = "neighbor-discovery";
const LINK_LOCAL: &str = "vips_link_local";

/// `NF_INET_LOCAL_IN` and `NF_INET_LOCAL_OUT`.
const LOCAL_IN: u32 = 1;
const LOCAL_OUT: u32 = 3;
/// One before the `filter` tables, so that no rule of the administrator lets a packet through first.
const PRIORITY: i32 = -1;
const ACCEPT: u32 = 1;
const SET_CONSTANT: u32 = 2;

/// Types of a set's key as `nft` numbers them; a concatenation is shifted by six bits for each member.
const KEY_IPV4: u32 = 7;
const KEY_IPV6: u32 = 8;
const KEY_ICMPV6_TYPE: u32 = 29;
const KEY_IPV6_INTERFACE: u32 = KEY_IPV6 << 6 | 20;
const ORDER_OF_HOST: u32 = 1;
const ORDER_BIG_ENDIAN: u32 = 2;

const V4_SOURCE: u32 = 12;
const V4_DESTINATION: u32 = 16;
const V6_NEXT_HEADER: u32 = 6;
const V6_SOURCE: u32 = 8;
const V6_DESTINATION: u32 = 24;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const LINK_LOCAL_PREFIX: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
const LINK_LOCAL_MASK: Ipv6Addr = Ipv6Addr::new(0xffc0, 0, 0, 0, 0, 0, 0, 0);

/// Elements a message: 8 KiB at most, and an attribute cannot have more than 64.
const CHUNK: usize = 256;

fn set(name: &str, number: u32, key: u32, key_octets: u32, order: u32) -> [Attribute; 5] {
    // What nft keeps about a set (NFTNL_UDATA_SET_KEYBYTEORDER): type, length, number in the order of the machine.
    let userdata = [[0, 4].as_slice(), &order.to_ne_bytes()].concat();
    [
        Attribute::new(2, name),
        Attribute::number(4, key),
        Attribute::number(5, key_octets),
        Attribute::number(10, number),
        Attribute::new(13, userdata),
    ]
}

fn elements<K: Size + ToBytes>(keys: impl IntoIterator<Item = K>) -> Attribute {
    let element = |key| Attribute::nest(ELEMENT, [value(1, key)]);
    Attribute::nest(message::ELEMENTS, keys.into_iter().map(element))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_addresses_goes_in_bounded_messages() {
        let desired: Desired = (0..20_000_u32)
            .flat_map(|number| {
                let link_local = Ipv6Addr::from_bits(LINK_LOCAL_PREFIX.to_bits() | u128::from(number));
                let global = Ipv6Addr::from_bits(1 << 125 | u128::from(number));
                [(Ipv4Addr::from_bits(number).into(), 1), (link_local.into(), 1), (global.into(), 1)]
            })
            .collect();
        let mut steps = Vec::new();
        for family in Family::ALL {
            Writer { family, table: "keepalived", steps: &mut steps }
                .create(&desired)
                .expect("nothing in it is too long");
        }
        assert!(steps.iter().all(|step| step.payload.len() <= 9000));
        assert!(steps.len() >= 3 * 20_000 / CHUNK);
    }
}
