//! The contexts that say where literals and matches are, how long, and how far back.
//!
//! After LZMA (Pavlov, 2013), but for one thing: a match in the dictionary is coded by its place
//! there, counted from the end, all places alike; only distances within the block have slots.

use super::coders::{Coder, Prices, direct, tree};
use super::priors::{PRIORS, SEEN};
use crate::coder::Bit;

/// A new match is at least this long; one of three bytes costs more than its literals.
pub(super) const MIN_MATCH: usize = 4;
/// The shortest match at a repeated distance.
pub(super) const MIN_REPEAT: usize = 2;
/// The longest match is this much longer than the shortest.
pub(super) const MAX_EXTRA: usize = 15 + 255;

/// Contexts of everything but literals.
#[derive(Clone)]
pub(super) struct Steps {
    /// Whether a match follows, by the literals since the last and the class of the byte before.
    pub(super) is_match: [[Bit; 4]; 4],
    /// Whether a match repeats a distance, by the literals since the last.
    pub(super) is_repeat: [Bit; 4],
    /// Whether that is the older of the two distances.
    pub(super) is_repeat1: [Bit; 4],
    /// Whether a match lies in the dictionary, by how much of the block there is.
    pub(super) is_far: [Bit; 16],
    /// Lengths of new matches and of repeats.
    pub(super) length: [Lengths; 2],
    /// Slots of distances within the block, by the length of the match.
    slot: [[Bit; 64]; 3],
    /// The two bits below a slot.
    low: [[Bit; 4]; 64],
    /// The upper bits of a position in the dictionary.
    place: [Bit; 32],
}

/// Contexts of what a length has above the shortest: 0 to 14 in four bits, else 15 and eight more.
#[derive(Clone)]
pub(super) struct Lengths {
    low: [Bit; 16],
    high: [Bit; 256],
}

impl Lengths {
    fn new() -> Self {
        Self {
            low: [Bit::default(); 16],
            high: [Bit::default(); 256],
        }
    }

    /// Codes `extra`, at most [`MAX_EXTRA`].
    #[inline]
    pub(super) fn code<C: Coder>(&mut self, coder: &mut C, extra: u32) -> u32 {
        let low = tree(coder, &mut self.low, 4, extra.min(15));
        if low < 15 {
            return low;
        }
        15 + tree(coder, &mut self.high, 8, extra.wrapping_sub(15) & 255)
    }

    /// The price of `extra`.
    pub(super) fn price(&self, prices: &Prices, extra: u32) -> u32 {
        let price = prices.tree(&self.low, 4, extra.min(15));
        if extra < 15 {
            return price;
        }
        price + prices.tree(&self.high, 8, (extra - 15).min(255))
    }
}

impl Steps {
    /// Starts from [`PRIORS`].
    pub(super) fn new() -> Self {
        let mut steps = Self {
            is_match: [[Bit::default(); 4]; 4],
            is_repeat: [Bit::default(); 4],
            is_repeat1: [Bit::default(); 4],
            is_far: [Bit::default(); 16],
            length: [Lengths::new(), Lengths::new()],
            slot: [[Bit::default(); 64]; 3],
            low: [[Bit::default(); 4]; 64],
            place: [Bit::default(); 32],
        };
        for (context, &p) in steps.primed().zip(&PRIORS) {
            *context = Bit::expecting(u32::from(p) << 4 | 8, SEEN);
        }
        steps
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
        let found = tree(
            coder,
            &mut self.low[slot as usize],
            high,
            (rest >> (n - high)) & ((1 << high) - 1),
        );
        base.wrapping_add(direct(coder, n - high, rest, found))
    }

    /// Codes a position in the dictionary, of `n` bits.
    #[inline]
    pub(super) fn place<C: Coder>(&mut self, coder: &mut C, n: u32, value: u32) -> u32 {
        let high = n.min(5);
        let found = tree(coder, &mut self.place, high, (value >> (n - high)) & 31);
        direct(coder, n - high, value, found)
    }

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

/// Bits of a position in a dictionary of `n` bytes.
pub(super) fn place_bits(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

/// The context of whether a match lies in the dictionary, after `written` bytes of the block.
#[inline]
pub(super) fn far_context(written: u32) -> usize {
    (32 - (written >> 3).leading_zeros()).min(15) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_grow_by_half_an_octave() {
        let slots: Vec<u32> = [0, 1, 3, 4, 5, 6, 7, 8, 12, 4095, u32::MAX]
            .map(slot_of)
            .into();
        assert_eq!(slots, [0, 1, 3, 4, 4, 5, 5, 6, 7, 23, 63]);
    }

    #[test]
    fn every_prior_has_its_context() {
        assert_eq!(Steps::new().primed().count(), PRIORS.len());
    }
}
