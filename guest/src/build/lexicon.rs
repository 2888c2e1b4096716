//! Merges the runs of raw postings into lexicon blocks, their positions, and tails.

use super::impacts::{Leveler, Levels};
use super::payload::Payload;
use super::runs::{Run, RunReader};
use super::segment::{Collected, Files, TermTotals};
use super::{BuildError, Scratch, Sink, Workers};
use littoral_indexes::envelope::{BlockId, Kind, seal};
use littoral_indexes::impact::Scoring;
use littoral_indexes::layout::Layout;
use littoral_indexes::lexicon::{
    LexiconBlock, PositionsBlock, Separators, Tail, TailBlock, TermCodec, TermInput, separator,
    write_tail,
};
use littoral_indexes::manifest::{Averages, Settings};
use littoral_indexes::postings::{Positions, PostingList};

/// Compressed bytes of a lexicon block, about. Small blocks make a lookup cheap and the directory
/// large; at this size the sum of a three-word query's blocks and the directory is near its minimum
/// for a few thousand documents.
pub(super) const BLOCK_BYTES: usize = 2200;

/// A list estimated above this gets a block of its own, so that its neighbours stay cheap.
const ALONE_BYTES: usize = 1100;

/// A list estimated above this keeps only its best documents in the lexicon; the rest is a tail.
const TAIL_BYTES: usize = 9000;

/// Compressed bytes of the head of a long list, about.
const HEAD_BYTES: usize = 5000;

/// Compressed bytes of a block of a tail, about.
const TAIL_BLOCK_BYTES: usize = 9000;

/// More blocks than this, and the directory gets leaves.
const MAX_FLAT_BLOCKS: usize = 1600;

/// Blocks per leaf of the directory.
const BLOCKS_PER_LEAF: u32 = 128;

/// Raw postings merged before a batch of blocks is encoded.
const BATCH_POSTINGS: usize = 1 << 20;

pub(super) struct LexiconInput<'a, S> {
    pub(super) settings: &'a Settings,
    /// Whether any document has an expansion.
    pub(super) expanded: bool,
    pub(super) averages: Averages,
    pub(super) layout: &'a Layout,
    pub(super) documents: &'a [Collected],
    /// Documents as collected, by their final number.
    pub(super) order: &'a [u32],
    pub(super) words: &'a [u16],
    pub(super) weights: &'a [u8],
    /// Strings and ids of the terms, sorted.
    pub(super) terms: &'a [(&'a str, u32)],
    pub(super) totals: &'a [TermTotals],
    pub(super) runs: &'a [Run],
    pub(super) scratch: &'a S,
}

pub(super) struct WrittenLexicon {
    pub(super) n_blocks: u32,
    pub(super) n_postings_blocks: u32,
    pub(super) blocks_per_leaf: u32,
    pub(super) separators: Separators,
}

/// Bits a posting costs, about: the gap, the base level, and the entries.
fn estimate_bytes(totals: &TermTotals, layout: &Layout) -> usize {
    let density = (layout.n_documents() / totals.documents.max(1))
        .max(1)
        .ilog2() as usize;
    let expansions = totals.expansions as usize * 24;
    (totals.documents as usize * (density * 8 + 44) + totals.entries as usize * 30 + expansions)
        / 64
}

/// First term of each block.
fn boundaries(input: &LexiconInput<'_, impl Scratch>) -> Vec<usize> {
    let mut starts = vec![0];
    let (mut size, mut previous) = (0, "");
    for (i, &(term, id)) in input.terms.iter().enumerate() {
        let list = estimate_bytes(&input.totals[id as usize], input.layout);
        let shared = previous
            .bytes()
            .zip(term.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        let this = list + (term.len() - shared) / 2 + 1;
        let is_start = starts.last() == Some(&i);
        if !is_start && (size + this > BLOCK_BYTES || list > ALONE_BYTES) {
            starts.push(i);
            size = 0;
        }
        size += this;
        if list > ALONE_BYTES && i + 1 < input.terms.len() {
            starts.push(i + 1);
            size = 0;
        }
        previous = term;
    }
    starts
}

/// The raw postings of one term, in the order of final document numbers.
struct RawTerm<'a> {
    term: &'a str,
    is_stop: bool,
    /// `(document, start, end)` in `payloads`.
    postings: Vec<(u32, u32, u32)>,
    payloads: Vec<u8>,
}

/// The files of one lexicon block.
struct EncodedBlock {
    lexicon: Vec<u8>,
    positions: Vec<u8>,
    /// Postings and positions of each piece of a tail.
    tail: Vec<(Vec<u8>, Vec<u8>)>,
}

pub(super) fn write<S: Scratch + Sync>(
    input: &LexiconInput<'_, S>,
    files: &mut Files<'_, impl Sink>,
    workers: &impl Workers,
) -> Result<WrittenLexicon, BuildError> {
    let starts = boundaries(input);
    let separators: Vec<Vec<u8>> = starts[1..]
        .iter()
        .map(|&i| separator(input.terms[i - 1].0.as_bytes(), input.terms[i].0.as_bytes()))
        .collect();
    let n_blocks = starts.len() as u32;
    let (blocks_per_leaf, top) = write_directory(separators, files)?;
    let encoder = BlockEncoder {
        leveler: Leveler::new(input.settings.scoring, input.averages),
        scoring: Scoring::new(input.settings.scoring, input.averages),
        primed: TermCodec::primed(top.strings()),
        input,
        numbers: {
            let mut numbers = vec![0u32; input.order.len()];
            for (number, &document) in (0..).zip(input.order) {
                numbers[document as usize] = number;
            }
            numbers
        },
    };

    let mut readers = input
        .runs
        .iter()
        .map(|&run| RunReader::new(run, input.scratch))
        .collect::<Result<Vec<_>, _>>()?;
    let mut n_tail_blocks = 0;
    let mut tails = Vec::new();
    let mut batch: Vec<Vec<RawTerm<'_>>> = Vec::new();
    let (mut batched, mut lexicon_blocks) = (0, Vec::new());
    for (block, &start) in starts.iter().enumerate() {
        let end = starts.get(block + 1).copied().unwrap_or(input.terms.len());
        let mut raw = Vec::with_capacity(end - start);
        for &(term, id) in &input.terms[start..end] {
            let term = encoder.read_term(term, id, &mut readers)?;
            batched += term.postings.len() + term.payloads.len() / 8;
            raw.push(term);
        }
        batch.push(raw);
        if batched > BATCH_POSTINGS || end == input.terms.len() {
            // Where tails begin is known before blocks are encoded: it follows from the estimates.
            let mut jobs = Vec::new();
            for terms in batch.drain(..) {
                let first_tail = n_tail_blocks;
                n_tail_blocks += encoder.n_tail_blocks(&terms);
                jobs.push((terms, first_tail));
            }
            let encoded = workers.map(jobs, |(terms, first)| encoder.encode(&terms, first));
            for block in encoded {
                let id = files.next(Kind::Lexicon);
                files.put_sealed(id, seal(id, &block.lexicon))?;
                lexicon_blocks.push(block.positions);
                tails.extend(block.tail);
            }
            batched = 0;
        }
    }
    let n_postings_blocks = tails.len() as u32;
    let mut tail_positions = Vec::new();
    for (postings, positions) in tails {
        files.put(Kind::Postings, &postings)?;
        tail_positions.push(positions);
    }
    if input.settings.positions {
        for payload in lexicon_blocks.iter().chain(&tail_positions) {
            files.put(Kind::Positions, payload)?;
        }
    }
    Ok(WrittenLexicon {
        n_blocks,
        n_postings_blocks,
        blocks_per_leaf,
        separators: top,
    })
}

/// Writes leaves when there are many blocks; returns blocks per leaf and what the manifest keeps.
fn write_directory(
    mut separators: Vec<Vec<u8>>,
    files: &mut Files<'_, impl Sink>,
) -> Result<(u32, Separators), BuildError> {
    if separators.len() < MAX_FLAT_BLOCKS {
        return Ok((0, Separators::new(separators)));
    }
    let mut top = Vec::new();
    // The separator in front of a leaf stands in the top; the others stand in the leaf.
    while !separators.is_empty() {
        let rest = separators.split_off((BLOCKS_PER_LEAF as usize - 1).min(separators.len()));
        files.put(Kind::Directory, &Separators::new(separators).write())?;
        let mut rest = rest.into_iter();
        let Some(first) = rest.next() else { break };
        top.push(first);
        separators = rest.collect();
        if separators.is_empty() {
            files.put(Kind::Directory, &Separators::new(Vec::new()).write())?;
        }
    }
    Ok((BLOCKS_PER_LEAF, Separators::new(top)))
}

struct BlockEncoder<'a, S> {
    leveler: Leveler,
    scoring: Scoring,
    primed: TermCodec,
    input: &'a LexiconInput<'a, S>,
    /// Final number of each document as collected.
    numbers: Vec<u32>,
}

impl<'a, S: Scratch> BlockEncoder<'a, S> {
    fn read_term(
        &self,
        term: &'a str,
        id: u32,
        readers: &mut [RunReader],
    ) -> Result<RawTerm<'a>, BuildError> {
        let totals = &self.input.totals[id as usize];
        let mut raw = RawTerm {
            term,
            is_stop: totals.is_stop,
            postings: Vec::with_capacity(totals.documents as usize),
            payloads: Vec::new(),
        };
        for reader in readers {
            reader.take(id, self.input.scratch, &mut |document, payload| {
                let start = raw.payloads.len() as u32;
                raw.payloads.extend_from_slice(payload);
                let number = self.numbers[document as usize];
                raw.postings
                    .push((number, start, raw.payloads.len() as u32));
            })?;
        }
        raw.postings.sort_unstable();
        Ok(raw)
    }

    fn estimate(&self, raw: &RawTerm<'_>) -> usize {
        let (mut entries, mut expansions) = (0, 0);
        for &(document, start, end) in &raw.postings {
            let (is_expanded, n_chunks) =
                Payload::counts(&raw.payloads[start as usize..end as usize]);
            expansions += u32::from(is_expanded);
            if self.input.layout.chunks_of(document).1 > 1 {
                entries += n_chunks;
            }
        }
        let documents = raw.postings.len() as u32;
        estimate_bytes(
            &TermTotals {
                documents,
                entries,
                expansions,
                ..TermTotals::default()
            },
            self.input.layout,
        )
    }

    /// `(documents in the head, blocks of the tail)`, or `None` when the list has no tail.
    fn tail_plan(&self, raw: &RawTerm<'_>) -> Option<(usize, u32)> {
        let size = self.estimate(raw);
        if size <= TAIL_BYTES || raw.is_stop {
            return None;
        }
        let head = raw.postings.len() * HEAD_BYTES / size;
        let blocks = (size - HEAD_BYTES).div_ceil(TAIL_BLOCK_BYTES);
        Some((head, blocks as u32))
    }

    fn n_tail_blocks(&self, terms: &[RawTerm<'_>]) -> u32 {
        terms
            .iter()
            .filter_map(|raw| self.tail_plan(raw))
            .map(|(_, blocks)| blocks)
            .sum()
    }

    fn encode(&self, raw: &[RawTerm<'_>], first_tail: u32) -> EncodedBlock {
        let layout = self.input.layout;
        let mut tail = Vec::new();
        let mut inputs = Vec::with_capacity(raw.len());
        for raw in raw {
            let (list, positions) = self.postings(raw);
            let mut input = TermInput {
                term: raw.term.as_bytes().to_vec(),
                is_stop: raw.is_stop,
                list,
                positions,
                tail: None,
            };
            if let Some((head, n_blocks)) = self.tail_plan(raw) {
                let first_block = first_tail + tail.len() as u32;
                tail.extend(self.split_tail(&mut input, head, n_blocks, first_block));
            }
            inputs.push(input);
        }
        EncodedBlock {
            lexicon: LexiconBlock::write(&inputs, layout, &self.primed, self.input.expanded),
            positions: if self.input.settings.positions {
                PositionsBlock::write(&inputs)
            } else {
                Vec::new()
            },
            tail,
        }
    }

    /// Levels and positions of a term's postings.
    fn postings(&self, raw: &RawTerm<'_>) -> (PostingList, Positions) {
        let mut list = PostingList::new();
        let mut positions = Positions::default();
        let (mut payload, mut levels) = (Payload::default(), Levels::default());
        let input = self.input;
        for &(document, start, end) in &raw.postings {
            payload.read(&raw.payloads[start as usize..end as usize]);
            let collected = &input.documents[input.order[document as usize] as usize];
            let first = collected.first_chunk as usize;
            let range = first..first + collected.n_chunks as usize;
            self.leveler.levels(
                &payload,
                &input.words[range.clone()],
                &input.weights[range],
                &mut levels,
            );
            if raw.is_stop {
                // Where a stop word stands is looked up in passages; that it is there is enough.
                list.push(document, 1, &[]);
                continue;
            }
            list.push_expanded(document, levels.title, levels.expansion, &levels.entries);
            if input.settings.positions {
                positions.titles.push(payload.title.mask);
                for chunk in &payload.chunks {
                    positions.headings.push(chunk.headings.mask);
                    positions.bodies.push(chunk.body.mask);
                }
            }
        }
        (list, positions)
    }

    /// Leaves the `head` documents of highest impact in `input`; returns the blocks of the others.
    fn split_tail(
        &self,
        input: &mut TermInput,
        head: usize,
        n_blocks: u32,
        first_block: u32,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let layout = self.input.layout;
        let peaks = self.scoring.score(&input.list, layout).peaks;
        let mut by_impact: Vec<usize> = (0..input.list.len()).collect();
        by_impact.sort_by_key(|&i| (std::cmp::Reverse(peaks[i]), i));
        let mut in_head = vec![false; by_impact.len()];
        by_impact[..head].iter().for_each(|&i| in_head[i] = true);
        let max_impact = by_impact.get(head).map_or(0, |&i| u32::from(peaks[i]));
        let (kept_positions, rest_positions) = if input.positions.titles.is_empty() {
            (Positions::default(), Positions::default())
        } else {
            split_positions(&input.list, &input.positions, |i| in_head[i])
        };
        let (kept, rest) = input.list.partition(|i| in_head[i]);
        let n_documents = rest.len() as u32;
        let per_block = rest.len().div_ceil(n_blocks as usize).max(1);
        let mut blocks = Vec::new();
        for block in 0..n_blocks as usize {
            let range = block * per_block..(block + 1) * per_block;
            let (piece, _) = rest.partition(|i| range.contains(&i));
            let piece_positions = if rest_positions.titles.is_empty() {
                Vec::new()
            } else {
                let (p, _) = split_positions(&rest, &rest_positions, |i| range.contains(&i));
                TailBlock::write_positions(&piece, &p)
            };
            blocks.push((
                write_tail(&piece, layout, self.input.expanded),
                piece_positions,
            ));
        }
        input.list = kept;
        input.positions = kept_positions;
        input.tail = Some(Tail {
            first_block,
            n_blocks,
            n_documents,
            max_impact,
        });
        blocks
    }
}

fn split_positions(
    list: &PostingList,
    positions: &Positions,
    keep: impl Fn(usize) -> bool,
) -> (Positions, Positions) {
    let (mut kept, mut rest) = (Positions::default(), Positions::default());
    for i in 0..list.len() {
        let target = if keep(i) { &mut kept } else { &mut rest };
        target.push(positions, i, list.entries(i));
    }
    (kept, rest)
}

/// The position block beside a lexicon block or a piece of a tail.
pub(crate) fn positions_block(block: BlockId, n_lexicon_blocks: u32) -> BlockId {
    let number = if block.kind == Kind::Postings {
        n_lexicon_blocks + block.number
    } else {
        block.number
    };
    BlockId {
        kind: Kind::Positions,
        number,
        ..block
    }
}
