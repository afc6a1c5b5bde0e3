//! The similar name that was probably meant.

/// The candidate nearest to `word`, if it is near enough to be a slip of the pen.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words can be misspelt in more places; beyond 40 letters it is no keyword.
    let length = word.chars().count();
    let limit = match length {
        0..=2 => return None,
        3..=5 => 1,
        6..=40 => 2,
        _ => return None,
    };
    candidates
        .filter(|candidate| candidate.len().abs_diff(length) <= limit)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Whether a word is `auth_pass` or was probably meant to be.
pub(super) fn is_password(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    (6..=12).contains(&word.len()) && distance(&word, "auth_pass") <= 3 && word != "auth_type"
        || (word.starts_with("auth") && word.contains("pas"))
}

/// Edits (insert, delete, change, swap neighbours) that turn one word into the other.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = usize::from(left[i - 1] != right[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
                if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::{is_password, nearest};

    #[test]
    fn a_slip_of_the_pen_is_found_and_a_different_word_is_not() {
        let words = ["virtual_ipaddress", "virtual_routes", "state", "priority"];
        let nearest = |word| nearest(word, words.into_iter());
        assert_eq!(nearest("virtual_ipadress"), Some("virtual_ipaddress"));
        assert_eq!(nearest("piroirty"), Some("priority"));
        assert_eq!(nearest("sate"), Some("state"));
        assert_eq!(nearest("interface"), None);
        assert_eq!(nearest("x"), None);
    }

    #[test]
    fn a_misspelt_auth_pass_still_hides_what_follows() {
        for word in [
            "auth_pass",
            "authpass",
            "auth_pas",
            "Auth_Pass",
            "auth-pass",
            "aut_pas",
            "auht_pass",
            "authpassword",
        ] {
            assert!(is_password(word), "{word}");
        }
        for word in ["auth_type", "authentication", "auth_hmac", "accept", "interface", "state"] {
            assert!(!is_password(word), "{word}");
        }
    }
}
