//! Carries out the table of keywords on the statements of a file.

mod address;
mod command;
mod list;
mod value;

pub(super) use address::OPTIONS as ADDRESS_OPTIONS;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::draft::{Draft, GroupDraft, InstanceDraft, ScriptDraft, Target};
use super::keywords::{self, Form, Keyword, Standing};
use super::severity::Code;
use super::span::{Span, Spanned};
use super::suggest;
use super::tree::{self, Block, Statement};

/// Reads statements into a draft and reports what it cannot read.
pub(crate) struct Reader<'a> {
    diagnostics: &'a mut Diagnostics,
    /// Keywords that make a warning or a note wherever they stand: said once, with their number.
    repeated: Vec<Repeated>,
}

struct Repeated {
    code: Code,
    name: &'static str,
    why: &'static str,
    first: Span,
    count: usize,
}

/// Reads a whole file.
pub(super) fn read(statements: &[Statement], diagnostics: &mut Diagnostics) -> Draft {
    let mut draft = Draft::default();
    let mut reader = Reader { diagnostics, repeated: Vec::new() };
    reader.block(keywords::ROOT, None, statements, &mut draft);
    reader.finish();
    draft
}

impl Reader<'_> {
    /// Reads the statements of a block; `owner` is the line it belongs to, none at the root.
    fn block<T: Target>(
        &mut self,
        table: &'static [Keyword<T>],
        owner: Option<&Statement>,
        statements: &[Statement],
        target: &mut T,
    ) {
        // A line without words is a quote that is not closed, which was reported.
        for statement in statements.iter().filter(|statement| !statement.words.is_empty()) {
            match table.iter().find(|keyword| keyword.name == statement.keyword()) {
                Some(keyword) => self.keyword(keyword, statement, target),
                None => self.unknown(table, owner, statement),
            }
        }
    }

    fn keyword<T: Target>(&mut self, keyword: &'static Keyword<T>, statement: &Statement, target: &mut T) {
        let head = statement.head();
        let name = keyword.name;
        match keyword.standing {
            Standing::Carried | Standing::Wire => {}
            Standing::Later(why) => self.once(Code::KeywordLater, name, why, head),
            Standing::LaterWire(why) => {
                let message = format!("`{name}` is not carried out yet, and without it {why}");
                let found = Diagnostic::at(Code::KeywordWire, head, message);
                self.diagnostics.push(found.help("remove the keyword if you can do without it"));
            }
            Standing::Obsolete(why) => self.once(Code::KeywordObsolete, name, why, head),
        }
        if let Some(block) = statement.block.as_ref().filter(|_| !keyword.form.takes_block()) {
            let message = format!("`{name}` takes no block; the block is skipped");
            self.diagnostics.push(Diagnostic::at(Code::BraceUnexpected, block.open, message));
        }
        target.written(name);
        self.values(keyword, statement, target);
    }

    /// Remembers a keyword to be mentioned.
    fn once(&mut self, code: Code, name: &'static str, why: &'static str, span: Span) {
        match self.repeated.iter_mut().find(|said| said.name == name && said.why == why) {
            Some(said) => said.count += 1,
            None => self.repeated.push(Repeated { code, name, why, first: span, count: 1 }),
        }
    }

    /// Mentions what was remembered, each at its first place.
    fn finish(self) {
        for Repeated { code, name, why, first, count } in self.repeated {
            let what = match code {
                Code::KeywordObsolete => "has no effect",
                _ => "is not carried out yet",
            };
            let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
            let message = format!("`{name}` {what}{times}: {why}");
            self.diagnostics.push(Diagnostic::at(code, first, message));
        }
    }

    fn unknown<T>(&mut self, table: &'static [Keyword<T>], owner: Option<&Statement>, statement: &Statement) {
        let (name, span) = (statement.keyword(), statement.head());
        let place = match owner {
            Some(owner) => format!("in {}", owner.keyword()),
            None => "outside of a block".to_string(),
        };
        let mut found =
            Diagnostic::at(Code::KeywordUnknown, span, format!("unknown keyword `{name}` {place}"))
                .label(if statement.block.is_some() { "skipped with its block" } else { "skipped" });
        if suggest::is_password(name) {
            self.hide(statement);
        }
        if self.diagnostics.is_full() {
            return self.diagnostics.push(found);
        }
        if let Some(owner) = owner {
            found = found.context(owner.head(), "in this block");
        }
        match suggest::nearest(name, table.iter().map(|keyword| keyword.name)) {
            Some(known) => found = found.replace(known),
            None => {
                let other = keywords::rows().iter().find(|row| row.name == name);
                if name.starts_with("//") {
                    found = found.help("comments begin with `#` or `!`");
                } else if let Some(row) = other {
                    found = found.help(format!(
                        "`{name}` is a keyword of {}: is a brace missing or too many?",
                        row.block
                    ));
                }
            }
        }
        self.diagnostics.push(found);
    }

    /// Keeps the values of a line out of every message, and what definitions wrote there wherever else it stands.
    fn hide(&mut self, statement: &Statement) {
        let sources = &mut self.diagnostics.sources;
        let words = statement.words.get(1..).unwrap_or(&[]);
        for word in words {
            sources.hide(word.span);
        }
        let mut defined = false;
        for (text, span) in statement.line.defined() {
            defined = true;
            sources.hide(span);
            text.split([' ', '\t', '"']).for_each(|text| sources.hide_text(text));
        }
        if defined {
            words.iter().for_each(|word| sources.hide_text(&word.text));
        }
    }

    /// The block of a keyword that must have one.
    fn required_block<'s>(&mut self, statement: &'s Statement) -> Option<&'s Block> {
        // The root's are reported where the braces are counted.
        let unopened = tree::ROOT_ONLY.contains(&statement.keyword());
        if statement.block.is_none() && !unopened {
            let message = format!("`{}` needs a block", statement.keyword());
            let found = Diagnostic::at(Code::BraceMissing, statement.head(), message);
            self.diagnostics.push(found.help("open it with `{` behind the keyword or on the next line"));
        }
        statement.block.as_ref()
    }

    /// The name of a root block that must have one.
    fn name(&mut self, statement: &Statement) -> Option<Spanned<String>> {
        let Some(word) = statement.words.get(1).filter(|word| !word.text.is_empty()) else {
            let message = format!("`{}` must have a name", statement.keyword());
            let code = match (statement.keyword(), statement.words.len()) {
                ("vrrp_script", 1) => Code::ValueMissingWire,
                _ => Code::InstanceIncomplete,
            };
            let found = Diagnostic::at(code, statement.head(), message);
            self.diagnostics.push(found.help(format!("{} NAME {{", statement.keyword())));
            return None;
        };
        self.spare(statement, 2);
        Some(Spanned::new(word.text.clone(), word.span))
    }

    /// Says that the words from `used` on are not read.
    fn spare(&mut self, statement: &Statement, used: usize) {
        if let (Some(first), Some(last)) = (statement.words.get(used), statement.words.last()) {
            let message = format!("`{}` takes no more words; these are not read", statement.keyword());
            self.diagnostics.push(Diagnostic::at(Code::WordsLeft, first.span.to(last.span), message));
        }
    }

    /// Says that a name is taken.
    fn repeated(&mut self, what: &str, name: &Spanned<String>, before: Span) {
        let message = format!("two {what} blocks are named `{}`; the second is skipped", name.value);
        let found = Diagnostic::at(Code::NameRepeated, name.span, message).label("second definition");
        self.diagnostics.push(found.context(before, "first definition"));
    }

    pub(super) fn global_defs(&mut self, statement: &Statement, draft: &mut Draft) {
        self.spare(statement, 1);
        if let Some(block) = self.required_block(statement) {
            self.block(keywords::GLOBAL, Some(statement), &block.statements, &mut draft.global);
        }
    }

    pub(super) fn vrrp_script(&mut self, statement: &Statement, draft: &mut Draft) {
        let name = self.name(statement);
        let (Some(name), Some(block)) = (name, self.required_block(statement)) else { return };
        let before =
            draft.scripts.iter().find(|other| other.name.value == name.value).map(|other| other.name.span);
        let mut script = ScriptDraft::new(name);
        self.block(keywords::SCRIPT, Some(statement), &block.statements, &mut script);
        match before {
            Some(before) => self.repeated("vrrp_script", &script.name, before),
            None => draft.scripts.push(script),
        }
    }

    pub(super) fn vrrp_sync_group(&mut self, statement: &Statement, draft: &mut Draft) {
        let name = self.name(statement);
        let (Some(name), Some(block)) = (name, self.required_block(statement)) else { return };
        let before =
            draft.groups.iter().find(|other| other.name.value == name.value).map(|other| other.name.span);
        let mut group = GroupDraft::new(name);
        self.block(keywords::GROUP, Some(statement), &block.statements, &mut group);
        match before {
            Some(before) => self.repeated("vrrp_sync_group", &group.name, before),
            None => draft.groups.push(group),
        }
    }

    pub(super) fn vrrp_instance(&mut self, statement: &Statement, draft: &mut Draft) {
        let name = self.name(statement);
        let (Some(name), Some(block)) = (name, self.required_block(statement)) else { return };
        let before =
            draft.instances.iter().find(|other| other.name.value == name.value).map(|other| other.name.span);
        let mut instance = InstanceDraft::new(name);
        self.block(keywords::INSTANCE, Some(statement), &block.statements, &mut instance);
        match before {
            Some(before) => self.repeated("vrrp_instance", &instance.name, before),
            None => draft.instances.push(instance),
        }
    }

    /// The statements in the block of a list; words behind the opening brace count as a line of their own.
    fn lines<'s, T>(&mut self, form: &Form<T>, statement: &'s Statement) -> Option<(Span, &'s [Statement])> {
        debug_assert!(form.takes_block());
        self.spare(statement, 1);
        let block = self.required_block(statement)?;
        for line in &block.statements {
            if let Some(inner) = &line.block {
                let message =
                    format!("a line of `{}` takes no block; the block is skipped", statement.keyword());
                self.diagnostics.push(Diagnostic::at(Code::BraceUnexpected, inner.open, message));
            }
        }
        Some((block.open, &block.statements))
    }
}
