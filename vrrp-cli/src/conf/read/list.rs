//! Lines of `track_…` and `unicast_peer` blocks.

use std::net::IpAddr;

use super::super::diagnostic::Diagnostic;
use super::super::model::{Peer, Tracked};
use super::super::severity::Code;
use super::super::span::Spanned;
use super::super::tree::Statement;
use super::Reader;
use super::value::ranged;

impl Reader<'_> {
    /// `NAME [weight N [reverse|noreverse]]`
    pub(super) fn tracked(&mut self, line: &Statement, limit: i64) -> Option<Tracked> {
        let name = line.words.first()?;
        let name = Spanned::new(name.text.clone(), name.span);
        let Some(option) = line.words.get(1) else { return Some(Tracked { name, weight: None }) };
        let rest = line.words.get(2..).unwrap_or(&[]);
        if option.text != "weight" || rest.is_empty() {
            let message = format!("`{}` cannot stand behind `{}`", option.text, name.value);
            let found = Diagnostic::at(Code::ValueInvalid, option.span, message);
            self.diagnostics
                .push(found.label("not read; allowed: `weight NUMBER [reverse]`, one name a line"));
            return Some(Tracked { name, weight: None });
        }
        let (weight, used) = self.weight(rest, limit, true)?;
        self.spare(line, 2 + used);
        Some(Tracked { name, weight: Some(weight.value) })
    }

    /// `IP [min_ttl N] [max_ttl N]`
    pub(super) fn peer(&mut self, line: &Statement) -> Option<Peer> {
        let word = line.words.first()?;
        let Ok(address) = word.text.parse::<IpAddr>() else {
            let message = format!("`{}` is not the address of a peer", word.text);
            let found = Diagnostic::at(Code::ValueInvalid, word.span, message);
            self.diagnostics
                .push(found.label("the peer is skipped; it must be an IP address without a prefix"));
            return None;
        };
        if address.is_multicast() || address.is_unspecified() {
            let message = format!("`{}` is not the address of a host", word.text);
            let found = Diagnostic::at(Code::ValueWire, word.span, message);
            self.diagnostics.push(found.label("a peer must be one"));
            return None;
        }
        let mut peer = Peer { address: Spanned::new(address, word.span), min_ttl: None, max_ttl: None };
        let mut words = line.words.iter().skip(1);
        while let Some(option) = words.next() {
            let slot = match option.text.as_str() {
                "min_ttl" => &mut peer.min_ttl,
                "max_ttl" => &mut peer.max_ttl,
                _ => {
                    let message = format!("`{}` is no option of a peer", option.text);
                    let found = Diagnostic::at(Code::ValueInvalid, option.span, message);
                    self.diagnostics.push(found.label("allowed: min_ttl, max_ttl"));
                    return Some(peer);
                }
            };
            match words.next().map(|value| (value, ranged(&value.text, 0, 255))) {
                Some((_, Ok(ttl))) => *slot = u8::try_from(ttl).ok(),
                Some((value, Err(_))) => {
                    let message = format!("`{}` is not a TTL", value.text);
                    let found = Diagnostic::at(Code::NumberWire, value.span, message);
                    self.diagnostics.push(found.label("allowed: 0 to 255"));
                }
                None => {
                    let message = format!("`{}` needs a value", option.text);
                    self.diagnostics.push(Diagnostic::at(Code::ValueMissingWire, option.span, message));
                }
            }
        }
        Some(peer)
    }
}
