//! The statistics that encoder and decoder learn alike: one path of code serves writing, reading
//! and priming, chosen by the [`Coder`] it is given.

use super::tables::Tables;
use crate::coder::{Bit, Decoder, Encoder};

/// Something a binary decision passes through: written, read, or only learned from.
pub(super) trait Coder {
    /// Codes `bit`, set with probability `p` / 4096, and returns it; a reader ignores `bit`.
    fn code(&mut self, p: u32, bit: bool) -> bool;
}

impl Coder for Encoder {
    #[inline]
    fn code(&mut self, p: u32, bit: bool) -> bool {
        self.bit_with(p, bit);
        bit
    }
}

impl Coder for Decoder<'_> {
    #[inline]
    fn code(&mut self, p: u32, _: bool) -> bool {
        self.bit_with(p)
    }
}

/// Learns without coding.
pub(super) struct Prime;

impl Coder for Prime {
    #[inline]
    fn code(&mut self, _: u32, bit: bool) -> bool {
        bit
    }
}

/// Learns, and sums what coding would have cost.
pub(super) struct Estimate<'a> {
    pub(super) prices: &'a Prices,
    pub(super) cost: u32,
}

impl Coder for Estimate<'_> {
    #[inline]
    fn code(&mut self, p: u32, bit: bool) -> bool {
        self.cost += self.prices.bit(p, bit);
        bit
    }
}

/// What a decision costs, in 1/32 bit, by its probability.
pub(super) struct Prices([u16; 256]);

impl Prices {
    pub(super) fn new() -> Self {
        let mut prices = [0; 256];
        for (i, price) in prices.iter_mut().enumerate() {
            // -log2 of (i + 1/2) / 256: squaring doubles the logarithm, one bit at a time.
            let mut x = 2 * i as u64 + 1;
            let mut bits = 0u32;
            for _ in 0..5 {
                x *= x;
                bits *= 2;
                while x >= 1 << 16 {
                    x >>= 1;
                    bits += 1;
                }
            }
            // What is left in x is between 15 and 16 bits.
            *price = (9 * 32 - 15 - bits.min(9 * 32 - 15)) as u16;
        }
        Self(prices)
    }

    #[inline]
    pub(super) fn bit(&self, p: u32, bit: bool) -> u32 {
        let p = if bit { p } else { 4095 - p };
        u32::from(self.0[(p >> 4) as usize])
    }

    pub(super) fn of(&self, context: Bit, bit: bool) -> u32 {
        self.bit(context.probability(), bit)
    }

    pub(super) fn tree(&self, nodes: &[Bit], n: u32, value: u32) -> u32 {
        let mut node = 1u32;
        let mut price = 0;
        for i in (0..n).rev() {
            let bit = (value >> i) & 1 == 1;
            price += self.of(nodes[node as usize], bit);
            node = 2 * node + u32::from(bit);
        }
        price
    }
}

include!("priors.in");

/// Matches are at least this long; repeated distances may be used for [`MIN_REPEAT`].
pub(super) const MIN_MATCH: usize = 4;
/// The shortest match at a repeated distance.
pub(super) const MIN_REPEAT: usize = 2;

const N_INPUTS: usize = 4;
const O1_BITS: u32 = 14;

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

#[derive(Clone)]
pub(super) struct Literals {
    /// By the byte before, or by the byte expected directly after a match.
    o1: Box<[Bit; 1 << O1_BITS]>,
    /// What followed two bytes, three bytes, and the start of the word.
    histories: [Box<[u8; 1 << HISTORY_BITS]>; N_HISTORIES],
    maps: [[u16; 256]; N_HISTORIES],
    weights: Box<[[i32; N_INPUTS]; 64]>,
}

const N_HISTORIES: usize = 3;
const HISTORY_BITS: u32 = 16;
const PHI: u32 = 0x9E37_79B1;

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    Box::new([value; N])
}

impl Literals {
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
                sum += weights[i] * inputs[i];
            }
            let p = tables.squash(sum >> 16);
            let bit = coder.code(p, bit);
            let error = ((i32::from(bit) << 12) - p as i32) * RATE;
            for i in 0..N_INPUTS {
                weights[i] += (inputs[i] * error + 0x8000) >> 16;
            }
            let target = -i32::from(bit) & 0xFFFF;
            p1.update(bit);
            learn(p2, target, 6);
            learn(p3, target, 6);
            learn(pw, target, 6);
            remember(c2, bit);
            remember(c3, bit);
            remember(cw, bit);
            node = 2 * node + u32::from(bit);
        }
        node as u8
    }
}

/// How fast the weights move.
const RATE: i32 = 10;

#[inline]
fn learn(p: &mut u16, target: i32, rate: u32) {
    *p = (i32::from(*p) + ((target - i32::from(*p)) >> rate)) as u16;
}

/// Appends to a history: a leading one, then up to seven bits, the latest last.
#[inline]
fn remember(history: &mut u8, bit: bool) {
    *history = (*history << 1) | u8::from(bit) | (*history & 128);
}

/// Contexts of everything but literals.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) is_match: [[Bit; 4]; 4],
    pub(super) is_repeat: [Bit; 4],
    pub(super) is_repeat1: [Bit; 4],
    /// Whether a match lies in the dictionary, by how much of the block there is.
    pub(super) is_far: [Bit; 16],
    pub(super) length: [Lengths; 2],
    /// Slots of distances within the block, by the length of the match.
    slot: [[Bit; 64]; 3],
    low: [[Bit; 8]; 64],
    /// The upper bits of a position in the dictionary.
    place: [Bit; 32],
}

#[derive(Clone)]
pub(super) struct Lengths {
    low: [Bit; 16],
    high: [Bit; 256],
}

#[inline]
pub(super) fn bit<C: Coder>(coder: &mut C, context: &mut Bit, bit: bool) -> bool {
    let bit = coder.code(context.probability(), bit);
    context.update(bit);
    bit
}

#[inline]
fn tree<C: Coder>(coder: &mut C, nodes: &mut [Bit], n: u32, value: u32) -> u32 {
    let mut node = 1u32;
    for i in (0..n).rev() {
        let b = bit(coder, &mut nodes[node as usize], (value >> i) & 1 == 1);
        node = 2 * node + u32::from(b);
    }
    node - (1 << n)
}

/// The longest match is this much longer than the shortest.
pub(super) const MAX_EXTRA: usize = 15 + 255;

impl Lengths {
    fn new() -> Self {
        Self {
            low: [Bit::default(); 16],
            high: [Bit::default(); 256],
        }
    }

    #[inline]
    pub(super) fn code<C: Coder>(&mut self, coder: &mut C, extra: u32) -> u32 {
        let low = tree(coder, &mut self.low, 4, extra.min(15));
        if low < 15 {
            return low;
        }
        15 + tree(coder, &mut self.high, 8, extra.wrapping_sub(15) & 255)
    }
}

impl Tokens {
    pub(super) fn new() -> Self {
        let mut tokens = Self {
            is_match: [[Bit::default(); 4]; 4],
            is_repeat: [Bit::default(); 4],
            is_repeat1: [Bit::default(); 4],
            is_far: [Bit::default(); 16],
            length: [Lengths::new(), Lengths::new()],
            slot: [[Bit::default(); 64]; 3],
            low: [[Bit::default(); 8]; 64],
            place: [Bit::default(); 32],
        };
        for (context, &p) in tokens.primed().zip(&PRIORS) {
            *context = Bit::expecting(u32::from(p) << 4 | 8, SEEN);
        }
        tokens
    }

    /// The contexts that start from [`PRIORS`], in its order.
    pub(super) fn primed(&mut self) -> impl Iterator<Item = &mut Bit> {
        let lengths = self.length.iter_mut();
        (self.is_match.iter_mut().flatten())
            .chain(&mut self.is_repeat)
            .chain(&mut self.is_repeat1)
            .chain(&mut self.is_far)
            .chain(lengths.flat_map(|l| l.low.iter_mut().chain(&mut l.high[..16])))
            .chain(self.slot.iter_mut().flatten())
    }

    /// Codes `distance - 1`, below 2^32, of a match within the block.
    #[inline]
    pub(super) fn distance<C: Coder>(&mut self, coder: &mut C, extra: u32, value: u32) -> u32 {
        let slots = &mut self.slot[(extra as usize).min(2)];
        let slot = tree(coder, slots, 6, slot_of(value));
        if slot < 4 {
            return slot;
        }
        let n = slot / 2 - 1;
        let base = (2 | (slot & 1)) << n;
        let rest = value.wrapping_sub(base);
        // The upper two bits below the slot are learned, the others cost one bit each.
        let high = n.min(2);
        let mut found = tree(
            coder,
            &mut self.low[slot as usize],
            high,
            (rest >> (n - high)) & ((1 << high) - 1),
        );
        for i in (0..n - high).rev() {
            found = found << 1 | u32::from(coder.code(2048, (rest >> i) & 1 == 1));
        }
        base.wrapping_add(found)
    }

    /// Codes a position in the dictionary, of `n` bits.
    #[inline]
    pub(super) fn place<C: Coder>(&mut self, coder: &mut C, n: u32, value: u32) -> u32 {
        let high = n.min(5);
        let mut found = tree(coder, &mut self.place, high, (value >> (n - high)) & 31);
        for i in (0..n - high).rev() {
            found = found << 1 | u32::from(coder.code(2048, (value >> i) & 1 == 1));
        }
        found
    }
}

impl Lengths {
    pub(super) fn price(&self, prices: &Prices, extra: u32) -> u32 {
        let price = prices.tree(&self.low, 4, extra.min(15));
        if extra < 15 {
            return price;
        }
        price + prices.tree(&self.high, 8, (extra - 15).min(255))
    }
}

impl Tokens {
    /// The price of a distance in `slot`, all its bits included.
    pub(super) fn price_of_slot(&self, prices: &Prices, extra: usize, slot: u32) -> u32 {
        let price = prices.tree(&self.slot[extra.min(2)], 6, slot);
        if slot < 4 {
            price
        } else {
            price + 32 * (slot / 2 - 1)
        }
    }
}

/// The slot of a distance: its two leading bits and their place.
#[inline]
pub(super) fn slot_of(value: u32) -> u32 {
    if value < 4 {
        return value;
    }
    let n = value.ilog2();
    2 * n + ((value >> (n - 1)) & 1)
}
