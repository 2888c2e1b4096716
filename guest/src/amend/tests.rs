use super::*;
use crate::build::default_settings;
use crate::host::HostError;
use crate::{SearchOptions, SearchResult};
use littoral_indexes::envelope::BlockId;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Files in memory.
#[derive(Debug, Clone, Default)]
struct Memory {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Host for Memory {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.file("entry")
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|block| self.file(&block.path()))
            .collect()
    }
}

impl Memory {
    fn file(&self, path: &str) -> Result<Arc<[u8]>, HostError> {
        self.files.get(path).cloned().ok_or(HostError::NotFound {
            path: path.to_owned(),
        })
    }
}

impl Sink for Memory {
    fn put(&mut self, block: BlockId, file: Vec<u8>) -> io::Result<()> {
        self.files.insert(block.path(), file.into());
        Ok(())
    }
}

/// Notes as a page keeps them.
#[derive(Debug, Default)]
struct Notes {
    memory: Memory,
    n_segments: usize,
}

impl Notes {
    fn open(&self) -> Option<Index<Memory>> {
        self.memory.files.get("entry")?;
        Some(pollster::block_on(Index::open(self.memory.clone())).unwrap())
    }

    fn change(&mut self, documents: &[Document], removed: &[&str]) -> Amended {
        let index = self.open();
        let removed: Vec<String> = removed.iter().map(|&id| id.to_owned()).collect();
        let amended = pollster::block_on(amend(
            index.as_ref(),
            &default_settings(),
            "test",
            documents,
            &removed,
            &mut self.memory,
        ))
        .unwrap();
        match &amended.manifest {
            None => self.memory.files.clear(),
            Some(manifest) => {
                let entry = manifest.write().unwrap();
                self.memory.files.insert("entry".into(), entry.into());
                let named: Vec<String> = named(manifest).iter().map(ToString::to_string).collect();
                self.memory.files.retain(|path, _| {
                    path == "entry" || named.iter().any(|id| path.starts_with(id))
                });
                self.n_segments = manifest.segments.len();
            }
        }
        amended
    }

    fn search(&self, query: &str) -> SearchResult {
        let index = self.open().unwrap();
        assert!(pollster::block_on(index.check()).problems.is_empty());
        let options = SearchOptions {
            k: 100,
            ..SearchOptions::default()
        };
        pollster::block_on(index.search(query, &options)).unwrap()
    }

    fn found(&self, query: &str) -> Vec<String> {
        let hits = self.search(query).hits;
        let mut ids: Vec<String> = hits.into_iter().map(|hit| hit.document.id).collect();
        ids.sort();
        ids
    }
}

fn note(id: &str, text: &str) -> Document {
    Document::plain(id, format!("Note {id}"), text)
}

#[test]
fn documents_are_added_replaced_and_removed() {
    let mut notes = Notes::default();
    let first = notes.change(&[note("a", "spring tide"), note("b", "neap tide")], &[]);
    assert_eq!((first.added, first.removed, first.documents), (2, 0, 2));
    assert_eq!(notes.found("tide"), ["a", "b"]);
    let second = notes.change(&[note("b", "a lighthouse"), note("c", "high tide")], &[]);
    assert_eq!((second.added, second.removed, second.documents), (2, 1, 3));
    assert_eq!(notes.found("tide"), ["a", "c"]);
    assert_eq!(notes.found("lighthouse"), ["b"]);
    let third = notes.change(&[], &["a", "no such note"]);
    assert_eq!((third.added, third.removed, third.documents), (0, 1, 2));
    assert_eq!(notes.found("tide"), ["c"]);
    let last = notes.change(&[], &["b", "c"]);
    assert_eq!(last.documents, 0);
    assert!(last.manifest.is_none());
    notes.change(&[note("d", "tide again")], &[]);
    assert_eq!(notes.found("tide"), ["d"]);
}

#[test]
fn many_changes_leave_few_segments_and_find_what_a_fresh_index_finds() {
    let mut notes = Notes::default();
    let mut all = BTreeMap::new();
    for i in 0..60_u32 {
        let id = format!("n{}", i * 7 % 40);
        let document = note(&id, &format!("tide number {i} and word{}", i % 9));
        all.insert(id.clone(), document.clone());
        let gone = format!("n{}", i * 3 % 40);
        let is_other = gone != id;
        if is_other {
            all.remove(&gone);
        }
        let removed: Vec<&str> = is_other.then_some(gone.as_str()).into_iter().collect();
        let amended = notes.change(&[document], &removed);
        assert_eq!(amended.documents, all.len(), "change {i}");
        assert!(notes.n_segments <= MAX_SEGMENTS);
    }
    let documents: Vec<Document> = all.values().cloned().collect();
    let mut fresh = Notes::default();
    fresh.change(&documents, &[]);
    for query in ["tide", "word3", "number 41", "note n12", "\"tide number\""] {
        assert_eq!(notes.found(query), fresh.found(query), "{query}");
    }
    // Everything anew is the fresh index, byte for byte.
    let ids: Vec<&str> = all.keys().map(String::as_str).collect();
    notes.change(&documents, &ids);
    assert_eq!(notes.memory.files, fresh.memory.files);
}

#[test]
fn two_documents_with_one_id_are_an_error() {
    let error = pollster::block_on(amend(
        None::<&Index<Memory>>,
        &default_settings(),
        "test",
        &[note("a", "one"), note("a", "two")],
        &[],
        &mut Memory::default(),
    ))
    .unwrap_err();
    assert_eq!(error.code(), "duplicate-id");
}
