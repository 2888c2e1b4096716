//! Opens an index and reads its blocks: verified, decoded, counted and cached.

use super::EngineError;
use super::plan::Analyzers;
use super::rank::BoundsPool;
use crate::analysis::{AnalysisOptions, Language};
use crate::host::{Host, HostError};
use littoral_indexes::IndexError;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId, open};
use littoral_indexes::error::Section;
use littoral_indexes::filters::{self, FilterValue};
use littoral_indexes::impact::{ImpactList, Scoring};
use littoral_indexes::inventory::Inventory;
use littoral_indexes::layout::Layout;
use littoral_indexes::lexicon::{LexiconBlock, PositionsBlock, Separators, TailBlock, TermCodec};
use littoral_indexes::manifest::{ENTRY_NAME, Manifest, SegmentManifest, read_deleted};
use littoral_indexes::order::{sort_by, sort_by_key};
use littoral_indexes::passages::{MAX_BLOCK_BYTES, PassageBlock};
use littoral_indexes::postings::Positions;
use littoral_indexes::sort::{self, DOCUMENTS_PER_BLOCK};
use littoral_indexes::spelling::{SpellingBlock, SpellingDirectory};
use littoral_indexes::table::TableBlock;
use littoral_indexes::text::TextCodec;
use littoral_indexes::vectors::rows::Rows;
use littoral_indexes::vectors::{Cell, Centroids, Rotation};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Decoded bytes kept between queries, by default.
const DEFAULT_CACHE_BYTES: usize = 64 << 20;

/// Languages that a query is read in, at most.
const MAX_LANGUAGES: usize = 4;

/// Largest legal dictionary in bytes.
const MAX_DICTIONARY_BYTES: usize = 1 << 20;

/// What a query fetched, as if nothing had been cached.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fetched {
    /// Rounds of requests that wait for each other, the entry's included.
    pub round_trips: u32,
    /// Files.
    pub requests: u32,
    /// Bytes of those files as stored.
    pub bytes: u64,
    #[serde(skip)]
    seen: FxHashSet<BlockId>,
}

impl Fetched {
    /// Counts a file that the query needs, unless it was counted before; whether it was not.
    fn count(&mut self, block: BlockId, file_bytes: u64) -> bool {
        let is_new = self.seen.insert(block);
        if is_new {
            self.requests += 1;
            self.bytes += file_bytes;
        }
        is_new
    }
}

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
    Cell(Cell),
    Rows(Rows),
    Rotation(Rotation),
    Table(TableBlock),
    Inventory(Inventory),
}

impl Decoded {
    fn size_bytes(&self, file: usize) -> usize {
        match self {
            Self::Lexicon(block) => block.size_bytes(),
            Self::Positions(block) => block.size_bytes(),
            Self::Tail(list) => list.size_bytes(),
            Self::TailPositions(p) => 2 * (p.titles.len() + p.headings.len() + p.bodies.len()),
            Self::Passages(block) => block.chunks.iter().map(|c| c.text.len() + 200).sum(),
            Self::Centroids(centroids) => centroids.vectors.codes.len(),
            Self::Cell(cell) => cell.vectors.codes.len() + 5 * cell.chunks.len(),
            Self::Rows(rows) => rows.rows.len(),
            Self::Spelling(block) => block.size_bytes(),
            Self::Filters(values) => values.iter().map(|v| 60 + 4 * v.documents.len()).sum(),
            _ => file * 4,
        }
    }
}

/// A segment, opened.
pub(super) struct Segment {
    pub(super) id: SegmentId,
    pub(super) manifest: SegmentManifest,
    pub(super) layout: Layout,
    pub(super) separators: Separators,
    pub(super) spelling: Option<SpellingDirectory>,
    /// Documents deleted since, as bits.
    pub(super) deleted: Bits,
    pub(super) n_deleted: u32,
    primed: TermCodec,
    codec: OnceLock<Arc<TextCodec>>,
    /// What cells are decoded with, once it was read.
    centroids: OnceLock<Arc<Centroids>>,
}

/// A set of documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn of(documents: &[u32]) -> Self {
        let mut bits = Self::default();
        for &document in documents {
            bits.insert(document);
        }
        bits
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
        self.0.iter().enumerate().flat_map(|(i, &word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| i as u32 * 64 + bit)
        })
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }
}

#[derive(Debug)]
struct Cached {
    decoded: Arc<Decoded>,
    file_bytes: u64,
    held_bytes: usize,
    used: u64,
}

#[derive(Debug, Default)]
struct Cache {
    blocks: FxHashMap<BlockId, Cached>,
    held_bytes: usize,
    clock: u64,
}

impl Cache {
    fn get(&mut self, block: BlockId) -> Option<(Arc<Decoded>, u64)> {
        self.clock += 1;
        let cached = self.blocks.get_mut(&block)?;
        cached.used = self.clock;
        Some((Arc::clone(&cached.decoded), cached.file_bytes))
    }

    fn insert(&mut self, block: BlockId, decoded: Arc<Decoded>, file: usize, limit: usize) {
        self.clock += 1;
        let held_bytes = decoded.size_bytes(file);
        let cached = Cached {
            decoded,
            file_bytes: file as u64,
            held_bytes,
            used: self.clock,
        };
        if let Some(old) = self.blocks.insert(block, cached) {
            self.held_bytes -= old.held_bytes;
        }
        self.held_bytes += held_bytes;
        if self.held_bytes > limit {
            let mut uses: Vec<u64> = self.blocks.values().map(|cached| cached.used).collect();
            sort_by(&mut uses, Ord::cmp);
            // The older half goes: rarely, and without order among equals, since uses are distinct.
            let keep_from = uses[uses.len() / 2];
            self.blocks.retain(|_, cached| cached.used >= keep_from);
            self.held_bytes = self.blocks.values().map(|cached| cached.held_bytes).sum();
        }
    }
}

/// An open index.
pub struct Index<H> {
    host: H,
    pub(super) manifest: Manifest,
    build: String,
    entry_bytes: u64,
    pub(super) segments: Vec<Segment>,
    scoring: Scoring,
    /// Languages of the documents, the most frequent first: queries are read in each.
    pub(super) languages: Vec<Language>,
    pub(super) analyzers: Mutex<Analyzers>,
    /// Leaves of directories read so far; they are small and stay.
    pub(super) leaves: Mutex<FxHashMap<BlockId, Arc<Decoded>>>,
    pub(super) bounds: BoundsPool,
    cache: Mutex<Cache>,
    cache_bytes: usize,
}

impl<H: Host> Index<H> {
    /// Opens the index that `host` holds: one round.
    ///
    /// # Errors
    /// [`EngineError`] when there is no entry, it is damaged, or the index has a language that this
    /// build lacks.
    pub async fn open(host: H) -> Result<Self, EngineError> {
        let entry = host.entry().await.map_err(EngineError::Host)?;
        let in_entry = |error| EngineError::Index {
            path: ENTRY_NAME.into(),
            error,
        };
        let (manifest, build) = Manifest::read(&entry).map_err(in_entry)?;
        let segments: Vec<Segment> = manifest
            .segments
            .iter()
            .map(|segment| Segment::open(segment.clone()))
            .collect::<Result<_, _>>()
            .map_err(in_entry)?;
        consistent(&segments).map_err(in_entry)?;
        let languages = languages(&manifest);
        if let Some(unknown) = languages.iter().find(|language| !language.is_known()) {
            let language = unknown.code().to_owned();
            return Err(EngineError::MissingLanguage { language });
        }
        let (cache, cache_bytes) = (Mutex::new(Cache::default()), DEFAULT_CACHE_BYTES);
        let entry_bytes = entry.len() as u64;
        let options = AnalysisOptions {
            stemming: manifest.settings.stemming,
            synonyms: manifest.settings.synonyms.clone(),
        };
        Ok(Self {
            host,
            scoring: Scoring::new(manifest.settings.scoring, manifest.averages),
            languages,
            analyzers: Mutex::new(Analyzers::new(options)),
            leaves: Mutex::default(),
            bounds: BoundsPool::default(),
            manifest,
            build,
            entry_bytes,
            segments,
            cache,
            cache_bytes,
        })
    }

    /// Keeps at most about `bytes` of decoded blocks between queries.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// What the entry says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The host it reads from.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Identifies this state of the index: 16 hex digits.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// Bytes of the entry file.
    pub fn entry_bytes(&self) -> u64 {
        self.entry_bytes
    }

    /// Documents that can be found.
    pub fn n_documents(&self) -> u32 {
        self.segments
            .iter()
            .map(|s| s.layout.n_documents() - s.n_deleted)
            .sum()
    }

    /// Chunks stored, those of deleted documents included.
    pub fn n_chunks(&self) -> u32 {
        self.segments.iter().map(|s| s.layout.n_chunks()).sum()
    }

    /// A fresh count for a query: it has read the entry.
    pub(super) fn fetched(&self) -> Fetched {
        let seen = FxHashSet::default();
        Fetched {
            round_trips: 1,
            requests: 1,
            bytes: self.entry_bytes,
            seen,
        }
    }

    /// The decoded `blocks`, in their order: one round. A positions block must come with, or after,
    /// its lexicon block.
    pub(super) async fn blocks(
        &self,
        blocks: &[BlockId],
        fetched: &mut Fetched,
    ) -> Result<Vec<Arc<Decoded>>, EngineError> {
        let mut out: Vec<Option<Arc<Decoded>>> = Vec::with_capacity(blocks.len());
        let mut missing = Vec::new();
        let mut fresh = false;
        {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            for &block in blocks {
                let cached = cache.get(block);
                if let Some((_, file_bytes)) = cached {
                    fresh |= fetched.count(block, file_bytes);
                } else {
                    missing.push(block);
                }
                out.push(cached.map(|(decoded, _)| decoded));
            }
        }
        if !missing.is_empty() {
            // Lexicon before positions, dictionary before passages: later kinds decode with earlier.
            sort_by_key(&mut missing, |b| (b.kind != Kind::Dictionary, b.kind, *b));
            missing.dedup();
            let mut found: FxHashMap<BlockId, Arc<Decoded>> = blocks
                .iter()
                .zip(&out)
                .filter_map(|(&block, decoded)| Some((block, Arc::clone(decoded.as_ref()?))))
                .collect();
            let files = self
                .host
                .read(&missing)
                .await
                .map_err(|error| match error {
                    HostError::NotFound { path } => EngineError::Stale { path },
                    error => EngineError::Host(error),
                })?;
            for (&block, file) in missing.iter().zip(&files) {
                let in_file = |error| EngineError::Index {
                    path: block.path(),
                    error,
                };
                let payload = open(block, file).map_err(in_file)?;
                let decoded = Arc::new(self.decode(block, payload, &found).map_err(in_file)?);
                fresh |= fetched.count(block, file.len() as u64);
                found.insert(block, Arc::clone(&decoded));
                let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
                cache.insert(block, decoded, file.len(), self.cache_bytes);
            }
            for (block, decoded) in blocks.iter().zip(&mut out) {
                if decoded.is_none() {
                    *decoded = found.get(block).map(Arc::clone);
                }
            }
        }
        fetched.round_trips += u32::from(fresh);
        let answered = |(decoded, block): (Option<_>, &BlockId)| {
            decoded.ok_or_else(|| {
                EngineError::Host(HostError::Unreadable {
                    path: block.path(),
                    reason: "the host gave fewer files than it was asked for".to_owned(),
                })
            })
        };
        out.into_iter().zip(blocks).map(answered).collect()
    }

    /// One decoded block.
    pub(super) async fn block(
        &self,
        block: BlockId,
        fetched: &mut Fetched,
    ) -> Result<Arc<Decoded>, EngineError> {
        let cached = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(block)
        };
        if let Some((decoded, file_bytes)) = cached {
            fetched.round_trips += u32::from(fetched.count(block, file_bytes));
            return Ok(decoded);
        }
        let mut read = self.blocks(&[block], fetched).await?;
        Ok(read.swap_remove(0))
    }

    pub(super) fn segment(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.id == id)
    }

    pub(super) fn decode(
        &self,
        block: BlockId,
        payload: &[u8],
        found: &FxHashMap<BlockId, Arc<Decoded>>,
    ) -> Result<Decoded, IndexError> {
        let section = block.kind.section();
        if block.kind == Kind::Dictionary {
            let bytes = TextCodec::new(&[]).decompress(payload, MAX_DICTIONARY_BYTES);
            return bytes
                .map(Decoded::Dictionary)
                .map_err(|e| bad_text(section, e.offset));
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
            )?),
            Kind::Postings => Decoded::Tail(TailBlock::read(payload, layout, &self.scoring)?),
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
                let Some(directory) = &segment.spelling else {
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
            Kind::Centroids => {
                let Some(vectors) = &segment.manifest.vectors else {
                    return Err(IndexError::Mismatch { section });
                };
                let read = Centroids::read(payload, vectors.n_cells, layout.n_chunks())?;
                if read.axes.dims() != vectors.dims as usize {
                    return Err(IndexError::Mismatch { section });
                }
                let centroids = segment.centroids.get_or_init(|| Arc::new(read));
                Decoded::Centroids(Arc::clone(centroids))
            }
            Kind::Cells | Kind::Rows => {
                let (centroids, n) = segment.cell(block.number, section)?;
                if block.kind == Kind::Cells {
                    Decoded::Cell(Cell::read(payload, &centroids.axes, layout.n_chunks(), n)?)
                } else {
                    Decoded::Rows(Rows::read(payload, centroids.axes.dims(), n)?)
                }
            }
            Kind::Dictionary => return Err(IndexError::Mismatch { section }),
            Kind::Inventory => Decoded::Inventory(Inventory::read(payload)?),
        })
    }

    /// The codec of a segment's passages; its dictionary was fetched before.
    fn codec(
        &self,
        segment: &Segment,
        found: &FxHashMap<BlockId, Arc<Decoded>>,
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

/// The languages that queries are read in: the declared one, or those of at least one document in
/// twenty, at most [`MAX_LANGUAGES`], the most frequent first.
fn languages(manifest: &Manifest) -> Vec<Language> {
    if !manifest.settings.lang.is_empty() {
        return vec![Language::from_code(&manifest.settings.lang)];
    }
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for (code, n) in manifest
        .segments
        .iter()
        .flat_map(|segment| &segment.languages)
    {
        counts.push((code, u64::from(*n)));
    }
    sort_by(&mut counts, Ord::cmp);
    counts.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let total: u64 = counts.iter().map(|&(_, n)| n).sum();
    sort_by_key(&mut counts, |&(_, n)| std::cmp::Reverse(n));
    let few = |&(i, &(_, n)): &(usize, &(&str, u64))| i == 0 || n >= total / 20;
    let languages = counts.iter().enumerate().filter(few).take(MAX_LANGUAGES);
    let languages: Vec<Language> = languages
        .map(|(_, (code, _))| Language::from_code(code))
        .collect();
    if languages.is_empty() {
        vec![Language::from_code("")]
    } else {
        languages
    }
}

/// Checks what holds between segments: their ids differ and their documents can be counted.
fn consistent(segments: &[Segment]) -> Result<(), IndexError> {
    let (mut ids, mut documents, mut chunks) = (FxHashSet::default(), 0u64, 0u64);
    for (i, segment) in segments.iter().enumerate() {
        documents += u64::from(segment.layout.n_documents());
        chunks += u64::from(segment.layout.n_chunks());
        if !ids.insert(segment.id) || documents.max(chunks) > u64::from(u32::MAX >> 1) {
            let reason = "two segments have one id, or segments have too many documents";
            return Err(IndexError::corrupt(Section::Manifest, i, reason));
        }
    }
    Ok(())
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

fn bad_text(section: Section, offset: usize) -> IndexError {
    IndexError::corrupt(section, offset, "the text does not decompress")
}

impl Segment {
    fn open(manifest: SegmentManifest) -> Result<Self, IndexError> {
        let layout = manifest.layout()?;
        filters_in_order(&manifest)?;
        if let Some((_, table)) = manifest.vectors.as_ref().and_then(|v| v.table) {
            table.shape.check()?;
        }
        let separators = Separators::read(&manifest.separators)?;
        let primed = TermCodec::primed(separators.strings());
        let deleted = read_deleted(&manifest.deleted, layout.n_documents())?;
        let spelling = match manifest.spelling.as_slice() {
            [] => None,
            bytes => Some(SpellingDirectory::read(bytes)?),
        };
        Ok(Self {
            id: manifest.segment(),
            layout,
            separators,
            spelling,
            n_deleted: deleted.len() as u32,
            deleted: Bits::of(&deleted),
            primed,
            codec: OnceLock::new(),
            centroids: OnceLock::new(),
            manifest,
        })
    }

    pub(super) fn block(&self, kind: Kind, number: u32) -> BlockId {
        BlockId {
            segment: self.id,
            kind,
            number,
        }
    }

    /// How many files of a kind the manifest needs; `None` where only the inventory knows.
    pub(super) fn expected_files(&self) -> impl Fn(Kind) -> Option<u32> {
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
        let spelling = self
            .spelling
            .as_ref()
            .map_or(0, SpellingDirectory::n_blocks);
        let dictionary = u32::from(manifest.dictionary == Some(manifest.id));
        let n_cells = manifest.vectors.as_ref().map_or(0, |v| v.n_cells);
        let centroids = u32::from(manifest.vectors.is_some());
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
        move |kind| match kind {
            Kind::Directory => Some(leaves),
            Kind::Lexicon => Some(lexicon),
            Kind::Postings => Some(postings),
            // How many rows there are the settings say.
            Kind::Positions | Kind::Inventory | Kind::Rows => None,
            Kind::Centroids => Some(centroids),
            Kind::Cells => Some(n_cells),
            Kind::Rotation => Some(rotation),
            Kind::Table => Some(table),
            Kind::Spelling => Some(spelling),
            Kind::Dictionary => Some(dictionary),
            Kind::Passages => Some(passages),
            Kind::Filters => Some(filters),
            Kind::Sort => Some(sorts),
        }
    }

    /// The leaf of the directory that `term` belongs to.
    pub(super) fn leaf_of(&self, term: &str) -> BlockId {
        self.block(Kind::Directory, self.separators.block_of(term.as_bytes()))
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

    /// What a cell is decoded with, and how many vectors it has; the centroids were read before.
    fn cell(&self, number: u32, section: Section) -> Result<(&Centroids, u32), IndexError> {
        let found = self.centroids.get().and_then(|centroids| {
            let n = centroids.sizes.get(number as usize)?;
            Some((&**centroids, *n))
        });
        found.ok_or(IndexError::Mismatch { section })
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
