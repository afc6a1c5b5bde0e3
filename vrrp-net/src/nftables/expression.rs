//! Attributes and the expressions of a rule, through neli's builders.
//!
//! ```text
//!  0                   1                   2                   3
//! +---------------+---------------+-------------------------------+
//! |    family     |   version 0   |      resource, big endian     |
//! +---------------+---------------+-------------------------------+
//! |                     attributes, as netlink's                  |
//! ```
//! Numbers in the attributes are big endian, but for those in the kernel's own registers.

use std::io::Cursor;

use neli::genl::{AttrTypeBuilder, Nlattr, NlattrBuilder};
use neli::types::{Buffer, GenlBuffer};
use neli::{Size, ToBytes};

/// An attribute, or why neli does not write it.
pub(super) struct Attribute(Result<Nlattr<u16, Buffer>, String>);

impl Attribute {
    pub(super) fn new(kind: u16, value: impl Size + ToBytes) -> Self {
        Self::build(kind, false, value)
    }

    pub(super) fn number(kind: u16, value: u32) -> Self {
        Self::new(kind, value.to_be_bytes())
    }

    /// Attributes in an attribute.
    pub(super) fn nest(kind: u16, inner: impl IntoIterator<Item = Self>) -> Self {
        let inner: Result<GenlBuffer<u16, Buffer>, String> =
            inner.into_iter().map(|attribute| attribute.0).collect();
        match inner {
            Ok(inner) => Self::build(kind, true, inner),
            Err(words) => Self(Err(words)),
        }
    }

    fn build(kind: u16, nested: bool, value: impl Size + ToBytes) -> Self {
        let attribute = AttrTypeBuilder::default()
            .nla_type(kind)
            .nla_nested(nested)
            .build()
            .map_err(|error| error.to_string())
            .and_then(|kind| {
                NlattrBuilder::default()
                    .nla_type(kind)
                    .nla_payload(value)
                    .build()
                    .map_err(|error| error.to_string())
            });
        Self(attribute)
    }
}

/// What follows the netlink header; `resource` is 0 but around a batch.
pub(super) fn payload(
    family: u8,
    resource: u16,
    attributes: impl IntoIterator<Item = Attribute>,
) -> Result<Vec<u8>, String> {
    let attributes: GenlBuffer<u16, Buffer> =
        attributes.into_iter().map(|attribute| attribute.0).collect::<Result<_, _>>()?;
    let [high, low] = resource.to_be_bytes();
    let mut message = Cursor::new(vec![family, 0, high, low]);
    message.set_position(4);
    attributes.to_bytes(&mut message).map_err(|error| error.to_string())?;
    Ok(message.into_inner())
}

/// A value of a register (`NFTA_DATA_VALUE`).
pub(super) fn value(kind: u16, octets: impl Size + ToBytes) -> Attribute {
    Attribute::nest(kind, [Attribute::new(DATA_VALUE, octets)])
}

/// Which header [`load`] reads from.
#[derive(Clone, Copy)]
pub(super) enum Header {
    Network = 1,
    Transport = 2,
}

/// Octets of the packet into the first register.
pub(super) fn load(header: Header, offset: u32, length: u32) -> Attribute {
    expression(
        "payload",
        [
            Attribute::number(1, REGISTER),
            Attribute::number(2, header as u32),
            Attribute::number(3, offset),
            Attribute::number(4, length),
        ],
    )
}

/// Which interface [`load_interface`] reads.
#[derive(Clone, Copy)]
pub(super) enum Interface {
    Input = 4,
    Output = 5,
}

/// The number of the packet's interface into the register after an IPv6 address in the first one.
pub(super) fn load_interface(interface: Interface) -> Attribute {
    expression("meta", [Attribute::number(2, interface as u32), Attribute::number(1, SECOND_REGISTER)])
}

/// Goes on if the first register, of which only the bits in `mask` count, is equal.
pub(super) fn equal_under<const N: usize>(mask: [u8; N], data: [u8; N]) -> [Attribute; 2] {
    let masked = expression(
        "bitwise",
        [
            Attribute::number(1, REGISTER),
            Attribute::number(2, REGISTER),
            Attribute::number(3, N as u32),
            value(4, mask),
            value(5, [0; N]),
        ],
    );
    [masked, equal(data)]
}

/// Goes on if the first register is equal.
pub(super) fn equal(data: impl Size + ToBytes) -> Attribute {
    expression("cmp", [Attribute::number(1, REGISTER), Attribute::number(2, EQUAL), value(3, data)])
}

/// Goes on if what the registers hold is in a set of the table.
pub(super) fn is_in(set: &str) -> Attribute {
    expression("lookup", [Attribute::number(2, REGISTER), Attribute::new(1, set)])
}

/// The fate of the packet.
pub(super) enum Verdict<'a> {
    Accept,
    Drop,
    Goto(&'a str),
}

/// Ends the rule.
pub(super) fn end(verdict: Verdict<'_>) -> Attribute {
    let verdict = match verdict {
        Verdict::Accept => vec![Attribute::number(VERDICT_CODE, 1)],
        Verdict::Drop => vec![Attribute::number(VERDICT_CODE, 0)],
        Verdict::Goto(chain) => {
            vec![Attribute::number(VERDICT_CODE, GOTO), Attribute::new(VERDICT_CHAIN, chain)]
        }
    };
    let data = Attribute::nest(2, [Attribute::nest(DATA_VERDICT, verdict)]);
    expression("immediate", [Attribute::number(1, VERDICT_REGISTER), data])
}

/// `NFTA_LIST_ELEM`.
pub(super) const ELEMENT: u16 = 1;

const VERDICT_REGISTER: u32 = 0;
/// `NFT_REG_1`: 16 octets, as are the others.
const REGISTER: u32 = 1;
const SECOND_REGISTER: u32 = 2;
const EQUAL: u32 = 0;
/// `NFT_GOTO`, minus four.
const GOTO: u32 = 4_u32.wrapping_neg();
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;

fn expression(name: &str, data: impl IntoIterator<Item = Attribute>) -> Attribute {
    Attribute::nest(ELEMENT, [Attribute::new(1, name), Attribute::nest(2, data)])
}
