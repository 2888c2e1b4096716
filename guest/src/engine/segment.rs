//! A segment, opened: what its manifest says, and where its blocks are.

use littoral_indexes::IndexError;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
use littoral_indexes::error::Section;
use littoral_indexes::layout::Layout;
use littoral_indexes::lexicon::{Separators, Tail, TermCodec};
use littoral_indexes::manifest::{SegmentManifest, read_deleted};
use littoral_indexes::sort::DOCUMENTS_PER_BLOCK;
use littoral_indexes::spelling::SpellingDirectory;
use littoral_indexes::text::TextCodec;
use littoral_indexes::vectors::Centroids;
use std::sync::{Arc, OnceLock};

/// A segment, opened.
pub(super) struct Segment {
    pub(super) id: SegmentId,
    pub(super) manifest: SegmentManifest,
    pub(super) layout: Layout,
    pub(super) separators: Separators,
    /// The directory of the vocabulary, once a word was looked for in it.
    spelling: OnceLock<SpellingDirectory>,
    /// Documents deleted since, as bits.
    pub(super) deleted: Bits,
    pub(super) n_deleted: u32,
    pub(super) primed: TermCodec,
    pub(super) codec: OnceLock<Arc<TextCodec>>,
    /// The first block of the centroids, once it was read.
    pub(super) centroids: OnceLock<Arc<Centroids>>,
}

/// A set of documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn of(documents: &[u32]) -> Self {
        documents.iter().copied().collect()
    }

    pub(super) fn insert(&mut self, document: u32) {
        let word = document as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (document % 64);
    }

    #[inline]
    pub(super) fn contains(&self, document: u32) -> bool {
        self.0
            .get(document as usize / 64)
            .is_some_and(|word| word >> (document % 64) & 1 == 1)
    }

    pub(super) fn union(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    /// The documents, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.0).flat_map(|(i, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(i * 64 + bit)
            })
        })
    }

    /// How many documents there are.
    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Takes away those of `other`.
    pub(super) fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= !b);
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(documents: I) -> Self {
        let mut bits = Self::default();
        documents.into_iter().for_each(|d| bits.insert(d));
        bits
    }
}

impl Segment {
    pub(super) fn open(manifest: SegmentManifest) -> Result<Self, IndexError> {
        let layout = manifest.layout()?;
        filters_in_order(&manifest)?;
        if let Some((_, table)) = manifest.vectors.as_ref().and_then(|v| v.table) {
            table.shape.check()?;
        }
        let (separators, primed) = Separators::learn(&manifest.separators)?;
        let deleted = read_deleted(&manifest.deleted, layout.n_documents())?;
        Ok(Self {
            id: manifest.segment(),
            layout,
            separators,
            spelling: OnceLock::new(),
            n_deleted: deleted.len() as u32,
            deleted: Bits::of(&deleted),
            primed,
            codec: OnceLock::new(),
            centroids: OnceLock::new(),
            manifest,
        })
    }

    /// The directory of the vocabulary, where the index has one.
    ///
    /// # Errors
    /// [`IndexError`] when the manifest's bytes of it are damaged.
    pub(super) fn spelling(&self) -> Result<Option<&SpellingDirectory>, IndexError> {
        let bytes = self.manifest.spelling.as_slice();
        if bytes.is_empty() {
            return Ok(None);
        }
        if let Some(directory) = self.spelling.get() {
            return Ok(Some(directory));
        }
        let read = SpellingDirectory::read(bytes)?;
        Ok(Some(self.spelling.get_or_init(|| read)))
    }

    pub(super) fn block(&self, kind: Kind, number: u32) -> BlockId {
        BlockId {
            segment: self.id,
            kind,
            number,
        }
    }

    /// The blocks of a tail, as many as there are.
    pub(super) fn tail_blocks(&self, tail: Tail) -> impl Iterator<Item = BlockId> {
        let end = tail.first_block.saturating_add(tail.n_blocks);
        (tail.first_block..end.min(self.manifest.n_postings_blocks))
            .map(|number| self.block(Kind::Postings, number))
    }

    /// How many files of a kind the manifest needs; `None` where only the inventory knows. Where the
    /// query table `is_tuned`, the one that it was tuned from may be left.
    ///
    /// # Errors
    /// [`IndexError`] when the directory of the vocabulary is damaged.
    pub(super) fn expected_files(
        &self,
        is_tuned: bool,
    ) -> Result<impl Fn(Kind) -> Option<u32>, IndexError> {
        let manifest = &self.manifest;
        let postings = manifest.n_postings_blocks;
        let lexicon = manifest.n_lexicon_blocks;
        let passages = self
            .layout
            .n_chunks()
            .div_ceil(manifest.chunks_per_block.max(1));
        let filters = manifest.n_filter_blocks;
        let per_column = self.layout.n_documents().div_ceil(DOCUMENTS_PER_BLOCK);
        let sorts = manifest.sorts.len() as u32 * per_column;
        let spelling = self.spelling()?;
        let spelling = spelling.map_or(0, SpellingDirectory::n_blocks);
        let dictionary = u32::from(manifest.dictionary == Some(manifest.id));
        let n_cells = manifest.vectors.as_ref().map_or(0, |v| v.n_cells);
        let centroids = manifest.vectors.as_ref().map_or(0, |v| 1 + v.n_groups);
        let rotation = manifest.vectors.as_ref().map(|v| v.rotation);
        let rotation = u32::from(rotation == Some(manifest.id));
        let table = manifest.vectors.as_ref().and_then(|v| v.table);
        let table = table.map_or(0, |(segment, table)| {
            if segment == manifest.id {
                table.shape.n_blocks
            } else {
                0
            }
        });
        let leaves = if manifest.blocks_per_leaf > 0 {
            self.separators.n_blocks()
        } else {
            0
        };
        Ok(move |kind| match kind {
            Kind::Directory => Some(leaves),
            Kind::Lexicon => Some(lexicon),
            Kind::Postings => Some(postings),
            // How many rows there are the settings say.
            Kind::Positions | Kind::Inventory | Kind::Rows => None,
            Kind::Centroids => Some(centroids),
            Kind::Cells => Some(n_cells),
            Kind::Rotation => Some(rotation),
            Kind::Table => (!is_tuned).then_some(table),
            Kind::Spelling => Some(spelling),
            Kind::Dictionary => Some(dictionary),
            Kind::Passages => Some(passages),
            Kind::Filters => Some(filters),
            Kind::Sort => Some(sorts),
        })
    }

    /// The leaf of the directory that `term` belongs to.
    pub(super) fn leaf_of(&self, term: &[u8]) -> BlockId {
        self.block(Kind::Directory, self.separators.block_of(term))
    }

    /// The block that holds the dictionary of the passages.
    pub(super) fn dictionary_block(&self) -> Option<BlockId> {
        let segment = SegmentId(self.manifest.dictionary?);
        Some(BlockId {
            segment,
            kind: Kind::Dictionary,
            number: 0,
        })
    }

    /// Width of a step of the codes; the centroids were read before.
    pub(super) fn step(&self) -> f32 {
        self.centroids.get().map_or(0.0, |c| c.axes.step())
    }

    /// What cells, and centroids beyond the first block, are decoded with; that was read before.
    pub(super) fn centroids(&self, section: Section) -> Result<&Centroids, IndexError> {
        let centroids = self.centroids.get();
        centroids
            .map(|c| &**c)
            .ok_or(IndexError::Mismatch { section })
    }

    /// The block of passages that holds `chunk`, and the chunk's place in it.
    pub(super) fn passage_block(&self, chunk: u32) -> (BlockId, usize) {
        let per_block = self.manifest.chunks_per_block.max(1);
        (
            self.block(Kind::Passages, chunk / per_block),
            (chunk % per_block) as usize,
        )
    }
}

/// Checks that the blocks of filters follow each other as their separators say.
fn filters_in_order(manifest: &SegmentManifest) -> Result<(), IndexError> {
    let mut next = 0u32;
    for (i, key) in manifest.filters.iter().enumerate() {
        let n_blocks = Separators::read(&key.separators)?.n_blocks();
        if key.first_block != next {
            let reason = "the blocks of a filter do not follow those before";
            return Err(IndexError::corrupt(Section::Manifest, i, reason));
        }
        next = next.saturating_add(n_blocks);
    }
    if next != manifest.n_filter_blocks {
        let reason = "the number of filter blocks is not that of the keys";
        return Err(IndexError::corrupt(
            Section::Manifest,
            manifest.filters.len(),
            reason,
        ));
    }
    Ok(())
}
