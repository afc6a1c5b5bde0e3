//! Netlink messages in a datagram: a splitter that is total on any octets, and the writer that belongs to it.
//!
//! ```text
//!  0                   1                   2                   3
//! +---------------------------------------------------------------+
//! |                  length, this header included                 |
//! +-------------------------------+-------------------------------+
//! |             type              |             flags             |
//! +-------------------------------+-------------------------------+
//! |                        sequence number                        |
//! +---------------------------------------------------------------+
//! |              port id of the socket that asked                 |
//! +---------------------------------------------------------------+
//! |         payload, then zeros up to a multiple of four          |
//! ```
//! All numbers are in the byte order of the machine.

/// One message: header fields and payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

/// A length that is smaller than the header or reaches beyond the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The messages of a datagram; ends after the first malformed one.
pub(super) struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    pub(super) fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(self.rest) else {
            self.rest = &[];
            return Some(Err(Malformed));
        };
        self.rest = rest;
        Some(Ok(message))
    }
}

/// Appends a message, padded so that another one may follow.
///
/// The caller keeps a payload below 4 GiB; ours are below 1 KiB.
pub(super) fn push(buffer: &mut Vec<u8>, message: Message<'_>) {
    let length = u32::try_from(HEADER + message.payload.len()).unwrap_or(u32::MAX);
    buffer.extend(length.to_ne_bytes());
    buffer.extend(message.kind.to_ne_bytes());
    buffer.extend(message.flags.to_ne_bytes());
    buffer.extend(message.sequence.to_ne_bytes());
    buffer.extend([0; 4]); // the kernel puts our port id here itself
    buffer.extend(message.payload);
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
}

/// The number in the first two octets, if there are as many.
pub(super) fn number_u16(octets: &[u8]) -> Option<u16> {
    octets.first_chunk().map(|octets| u16::from_ne_bytes(*octets))
}

/// The number in the first four octets, if there are as many.
pub(super) fn number_u32(octets: &[u8]) -> Option<u32> {
    octets.first_chunk().map(|octets| u32::from_ne_bytes(*octets))
}

const HEADER: usize = 16;
const ALIGN: usize = 4;

fn split(datagram: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = usize::try_from(number_u32(datagram)?).ok()?;
    let payload = datagram.get(HEADER..length)?;
    let message = Message {
        kind: number_u16(datagram.get(4..)?)?,
        flags: number_u16(datagram.get(6..)?)?,
        sequence: number_u32(datagram.get(8..)?)?,
        payload,
    };
    // The last message of a datagram may come without its padding.
    let rest = datagram.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    Some((message, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_length_below_the_header_ends_the_datagram() {
        for length in 0..16_u32 {
            let mut datagram = length.to_ne_bytes().to_vec();
            datagram.resize(64, 0);
            let messages: Vec<_> = Messages::new(&datagram).collect();
            assert_eq!(messages, [Err(Malformed)], "length {length}");
        }
    }

    #[test]
    fn a_length_beyond_the_datagram_is_malformed() {
        let mut datagram = Vec::new();
        push(&mut datagram, Message { kind: 16, flags: 0, sequence: 1, payload: &[1, 2, 3, 4] });
        datagram.pop();
        assert_eq!(Messages::new(&datagram).collect::<Vec<_>>(), [Err(Malformed)]);
    }

    #[test]
    fn the_largest_length_does_not_overflow() {
        let mut datagram = u32::MAX.to_ne_bytes().to_vec();
        datagram.resize(32, 0);
        assert_eq!(Messages::new(&datagram).collect::<Vec<_>>(), [Err(Malformed)]);
    }

    proptest! {
        #[test]
        fn any_octets_are_split_without_a_panic_and_without_a_gap(datagram in proptest::collection::vec(any::<u8>(), 0..512)) {
            let mut covered = 0;
            for message in Messages::new(&datagram) {
                covered += message.map_or(0, |message| HEADER + message.payload.len());
            }
            prop_assert!(covered <= datagram.len());
        }

        #[test]
        fn likely_lengths_are_split_without_a_panic(
            words in proptest::collection::vec(prop_oneof![0..80_u32, any::<u32>()], 0..64)
        ) {
            let datagram: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            prop_assert!(Messages::new(&datagram).count() <= datagram.len() / HEADER + 1);
        }

        #[test]
        fn what_was_pushed_is_what_is_split(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10)
        ) {
            let mut datagram = Vec::new();
            let message = |i: usize| Message { kind: 20, flags: 5, sequence: i as u32, payload: &payloads[i] };
            for i in 0..payloads.len() {
                push(&mut datagram, message(i));
            }
            let split: Vec<_> = Messages::new(&datagram).collect();
            prop_assert_eq!(split, (0..payloads.len()).map(|i| Ok(message(i))).collect::<Vec<_>>());
        }
    }
}
