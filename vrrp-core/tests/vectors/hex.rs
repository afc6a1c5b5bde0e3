//! Octets from the text of a table.

/// The octets that pairs of hexadecimal digits stand for.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    assert!(hex.len() % 2 == 0, "pairs of digits");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}
