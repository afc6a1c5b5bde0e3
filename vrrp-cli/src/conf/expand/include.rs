//! Include lines.

use std::path::Path;

use super::super::diagnostic::Diagnostic;
use super::super::lexer;
use super::super::severity::Code;
use super::super::source::{self, DEPTH_LIMIT, ReadError};
use super::super::span::Span;
use super::super::text::Text;
use super::Expander;

impl Expander<'_> {
    /// Reads the files of an include line; says whether the line was one.
    pub(super) fn include(&mut self, text: &Text) -> bool {
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
        let mut is_settled = false;
        for pattern in source::braces(&word.text) {
            let pattern = base.join(pattern).to_string_lossy().into_owned();
            let found = self.files.matching(&pattern);
            if found.is_empty() {
                let wildcard = pattern.contains(['*', '?', '[']);
                let (what, code) = match (wildcard, checks.requires(wildcard, &word.text)) {
                    (true, true) => ("no file matches", Code::FileUnreadable),
                    (false, true) => ("there is no file", Code::FileUnreadable),
                    (false, false) => ("there is no file", Code::FileSkipped),
                    // A directory of snippets may be empty.
                    (true, false) => continue,
                };
                is_settled = true;
                self.diagnostics.push(Diagnostic::at(code, place, format!("{what} `{pattern}`")));
            }
            is_settled |= !found.is_empty();
            for path in found {
                if self.stopped {
                    return true;
                }
                self.open_file(&path, place, checks);
            }
        }
        if !is_settled {
            let message = format!("no file matches `{}`", base.join(&word.text).display());
            self.diagnostics.push(Diagnostic::at(Code::IncludeEmpty, place, message));
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

    fn requires(self, wildcard: bool, written: &str) -> bool {
        (wildcard && self.wildcard) || (!wildcard && self.plain) || (written.contains('{') && self.brace)
    }
}
