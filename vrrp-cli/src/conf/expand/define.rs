//! Uses of definitions.

use super::super::diagnostic::Diagnostic;
use super::super::severity::Code;
use super::super::span::Span;
use super::super::suggest;
use super::super::text::Text;
use super::{EXPANSION_LIMIT, Expander, NAME_LIMIT, USE_LIMIT};

impl Expander<'_> {
    /// The line with all `$NAME` replaced; more than one line if the last is a multi-line definition.
    pub(super) fn substitute(&mut self, text: &Text, depth: usize) -> Vec<Text> {
        let line = text.as_str();
        let mut out = Text::default();
        let mut from = 0;
        while let Some(at) = line[from..].find('$').map(|at| from + at) {
            let Some(used) = Use::at(line, at) else {
                self.unended(text, at);
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
                if !std::mem::replace(&mut self.stopped, true) {
                    let found = Diagnostic::at(Code::DefinitionLoop, span, message);
                    self.diagnostics.push(found.context(place, "defined here"));
                }
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

    /// A defined name that is not replaced because of what follows it.
    fn unended(&mut self, text: &Text, dollar: usize) {
        let name = bare_name(&text.as_str()[dollar + 1..]);
        if self.definitions.contains_key(name) {
            let span = text.span(dollar..dollar + 1 + name.len());
            let message = format!("`${name}` is not replaced: only a blank, `,` or `)` ends a name");
            let found = Diagnostic::at(Code::DefinitionUnknown, span, message);
            self.diagnostics.push(found.help(format!("write `${{{name}}}`")));
        }
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
            let help = match suggest::nearest(used.name, known) {
                Some(known) => format!("did you mean `${{{known}}}`?"),
                None => format!("define it before with a line `${}=VALUE`", used.name),
            };
            let message = format!("`{}` is not defined; it is kept as it stands", used.name);
            self.diagnostics.push(Diagnostic::at(Code::DefinitionUnknown, span, message).help(help));
        }
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
        let name = bare_name(rest);
        let length = name.len();
        let ended = rest[length..].chars().next().is_none_or(|c| matches!(c, ' ' | '\t' | ',' | ')'));
        (is_name(name) && ended).then_some(Self { name, end: dollar + 1 + length, braces: false })
    }
}

/// The letters, digits and underscores that a text begins with.
fn bare_name(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())]
}

pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
