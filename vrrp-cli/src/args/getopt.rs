//! The one thing of getopt that clap does not do: the value of `-t[FILE]` inside of the same word.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Options whose value is the rest of the word or the word behind it.
const WITH_VALUE: &[u8] = b"fuSprcbAsi";
/// Options whose value, if there is one, is the rest of the word.
const WITH_OPTIONAL_VALUE: &[u8] = b"tMg";

/// Writes `-nt/tmp/log` as `-n -t=/tmp/log`, and leaves everything else as it is.
pub(super) fn separate(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out = Vec::new();
    let mut is_value = false;
    let mut options_over = false;
    for word in words {
        let octets = word.as_bytes();
        let is_cluster = octets.len() > 1 && octets.starts_with(b"-") && !octets.starts_with(b"--");
        if std::mem::take(&mut is_value) || options_over || !is_cluster {
            options_over |= octets == b"--";
            out.push(word);
            continue;
        }
        let stop = |octet: &u8| WITH_VALUE.contains(octet) || WITH_OPTIONAL_VALUE.contains(octet);
        let Some(at) = octets.iter().skip(1).position(stop).map(|at| at + 1) else {
            out.push(word);
            continue;
        };
        let (flags, option) = octets.split_at(at);
        let (letter, value) = option.split_at(1);
        if WITH_VALUE.contains(&letter[0]) {
            is_value = value.is_empty();
            out.push(word);
            continue;
        }
        if flags.len() > 1 {
            out.push(OsStr::from_bytes(flags).to_os_string());
        }
        out.push(OsString::from_vec(match value {
            [] => [b"-", letter].concat(),
            value => [b"-", letter, b"=", value].concat(),
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn separated(line: &str) -> String {
        let words = separate(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_an_optional_value_is_separated() {
        assert_eq!(separated("-t/tmp/x"), "-t=/tmp/x");
        assert_eq!(separated("-nDt/tmp/x -l"), "-nD -t=/tmp/x -l");
        assert_eq!(separated("-t -f x"), "-t -f x");
        assert_eq!(separated("-f -tx"), "-f -tx");
        assert_eq!(separated("-nf -tx"), "-nf -tx");
        assert_eq!(separated("-ft -gx"), "-ft -g=x");
        assert_eq!(separated("--config-test=x -- -tx"), "--config-test=x -- -tx");
    }
}
