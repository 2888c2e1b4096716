//! A block of the lexicon, the positions beside it, and tails of long lists.
//!
//! The payload of a lexicon block is one range-coded stream: the number of terms, then for each
//! term its string, whether it is a stop word, whether it has a tail (and then the tail's number of
//! blocks, its first block, its documents and its highest impact), and its posting list.

use super::terms::TermCodec;
use crate::coder::{Bit, Decoder, Encoder, Number, PRIOR_UPDATES};
use crate::error::{IndexError, Section};
use crate::impact::{ImpactList, Scoring};
use crate::layout::Layout;
use crate::postings::{PositionCodec, Positions, PostingCodec, PostingList};

/// Bits of a highest impact.
const IMPACT_BITS: u32 = 16;

/// The part of a long list that lies in blocks of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Number of the first block of the postings kind.
    pub first_block: u32,
    /// How many blocks follow each other.
    pub n_blocks: u32,
    /// Documents in the tail.
    pub n_documents: u32,
    /// Highest impact of any of its documents, in [`crate::impact::UNIT`]s.
    pub max_impact: u32,
}

/// A term as the builder hands it over.
#[derive(Debug, Clone)]
pub struct TermInput {
    /// Its bytes.
    pub term: Vec<u8>,
    /// Whether it is a stop word: its entries and positions are left out, and each document counts
    /// it once in its title.
    pub is_stop: bool,
    /// Its postings, or the head of them.
    pub list: PostingList,
    /// Where it stands; empty for stop words.
    pub positions: Positions,
    /// The tail, when the list is a head.
    pub tail: Option<Tail>,
}

/// A term as read from a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockTerm {
    /// Its bytes.
    pub term: Box<[u8]>,
    /// Whether it is a stop word.
    pub is_stop: bool,
    /// Its postings, or the head of them.
    pub list: ImpactList,
    /// Where the rest of its postings lies.
    pub tail: Option<Tail>,
}

impl BlockTerm {
    /// Documents that hold the term, the tail's included.
    pub fn document_frequency(&self) -> u32 {
        self.list.len() as u32 + self.tail.map_or(0, |tail| tail.n_documents)
    }
}

/// A decoded block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LexiconBlock {
    terms: Vec<BlockTerm>,
}

/// Contexts of what stands between a term and its list.
#[derive(Debug, Clone)]
struct FlagCodec {
    is_stop: Bit,
    has_tail: Bit,
    blocks: Number,
    first: Number,
    documents: Number,
}

impl Default for FlagCodec {
    fn default() -> Self {
        Self {
            is_stop: Bit::expecting(40, PRIOR_UPDATES),
            has_tail: Bit::expecting(40, PRIOR_UPDATES),
            blocks: Number::geometric(2),
            first: Number::geometric(8),
            documents: Number::geometric(12),
        }
    }
}

impl FlagCodec {
    fn encode(&mut self, encoder: &mut Encoder, input: &TermInput) {
        encoder.bit(&mut self.is_stop, input.is_stop);
        encoder.bit(&mut self.has_tail, input.tail.is_some());
        if let Some(tail) = input.tail {
            self.blocks.encode(encoder, tail.n_blocks);
            self.first.encode(encoder, tail.first_block);
            self.documents.encode(encoder, tail.n_documents);
            encoder.direct(tail.max_impact, IMPACT_BITS);
        }
    }

    fn decode(&mut self, decoder: &mut Decoder<'_>) -> (bool, Option<Tail>) {
        let is_stop = decoder.bit(&mut self.is_stop);
        let tail = decoder.bit(&mut self.has_tail).then(|| Tail {
            n_blocks: self.blocks.decode(decoder),
            first_block: self.first.decode(decoder),
            n_documents: self.documents.decode(decoder),
            max_impact: decoder.direct(IMPACT_BITS),
        });
        (is_stop, tail)
    }
}

impl LexiconBlock {
    /// Writes the payload of a block of `terms`, sorted by their bytes. `primed` is the segment's
    /// codec of terms, `expanded` tells whether its documents have expansions.
    pub fn write(
        terms: &[TermInput],
        layout: &Layout,
        primed: &TermCodec,
        expanded: bool,
    ) -> Vec<u8> {
        let mut encoder = Encoder::new();
        let mut names = primed.clone();
        let mut flags = FlagCodec::default();
        let mut postings = PostingCodec::new(expanded);
        Number::geometric(5).encode(&mut encoder, terms.len() as u32);
        for input in terms {
            names.encode(&mut encoder, &input.term);
            flags.encode(&mut encoder, input);
            postings.encode(&mut encoder, &input.list, layout);
        }
        encoder.finish()
    }

    /// Reads the payload of a block.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what a writer makes.
    pub fn read(
        payload: &[u8],
        layout: &Layout,
        scoring: &Scoring,
        primed: &TermCodec,
        expanded: bool,
    ) -> Result<Self, IndexError> {
        let section = Section::Lexicon;
        let mut decoder = Decoder::new(payload);
        let mut names = primed.clone();
        let mut flags = FlagCodec::default();
        let mut postings = PostingCodec::new(expanded);
        let n = Number::geometric(5).decode(&mut decoder);
        let mut terms: Vec<BlockTerm> = Vec::new();
        for _ in 0..n {
            let term: Box<[u8]> = names.decode(&mut decoder, section)?.into();
            let offset = decoder.offset();
            if terms.last().is_some_and(|last| last.term >= term) {
                return Err(IndexError::corrupt(
                    section,
                    offset,
                    "terms are out of order",
                ));
            }
            let (is_stop, tail) = flags.decode(&mut decoder);
            let list = postings.decode(&mut decoder, layout, section)?;
            if decoder.is_past_end() {
                return Err(IndexError::corrupt(
                    section,
                    offset,
                    "the block ends too early",
                ));
            }
            terms.push(BlockTerm {
                term,
                is_stop,
                list: scoring.score(&list, layout),
                tail,
            });
        }
        Ok(Self { terms })
    }

    /// The terms, sorted.
    pub fn terms(&self) -> &[BlockTerm] {
        &self.terms
    }

    /// The place of `term`, if the block has it.
    pub fn find(&self, term: &[u8]) -> Option<usize> {
        self.terms
            .binary_search_by(|t| t.term.as_ref().cmp(term))
            .ok()
    }

    /// The places of the terms that start with `prefix`.
    pub fn with_prefix(&self, prefix: &[u8]) -> std::ops::Range<usize> {
        let first = self.terms.partition_point(|t| t.term.as_ref() < prefix);
        let n = self.terms[first..].partition_point(|t| t.term.starts_with(prefix));
        first..first + n
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        self.terms
            .iter()
            .map(|t| 160 + t.term.len() + t.list.size_bytes())
            .sum()
    }
}

/// The positions of a lexicon block's terms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PositionsBlock {
    /// One for each term of the lexicon block; `None` for stop words.
    pub lists: Vec<Option<Positions>>,
}

impl PositionsBlock {
    /// Writes the payload.
    pub fn write(terms: &[TermInput]) -> Vec<u8> {
        let mut encoder = Encoder::new();
        let mut codec = PositionCodec::default();
        for input in terms.iter().filter(|input| !input.is_stop) {
            codec.encode(&mut encoder, (&input.list).into(), &input.positions);
        }
        encoder.finish()
    }

    /// Reads the payload beside its lexicon block.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload does not fit the block.
    pub fn read(payload: &[u8], block: &LexiconBlock) -> Result<Self, IndexError> {
        let mut decoder = Decoder::new(payload);
        let mut codec = PositionCodec::default();
        let mut lists = Vec::new();
        for term in &block.terms {
            lists.push(if term.is_stop {
                None
            } else {
                Some(codec.decode(&mut decoder, (&term.list).into())?)
            });
        }
        Ok(Self { lists })
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        let size = |p: &Positions| p.titles.len() + p.headings.len() + p.bodies.len();
        self.lists
            .iter()
            .map(|p| 80 + p.as_ref().map_or(0, size))
            .sum()
    }
}

/// A block of a tail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TailBlock;

/// Writes a piece of a tail: the payload of its postings block.
pub fn write_tail(list: &PostingList, layout: &Layout, expanded: bool) -> Vec<u8> {
    let mut encoder = Encoder::new();
    PostingCodec::new(expanded).encode(&mut encoder, list, layout);
    encoder.finish()
}

impl TailBlock {
    /// Reads a piece of a tail.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`write_tail`] makes.
    pub fn read(
        payload: &[u8],
        layout: &Layout,
        scoring: &Scoring,
        expanded: bool,
    ) -> Result<ImpactList, IndexError> {
        let mut decoder = Decoder::new(payload);
        let list = PostingCodec::new(expanded).decode(&mut decoder, layout, Section::Postings)?;
        Ok(scoring.score(&list, layout))
    }

    /// Writes the positions of a piece of a tail.
    pub fn write_positions(list: &PostingList, positions: &Positions) -> Vec<u8> {
        let mut encoder = Encoder::new();
        PositionCodec::default().encode(&mut encoder, list.into(), positions);
        encoder.finish()
    }

    /// Reads the positions of a piece of a tail.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload does not fit the list.
    pub fn read_positions(payload: &[u8], list: &ImpactList) -> Result<Positions, IndexError> {
        PositionCodec::default().decode(&mut Decoder::new(payload), list.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Class;
    use crate::manifest::{Averages, ScoringParameters};

    #[test]
    fn a_block_is_read_as_written_with_tails_and_stop_words() {
        let class = |c, n| Class {
            chunks_per_document: c,
            n_documents: n,
        };
        let layout = Layout::new(vec![class(1, 50), class(3, 50)]).unwrap();
        let mut list = PostingList::new();
        list.push(3, 1, &[(0, 0)]);
        list.push_expanded(60, 0, Some(4), &[(1, 9)]);
        let positions = Positions {
            titles: vec![4, 0],
            headings: vec![0, 0],
            bodies: vec![1, 0x80],
        };
        let parameters = ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 200,
            heading_weight: 100,
            document_share: 50,
            expansion_weight: 80,
        };
        let scoring = Scoring::new(parameters, Averages::default());
        let tail = Some(Tail {
            first_block: 9,
            n_blocks: 2,
            n_documents: 77,
            max_impact: 800,
        });
        let input = |term: &str, is_stop, tail| TermInput {
            term: term.into(),
            is_stop,
            list: list.clone(),
            positions: positions.clone(),
            tail,
        };
        let inputs = [
            input("apple", false, None),
            input("the", true, None),
            input("to", false, tail),
        ];
        let primed = TermCodec::primed([&b"m"[..]]);
        let payload = LexiconBlock::write(&inputs, &layout, &primed, true);
        let block = LexiconBlock::read(&payload, &layout, &scoring, &primed, true).unwrap();
        assert_eq!(block.find(b"the"), Some(1));
        assert_eq!(block.find(b"them"), None);
        assert_eq!(block.with_prefix(b"t"), 1..3);
        assert_eq!(block.terms()[2].tail, tail);
        assert_eq!(block.terms()[2].document_frequency(), 79);
        assert!(
            block
                .terms()
                .iter()
                .all(|t| t.list == scoring.score(&list, &layout))
        );
        let payload = PositionsBlock::write(&inputs);
        let read = PositionsBlock::read(&payload, &block).unwrap();
        assert_eq!(read.lists, [Some(positions.clone()), None, Some(positions)]);
    }
}
