//! Builds an index from documents.

use crate::pipeline::{Pool, pipeline};
use crate::store::{Folder, StoreError, TemporaryFile};
use littoral_guest::analysis::{AnalysisOptions, Language};
use littoral_guest::build::{BuildError, PreparedDocument, Preparer, SegmentBuilder, SegmentInput};
use littoral_guest::chunk::ChunkOptions;
use littoral_guest::{Document, EngineError};
use littoral_indexes::manifest::{Manifest, ScoringParameters, Settings};

/// Name and version written into indexes.
pub const CREATED_BY: &str = concat!("littoral ", env!("CARGO_PKG_VERSION"));

/// Settings of an index when nothing else is said.
pub fn default_settings() -> Settings {
    let chunking = ChunkOptions::default();
    Settings {
        chunk_tokens: chunking.max_tokens,
        overlap_tokens: chunking.overlap_tokens,
        stemming: true,
        positions: true,
        synonyms: Vec::new(),
        lang: String::new(),
        base_url: String::new(),
        scoring: ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 300,
            heading_weight: 100,
            document_share: 50,
        },
    }
}

/// A preparer for documents of an index with `settings`.
pub fn preparer(settings: &Settings) -> Preparer {
    let chunking = ChunkOptions {
        max_tokens: settings.chunk_tokens,
        overlap_tokens: settings.overlap_tokens,
        ..ChunkOptions::default()
    };
    let analysis = AnalysisOptions {
        stemming: settings.stemming,
        synonyms: settings.synonyms.clone(),
    };
    let lang = (!settings.lang.is_empty()).then(|| Language::from_code(&settings.lang));
    Preparer::new(chunking, analysis, lang)
}

/// Why an index was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildFailure {
    /// The folder could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The segment could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The system gave no temporary file.
    #[error("cannot make a temporary file: {0}")]
    Scratch(std::io::Error),
    /// No document was left to index.
    #[error("there is nothing to index: no document was read")]
    Empty,
    /// The old index could not be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The build was interrupted.
    #[error("interrupted; the old index, if there was one, is untouched")]
    Interrupted,
}

impl BuildFailure {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Build(BuildError::Io(error))
                if error.kind() == std::io::ErrorKind::StorageFull =>
            {
                "disk-full"
            }
            Self::Build(error) => error.code(),
            Self::Scratch(_) => "write-failed",
            Self::Empty => "no-documents",
            Self::Engine(error) => error.code(),
            Self::Interrupted => "interrupted",
        }
    }
}

/// What was put into an index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Built {
    /// Documents.
    pub documents: u64,
    /// Chunks.
    pub chunks: u64,
    /// Distinct terms.
    pub terms: u64,
}

/// Collects documents into a builder: what `produce` sends, `prepare` makes ready on many threads,
/// `weigh` being about its bytes of text, and `admit` sees in order and gives back what is to be indexed.
///
/// # Errors
/// [`BuildFailure`] of scratch space, or what `admit` returns.
pub fn collect<I: Send, O: Send>(
    pool: &Pool,
    settings: &Settings,
    weigh: impl Fn(&I) -> usize + Send,
    produce: impl FnOnce(&mut dyn FnMut(I) -> bool) + Send,
    prepare: impl Fn(&mut Preparer, I) -> O + Sync,
    mut admit: impl FnMut(O) -> Result<Option<PreparedDocument>, BuildFailure>,
) -> Result<SegmentBuilder<TemporaryFile>, BuildFailure> {
    let scratch = TemporaryFile::new().map_err(BuildFailure::Scratch)?;
    let mut builder = SegmentBuilder::new(scratch);
    pipeline(
        pool.n_threads(),
        weigh,
        produce,
        || {
            let mut preparer = preparer(settings);
            let prepare = &prepare;
            move |item| prepare(&mut preparer, item)
        },
        |prepared| {
            if let Some(document) = admit(prepared)? {
                builder.add(&document)?;
            }
            Ok::<(), BuildFailure>(())
        },
    )?;
    Ok(builder)
}

/// Writes what `builder` collected as a whole index into `folder`.
///
/// # Errors
/// [`BuildFailure`] when nothing was collected or the folder cannot be written.
pub fn write_index(
    builder: SegmentBuilder<TemporaryFile>,
    settings: &Settings,
    folder: &mut Folder,
    pool: &Pool,
) -> Result<(Manifest, Built), BuildFailure> {
    let built = Built {
        documents: builder.n_documents() as u64,
        chunks: builder.n_chunks() as u64,
        terms: builder.n_terms() as u64,
    };
    let input = SegmentInput {
        settings,
        averages: None,
        dictionary: None,
        created_by: CREATED_BY,
    };
    let Some((segment, averages)) = builder.finish(&input, folder, pool)? else {
        return Err(BuildFailure::Empty);
    };
    let manifest = Manifest {
        created_by: CREATED_BY.to_owned(),
        settings: settings.clone(),
        averages,
        segments: vec![segment],
    };
    folder.commit(&manifest)?;
    Ok((manifest, built))
}

/// The hash that tells whether a document must be indexed again: of its source and of what the
/// index does with it.
pub fn source_hash(source: &[u8], settings: &Settings) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&(source.len() as u64).to_le_bytes())
        .update(source);
    hasher.update(&settings.canonical());
    let mut hash = [0; 8];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    hash
}

/// Builds an index of `documents` into `folder`.
///
/// # Errors
/// [`BuildFailure`] when ids repeat, there is no document, or the folder cannot be written.
pub fn build_documents(
    documents: impl Iterator<Item = Document> + Send,
    settings: &Settings,
    folder: &mut Folder,
    pool: &Pool,
) -> Result<(Manifest, Built), BuildFailure> {
    let builder = collect(
        pool,
        settings,
        |document: &Document| document.text.len(),
        |send| {
            for document in documents {
                if !send(document) {
                    break;
                }
            }
        },
        |preparer, document: Document| {
            let source = source_hash(format!("{document:?}").as_bytes(), settings);
            preparer.prepare(&document, source)
        },
        |prepared| Ok(Some(prepared)),
    )?;
    write_index(builder, settings, folder, pool)
}
