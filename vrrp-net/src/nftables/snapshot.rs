//! What the kernel has of our tables, to be compared with what it had: octets that are never interpreted, so that a
//! kernel may describe our objects as it likes.

use super::desired::Desired;
use super::kernel::{Failure, Kernel, attributes, body, find};
use super::message;
use super::table::Family;
use crate::netlink::Answer;

/// All chains, rules, sets and elements of our tables, with the kernel's handles: two are equal only if nobody has
/// touched the tables in between.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot(Vec<Vec<u8>>);

impl Snapshot {
    /// Reads the tables that are there when `desired` is blocked.
    ///
    /// # Errors
    /// Also when one of them or of their sets is not there.
    pub(super) fn read(kernel: &mut Kernel, desired: &Desired) -> Result<Self, Failure> {
        let mut octets = Vec::new();
        for family in Family::ALL.into_iter().filter(|family| !family.sets(desired).is_empty()) {
            for kind in [message::GET_CHAIN, message::GET_RULE, message::GET_SET] {
                octets.extend(kernel.dump(family, kind, None)?.iter().filter_map(object));
            }
            for set in family.sets(desired) {
                let answers = kernel.dump(family, message::GET_ELEMENTS, Some(set))?;
                octets.extend(answers.iter().filter_map(elements).flatten());
            }
        }
        // The kernel gives the elements of a set in no particular order.
        octets.sort_unstable();
        Ok(Self(octets))
    }
}

fn object(answer: &Answer) -> Option<Vec<u8>> {
    Some([&answer.kind.to_ne_bytes(), body(answer)?].concat())
}

/// Each element with the set's name before it.
fn elements(answer: &Answer) -> Option<Vec<Vec<u8>>> {
    let message = attributes(body(answer)?)?;
    let set = find(&message, message::SET)?;
    let list = attributes(find(&message, message::ELEMENTS)?)?;
    Some(list.iter().map(|element| [set, element.nla_payload().as_ref()].concat()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_answer_makes_a_reader_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = Answer { kind: message::NEW_ELEMENTS, payload };
            let _ = object(&answer);
            let _ = elements(&answer);
        }

        #[test]
        fn no_attributes_make_a_reader_panic(
            list in proptest::collection::vec((0..30_u16, 0..5_u16, any::<[u8; 20]>()), 0..8),
        ) {
            let mut payload = vec![0; 4];
            for (length, kind, octets) in list {
                payload.extend(length.to_ne_bytes());
                payload.extend(kind.to_ne_bytes());
                payload.extend(octets.iter().take(usize::from(length).saturating_sub(4).next_multiple_of(4)));
            }
            let _ = elements(&Answer { kind: message::NEW_ELEMENTS, payload });
        }
    }
}
