//! Writes and reads posting lists as a stream of adaptive binary decisions.

use super::PostingList;
use crate::coder::{Bit, Decoder, Encoder, Number, PRIOR_UPDATES, Symbol};
use crate::error::{IndexError, Section};
use crate::impact::FREQUENCIES;
use crate::layout::Layout;

/// Buckets of `log2(documents of the segment / documents of the list)`.
const DENSITIES: usize = 24;

/// The contexts of posting lists. One codec serves all lists of a block in turn and learns on the
/// way; a fresh one starts every block.
#[derive(Debug, Clone)]
pub struct PostingCodec {
    count: Number,
    gap: Vec<[Number; 3]>,
    in_title: [Bit; 2],
    title_count: [Bit; 2],
    /// Whether a chunk of a document with few has the term.
    held: Vec<Bit>,
    n_entries: [Number; SIZES],
    chunk: [[Number; 2]; SIZES],
    level: [Symbol<32>; 4],
}

/// Buckets of `log2` of a document's number of chunks.
const SIZES: usize = 8;

/// A document of at most so many chunks says of each whether it has the term; one of more counts
/// its entries and lists them, since most of its chunks have not.
const FEW_CHUNKS: u32 = 16;

/// Contexts of [`PostingCodec::held`].
const HELD: usize = 6 * 3 * 5 * 2 * 2;

impl Default for PostingCodec {
    fn default() -> Self {
        Self {
            count: Number::geometric(1),
            gap: (0..DENSITIES as i32)
                .map(|k| {
                    [
                        Number::geometric(k - 3),
                        Number::geometric(k - 1),
                        Number::geometric(k),
                    ]
                })
                .collect(),
            in_title: [
                Bit::expecting(200, PRIOR_UPDATES),
                Bit::expecting(1200, PRIOR_UPDATES),
            ],
            title_count: [
                Bit::expecting(150, PRIOR_UPDATES),
                Bit::expecting(400, PRIOR_UPDATES),
            ],
            held: vec![Bit::expecting(1500, 0); HELD],
            n_entries: std::array::from_fn(|k| Number::geometric(k as i32 - 2)),
            chunk: std::array::from_fn(|k| {
                [Number::geometric(k as i32), Number::geometric(k as i32 - 1)]
            }),
            level: std::array::from_fn(|_| level_prior()),
        }
    }
}

/// What frequencies are usual, as first measured over documentation and articles: most words stand
/// once in a chunk of usual length.
fn level_prior() -> Symbol<32> {
    const COUNTS: [u32; 32] = [
        1, 2, 4, 8, 14, 22, 34, 60, 95, 120, 105, 85, 75, 60, 48, 38, 28, 20, 14, 10, 7, 5, 3, 3,
        1, 1, 1, 1, 1, 1, 1, 1,
    ];
    Symbol::expecting(&COUNTS, PRIOR_UPDATES)
}

/// `log2` of `a / b`, rounded down, within `0..n`.
fn ratio_bucket(a: u32, b: u32, n: usize) -> usize {
    ((a / b.max(1)).max(1).ilog2() as usize).min(n - 1)
}

/// How a gap compares with what is usual for the list: the next one tends to be alike.
fn gap_class(gap: u32, density: usize) -> usize {
    let exponent = gap.max(1).ilog2() as usize;
    usize::from(exponent + 4 > density) + usize::from(exponent + 2 > density)
}

/// Which chunks of a document were said to have a term, or not.
#[derive(Debug, Clone, Copy)]
struct Held {
    n_chunks: u32,
    titled: bool,
    n_entries_so_far: u32,
    previous: bool,
}

impl Held {
    fn new(n_chunks: u32, title: u8) -> Self {
        Self {
            n_chunks,
            titled: title > 0,
            n_entries_so_far: 0,
            previous: false,
        }
    }

    /// Whether `chunk` must have the term, since no other has it, nor the title.
    fn must(&self, chunk: u32) -> bool {
        chunk + 1 == self.n_chunks && self.n_entries_so_far == 0 && !self.titled
    }

    /// The context of whether `chunk` has it: how many chunks there are, whether this is the first
    /// or the last, the share of those before it that have the term, the one before, the title.
    fn context(&self, chunk: u32) -> usize {
        let size = match self.n_chunks {
            0..=1 => 0,
            2 => 1,
            3 => 2,
            4..=5 => 3,
            6..=9 => 4,
            _ => 5,
        };
        let place = match chunk {
            0 => 0,
            _ if chunk + 1 == self.n_chunks => 2,
            _ => 1,
        };
        let share = if self.n_entries_so_far == 0 {
            0
        } else {
            1 + (self.n_entries_so_far * 4 / chunk.max(1)).min(3) as usize
        };
        let flags = 2 * usize::from(self.previous) + usize::from(self.titled);
        ((size * 3 + place) * 5 + share) * 4 + flags
    }

    fn push(&mut self, held: bool) {
        self.n_entries_so_far += u32::from(held);
        self.previous = held;
    }
}

/// The context of a level: how many chunks of the document hold the term, and whether the level
/// before was high.
fn level_context(n: u32, previous: u8) -> usize {
    if n == 1 {
        0
    } else if previous < 9 {
        1
    } else if previous < 13 {
        2
    } else {
        3
    }
}

impl PostingCodec {
    /// Writes `list`, whose documents are numbered by `layout`.
    pub fn encode(&mut self, encoder: &mut Encoder, list: &PostingList, layout: &Layout) {
        self.count.encode(encoder, list.len() as u32);
        let density = ratio_bucket(layout.n_documents(), list.len() as u32, DENSITIES);
        let mut classes = layout.cursor();
        let (mut next, mut class, mut titled) = (0, 2, 0);
        for (i, &document) in list.documents.iter().enumerate() {
            let gap = document - next;
            self.gap[density][class].encode(encoder, gap);
            class = gap_class(gap, density);
            next = document + 1;
            let n_chunks = classes.n_chunks(document);
            let title = list.titles[i];
            encoder.bit(&mut self.in_title[titled], title > 0);
            titled = usize::from(title > 0);
            if title > 0 {
                encoder.bit(&mut self.title_count[0], title > 1);
                if title > 1 {
                    encoder.bit(&mut self.title_count[1], title > 2);
                }
            }
            self.encode_entries(encoder, list, i, n_chunks);
        }
    }

    fn encode_entries(&mut self, e: &mut Encoder, list: &PostingList, i: usize, n_chunks: u32) {
        let entries = list.entries(i);
        let chunks = &list.chunks[entries.clone()];
        let n = chunks.len() as u32;
        if n_chunks <= FEW_CHUNKS {
            let mut held = Held::new(n_chunks, list.titles[i]);
            let mut rest = chunks.iter().peekable();
            for chunk in 0..n_chunks {
                let has = rest.next_if_eq(&&chunk).is_some();
                if !held.must(chunk) {
                    e.bit(&mut self.held[held.context(chunk)], has);
                }
                held.push(has);
            }
        } else {
            let size = ratio_bucket(n_chunks, 1, SIZES);
            // Without a title there is an entry at least: one less is written.
            self.n_entries[size].encode(e, n - u32::from(list.titles[i] == 0));
            let spread = ratio_bucket(n_chunks, n, SIZES);
            let mut next = 0;
            for &chunk in chunks.iter().filter(|_| n < n_chunks) {
                self.chunk[spread][usize::from(next > 0)].encode(e, chunk - next);
                next = chunk + 1;
            }
        }
        let mut previous = 0;
        for &level in &list.levels[entries] {
            self.level[level_context(n, previous)].encode(e, u32::from(level));
            previous = level;
        }
    }

    /// Reads a list written by [`Self::encode`] with the same layout.
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
        let (mut next, mut class, mut titled) = (0u32, 2, 0);
        for _ in 0..n {
            let gap = self.gap[density][class].decode(decoder);
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
            class = gap_class(gap, density);
            next = document + 1;
            titled = usize::from(decoder.bit(&mut self.in_title[titled]));
            let mut title = titled as u8;
            if title > 0 && decoder.bit(&mut self.title_count[0]) {
                title = 2 + u8::from(decoder.bit(&mut self.title_count[1]));
            }
            list.documents.push(document);
            list.titles.push(title);
            self.decode_entries(decoder, &mut list, classes.n_chunks(document), section)?;
            list.starts.push(list.chunks.len() as u32);
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
        let first = list.chunks.len();
        let title = list.titles.last().copied().unwrap_or(0);
        if n_chunks <= FEW_CHUNKS {
            let mut held = Held::new(n_chunks, title);
            for chunk in 0..n_chunks {
                let has = held.must(chunk) || d.bit(&mut self.held[held.context(chunk)]);
                if has {
                    list.chunks.push(chunk);
                }
                held.push(has);
            }
        } else {
            self.decode_chunks(d, list, n_chunks, title, section)?;
        }
        let n = (list.chunks.len() - first) as u32;
        let mut previous = 0;
        for _ in 0..n {
            let level = self.level[level_context(n, previous)].decode(d) as u8;
            if usize::from(level) >= FREQUENCIES.len() || d.is_past_end() {
                return Err(corrupt(section, d, "a level beyond the last, or the end"));
            }
            previous = level;
            list.levels.push(level);
        }
        Ok(())
    }

    /// The chunks of a document that has more than [`FEW_CHUNKS`].
    fn decode_chunks(
        &mut self,
        d: &mut Decoder<'_>,
        list: &mut PostingList,
        n_chunks: u32,
        title: u8,
        section: Section,
    ) -> Result<(), IndexError> {
        let size = ratio_bucket(n_chunks, 1, SIZES);
        let n = self.n_entries[size]
            .decode(d)
            .saturating_add(u32::from(title == 0));
        if n > n_chunks {
            let reason = "a posting has more entries than chunks";
            return Err(corrupt(section, d, reason));
        }
        let spread = ratio_bucket(n_chunks, n, SIZES);
        let mut next = 0u32;
        for _ in 0..n {
            let gap = if n == n_chunks {
                0
            } else {
                self.chunk[spread][usize::from(next > 0)].decode(d)
            };
            let chunk = next.checked_add(gap).filter(|&c| c < n_chunks);
            let Some(chunk) = chunk.filter(|_| !d.is_past_end()) else {
                let reason = "a posting names a chunk beyond the last";
                return Err(corrupt(section, d, reason));
            };
            next = chunk + 1;
            list.chunks.push(chunk);
        }
        Ok(())
    }
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
        pub(crate) fn any_list()(docs in prop::collection::btree_map(0u32..100, (0u8..4, prop::collection::btree_map(0u32..90, 0u8..24, 0..20)), 0..60)) -> PostingList {
            let layout = layout();
            let mut list = PostingList::new();
            for (document, (title, entries)) in docs {
                let (_, n) = layout.chunks_of(document);
                let mut entries: Vec<_> = entries.into_iter().filter(|&(c, _)| c < n).collect();
                if title == 0 && entries.is_empty() {
                    entries.push((0, 7));
                }
                list.push(document, title, &entries);
            }
            list
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tests_shared::{any_list, layout};
    use super::*;
    use crate::impact::Scoring;
    use crate::manifest::{Averages, ScoringParameters};
    use proptest::prelude::*;

    fn scoring() -> Scoring {
        let parameters = ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 200,
            heading_weight: 100,
            document_share: 50,
        };
        Scoring::new(
            parameters,
            Averages {
                chunk_words: 100,
                document_words: 300,
            },
        )
    }

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
            let scoring = scoring();
            let (a, b) = (scoring.score(&a, &layout()), scoring.score(&b, &layout()));
            let mut whole = scoring.score(&list, &layout());
            // Levels are needed beside a block only.
            whole.levels.clear();
            prop_assert_eq!(a.merge(&b), whole);
        }
    }
}
