//! Getting the bytes of configuration files, within bounds.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// No configuration file is longer.
pub const FILE_LIMIT: u64 = 16 << 20;
/// No configuration reads more files.
pub const FILES_LIMIT: usize = 4096;
/// No file includes deeper.
pub const DEPTH_LIMIT: usize = 32;

/// Where configuration files come from: the disk, or the memory of a test.
pub trait Files {
    /// The bytes of a file.
    ///
    /// # Errors
    /// Says why the file cannot or must not be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError>;

    /// The existing files that a pattern names, sorted; `*`, `?`, `[…]` and `{a,b}` as in a shell.
    fn matching(&self, pattern: &str) -> Vec<PathBuf>;

    /// One name for a file, however it is spelt: it shows that a file includes itself.
    fn identity(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// keepalived reads no file with an execute bit, so neither do we where it is included.
    #[error("the file is executable")]
    Executable,
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A directory, device, pipe or socket.
    #[error("it is not a regular file")]
    NotRegular,
    /// Longer than [`FILE_LIMIT`].
    #[error("it is longer than {} MiB", FILE_LIMIT >> 20)]
    TooLarge,
}

/// The files of this host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        // A pipe without a writer would hold the open for ever.
        let mut options = fs::OpenOptions::new();
        let file = options.read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(ReadError::NotRegular);
        }
        if meta.mode() & 0o111 != 0 {
            return Err(ReadError::Executable);
        }
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_LIMIT { Err(ReadError::TooLarge) } else { Ok(bytes) }
    }

    fn matching(&self, pattern: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for pattern in braces(pattern) {
            let Ok(paths) = glob::glob_with(&pattern, matching_options()) else { continue };
            found.extend(paths.flatten().filter(|path| !path.is_dir()).take(FILES_LIMIT + 1));
        }
        found
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
    }
}

/// Files that exist in memory only.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<PathBuf, Vec<u8>>);

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        self.0.get(path).cloned().ok_or_else(|| ReadError::Io(io::ErrorKind::NotFound.into()))
    }

    fn matching(&self, pattern: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for pattern in braces(pattern) {
            let Ok(pattern) = glob::Pattern::new(&pattern) else { continue };
            let matches = |path: &&PathBuf| pattern.matches_path_with(path, matching_options());
            found.extend(self.0.keys().filter(matches).cloned());
        }
        found
    }
}

fn matching_options() -> glob::MatchOptions {
    glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    }
}

/// The patterns that `a{b,c}d` stands for, in order; nested braces too.
pub(super) fn braces(pattern: &str) -> Vec<String> {
    let mut open = vec![pattern.to_string()];
    let mut done = Vec::new();
    while let Some(pattern) = open.pop() {
        // Doubling braces would make an exponential list.
        if open.len() + done.len() >= FILES_LIMIT {
            break;
        }
        match alternatives(&pattern) {
            Some(mut more) => {
                more.reverse();
                open.append(&mut more);
            }
            None => done.push(pattern),
        }
    }
    done
}

/// The alternatives of the first brace pair, each with the rest of the pattern around it.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let open = pattern.find('{')?;
    let (head, body) = (&pattern[..open], &pattern[open + 1..]);
    let (mut depth, mut from, mut parts) = (0usize, 0usize, Vec::new());
    for (at, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            ',' if depth == 0 => {
                parts.push(&body[from..at]);
                from = at + 1;
            }
            '}' if depth == 0 => {
                parts.push(&body[from..at]);
                let tail = &body[at + 1..];
                return Some(parts.iter().map(|part| format!("{head}{part}{tail}")).collect());
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::braces;

    #[test]
    fn braces_stand_for_their_alternatives() {
        assert_eq!(braces("/a/{b,c{d,e}}.conf"), ["/a/b.conf", "/a/cd.conf", "/a/ce.conf"]);
        assert_eq!(braces("/a/{b.conf"), ["/a/{b.conf"]);
        assert!(braces(&"{a,b}".repeat(64)).len() <= super::FILES_LIMIT);
    }
}
