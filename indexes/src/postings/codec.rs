//! Writes and reads posting lists as a stream of adaptive binary decisions.

use super::PostingList;
use crate::coder::{Bit, Decoder, Encoder, Number, PRIOR_UPDATES, Symbol};
use crate::error::{IndexError, Section};
use crate::layout::Layout;

/// Buckets of `log2(documents of the segment / documents of the list)`.
const DENSITIES: usize = 24;

/// The contexts of posting lists. One codec serves all lists of a block in turn and learns on the
/// way; a fresh one starts every block.
#[derive(Debug, Clone)]
pub struct PostingCodec {
    count: Number,
    gap: Vec<[Number; 2]>,
    base: [[Symbol<32>; 3]; 2],
    any_entry: [Bit; 8],
    n_entries: [Number; 8],
    chunk: [Number; 8],
    extra: [Symbol<16>; 3],
}

impl Default for PostingCodec {
    fn default() -> Self {
        Self {
            count: Number::geometric(1),
            gap: (0..DENSITIES)
                .map(|k| [Number::geometric(k as i32 - 1), Number::geometric(k as i32)])
                .collect(),
            base: Default::default(),
            any_entry: [Bit::expecting(3900, PRIOR_UPDATES); 8],
            n_entries: std::array::from_fn(|k| Number::geometric(k as i32 - 2)),
            chunk: std::array::from_fn(|k| Number::geometric(k as i32 - 1)),
            extra: Default::default(),
        }
    }
}

/// `log2` of `a / b`, rounded down, within `0..n`.
fn ratio_bucket(a: u32, b: u32, n: usize) -> usize {
    ((a / b.max(1)).max(1).ilog2() as usize).min(n - 1)
}

impl PostingCodec {
    /// Writes `list`, whose documents are numbered by `layout`.
    pub fn encode(&mut self, encoder: &mut Encoder, list: &PostingList, layout: &Layout) {
        self.count.encode(encoder, list.len() as u32);
        let density = ratio_bucket(layout.n_documents(), list.len() as u32, DENSITIES);
        let mut classes = layout.cursor();
        let (mut next, mut small, mut level) = (0, 1, 1);
        for (i, &document) in list.documents.iter().enumerate() {
            let gap = document - next;
            self.gap[density][small].encode(encoder, gap);
            small = usize::from(gap.max(1).ilog2() as usize + 2 > density);
            next = document + 1;
            let n_chunks = classes.n_chunks(document);
            let base = list.bases[i];
            self.base[usize::from(n_chunks > 1)][level].encode(encoder, u32::from(base));
            level = level_class(base);
            if n_chunks > 1 {
                self.encode_entries(encoder, list, i, n_chunks);
            }
        }
    }

    fn encode_entries(&mut self, e: &mut Encoder, list: &PostingList, i: usize, n_chunks: u32) {
        let entries = list.entries(i);
        let size = ratio_bucket(n_chunks, 1, 8);
        e.bit(&mut self.any_entry[size], !entries.is_empty());
        if entries.is_empty() {
            return;
        }
        self.n_entries[size].encode(e, entries.len() as u32 - 1);
        let spread = ratio_bucket(n_chunks, entries.len() as u32, 8);
        let full = entries.len() as u32 == n_chunks;
        let (mut next, mut level) = (0, 1);
        for entry in entries {
            let chunk = list.chunks[entry];
            if !full {
                self.chunk[spread].encode(e, chunk - next);
            }
            next = chunk + 1;
            let extra = list.extras[entry];
            self.extra[level].encode(e, u32::from(extra));
            level = extra_class(extra);
        }
    }

    /// Reads a list written by [`Self::encode`] with the same layout. `first` is the term's place
    /// for errors.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the stream names documents or chunks that do not exist, or ends.
    pub fn decode(
        &mut self,
        decoder: &mut Decoder<'_>,
        layout: &Layout,
        section: Section,
    ) -> Result<PostingList, IndexError> {
        let n = self.count.decode(decoder);
        if n > layout.n_documents() {
            return Err(corrupt(
                section,
                decoder,
                "a list has more documents than the segment",
            ));
        }
        let density = ratio_bucket(layout.n_documents(), n, DENSITIES);
        let mut list = PostingList::new();
        let mut classes = layout.cursor();
        let (mut next, mut small, mut level) = (0u32, 1, 1);
        for _ in 0..n {
            let gap = self.gap[density][small].decode(decoder);
            let document = next.checked_add(gap).filter(|&d| d < layout.n_documents());
            let Some(document) = document else {
                return Err(corrupt(
                    section,
                    decoder,
                    "a posting names a document beyond the last",
                ));
            };
            if decoder.is_past_end() {
                return Err(corrupt(section, decoder, "the postings end too early"));
            }
            small = usize::from(gap.max(1).ilog2() as usize + 2 > density);
            next = document + 1;
            let n_chunks = classes.n_chunks(document);
            let base = self.base[usize::from(n_chunks > 1)][level].decode(decoder) as u8;
            level = level_class(base);
            list.documents.push(document);
            list.bases.push(base);
            if n_chunks > 1 {
                self.decode_entries(decoder, &mut list, n_chunks, section)?;
            } else {
                list.chunks.push(0);
                list.extras.push(0);
            }
            list.close();
        }
        Ok(list)
    }

    fn decode_entries(
        &mut self,
        d: &mut Decoder<'_>,
        list: &mut PostingList,
        n_chunks: u32,
        section: Section,
    ) -> Result<(), IndexError> {
        let size = ratio_bucket(n_chunks, 1, 8);
        if !d.bit(&mut self.any_entry[size]) {
            return Ok(());
        }
        let n = self.n_entries[size].decode(d);
        if n >= n_chunks {
            return Err(corrupt(
                section,
                d,
                "a posting has more entries than chunks",
            ));
        }
        let n = n + 1;
        let spread = ratio_bucket(n_chunks, n, 8);
        let (mut next, mut level) = (0u32, 1);
        for _ in 0..n {
            let gap = if n == n_chunks {
                0
            } else {
                self.chunk[spread].decode(d)
            };
            let chunk = next.checked_add(gap).filter(|&c| c < n_chunks);
            let Some(chunk) = chunk else {
                return Err(corrupt(
                    section,
                    d,
                    "a posting names a chunk beyond the last",
                ));
            };
            if d.is_past_end() {
                return Err(corrupt(section, d, "the postings end too early"));
            }
            next = chunk + 1;
            let extra = self.extra[level].decode(d) as u8;
            level = extra_class(extra);
            list.chunks.push(chunk);
            list.extras.push(extra);
        }
        Ok(())
    }
}

/// Coarse class of a base level: what follows a strong posting is more often strong.
fn level_class(base: u8) -> usize {
    usize::from(base >= 12) + usize::from(base >= 20)
}

fn extra_class(extra: u8) -> usize {
    usize::from(extra >= 7) + usize::from(extra >= 10)
}

fn corrupt(section: Section, decoder: &Decoder<'_>, reason: &'static str) -> IndexError {
    IndexError::corrupt(section, decoder.offset(), reason)
}

/// Lists for the tests of this folder.
#[cfg(test)]
pub(super) mod tests_shared {
    use super::*;
    use crate::layout::Class;
    use proptest::prelude::*;

    pub(crate) fn layout() -> Layout {
        let class = |c, n| Class {
            chunks_per_document: c,
            n_documents: n,
        };
        Layout::new(vec![
            class(1, 40),
            class(2, 30),
            class(5, 20),
            class(90, 10),
        ])
        .unwrap()
    }

    prop_compose! {
        pub(crate) fn any_list()(docs in prop::collection::btree_map(0u32..100, (0u8..32, prop::collection::btree_map(0u32..90, 1u8..16, 0..20)), 0..60)) -> PostingList {
            let layout = layout();
            let mut list = PostingList::new();
            for (document, (base, entries)) in docs {
                let (_, n) = layout.chunks_of(document);
                let entries: Vec<_> = if n == 1 { vec![(0, 0)] } else {
                    entries.into_iter().filter(|&(c, _)| c < n).collect()
                };
                list.push(document, base, &entries);
            }
            list
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tests_shared::{any_list, layout};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_are_read_as_written(lists in prop::collection::vec(any_list(), 0..6)) {
            let layout = layout();
            let mut encoder = Encoder::new();
            let mut codec = PostingCodec::default();
            for list in &lists {
                codec.encode(&mut encoder, list, &layout);
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            let mut codec = PostingCodec::default();
            for list in &lists {
                let read = codec.decode(&mut decoder, &layout, Section::Lexicon);
                prop_assert_eq!(read.as_ref(), Ok(list));
            }
        }

        #[test]
        fn hostile_bytes_give_an_error_or_a_legal_list(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let layout = layout();
            let mut decoder = Decoder::new(&bytes);
            if let Ok(list) = PostingCodec::default().decode(&mut decoder, &layout, Section::Lexicon) {
                prop_assert!(list.documents.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(list.documents.iter().all(|&d| d < layout.n_documents()));
            }
        }

        #[test]
        fn a_partition_merges_back(list in any_list()) {
            let (a, b) = list.partition(|i| i % 3 == 0);
            prop_assert_eq!(a.merge(&b), list);
        }
    }
}
