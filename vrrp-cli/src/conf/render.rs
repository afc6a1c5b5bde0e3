//! Findings with the lines they are about.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::severity::Shown;
use super::span::{FileId, Place, Sources};
use super::suggest;

/// Bytes of a line that are shown around a place, and of the place itself.
const SHOWN: u32 = 400;
const DEFINED: &str = "the text was defined here";

/// Every finding, one after the other, and a line about those that were not kept.
pub(super) fn all(diagnostics: &Diagnostics, color: bool) -> String {
    let masked = Masked::new(diagnostics.sources());
    let mut out = String::new();
    for item in diagnostics.items() {
        out.push_str(&one(item, &masked, color));
        out.push_str("\n\n");
    }
    if diagnostics.dropped() > 0 {
        out.push_str(&format!("{} more findings are not shown.\n", diagnostics.dropped()));
    }
    out
}

fn one(item: &Diagnostic, masked: &Masked<'_>, color: bool) -> String {
    let row = item.code.row();
    let level = match row.shown {
        Shown::Error => Level::ERROR,
        Shown::Note => Level::NOTE,
        Shown::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&*item.message).id(row.name));
    if let Some((span, label)) = &item.primary {
        let mut notes = vec![(AnnotationKind::Primary, span.at, label.as_str())];
        notes.extend(item.context.iter().map(|(at, label)| (AnnotationKind::Context, at.at, label.as_str())));
        notes.extend(span.via.map(|defined| (AnnotationKind::Context, defined, DEFINED)));
        while let Some(file) = notes.first().map(|(_, place, _)| place.file) {
            let (here, elsewhere) = notes.into_iter().partition(|(_, place, _)| place.file == file);
            group = group.element(snippet(masked, file, here));
            notes = elsewhere;
        }
    }
    let mut report = Vec::new();
    match (&item.replacement, &item.primary, &item.help) {
        (Some(text), Some((span, _)), help) if span.via.is_none() => {
            report.push(group);
            let title = help.as_deref().unwrap_or("a similar name exists");
            let window = masked.window(span.at.file, &[span.at]);
            let patched =
                Snippet::source(window.text).line_start(window.line).path(masked.path(span.at.file));
            let patch = Patch::new(window.range(span.at), text.as_str());
            report.push(Group::with_title(Level::HELP.secondary_title(title)).element(patched.patch(patch)));
        }
        (_, _, Some(help)) => report.push(group.element(Level::HELP.message(help.as_str()))),
        (Some(text), _, None) => {
            report.push(group.element(Level::HELP.message(format!("did you mean `{text}`?"))));
        }
        (None, _, None) => report.push(group),
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&report)
}

fn snippet<'a>(
    masked: &'a Masked<'_>,
    file: FileId,
    notes: Vec<(AnnotationKind, Place, &'a str)>,
) -> Snippet<'a, Annotation<'a>> {
    let places: Vec<Place> = notes.iter().map(|&(_, place, _)| place).collect();
    let window = masked.window(file, &places);
    let mut snippet = Snippet::source(window.text).line_start(window.line).path(masked.path(file));
    for (kind, place, label) in notes {
        let annotation = kind.span(window.range(place));
        snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(label) });
    }
    snippet
}

/// The lines of a file that a message needs.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl Window<'_> {
    /// A range that lies in the window and between characters: the renderer panics on any other.
    fn range(&self, place: Place) -> Range<usize> {
        let inside = |offset: u32| (offset as usize).saturating_sub(self.start).min(self.text.len());
        let start = self.text.floor_char_boundary(inside(place.start));
        let end = self.text.ceil_char_boundary(inside(place.end));
        start..end.max(start)
    }
}

/// The texts of all files with every secret overwritten.
struct Masked<'a> {
    files: Vec<(String, Cow<'a, str>)>,
    sources: &'a Sources,
}

impl<'a> Masked<'a> {
    fn new(sources: &'a Sources) -> Self {
        let count = u32::try_from(sources.count()).unwrap_or(u32::MAX);
        let files = (0..count).map(FileId).map(|file| {
            (sources.path(file).display().to_string(), mask(sources.text(file), sources.hidden(file)))
        });
        Self { files: files.collect(), sources }
    }

    fn path(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |(path, _)| path)
    }

    fn window(&self, file: FileId, places: &[Place]) -> Window<'_> {
        let text = self.files.get(file.0 as usize).map_or("", |(_, text)| text);
        let first = places.iter().map(|place| place.start).min().unwrap_or(0) as usize;
        let last =
            places.iter().map(|place| place.end.min(place.start.saturating_add(SHOWN))).max().unwrap_or(0)
                as usize;
        let before = text.floor_char_boundary(first.min(text.len()));
        let after = text.ceil_char_boundary(last.min(text.len()));
        // Far ends of a line that no person wrote are left out: rendering takes time by the byte.
        let far = text.floor_char_boundary(before.saturating_sub(SHOWN as usize));
        let near = text.ceil_char_boundary((after + SHOWN as usize).min(text.len()));
        let start = text[far..before].rfind('\n').map_or(far, |at| far + at + 1);
        let end = text[after..near].find('\n').map_or(near, |at| after + at);
        let line = self.sources.line(Place::new(file, start, start));
        Window { text: &text[start..end], start, line }
    }
}

fn mask<'a>(text: &'a str, hidden: impl Iterator<Item = Place>) -> Cow<'a, str> {
    let mut ranges: Vec<Range<usize>> =
        hidden.map(|place| place.start as usize..place.end as usize).collect();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        ranges.extend(secret_in(line).map(|from| start + from..start + line.len()));
        start += line.len();
    }
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let (mut next, mut until) = (0, 0);
    for (at, character) in text.char_indices() {
        while let Some(range) = ranges.get(next).filter(|range| range.start <= at) {
            until = until.max(range.end);
            next += 1;
        }
        // As many asterisks as bytes, so that every other place stays where it is.
        match at < until && !character.is_whitespace() {
            true => out.extend(std::iter::repeat_n('*', character.len_utf8())),
            false => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// Where the secret of a line begins, whatever else may be wrong with the line.
fn secret_in(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(skipped) = line[from..].find(|c: char| !ends_word(c)) {
        let start = from + skipped;
        let end = line[start..].find(ends_word).map_or(line.len(), |at| start + at);
        let word = &line[start..end];
        let first = line[..start].trim().is_empty();
        if suggest::is_password(word) || (first && ["password", "key"].contains(&word)) {
            return Some(end);
        }
        from = end;
    }
    None
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '{' | '}' | '=')
}
