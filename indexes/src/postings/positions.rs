//! Positions and field marks: an optional stream beside the postings, read for phrases and fields.
//!
//! For every entry of a posting list, the stream says in which fields the term stands (title,
//! headings, text) and at which positions **modulo 16**. A phrase can only match where the words'
//! residues follow each other; the few false candidates fall out when the passage itself is read,
//! which a hit needs anyway. A residue costs 4 bits where a position costs 7 to 9, and stop words
//! need none at all: inside a phrase they are checked in the passage.

use super::PostingList;
use crate::coder::{Bit, Decoder, Encoder, Symbol};
use crate::error::{IndexError, Section};
use crate::impact::ImpactList;

/// Positions are kept modulo this number.
pub const RESIDUES: u32 = 16;

/// Where a term stands, beside a [`PostingList`]: sets of positions modulo [`RESIDUES`], as bit
/// masks. A mask is 0 where the field does not hold the term.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Positions {
    /// In the title of each document. `[n_documents]`
    pub titles: Vec<u16>,
    /// In the headings above each entry's chunk. `[n_entries]`
    pub headings: Vec<u16>,
    /// In the text of each entry's chunk. `[n_entries]`
    pub bodies: Vec<u16>,
}

/// The documents and entries of a list, whichever form it has.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Documents, ascending. `[n_documents]`
    pub documents: &'a [u32],
    /// First entry of each document, and the number of entries at the end. `[n_documents + 1]`
    pub starts: &'a [u32],
}

impl<'a> From<&'a PostingList> for Shape<'a> {
    fn from(list: &'a PostingList) -> Self {
        Self {
            documents: &list.documents,
            starts: &list.starts,
        }
    }
}

impl<'a> From<&'a ImpactList> for Shape<'a> {
    fn from(list: &'a ImpactList) -> Self {
        Self {
            documents: &list.documents,
            starts: &list.starts,
        }
    }
}

impl Shape<'_> {
    fn entries(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.starts
            .windows(2)
            .map(|pair| pair[0] as usize..pair[1] as usize)
    }
}

/// The contexts of position streams; one serves all lists of a block in turn.
#[derive(Debug, Clone, Default)]
pub struct PositionCodec {
    in_title: [Bit; 2],
    in_headings: [Bit; 2],
    in_body: [Bit; 2],
    count: [Symbol<4>; 3],
    residue: [Symbol<16>; 2],
}

/// Contexts of the three fields.
const TITLE: usize = 0;
const HEADINGS: usize = 1;
const BODY: usize = 2;

impl PositionCodec {
    /// Writes the positions that belong to the list of `shape`.
    pub fn encode(&mut self, encoder: &mut Encoder, shape: Shape<'_>, positions: &Positions) {
        let mut titled = 0;
        for (&title, entries) in positions.titles.iter().zip(shape.entries()) {
            encoder.bit(&mut self.in_title[titled], title != 0);
            titled = usize::from(title != 0);
            if title != 0 {
                self.encode_mask(encoder, TITLE, title);
            }
            for entry in entries {
                let (headings, body) = (positions.headings[entry], positions.bodies[entry]);
                encoder.bit(&mut self.in_headings[titled], headings != 0);
                if headings != 0 {
                    self.encode_mask(encoder, HEADINGS, headings);
                    encoder.bit(&mut self.in_body[titled], body != 0);
                }
                if body != 0 {
                    self.encode_mask(encoder, BODY, body);
                }
            }
        }
    }

    fn encode_mask(&mut self, encoder: &mut Encoder, field: usize, mask: u16) {
        let n = mask.count_ones();
        if n > 3 {
            self.count[field].encode(encoder, 0);
            encoder.direct(u32::from(mask), RESIDUES);
            return;
        }
        self.count[field].encode(encoder, n);
        let mut rest = mask;
        while rest != 0 {
            let residue = rest.trailing_zeros();
            rest &= rest - 1;
            if field == BODY {
                encoder.direct(residue, 4);
            } else {
                self.residue[field].encode(encoder, residue);
            }
        }
    }

    /// Reads the positions that belong to the list of `shape`.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the stream ends or says what cannot be.
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
                self.decode_mask(decoder, TITLE)?
            } else {
                0
            });
            for _ in entries {
                let has_headings = decoder.bit(&mut self.in_headings[titled]);
                let headings = if has_headings {
                    self.decode_mask(decoder, HEADINGS)?
                } else {
                    0
                };
                let has_body = !has_headings || decoder.bit(&mut self.in_body[titled]);
                out.headings.push(headings);
                out.bodies.push(if has_body {
                    self.decode_mask(decoder, BODY)?
                } else {
                    0
                });
            }
        }
        Ok(out)
    }

    fn decode_mask(&mut self, decoder: &mut Decoder<'_>, field: usize) -> Result<u16, IndexError> {
        let n = self.count[field].decode(decoder);
        let mut mask = 0u16;
        if n == 0 {
            mask = decoder.direct(RESIDUES) as u16;
        }
        for _ in 0..n {
            let residue = if field == BODY {
                decoder.direct(4)
            } else {
                self.residue[field].decode(decoder)
            };
            mask |= 1 << residue;
        }
        if mask == 0 {
            let reason = "an empty set of positions";
            return Err(IndexError::corrupt(
                Section::Positions,
                decoder.offset(),
                reason,
            ));
        }
        Ok(mask)
    }
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
            let mut mask = |zero: bool| { let m = (next() & next() & next()) as u16; if m == 0 && !zero { 1 } else { m } };
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
