//! Positions and field marks: an optional stream beside the postings, read for phrases and fields.
//!
//! For every entry of a posting list, the stream says in which fields the term stands (title,
//! headings, text) and at which positions **modulo 8**. A phrase can only match where the words'
//! residues follow each other; the false candidates fall out when the passage itself is read, which
//! a hit needs anyway. A residue costs 3 bits where a position costs 7 to 9, and stop words need
//! none at all: inside a phrase they are checked in the passage.
//!
//! A set is coded by its size, which the level of the entry all but tells, and then its members in
//! order, each weighed by how many are left for how many places: log2 of the number of sets of that
//! size, and not a bit for its order. Source: Cover, "Enumerative source encoding" (1973).

use super::PostingList;
use crate::coder::{Bit, Decoder, Encoder, Symbol};
use crate::error::{IndexError, Section};
use crate::impact::{FREQUENCIES, ImpactList};
use std::ops::Range;

/// Positions are kept modulo this number.
pub const RESIDUES: u32 = 8;

/// Where a term stands, beside a [`PostingList`]: sets of positions modulo [`RESIDUES`], as bit
/// masks. A mask is 0 where the field does not hold the term.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Positions {
    /// In the title of each document. `[n_documents]`
    pub titles: Vec<u8>,
    /// In the headings above each entry's chunk. `[n_entries]`
    pub headings: Vec<u8>,
    /// In the text of each entry's chunk. `[n_entries]`
    pub bodies: Vec<u8>,
}

impl Positions {
    /// Appends what `from` holds of its document `i`, whose entries are `entries`.
    ///
    /// # Panics
    /// When `from` has fewer documents or entries.
    pub fn push(&mut self, from: &Self, i: usize, entries: Range<usize>) {
        self.titles.push(from.titles[i]);
        let headings = &from.headings[entries.clone()];
        self.headings.extend_from_slice(headings);
        self.bodies.extend_from_slice(&from.bodies[entries]);
    }
}

/// The documents and entries of a list, whichever form it has.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Documents, ascending. `[n_documents]`
    pub documents: &'a [u32],
    /// First entry of each document, and the number of entries at the end. `[n_documents + 1]`
    pub starts: &'a [u32],
    /// Level of each entry. `[n_entries]`
    pub levels: &'a [u8],
}

impl<'a> From<&'a PostingList> for Shape<'a> {
    fn from(list: &'a PostingList) -> Self {
        Self {
            documents: &list.documents,
            starts: &list.starts,
            levels: &list.levels,
        }
    }
}

impl<'a> From<&'a ImpactList> for Shape<'a> {
    fn from(list: &'a ImpactList) -> Self {
        Self {
            documents: &list.documents,
            starts: &list.starts,
            levels: &list.levels,
        }
    }
}

impl Shape<'_> {
    fn entries(&self) -> impl Iterator<Item = Range<usize>> {
        self.starts
            .windows(2)
            .map(|pair| pair[0] as usize..pair[1] as usize)
    }

    fn level(&self, entry: usize) -> u8 {
        self.levels.get(entry).copied().unwrap_or(0)
    }
}

/// The contexts of position streams; one serves all lists of a block in turn.
#[derive(Debug, Clone, Default)]
pub struct PositionCodec {
    in_title: [Bit; 2],
    in_headings: [Bit; 2],
    in_body: [Bit; 2],
    /// Sizes of sets in titles and headings.
    count: [Symbol<8>; 2],
    /// Sizes of sets in the text, by half the level of the entry.
    count_in_body: [Symbol<8>; FREQUENCIES.len() / 2],
    /// Whether a place of a set in titles and headings, where words stand early, is taken.
    taken: [[Bit; RESIDUES as usize]; 2],
}

/// A field, with what a set of positions in it depends on.
#[derive(Debug, Clone, Copy)]
enum Field {
    Title,
    Headings,
    /// With the level of the entry.
    Body(u8),
}

impl PositionCodec {
    /// Writes the positions that belong to the list of `shape`.
    pub fn encode(&mut self, encoder: &mut Encoder, shape: Shape<'_>, positions: &Positions) {
        let mut titled = 0;
        for (&title, entries) in positions.titles.iter().zip(shape.entries()) {
            encoder.bit(&mut self.in_title[titled], title != 0);
            titled = usize::from(title != 0);
            if title != 0 {
                self.encode_mask(encoder, Field::Title, title);
            }
            for entry in entries {
                let (headings, body) = (positions.headings[entry], positions.bodies[entry]);
                encoder.bit(&mut self.in_headings[titled], headings != 0);
                if headings != 0 {
                    self.encode_mask(encoder, Field::Headings, headings);
                    encoder.bit(&mut self.in_body[titled], body != 0);
                }
                if body != 0 {
                    self.encode_mask(encoder, Field::Body(shape.level(entry)), body);
                }
            }
        }
    }

    /// The contexts of a set: of its size, and of its places unless all are alike.
    fn contexts(&mut self, field: Field) -> (&mut Symbol<8>, Option<&mut [Bit; 8]>) {
        match field {
            Field::Title => (&mut self.count[0], Some(&mut self.taken[0])),
            Field::Headings => (&mut self.count[1], Some(&mut self.taken[1])),
            Field::Body(level) => {
                let bucket = usize::from(level / 2).min(self.count_in_body.len() - 1);
                (&mut self.count_in_body[bucket], None)
            }
        }
    }

    fn encode_mask(&mut self, encoder: &mut Encoder, field: Field, mask: u8) {
        let (count, mut taken) = self.contexts(field);
        count.encode(encoder, mask.count_ones() - 1);
        let mut left = mask.count_ones();
        for place in 0..RESIDUES {
            if left == 0 || left == RESIDUES - place {
                break;
            }
            let bit = (mask >> place) & 1 == 1;
            match &mut taken {
                Some(contexts) => encoder.bit(&mut contexts[place as usize], bit),
                None => encoder.bit_with(even(left, place), bit),
            }
            left -= u32::from(bit);
        }
    }

    /// Reads the positions that belong to the list of `shape`.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the stream ends.
    pub fn decode(
        &mut self,
        decoder: &mut Decoder<'_>,
        shape: Shape<'_>,
    ) -> Result<Positions, IndexError> {
        let mut out = Positions::default();
        let mut titled = 0;
        for entries in shape.entries() {
            if decoder.is_past_end() {
                let offset = decoder.offset();
                let reason = "the positions end too early";
                return Err(IndexError::corrupt(Section::Positions, offset, reason));
            }
            titled = usize::from(decoder.bit(&mut self.in_title[titled]));
            out.titles.push(if titled == 1 {
                self.decode_mask(decoder, Field::Title)
            } else {
                0
            });
            for entry in entries {
                let has_headings = decoder.bit(&mut self.in_headings[titled]);
                let headings = if has_headings {
                    self.decode_mask(decoder, Field::Headings)
                } else {
                    0
                };
                let has_body = !has_headings || decoder.bit(&mut self.in_body[titled]);
                out.headings.push(headings);
                out.bodies.push(if has_body {
                    self.decode_mask(decoder, Field::Body(shape.level(entry)))
                } else {
                    0
                });
            }
        }
        Ok(out)
    }

    fn decode_mask(&mut self, decoder: &mut Decoder<'_>, field: Field) -> u8 {
        let (count, mut taken) = self.contexts(field);
        let mut left = count.decode(decoder) + 1;
        let mut mask = 0u8;
        for place in 0..RESIDUES {
            if left == 0 {
                break;
            }
            let bit = left == RESIDUES - place
                || match &mut taken {
                    Some(contexts) => decoder.bit(&mut contexts[place as usize]),
                    None => decoder.bit_with(even(left, place)),
                };
            mask |= u8::from(bit) << place;
            left -= u32::from(bit);
        }
        mask
    }
}

/// How probable it is that `place` is taken when `left` members are spread evenly over it and the
/// places behind it.
fn even(left: u32, place: u32) -> u32 {
    4096 * left / (RESIDUES - place)
}

#[cfg(test)]
mod tests {
    use super::super::codec::tests_shared::any_list;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_are_read_as_written(list in any_list(), seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut next = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; state };
            let mut mask = |zero: bool| { let m = (next() & next() & next()) as u8; if m == 0 && !zero { 1 } else { m } };
            let mut positions = Positions::default();
            for i in 0..list.len() {
                positions.titles.push(mask(true));
                for _ in list.entries(i) {
                    let headings = mask(true);
                    positions.headings.push(headings);
                    positions.bodies.push(mask(headings != 0));
                }
            }
            let mut encoder = Encoder::new();
            PositionCodec::default().encode(&mut encoder, (&list).into(), &positions);
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            let read = PositionCodec::default().decode(&mut decoder, (&list).into());
            prop_assert_eq!(read, Ok(positions));
        }
    }
}
