//! From lines and braces to statements with blocks, whatever keywords they use.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::lexer::{self, Item, Word};
use super::severity::Code;
use super::span::Span;
use super::text::Text;

/// Blocks deeper than this are not opened.
const NESTING_LIMIT: usize = 64;

/// Keywords that stand at the root only: inside of a block they show that a brace is missing.
pub(super) const ROOT_ONLY: [&str; 12] = [
    "bfd_instance",
    "global_defs",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "virtual_server",
    "virtual_server_group",
    "vrrp_instance",
    "vrrp_script",
    "vrrp_sync_group",
    "vrrp_track_file",
    "vrrp_track_process",
];

/// A line and the block behind it.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) words: Vec<Word>,
    /// The whole line, for commands, which have quotes of their own.
    pub(super) line: Text,
    pub(super) block: Option<Block>,
}

/// What stands between two braces.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) open: Span,
    pub(super) statements: Vec<Statement>,
}

impl Statement {
    /// The place of the first word.
    pub(super) fn head(&self) -> Span {
        self.words.first().map_or_else(|| self.line.whole(), |word| word.span)
    }

    /// The first word.
    pub(super) fn keyword(&self) -> &str {
        self.words.first().map_or("", |word| &word.text)
    }
}

struct Open {
    statements: Vec<Statement>,
    /// The brace, and the place of the line it belongs to; none at the root.
    opened: Option<(Span, Span)>,
    /// The block belongs to no statement and is thrown away.
    stray: bool,
}

/// Builds the statements of the root; reports every brace that is too many or too few.
pub(super) fn build(items: Vec<Item>, diagnostics: &mut Diagnostics) -> Vec<Statement> {
    let mut stack: Vec<Open> = Vec::new();
    let mut top = Open { statements: Vec::new(), opened: None, stray: false };
    for item in items {
        match item {
            Item::Line(line) => {
                let words = lexer::words(&line);
                let statement = Statement { words, line, block: None };
                if stack.is_empty() && report_unopened(&top, diagnostics) {
                    let inner = Open { statements: Vec::new(), opened: None, stray: false };
                    stack.push(std::mem::replace(&mut top, inner));
                }
                if ROOT_ONLY.contains(&statement.keyword()) && !stack.is_empty() {
                    report_open(&top, Some(statement.head()), diagnostics);
                    while let Some(outer) = stack.pop() {
                        top = close(top, outer);
                    }
                }
                top.statements.push(statement);
            }
            Item::Open(span) => {
                let before = top.statements.last().filter(|statement| statement.block.is_none());
                let stray = before.is_none() || stack.len() >= NESTING_LIMIT;
                if stray {
                    let message = "this block belongs to no keyword; it is skipped";
                    diagnostics.push(Diagnostic::at(Code::BraceUnexpected, span, message));
                }
                let head = before.map_or(span, Statement::head);
                let inner = Open { statements: Vec::new(), opened: Some((span, head)), stray };
                stack.push(std::mem::replace(&mut top, inner));
            }
            Item::Close(span) => match stack.pop() {
                Some(outer) => top = close(top, outer),
                None => diagnostics.push(
                    Diagnostic::at(Code::BraceExtra, span, "this `}` closes nothing")
                        .help("remove it, or look for a missing `{` above"),
                ),
            },
        }
    }
    if stack.is_empty() {
        report_unopened(&top, diagnostics);
    } else {
        report_open(&top, None, diagnostics);
    }
    while let Some(outer) = stack.pop() {
        top = close(top, outer);
    }
    top.statements
}

/// Ends the inner block: hands it to the statement in front of it.
fn close(inner: Open, mut outer: Open) -> Open {
    if let (Some(owner), false) = (outer.statements.last_mut(), inner.stray) {
        let open = inner.opened.map_or_else(|| owner.head(), |(open, _)| open);
        owner.block = Some(Block { open, statements: inner.statements });
    }
    outer
}

/// Says that the last keyword of the root lacks its block; what follows is read as if it stood in one.
fn report_unopened(top: &Open, diagnostics: &mut Diagnostics) -> bool {
    let Some(last) = top.statements.last().filter(|last| last.block.is_none()) else { return false };
    if !ROOT_ONLY.contains(&last.keyword()) {
        return false;
    }
    let message = format!("the block of `{}` is not opened", last.keyword());
    let found = Diagnostic::at(Code::BraceMissing, last.line.whole(), message);
    diagnostics.push(found.label("expected `{` behind this or on the next line"));
    true
}

fn report_open(open: &Open, found: Option<Span>, diagnostics: &mut Diagnostics) {
    let Some((brace, head)) = open.opened else { return }; // the missing `{` was reported
    diagnostics.push(match found {
        Some(span) => Diagnostic::at(
            Code::BraceMissing,
            span,
            "a block is not closed: this keyword cannot stand inside of another block",
        )
        .label("expected `}` before this")
        .context(head.to(brace), "this block is still open")
        .help("add the missing `}`"),
        None => Diagnostic::at(Code::BraceMissing, brace, "this `{` is never closed")
            .context(head, "the block begins here")
            .help("add the missing `}`; the block that lacks it may be one inside of this"),
    });
}
