//! Command lines: quotes and escapes, and the user behind them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::super::command::{self, Command, UserSpec};
use super::super::diagnostic::Diagnostic;
use super::super::lexer::Word;
use super::super::severity::Code;
use super::super::text;
use super::super::tree::Statement;
use super::Reader;

impl Reader<'_> {
    /// Reads `COMMAND [USER [[:]GROUP]]` into the slot, unless a command stands there.
    ///
    /// keepalived takes the line apart twice: first into the command and the user, then the command into words.
    pub(super) fn command(&mut self, statement: &Statement, with_user: bool, slot: &mut Option<Command>) {
        let line = statement.line.as_str();
        let Some(parts) = command::split(line.as_bytes()) else {
            let message = format!("a quote or an escape of `{}` is not finished", statement.keyword());
            let found = Diagnostic::at(Code::CommandMissing, statement.line.whole(), message);
            return self.diagnostics.push(found.label("the command is not run"));
        };
        let Some(part) = parts.get(1) else {
            let message = format!("`{}` needs a command", statement.keyword());
            let code = if with_user { Code::ValueMissing } else { Code::CommandMissing };
            return self.diagnostics.push(Diagnostic::at(code, statement.head(), message));
        };
        let span = statement.line.span(part.range.clone());
        let rest: Vec<Word> = parts
            .iter()
            .skip(2)
            .map(|part| Word {
                text: text::readable(String::from_utf8_lossy(&part.bytes).into_owned()),
                raw: None,
                span: statement.line.span(part.range.clone()),
            })
            .collect();
        if let (Some(first), Some(last)) = (rest.get(if with_user { 2 } else { 0 }), rest.last()) {
            let message = format!("words behind the command of `{}` are not read", statement.keyword());
            let found = Diagnostic::at(Code::CommandCut, first.span.to(last.span), message);
            self.diagnostics.push(found.help("put the command and its arguments into quotes"));
        }
        let user = if with_user { user(&rest) } else { None };
        // Every byte of the line that is not UTF-8 is the file's own again, wherever the split left it.
        let text = OsString::from_vec(match std::str::from_utf8(&part.bytes) {
            Ok(text) => text::encode(text),
            Err(_) => part.bytes.clone(),
        });
        let Some(read) = Command::new(text, user, span) else {
            let message = "a quote or an escape inside of the command is not finished";
            return self.diagnostics.push(Diagnostic::at(Code::CommandMissing, span, message));
        };
        if let Some(before) = slot {
            let message = format!("`{}` is written twice; the first one counts", statement.keyword());
            let found = Diagnostic::at(Code::NameRepeated, span, message);
            return self.diagnostics.push(found.context(before.span, "first one"));
        }
        *slot = Some(read);
    }
}

/// `USER [:][GROUP]`; a `:` takes the user's other groups over.
pub(super) fn user(words: &[Word]) -> Option<UserSpec> {
    let first = words.first()?;
    let mut spec = UserSpec { user: first.text.clone(), group: None, supplementary: false, span: first.span };
    if let Some(second) = words.get(1) {
        let name = second.text.strip_prefix(':');
        spec.supplementary = name.is_some();
        let name = name.unwrap_or(&second.text);
        spec.group = (!name.is_empty()).then(|| name.to_string());
        spec.span = first.span.to(second.span);
    }
    Some(spec)
}
