//! The documents of an index as tuning sees them: their passages, and the vectors of these.

use super::TuneError;
use littoral_guest::Host;
use littoral_guest::build::encoder_text;
use littoral_guest::engine::{Index, StoredDocument};
use std::collections::{BTreeMap, HashMap};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Its title; may be empty.
    pub title: String,
    /// Its passages: what the encoder reads of each, and where its own text begins in the document.
    pub passages: Vec<Passage>,
    /// Place of its first passage among all.
    pub first: usize,
}

/// A passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Title, headings and text, as the encoder reads them.
    pub text: String,
    /// The headings above it.
    pub headings: Vec<String>,
    /// The text alone.
    pub body: String,
    /// Byte offset of the text in the document's.
    pub start: usize,
}

/// All documents that can be found, in the order of the index.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// The documents.
    pub documents: Vec<Document>,
    /// Vectors of their passages, `[n_passages, dims]`; empty without vectors.
    pub vectors: Vec<f32>,
    /// Width of a vector; 0 without vectors.
    pub dims: usize,
    by_id: HashMap<String, usize>,
    by_url: BTreeMap<String, usize>,
}

impl Corpus {
    /// Reads them.
    ///
    /// # Errors
    /// [`TuneError::Engine`] when a block cannot be read.
    pub fn read<H: Host>(index: &Index<H>) -> Result<Self, TuneError> {
        let mut corpus = Self::default();
        for s in 0..index.n_segments() {
            let segment = &index.manifest().segments[s];
            let layout = segment.layout().map_err(|error| {
                let path = littoral_indexes::manifest::ENTRY_NAME.to_owned();
                littoral_guest::EngineError::Index { path, error }
            })?;
            let dims = segment.vectors.as_ref().map_or(0, |v| v.dims as usize);
            let vectors = pollster::block_on(index.chunk_vectors(s))?;
            corpus.dims = corpus.dims.max(dims);
            let gone = index.deleted(s);
            // Documents come in the order of their numbers, without those that were deleted.
            let mut numbers =
                (0..layout.n_documents()).filter(|document| gone.binary_search(document).is_err());
            pollster::block_on(index.export(s, &mut |stored| {
                if let Some(number) = numbers.next() {
                    let (first, n) = layout.chunks_of(number);
                    let range = first as usize * dims..(first + n) as usize * dims;
                    corpus.vectors.extend(&vectors[range]);
                    corpus.add(stored);
                }
                true
            }))?;
        }
        Ok(corpus)
    }

    fn add(&mut self, stored: StoredDocument) {
        let place = self.documents.len();
        let first = self.n_passages();
        let record = stored.record;
        let passages = stored.chunks.into_iter().map(|chunk| Passage {
            text: encoder_text(&record, &chunk),
            headings: chunk.headings,
            body: chunk.text,
            start: chunk.start as usize,
        });
        let passages = passages.collect();
        self.by_id.insert(record.id.clone(), place);
        for url in [&record.url, bare(&record.url)] {
            self.by_url.entry(url.to_owned()).or_insert(place);
        }
        self.documents.push(Document {
            id: record.id,
            url: record.url,
            title: record.title,
            passages,
            first,
        });
    }

    /// How many passages there are.
    pub fn n_passages(&self) -> usize {
        let last = self.documents.last();
        last.map_or(0, |last| last.first + last.passages.len())
    }

    /// Place of the document with this id.
    pub fn of_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Place of the document that `name` is the id or the address of.
    pub fn of_name(&self, name: &str) -> Option<usize> {
        let by_url = || {
            self.by_url
                .get(name)
                .or_else(|| self.by_url.get(bare(name)))
        };
        self.of_id(name).or_else(|| by_url().copied())
    }

    /// The vector of the passage at `place` among all.
    pub fn vector(&self, place: usize) -> &[f32] {
        &self.vectors[place * self.dims..][..self.dims]
    }
}

/// An address without what browsers and servers add to it: the scheme and host, a fragment, a query,
/// the last slash.
fn bare(url: &str) -> &str {
    let path = url.split_once("://").map_or(url, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    let path = path.split(['#', '?']).next().unwrap_or_default();
    path.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn addresses_are_compared_without_host_fragment_and_slash() {
        for url in [
            "https://example.org/guide/tides/?from=mail#spring",
            "/guide/tides/",
            "guide/tides",
        ] {
            assert_eq!(bare(url), "guide/tides", "{url}");
        }
    }
}
