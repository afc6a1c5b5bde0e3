//! Words of a line: in order, as `key=value`, or as a flag.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::str::FromStr;
use core::time::Duration;

use super::LineError;
use crate::time::Time;

/// The words of one line that were not taken yet.
pub(super) struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self(line.split_ascii_whitespace().collect())
    }

    /// Takes the next word.
    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, LineError> {
        match self.0.is_empty() {
            true => Err(LineError::new(format_args!("the line ends where {what} is expected"))),
            false => Ok(self.0.remove(0)),
        }
    }

    /// Takes the next word as a value.
    pub(super) fn parse<T: FromStr>(&mut self, what: &str) -> Result<T, LineError> {
        parse(what, self.word(what)?)
    }

    /// Takes the next word as a time.
    pub(super) fn time(&mut self) -> Result<Time, LineError> {
        time(self.word("a time")?)
    }

    /// Takes `key=value` wherever it stands.
    pub(super) fn value(&mut self, key: &str) -> Option<&'a str> {
        let of = |word: &&'a str| word.strip_prefix(key)?.strip_prefix('=');
        let (at, value) = self.0.iter().enumerate().find_map(|(at, word)| Some((at, of(word)?)))?;
        self.0.remove(at);
        Some(value)
    }

    /// Takes `key=value` and reads the value.
    pub(super) fn maybe<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, LineError> {
        self.value(key).map(|value| parse(key, value)).transpose()
    }

    /// Takes `key=value`, which must be there.
    pub(super) fn must<T: FromStr>(&mut self, key: &str) -> Result<T, LineError> {
        self.maybe(key)?.ok_or_else(|| LineError::new(format_args!("{key}= is missing")))
    }

    /// Takes a word that stands for itself.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| *word == name);
        at.map(|at| self.0.remove(at)).is_some()
    }

    /// All that is left, as it is written.
    pub(super) fn rest(self) -> String {
        self.0.join(" ")
    }

    /// Refuses what nobody took.
    pub(super) fn end(self) -> Result<(), LineError> {
        match self.0.first() {
            Some(word) => Err(LineError::new(format_args!("{word} does not belong there"))),
            None => Ok(()),
        }
    }
}

pub(super) fn parse<T: FromStr>(what: &str, word: &str) -> Result<T, LineError> {
    word.parse().map_err(|_| LineError::new(format_args!("{word} is not a value for {what}")))
}

/// Reads a comma-separated list; an empty text is an empty list.
pub(super) fn list<T>(text: &str, read: impl Fn(&str) -> Result<T, LineError>) -> Result<Vec<T>, LineError> {
    text.split(',').filter(|item| !item.is_empty()).map(read).collect()
}

/// Seconds with up to nine decimals.
pub(super) fn time(word: &str) -> Result<Time, LineError> {
    let span = span(word)?;
    let nanos = u64::try_from(span.as_nanos());
    nanos
        .map(Time::from_nanos)
        .map_err(|_| LineError::new(format_args!("{word} is later than a clock can be")))
}

/// Seconds with up to nine decimals.
pub(super) fn span(word: &str) -> Result<Duration, LineError> {
    let wrong = || LineError::new(format_args!("{word} is not a number of seconds with up to nine decimals"));
    let (secs, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if !digits(secs) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let secs: u64 = secs.parse().map_err(|_| wrong())?;
    let nanos = fraction.bytes().chain(core::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Ok(Duration::new(secs, nanos))
}

/// Writes a span as [`span`] reads it.
#[derive(PartialEq)]
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        let (mut fraction, mut width) = (self.0.subsec_nanos(), 9_usize);
        if fraction == 0 {
            return Ok(());
        }
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        write!(f, ".{fraction:0width$}")
    }
}

/// Writes a text as one word: what is not a letter, a digit or one of `_.:-` becomes `%` and two hex digits,
/// and nothing at all becomes `%`.
pub(super) struct Word<'a>(pub(super) &'a [u8]);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_char('%');
        }
        for &octet in self.0 {
            match octet {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' | b':' | b'-' => {
                    f.write_char(char::from(octet))?;
                }
                _ => write!(f, "%{octet:02x}")?,
            }
        }
        Ok(())
    }
}

/// Reads what [`Word`] wrote.
pub(super) fn octets(word: &str) -> Result<Vec<u8>, LineError> {
    if word == "%" {
        return Ok(Vec::new());
    }
    let mut octets = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            octets.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).unwrap_or((rest, &[]));
        octets.extend(hex(core::str::from_utf8(digits).unwrap_or_default())?);
        rest = after;
    }
    Ok(octets)
}

/// Reads what [`Word`] wrote of a text.
pub(super) fn text(word: &str) -> Result<String, LineError> {
    String::from_utf8(octets(word)?).map_err(|_| LineError::new(format_args!("{word} is not UTF-8")))
}

/// Writes octets as hex digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Reads octets from hex digits.
pub(super) fn hex(digits: &str) -> Result<Vec<u8>, LineError> {
    let wrong = || LineError::new(format_args!("{digits} is not a row of pairs of hex digits"));
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(wrong)
}

/// Writes items with commas between them.
pub(super) struct List<I>(pub(super) I);

impl<T: fmt::Display, I: Iterator<Item = T> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for item in self.0.clone() {
            write!(f, "{between}{item}")?;
            between = ",";
        }
        Ok(())
    }
}
