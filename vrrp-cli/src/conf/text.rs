//! Bytes as text, and a line on its way through comments and substitution, each byte of which knows where it came from.

use std::ops::Range;

use super::span::{Place, Span};

/// A byte that is not UTF-8 is kept as a private character, as long as U+FFFD and this far from it.
const RAW: u32 = 0xf700;

/// Bytes as text in which every byte that is not UTF-8 is a character of its own, and the place of the first.
pub(super) fn decode(bytes: &[u8]) -> (String, Option<usize>) {
    let (mut text, mut first) = (String::with_capacity(bytes.len()), None);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            first.get_or_insert(text.len());
        }
        text.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(RAW + u32::from(byte))));
    }
    (text, first)
}

/// The bytes that a text was decoded from.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        match raw(character) {
            Some(byte) => out.push(byte),
            None => out.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out
}

/// The text for people: what is not UTF-8 is U+FFFD, and no place moves.
pub(super) fn readable(text: String) -> String {
    match text.contains(|c| raw(c).is_some()) {
        true => {
            text.chars().map(|c| if raw(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }).collect()
        }
        false => text,
    }
}

fn raw(character: char) -> Option<u8> {
    u8::try_from(u32::from(character).checked_sub(RAW)?).ok().filter(|byte| *byte >= 0x80)
}

/// A piece of text whose bytes map back to files.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    from: usize,
    origin: Origin,
}

/// Where a stretch of text came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// Byte for byte from a file, beginning here.
    File(Place),
    /// Written by a definition: all of it points at the use.
    Definition { used: Place, defined: Place },
}

impl Text {
    /// Appends a stretch from one origin.
    pub(super) fn push(&mut self, text: &str, origin: Origin) {
        if text.is_empty() {
            return;
        }
        let from = self.text.len();
        let continued =
            self.pieces.last().is_some_and(|last| last.origin.advanced(from - last.from).is(&origin));
        if !continued {
            self.pieces.push(Piece { from, origin });
        }
        self.text.push_str(text);
    }

    /// Appends part of another text with its origins.
    pub(super) fn push_text(&mut self, other: &Self, range: Range<usize>) {
        let first = other.pieces.partition_point(|piece| piece.from <= range.start).saturating_sub(1);
        for (index, piece) in other.pieces.iter().enumerate().skip(first) {
            if piece.from >= range.end {
                break;
            }
            let ends = other.pieces.get(index + 1).map_or(other.text.len(), |next| next.from);
            let (from, to) = (piece.from.max(range.start), ends.min(range.end));
            if from < to {
                let origin = piece.origin.advanced(from - piece.from);
                self.push(other.text.get(from..to).unwrap_or(""), origin);
            }
        }
    }

    /// Part of the text.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let mut out = Self::default();
        out.push_text(self, range);
        out
    }

    /// The same text without blanks at both ends.
    pub(super) fn trimmed(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        self.slice(start..start.max(self.text.trim_end().len()))
    }

    /// The text with every byte attributed to a use of a definition.
    pub(super) fn as_used(&self, used: Place, defined: Place) -> Self {
        let mut out = Self::default();
        out.push(&self.text, Origin::Definition { used, defined });
        out
    }

    /// The characters.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Where a range of the text stands.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let last = range.end.saturating_sub(1).max(range.start);
        match (self.byte(range.start), self.byte(last)) {
            (Some(first), Some(last)) => first.to(last),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => Span::new(super::span::FileId(0), 0, 0),
        }
    }

    /// The stretches that definitions wrote, with the places of the use and of the definition.
    pub(super) fn defined(&self) -> impl Iterator<Item = (&str, Span)> {
        self.pieces.iter().enumerate().filter_map(|(index, piece)| match piece.origin {
            Origin::Definition { used, defined } => {
                let end = self.pieces.get(index + 1).map_or(self.text.len(), |next| next.from);
                Some((self.text.get(piece.from..end)?, Span { at: used, via: Some(defined) }))
            }
            Origin::File(_) => None,
        })
    }

    /// Where the whole text stands.
    pub(super) fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    fn byte(&self, at: usize) -> Option<Span> {
        let index = self.pieces.partition_point(|piece| piece.from <= at).checked_sub(1)?;
        let piece = self.pieces.get(index)?;
        Some(match piece.origin.advanced(at - piece.from) {
            Origin::File(place) => {
                Span { at: Place { end: place.start.saturating_add(1), ..place }, via: None }
            }
            Origin::Definition { used, defined } => Span { at: used, via: Some(defined) },
        })
    }
}

impl Origin {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(left), Self::File(right)) => left.file == right.file && left.start == right.start,
            (
                Self::Definition { used, defined },
                Self::Definition { used: other_used, defined: other_defined },
            ) => used == other_used && defined == other_defined,
            (Self::File(_), Self::Definition { .. }) | (Self::Definition { .. }, Self::File(_)) => false,
        }
    }

    fn advanced(self, bytes: usize) -> Self {
        match self {
            Self::File(place) => {
                let start = place.start.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
                Self::File(Place { start, end: start, ..place })
            }
            Self::Definition { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_through_text_and_places_stay() {
        let bytes = b"a\xfc\xff \xe4\xb8 \xe4\xb8\xad";
        let (text, first) = decode(bytes);
        assert_eq!((encode(&text), first), (bytes.to_vec(), Some(1)));
        let shown = readable(text.clone());
        assert_eq!(shown.len(), text.len());
        assert_eq!(shown, "a\u{fffd}\u{fffd} \u{fffd}\u{fffd} 中");
    }
}
