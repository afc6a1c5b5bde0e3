//! Texts of messages as they are shown: no secret, nothing that a terminal would obey, no word without end.

/// Characters of a quoted word that are shown.
const QUOTED: usize = 60;
/// A shorter secret is a word of its own in too many places to be searched for inside of others.
const INSIDE: usize = 4;

/// The text as it may be shown, if it must be changed; `inside` masks short secrets inside of words, too.
pub(super) fn shown(text: &str, secrets: &[&str], inside: bool) -> Option<String> {
    let mut out = None;
    for secret in secrets {
        let masked = mask(out.as_deref().unwrap_or(text), secret, inside || secret.len() >= INSIDE);
        out = masked.or(out);
    }
    let current = out.as_deref().unwrap_or(text);
    if current.chars().any(char::is_control) {
        let plain = current.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
        out = Some(plain.collect());
    }
    let current = out.as_deref().unwrap_or(text);
    cut(current).or(out)
}

fn mask(text: &str, secret: &str, inside: bool) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    for (at, _) in text.match_indices(secret) {
        let end = at + secret.len();
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if inside || !(joins(text[..at].chars().next_back()) || joins(text[end..].chars().next())) {
            out.push_str(&text[from..at]);
            out.push_str("********");
            from = end;
        }
    }
    (from > 0).then(|| out + &text[from..])
}

/// Cuts what stands between two backticks to [`QUOTED`] characters.
fn cut(text: &str) -> Option<String> {
    if text.len() <= QUOTED {
        return None;
    }
    let mut changed = false;
    let parts: Vec<String> = text
        .split('`')
        .enumerate()
        .map(|(index, part)| match part.char_indices().nth(QUOTED) {
            Some((end, _)) if index % 2 == 1 => {
                changed = true;
                format!("{}…", &part[..end])
            }
            _ => part.to_string(),
        })
        .collect();
    changed.then(|| parts.join("`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_and_a_short_one_only_where_it_stands_alone() {
        let secrets = ["s3cret", "ab"];
        assert_eq!(shown("`s3cretx` of `a`", &secrets, false).as_deref(), Some("`********x` of `a`"));
        assert_eq!(shown("`ab` is no table", &secrets, false).as_deref(), Some("`********` is no table"));
        assert_eq!(shown("`abx`", &secrets, true).as_deref(), Some("`********x`"));
        assert_eq!(shown("nothing", &secrets, false), None);
    }

    #[test]
    fn a_long_quoted_word_is_cut_and_the_sentence_is_not() {
        let word = "x".repeat(100);
        assert_eq!(
            shown(&format!("`{word}` {word}"), &[], false),
            Some(format!("`{}…` {word}", "x".repeat(60)))
        );
        assert_eq!(shown(&word, &[], false), None);
    }

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(shown("a\u{1b}[2J", &[], false).as_deref(), Some("a\u{fffd}[2J"));
    }
}
