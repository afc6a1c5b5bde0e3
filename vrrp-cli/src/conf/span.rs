//! Where in which file something stands.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// One of the files that a configuration was read from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(pub(super) u32);

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Place {
    /// Builds a place from offsets into a file that passed the size bound.
    pub(super) fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: clamp(start), end: clamp(end.max(start)) }
    }
}

/// Where a word stands, and the `$NAME=` line its text came from if it was substituted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    /// Where the reader of the file sees it: for substituted text, the use.
    pub at: Place,
    /// The definition that supplied the text.
    pub via: Option<Place>,
}

impl Span {
    /// A span without a definition behind it.
    pub(super) fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { at: Place::new(file, start, end), via: None }
    }

    /// The span from the start of this one to the end of `last`, where both stand in one file.
    pub(super) fn to(self, last: Self) -> Self {
        if self.at.file != last.at.file || last.at.end < self.at.end {
            return self;
        }
        Self { at: Place { end: last.at.end, ..self.at }, via: self.via.or(last.via) }
    }
}

/// A value and the place it was read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub(super) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

/// A text that must not be shown: `Debug` and every dump print asterisks.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that has to use it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// The files of a configuration: their names and texts.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    secrets: Vec<Place>,
    /// What definitions wrote into secrets, and the secrets that they wrote.
    secret_texts: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Source {
    path: PathBuf,
    text: String,
    lines: Vec<u32>,
}

impl Sources {
    /// Adds a file and hands back its name among the others.
    pub(super) fn add(&mut self, path: PathBuf, text: String) -> FileId {
        let starts = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        let lines =
            std::iter::once(0).chain(starts).map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path, text, lines });
        id
    }

    /// How many files were read.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// The paths of all files, in the order they were opened.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|source| source.path.as_path())
    }

    /// The path of a file as it was opened.
    pub fn path(&self, file: FileId) -> &Path {
        self.files.get(file.0 as usize).map_or(Path::new(""), |source| &source.path)
    }

    /// The text of a file; bytes that are not UTF-8 stand as U+FFFD.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |source| &source.text)
    }

    /// The line of a place, counted from 1.
    pub fn line(&self, place: Place) -> usize {
        let lines = self.files.get(place.file.0 as usize).map_or(&[][..], |source| &source.lines);
        lines.partition_point(|&start| start <= place.start).max(1)
    }

    /// Says that what stands here must never be printed.
    pub(super) fn hide(&mut self, span: Span) {
        self.secrets.push(span.at);
        self.secrets.extend(span.via);
    }

    /// Says that this text must never be printed, wherever else it came to stand.
    pub(super) fn hide_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.secret_texts.insert(text.to_string());
        }
    }

    /// The texts that must not be printed, the longest first: what is part of another one must not spoil it.
    pub(super) fn secret_texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.secret_texts.iter().map(String::as_str).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts
    }

    /// The places of a file that must not be printed.
    pub(super) fn hidden(&self, file: FileId) -> impl Iterator<Item = Place> {
        self.secrets.iter().copied().filter(move |place| place.file == file)
    }
}
