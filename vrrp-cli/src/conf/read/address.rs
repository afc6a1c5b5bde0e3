//! Lines of address blocks: `IP[/LENGTH] [dev IF] [label L] [brd IP|+|-] [scope S] …`.

use std::net::{IpAddr, Ipv4Addr};

use super::super::diagnostic::Diagnostic;
use super::super::keywords::{self, Standing};
use super::super::lexer::Word;
use super::super::model::Address;
use super::super::severity::Code;
use super::super::span::Spanned;
use super::super::suggest;
use super::super::tree::Statement;
use super::Reader;
use super::value::ranged;

/// Labels are interface names to the kernel: 15 bytes.
const LABEL_LIMIT: usize = 15;
const LATER: Standing = Standing::Later("the address is set without it");

/// An option of an address line.
pub(crate) struct AddressOption {
    pub(crate) name: &'static str,
    pub(crate) values: &'static str,
    pub(crate) standing: Standing,
}

/// Every option of an address line that keepalived knows.
pub(crate) static OPTIONS: &[AddressOption] = &[
    AddressOption { name: "dev", values: "IF", standing: Standing::Carried },
    AddressOption { name: "label", values: "LABEL", standing: Standing::Carried },
    AddressOption { name: "brd", values: "IP|+|-", standing: Standing::Carried },
    AddressOption { name: "broadcast", values: "IP|+|-", standing: Standing::Carried },
    AddressOption {
        name: "scope",
        values: "global|site|link|host|nowhere|0 to 255",
        standing: Standing::Carried,
    },
    AddressOption { name: "peer", values: "IP[/LENGTH]", standing: LATER },
    AddressOption { name: "home", values: "", standing: LATER },
    AddressOption { name: "-nodad", values: "", standing: LATER },
    AddressOption { name: "mngtmpaddr", values: "", standing: LATER },
    AddressOption { name: "noprefixroute", values: "", standing: LATER },
    AddressOption { name: "autojoin", values: "", standing: LATER },
    AddressOption { name: "no_track", values: "", standing: Standing::Carried },
    AddressOption { name: "preferred_lft", values: "SECONDS|forever", standing: LATER },
    AddressOption {
        name: "use_vmac",
        values: "",
        standing: Standing::LaterWire("the address would answer with another MAC address"),
    },
    AddressOption { name: "track_group", values: "NAME", standing: LATER },
];

impl Reader<'_> {
    /// Reads a line of an address block.
    pub(super) fn address(&mut self, line: &Statement) -> Option<Address> {
        let word = line.words.first()?;
        let (text, length) = match word.text.split_once('/') {
            Some((text, length)) => (text, Some(length)),
            None => (word.text.as_str(), None),
        };
        let Ok(ip) = text.parse::<IpAddr>() else {
            let found =
                Diagnostic::at(Code::AddressInvalid, word.span, format!("`{}` is not an address", word.text));
            let known = keywords::INSTANCE.iter().any(|keyword| keyword.name == word.text);
            self.diagnostics.push(match known {
                true => found.help("it is a keyword of vrrp_instance: is the `}` of the block missing?"),
                false => found
                    .label("the line is skipped")
                    .help("IP[/LENGTH] [dev IF] [label LABEL] [brd IP] [scope SCOPE]"),
            });
            return None;
        };
        if let Some(kind) = no_host(ip) {
            let (code, label) = match ip {
                IpAddr::V4(_) => (Code::AddressOdd, "no host can reach it"),
                IpAddr::V6(_) => (Code::AddressRefused, "no kernel sets it; the line is skipped"),
            };
            let message = format!("`{}` is {kind}", word.text);
            self.diagnostics.push(Diagnostic::at(code, word.span, message).label(label));
            if ip.is_ipv6() {
                return None;
            }
        }
        let bits: u8 = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = match length.map(|length| ranged(length, 0, i64::from(bits))) {
            None => bits,
            Some(Ok(length)) => u8::try_from(length).unwrap_or(bits),
            Some(Err(_)) => {
                let message = format!("`{}` has no prefix length of 0 to {bits}; {bits} is used", word.text);
                self.diagnostics.push(Diagnostic::at(Code::NumberInvalid, word.span, message));
                bits
            }
        };
        let span = word.span.to(line.words.last().map_or(word.span, |last| last.span));
        let mut address = Address {
            address: ip,
            prefix,
            dev: None,
            label: None,
            broadcast: None,
            scope: None,
            no_track: false,
            span,
        };
        let mut words = line.words.iter().skip(1);
        while let Some(option) = words.next() {
            let Some(known) = OPTIONS.iter().find(|known| known.name == option.text) else {
                let message = format!("`{}` is no option of an address", option.text);
                let mut found = Diagnostic::at(Code::AddressInvalid, option.span, message);
                if let Some(near) = suggest::nearest(&option.text, OPTIONS.iter().map(|known| known.name)) {
                    found = found.replace(near);
                }
                self.diagnostics.push(found.label("this word is skipped"));
                continue;
            };
            self.standing(known, option);
            if known.values.is_empty() {
                address.no_track |= known.name == "no_track";
                continue;
            }
            let Some(value) = words.next() else {
                let message = format!("`{}` needs a value", option.text);
                self.diagnostics.push(Diagnostic::at(Code::AddressInvalid, option.span, message));
                break;
            };
            self.option(&mut address, option, value)?;
        }
        Some(address)
    }

    fn standing(&mut self, known: &'static AddressOption, word: &Word) {
        match known.standing {
            Standing::Carried | Standing::Wire => {}
            Standing::Later(why) => self.once(Code::KeywordLater, known.name, why, word.span),
            Standing::Obsolete(why) => self.once(Code::KeywordObsolete, known.name, why, word.span),
            Standing::LaterWire(why) => {
                let message = format!("`{}` is not carried out yet, and without it {why}", known.name);
                self.diagnostics.push(Diagnostic::at(Code::KeywordWire, word.span, message));
            }
        }
    }

    /// Reads the value of an option; `None` if the address cannot be used without it.
    fn option(&mut self, address: &mut Address, option: &Word, value: &Word) -> Option<()> {
        match option.text.as_str() {
            "dev" => address.dev = Some(Spanned::new(value.text.clone(), value.span)),
            "label" if address.address.is_ipv6() => {
                let message = "an IPv6 address has no label; it is set without";
                self.diagnostics.push(Diagnostic::at(Code::AddressInvalid, value.span, message));
            }
            "label" if value.text.len() > LABEL_LIMIT => {
                let message = format!("the label `{}` is longer than {LABEL_LIMIT} bytes", value.text);
                let found = Diagnostic::at(Code::AddressInvalid, value.span, message);
                self.diagnostics.push(found.label("the address is skipped, as keepalived does"));
                return None;
            }
            "label" => address.label = Some(value.text.clone()),
            "brd" | "broadcast" => match broadcast(address, &value.text) {
                Some(broadcast) => address.broadcast = broadcast,
                None => {
                    let message = format!("`{}` is not a broadcast address", value.text);
                    let found = Diagnostic::at(Code::AddressInvalid, value.span, message);
                    self.diagnostics.push(found.label("allowed: an IPv4 address, + or -"));
                }
            },
            "scope" => match scope(&value.text) {
                Some(scope) => address.scope = Some(scope),
                None => {
                    let message = format!("`{}` is not a scope", value.text);
                    let found = Diagnostic::at(Code::AddressInvalid, value.span, message);
                    self.diagnostics
                        .push(found.label("allowed: global, site, link, host, nowhere, 0 to 255"));
                }
            },
            _ => {}
        }
        Some(())
    }
}

/// What an address is that cannot be the address of a host.
fn no_host(ip: IpAddr) -> Option<&'static str> {
    if ip.is_unspecified() {
        Some("the address of nobody")
    } else if ip.is_loopback() {
        Some("a loopback address")
    } else if ip.is_multicast() {
        Some("a multicast group")
    } else {
        matches!(ip, IpAddr::V4(ip) if ip.is_broadcast()).then_some("the broadcast address")
    }
}

/// The broadcast address, `+` with all host bits set and `-` with none; `None` if it cannot be read.
fn broadcast(address: &Address, text: &str) -> Option<Option<Ipv4Addr>> {
    let IpAddr::V4(ip) = address.address else { return None };
    let hosts = u32::MAX.checked_shr(u32::from(address.prefix)).unwrap_or(0);
    match text {
        "+" => Some(Some(Ipv4Addr::from_bits(ip.to_bits() | hosts))),
        "-" => Some(Some(Ipv4Addr::from_bits(ip.to_bits() & !hosts))),
        text => text.parse().ok().map(Some),
    }
}

/// A scope as the kernel counts.
fn scope(text: &str) -> Option<u8> {
    match text {
        "global" => Some(0),
        "site" => Some(200),
        "link" => Some(253),
        "host" => Some(254),
        "nowhere" => Some(255),
        number => ranged(number, 0, 255).ok().and_then(|number| u8::try_from(number).ok()),
    }
}
