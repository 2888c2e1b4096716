//! An index that is changed where it is searched: in a page, by its reader.
//!
//! ```text
//! index, documents added, ids removed → new files, new manifest, segments no longer named
//! ```
//!
//! Added documents become a segment of their own over the statistics of the index, replaced and
//! removed ones are marked as deleted. Once there are many segments, or much is deleted, everything
//! becomes one segment again, as a fresh build of the same documents would make it. Nothing is
//! changed in place: whoever keeps the files stores the new ones, then the new entry, and only then
//! lets the others go, so that a crash leaves the old index or the new one.

use crate::Document;
use crate::build::{
    BuildError, MemoryScratch, OneThread, SegmentBuilder, SegmentInput, Sink, preparer, source_hash,
};
use crate::engine::{EngineError, Index};
use crate::host::Host;
use littoral_indexes::envelope::SegmentId;
use littoral_indexes::inventory::hash_id;
use littoral_indexes::manifest::{
    Manifest, SegmentManifest, Settings, Tuning, read_deleted, write_deleted,
};
use std::collections::BTreeSet;

#[cfg(test)]
mod tests;

/// Segments an index may have before they become one: each costs a query a lexicon block a word.
const MAX_SEGMENTS: usize = 8;

/// Share of deleted documents, in percent, above which everything is written anew.
const MAX_DELETED_PERCENT: usize = 25;

/// Why an index was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AmendError {
    /// The segment could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The index could not be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The index has vectors, and no encoder is here to make those of new documents.
    #[error("the index has vectors of {embedder:?}; a page cannot add to it")]
    HasVectors {
        /// Name of the embedder in the index's settings.
        embedder: String,
    },
    /// A model expanded the documents of the index, and it is not here to expand new ones.
    #[error("the documents of the index are expanded by {model:?}; a page cannot add to it")]
    HasExpansions {
        /// Name of the model in the index's settings.
        model: String,
    },
}

impl AmendError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Build(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::HasVectors { .. } | Self::HasExpansions { .. } => "no-encoder",
        }
    }
}

/// What a change made of an index.
#[derive(Debug)]
pub struct Amended {
    /// The index as it is now; `None` when no document is left.
    pub manifest: Option<Manifest>,
    /// Documents that were added or took another's place.
    pub added: usize,
    /// Documents that were removed or gave their place to another.
    pub removed: usize,
    /// Documents of the index now.
    pub documents: usize,
}

/// Adds `documents` to `index`, each in place of the one with its id, and removes those with the ids
/// `removed`. Files of new segments go to `sink`; segments that the new manifest does not name may
/// go once it is stored. Without an index one with `settings` is begun.
///
/// # Errors
/// [`AmendError`] when two documents have one id, the index cannot be read, or has vectors, or is expanded by a
/// model.
pub async fn amend<H: Host>(
    index: Option<&Index<H>>,
    settings: &Settings,
    created_by: &str,
    documents: &[Document],
    removed: &[String],
    sink: &mut impl Sink,
) -> Result<Amended, AmendError> {
    let settings = index.map_or(settings, |index| &index.manifest().settings);
    if !settings.embedding.embedder.is_empty() {
        return Err(AmendError::HasVectors {
            embedder: settings.embedding.embedder.clone(),
        });
    }
    if settings.expansions.model != [0; 8] {
        return Err(AmendError::HasExpansions {
            model: settings.expansions.source.clone(),
        });
    }
    let new: BTreeSet<[u8; 8]> = documents.iter().map(|each| hash_id(&each.id)).collect();
    let mut gone: BTreeSet<[u8; 8]> = removed.iter().map(|id| hash_id(id)).collect();
    gone.extend(&new);
    let (segments, n_removed) = match index {
        Some(index) => marked(index, &gone).await?,
        None => (Vec::new(), 0),
    };
    let n_kept: usize = segments.iter().map(n_live).sum();
    let n_all: usize = segments.iter().map(n_documents).sum();
    let kept: Vec<SegmentManifest> = segments.iter().filter(|s| n_live(s) > 0).cloned().collect();
    let is_whole = kept.len() + usize::from(!documents.is_empty()) > MAX_SEGMENTS
        || (n_all - n_kept) * 100 > n_all * MAX_DELETED_PERCENT;

    let mut builder = SegmentBuilder::new(MemoryScratch::default());
    let mut prepare = preparer(settings);
    if let (Some(index), true) = (index, is_whole) {
        restore(index, &segments, &mut prepare, &mut builder).await?;
    }
    for document in documents {
        let source = source_hash(format!("{document:?}").as_bytes(), settings);
        builder.add(&prepare.prepare(document, source))?;
    }
    let averages = index.map(|index| index.manifest().averages);
    let input = SegmentInput {
        settings,
        averages: averages.filter(|_| !is_whole && !kept.is_empty()),
        dictionary: None,
        created_by,
        vectors: None,
    };
    let written = builder.finish(&input, sink, &OneThread)?;
    let mut segments = if is_whole { Vec::new() } else { kept };
    let averages = written.as_ref().map(|&(_, averages)| averages).or(averages);
    segments.extend(written.map(|(segment, _)| segment));
    let manifest = averages.filter(|_| !segments.is_empty());
    Ok(Amended {
        manifest: manifest.map(|averages| Manifest {
            created_by: created_by.to_owned(),
            settings: settings.clone(),
            averages,
            segments,
            tuning: index.map_or_else(Tuning::default, |index| index.manifest().tuning),
        }),
        added: documents.len(),
        removed: n_removed,
        documents: n_kept + documents.len(),
    })
}

/// The segments of `index` with the documents of ids `gone` marked as deleted, and how many were.
async fn marked<H: Host>(
    index: &Index<H>,
    gone: &BTreeSet<[u8; 8]>,
) -> Result<(Vec<SegmentManifest>, usize), EngineError> {
    let mut segments = index.manifest().segments.clone();
    let mut n_marked = 0;
    for (s, segment) in segments.iter_mut().enumerate() {
        let mut deleted: BTreeSet<u32> = index.deleted(s).into_iter().collect();
        let inventory = index.inventory(s).await?;
        for (document, hashes) in (0..).zip(&inventory.documents) {
            n_marked += usize::from(gone.contains(&hashes.id) && deleted.insert(document));
        }
        segment.deleted = write_deleted(&deleted.into_iter().collect::<Vec<_>>());
    }
    Ok((segments, n_marked))
}

/// Collects the documents of `index` that `segments`, its own, do not mark as deleted.
async fn restore<H: Host>(
    index: &Index<H>,
    segments: &[SegmentManifest],
    prepare: &mut crate::build::Preparer,
    builder: &mut SegmentBuilder<MemoryScratch>,
) -> Result<(), AmendError> {
    let mut gone: BTreeSet<[u8; 8]> = BTreeSet::new();
    for (s, segment) in segments.iter().enumerate() {
        let before: BTreeSet<u32> = index.deleted(s).into_iter().collect();
        let inventory = index.inventory(s).await?;
        let deleted =
            read_deleted(&segment.deleted, n_documents(segment) as u32).unwrap_or_default();
        let newly = deleted.iter().filter(|document| !before.contains(document));
        gone.extend(newly.filter_map(|&d| Some(inventory.documents.get(d as usize)?.id)));
    }
    for s in 0..index.n_segments() {
        let mut added = Ok(());
        index
            .export(s, &mut |stored| {
                if gone.contains(&hash_id(&stored.record.id)) {
                    return true;
                }
                added = builder.add(&prepare.restore(stored));
                added.is_ok()
            })
            .await?;
        added?;
    }
    Ok(())
}

/// Documents of a segment, the deleted included.
fn n_documents(segment: &SegmentManifest) -> usize {
    let classes = segment.classes.iter();
    classes.map(|class| class.n_documents as usize).sum()
}

/// Documents of a segment that were not deleted.
fn n_live(segment: &SegmentManifest) -> usize {
    let n = n_documents(segment);
    let deleted = read_deleted(&segment.deleted, n as u32);
    n - deleted.map_or(0, |deleted| deleted.len())
}

/// The segments that `manifest` names: what lies in others may go.
pub fn named(manifest: &Manifest) -> BTreeSet<SegmentId> {
    manifest.folders().collect()
}
