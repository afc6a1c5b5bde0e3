//! A reader of capture files: little-endian, microseconds, Ethernet, nothing cut.

use std::path::Path;

/// The frames of a capture in `tests/vectors`.
pub(crate) fn frames(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let file = std::fs::read(&path).expect("a capture of this folder");
    let (header, mut rest) = file.split_at(24);
    assert_eq!(word(header, 0), 0xa1b2_c3d4, "magic number");
    assert_eq!(word(header, 20), 1, "Ethernet");
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let (record, after) = rest.split_at(16);
        let (captured, sent) = (word(record, 8), word(record, 12));
        assert_eq!(captured, sent, "a frame that is not cut");
        let (frame, after) = after.split_at(captured as usize);
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

fn word(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().expect("four octets"))
}
