//! What was found in a configuration, and what follows from it.

use super::render;
use super::severity::{Class, Code, Shown};
use super::shown;
use super::span::{Sources, Span};

/// Findings beyond this number are counted but not kept.
const KEPT: usize = 500;

/// One finding.
#[derive(Clone, Debug)]
#[must_use = "a finding that is not pushed is silence"]
pub struct Diagnostic {
    /// Its kind; the table in [`super::severity`] says what follows.
    pub code: Code,
    /// What is wrong, with the value and the allowed range.
    pub message: String,
    /// The place, if there is one, with what to say beside it.
    pub primary: Option<(Span, String)>,
    /// Other places that explain it.
    pub context: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
    /// A text that would be right in place of the primary one.
    pub replacement: Option<String>,
}

impl Diagnostic {
    /// A finding at a place.
    pub(super) fn at(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { primary: Some((span, String::new())), ..Self::nowhere(code, message) }
    }

    /// A finding about the configuration as a whole.
    pub(super) fn nowhere(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: None,
            context: Vec::new(),
            help: None,
            replacement: None,
        }
    }

    /// Says something beside the primary place.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.1 = label.into();
        }
        self
    }

    /// Points at another place.
    pub(super) fn context(mut self, span: Span, label: impl Into<String>) -> Self {
        self.context.push((span, label.into()));
        self
    }

    /// Says what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers the right text for the primary place.
    pub(super) fn replace(mut self, text: impl Into<String>) -> Self {
        self.replacement = Some(text.into());
        self
    }
}

/// All findings of a run, with the texts they point into.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    dropped: usize,
    worst: Option<Class>,
    errors: bool,
    tests: Vec<u8>,
    pub(super) sources: Sources,
}

impl Diagnostics {
    /// Keeps a finding.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let row = diagnostic.code.row();
        self.worst = self.worst.max(Some(row.class));
        self.errors |= row.shown == Shown::Error;
        if !self.tests.contains(&row.test) {
            self.tests.push(row.test);
        }
        if self.is_full() {
            self.dropped += 1;
        } else {
            self.items.push(diagnostic);
        }
    }

    /// Whether more findings are counted only: looking for help is a waste.
    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= KEPT
    }

    /// The findings in the order of the file.
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// How many findings were counted only, because there were too many.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// The files that were read.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Nothing may be started, and a reload is refused.
    pub fn is_fatal(&self) -> bool {
        self.worst == Some(Class::Fatal)
    }

    /// Something is headed `error`.
    pub fn has_errors(&self) -> bool {
        self.errors
    }

    /// The exit code of `vrrpd check`: 5 with errors, 0 with warnings and notes alone.
    pub fn exit_code_check(&self) -> u8 {
        if self.has_errors() { 5 } else { 0 }
    }

    /// The exit code of `-t`: keepalived's own, as far as the table goes.
    ///
    /// A missing parameter (2) ends keepalived on the spot, and a security finding (6) outranks errors (5).
    pub fn exit_code_test(&self) -> u8 {
        [2, 6, 5, 4].into_iter().find(|code| self.tests.contains(code)).unwrap_or(0)
    }

    /// All findings as a person reads them, with the lines they are about.
    pub fn render(&self, color: bool) -> String {
        render::all(self, color)
    }

    /// Each finding in one line for a log, headed as keepalived heads them.
    pub fn lines(&self) -> impl Iterator<Item = (Class, String)> {
        self.items.iter().map(|item| {
            let place = item.primary.as_ref().map_or(String::new(), |(span, _)| {
                format!(
                    "({}: Line {}) ",
                    self.sources.path(span.at.file).display(),
                    self.sources.line(span.at)
                )
            });
            (item.code.row().class, format!("{place}{}", logged(item)))
        })
    }

    /// Sorts by place, so that all messages about one part of the file stand together, and makes every text fit to be
    /// shown.
    pub(super) fn settle(&mut self) {
        let secrets = self.sources.secret_texts();
        for item in &mut self.items {
            let via = item.primary.as_ref().and_then(|(span, _)| span.via);
            let secret = via.is_some_and(|via| self.sources.hidden(via.file).any(|hidden| hidden == via));
            let labels = item.primary.iter_mut().chain(&mut item.context).map(|(_, label)| label);
            let helps = item.help.iter_mut().chain(&mut item.replacement);
            for text in std::iter::once(&mut item.message).chain(labels).chain(helps) {
                if let Some(changed) = shown::shown(text, &secrets, secret) {
                    *text = changed;
                }
            }
        }
        self.items.sort_by_key(|item| item.primary.as_ref().map(|(span, _)| span.at));
    }
}

impl Shown {
    /// The word itself.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// A message in keepalived's words where people search their logs for them.
fn logged(item: &Diagnostic) -> String {
    match item.code {
        Code::ScriptSecurity => {
            format!(
                "SECURITY VIOLATION - scripts are being executed but script_security not enabled. {}",
                item.message
            )
        }
        Code::KeywordUnknown => {
            match item.message.strip_prefix("unknown keyword `").and_then(|rest| rest.split_once('`')) {
                Some((name, place)) => format!("Unknown keyword '{name}'{place}"),
                None => item.message.clone(),
            }
        }
        _ => item.message.clone(),
    }
}
