//! From files to one stream of lines and braces: includes, `@id` lines, `$NAME` definitions.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::lexer::{self, Item};
use super::severity::Code;
use super::source::{self, DEPTH_LIMIT, FILES_LIMIT, Files, ReadError};
use super::span::{Place, Span};
use super::text::Text;

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
        let text = String::from_utf8_lossy(bytes);
        let lossy = matches!(text, std::borrow::Cow::Owned(_));
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_string();
        let file = self.diagnostics.sources.add(path.to_path_buf(), text.clone());
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
        if let Some(at) = text.find(char::REPLACEMENT_CHARACTER).filter(|_| lossy) {
            self.diagnostics.push(Diagnostic::at(
                Code::FileNotUtf8,
                Span::new(file, at, at + char::REPLACEMENT_CHARACTER.len_utf8()),
                "this byte is not UTF-8; every such byte is read as U+FFFD",
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
                .help("the rest of the line is taken as quoted; add the closing `\"`"),
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

    /// The line with all `$NAME` replaced; more than one line if the last is a multi-line definition.
    fn substitute(&mut self, text: &Text, depth: usize) -> Vec<Text> {
        let line = text.as_str();
        let mut out = Text::default();
        let mut from = 0;
        while let Some(at) = line[from..].find('$').map(|at| from + at) {
            let Some(used) = Use::at(line, at) else {
                out.push_text(text, from..at + 1);
                from = at + 1;
                continue;
            };
            out.push_text(text, from..at);
            from = used.end;
            let span = text.span(at..used.end);
            let Some(definition) = self.definitions.get(used.name) else {
                self.unknown(line, &used, span);
                out.push_text(text, at..used.end);
                continue;
            };
            if depth >= USE_LIMIT {
                let message = format!("the definition of `{}` uses itself", used.name);
                let place = Span { at: definition.place, via: None };
                self.diagnostics
                    .push(Diagnostic::at(Code::DefinitionLoop, span, message).context(place, "defined here"));
                self.stopped = true;
                return Vec::new();
            }
            let size: usize = definition.lines.iter().map(|line| line.as_str().len() + 1).sum();
            self.expanded = self.expanded.saturating_add(size);
            if self.expanded > EXPANSION_LIMIT {
                let limit = EXPANSION_LIMIT >> 20;
                self.stop(Some(span), format!("the definitions write more than {limit} MiB of text"));
                return Vec::new();
            }
            let place = definition.place;
            let lines: Vec<Text> = definition.lines.iter().map(|line| line.as_used(span.at, place)).collect();
            if definition.multiline && lines.len() > 1 {
                if used.end == line.len() {
                    let mut lines = lines.into_iter();
                    let first = lines.next().unwrap_or_default();
                    for part in self.substitute(&first, depth + 1) {
                        out.push_text(&part, 0..part.as_str().len());
                    }
                    return std::iter::once(out).chain(lines).collect();
                }
                // A block cannot stand in the middle of a line.
                out.push_text(text, at..used.end);
                continue;
            }
            for line in lines {
                for part in self.substitute(&line, depth + 1) {
                    out.push_text(&part, 0..part.as_str().len());
                }
            }
        }
        out.push_text(text, from..line.len());
        vec![out]
    }

    fn unknown(&mut self, line: &str, used: &Use<'_>, span: Span) {
        let word = used.name.split(' ').next().unwrap_or(used.name);
        if ["_PWD", "_INSTANCE", "_RANDOM", "_ENV", "_HASH", "_BANG"].contains(&word) {
            self.diagnostics.push(Diagnostic::at(
                Code::LanguageLater,
                span,
                format!("the predefined `${{{word}}}` is not built yet"),
            ));
        } else if used.braces && !line.contains('"') {
            // In a quoted command it is the shell's own variable.
            let known = self.definitions.keys().map(String::as_str);
            let help = match super::suggest::nearest(used.name, known) {
                Some(known) => format!("did you mean `${{{known}}}`?"),
                None => format!("define it before with a line `${}=VALUE`", used.name),
            };
            let message = format!("`{}` is not defined; it is kept as it stands", used.name);
            self.diagnostics.push(Diagnostic::at(Code::DefinitionUnknown, span, message).help(help));
        }
    }

    /// Reads the files of an include line; says whether the line was one.
    fn include(&mut self, text: &Text) -> bool {
        if !text.as_str().starts_with("include") {
            return false;
        }
        let words = lexer::words(text);
        let Some(checks) = words.first().and_then(|word| Checks::of(&word.text)) else { return false };
        let Some(word) = words.get(1) else {
            self.diagnostics.push(
                Diagnostic::at(Code::ValueMissing, text.whole(), "`include` needs the path of a file")
                    .help("include /etc/keepalived/conf.d/*.conf"),
            );
            return true;
        };
        if self.stack.len() >= DEPTH_LIMIT {
            self.stop(Some(word.span), format!("files include each other more than {DEPTH_LIMIT} deep"));
            return true;
        }
        let place = word.span;
        let directory = self.diagnostics.sources.path(place.at.file).parent().map(Path::to_path_buf);
        let base = directory.unwrap_or_default();
        for pattern in source::braces(&word.text) {
            let pattern = base.join(pattern).to_string_lossy().into_owned();
            let found = self.files.matching(&pattern);
            if found.is_empty() && checks.requires(&pattern, &word.text) {
                let message = format!("no file matches `{pattern}`");
                self.diagnostics.push(Diagnostic::at(Code::FileUnreadable, place, message));
            }
            for path in found {
                if self.stopped {
                    return true;
                }
                self.open_file(&path, place, checks);
            }
        }
        true
    }

    fn open_file(&mut self, path: &Path, span: Span, checks: Checks) {
        let identity = self.files.identity(path);
        if let Some(at) = self.stack.iter().position(|(open, _)| *open == identity) {
            let mut found =
                Diagnostic::at(Code::FileLoop, span, format!("{} includes itself", path.display()))
                    .label("included again here");
            for (_, by) in self.stack.iter().skip(at + 1) {
                if let Some(by) = by {
                    found = found.context(*by, "by way of this line");
                }
            }
            return self.diagnostics.push(found.help("remove one of the include lines of the chain"));
        }
        match self.files.read(path) {
            Ok(bytes) => self.text(path, &bytes, Some(span)),
            Err(ReadError::TooLarge) => {
                self.stop(Some(span), format!("{}: {}", path.display(), ReadError::TooLarge));
            }
            Err(error) => {
                let code = if checks.read { Code::FileUnreadable } else { Code::FileSkipped };
                let message = format!("{} is not read: {error}", path.display());
                let found = Diagnostic::at(code, span, message);
                self.diagnostics.push(match error {
                    ReadError::Executable => found.help(format!("chmod a-x {}", path.display())),
                    ReadError::Io(_) | ReadError::NotRegular | ReadError::TooLarge => found,
                });
            }
        }
    }

    fn stop(&mut self, span: Option<Span>, message: String) {
        self.stopped = true;
        self.diagnostics.push(match span {
            Some(span) => Diagnostic::at(Code::FileLarge, span, message),
            None => Diagnostic::nowhere(Code::FileLarge, message),
        });
    }
}

/// A `$NAME` or `${NAME}` in a line.
struct Use<'a> {
    name: &'a str,
    end: usize,
    braces: bool,
}

impl<'a> Use<'a> {
    fn at(line: &'a str, dollar: usize) -> Option<Self> {
        let rest = &line[dollar + 1..];
        if let Some(body) = rest.strip_prefix('{') {
            let length = body.bytes().take(NAME_LIMIT).position(|byte| byte == b'}')?;
            let name = &body[..length];
            let word = name.split(' ').next().unwrap_or("");
            return is_name(word).then_some(Self { name, end: dollar + 2 + length + 1, braces: true });
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..length];
        let ended = rest[length..].chars().next().is_none_or(|c| matches!(c, ' ' | '\t' | ',' | ')'));
        (is_name(name) && ended).then_some(Self { name, end: dollar + 1 + length, braces: false })
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What an include line insists on.
#[derive(Clone, Copy)]
struct Checks {
    read: bool,
    plain: bool,
    wildcard: bool,
    brace: bool,
}

impl Checks {
    fn of(word: &str) -> Option<Self> {
        let all = word == "includea";
        matches!(word, "include" | "includer" | "includem" | "includew" | "includeb" | "includea").then_some(
            Self {
                read: all || word == "includer",
                plain: all || word == "includem",
                wildcard: all || word == "includew",
                brace: all || word == "includeb",
            },
        )
    }

    fn requires(self, pattern: &str, written: &str) -> bool {
        let wildcard = pattern.contains(['*', '?', '[']);
        (wildcard && self.wildcard) || (!wildcard && self.plain) || (written.contains('{') && self.brace)
    }
}
