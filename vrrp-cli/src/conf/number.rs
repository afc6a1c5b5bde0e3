//! Numbers as keepalived.conf writes them, without floats.

use std::fmt;
use std::time::Duration;

/// Why a text is not the number that is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NumberError {
    /// It is no number.
    Malformed,
    /// It is one, outside of the range.
    Range,
}

/// A decimal number of seconds, exact to the nanosecond; finer digits must be zero.
pub(super) fn seconds(text: &str) -> Result<Duration, NumberError> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.strip_prefix('-').is_some_and(|rest| decimal(rest).is_ok()) {
        return Err(NumberError::Range);
    }
    decimal(text)
}

fn decimal(text: &str) -> Result<Duration, NumberError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return Err(NumberError::Malformed);
    }
    let whole = match whole {
        "" => 0,
        whole => whole.parse::<u64>().map_err(|_| NumberError::Range)?,
    };
    let (fine, finer) = fraction.split_at(fraction.len().min(9));
    if finer.bytes().any(|byte| byte != b'0') {
        return Err(NumberError::Malformed);
    }
    let nanos = format!("{fine:0<9}").parse::<u32>().map_err(|_| NumberError::Malformed)?;
    Ok(Duration::new(whole, nanos))
}

/// A whole number.
pub(super) fn integer(text: &str) -> Result<i64, NumberError> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Malformed);
    }
    text.parse().map_err(|_| NumberError::Range)
}

/// A span of time as one would write it in the file: `0.5`, `40.95`, `3`.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = format!("{:09}", self.0.subsec_nanos());
        match nanos.trim_end_matches('0') {
            "" => write!(f, "{}", self.0.as_secs()),
            fraction => write!(f, "{}.{fraction}", self.0.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds("0.01"), Ok(Duration::from_millis(10)));
        assert_eq!(seconds("1"), Ok(Duration::from_secs(1)));
        assert_eq!(seconds(".5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("5."), Ok(Duration::from_secs(5)));
        assert_eq!(seconds("4294.967295"), Ok(Duration::from_micros(4_294_967_295)));
        assert_eq!(seconds("0.0000000010"), Ok(Duration::from_nanos(1)));
        assert_eq!(seconds("0.0000000011"), Err(NumberError::Malformed));
        assert_eq!(seconds("-1"), Err(NumberError::Range));
        assert_eq!(seconds("99999999999999999999"), Err(NumberError::Range));
        for text in ["", ".", "1s", "1.2.3", "1e3", "--1", "0x10"] {
            assert_eq!(seconds(text), Err(NumberError::Malformed), "{text}");
        }
        assert_eq!(Seconds(Duration::from_millis(40_950)).to_string(), "40.95");
        assert_eq!(Seconds(Duration::from_secs(3)).to_string(), "3");
    }

    #[test]
    fn integers_are_whole() {
        assert_eq!(integer("-2"), Ok(-2));
        assert_eq!(integer("+7"), Ok(7));
        assert_eq!(integer("99999999999999999999"), Err(NumberError::Range));
        for text in ["", "-", "1.0", "ten", "1 2"] {
            assert_eq!(integer(text), Err(NumberError::Malformed), "{text}");
        }
    }
}
