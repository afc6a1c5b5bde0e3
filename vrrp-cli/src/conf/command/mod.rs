//! Commands: how their words are read, and whether they run as they are or through bash.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

mod split;

pub(super) use split::split;

use super::span::Span;

/// A command as it stands in the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// The text of the command: what a shell would get.
    pub text: OsString,
    /// Its words, as keepalived splits them.
    pub words: Vec<OsString>,
    /// The words that are unquoted and without an escape, by index into `words`.
    bare: Vec<bool>,
    /// Who it runs as, if the line says so.
    pub user: Option<UserSpec>,
    /// Where it stands.
    pub span: Span,
}

/// `USER [:][GROUP]` behind a command, or in `user` and `script_user`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserSpec {
    /// A name, or a number.
    pub user: String,
    /// A name, or a number; the user's own group if absent.
    pub group: Option<String>,
    /// The user's other groups are taken over, too.
    pub supplementary: bool,
    /// Where it stands.
    pub span: Span,
}

/// How a command is run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Run {
    /// This program with these arguments (the first is the name it was called by).
    Program {
        /// The file.
        path: PathBuf,
        /// All words.
        words: Vec<OsString>,
    },
    /// `bash -c TEXT`.
    Shell {
        /// The shell.
        bash: PathBuf,
        /// What it carries out.
        text: OsString,
    },
}

/// Why a command cannot be run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Nothing is written.
    #[error("the command is empty")]
    Empty,
    /// The path leads to a directory.
    #[error("{} is a directory", .0.display())]
    Directory(PathBuf),
    /// The file is there and cannot be executed.
    #[error("{} is not an executable file", .0.display())]
    NotExecutable(PathBuf),
    /// There is no such file.
    #[error("there is no program {}", .0.display())]
    Missing(PathBuf),
    /// Only a shell understands the command, and there is none.
    #[error("the command is written for a shell (`{0}`), and there is no bash on this host")]
    NoBash(String),
}

/// What is found under the name of a program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// A directory.
    Directory(PathBuf),
    /// A file that can be executed.
    Executable(PathBuf),
    /// A file that cannot.
    NotExecutable(PathBuf),
    /// Nothing.
    Nothing,
}

/// Where programs are looked up.
pub trait Programs {
    /// Looks for a program: a path as it is, a bare name in the search path.
    fn find(&self, name: &str) -> Found;
}

/// Words that bash carries out itself and that are no programs.
const SHELL_WORDS: &str = "! . : [[ { alias bg bind break builtin caller case cd command compgen complete compopt \
    continue coproc declare dirs disown do done elif else enable esac eval exec exit export fc fg fi for function \
    getopts hash help history if in jobs let local logout mapfile popd pushd read readarray readonly return select \
    set shift shopt source suspend then time times trap type typeset ulimit umask unalias unset until wait while }";
/// Words that bash carries out itself and that are programs, too, on every host.
const PROGRAMS_TOO: &str = "[ echo false kill printf pwd test true";

/// Operators of the shell.
const OPERATORS: &[&str] = &[
    "&&", "||", "|", "|&", ";", "&", "<", ">", ">>", "<<<", "2>", "2>>", "&>", "&>>", "2>&1", "1>&2", ">&2",
];

/// Decides how a command runs, and that it can.
///
/// Bash runs it when its first word is one that only a shell knows, or when an operator stands as a word of its own;
/// anything else is run as keepalived does, word by word. What a path names must exist in either case.
///
/// # Errors
/// Says what is missing.
pub fn decide(command: &Command, programs: &dyn Programs) -> Result<Run, CommandError> {
    let Some(first) = command.words.first() else { return Err(CommandError::Empty) };
    let name = first.to_string_lossy();
    if name.is_empty() {
        return Err(CommandError::Empty);
    }
    let found = programs.find(&name);
    if name.starts_with('/') {
        match &found {
            Found::Executable(_) => {}
            Found::Directory(path) => return Err(CommandError::Directory(path.clone())),
            Found::NotExecutable(path) => return Err(CommandError::NotExecutable(path.clone())),
            Found::Nothing => return Err(CommandError::Missing(PathBuf::from(first))),
        }
    }
    let builtin = !matches!(found, Found::Executable(_)) && is_shell_word(&name);
    if let Some(word) = command.operator().or_else(|| builtin.then(|| name.to_string())) {
        return match programs.find("bash") {
            Found::Executable(bash) => Ok(Run::Shell { bash, text: command.text.clone() }),
            Found::Directory(_) | Found::NotExecutable(_) | Found::Nothing => Err(CommandError::NoBash(word)),
        };
    }
    match found {
        Found::Directory(path) => Err(CommandError::Directory(path)),
        Found::Executable(path) => Ok(Run::Program { path, words: command.words.clone() }),
        Found::NotExecutable(path) => Err(CommandError::NotExecutable(path)),
        Found::Nothing => Err(CommandError::Missing(PathBuf::from(first))),
    }
}

/// Whether bash knows a word without looking for a program.
pub(super) fn is_shell_word(name: &str) -> bool {
    only_shell_word(name) || PROGRAMS_TOO.split(' ').any(|known| known == name)
}

/// Whether a word can only be one of bash, on every host.
pub(super) fn only_shell_word(name: &str) -> bool {
    name.starts_with('(') || SHELL_WORDS.split_whitespace().any(|known| known == name)
}

impl Command {
    /// Splits the text of a command; `None` if a quote or an escape is not finished.
    pub(super) fn new(text: OsString, user: Option<UserSpec>, span: Span) -> Option<Self> {
        let split = split(text.as_bytes())?;
        let (words, bare) = split.into_iter().map(|word| (OsString::from_vec(word.bytes), word.bare)).unzip();
        Some(Self { text, words, bare, user, span })
    }

    /// The first operator that stands as a word of its own.
    fn operator(&self) -> Option<String> {
        let words = self.words.iter().zip(&self.bare).skip(1);
        let mut operators =
            words.filter(|&(word, &bare)| bare && OPERATORS.iter().any(|known| word == known));
        operators.next().map(|(word, _)| word.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::span::FileId;

    struct Host(&'static [&'static str]);

    impl Programs for Host {
        fn find(&self, name: &str) -> Found {
            let path = if name.starts_with('/') { name.to_string() } else { format!("/usr/bin/{name}") };
            match self.0.contains(&path.as_str()) {
                true => Found::Executable(PathBuf::from(path)),
                false => Found::Nothing,
            }
        }
    }

    const HOST: Host =
        Host(&["/usr/bin/bash", "/usr/bin/killall", "/usr/bin/chk", "/usr/bin/[", "/opt/chk.sh"]);

    fn run(text: &str) -> Result<Run, CommandError> {
        run_on(text, &HOST)
    }

    fn run_on(text: &str, host: &Host) -> Result<Run, CommandError> {
        decide(&Command::new(text.into(), None, Span::new(FileId(0), 0, 0)).expect("quotes are closed"), host)
    }

    fn argv(text: &str) -> Vec<String> {
        match run(text) {
            Ok(Run::Program { words, .. }) => {
                words.iter().map(|word| word.to_string_lossy().into()).collect()
            }
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn a_word_that_only_a_shell_knows_means_bash() {
        let text = "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0";
        let bash = PathBuf::from("/usr/bin/bash");
        assert_eq!(run(text), Ok(Run::Shell { bash, text: text.into() }));
        assert!(matches!(run("if true; then false; fi"), Ok(Run::Shell { .. })));
        assert!(matches!(run("exit 1"), Ok(Run::Shell { .. })));
    }

    #[test]
    fn a_builtin_that_exists_as_a_program_is_the_program() {
        assert_eq!(argv("[ -f /x ]"), ["[", "-f", "/x", "]"]);
    }

    #[test]
    fn an_operator_as_a_word_of_its_own_means_bash() {
        assert!(matches!(run("chk a && chk b"), Ok(Run::Shell { .. })));
        assert!(matches!(run("/opt/chk.sh > /dev/null"), Ok(Run::Shell { .. })));
        assert_eq!(argv("chk http://x/?a=1&b=2"), ["chk", "http://x/?a=1&b=2"]);
        assert_eq!(argv("chk '&&' x"), ["chk", "&&", "x"]);
        assert_eq!(argv("killall -0 haproxy"), ["killall", "-0", "haproxy"]);
    }

    #[test]
    fn a_missing_path_is_never_given_to_a_shell() {
        assert_eq!(run("/no/such && exit 1"), Err(CommandError::Missing("/no/such".into())));
        assert_eq!(run("nosuch x"), Err(CommandError::Missing("nosuch".into())));
    }

    #[test]
    fn without_bash_nothing_takes_its_place() {
        assert_eq!(run_on("[[ -f /x ]]", &Host(&["/usr/bin/sh"])), Err(CommandError::NoBash("[[".into())));
    }
}
