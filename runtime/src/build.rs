//! Builds an index from documents.

use crate::embed::{EmbedError, Embedder, Sample, mark_in};
use crate::expand::{ExpandError, Expander};
use crate::pipeline::{Pool, pipeline};
use crate::store::{Folder, StoreError, TemporaryFile};
use littoral_guest::build::{
    BuildError, PreparedDocument, Preparer, Queries, SegmentBuilder, SegmentInput, Tables, Turning,
    VectorInput,
};
pub use littoral_guest::build::{default_settings, preparer, source_hash};
use littoral_guest::table::{Span, SpanKind};
use littoral_guest::{Document, EngineError};
use littoral_indexes::envelope::SegmentId;
use littoral_indexes::manifest::{
    Averages, Embedding, Expansions, Manifest, SegmentManifest, Settings, Tuning,
};
use littoral_indexes::table::TableManifest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name and version written into indexes, and behind them who computed vectors, where it was not the
/// CPU.
pub const CREATED_BY: &str = concat!("littoral ", env!("CARGO_PKG_VERSION"));

/// The embedder whose queries are encoded by a table.
pub const TABLE: &str = "table";

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
    /// Texts have no vectors: the encoder failed, or they could not be remembered.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index has vectors, and the encoder that made them is not at hand.
    #[error("the index has vectors of {embedder:?}, and its encoder is not here")]
    NoEncoder {
        /// Name of the embedder in the index's settings.
        embedder: String,
    },
    /// Documents have no expansions: the file changed meanwhile, or the model failed.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// The documents of the index are expanded in another way than those that come.
    #[error("the documents of the index are expanded by {own}, those that come by {given}")]
    OtherExpansions {
        /// The source in the index's settings.
        own: String,
        /// The source at hand.
        given: String,
    },
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
            Self::Embed(EmbedError::Encode(_)) => "model-failed",
            Self::Scratch(_) | Self::Embed(_) => "write-failed",
            Self::Empty => "no-documents",
            Self::Engine(error) => error.code(),
            Self::NoEncoder { .. } => "no-encoder",
            Self::Expand(error) => error.code(),
            Self::OtherExpansions { .. } => "other-expansions",
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

/// What a build works with.
#[derive(Debug)]
pub struct Tools {
    /// Threads.
    pub pool: Pool,
    /// Makes the vectors of documents; `None` for an index without them.
    pub embedder: Option<Embedder>,
    /// Gives documents words to be found by beside their own; `None` for those of their records alone.
    pub expander: Option<Arc<Expander>>,
}

impl From<Pool> for Tools {
    /// Tools for an index of words alone.
    fn from(pool: Pool) -> Self {
        Self {
            pool,
            embedder: None,
            expander: None,
        }
    }
}

impl Tools {
    /// What expands the documents that come into an index with `settings`: that of its others, or
    /// nothing.
    pub(crate) fn expander(&self, settings: &Settings) -> Result<Option<&Expander>, BuildFailure> {
        let given = self.expander.as_deref().map(Expander::settings);
        let given = given.unwrap_or_default();
        if given == settings.expansions {
            return Ok(self.expander.as_deref());
        }
        let name = |expansions: &Expansions| match (expansions.source.as_str(), expansions.model) {
            ("", _) => "nothing".to_owned(),
            (_, [0, 0, 0, 0, 0, 0, 0, 0]) => "a file".to_owned(),
            (source, model) => {
                let id: String = model.iter().map(|b| format!("{b:02x}")).collect();
                format!("the model {source:?} ({id})")
            }
        };
        Err(BuildFailure::OtherExpansions {
            own: name(&settings.expansions),
            given: name(&given),
        })
    }

    /// What an index with `settings` says of what it was made with: the program, and where its vectors
    /// are not the CPU's alone, whose they are. `kept` is what the index said so far, where parts of it
    /// stay.
    pub(crate) fn created_by(&self, settings: &Settings, kept: Option<&str>) -> String {
        let has_vectors = !settings.embedding.embedder.is_empty();
        let own = self.embedder.as_ref().filter(|_| has_vectors);
        let own = own.and_then(Embedder::mark);
        let mark = own.as_deref().unwrap_or(mark_in(kept.unwrap_or_default()));
        [CREATED_BY, mark].concat()
    }

    /// The embedder for an index with `settings`: that of its documents, or none.
    fn embedder(&self, settings: &Settings) -> Result<Option<&Embedder>, BuildFailure> {
        let Embedding {
            embedder, model, ..
        } = &settings.embedding;
        if embedder.is_empty() {
            return Ok(None);
        }
        match &self.embedder {
            Some(own) if own.id() == *model => Ok(Some(own)),
            _ => Err(BuildFailure::NoEncoder {
                embedder: embedder.clone(),
            }),
        }
    }
}

/// Documents that were collected, and what is needed to write them as a segment.
pub struct Collection {
    pub(crate) builder: SegmentBuilder<TemporaryFile>,
    /// Texts shaped like queries, taken from the documents.
    spans: Spans,
}

impl Collection {
    /// What was collected.
    pub fn built(&self) -> Built {
        Built {
            documents: self.builder.n_documents() as u64,
            chunks: self.builder.n_chunks() as u64,
            terms: self.builder.n_terms() as u64,
        }
    }

    /// Writes a segment into `folder`; `shared` is what it takes over from others.
    pub(crate) fn finish(
        self,
        settings: &Settings,
        shared: &Shared<'_>,
        folder: &mut Folder,
        tools: &Tools,
    ) -> Result<Option<(SegmentManifest, Averages)>, BuildFailure> {
        let embedder = tools.embedder(settings)?;
        let spans = self.spans.into_spans();
        let encode = |texts: &[String]| match embedder {
            Some(embedder) => embedder
                .embed_all(texts, &tools.pool)
                .map_err(std::io::Error::other),
            None => Ok(Vec::new()),
        };
        let queries = match shared.table {
            Some((segment, table)) => Queries::Table(segment, table),
            None if settings.embedding.embedder == TABLE => Queries::FitTable,
            None => Queries::Encoder,
        };
        let words = match (embedder, queries) {
            (Some(embedder), Queries::FitTable) => embedder.encoder().words(),
            _ => Vec::new(),
        };
        let tables = embedder.and_then(Embedder::tables);
        let input = SegmentInput {
            settings,
            averages: shared.averages,
            dictionary: shared.dictionary,
            created_by: &tools.created_by(settings, None),
            vectors: embedder.map(|embedder| VectorInput {
                dims: embedder.dims(),
                rotation: shared.rotation,
                queries,
                spans: &spans,
                words: &words,
                encode: &encode,
                tables: tables.as_ref().map(|tables| tables as &dyn Tables),
            }),
        };
        Ok(self.builder.finish(&input, folder, &tools.pool)?)
    }
}

/// What a segment takes over from those before it; nothing for a first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shared<'a> {
    pub(crate) averages: Option<Averages>,
    pub(crate) dictionary: Option<(SegmentId, &'a [u8])>,
    pub(crate) rotation: Turning<'a>,
    pub(crate) table: Option<(SegmentId, &'a TableManifest)>,
}

/// Samples of spans, one of each kind.
#[derive(Debug, Clone)]
struct Spans(BTreeMap<(SpanKind, bool), Sample>);

impl Spans {
    fn new() -> Self {
        let kinds = SpanKind::ALL.iter();
        let both = kinds.flat_map(|&kind| [(kind, false), (kind, true)]);
        Self(both.map(|key| (key, Sample::new(key.0.limit()))).collect())
    }

    fn add(&mut self, span: &Span) {
        if let Some(sample) = self.0.get_mut(&(span.kind, span.is_held_out)) {
            sample.add(&span.text);
        }
    }

    fn into_spans(self) -> Vec<Span> {
        let of = |((kind, is_held_out), sample): ((SpanKind, bool), Sample)| {
            let texts = sample.into_texts().into_iter();
            texts.map(move |text| Span {
                kind,
                is_held_out,
                text,
            })
        };
        let mut spans: Vec<Span> = self.0.into_iter().flat_map(of).collect();
        // In no order of kinds, so that the first so many are of every kind.
        spans.sort_by_cached_key(|span| *blake3::hash(span.text.as_bytes()).as_bytes());
        spans
    }
}

/// Collects documents into a builder: what `produce` sends, `prepare` makes ready on many threads,
/// with its vectors where the index has them, and `admit` sees in order and gives back what is to be
/// indexed; `weigh` tells about how many bytes of text an item has.
///
/// # Errors
/// [`BuildFailure`] of scratch space, or what `prepare` and `admit` return.
pub fn collect<I: Send, O: Send>(
    tools: &Tools,
    settings: &Settings,
    weigh: impl Fn(&I) -> usize + Send,
    produce: impl FnOnce(&mut dyn FnMut(I) -> bool) + Send,
    prepare: impl Fn(&mut Preparer, I) -> Result<O, BuildFailure> + Sync,
    document: impl Fn(&mut O) -> Option<&mut PreparedDocument> + Sync,
    mut admit: impl FnMut(O) -> Result<Option<PreparedDocument>, BuildFailure>,
) -> Result<Collection, BuildFailure> {
    let embedder = tools.embedder(settings)?;
    let scratch = TemporaryFile::new().map_err(BuildFailure::Scratch)?;
    let mut builder = SegmentBuilder::new(scratch);
    let mut spans = Spans::new();
    let n_threads = tools.pool.n_threads();
    pipeline(
        embedder.map_or(n_threads, |embedder| embedder.n_askers(n_threads)),
        weigh,
        produce,
        || {
            let mut preparer = preparer(settings);
            let (prepare, document) = (&prepare, &document);
            move |item| {
                let mut prepared = prepare(&mut preparer, item)?;
                if let (Some(embedder), Some(document)) = (embedder, document(&mut prepared)) {
                    document.set_vectors(embedder.embed(&document.texts())?);
                }
                Ok::<O, BuildFailure>(prepared)
            }
        },
        |prepared| {
            if let Some(document) = admit(prepared?)? {
                if embedder.is_some() {
                    document.each_span(|span| spans.add(&span));
                }
                builder.add(&document)?;
            }
            Ok::<(), BuildFailure>(())
        },
    )?;
    Ok(Collection { builder, spans })
}

/// Writes what was collected as a whole index into `folder`.
///
/// # Errors
/// [`BuildFailure`] when nothing was collected or the folder cannot be written.
pub fn write_index(
    collection: Collection,
    settings: &Settings,
    folder: &mut Folder,
    tools: &Tools,
) -> Result<(Manifest, Built), BuildFailure> {
    write_whole(
        collection,
        settings,
        &Shared::default(),
        Tuning::default(),
        folder,
        tools,
    )
}

/// As [`write_index`], with what the index takes over from the one before it.
pub(crate) fn write_whole(
    collection: Collection,
    settings: &Settings,
    shared: &Shared<'_>,
    tuning: Tuning,
    folder: &mut Folder,
    tools: &Tools,
) -> Result<(Manifest, Built), BuildFailure> {
    let built = collection.built();
    let Some((segment, averages)) = collection.finish(settings, shared, folder, tools)? else {
        return Err(BuildFailure::Empty);
    };
    let manifest = Manifest {
        created_by: tools.created_by(settings, None),
        settings: settings.clone(),
        averages,
        segments: vec![segment],
        tuning,
    };
    folder.commit(&manifest)?;
    Ok((manifest, built))
}

/// Builds an index of `documents` into `folder`.
///
/// # Errors
/// [`BuildFailure`] when ids repeat, there is no document, or the folder cannot be written.
pub fn build_documents(
    documents: impl Iterator<Item = Document> + Send,
    settings: &Settings,
    folder: &mut Folder,
    tools: &Tools,
) -> Result<(Manifest, Built), BuildFailure> {
    let expander = tools.expander(settings)?;
    let collection = collect(
        tools,
        settings,
        |document: &Document| document.text.len(),
        |send| {
            for document in documents {
                if !send(document) {
                    break;
                }
            }
        },
        |preparer, mut document: Document| {
            if let Some(expander) = expander {
                expander.expand(&mut document)?;
            }
            let source = source_hash(format!("{document:?}").as_bytes(), settings);
            Ok(preparer.prepare(&document, source))
        },
        |prepared| Some(prepared),
        |prepared| Ok(Some(prepared)),
    )?;
    write_index(collection, settings, folder, tools)
}
