//! What a row of the table can say about the values of a keyword.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::super::command::{Command, UserSpec};
use super::super::model::{Address, Peer, Tracked, Weight};
use super::super::number::Seconds;
use super::super::read::Reader;
use super::super::span::{Secret, Span, Spanned};
use super::super::tree::Statement;

/// What we do with a keyword.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It is carried out.
    Carried,
    /// It is carried out, and the election or the wire depends on it: a value that cannot be used stops everything.
    Wire,
    /// keepalived knows it, we do not carry it out yet, and the rest works without it (a warning).
    Later(&'static str),
    /// As `Later`, but without it the wire or the owner of an address would differ (an error).
    LaterWire(&'static str),
    /// It has no effect in keepalived either, or none is needed (a note).
    Obsolete(&'static str),
}

/// Where the values of a keyword that is not carried out stand: enough to skip it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// On its line.
    Line,
    /// In a block, with or without words before it.
    Block,
}

/// The form of the values of a keyword, and what to do with them.
pub(crate) enum Form<T: 'static> {
    /// No value.
    Flag(fn(&mut T, Spanned<bool>)),
    /// `on off true false yes no`, or nothing for `on`.
    Bool(fn(&mut T, Spanned<bool>)),
    /// Decimal seconds from the first to the second number of nanoseconds.
    Seconds(u64, u64, fn(&mut T, Spanned<Duration>)),
    /// A whole number in a range.
    Number(i64, i64, fn(&mut T, Spanned<i64>)),
    /// A count for which 0 means 1.
    Count(i64, fn(&mut T, Spanned<i64>)),
    /// One of some words; the last argument gets its index.
    Choice(&'static [&'static str], fn(&mut T, Spanned<usize>)),
    /// A word.
    Word(fn(&mut T, Spanned<String>)),
    /// A word that is never shown.
    Secret(fn(&mut T, Spanned<Secret<Vec<u8>>>)),
    /// The words of the line, at least so many.
    Words(usize, fn(&mut T, Vec<Spanned<String>>)),
    /// An address.
    Ip(fn(&mut T, Spanned<IpAddr>)),
    /// An IPv4 multicast group.
    Group4(fn(&mut T, Spanned<Ipv4Addr>)),
    /// An IPv6 multicast group.
    Group6(fn(&mut T, Spanned<Ipv6Addr>)),
    /// A weight in −N to N, perhaps with `reverse`.
    Weight(i64, fn(&mut T, Spanned<Weight>)),
    /// `USER [:][GROUP]`
    User(fn(&mut T, UserSpec)),
    /// A command, perhaps with a user; the first one counts.
    Command(fn(&mut T) -> &mut Option<Command>),
    /// A command without a user; more words are ignored.
    PlainCommand(fn(&mut T) -> &mut Option<Command>),
    /// A block of words.
    List(fn(&mut T, Vec<Spanned<String>>)),
    /// A block of address lines.
    Addresses(fn(&mut T, Vec<Address>)),
    /// A block of things to watch, with weights in −N to N.
    Tracks(i64, fn(&mut T, Vec<Tracked>)),
    /// A block of unicast peers.
    Peers(fn(&mut T, Span, Vec<Peer>)),
    /// A block of keywords of its own.
    Block(&'static [Keyword<T>]),
    /// A block at the root, read by a function of the reader.
    Root(&'static str, fn(&mut Reader<'_>, &Statement, &mut T)),
    /// Not read: how it is skipped, and what keepalived reads there.
    Unread(Shape, &'static str),
}

/// A row of the table.
pub(crate) struct Keyword<T: 'static> {
    /// The keyword.
    pub(crate) name: &'static str,
    /// Its values.
    pub(crate) form: Form<T>,
    /// What holds if it is not written.
    pub(crate) default: &'static str,
    /// What we do with it.
    pub(crate) standing: Standing,
}

impl<T> Keyword<T> {
    pub(super) const fn carried(name: &'static str, form: Form<T>, default: &'static str) -> Self {
        Self { name, form, default, standing: Standing::Carried }
    }

    pub(super) const fn wire(name: &'static str, form: Form<T>, default: &'static str) -> Self {
        Self { name, form, default, standing: Standing::Wire }
    }

    pub(super) const fn later(name: &'static str, values: &'static str, why: &'static str) -> Self {
        Self { name, form: Form::Unread(Shape::Line, values), default: "", standing: Standing::Later(why) }
    }

    pub(super) const fn later_block(name: &'static str, values: &'static str, why: &'static str) -> Self {
        Self { name, form: Form::Unread(Shape::Block, values), default: "", standing: Standing::Later(why) }
    }

    pub(super) const fn later_wire(name: &'static str, values: &'static str, why: &'static str) -> Self {
        Self {
            name,
            form: Form::Unread(Shape::Line, values),
            default: "",
            standing: Standing::LaterWire(why),
        }
    }

    pub(super) const fn later_wire_block(
        name: &'static str,
        values: &'static str,
        why: &'static str,
    ) -> Self {
        Self {
            name,
            form: Form::Unread(Shape::Block, values),
            default: "",
            standing: Standing::LaterWire(why),
        }
    }

    pub(super) const fn obsolete(name: &'static str, values: &'static str, why: &'static str) -> Self {
        Self { name, form: Form::Unread(Shape::Line, values), default: "", standing: Standing::Obsolete(why) }
    }
}

impl<T> Form<T> {
    /// What stands behind the keyword, for people.
    pub(crate) fn describe(&self) -> String {
        let seconds = |nanos: u64| Seconds(Duration::from_nanos(nanos));
        match self {
            Self::Flag(_) => String::new(),
            Self::Bool(_) => "[on|off|true|false|yes|no]".into(),
            Self::Seconds(min, max, _) => format!("SECONDS {} to {}", seconds(*min), seconds(*max)),
            Self::Number(min, max, _) => format!("NUMBER {min} to {max}"),
            Self::Count(max, _) => format!("NUMBER 0 to {max}, 0 as 1"),
            Self::Choice(words, _) => words.join("|"),
            Self::Word(_) => "WORD".into(),
            Self::Secret(_) => "SECRET".into(),
            Self::Words(0, _) => "[WORD…]".into(),
            Self::Words(..) => "WORD…".into(),
            Self::Ip(_) => "IP".into(),
            Self::Group4(_) => "IPv4 multicast group".into(),
            Self::Group6(_) => "IPv6 multicast group".into(),
            Self::Weight(limit, _) => format!("WEIGHT −{limit} to {limit} [reverse]"),
            Self::User(_) => "USER [:][GROUP]".into(),
            Self::Command(_) => "COMMAND [USER [[:]GROUP]]".into(),
            Self::PlainCommand(_) => "COMMAND".into(),
            Self::List(_) => "{ WORD… }".into(),
            Self::Addresses(_) => "{ ADDRESS… }".into(),
            Self::Tracks(limit, _) => format!("{{ NAME [weight −{limit} to {limit} [reverse]]… }}"),
            Self::Peers(_) => "{ IP [min_ttl N] [max_ttl N]… }".into(),
            Self::Block(_) => "{ … }".into(),
            Self::Root(values, _) => (*values).into(),
            Self::Unread(_, values) => (*values).into(),
        }
    }

    /// Whether a block can stand behind the keyword.
    pub(crate) fn takes_block(&self) -> bool {
        match self {
            Self::List(_)
            | Self::Addresses(_)
            | Self::Tracks(..)
            | Self::Peers(_)
            | Self::Block(_)
            | Self::Root(..)
            | Self::Unread(Shape::Block, _) => true,
            Self::Flag(_)
            | Self::Bool(_)
            | Self::Seconds(..)
            | Self::Number(..)
            | Self::Count(..)
            | Self::Choice(..)
            | Self::Word(_)
            | Self::Secret(_)
            | Self::Words(..)
            | Self::Ip(_)
            | Self::Group4(_)
            | Self::Group6(_)
            | Self::Weight(..)
            | Self::User(_)
            | Self::Command(_)
            | Self::PlainCommand(_)
            | Self::Unread(Shape::Line, _) => false,
        }
    }
}
