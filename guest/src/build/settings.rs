//! The settings of an index, and what prepares its documents.

#[cfg(feature = "languages")]
use super::Preparer;
#[cfg(feature = "languages")]
use crate::analysis::{AnalysisOptions, Language};
use crate::chunk::ChunkOptions;
use littoral_indexes::manifest::{Embedding, Expansions, ScoringParameters, Settings};

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
            expansion_weight: 100,
        },
        embedding: Embedding::default(),
        expansions: Expansions::default(),
    }
}

/// A preparer for documents of an index with `settings`. Needs the feature `languages`, as
/// [`Preparer::new`] does.
#[cfg(feature = "languages")]
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
