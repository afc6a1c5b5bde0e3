//! From files to one stream of lines and braces: includes, `@id` lines, `$NAME` definitions.

mod define;
mod include;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::lexer::{self, Item};
use super::severity::Code;
use super::source::{FILES_LIMIT, Files};
use super::span::{Place, Span};
use super::text::{self, Text};
use define::is_name;

/// All text that definitions may write, and all text that is read, in bytes.
const EXPANSION_LIMIT: usize = 4 << 20;
const TOTAL_LIMIT: usize = 32 << 20;
/// All lines and braces.
const ITEM_LIMIT: usize = 2 << 20;
/// Definitions may use definitions this deep.
const USE_LIMIT: usize = 32;
/// No `${NAME}` is longer.
pub(super) const NAME_LIMIT: usize = 256;

/// Reads files and hands out what is left of them.
pub(super) struct Expander<'a> {
    files: &'a dyn Files,
    config_id: Option<&'a str>,
    diagnostics: &'a mut Diagnostics,
    definitions: HashMap<String, Definition>,
    /// The multi-line definition that is being read.
    open: Option<String>,
    /// The files that are open, outermost first, and the include line of each.
    stack: Vec<(PathBuf, Option<Span>)>,
    expanded: usize,
    read: usize,
    stopped: bool,
    items: Vec<Item>,
}

struct Definition {
    lines: Vec<Text>,
    place: Place,
    multiline: bool,
}

impl<'a> Expander<'a> {
    pub(super) fn new(
        files: &'a dyn Files,
        config_id: Option<&'a str>,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Self {
            files,
            config_id,
            diagnostics,
            definitions: HashMap::new(),
            open: None,
            stack: Vec::new(),
            expanded: 0,
            read: 0,
            stopped: false,
            items: Vec::new(),
        }
    }

    /// The lines and braces of everything that was read; none if the reading had to stop.
    pub(super) fn finish(self) -> Option<Vec<Item>> {
        (!self.stopped).then_some(self.items)
    }

    /// Reads a text under a name.
    pub(super) fn text(&mut self, path: &Path, bytes: &[u8], included: Option<Span>) {
        self.read = self.read.saturating_add(bytes.len());
        if self.read > TOTAL_LIMIT || self.diagnostics.sources.count() >= FILES_LIMIT {
            return self
                .stop(included, format!("the configuration is longer than {} MiB", TOTAL_LIMIT >> 20));
        }
        let (text, raw) = text::decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let file = self.diagnostics.sources.add(path.to_path_buf(), text::readable(text.clone()));
        if let Some(at) = text.find('\0') {
            let found = Diagnostic::at(
                Code::FileNotText,
                Span::new(file, at, at),
                format!("{} is not a text file: it holds a NUL byte", path.display()),
            );
            let help = match bytes {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save it as UTF-8",
                _ => "is this the right file?",
            };
            return self.diagnostics.push(found.help(help));
        }
        if let Some(at) = raw {
            self.diagnostics.push(Diagnostic::at(
                Code::FileNotUtf8,
                Span::new(file, at, at + char::REPLACEMENT_CHARACTER.len_utf8()),
                "this byte is not UTF-8; passwords and commands keep such bytes",
            ));
        }
        self.stack.push((self.files.identity(path), included));
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if self.stopped {
                break;
            }
            let clean = lexer::clean(line.trim_end_matches(['\n', '\r']), file, start);
            self.complain(&clean);
            self.line(clean);
            start += line.len();
        }
        self.stack.pop();
    }

    fn complain(&mut self, clean: &lexer::Clean) {
        let Some((code, span)) = clean.finding else { return };
        self.diagnostics.push(match code {
            Code::QuoteOpen => Diagnostic::at(code, span, "this quote is not closed on its line")
                .help("what stands behind it is not read; add the closing `\"`"),
            _ => Diagnostic::at(code, span, "a comment begins here, inside of a word; the rest is not read")
                .help("write the character as `\\#` or `\\!`, or quote the word, if it belongs to the value"),
        });
    }

    /// A line of a file: part of a multi-line definition, or one to carry out.
    fn line(&mut self, clean: lexer::Clean) {
        let Some(name) = self.open.take() else {
            return self.carry_out(clean);
        };
        if let Some(definition) = self.definitions.get_mut(&name) {
            if !clean.text.as_str().is_empty() {
                definition.lines.push(clean.text);
            }
            if clean.continues {
                self.open = Some(name);
            }
        }
    }

    fn carry_out(&mut self, clean: lexer::Clean) {
        let mut queue = VecDeque::from([(clean.text, clean.continues, 0)]);
        while let Some((text, continues, depth)) = queue.pop_front() {
            if self.stopped {
                return;
            }
            let Some(text) = self.for_this_host(text) else { continue };
            if self.define(&text, continues) {
                continue;
            }
            if text.as_str().starts_with('~') {
                self.not_built(&text);
                continue;
            }
            let mut lines = self.substitute(&text, depth).into_iter();
            if let Some(first) = lines.next()
                && let Some(first) = self.for_this_host(first)
                && !self.include(&first)
            {
                self.items.extend(lexer::items(&first));
                if self.items.len() > ITEM_LIMIT {
                    self.stop(
                        Some(first.whole()),
                        format!("the configuration has more than {ITEM_LIMIT} lines"),
                    );
                }
            }
            for line in lines.rev() {
                queue.push_front((line, false, depth + 1));
            }
        }
    }

    /// Removes the `@id` of a line that is meant for this host; `None` if it is meant for others.
    fn for_this_host(&self, text: Text) -> Option<Text> {
        let line = text.as_str();
        let Some(rest) = line.strip_prefix('@') else { return Some(text) };
        let (others, rest) = match rest.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let length = rest.find([' ', '\t'])?;
        let same = self.config_id == Some(&rest[..length]);
        let from = line.len() - rest.len() + length;
        (same != others).then(|| text.slice(from..line.len()).trimmed())
    }

    /// Keeps `$NAME=VALUE`; says whether the line was one.
    fn define(&mut self, text: &Text, continues: bool) -> bool {
        let line = text.as_str();
        let Some((name, value)) = line.strip_prefix('$').and_then(|rest| rest.split_once('=')) else {
            return false;
        };
        if !is_name(name) {
            return false;
        }
        let from = line.len() - value.len();
        let value = text.slice(from..line.len()).trimmed();
        let lines = if continues && value.as_str().is_empty() { Vec::new() } else { vec![value] };
        let place = text.whole().at;
        self.definitions.insert(name.to_string(), Definition { lines, place, multiline: continues });
        self.open = continues.then(|| name.to_string());
        true
    }

    fn not_built(&mut self, text: &Text) {
        let word = text.as_str().split(['(', ' ', '\t']).next().unwrap_or("~").to_string();
        self.diagnostics.push(
            Diagnostic::at(
                Code::LanguageLater,
                text.span(0..word.len()),
                format!("`{word}` is not built yet: the lines it stands for are missing"),
            )
            .help("write the lines out"),
        );
    }

    fn stop(&mut self, span: Option<Span>, message: String) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        self.diagnostics.push(match span {
            Some(span) => Diagnostic::at(Code::FileLarge, span, message),
            None => Diagnostic::nowhere(Code::FileLarge, message),
        });
    }
}
