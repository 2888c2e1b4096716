//! Segments become one: when there are many small ones, when much is deleted, or on request.

use crate::build::{BuildFailure, Collection, Shared, Tools, collect, write_whole};
use crate::host::IndexHost;
use crate::store::Folder;
use crate::update::{Control, stopped};
use littoral_guest::build::Turning;
use littoral_guest::engine::{Index, StoredDocument};
use littoral_indexes::envelope::SegmentId;
use littoral_indexes::manifest::{Averages, Manifest, SegmentManifest, Settings, Tuning};
use littoral_indexes::table::TableManifest;
use littoral_indexes::vectors::Rotation;
use std::collections::BTreeSet;

/// Share of deleted documents, in percent, above which an update compacts.
const MAX_DELETED_PERCENT: u32 = 25;

/// Segments an index may have before the small ones are merged: each costs a query a lexicon block
/// a word.
const MAX_SEGMENTS: usize = 6;

/// Documents of a segment, the deleted included.
pub(crate) fn n_documents(segment: &SegmentManifest) -> u32 {
    segment.classes.iter().map(|class| class.n_documents).sum()
}

/// Documents of a segment that were not deleted.
pub(crate) fn n_live(segment: &SegmentManifest) -> u32 {
    let n = n_documents(segment);
    let deleted = littoral_indexes::manifest::read_deleted(&segment.deleted, n);
    n - deleted.map_or(0, |deleted| deleted.len() as u32)
}

/// Merges segments where that is due; tells whether all became one.
pub(crate) fn tidy(
    folder: &mut Folder,
    manifest: &Manifest,
    tools: &Tools,
    control: &Control<'_>,
    compact: bool,
) -> Result<bool, BuildFailure> {
    let segments = &manifest.segments;
    let total: u32 = segments.iter().map(n_documents).sum();
    let live: u32 = segments.iter().map(n_live).sum();
    // A dictionary, rotation or table whose segment is gone is held by nothing that a check reads. A
    // tuned table needs no segment.
    let tuned = manifest.tuning.table.map(|table| table.id);
    let ids = segments.iter().map(|segment| segment.id).chain(tuned);
    let ids: BTreeSet<[u8; 8]> = ids.collect();
    let lost_base = segments
        .iter()
        .flat_map(|segment| {
            let vectors = segment.vectors.as_ref();
            let rotation = vectors.map(|vectors| vectors.rotation);
            let table = vectors.and_then(|vectors| Some(vectors.table?.0));
            [segment.dictionary, rotation, table]
        })
        .flatten()
        .any(|id| !ids.contains(&id));
    let needs_compaction = (total - live) * 100 > total * MAX_DELETED_PERCENT || lost_base;
    if compact || needs_compaction {
        if segments.len() > 1 || total > live || compact || lost_base {
            let all: Vec<usize> = (0..segments.len()).collect();
            merge(folder, manifest, &all, tools, control)?;
            return Ok(true);
        }
        return Ok(false);
    }
    if segments.len() > MAX_SEGMENTS {
        // All but the largest become one: they are small beside it, or it is time to compact.
        let largest = (0..segments.len())
            .max_by_key(|&s| n_documents(&segments[s]))
            .unwrap_or(0);
        let small: Vec<usize> = (0..segments.len()).filter(|&s| s != largest).collect();
        let in_small: u32 = small.iter().map(|&s| n_live(&segments[s])).sum();
        // Axes and table lie in one segment, and all others need them.
        let own = segments[largest].id;
        let vectors = segments[largest].vectors.as_ref();
        let needs_other = vectors.is_some_and(|vectors| {
            let table = vectors
                .table
                .map(|(id, _)| id)
                .filter(|id| Some(*id) != tuned);
            vectors.rotation != own || table.is_some_and(|id| id != own)
        });
        if needs_other || in_small * 2 > n_live(&segments[largest]) {
            let all: Vec<usize> = (0..segments.len()).collect();
            merge(folder, manifest, &all, tools, control)?;
            return Ok(true);
        }
        merge(folder, manifest, &small, tools, control)?;
    }
    Ok(false)
}

/// Writes the documents of `chosen` segments as one. All of them together are built as a fresh
/// index is: with averages and a dictionary of their own; a tuned query table stays, and the axes that
/// it was tuned along.
fn merge(
    folder: &mut Folder,
    manifest: &Manifest,
    chosen: &[usize],
    tools: &Tools,
    control: &Control<'_>,
) -> Result<(), BuildFailure> {
    let index = pollster::block_on(Index::open(IndexHost::new(folder.path())))?;
    let settings = &manifest.settings;
    let collection = collected(&index, chosen, settings, tools, control)?;
    if chosen.len() == manifest.segments.len() {
        let base = match manifest.tuning.table {
            Some(_) => Some(Base::read(&index, 0)?),
            None => None,
        };
        let shared = base.as_ref().map(Base::tuned).unwrap_or_default();
        write_whole(
            collection,
            settings,
            &shared,
            manifest.tuning,
            folder,
            tools,
        )?;
        return Ok(());
    }
    let kept: Vec<usize> = (0..manifest.segments.len())
        .filter(|s| !chosen.contains(s))
        .collect();
    let base = Base::read(&index, kept[0])?;
    let merged = collection.finish(settings, &base.shared(manifest.averages), folder, tools)?;
    let mut next = manifest.clone();
    next.created_by = tools.created_by(settings, Some(&manifest.created_by));
    next.segments = kept.iter().map(|&s| manifest.segments[s].clone()).collect();
    next.segments.extend(merged.map(|(segment, _)| segment));
    folder.commit(&next)?;
    Ok(())
}

/// Writes the documents of `index` into `folder` as a whole index with `settings`, which say how they become
/// vectors, and `tuning`.
///
/// # Errors
/// [`BuildFailure`] when the index cannot be read, a text has no vector, or the disk refuses.
pub(crate) fn rebuild(
    index: &Index<IndexHost>,
    settings: &Settings,
    tuning: Tuning,
    folder: &mut Folder,
    tools: &Tools,
    control: &Control<'_>,
) -> Result<(), BuildFailure> {
    let all: Vec<usize> = (0..index.n_segments()).collect();
    let collection = collected(index, &all, settings, tools, control)?;
    let shared = Shared::default();
    write_whole(collection, settings, &shared, tuning, folder, tools)?;
    Ok(())
}

/// The documents of `chosen` segments, made ready anew with vectors by `settings`.
fn collected(
    index: &Index<IndexHost>,
    chosen: &[usize],
    settings: &Settings,
    tools: &Tools,
    control: &Control<'_>,
) -> Result<Collection, BuildFailure> {
    let mut failed = Ok(());
    let collection = collect(
        tools,
        settings,
        |stored: &StoredDocument| stored.chunks.iter().map(|chunk| chunk.text.len()).sum(),
        |send: &mut dyn FnMut(StoredDocument) -> bool| {
            for &s in chosen {
                failed = pollster::block_on(index.export(s, send));
                if failed.is_err() {
                    break;
                }
            }
        },
        |preparer, stored| Ok(preparer.restore(stored)),
        |prepared| Some(prepared),
        |prepared| {
            (control.progress)();
            stopped(control)?;
            Ok(Some(prepared))
        },
    )?;
    failed?;
    Ok(collection)
}

/// What new segments take over from an older one: its dictionary, its rotation and
/// its query table.
pub(crate) struct Base {
    dictionary: Option<(SegmentId, Vec<u8>)>,
    rotation: Option<(SegmentId, Rotation)>,
    table: Option<(SegmentId, TableManifest)>,
}

impl Base {
    /// Reads what the `s`-th segment of `index` has.
    pub(crate) fn read(index: &Index<IndexHost>, s: usize) -> Result<Self, BuildFailure> {
        let segment = &index.manifest().segments[s];
        let id = segment.dictionary.map(SegmentId);
        Ok(Self {
            dictionary: id.zip(pollster::block_on(index.dictionary(s))?),
            rotation: pollster::block_on(index.rotation(s))?,
            table: segment
                .vectors
                .as_ref()
                .and_then(|vectors| vectors.table)
                .map(|(id, table)| (SegmentId(id), table)),
        })
    }

    pub(crate) fn shared(&self, averages: Averages) -> Shared<'_> {
        Shared {
            averages: Some(averages),
            dictionary: self.dictionary.as_ref().map(|(id, bytes)| (*id, &**bytes)),
            rotation: self
                .rotation
                .as_ref()
                .map_or(Turning::Fit, |(id, rotation)| Turning::Of(*id, rotation)),
            table: self.table.as_ref().map(|(id, table)| (*id, table)),
        }
    }

    /// What an index that is built anew takes over from one with a tuned table.
    fn tuned(&self) -> Shared<'_> {
        let rotation = self.rotation.as_ref().map(|(_, rotation)| rotation);
        Shared {
            rotation: rotation.map_or(Turning::Fit, Turning::Keep),
            table: self.table.as_ref().map(|(id, table)| (*id, table)),
            ..Shared::default()
        }
    }
}
