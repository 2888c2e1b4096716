//! From inputs to an index, whole or by what changed.
//!
//! An update compares each unit's source hash with the inventory, parses only what is new, marks
//! replaced and removed documents as deleted, and writes the new ones as a segment of their own over
//! the scoring statistics of the index. When there are many small segments they are merged; when
//! much is deleted, or on request, everything becomes one segment again, exactly as a fresh build
//! would make it.

use crate::build::{BuildFailure, Built, CREATED_BY, Tools, collect, source_hash, write_index};
use crate::embed::mark_in;
use crate::expand::Expander;
use crate::host::IndexHost;
use crate::ingest::{
    Document, Ids, IngestOptions, Skipped, SourceFile, SourceKind, Unit, parse, tags_body, units,
};
use crate::merge::{Base, n_live, tidy};
use crate::pipeline::BATCH_WEIGHT;
use crate::store::Folder;
use littoral_guest::build::{PreparedDocument, Preparer};
use littoral_guest::engine::Index;
use littoral_indexes::inventory::hash_id;
use littoral_indexes::manifest::{Manifest, Settings, write_deleted};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a build or update did.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What the index holds now, or for an update, what was added.
    pub built: Built,
    /// Documents that were as they had been.
    pub unchanged: u64,
    /// Documents taken out or replaced.
    pub deleted: u64,
    /// Inputs left out, with the reason.
    pub skipped: Vec<Skipped>,
    /// Whether all segments became one.
    pub compacted: bool,
}

/// How work is watched and stopped.
pub struct Control<'a> {
    /// Set to stop.
    pub stop: &'a AtomicBool,
    /// Called for each unit read.
    pub progress: &'a (dyn Fn() + Sync),
}

/// What a worker makes of a unit.
enum Ready {
    Unchanged([u8; 8], String),
    Document(Box<PreparedDocument>, String),
    Skipped(Skipped),
}

/// Which inputs there are and how they are read.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// Files, as discovered.
    pub files: &'a [SourceFile],
    /// How to read them.
    pub options: IngestOptions,
}

impl<'a> Inputs<'a> {
    /// Reads `files` with `options`; notices by itself whether a site marks its pages' bodies.
    pub fn new(files: &'a [SourceFile], mut options: IngestOptions) -> Self {
        options.require_body |= tags_body(files, &options);
        Self { files, options }
    }

    fn send(&self, control: &Control<'_>, send: &mut dyn FnMut(Result<Unit, Skipped>) -> bool) {
        for file in self.files {
            let flow = units(file, &self.options, &mut |unit| {
                (control.progress)();
                if control.stop.load(Ordering::Relaxed) || !send(unit) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if flow.is_break() {
                break;
            }
        }
    }

    /// Hash of the source of `unit` and of all that bears on what becomes of it.
    fn hash(&self, unit: &Unit, settings: &Settings) -> [u8; 8] {
        let mut bytes = unit.hash().to_vec();
        bytes.push(u8::from(
            self.options.require_body && unit.kind == SourceKind::Html,
        ));
        // Each selector with its length, so that no two lists of them look alike.
        let excluded = &self.options.exclude_selectors;
        for selector in self
            .options
            .root_selector
            .iter()
            .chain([&String::new()])
            .chain(excluded)
        {
            bytes.extend_from_slice(&(selector.len() as u64).to_le_bytes());
            bytes.extend_from_slice(selector.as_bytes());
        }
        source_hash(&bytes, settings)
    }
}

/// About the text of a unit: parsing PDF or DOCX takes long whatever its size.
fn weigh(unit: &Result<Unit, Skipped>) -> usize {
    match unit {
        Ok(unit) if matches!(unit.kind, SourceKind::Pdf | SourceKind::Docx) => BATCH_WEIGHT,
        Ok(unit) => unit.bytes.len(),
        Err(_) => 0,
    }
}

/// Builds an index of `inputs` into `folder`.
///
/// # Errors
/// [`BuildFailure`] when there is nothing to index, the folder cannot be written, or it was stopped.
pub fn build(
    inputs: &Inputs<'_>,
    settings: &Settings,
    folder: &mut Folder,
    tools: &Tools,
    control: &Control<'_>,
) -> Result<Outcome, BuildFailure> {
    let mut outcome = Outcome::default();
    let mut seen = Ids::default();
    let expander = tools.expander(settings)?;
    let collection = collect(
        tools,
        settings,
        weigh,
        |send| inputs.send(control, send),
        |preparer, unit: Result<Unit, Skipped>| {
            let read = unit.and_then(|unit| Ok((parse(&unit, &inputs.options)?, unit)));
            let (document, unit) = match read {
                Ok(read) => read,
                Err(skipped) => return Ok(Err(skipped)),
            };
            let source = inputs.hash(&unit, settings);
            let prepared = prepare(preparer, document, source, expander)?;
            Ok(Ok((prepared, unit.place())))
        },
        |ready| ready.as_mut().ok().map(|(prepared, _)| prepared),
        |ready| {
            stopped(control)?;
            match ready.and_then(|(p, place)| seen.admit(hash_id(p.id()), place).map(|()| p)) {
                Ok(prepared) => Ok(Some(prepared)),
                Err(skipped) => {
                    outcome.skipped.push(skipped);
                    Ok(None)
                }
            }
        },
    )?;
    stopped(control)?;
    (_, outcome.built) = write_index(collection, settings, folder, tools)?;
    Ok(outcome)
}

/// Makes a document ready whose unit has the hash `source`, with its expansion.
fn prepare(
    preparer: &mut Preparer,
    mut document: Document,
    source: [u8; 8],
    expander: Option<&Expander>,
) -> Result<PreparedDocument, BuildFailure> {
    let source = whole_source(source, hash_id(&document.id), expander);
    if let Some(expander) = expander {
        expander.expand(&mut document)?;
    }
    Ok(preparer.prepare(&document, source))
}

/// The hash of all that a document is made from: of its unit, and of what a file of expansions says of
/// its id. Taken from the one, the other leaves the unit's, by which an update knows what it has read.
fn whole_source(unit: [u8; 8], id: [u8; 8], expander: Option<&Expander>) -> [u8; 8] {
    let expansion = expander.map_or([0; 8], |expander| expander.hash(id));
    std::array::from_fn(|i| unit[i] ^ expansion[i])
}

/// Refuses to go on when it was stopped.
pub(crate) fn stopped(control: &Control<'_>) -> Result<(), BuildFailure> {
    if control.stop.load(Ordering::Relaxed) {
        Err(BuildFailure::Interrupted)
    } else {
        Ok(())
    }
}

/// The documents of an index that an update starts from.
struct Existing {
    /// `(segment, document, hash of the id)` by hash of the unit, as it must be for the document to be
    /// as it is.
    by_source: HashMap<[u8; 8], (usize, u32, [u8; 8])>,
    /// `(segment, document)` by hash of the id.
    by_id: HashMap<[u8; 8], (usize, u32)>,
    /// Deleted documents, by segment.
    deleted: Vec<BTreeSet<u32>>,
}

impl Existing {
    fn read(index: &Index<IndexHost>, expander: Option<&Expander>) -> Result<Self, BuildFailure> {
        let (mut by_source, mut by_id) = (HashMap::new(), HashMap::new());
        let mut deleted = Vec::new();
        for s in 0..index.n_segments() {
            let gone: BTreeSet<u32> = index.deleted(s).into_iter().collect();
            let inventory = pollster::block_on(index.inventory(s))?;
            for (document, hashes) in (0..).zip(&inventory.documents) {
                if !gone.contains(&document) {
                    let unit = whole_source(hashes.source, hashes.id, expander);
                    by_source.insert(unit, (s, document, hashes.id));
                    by_id.insert(hashes.id, (s, document));
                }
            }
            deleted.push(gone);
        }
        Ok(Self {
            by_source,
            by_id,
            deleted,
        })
    }
}

/// Brings the index in `folder` up to date with `inputs`; `prune` removes documents that are not
/// among them, `compact` makes all segments one.
///
/// # Errors
/// [`BuildFailure`] when the index cannot be read or written, or it was stopped.
pub fn update(
    inputs: &Inputs<'_>,
    folder: &mut Folder,
    tools: &Tools,
    control: &Control<'_>,
    prune: bool,
    compact: bool,
) -> Result<Outcome, BuildFailure> {
    let index = pollster::block_on(Index::open(IndexHost::new(folder.path())))?;
    let mut settings = index.manifest().settings.clone();
    if let Some(base_url) = &inputs.options.base_url {
        // Another address makes another source of every document, so that all are read again.
        settings.base_url.clone_from(base_url);
    }
    // Without inputs nothing comes that would have to be expanded.
    let expander = match inputs.files {
        [] => None,
        _ => tools.expander(&settings)?,
    };
    let mut existing = Existing::read(&index, expander)?;
    let mut outcome = Outcome::default();
    let (mut seen, mut kept) = (Ids::default(), HashSet::new());
    let by_source = &existing.by_source;
    let mut replaced = Vec::new();
    let collection = collect(
        tools,
        &settings,
        weigh,
        |send| inputs.send(control, send),
        |preparer, unit: Result<Unit, Skipped>| {
            let unit = match unit {
                Ok(unit) => unit,
                Err(skipped) => return Ok(Ready::Skipped(skipped)),
            };
            let source = inputs.hash(&unit, &settings);
            if by_source.contains_key(&source) {
                return Ok(Ready::Unchanged(source, unit.place()));
            }
            match parse(&unit, &inputs.options) {
                Ok(document) => {
                    let prepared = prepare(preparer, document, source, expander)?;
                    Ok(Ready::Document(Box::new(prepared), unit.place()))
                }
                Err(skipped) => Ok(Ready::Skipped(skipped)),
            }
        },
        |ready| match ready {
            Ready::Document(prepared, _) => Some(prepared),
            _ => None,
        },
        |ready| {
            stopped(control)?;
            match ready {
                Ready::Unchanged(source, place) => {
                    let (s, document, id) = existing.by_source[&source];
                    match seen.admit(id, place) {
                        Ok(()) => {
                            kept.insert((s, document));
                            outcome.unchanged += 1;
                        }
                        // A document read before has its id now.
                        Err(skipped) => outcome.skipped.push(skipped),
                    }
                }
                Ready::Skipped(skipped) => outcome.skipped.push(skipped),
                Ready::Document(prepared, place) => {
                    let id = hash_id(prepared.id());
                    match seen.admit(id, place) {
                        Ok(()) => {
                            replaced.extend(existing.by_id.get(&id));
                            return Ok(Some(*prepared));
                        }
                        Err(skipped) => outcome.skipped.push(skipped),
                    }
                }
            }
            Ok(None)
        },
    )?;
    stopped(control)?;
    // What was read unchanged stays, also when a file that was skipped claims its id.
    let mut gone: BTreeSet<(usize, u32)> = replaced.into_iter().collect();
    if prune {
        let all: BTreeSet<(usize, u32)> = existing.by_id.values().copied().collect();
        gone.extend(all.into_iter().filter(|place| !kept.contains(place)));
    }
    outcome.deleted = gone.len() as u64;
    for (s, document) in gone {
        existing.deleted[s].insert(document);
    }
    outcome.built = collection.built();

    let manifest = index.manifest();
    let base = (0..index.n_segments()).max_by_key(|&s| {
        manifest.segments[s]
            .classes
            .iter()
            .map(|c| c.n_documents)
            .sum::<u32>()
    });
    let base = match base {
        Some(base) => Some(Base::read(&index, base)?),
        None => None,
    };
    let shared = base.as_ref().map(|base| base.shared(manifest.averages));
    let added = collection.finish(&settings, &shared.unwrap_or_default(), folder, tools)?;
    if added.is_none() && outcome.deleted == 0 && !compact {
        // An update that was killed may have left files; this is the next one.
        folder.collect(manifest)?;
        return Ok(outcome);
    }
    let mut next = Manifest {
        created_by: match added {
            Some(_) => tools.created_by(&settings, Some(&manifest.created_by)),
            None => [CREATED_BY, mark_in(&manifest.created_by)].concat(),
        },
        settings: settings.clone(),
        ..manifest.clone()
    };
    for (segment, deleted) in next.segments.iter_mut().zip(&existing.deleted) {
        segment.deleted = write_deleted(&deleted.iter().copied().collect::<Vec<_>>());
    }
    next.segments.retain(|segment| n_live(segment) > 0);
    next.segments.extend(added.map(|(segment, _)| segment));
    if next.segments.is_empty() {
        return Err(BuildFailure::Empty);
    }
    folder.commit(&next)?;
    drop(index);
    outcome.compacted = tidy(folder, &next, tools, control, compact)?;
    Ok(outcome)
}
