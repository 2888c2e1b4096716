//! Collects prepared documents and writes a segment.

use super::lexicon::{self, LexiconInput};
use super::passages::{self, PassageInput};
use super::prepare::PreparedDocument;
use super::runs::{Pending, Run};
use super::vectors::{self, Queries, Turning, VectorInput};
use super::{BuildError, Scratch, Sink, Workers};
use littoral_indexes::envelope::{BlockId, FORMAT_VERSION, Kind, SegmentId, seal, stored_checksum};
use littoral_indexes::filters::{self, FilterValue};
use littoral_indexes::inventory::{DocumentHash, FileGroup, Inventory, hash_id};
use littoral_indexes::layout::{Class, Layout};
use littoral_indexes::lexicon::{Separators, separator};
use littoral_indexes::manifest::{Averages, FilterKey, SegmentManifest, Settings, SortKey};
use littoral_indexes::sort;
use littoral_indexes::text::TextCodec;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Bytes of raw postings held before they go to scratch space.
const DEFAULT_BUDGET: usize = 256 << 20;

/// Longest filter value in bytes.
const MAX_FILTER_VALUE: usize = 255;

/// Uncompressed bytes of a block of filter values, about.
const FILTER_BLOCK_BYTES: usize = 8 << 10;

/// What a segment is built with beside its documents.
#[derive(Clone)]
pub struct SegmentInput<'a> {
    /// Settings of the index.
    pub settings: &'a Settings,
    /// Averages to compute impacts with; `None` takes the segment's own, as a first build does.
    pub averages: Option<Averages>,
    /// Dictionary to compress passages with, and the segment that holds it; `None` trains one.
    pub dictionary: Option<(SegmentId, &'a [u8])>,
    /// Program and version, part of the segment's identity.
    pub created_by: &'a str,
    /// What vectors are made with; `None` when the documents have none.
    pub vectors: Option<VectorInput<'a>>,
}

/// A document as the builder remembers it.
#[derive(Debug, Clone)]
pub(super) struct Collected {
    pub(super) id: Box<str>,
    pub(super) source: [u8; 8],
    /// Its record and chunks in scratch space.
    pub(super) stored: (u64, u32),
    /// Its chunks' vectors in scratch space.
    pub(super) vectors: u64,
    /// Its first chunk in `SegmentBuilder::words`.
    pub(super) first_chunk: u32,
    pub(super) n_chunks: u32,
}

/// A term as the builder remembers it.
#[derive(Debug, Clone, Default)]
pub(super) struct TermTotals {
    pub(super) is_stop: bool,
    pub(super) documents: u32,
    pub(super) entries: u32,
    /// Documents whose expansion has it.
    pub(super) expansions: u32,
}

/// Collects documents; see the [module](super).
pub struct SegmentBuilder<S> {
    scratch: S,
    budget: usize,
    documents: Vec<Collected>,
    words: Vec<u16>,
    weights: Vec<u8>,
    ids: FxHashMap<Box<str>, u32>,
    terms: Vec<TermTotals>,
    pending: Pending,
    runs: Vec<Run>,
    vocabulary: FxHashMap<Box<str>, u32>,
    filters: BTreeMap<String, BTreeMap<String, Vec<u32>>>,
    sorts: BTreeMap<String, Vec<(u32, String)>>,
    languages: BTreeMap<String, u32>,
}

impl<S: Scratch + Sync> SegmentBuilder<S> {
    /// An empty builder over `scratch`.
    pub fn new(scratch: S) -> Self {
        Self {
            scratch,
            budget: DEFAULT_BUDGET,
            documents: Vec::new(),
            words: Vec::new(),
            weights: Vec::new(),
            ids: FxHashMap::default(),
            terms: Vec::new(),
            pending: Pending::default(),
            runs: Vec::new(),
            vocabulary: FxHashMap::default(),
            filters: BTreeMap::new(),
            sorts: BTreeMap::new(),
            languages: BTreeMap::new(),
        }
    }

    /// Holds at most about `bytes` of raw postings in memory; the result does not depend on it.
    #[must_use]
    pub fn with_budget(mut self, bytes: usize) -> Self {
        self.budget = bytes;
        self
    }

    /// Documents added so far.
    pub fn n_documents(&self) -> usize {
        self.documents.len()
    }

    /// Chunks added so far.
    pub fn n_chunks(&self) -> usize {
        self.words.len()
    }

    /// Distinct terms so far.
    pub fn n_terms(&self) -> usize {
        self.terms.len()
    }

    /// Adds a document. One without chunks is left out.
    ///
    /// # Errors
    /// [`BuildError::Io`] when scratch space fails.
    pub fn add(&mut self, document: &PreparedDocument) -> Result<(), BuildError> {
        if document.chunks.is_empty() {
            return Ok(());
        }
        let number = self.documents.len() as u32;
        let stored = passages::store(document);
        let offset = self.scratch.append(&stored)?;
        let vectors = self.scratch.append(&vectors::store(&document.vectors))?;
        self.documents.push(Collected {
            id: document.record.id.as_str().into(),
            source: document.source,
            stored: (offset, stored.len() as u32),
            vectors,
            first_chunk: self.words.len() as u32,
            n_chunks: document.chunks.len() as u32,
        });
        self.words.extend_from_slice(&document.words);
        self.weights
            .extend(document.chunks.iter().map(|chunk| chunk.weight));
        for term in &document.terms {
            let (start, len) = (term.string.0 as usize, term.string.1 as usize);
            let string = &document.strings[start..start + len];
            let id = if let Some(&id) = self.ids.get(string) {
                id
            } else {
                let id = self.terms.len() as u32;
                self.ids.insert(string.into(), id);
                self.terms.push(TermTotals {
                    is_stop: term.is_stop,
                    ..TermTotals::default()
                });
                id
            };
            let totals = &mut self.terms[id as usize];
            totals.documents += 1;
            totals.entries += term.n_chunks;
            totals.expansions += u32::from(term.is_expanded);
            // A word that is a stop word in one language may carry meaning in another.
            totals.is_stop &= term.is_stop;
            let (start, len) = (term.payload.0 as usize, term.payload.1 as usize);
            self.pending
                .push(id, number, &document.payloads[start..start + len]);
        }
        for word in document.vocabulary.split_terminator('\0') {
            if let Some(df) = self.vocabulary.get_mut(word) {
                *df += 1;
            } else {
                self.vocabulary.insert(word.into(), 1);
            }
        }
        for (key, values) in &document.filters {
            let by_value = self.filters.entry(key.clone()).or_default();
            for value in values {
                let documents = by_value.entry(filter_value(value)).or_default();
                if documents.last() != Some(&number) {
                    documents.push(number);
                }
            }
        }
        for (key, value) in &document.sort {
            self.sorts
                .entry(key.clone())
                .or_default()
                .push((number, value.clone()));
        }
        *self
            .languages
            .entry(document.record.lang.clone())
            .or_default() += 1;
        if self.pending.size_bytes() > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), BuildError> {
        let (_, ranks) = self.term_order();
        self.runs
            .push(self.pending.spill(&ranks, &mut self.scratch)?);
        Ok(())
    }

    /// Terms' ids in the order of their bytes with their strings, and each id's rank in it.
    fn term_order(&self) -> (Vec<(&str, u32)>, Vec<u32>) {
        let mut order: Vec<(&str, u32)> = Vec::with_capacity(self.ids.len());
        #[expect(clippy::iter_over_hash_type, reason = "sorted right after")]
        for (string, &id) in &self.ids {
            order.push((string, id));
        }
        order.sort_unstable();
        let mut ranks = vec![0; order.len()];
        for (rank, &(_, id)) in order.iter().enumerate() {
            ranks[id as usize] = rank as u32;
        }
        (order, ranks)
    }

    /// Writes the segment's files to `sink` and returns what the manifest says of it, with the
    /// averages its impacts were computed with. `None` when there is no document.
    ///
    /// # Errors
    /// [`BuildError::DuplicateId`] when two documents have one id, [`BuildError::Io`] when the host
    /// fails, [`BuildError::Index`] when the documents do not fit the format.
    pub fn finish(
        mut self,
        input: &SegmentInput<'_>,
        sink: &mut impl Sink,
        workers: &impl Workers,
    ) -> Result<Option<(SegmentManifest, Averages)>, BuildError> {
        if self.documents.is_empty() {
            return Ok(None);
        }
        if self.pending.size_bytes() > 0 {
            self.spill()?;
        }
        let order = self.document_order()?;
        let layout = Layout::new(classes(
            order.iter().map(|&d| self.documents[d as usize].n_chunks),
        ))?;
        let averages = input.averages.unwrap_or_else(|| self.averages());
        let id = segment_id(
            input,
            averages,
            order.iter().map(|&d| {
                let document = &self.documents[d as usize];
                DocumentHash {
                    id: hash_id(&document.id),
                    source: document.source,
                }
            }),
        );
        let mut files = Files {
            sink,
            id,
            groups: Vec::new(),
        };

        let expanded = self.terms.iter().any(|totals| totals.expansions > 0);
        let (terms, _) = self.term_order();
        let lexicon = lexicon::write(
            &LexiconInput {
                settings: input.settings,
                expanded,
                averages,
                layout: &layout,
                documents: &self.documents,
                order: &order,
                words: &self.words,
                weights: &self.weights,
                terms: &terms,
                totals: &self.terms,
                runs: &self.runs,
                scratch: &self.scratch,
            },
            &mut files,
            workers,
        )?;
        let passage_input = PassageInput {
            layout: &layout,
            documents: &self.documents,
            order: &order,
            scratch: &self.scratch,
            dictionary: input.dictionary.map(|(_, bytes)| bytes),
        };
        let trained = passages::write(&passage_input, &mut files, workers)?;
        let mut manifest = SegmentManifest {
            id: id.0,
            classes: layout.classes().to_vec(),
            n_lexicon_blocks: lexicon.n_blocks,
            n_postings_blocks: lexicon.n_postings_blocks,
            blocks_per_leaf: lexicon.blocks_per_leaf,
            separators: lexicon.separators.write(),
            chunks_per_block: passages::chunks_per_block(layout.n_chunks()),
            dictionary: match (trained, input.dictionary) {
                (true, _) => Some(id.0),
                (false, Some((segment, _))) => Some(segment.0),
                (false, None) => None,
            },
            expanded,
            ..SegmentManifest::default()
        };
        if let Some(vectors) = &input.vectors {
            let input = vectors::WriteInput {
                vectors,
                embedding: &input.settings.embedding,
                layout: &layout,
                documents: &self.documents,
                order: &order,
                scratch: &self.scratch,
            };
            manifest.vectors = Some(vectors::write(&input, &mut files, workers)?);
        }
        self.write_spelling(&mut manifest, &mut files)?;
        self.write_filters(&order, &layout, &mut manifest, &mut files)?;
        self.write_sorts(&order, &mut manifest, &mut files)?;
        manifest.languages = std::mem::take(&mut self.languages).into_iter().collect();
        manifest
            .languages
            .sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        manifest.inventory = self.write_inventory(&order, &mut files)?;
        Ok(Some((manifest, averages)))
    }

    /// Documents by their number of chunks, then by id.
    fn document_order(&self) -> Result<Vec<u32>, BuildError> {
        let mut order: Vec<u32> = (0..self.documents.len() as u32).collect();
        let at = |d: u32| &self.documents[d as usize];
        order.sort_unstable_by(|&a, &b| at(a).id.cmp(&at(b).id));
        if let Some(pair) = order
            .windows(2)
            .find(|pair| at(pair[0]).id == at(pair[1]).id)
        {
            return Err(BuildError::DuplicateId {
                id: at(pair[0]).id.to_string(),
            });
        }
        order.sort_by_key(|&d| at(d).n_chunks);
        Ok(order)
    }

    fn averages(&self) -> Averages {
        let total: u64 = self.words.iter().map(|&w| u64::from(w)).sum();
        let mean = |n: usize| (total * 256 / n.max(1) as u64).min(u64::from(u32::MAX)) as u32;
        Averages {
            chunk_words: mean(self.words.len()),
            document_words: mean(self.documents.len()),
        }
    }

    fn write_spelling(
        &mut self,
        manifest: &mut SegmentManifest,
        files: &mut Files<'_, impl Sink>,
    ) -> Result<(), BuildError> {
        use littoral_indexes::spelling;
        let vocabulary = std::mem::take(&mut self.vocabulary);
        let mut words: Vec<(&str, u32)> = Vec::new();
        #[expect(clippy::iter_over_hash_type, reason = "sorted right after")]
        for (word, &df) in &vocabulary {
            words.push((word, df));
        }
        words.sort_unstable();
        let sections = spelling::write(&words, lexicon::BLOCK_BYTES);
        for block in &sections.blocks {
            files.put(Kind::Spelling, block)?;
        }
        manifest.spelling = sections.directory;
        Ok(())
    }

    fn write_filters(
        &mut self,
        order: &[u32],
        layout: &Layout,
        manifest: &mut SegmentManifest,
        files: &mut Files<'_, impl Sink>,
    ) -> Result<(), BuildError> {
        let mut numbers = vec![0u32; order.len()];
        for (number, &document) in (0..).zip(order) {
            numbers[document as usize] = number;
        }
        for (name, by_value) in std::mem::take(&mut self.filters) {
            let first_block = manifest.n_filter_blocks;
            let (mut block, mut size) = (Vec::<FilterValue>::new(), 0);
            let mut separators: Vec<Vec<u8>> = Vec::new();
            for (value, documents) in by_value {
                if size > FILTER_BLOCK_BYTES {
                    files.put(Kind::Filters, &filters::write(&block, layout.n_documents()))?;
                    manifest.n_filter_blocks += 1;
                    let last = block.last().map_or("", |v| v.value.as_str());
                    separators.push(separator(last.as_bytes(), value.as_bytes()));
                    block.clear();
                    size = 0;
                }
                let mut documents: Vec<u32> =
                    documents.iter().map(|&d| numbers[d as usize]).collect();
                documents.sort_unstable();
                size += value.len() + documents.len();
                block.push(FilterValue { value, documents });
            }
            files.put(Kind::Filters, &filters::write(&block, layout.n_documents()))?;
            manifest.n_filter_blocks += 1;
            let separators = Separators::new(separators).write();
            manifest.filters.push(FilterKey {
                name,
                first_block,
                separators,
            });
        }
        Ok(())
    }

    fn write_sorts(
        &mut self,
        order: &[u32],
        manifest: &mut SegmentManifest,
        files: &mut Files<'_, impl Sink>,
    ) -> Result<(), BuildError> {
        let codec = TextCodec::new(&[]);
        let mut first_block = 0;
        for (name, values) in std::mem::take(&mut self.sorts) {
            let is_numeric = values.iter().all(|(_, v)| v.trim().parse::<f64>().is_ok());
            let mut column = vec![None; order.len()];
            for (document, value) in values {
                column[document as usize] = Some(value);
            }
            let ordered: Vec<_> = order.iter().map(|&d| column[d as usize].take()).collect();
            let mut n_blocks = 0;
            for block in ordered.chunks(sort::DOCUMENTS_PER_BLOCK as usize) {
                files.put(Kind::Sort, &codec.compress(&sort::write(block)))?;
                n_blocks += 1;
            }
            manifest.sorts.push(SortKey {
                name,
                is_numeric,
                first_block,
            });
            first_block += n_blocks;
        }
        Ok(())
    }

    fn write_inventory(
        &self,
        order: &[u32],
        files: &mut Files<'_, impl Sink>,
    ) -> Result<[u8; 8], BuildError> {
        let documents = order.iter().map(|&d| {
            let document = &self.documents[d as usize];
            DocumentHash {
                id: hash_id(&document.id),
                source: document.source,
            }
        });
        let mut groups = std::mem::take(&mut files.groups);
        groups.sort_by_key(|group| group.kind);
        let inventory = Inventory {
            documents: documents.collect(),
            files: groups,
        };
        files.put(Kind::Inventory, &inventory.write())
    }
}

/// The files of a segment on their way to the sink.
pub(super) struct Files<'a, S> {
    sink: &'a mut S,
    id: SegmentId,
    groups: Vec<FileGroup>,
}

impl<S: Sink> Files<'_, S> {
    /// The segment that is written.
    pub(super) fn segment(&self) -> SegmentId {
        self.id
    }

    /// The id of the next block of `kind`.
    pub(super) fn next(&self, kind: Kind) -> BlockId {
        let group = self.groups.iter().find(|group| group.kind == kind);
        let number = group.map_or(0, |group| group.checksums.len() as u32);
        BlockId {
            segment: self.id,
            kind,
            number,
        }
    }

    /// Seals `payload` as the next block of `kind` and hands it to the sink; returns its checksum.
    pub(super) fn put(&mut self, kind: Kind, payload: &[u8]) -> Result<[u8; 8], BuildError> {
        let block = self.next(kind);
        self.put_sealed(block, seal(block, payload))
    }

    /// Hands a sealed file to the sink. Blocks of a kind come in the order of their numbers.
    pub(super) fn put_sealed(
        &mut self,
        block: BlockId,
        file: Vec<u8>,
    ) -> Result<[u8; 8], BuildError> {
        debug_assert_eq!(block, self.next(block.kind));
        let checksum = stored_checksum(&file).unwrap_or_default();
        match self
            .groups
            .iter_mut()
            .find(|group| group.kind == block.kind)
        {
            Some(group) => group.checksums.push(checksum),
            None => self.groups.push(FileGroup {
                kind: block.kind,
                checksums: vec![checksum],
            }),
        }
        self.sink.put(block, file)?;
        Ok(checksum)
    }
}

/// The classes of documents whose numbers of chunks ascend.
fn classes(n_chunks: impl Iterator<Item = u32>) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    for n in n_chunks {
        match classes.last_mut() {
            Some(last) if last.chunks_per_document == n => last.n_documents += 1,
            _ => classes.push(Class {
                chunks_per_document: n,
                n_documents: 1,
            }),
        }
    }
    classes
}

/// The id of the segment made of `documents`, which are in their final order: the start of the
/// BLAKE3 hash of all that determines its bytes.
pub fn segment_id(
    input: &SegmentInput<'_>,
    averages: Averages,
    documents: impl Iterator<Item = DocumentHash>,
) -> SegmentId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[FORMAT_VERSION]);
    hasher.update(&(input.created_by.len() as u64).to_le_bytes());
    hasher.update(input.created_by.as_bytes());
    hasher.update(&input.settings.canonical());
    hasher.update(&averages.chunk_words.to_le_bytes());
    hasher.update(&averages.document_words.to_le_bytes());
    if let Some((segment, _)) = input.dictionary {
        hasher.update(&segment.0);
    }
    if let Some(vectors) = &input.vectors {
        if let Turning::Of(segment, _) = vectors.rotation {
            hasher.update(&segment.0);
        }
        if let Queries::Table(segment, _) = vectors.queries {
            hasher.update(&segment.0);
        }
    }
    for document in documents {
        hasher.update(&document.id).update(&document.source);
    }
    let mut id = [0; 8];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    SegmentId(id)
}

/// A filter value as it is stored: at most [`MAX_FILTER_VALUE`] bytes, without zero bytes.
pub(crate) fn filter_value(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_FILTER_VALUE);
    text[..end].replace('\0', "")
}
