//! The language of transcripts: what is a line says itself again, and what is an input can be told.

use vrrp_core::trace::{self, Line};

/// Reads bytes as a transcript.
pub fn trace(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for (_, line) in trace::read(text) {
        let Ok(line) = line else { continue };
        let said = line.to_string();
        assert_eq!(said.parse().as_ref(), Ok(&line), "{said}");
        if let Line::Input(input) = &line {
            let _ = input.input();
        }
    }
}
