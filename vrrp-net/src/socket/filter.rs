//! The filter that lets only the VRIDs in use through, in classic BPF.
//!
//! The usual chain of comparisons cannot hold 255 VRIDs: a jump reaches 255 instructions at most. This one looks the
//! VRID up in a set of 256 bits instead, whose eight words are constants of the program, so it is as long, and nearly
//! as fast, for one VRID as for all.

use socket2::SockFilter;
use vrrp_core::Family;

/// A set of VRIDs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct VridSet([u32; 8]);

impl VridSet {
    pub(crate) fn insert(&mut self, vrid: u8) {
        if let Some(word) = self.0.get_mut(usize::from(vrid / 32)) {
            *word |= 1 << (vrid % 32);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The program. An IPv4 raw socket shows it the datagram with its header, an IPv6 one the payload alone. What is
    /// too short to hold a VRID is dropped.
    pub(crate) fn program(&self, family: Family) -> Vec<SockFilter> {
        self.instructions(family).into_iter().map(Instruction::encode).collect()
    }

    fn instructions(&self, family: Family) -> Vec<Instruction> {
        let mut program = match family {
            Family::V4 => vec![op(LDX_HEADER_LENGTH, 0), op(LD_BYTE_AFTER_X, VRID_AT)],
            Family::V6 => vec![op(LD_BYTE, VRID_AT)],
        };
        // X is the bit in its word, A the word's number.
        program.extend([op(ST, 0), op(AND, 31), op(TAX, 0), op(LD_MEMORY, 0), op(RSH, 5)]);
        for (number, word) in (0..).zip(self.0) {
            let words_behind = 7 - number;
            // Not this word: over its two instructions. This one: load it, and over those that are left.
            program.push(Instruction { code: JEQ, jt: 0, jf: 2, k: number });
            program.push(op(LD_CONSTANT, word));
            program.push(op(JA, 3 * words_behind));
        }
        program.extend([op(RSH_X, 0), op(AND, 1), Instruction { code: JEQ, jt: 1, jf: 0, k: 0 }]);
        program.extend([op(RET, WHOLE_PACKET), op(RET, 0)]);
        program
    }
}

/// A program that lets nothing through.
pub(super) fn nothing() -> [SockFilter; 1] {
    [op(RET, 0).encode()]
}

/// An instruction: how far to jump when a comparison holds and when it does not, and a number.
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

impl Instruction {
    fn encode(self) -> SockFilter {
        SockFilter::new(self.code, self.jt, self.jf, self.k)
    }
}

/// The VRID is the second octet of a VRRP message.
const VRID_AT: u32 = 1;
const WHOLE_PACKET: u32 = u32::MAX;

// `<linux/bpf_common.h>`: class, size and mode of each instruction.
const LD_BYTE: u16 = 0x30;
const LD_BYTE_AFTER_X: u16 = 0x50;
const LD_CONSTANT: u16 = 0x00;
const LD_MEMORY: u16 = 0x60;
/// X = 4 * (octet & 15): the length of an IPv4 header.
const LDX_HEADER_LENGTH: u16 = 0xb1;
const ST: u16 = 0x02;
const AND: u16 = 0x54;
const RSH: u16 = 0x74;
const RSH_X: u16 = 0x7c;
const JA: u16 = 0x05;
const JEQ: u16 = 0x15;
const RET: u16 = 0x06;
const TAX: u16 = 0x07;

fn op(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_lets_its_vrids_through_and_no_other() {
        let odd: Vec<u8> = (1..=255).step_by(2).collect();
        let all: Vec<u8> = (1..=255).collect();
        for vrids in [&[][..], &[51], &[1, 32, 33, 255], &odd, &all] {
            let mut set = VridSet::default();
            vrids.iter().for_each(|vrid| set.insert(*vrid));
            for vrid in 0..=255 {
                let expected = vrids.contains(&vrid);
                assert_eq!(passes(&set.instructions(Family::V6), &[0x31, vrid, 100, 1]), expected, "{vrid}");
                for header in [20, 24, 60] {
                    let mut datagram = vec![0; header];
                    datagram[0] = 0x40 | (header / 4) as u8;
                    datagram.extend([0x31, vrid, 100, 1]);
                    assert_eq!(
                        passes(&set.instructions(Family::V4), &datagram),
                        expected,
                        "{vrid} behind {header}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_holds_no_vrid_is_dropped() {
        let mut set = VridSet::default();
        set.insert(0);
        assert!(!passes(&set.instructions(Family::V6), &[0x31]));
        assert!(!passes(&set.instructions(Family::V4), &[0x45; 21]));
        assert!(!passes(&set.instructions(Family::V4), &[]));
    }

    /// Classic BPF as far as these programs use it, by its documentation and not by our constants.
    fn passes(program: &[Instruction], packet: &[u8]) -> bool {
        let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; 16], 0);
        loop {
            let Instruction { code, jt, jf, k } = program[at];
            at += 1;
            let byte = |at: u32| packet.get(at as usize).map(|octet| u32::from(*octet));
            match (code & 7, code & 0xf8) {
                (0, 0x00) => a = k,
                (0, 0x30) => match byte(k) {
                    Some(octet) => a = octet,
                    None => return false,
                },
                (0, 0x50) => match byte(x + k) {
                    Some(octet) => a = octet,
                    None => return false,
                },
                (0, 0x60) => a = memory[k as usize],
                (1, 0xb0) => match byte(k) {
                    Some(octet) => x = 4 * (octet & 15),
                    None => return false,
                },
                (2, 0x00) => memory[k as usize] = a,
                (4, 0x50) => a &= k,
                (4, 0x70) => a >>= k,
                (4, 0x78) => a >>= x,
                (5, 0x00) => at += k as usize,
                (5, 0x10) => at += usize::from(if a == k { jt } else { jf }),
                (6, 0x00) => return k != 0,
                (7, 0x00) => x = a,
                other => unreachable!("an instruction that no program here has: {other:?}"),
            }
        }
    }
}
