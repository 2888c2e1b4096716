//! Opens an index and reads its blocks: verified, counted, and decoded unless they were cached.

use super::EngineError;
use super::cache::Cache;
use super::decode::Decoded;
use super::plan::Analyzers;
use super::rank::BoundsPool;
use super::segment::Segment;
use crate::analysis::{AnalysisOptions, Language};
use crate::host::{Host, HostError};
use crate::map::{Map, Set};
use littoral_indexes::IndexError;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId, open};
use littoral_indexes::error::Section;
use littoral_indexes::impact::Scoring;
use littoral_indexes::manifest::{ENTRY_NAME, Manifest};
use littoral_indexes::order::{sort_by, sort_by_key};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// Decoded bytes kept between queries, by default.
const DEFAULT_CACHE_BYTES: usize = 64 << 20;

/// Languages that a query is read in, at most.
const MAX_LANGUAGES: usize = 4;

/// What a query fetched, as if nothing had been cached.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fetched {
    /// Rounds of requests that wait for each other, the entry's included.
    pub round_trips: u32,
    /// Files.
    pub requests: u32,
    /// Bytes of those files as stored.
    pub bytes: u64,
    #[serde(skip)]
    seen: Set<BlockId>,
}

impl Fetched {
    /// Counts a file that the query needs, unless it was counted before; whether it was not.
    fn count(&mut self, block: BlockId, file_bytes: u64) -> bool {
        let is_new = self.seen.insert(block, ()).is_none();
        if is_new {
            self.requests += 1;
            self.bytes += file_bytes;
        }
        is_new
    }
}

/// An open index.
pub struct Index<H> {
    host: H,
    pub(super) manifest: Manifest,
    build: String,
    entry_bytes: u64,
    pub(super) segments: Vec<Segment>,
    pub(super) scoring: Scoring,
    /// Languages of the documents, the most frequent first: queries are read in each.
    pub(super) languages: Vec<Language>,
    pub(super) analyzers: Mutex<Analyzers>,
    /// Leaves of directories read so far; they are small and stay.
    pub(super) leaves: Mutex<Map<BlockId, Arc<Decoded>>>,
    pub(super) bounds: BoundsPool,
    pub(super) cache: Mutex<Cache>,
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
        let seen = Set::default();
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
            let mut found: Map<BlockId, Arc<Decoded>> = blocks
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
    let (mut ids, mut documents, mut chunks) = (Set::default(), 0u64, 0u64);
    for (i, segment) in segments.iter().enumerate() {
        documents += u64::from(segment.layout.n_documents());
        chunks += u64::from(segment.layout.n_chunks());
        if ids.insert(segment.id, ()).is_some() || documents.max(chunks) > u64::from(u32::MAX >> 1)
        {
            let reason = "two segments have one id, or segments have too many documents";
            return Err(IndexError::corrupt(Section::Manifest, i, reason));
        }
    }
    Ok(())
}
