//! An index in memory, and a host over it that hands out what a test wants damaged.

use crate::encoder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use littoral_guest::build::{
    MemoryScratch, OneThread, Queries, SegmentBuilder, SegmentInput, Sink, Turning, VectorInput,
};
use littoral_guest::engine::Index;
use littoral_guest::{Document, Host, HostError};
use littoral_indexes::envelope::{BlockId, Kind, SegmentId, seal, stored_checksum};
use littoral_indexes::inventory::{Inventory, hash_id};
use littoral_indexes::manifest::{
    Averages, ENTRY_NAME, Manifest, SegmentManifest, Settings, Tuning, write_deleted,
};
use littoral_indexes::table::TableManifest;
use littoral_indexes::vectors::Rotation;
use littoral_runtime::build::{CREATED_BY, TABLE, preparer, source_hash};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// A file of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `littoral.json`.
    Entry,
    /// A `.lit` file.
    Block(BlockId),
}

impl Place {
    /// Its path within the index.
    pub fn path(self) -> String {
        match self {
            Self::Entry => ENTRY_NAME.to_owned(),
            Self::Block(block) => block.path(),
        }
    }
}

/// The files of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// By place.
    pub files: BTreeMap<Place, Arc<[u8]>>,
}

struct Blocks<'a>(&'a mut BTreeMap<Place, Arc<[u8]>>);

impl Sink for Blocks<'_> {
    fn put(&mut self, block: BlockId, file: Vec<u8>) -> io::Result<()> {
        self.0.insert(Place::Block(block), file.into());
        Ok(())
    }
}

impl Stored {
    /// An index of `documents`.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn build(documents: &[Document], settings: &Settings) -> Self {
        let mut stored = Self::default();
        let input = SegmentInput {
            settings,
            averages: None,
            dictionary: None,
            created_by: CREATED_BY,
            vectors: vectors(settings, None, None),
        };
        let (segment, averages) = stored.segment(documents, &input);
        stored.put(&Manifest {
            created_by: CREATED_BY.to_owned(),
            settings: settings.clone(),
            averages,
            segments: vec![segment],
            tuning: Tuning::default(),
        });
        stored
    }

    /// The index with a further segment of `documents`; those of the same ids are deleted.
    ///
    /// # Panics
    /// When it cannot be built.
    #[must_use]
    pub fn with(&self, documents: &[Document]) -> Self {
        let mut stored = self.clone();
        let index = self.open();
        let mut manifest = index.manifest().clone();
        for (s, segment) in manifest.segments.iter_mut().enumerate() {
            let inventory = pollster::block_on(index.inventory(s)).expect("an inventory");
            let gone = |id: [u8; 8]| documents.iter().any(|document| hash_id(&document.id) == id);
            let mut deleted = index.deleted(s);
            deleted.extend(
                (0..)
                    .zip(&inventory.documents)
                    .filter(|(_, hash)| gone(hash.id))
                    .map(|(n, _)| n),
            );
            deleted.sort_unstable();
            deleted.dedup();
            segment.deleted = write_deleted(&deleted);
        }
        let dictionary = pollster::block_on(index.dictionary(0)).expect("a dictionary");
        let holder = manifest.segments[0].dictionary;
        let rotation = pollster::block_on(index.rotation(0)).expect("a rotation");
        let table = index.manifest().segments[0].vectors.as_ref();
        let table = table.and_then(|vectors| vectors.table.as_ref());
        let table = table.map(|(segment, table)| (SegmentId(*segment), table));
        let input = SegmentInput {
            settings: &manifest.settings,
            averages: Some(manifest.averages),
            dictionary: dictionary
                .as_deref()
                .zip(holder)
                .map(|(bytes, id)| (SegmentId(id), bytes)),
            created_by: CREATED_BY,
            vectors: vectors(&manifest.settings, rotation.as_ref(), table),
        };
        let (segment, _) = stored.segment(documents, &input);
        manifest.segments.push(segment);
        stored.put(&manifest);
        stored
    }

    fn segment(
        &mut self,
        documents: &[Document],
        input: &SegmentInput<'_>,
    ) -> (SegmentManifest, Averages) {
        let mut builder = SegmentBuilder::new(MemoryScratch::default());
        let mut preparer = preparer(input.settings);
        for document in documents {
            let source = source_hash(format!("{document:?}").as_bytes(), input.settings);
            let mut prepared = preparer.prepare(document, source);
            if input.vectors.is_some() {
                let texts = prepared.texts();
                prepared.set_vectors(texts.iter().flat_map(|text| encoder::embed(text)).collect());
            }
            builder.add(&prepared).expect("room in memory");
        }
        let finished = builder.finish(input, &mut Blocks(&mut self.files), &OneThread);
        finished.expect("a segment").expect("at least one document")
    }

    /// What the entry says.
    ///
    /// # Panics
    /// When the entry is damaged.
    pub fn manifest(&self) -> Manifest {
        Manifest::read(&self.files[&Place::Entry])
            .expect("a sound entry")
            .0
    }

    /// Makes `manifest` the entry.
    ///
    /// # Panics
    /// When it is too large.
    pub fn put(&mut self, manifest: &Manifest) {
        let entry = manifest.write().expect("an entry of legal size");
        self.files.insert(Place::Entry, entry.into());
    }

    /// The bytes of the manifest in the entry.
    ///
    /// # Panics
    /// When the entry is damaged.
    pub fn manifest_bytes(&self) -> Vec<u8> {
        let text = std::str::from_utf8(&self.files[&Place::Entry]).expect("an entry is text");
        let encoded = text.rsplit('"').nth(1).expect("a manifest");
        STANDARD.decode(encoded).expect("base64")
    }

    /// Makes an entry of any bytes, with the build id that they have.
    pub fn put_manifest_bytes(&mut self, manifest: &[u8]) {
        let hash = blake3::hash(manifest).to_hex();
        let (build, encoded) = (&hash[..16], STANDARD.encode(manifest));
        let entry =
            format!("{{\"littoral\":1,\"build\":\"{build}\",\"manifest\":\"{encoded}\"}}\n");
        self.files.insert(Place::Entry, entry.into_bytes().into());
    }

    /// Puts `payload` into `block`, sealed, and its checksum into the inventory and the manifest, so
    /// that nothing but the payload's own decoder can refuse it.
    pub fn reseal(&mut self, block: BlockId, payload: &[u8]) {
        let file = seal(block, payload);
        let sum = stored_checksum(&file).unwrap_or_default();
        self.files.insert(Place::Block(block), file.into());
        let mut manifest = self.manifest();
        let id = block.segment.0;
        let Some(segment) = manifest.segments.iter_mut().find(|s| s.id == id) else {
            return;
        };
        if block.kind == Kind::Inventory {
            segment.inventory = sum;
        } else {
            let place = BlockId {
                kind: Kind::Inventory,
                number: 0,
                ..block
            };
            let payload = &self.files[&Place::Block(place)][HEADER..];
            let Ok(mut inventory) = Inventory::read(payload) else {
                return;
            };
            let group = inventory
                .files
                .iter_mut()
                .find(|group| group.kind == block.kind);
            let known = group.and_then(|group| group.checksums.get_mut(block.number as usize));
            if let Some(known) = known {
                *known = sum;
            }
            let file = seal(place, &inventory.write());
            segment.inventory = stored_checksum(&file).unwrap_or_default();
            self.files.insert(Place::Block(place), file.into());
        }
        self.put(&manifest);
    }

    /// Bytes of all files.
    pub fn size_bytes(&self) -> usize {
        self.files.values().map(|file| file.len()).sum()
    }

    /// The index, opened.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open(&self) -> Index<MemoryHost<'_>> {
        pollster::block_on(Index::open(self.host())).expect("a sound index")
    }

    /// A host over the files as they are.
    pub fn host(&self) -> MemoryHost<'_> {
        MemoryHost {
            stored: self,
            changed: Place::Entry,
            instead: Instead::AsItWas,
            was_read: Cell::default(),
        }
    }

    /// A host over the files with `file` in `place`; `None` takes the file away.
    pub fn host_with(&self, place: Place, file: Option<&[u8]>) -> MemoryHost<'_> {
        let instead = file.map_or(Instead::Nothing, |file| Instead::File(file.into()));
        MemoryHost {
            stored: self,
            changed: place,
            instead,
            was_read: Cell::default(),
        }
    }
}

/// What vectors are made with, for an index with `settings`.
fn vectors<'a>(
    settings: &Settings,
    rotation: Option<&'a (SegmentId, Rotation)>,
    table: Option<(SegmentId, &'a TableManifest)>,
) -> Option<VectorInput<'a>> {
    (!settings.embedding.embedder.is_empty()).then(|| VectorInput {
        dims: encoder::DIMS,
        rotation: rotation.map_or(Turning::Fit, |(segment, rotation)| {
            Turning::Of(*segment, rotation)
        }),
        queries: match table {
            Some((segment, table)) => Queries::Table(segment, table),
            None if settings.embedding.embedder == TABLE => Queries::FitTable,
            None => Queries::Encoder,
        },
        spans: &[],
        words: &[],
        encode: &|texts| Ok(texts.iter().flat_map(|text| encoder::embed(text)).collect()),
        tables: None,
    })
}

const HEADER: usize = littoral_indexes::envelope::HEADER_BYTES;

/// What stands in the place that is changed.
#[derive(Debug)]
enum Instead {
    AsItWas,
    Nothing,
    File(Arc<[u8]>),
}

/// A host over an index in memory, one file of which may be changed.
#[derive(Debug)]
pub struct MemoryHost<'a> {
    stored: &'a Stored,
    changed: Place,
    instead: Instead,
    was_read: Cell<bool>,
}

impl MemoryHost<'_> {
    /// Whether the changed file was asked for since the last time this was called.
    pub fn was_read(&self) -> bool {
        self.was_read.take()
    }

    fn file(&self, place: Place) -> Result<Arc<[u8]>, HostError> {
        let mut file = self.stored.files.get(&place);
        if place == self.changed {
            self.was_read.set(true);
            match &self.instead {
                Instead::AsItWas => {}
                Instead::Nothing => file = None,
                Instead::File(changed) => file = Some(changed),
            }
        }
        file.cloned()
            .ok_or_else(|| HostError::NotFound { path: place.path() })
    }
}

impl Host for MemoryHost<'_> {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.file(Place::Entry)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|&block| self.file(Place::Block(block)))
            .collect()
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        (model == encoder::TOY).then(|| encoder::embed(text))
    }
}
