//! The keepalived.conf reader: every finding in one run, each with its place; a typed configuration behind it.
//!
//! The way of the data: [`source`] gets bytes, `expand` makes one stream of lines out of files, definitions and
//! `@id` lines, `tree` makes statements and blocks, `read` carries out the table of [`keywords`] on them, `resolve`
//! lets instances inherit and checks what belongs together, [`lower`] makes the shapes that carry it out.

pub mod command;
mod diagnostic;
mod draft;
mod expand;
pub mod keywords;
mod lexer;
pub mod lower;
mod model;
mod number;
mod read;
mod render;
mod resolve;
pub mod severity;
mod shown;
pub mod source;
mod span;
mod suggest;
mod text;
mod tree;

use std::path::Path;

use source::{Files, ReadError};

pub use diagnostic::{Diagnostic, Diagnostics};
pub use model::*;
/// What a configuration is read with.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// `@id` lines are for the host of this name; by default the first label of the host name.
    pub config_id: Option<String>,
}

/// Reads a file of this host and everything it includes.
///
/// The configuration is absent if there is no such file or if it cannot be read; it is there after every other
/// finding, but must not be started if [`Diagnostics::is_fatal`].
pub fn load(path: &Path, options: &LoadOptions) -> (Option<Config>, Diagnostics) {
    load_from(path, &source::Disk, options)
}

/// Reads a file from anywhere.
pub fn load_from(path: &Path, files: &dyn Files, options: &LoadOptions) -> (Option<Config>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    match files.read(path) {
        Ok(bytes) => {
            let config = run(path, &bytes, files, options, &mut diagnostics);
            (Some(config), diagnostics)
        }
        Err(error) => {
            diagnostics.push(unreadable(path, &error));
            (None, diagnostics)
        }
    }
}

/// Reads a text under a name; files that it includes are looked for in memory only, that is, nowhere.
///
/// Total: any bytes give a configuration and findings, in bounded time and memory.
pub fn parse_str(name: &str, text: &[u8], options: &LoadOptions) -> (Config, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let nowhere = source::Memory::default();
    let config = run(Path::new(name), text, &nowhere, options, &mut diagnostics);
    (config, diagnostics)
}

fn run(
    path: &Path,
    bytes: &[u8],
    files: &dyn Files,
    options: &LoadOptions,
    diagnostics: &mut Diagnostics,
) -> Config {
    let mut expander = expand::Expander::new(files, options.config_id.as_deref(), diagnostics);
    expander.text(path, bytes, None);
    let mut config = Config::default();
    if let Some(items) = expander.finish() {
        let statements = tree::build(items, diagnostics);
        let draft = read::read(&statements, diagnostics);
        config = resolve::resolve(draft, diagnostics);
    }
    diagnostics.settle();
    config
}

fn unreadable(path: &Path, error: &ReadError) -> Diagnostic {
    let path = path.display();
    match error {
        ReadError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Diagnostic::nowhere(severity::Code::FileMissing, format!("there is no configuration file {path}"))
                .help("give the path with -f FILE; the default is /etc/keepalived/keepalived.conf")
        }
        ReadError::Executable => Diagnostic::nowhere(
            severity::Code::FileUnreadable,
            format!("{path} is executable and is not read"),
        )
        .help(format!("chmod a-x {path}")),
        ReadError::TooLarge => {
            Diagnostic::nowhere(severity::Code::FileLarge, format!("{path} cannot be read: {error}"))
        }
        ReadError::Io(_) | ReadError::NotRegular => {
            Diagnostic::nowhere(severity::Code::FileUnreadable, format!("{path} cannot be read: {error}"))
        }
    }
}

pub use span::{FileId, Place, Secret, Sources, Span, Spanned};
