//! From the payloads of blocks to what the engine works with.

use super::blocks::Index;
use super::segment::Segment;
use crate::host::Host;
use crate::map::Map;
use littoral_indexes::IndexError;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::error::Section;
use littoral_indexes::filters::{self, FilterValue};
use littoral_indexes::impact::ImpactList;
use littoral_indexes::inventory::Inventory;
use littoral_indexes::lexicon::{LexiconBlock, PositionsBlock, Separators, TailBlock};
use littoral_indexes::passages::{MAX_BLOCK_BYTES, PassageBlock};
use littoral_indexes::postings::Positions;
use littoral_indexes::sort::{self, DOCUMENTS_PER_BLOCK};
use littoral_indexes::spelling::SpellingBlock;
use littoral_indexes::table::TableBlock;
use littoral_indexes::text::TextCodec;
use littoral_indexes::vectors::rows::Rows;
use littoral_indexes::vectors::{Cell, Centroids, Codes, Rotation};
use std::sync::{Arc, PoisonError};

/// Largest legal dictionary in bytes.
const MAX_DICTIONARY_BYTES: usize = 1 << 20;

/// A decoded block.
#[derive(Debug)]
pub(super) enum Decoded {
    Directory(Separators),
    Lexicon(LexiconBlock),
    Positions(PositionsBlock),
    Tail(ImpactList),
    TailPositions(Positions),
    Spelling(SpellingBlock),
    Dictionary(Vec<u8>),
    Passages(PassageBlock),
    Filters(Vec<FilterValue>),
    Sort(Vec<Option<String>>),
    Centroids(Arc<Centroids>),
    /// Centroids of the cells of a group.
    Group(Codes),
    Cell(Cell),
    Rows(Rows),
    Rotation(Rotation),
    Table(TableBlock),
    Inventory(Inventory),
}

impl Decoded {
    /// Bytes that it holds in memory, about, with those of its `file`.
    pub(super) fn size_bytes(&self, file: usize) -> usize {
        match self {
            Self::Lexicon(block) => block.size_bytes(),
            Self::Positions(block) => block.size_bytes(),
            Self::Tail(list) => list.size_bytes(),
            Self::TailPositions(p) => 2 * (p.titles.len() + p.headings.len() + p.bodies.len()),
            Self::Passages(block) => block.chunks.iter().map(|c| c.text.len() + 200).sum(),
            Self::Centroids(centroids) => centroids.vectors.codes.len(),
            Self::Group(centroids) => centroids.codes.len(),
            Self::Cell(cell) => cell.vectors.codes.len() + 5 * cell.chunks.len(),
            Self::Rows(rows) => rows.rows.len(),
            Self::Spelling(block) => block.size_bytes(),
            Self::Filters(values) => values.iter().map(|v| 60 + 4 * v.documents.len()).sum(),
            _ => file * 4,
        }
    }
}

impl<H: Host> Index<H> {
    /// What the payload of `block` holds. Blocks that it is decoded with are in `found` or cached.
    pub(super) fn decode(
        &self,
        block: BlockId,
        payload: &[u8],
        found: &Map<BlockId, Arc<Decoded>>,
    ) -> Result<Decoded, IndexError> {
        let section = block.kind.section();
        if block.kind == Kind::Dictionary {
            let bytes = TextCodec::new(&[]).decompress(payload, MAX_DICTIONARY_BYTES);
            return bytes
                .map(Decoded::Dictionary)
                .map_err(|e| bad_text(section, e.offset));
        }
        if block.kind == Kind::Table
            && let Some((_, table)) = self.table().filter(|(holder, _)| *holder == block.segment)
        {
            return Ok(Decoded::Table(TableBlock::read(payload, table.shape)?));
        }
        let Some(segment) = self.segment(block.segment) else {
            return Err(IndexError::Mismatch { section });
        };
        let layout = &segment.layout;
        Ok(match block.kind {
            Kind::Directory => Decoded::Directory(Separators::read(payload)?),
            Kind::Lexicon => Decoded::Lexicon(LexiconBlock::read(
                payload,
                layout,
                &self.scoring,
                &segment.primed,
                segment.manifest.expanded,
            )?),
            Kind::Postings => Decoded::Tail(TailBlock::read(
                payload,
                layout,
                &self.scoring,
                segment.manifest.expanded,
            )?),
            Kind::Positions => {
                let n = segment.manifest.n_lexicon_blocks;
                let (kind, number) = if block.number < n {
                    (Kind::Lexicon, block.number)
                } else {
                    (Kind::Postings, block.number - n)
                };
                let beside = BlockId {
                    kind,
                    number,
                    ..block
                };
                let beside = found.get(&beside).cloned().or_else(|| {
                    let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
                    cache.get(beside).map(|(decoded, _)| decoded)
                });
                match beside.as_deref() {
                    Some(Decoded::Lexicon(lexicon)) => {
                        Decoded::Positions(PositionsBlock::read(payload, lexicon)?)
                    }
                    Some(Decoded::Tail(list)) => {
                        Decoded::TailPositions(TailBlock::read_positions(payload, list)?)
                    }
                    _ => return Err(IndexError::Mismatch { section }),
                }
            }
            Kind::Spelling => {
                let Some(directory) = segment.spelling()? else {
                    return Err(IndexError::Mismatch { section });
                };
                Decoded::Spelling(SpellingBlock::read(block.number, payload, directory)?)
            }
            Kind::Passages => {
                let per_block = segment.manifest.chunks_per_block.max(1);
                let first = block.number.saturating_mul(per_block);
                let n = layout.n_chunks().saturating_sub(first).min(per_block);
                let codec = self.codec(segment, found)?;
                let bytes = codec
                    .decompress(payload, MAX_BLOCK_BYTES)
                    .map_err(|e| bad_text(section, e.offset))?;
                Decoded::Passages(PassageBlock::read(&bytes, first, n, layout)?)
            }
            Kind::Filters => Decoded::Filters(filters::read(payload, layout.n_documents())?),
            Kind::Sort => {
                let first = segment
                    .manifest
                    .sorts
                    .iter()
                    .rev()
                    .find(|key| key.first_block <= block.number)
                    .map_or(0, |key| key.first_block);
                let start = (block.number - first).saturating_mul(DOCUMENTS_PER_BLOCK);
                let n = layout
                    .n_documents()
                    .saturating_sub(start)
                    .min(DOCUMENTS_PER_BLOCK);
                let bytes = TextCodec::new(&[])
                    .decompress(payload, MAX_BLOCK_BYTES)
                    .map_err(|e| bad_text(section, e.offset))?;
                Decoded::Sort(sort::read(&bytes, n)?)
            }
            Kind::Rotation => {
                let rotation = Rotation::read(payload)?;
                let vectors = segment.manifest.vectors.as_ref();
                if vectors.is_none_or(|v| v.dims as usize != rotation.dims()) {
                    return Err(IndexError::Mismatch { section });
                }
                Decoded::Rotation(rotation)
            }
            Kind::Table => {
                let vectors = segment.manifest.vectors.as_ref();
                let Some((_, table)) = vectors.and_then(|vectors| vectors.table) else {
                    return Err(IndexError::Mismatch { section });
                };
                Decoded::Table(TableBlock::read(payload, table.shape)?)
            }
            Kind::Centroids if block.number > 0 => {
                let centroids = segment.centroids(section)?;
                Decoded::Group(centroids.read_group(payload, block.number - 1)?)
            }
            Kind::Centroids => {
                let Some(vectors) = &segment.manifest.vectors else {
                    return Err(IndexError::Mismatch { section });
                };
                let read = Centroids::read(payload, vectors.n_cells, vectors.n_groups)?;
                if read.axes.dims() != vectors.dims as usize {
                    return Err(IndexError::Mismatch { section });
                }
                let centroids = segment.centroids.get_or_init(|| Arc::new(read));
                Decoded::Centroids(Arc::clone(centroids))
            }
            Kind::Cells => {
                let axes = &segment.centroids(section)?.axes;
                Decoded::Cell(Cell::read(payload, axes, layout.n_chunks())?)
            }
            Kind::Rows => {
                let dims = segment.centroids(section)?.axes.dims();
                Decoded::Rows(Rows::read(payload, dims)?)
            }
            Kind::Dictionary => return Err(IndexError::Mismatch { section }),
            Kind::Inventory => Decoded::Inventory(Inventory::read(payload)?),
        })
    }

    /// The codec of a segment's passages; its dictionary was fetched before.
    fn codec(
        &self,
        segment: &Segment,
        found: &Map<BlockId, Arc<Decoded>>,
    ) -> Result<Arc<TextCodec>, IndexError> {
        if let Some(codec) = segment.codec.get() {
            return Ok(Arc::clone(codec));
        }
        let codec = match segment.dictionary_block() {
            None => TextCodec::new(&[]),
            Some(block) => {
                let cached = found.get(&block).cloned().or_else(|| {
                    let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
                    cache.get(block).map(|(decoded, _)| decoded)
                });
                match cached.as_deref() {
                    Some(Decoded::Dictionary(bytes)) => TextCodec::new(bytes),
                    _ => {
                        return Err(IndexError::Mismatch {
                            section: Section::Dictionary,
                        });
                    }
                }
            }
        };
        Ok(Arc::clone(segment.codec.get_or_init(|| Arc::new(codec))))
    }
}

fn bad_text(section: Section, offset: usize) -> IndexError {
    IndexError::corrupt(section, offset, "the text does not decompress")
}
