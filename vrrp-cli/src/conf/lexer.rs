//! Comments, quotes, braces and words of one line.

use super::expand::NAME_LIMIT;
use super::severity::Code;
use super::span::{FileId, Place, Span};
use super::text::{self, Origin, Text};

/// A line without its comment and outer blanks.
pub(super) struct Clean {
    pub(super) text: Text,
    /// The line ends in `\`, which is not part of `text`.
    pub(super) continues: bool,
    /// Something worth a message.
    pub(super) finding: Option<(Code, Span)>,
}

/// A word of a line.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    /// The bytes of the text if they are not UTF-8.
    pub(super) raw: Option<Vec<u8>>,
    pub(super) span: Span,
}

impl Word {
    fn new(text: &str, span: Span) -> Self {
        let readable = text::readable(text.to_string());
        let raw = (readable != text).then(|| text::encode(text));
        Self { text: readable, raw, span }
    }

    /// The bytes as they stand in the file.
    pub(super) fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }
}

/// A part of a line.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Words between braces and line ends; never empty.
    Line(Text),
    Open(Span),
    Close(Span),
}

/// Removes the comment of a line that begins at `start` of `file`.
///
/// Only `"` quotes; `\#` and `\!` are the characters themselves outside of quotes, any other `\` protects the
/// character that follows and stays.
pub(super) fn clean(line: &str, file: FileId, start: usize) -> Clean {
    let origin = |at: usize| Origin::File(Place::new(file, start + at, start + at));
    let mut text = Text::default();
    let (mut quote, mut continues, mut finding, mut from) = (None, false, None, 0);
    let mut end = line.len();
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => quote = if quote.is_some() { None } else { Some(at) },
            '\\' => match characters.next() {
                None => {
                    continues = true;
                    end = at;
                }
                Some((_, '#' | '!')) if quote.is_none() => {
                    text.push(&line[from..at], origin(from));
                    from = at + 1;
                }
                Some(_) => {}
            },
            '#' | '!' if quote.is_none() => {
                if takes_text(line)
                    && line[..at].ends_with(|c: char| !c.is_whitespace() && c != '{' && c != '}')
                {
                    finding = Some((Code::CommentInWord, Span::new(file, start + at, start + at + 1)));
                }
                end = at;
                break;
            }
            _ => {}
        }
    }
    text.push(&line[from..end], origin(from));
    if let Some(at) = quote {
        finding = Some((Code::QuoteOpen, Span::new(file, start + at, start + line.trim_end().len())));
    }
    Clean { text: text.trimmed(), continues, finding }
}

/// The lines on which a lost rest of a word would be noticed late.
fn takes_text(line: &str) -> bool {
    let word = line.trim_start();
    ["auth_pass", "script", "notify"].iter().any(|name| word.starts_with(name))
}

/// Splits a line around the braces that stand outside of quotes.
pub(super) fn items(text: &Text) -> Vec<Item> {
    let mut out = Vec::new();
    let line = text.as_str();
    let (mut from, mut quoted, mut name) = (0, false, false);
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' => {
                characters.next();
            }
            // An undefined ${NAME} is text, not a block.
            '$' if !quoted && opens_name(&line[at..]) => {
                name = true;
                characters.next();
            }
            '}' if name => name = false,
            '{' | '}' if !quoted => {
                push_line(&mut out, text.slice(from..at));
                let span = text.span(at..at + 1);
                out.push(if character == '{' { Item::Open(span) } else { Item::Close(span) });
                from = at + 1;
            }
            _ => {}
        }
    }
    push_line(&mut out, text.slice(from..line.len()));
    out
}

/// Whether a text begins with `${NAME}`.
fn opens_name(text: &str) -> bool {
    text.starts_with("${") && text.bytes().take(NAME_LIMIT).any(|byte| byte == b'}')
}

fn push_line(out: &mut Vec<Item>, text: Text) {
    let text = text.trimmed();
    if !text.as_str().is_empty() {
        out.push(Item::Line(text));
    }
}

/// The words of a line: split at blanks and at `"`, which are removed; a quote that is not closed ends them.
pub(super) fn words(text: &Text) -> Vec<Word> {
    let line = text.as_str();
    let mut out = Vec::new();
    let mut rest = 0;
    while let Some(skipped) = line[rest..].find(|c: char| !c.is_whitespace()) {
        let start = rest + skipped;
        let tail = &line[start..];
        if let Some(quoted) = tail.strip_prefix('"') {
            // keepalived, too, reads no word from a quote that is not closed.
            let Some(length) = quoted.find('"') else { break };
            let (from, to) = (start + 1, start + 1 + length);
            let span = text.span(start..to + 1);
            out.push(Word::new(&line[from..to], span));
            rest = to + 1;
        } else {
            let length = tail.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(tail.len());
            out.push(Word::new(&tail[..length], text.span(start..start + length)));
            rest = start + length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(line: &str) -> String {
        clean(line, FileId(0), 0).text.as_str().to_string()
    }

    fn split(line: &str) -> Vec<String> {
        let text = clean(line, FileId(0), 0).text;
        let show = |item| match item {
            Item::Line(text) => text.as_str().to_string(),
            Item::Open(_) => "{".to_string(),
            Item::Close(_) => "}".to_string(),
        };
        items(&text).into_iter().map(show).collect()
    }

    #[test]
    fn a_comment_begins_at_either_mark_outside_of_quotes() {
        assert_eq!(cleaned("  state MASTER # why"), "state MASTER");
        assert_eq!(cleaned("state MASTER ! why"), "state MASTER");
        assert_eq!(cleaned(r#"script "a # b" # c"#), r#"script "a # b""#);
        assert_eq!(cleaned(r"path /a\#b\!c"), "path /a#b!c");
        assert_eq!(cleaned("# 中文"), "");
    }

    #[test]
    fn braces_stand_anywhere_outside_of_quotes() {
        assert_eq!(split("TCP_CHECK{"), ["TCP_CHECK", "{"]);
        assert_eq!(split("}}"), ["}", "}"]);
        assert_eq!(split("a b }"), ["a b", "}"]);
        assert_eq!(split(r#"script "a { b }" {"#), [r#"script "a { b }""#, "{"]);
        assert_eq!(split("priority ${PRIO}"), ["priority ${PRIO}"]);
    }

    #[test]
    fn words_end_at_blanks_and_quotes() {
        let line = r#"a  "b c" d"e f"g"#;
        let mut text = Text::default();
        text.push(line, Origin::File(Place::new(FileId(0), 10, 10)));
        let words = words(&text);
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["a", "b c", "d", "e f", "g"]);
        assert_eq!((words[1].span.at.start, words[1].span.at.end), (13, 18));
    }

    #[test]
    fn an_escape_moves_no_place() {
        let line = r"x \# y";
        let text = clean(line, FileId(0), 0).text;
        let words = words(&text);
        assert_eq!(words[2].text, "y");
        assert_eq!(words[2].span.at.start, 5);
    }
}
