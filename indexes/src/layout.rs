//! How documents and chunks of a segment are numbered.
//!
//! Documents are ordered by their number of chunks, then by the builder's order (their ids), and
//! numbered from 0; chunks are numbered in the order of their documents. All documents with one
//! chunk come first, then those with two, and so on. The table of these *classes* has one row for
//! each distinct number of chunks, a few dozen in all, and turns a document into its chunks and a
//! chunk into its document by arithmetic: no directory of documents has to be fetched, however many
//! there are.
//!
//! With the classes `(1 chunk, 3 documents), (4 chunks, 2 documents)`:
//!
//! ```text
//! document   0  1  2  3           4
//! chunk      0  1  2  3  4  5  6  7  8  9  10
//! ```

use crate::error::{IndexError, Section};

/// Documents with the same number of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Class {
    /// Chunks of each of its documents; at least 1.
    pub chunks_per_document: u32,
    /// How many documents it has; at least 1.
    pub n_documents: u32,
}

/// The numbering of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    classes: Vec<Class>,
    /// First document and first chunk of each class, and the totals at the end.
    firsts: Vec<(u32, u32)>,
}

impl Layout {
    /// The numbering for `classes`, which ascend by chunks per document.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when classes are empty, out of order, or number beyond 31 bits.
    pub fn new(classes: Vec<Class>) -> Result<Self, IndexError> {
        let bad = |i, reason| Err(IndexError::corrupt(Section::Manifest, i, reason));
        let mut firsts = vec![(0, 0)];
        let (mut documents, mut chunks, mut previous) = (0u64, 0u64, 0);
        for (i, class) in classes.iter().enumerate() {
            if class.chunks_per_document <= previous || class.n_documents == 0 {
                return bad(i, "document classes are out of order");
            }
            previous = class.chunks_per_document;
            documents += u64::from(class.n_documents);
            chunks += u64::from(class.n_documents) * u64::from(class.chunks_per_document);
            if chunks > u64::from(u32::MAX >> 1) {
                return bad(i, "a segment has more than 2^31 chunks");
            }
            firsts.push((documents as u32, chunks as u32));
        }
        Ok(Self { classes, firsts })
    }

    /// The classes.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// How many documents there are.
    pub fn n_documents(&self) -> u32 {
        self.firsts.last().map_or(0, |&(documents, _)| documents)
    }

    /// How many chunks there are.
    pub fn n_chunks(&self) -> u32 {
        self.firsts.last().map_or(0, |&(_, chunks)| chunks)
    }

    /// The first chunk of `document` and how many it has; `document` is below [`Self::n_documents`].
    pub fn chunks_of(&self, document: u32) -> (u32, u32) {
        let class = self.firsts.partition_point(|&(first, _)| first <= document) - 1;
        let per_document = self.classes[class].chunks_per_document;
        let (first_document, first_chunk) = self.firsts[class];
        (
            first_chunk + (document - first_document) * per_document,
            per_document,
        )
    }

    /// The document of `chunk` and the chunk's place within it; `chunk` is below
    /// [`Self::n_chunks`].
    pub fn document_of(&self, chunk: u32) -> (u32, u32) {
        let class = self.firsts.partition_point(|&(_, first)| first <= chunk) - 1;
        let per_document = self.classes[class].chunks_per_document;
        let (first_document, first_chunk) = self.firsts[class];
        let within = chunk - first_chunk;
        (
            first_document + within / per_document,
            within % per_document,
        )
    }

    /// A cursor that answers [`Self::chunks_of`] for ascending documents in constant time.
    pub fn cursor(&self) -> LayoutCursor<'_> {
        LayoutCursor {
            layout: self,
            class: 0,
        }
    }
}

/// Walks a [`Layout`] forwards.
#[derive(Debug, Clone)]
pub struct LayoutCursor<'a> {
    layout: &'a Layout,
    class: usize,
}

impl LayoutCursor<'_> {
    /// The number of chunks of `document`, which is not below the last one asked for.
    #[inline]
    pub fn n_chunks(&mut self, document: u32) -> u32 {
        while self.layout.firsts[self.class + 1].0 <= document {
            self.class += 1;
        }
        self.layout.classes[self.class].chunks_per_document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_holds() {
        let class = |c, n| Class {
            chunks_per_document: c,
            n_documents: n,
        };
        let layout = Layout::new(vec![class(1, 3), class(4, 2)]).unwrap();
        assert_eq!((layout.n_documents(), layout.n_chunks()), (5, 11));
        assert_eq!(layout.chunks_of(2), (2, 1));
        assert_eq!(layout.chunks_of(4), (7, 4));
        assert_eq!(layout.document_of(6), (3, 3));
        for document in 0..5 {
            let (first, n) = layout.chunks_of(document);
            assert_eq!(layout.cursor().n_chunks(document), n);
            for i in 0..n {
                assert_eq!(layout.document_of(first + i), (document, i));
            }
        }
    }

    #[test]
    fn classes_out_of_order_or_too_large_are_refused() {
        let class = |c, n| Class {
            chunks_per_document: c,
            n_documents: n,
        };
        for classes in [
            vec![class(0, 1)],
            vec![class(1, 0)],
            vec![class(2, 1), class(2, 1)],
            vec![class(u32::MAX, u32::MAX)],
        ] {
            assert!(Layout::new(classes).is_err());
        }
    }
}
