//! Indexes that are made and changed in the page.

use crate::error;
use crate::host::JsHost;
use littoral_guest::Document;
use littoral_guest::amend::{self, named};
use littoral_guest::build::{Sink, default_settings};
use littoral_guest::engine;
use littoral_indexes::envelope::BlockId;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use wasm_bindgen::prelude::*;

const CREATED_BY: &str = concat!("littoral ", env!("CARGO_PKG_VERSION"));

/// A document as it comes from JavaScript.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    title: String,
    text: String,
    url: String,
    lang: Option<String>,
    meta: BTreeMap<String, String>,
    filters: BTreeMap<String, Vec<String>>,
    sort: BTreeMap<String, String>,
}

impl From<Record> for Document {
    fn from(record: Record) -> Self {
        Self {
            url: record.url,
            lang: record.lang,
            meta: record.meta,
            filters: record.filters,
            sort: record.sort,
            ..Self::plain(record.id, record.title, record.text)
        }
    }
}

/// What a change made of an index: files to be stored, and then the entry.
#[wasm_bindgen]
pub struct Change {
    files: Vec<(String, Vec<u8>)>,
    entry: Option<Vec<u8>>,
    segments: Vec<String>,
    added: usize,
    removed: usize,
    documents: usize,
}

#[wasm_bindgen]
impl Change {
    /// The new entry; none when no document is left.
    #[wasm_bindgen(getter)]
    pub fn entry(&self) -> Option<Vec<u8>> {
        self.entry.clone()
    }

    /// Folders of the segments that the new entry names.
    #[wasm_bindgen(getter)]
    pub fn segments(&self) -> Vec<String> {
        self.segments.clone()
    }

    /// Paths of the new files.
    #[wasm_bindgen(getter)]
    pub fn paths(&self) -> Vec<String> {
        self.files.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Bytes of the `i`-th new file.
    pub fn file(&self, i: usize) -> Option<Vec<u8>> {
        self.files.get(i).map(|(_, bytes)| bytes.clone())
    }

    /// Documents that were added or took another's place.
    #[wasm_bindgen(getter)]
    pub fn added(&self) -> usize {
        self.added
    }

    /// Documents that were removed or gave their place to another.
    #[wasm_bindgen(getter)]
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// Documents of the index now.
    #[wasm_bindgen(getter)]
    pub fn documents(&self) -> usize {
        self.documents
    }
}

/// Files of new segments.
#[derive(Default)]
struct Files(Vec<(String, Vec<u8>)>);

impl Sink for Files {
    fn put(&mut self, block: BlockId, file: Vec<u8>) -> io::Result<()> {
        self.0.push((block.path(), file));
        Ok(())
    }
}

/// Adds `documents`, a JSON list, to the index that `host` holds, or to a new one, and removes those
/// with the ids `removed`. Nothing is stored: that is the caller's.
///
/// # Errors
/// An `Error` with the engine's code, or `bad-document`.
#[wasm_bindgen]
pub async fn amend(
    host: Option<JsHost>,
    documents: String,
    removed: Vec<String>,
) -> Result<Change, JsValue> {
    let records: Vec<Record> = serde_json::from_str(&documents)
        .map_err(|reason| error::error("bad-document", &reason.to_string()))?;
    let documents: Vec<Document> = records.into_iter().map(Document::from).collect();
    let index = match host {
        None => None,
        Some(host) => match engine::Index::open(host).await {
            Ok(index) => Some(index),
            Err(reason) => return Err(error::engine(&reason)),
        },
    };
    let mut files = Files::default();
    let amended = amend::amend(
        index.as_ref(),
        &default_settings(),
        CREATED_BY,
        &documents,
        &removed,
        &mut files,
    )
    .await
    .map_err(|reason| error::error(reason.code(), &reason.to_string()))?;
    let entry = amended.manifest.as_ref().map(|manifest| manifest.write());
    let entry = entry
        .transpose()
        .map_err(|reason| error::error(reason.code(), &reason.to_string()))?;
    let segments = amended.manifest.iter().flat_map(named);
    Ok(Change {
        files: files.0,
        entry,
        segments: segments.map(|id| id.to_string()).collect(),
        added: amended.added,
        removed: amended.removed,
        documents: amended.documents,
    })
}
