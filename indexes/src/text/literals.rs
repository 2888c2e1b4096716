//! Predicts a literal, bit by bit, from four contexts at once.
//!
//! Each context gives a probability for the next bit: the byte before (an adaptive counter), and
//! the last two bytes, the last three, and the word so far. The latter three see few bits each, so
//! they do not count but remember: a *history* of up to seven bits, and one map per context from
//! history to probability, learned over all contexts together. "Seen once, a one" so gets the
//! probability that it earned. A mixer then adds the four in the logistic domain, with weights
//! that depend on how long the two longest histories are.
//!
//! Source: Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression" (2005),
//! sections 3 and 4: indirect histories and the gated mixing of his PAQ7 and lpaq.

use super::coders::Coder;
use super::tables::Tables;
use crate::coder::Bit;

/// The probabilities mixed.
const N_INPUTS: usize = 4;
/// Those that come from histories.
const N_HISTORIES: usize = 3;
/// Counters of the first context.
const O1_BITS: u32 = 14;
/// Histories of each other context: three tables of 64 KiB, copied for every block.
const HISTORY_BITS: u32 = 16;
/// How fast the weights move; anything from 5 to 20 compresses alike.
const RATE: i32 = 10;
/// The golden ratio in 32 bits, to scatter hashes.
const PHI: u32 = 0x9E37_79B1;

/// What a literal is predicted from.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// The last four bytes, the latest lowest.
    pub(super) last: u32,
    /// A hash of the letters since the last byte that is not one.
    pub(super) word: u32,
    /// The byte that would continue the last match, plus 256, directly after one; else 0.
    pub(super) expected: u32,
}

/// What is known about literals; 230 KB.
#[derive(Clone)]
pub(super) struct Literals {
    /// By the byte before, or by the byte expected directly after a match.
    o1: Box<[Bit; 1 << O1_BITS]>,
    /// What followed two bytes, three bytes, and the start of the word.
    histories: [Box<[u8; 1 << HISTORY_BITS]>; N_HISTORIES],
    /// The probability of a set bit after each history, in 1/65536.
    maps: [[u16; 256]; N_HISTORIES],
    /// In 1/65536, by the lengths of the last two histories.
    weights: Box<[[i32; N_INPUTS]; 64]>,
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    Box::new([value; N])
}

impl Literals {
    /// Knows nothing but that a history tends to go on.
    pub(super) fn new() -> Self {
        let mut map = [0u16; 256];
        for (history, p) in map.iter_mut().enumerate() {
            let mut value = 32768u32;
            if history > 1 {
                let n = history.ilog2();
                for i in (0..n).rev() {
                    let target = if (history >> i) & 1 == 1 { 65000 } else { 535 };
                    value = (value * 2 + target) / 3;
                }
            }
            *p = value as u16;
        }
        Self {
            o1: boxed(Bit::default()),
            histories: std::array::from_fn(|_| boxed(1)),
            maps: [map; N_HISTORIES],
            weights: boxed([22000; N_INPUTS]),
        }
    }

    /// Codes `byte` and learns from it; a reader's `byte` is ignored.
    #[inline]
    pub(super) fn code<C: Coder>(
        &mut self,
        tables: &Tables,
        coder: &mut C,
        before: Before,
        byte: u8,
    ) -> u8 {
        let h1 = if before.expected == 0 {
            before.last & 0xFF
        } else {
            before.expected
        };
        let h1 = h1.wrapping_mul(0x2F0B_4C47);
        let h2 = (before.last & 0xFFFF)
            .wrapping_add(1)
            .wrapping_mul(0x3D4D_51CB);
        let h3 = (before.last & 0xFF_FFFF)
            .wrapping_add(1)
            .wrapping_mul(0x8F1B_BCDD);
        let h3 = h3 ^ (h3 >> 15);
        let hw = before.word.wrapping_mul(0xB529_7A4D) ^ (before.last & 0xff);
        let hw = hw.wrapping_mul(PHI);
        let [o2, o3, word] = &mut self.histories;
        let [map2, map3, mapw] = &mut self.maps;
        let mut node = 1u32;
        for shift in (0..8).rev() {
            let bit = (byte >> shift) & 1 == 1;
            let scatter = node.wrapping_mul(PHI);
            let p1 = &mut self.o1[(h1.wrapping_add(scatter) >> (32 - O1_BITS)) as usize];
            let c2 = &mut o2[(h2.wrapping_add(scatter) >> (32 - HISTORY_BITS)) as usize];
            let c3 = &mut o3[(h3.wrapping_add(scatter) >> (32 - HISTORY_BITS)) as usize];
            let cw = &mut word[(hw.wrapping_add(scatter) >> (32 - HISTORY_BITS)) as usize];
            let p2 = &mut map2[usize::from(*c2)];
            let p3 = &mut map3[usize::from(*c3)];
            let pw = &mut mapw[usize::from(*cw)];
            let set = c3.leading_zeros() * 8 + cw.leading_zeros();
            let inputs = [
                tables.stretch((p1.probability() << 4) as u16),
                tables.stretch(*p2),
                tables.stretch(*p3),
                tables.stretch(*pw),
            ];
            let weights = &mut self.weights[(set & 63) as usize];
            let mut sum = 0i32;
            for i in 0..N_INPUTS {
                // Weights stay small on any text; wrapping keeps hostile bytes from panicking.
                sum = sum.wrapping_add(weights[i].wrapping_mul(inputs[i]));
            }
            let p = tables.squash(sum >> 16);
            let bit = coder.code(p, bit);
            let error = ((i32::from(bit) << 12) - p as i32) * RATE;
            for i in 0..N_INPUTS {
                weights[i] = weights[i].wrapping_add((inputs[i] * error + 0x8000) >> 16);
            }
            let target = -i32::from(bit) & 0xFFFF;
            p1.update(bit);
            learn(p2, target);
            learn(p3, target);
            learn(pw, target);
            remember(c2, bit);
            remember(c3, bit);
            remember(cw, bit);
            node = 2 * node + u32::from(bit);
        }
        node as u8
    }
}

/// Moves a probability by 1/64 of the way to `target`.
#[inline]
fn learn(p: &mut u16, target: i32) {
    *p = (i32::from(*p) + ((target - i32::from(*p)) >> 6)) as u16;
}

/// Appends to a history: a leading one, then up to seven bits, the latest last.
#[inline]
fn remember(history: &mut u8, bit: bool) {
    *history = (*history << 1) | u8::from(bit) | (*history & 128);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_keeps_its_last_seven_bits() {
        let mut history = 1;
        for _ in 0..3 {
            remember(&mut history, true);
        }
        assert_eq!(history, 0b1111);
        for bit in [false, false, true, false, true, true, false] {
            remember(&mut history, bit);
        }
        assert_eq!(history, 0b1001_0110);
    }
}
