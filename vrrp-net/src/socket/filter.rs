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

    /// The program. An IPv4 raw socket shows it the datagram with its header, an IPv6 one the payload alone. What is
    /// too short to hold a VRID is dropped.
    pub(crate) fn program(&self, family: Family) -> Vec<SockFilter> {
        let mut program = match family {
            Family::V4 => vec![op(LDX_HEADER_LENGTH, 0), op(LD_BYTE_AFTER_X, VRID_AT)],
            Family::V6 => vec![op(LD_BYTE, VRID_AT)],
        };
        // X is the bit in its word, A the word's number.
        program.extend([op(ST, 0), op(AND, 31), op(TAX, 0), op(LD_MEMORY, 0), op(RSH, 5)]);
        for (number, word) in (0..).zip(self.0) {
            let words_behind = 7 - number;
            // Not this word: over its two instructions. This one: load it, and over those that are left.
            program.push(SockFilter::new(JEQ, 0, 2, number));
            program.push(op(LD_CONSTANT, word));
            program.push(op(JA, 3 * words_behind));
        }
        program.extend([op(RSH_X, 0), op(AND, 1), SockFilter::new(JEQ, 1, 0, 0)]);
        program.extend([op(RET, WHOLE_PACKET), op(RET, 0)]);
        program
    }
}

/// A program that lets nothing through.
pub(super) fn nothing() -> [SockFilter; 1] {
    [op(RET, 0)]
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

fn op(code: u16, k: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, k)
}
