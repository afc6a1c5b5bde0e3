//! The values behind a keyword, by the form that the table gives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::draft::Target;
use super::super::keywords::{Form, Keyword, Standing};
use super::super::lexer::Word;
use super::super::model::Weight;
use super::super::number::{self, NumberError, Seconds};
use super::super::severity::Code;
use super::super::span::{Secret, Spanned};
use super::super::tree::Statement;
use super::Reader;

impl Reader<'_> {
    /// Reads the values of one statement into the target.
    pub(super) fn values<T: Target>(
        &mut self,
        keyword: &'static Keyword<T>,
        statement: &Statement,
        target: &mut T,
    ) {
        let line = Line { statement, wire: keyword.standing == Standing::Wire };
        match &keyword.form {
            Form::Flag(set) => {
                self.spare(statement, 1);
                set(target, Spanned::new(true, statement.head()));
            }
            Form::Bool(set) => self.boolean(&line).into_iter().for_each(|value| set(target, value)),
            Form::Seconds(min, max, set) => {
                let range = (Duration::from_nanos(*min), Duration::from_nanos(*max));
                self.seconds(&line, range).into_iter().for_each(|value| set(target, value));
            }
            Form::Number(min, max, set) => {
                self.number(&line, *min, *max).into_iter().for_each(|value| set(target, value));
            }
            Form::Count(max, set) => {
                if let Some(mut value) = self.number(&line, 0, *max) {
                    if value.value == 0 {
                        let message = format!("`{} 0` is read as 1", keyword.name);
                        self.diagnostics.push(Diagnostic::at(Code::Adjusted, value.span, message));
                        value.value = 1;
                    }
                    set(target, value);
                }
            }
            Form::Choice(words, set) => {
                self.choice(&line, words).into_iter().for_each(|value| set(target, value));
            }
            Form::Word(set) => {
                if let Some(word) = self.word(&line) {
                    set(target, Spanned::new(word.text.clone(), word.span));
                }
            }
            Form::Secret(set) => {
                self.hide(statement);
                if let Some(word) = self.word(&line) {
                    set(target, Spanned::new(Secret::new(word.bytes().to_vec()), word.span));
                }
            }
            Form::Words(least, set) => {
                let words = statement.words.get(1..).unwrap_or(&[]);
                if words.len() < *least {
                    self.word_at(&line);
                    return;
                }
                let words = words.iter().map(|word| Spanned::new(word.text.clone(), word.span));
                set(target, words.collect());
            }
            Form::Ip(set) => self.ip(&line).into_iter().for_each(|value| set(target, value)),
            Form::Group4(set) => {
                let group = |ip: IpAddr| match ip {
                    IpAddr::V4(ip) if ip.is_multicast() => Some(ip),
                    IpAddr::V4(_) | IpAddr::V6(_) => None,
                };
                let group: Option<Spanned<Ipv4Addr>> = self.group(&line, group, "an IPv4 multicast group");
                group.into_iter().for_each(|value| set(target, value));
            }
            Form::Group6(set) => {
                let group = |ip: IpAddr| match ip {
                    IpAddr::V6(ip) if ip.segments()[0] & 0xff0f == 0xff02 => Some(ip),
                    IpAddr::V4(_) | IpAddr::V6(_) => None,
                };
                let group: Option<Spanned<Ipv6Addr>> =
                    self.group(&line, group, "a link-local multicast group");
                group.into_iter().for_each(|value| set(target, value));
            }
            Form::Weight(limit, set) => {
                let words = statement.words.get(1..).unwrap_or(&[]);
                if self.word_at(&line).is_some()
                    && let Some((weight, used)) = self.weight(words, *limit, true)
                {
                    self.spare(statement, 1 + used);
                    set(target, weight);
                }
            }
            Form::User(set) => {
                let words = statement.words.get(1..).unwrap_or(&[]);
                if self.word_at(&line).is_some()
                    && let Some(user) = super::command::user(words)
                {
                    self.spare(statement, 3);
                    set(target, user);
                }
            }
            Form::Command(slot) => self.command(statement, true, slot(target)),
            Form::PlainCommand(slot) => self.command(statement, false, slot(target)),
            Form::List(set) => {
                if let Some((_, lines)) = self.lines(&keyword.form, statement) {
                    let words = lines.iter().flat_map(|line| &line.words);
                    set(target, words.map(|word| Spanned::new(word.text.clone(), word.span)).collect());
                }
            }
            Form::Addresses(set) => {
                if let Some((_, lines)) = self.lines(&keyword.form, statement) {
                    let read = lines.iter().filter_map(|line| self.address(line)).collect();
                    set(target, read);
                }
            }
            Form::Tracks(limit, set) => {
                if let Some((_, lines)) = self.lines(&keyword.form, statement) {
                    let read = lines.iter().filter_map(|line| self.tracked(line, *limit)).collect();
                    set(target, read);
                }
            }
            Form::Peers(set) => {
                if let Some((_, lines)) = self.lines(&keyword.form, statement) {
                    let read = lines.iter().filter_map(|line| self.peer(line)).collect();
                    set(target, statement.head(), read);
                }
            }
            Form::Block(table) => {
                self.spare(statement, 1);
                if let Some(block) = self.required_block(statement) {
                    self.block(table, Some(statement), &block.statements, target);
                }
            }
            Form::Root(_, read) => read(self, statement, target),
            Form::Unread(..) => {}
        }
    }

    /// The one word of a line; says so if there is none or more.
    fn word<'s>(&mut self, line: &Line<'s>) -> Option<&'s Word> {
        let word = self.word_at(line)?;
        self.spare(line.statement, 2);
        Some(word)
    }

    fn word_at<'s>(&mut self, line: &Line<'s>) -> Option<&'s Word> {
        let word = line.statement.words.get(1);
        if word.is_none() {
            let code = match line.statement.keyword() {
                "default_interface" | "notification_email_from" | "router_id" | "script_user" => {
                    Code::ValueInvalid
                }
                _ if line.wire => Code::ValueMissingWire,
                _ => Code::ValueMissing,
            };
            let message = format!("`{}` needs a value", line.statement.keyword());
            self.diagnostics.push(Diagnostic::at(code, line.statement.head(), message));
        }
        word
    }

    fn boolean(&mut self, line: &Line<'_>) -> Option<Spanned<bool>> {
        let Some(word) = line.statement.words.get(1) else {
            return Some(Spanned::new(true, line.statement.head()));
        };
        self.spare(line.statement, 2);
        match word.text.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" => Some(Spanned::new(true, word.span)),
            "off" | "false" | "no" => Some(Spanned::new(false, word.span)),
            _ => {
                self.invalid(line, word, "on, off, true, false, yes or no");
                None
            }
        }
    }

    fn seconds(&mut self, line: &Line<'_>, (min, max): (Duration, Duration)) -> Option<Spanned<Duration>> {
        let word = self.word(line)?;
        let read = number::seconds(&word.text).and_then(|value| match value >= min && value <= max {
            true => Ok(value),
            false => Err(NumberError::Range),
        });
        let range = format!("{} to {} seconds", Seconds(min), Seconds(max));
        self.checked(line, word, read, &range)
    }

    fn number(&mut self, line: &Line<'_>, min: i64, max: i64) -> Option<Spanned<i64>> {
        let word = self.word(line)?;
        self.checked(line, word, ranged(&word.text, min, max), &format!("{min} to {max}"))
    }

    fn checked<V>(
        &mut self,
        line: &Line<'_>,
        word: &Word,
        read: Result<V, NumberError>,
        range: &str,
    ) -> Option<Spanned<V>> {
        let name = line.statement.keyword();
        let message = match read {
            Ok(value) => return Some(Spanned::new(value, word.span)),
            Err(NumberError::Malformed) => format!("`{}` of `{name}` is not a number", word.text),
            Err(NumberError::Range) => format!("`{}` of `{name}` is out of range", word.text),
        };
        let code = if line.wire { Code::NumberWire } else { Code::NumberInvalid };
        let found = Diagnostic::at(code, word.span, message).label(format!("allowed: {range}"));
        self.diagnostics.push(if line.wire { found } else { found.help("the default is used") });
        None
    }

    fn choice(&mut self, line: &Line<'_>, words: &'static [&'static str]) -> Option<Spanned<usize>> {
        let word = self.word(line)?;
        let index = words.iter().position(|known| *known == word.text);
        if index.is_none() {
            self.invalid(line, word, &words.join(" or "));
        }
        index.map(|index| Spanned::new(index, word.span))
    }

    fn ip(&mut self, line: &Line<'_>) -> Option<Spanned<IpAddr>> {
        let word = self.word(line)?;
        let ip = word.text.parse().ok();
        if ip.is_none() {
            self.invalid(line, word, "an IP address");
        }
        ip.map(|ip| Spanned::new(ip, word.span))
    }

    fn group<V>(
        &mut self,
        line: &Line<'_>,
        group: impl Fn(IpAddr) -> Option<V>,
        wanted: &str,
    ) -> Option<Spanned<V>> {
        let word = self.word(line)?;
        let read = word.text.parse().ok().and_then(group);
        if read.is_none() {
            self.invalid(line, word, wanted);
        }
        read.map(|ip| Spanned::new(ip, word.span))
    }

    fn invalid(&mut self, line: &Line<'_>, word: &Word, wanted: &str) {
        let name = line.statement.keyword();
        let message = format!("`{}` cannot be the value of `{name}`", word.text);
        let code = if line.wire { Code::ValueWire } else { Code::ValueInvalid };
        let found = Diagnostic::at(code, word.span, message).label(format!("allowed: {wanted}"));
        let same = wanted.split(" or ").find(|known| known.eq_ignore_ascii_case(&word.text));
        self.diagnostics.push(match same {
            Some(same) => found.replace(same).help("capital letters count"),
            None if line.wire => found,
            None => found.help("the default is used"),
        });
    }

    /// Reads `N [reverse]` and says how many words it took.
    pub(super) fn weight(
        &mut self,
        words: &[Word],
        limit: i64,
        fatal: bool,
    ) -> Option<(Spanned<Weight>, usize)> {
        let word = words.first()?;
        let Ok(value) = ranged(&word.text, -limit, limit) else {
            let code = if fatal { Code::NumberWire } else { Code::NumberInvalid };
            let message = format!("`{}` is not a weight", word.text);
            let found = Diagnostic::at(code, word.span, message);
            self.diagnostics.push(found.label(format!("allowed: {} to {limit}", -limit)));
            return None;
        };
        let mut weight = Weight { value: i16::try_from(value).unwrap_or(0), reverse: false };
        match words.get(1).map(|word| word.text.as_str()) {
            Some("reverse") => weight.reverse = true,
            Some("noreverse") => {}
            _ => return Some((Spanned::new(weight, word.span), 1)),
        }
        Some((Spanned::new(weight, word.span), 2))
    }
}

/// A statement and whether the wire depends on its value.
pub(super) struct Line<'s> {
    statement: &'s Statement,
    wire: bool,
}

/// A whole number in a range.
pub(super) fn ranged(text: &str, min: i64, max: i64) -> Result<i64, NumberError> {
    let value = number::integer(text)?;
    if value >= min && value <= max { Ok(value) } else { Err(NumberError::Range) }
}
