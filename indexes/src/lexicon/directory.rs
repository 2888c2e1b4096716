//! The directory: in which block a term would be.

use super::terms::TermCodec;
use crate::coder::{Decoder, Encoder, Number};
use crate::error::{IndexError, Section};

/// The shortest string above `before` and not above `first`; `before < first`.
///
/// ```
/// use littoral_indexes::lexicon::separator;
/// assert_eq!(separator(b"intern", b"interval"), b"interv");
/// ```
pub fn separator(before: &[u8], first: &[u8]) -> Vec<u8> {
    let shared = before.iter().zip(first).take_while(|(a, b)| a == b).count();
    first[..(shared + 1).min(first.len())].to_vec()
}

/// Sorted separators of consecutive blocks. The first block needs none: what is below every
/// separator belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Separators {
    strings: Vec<Vec<u8>>,
}

impl Separators {
    /// From sorted, distinct strings: one less than there are blocks.
    pub fn new(strings: Vec<Vec<u8>>) -> Self {
        Self { strings }
    }

    /// The separators themselves, for priming a [`TermCodec`].
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> {
        self.strings.iter().map(Vec::as_slice)
    }

    /// How many blocks they separate.
    pub fn n_blocks(&self) -> u32 {
        self.strings.len() as u32 + 1
    }

    /// The block where `term` would be.
    pub fn block_of(&self, term: &[u8]) -> u32 {
        self.strings.partition_point(|s| s.as_slice() <= term) as u32
    }

    /// The blocks that may hold terms that start with `prefix`.
    pub fn blocks_with_prefix(&self, prefix: &[u8]) -> std::ops::RangeInclusive<u32> {
        let last = self
            .strings
            .partition_point(|s| s.as_slice() <= prefix || s.starts_with(prefix));
        self.block_of(prefix)..=last as u32
    }

    /// Writes them.
    pub fn write(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        Number::geometric(6).encode(&mut encoder, self.strings.len() as u32);
        let mut codec = TermCodec::default();
        for string in &self.strings {
            codec.encode(&mut encoder, string);
        }
        encoder.finish()
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the bytes end early or the strings are out of order.
    pub fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        Ok(Self::learn(bytes)?.0)
    }

    /// As [`Self::read`], with what reading them taught a codec: that of [`TermCodec::primed`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn learn(bytes: &[u8]) -> Result<(Self, TermCodec), IndexError> {
        let section = Section::Directory;
        let mut decoder = Decoder::new(bytes);
        let n = Number::geometric(6).decode(&mut decoder);
        let mut codec = TermCodec::default();
        let mut strings: Vec<Vec<u8>> = Vec::new();
        for _ in 0..n {
            let string = codec.decode(&mut decoder, section)?.to_vec();
            let offset = decoder.offset();
            if decoder.is_past_end() {
                return Err(IndexError::corrupt(
                    section,
                    offset,
                    "the separators end too early",
                ));
            }
            if strings.last().is_some_and(|last| *last >= string) {
                return Err(IndexError::corrupt(
                    section,
                    offset,
                    "separators are out of order",
                ));
            }
            strings.push(string);
        }
        codec.restart();
        Ok((Self { strings }, codec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Separators {
        Separators::new(vec![b"de".to_vec(), b"fish".to_vec(), b"fist".to_vec()])
    }

    #[test]
    fn a_term_is_looked_for_in_the_block_its_separators_enclose() {
        let s = three();
        for (term, block) in [
            ("", 0),
            ("dd", 0),
            ("de", 1),
            ("fis", 1),
            ("fish", 2),
            ("zz", 3),
        ] {
            assert_eq!(s.block_of(term.as_bytes()), block, "{term}");
        }
    }

    #[test]
    fn a_prefix_spans_every_block_that_may_hold_it() {
        let s = three();
        assert_eq!(s.blocks_with_prefix(b"fis"), 1..=3);
        assert_eq!(s.blocks_with_prefix(b"a"), 0..=0);
        assert_eq!(s.blocks_with_prefix(b"fish"), 2..=2);
        assert_eq!(s.blocks_with_prefix(b"d"), 0..=1);
    }

    #[test]
    fn separators_are_read_as_written() {
        for s in [three(), Separators::default()] {
            assert_eq!(Separators::read(&s.write()), Ok(s));
        }
    }

    #[test]
    fn reading_separators_teaches_what_writing_them_does() {
        let words = (0..200).map(|i| format!("word{:03}", i * 7 % 1000));
        let mut strings: Vec<Vec<u8>> = words.map(String::into_bytes).collect();
        strings.sort();
        for s in [Separators::new(strings), three(), Separators::default()] {
            let (read, learned) = Separators::learn(&s.write()).unwrap();
            assert!(learned == TermCodec::primed(read.strings()));
        }
    }
}
