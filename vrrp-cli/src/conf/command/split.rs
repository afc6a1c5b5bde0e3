//! The words of a command: quotes and escapes as keepalived reads them.

/// A word of a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct CommandWord {
    pub(in super::super) bytes: Vec<u8>,
    pub(in super::super) bare: bool,
    /// Where it begins and ends in the text.
    pub(in super::super) range: std::ops::Range<usize>,
}

/// Splits as keepalived splits commands: blanks, `"`, `'` and escapes; `None` if one is not finished.
pub(in super::super) fn split(text: &[u8]) -> Option<Vec<CommandWord>> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while text.get(at).is_some_and(|&byte| blank(byte)) {
            at += 1;
        }
        if at >= text.len() {
            return Some(words);
        }
        let start = at;
        let (mut bytes, mut bare, mut quote) = (Vec::new(), true, None);
        while let Some(&byte) = text.get(at) {
            at += 1;
            match (byte, quote) {
                (b'\\', _) => {
                    bare = false;
                    let (value, used) = escape(text.get(at..)?)?;
                    bytes.push(value);
                    at += used;
                }
                (b'"' | b'\'', None) => {
                    bare = false;
                    quote = Some(byte);
                }
                (_, Some(open)) if byte == open => quote = None,
                (_, None) if blank(byte) => {
                    at -= 1;
                    break;
                }
                (_, _) => bytes.push(byte),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(CommandWord { bytes, bare, range: start..at });
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The byte that an escape stands for, and the length of what follows the `\`.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let first = *text.first()?;
    let digits = |from: usize, limit: usize, base: u32| {
        let rest = text.get(from..).unwrap_or(&[]);
        rest.iter().take(limit).take_while(|&&byte| char::from(byte).is_digit(base)).count()
    };
    let value = |digits: &[u8], base: u8| {
        let digit = |byte: u8| char::from(byte).to_digit(u32::from(base)).unwrap_or(0) as u8;
        digits.iter().fold(0u8, |sum, &byte| sum.wrapping_mul(base).wrapping_add(digit(byte)))
    };
    Some(match first {
        b'x' if digits(1, 1, 16) > 0 => {
            let count = digits(1, usize::MAX, 16);
            (value(text.get(1..=count)?, 16), 1 + count)
        }
        b'c' if text.len() > 1 => (text.get(1)? & 0x1f, 2),
        b'0'..=b'7' => {
            let count = digits(0, 3, 8);
            (value(text.get(..count)?, 8), count)
        }
        b'a' => (0x07, 1),
        b'b' => (0x08, 1),
        b'E' => (0x1b, 1),
        b'f' => (0x0c, 1),
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'v' => (0x0b, 1),
        other => (other, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_keepalived_splits_them() {
        let words = |text: &str| -> Option<Vec<String>> {
            let words = split(text.as_bytes())?;
            Some(words.into_iter().map(|word| String::from_utf8_lossy(&word.bytes).into_owned()).collect())
        };
        let all = words(r#"a "b c"'d e'f \x41\101\t\q"#);
        assert_eq!(all.expect("quotes are closed"), ["a", "b cd ef", "AA\tq"]);
        assert_eq!(words("'a"), None);
        assert_eq!(words("a\\"), None);
        assert_eq!(words("  ").expect("there is no quote"), [""; 0]);
    }
}
