//! What others than root could make root run: the judgement of `enable_script_security`.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use super::super::command::{Found, Run};
use super::system::System;

/// No path leads over more symbolic links; the kernel's own limit.
const LINKS: usize = 40;
/// Who may write besides the owner: the group, all.
const GROUP: u32 = 0o020;
const ALL: u32 = 0o002;
/// In a sticky directory only the owner of an entry can replace it.
const STICKY: u32 = 0o1000;

/// Words of a shell behind which a command stands.
const LEADERS: &[&[u8]] = &[
    b"!", b"command", b"coproc", b"do", b"elif", b"else", b"env", b"exec", b"if", b"nice", b"nohup", b"sudo",
    b"then", b"time", b"timeout", b"until", b"while", b"{",
];

/// Why root must not run a command, if there is a reason.
///
/// A shell gets its text as it is, so every word of it is judged: paths as far as they exist, names that are programs,
/// and what a shell would still change (`./x`, `$DIR/x`, `/opt/*/x`) cannot be judged and is refused.
pub(super) fn insecure(run: &Run, system: &dyn System) -> Option<String> {
    let loose = |path: &Path| {
        let part = system.writable_by_others(path)?;
        Some(format!("others than root can change {}", part.display()))
    };
    match run {
        Run::Program { path, .. } => loose(path),
        Run::Shell { bash, text } => loose(bash).or_else(|| {
            [tokens(text.as_bytes(), true), tokens(text.as_bytes(), false)].concat().into_iter().find_map(
                |token| {
                    let word = OsStr::from_bytes(&token.word);
                    let path = Path::new(word);
                    if token.obscure() {
                        return Some(format!("only a shell can say what `{}` names", path.display()));
                    }
                    match (token.word.contains(&b'/'), system.find(&word.to_string_lossy())) {
                        (true, _) if path.is_absolute() => loose(path),
                        (false, Found::Executable(program)) => loose(&program),
                        (true | false, _) => None,
                    }
                },
            )
        }),
    }
}

/// The first part of a path that others than root can make or replace, every symbolic link followed by hand.
///
/// Paths of this host only. What does not exist is judged by who could make it.
pub(super) fn loose_part(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let mut real = PathBuf::from("/");
    let mut left: Vec<OsString> = parts(&path);
    let mut links = 0;
    if let Ok(root) = fs::metadata(&real).as_ref()
        && owned_by_others(root)
    {
        return Some(real);
    }
    while let Some(part) = left.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        let Ok(meta) = fs::symlink_metadata(&next) else {
            let makable = fs::metadata(&real).is_ok_and(|meta| meta.mode() & (GROUP | ALL) != 0);
            return makable.then_some(next);
        };
        if meta.is_symlink() {
            links += 1;
            let target = fs::read_link(&next).unwrap_or_default();
            if meta.uid() != 0 || links > LINKS {
                return Some(next);
            }
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            left.extend(parts(&target));
            continue;
        }
        let open = left.is_empty() && meta.is_dir() && meta.mode() & ALL != 0;
        if owned_by_others(&meta) || open {
            return Some(next);
        }
        real = next;
    }
    None
}

/// The names of a path, last first.
fn parts(path: &Path) -> Vec<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

fn owned_by_others(meta: &Metadata) -> bool {
    let kind = meta.file_type();
    // /dev/null is everybody's, and writing to it replaces nothing.
    if kind.is_char_device() || kind.is_block_device() {
        return meta.uid() != 0;
    }
    let sticky = meta.is_dir() && meta.mode() & STICKY != 0;
    let group = meta.mode() & GROUP != 0 && meta.gid() != 0;
    meta.uid() != 0 || ((meta.mode() & ALL != 0 || group) && !sticky)
}

/// A word of a shell text, without quotes.
#[derive(Clone)]
struct Token {
    word: Vec<u8>,
    /// A command can stand here.
    leads: bool,
}

impl Token {
    /// Whether the file that it names depends on what the shell makes of it.
    fn obscure(&self) -> bool {
        let path = self.word.contains(&b'/');
        let expands = self.word.iter().any(|byte| b"$*?[{".contains(byte));
        let relative = self.word.starts_with(b".") || self.word.starts_with(b"~") || self.leads;
        path && (expands || (relative && !self.word.starts_with(b"/")))
    }
}

/// Takes a shell text apart, more finely than the shell does; quotes hold words together if they are heeded.
fn tokens(text: &[u8], quotes: bool) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let (mut word, mut quote, mut leads) = (Vec::new(), None, true);
    let mut bytes = text.iter().copied().chain([b'\n']).peekable();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => word.extend(bytes.next()),
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (_, Some(_)) if quotes => word.push(byte),
            (
                b' ' | b'\t' | b'\n' | b';' | b'|' | b'&' | b'<' | b'>' | b'(' | b')' | b'`' | b'=' | b':'
                | b',',
                _,
            ) => {
                let ended = std::mem::take(&mut word);
                if !ended.is_empty() {
                    let leader = leads && LEADERS.contains(&&*ended);
                    out.push(Token { word: ended, leads });
                    leads = leader;
                }
                leads |= b"\n;|&(`".contains(&byte);
            }
            (_, _) => word.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, quotes: bool) -> Vec<String> {
        let word = |token: Token| String::from_utf8_lossy(&token.word).into_owned();
        tokens(text.as_bytes(), quotes).into_iter().map(word).collect()
    }

    #[test]
    fn a_shell_text_falls_into_every_word_that_could_name_a_file() {
        assert_eq!(words("/a/b;/c&&X=/d /e|/f", true), ["/a/b", "/c", "X", "/d", "/e", "/f"]);
        assert_eq!(words(r#""/t"'mp'/x\ y"#, true), ["/tmp/x y"]);
        assert_eq!(words(r#"sh -c "/a/b c""#, false), ["sh", "-c", "/a/b", "c"]);
        assert_eq!(words("PATH=/a:/b $(/c)", true), ["PATH", "/a", "/b", "$", "/c"]);
    }

    #[test]
    fn a_word_that_the_shell_still_changes_cannot_be_judged() {
        let obscure = |text: &str| tokens(text.as_bytes(), true).iter().any(Token::obscure);
        for text in
            ["./x", "true && ./x", "a; b/c", "~/x", "$D/x", "/opt/*/x", "if bin/x", "sudo bin/x", "/a/{b,c}"]
        {
            assert!(obscure(text), "{text}");
        }
        for text in [
            "true && /x",
            "curl http://a/b | grep -q ok",
            "sed s/a/b/",
            "[[ -f /etc/x ]] && exit 1",
            "echo $?",
        ] {
            assert!(!obscure(text), "{text}");
        }
    }
}
