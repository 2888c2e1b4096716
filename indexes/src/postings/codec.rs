//! Writes and reads posting lists as a stream of adaptive binary decisions.

use super::PostingList;
use super::held::{HELD, Held};
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
    /// Contexts of expansions; `None` in a segment without them.
    expansion: Option<ExpansionCodec>,
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

/// Contexts of whether a document's expansion has the term, by whether that of the document before
/// and the title have it, and with which level, by the level before.
#[derive(Debug, Clone, Default)]
struct ExpansionCodec {
    has: [[Bit; 2]; 2],
    level: [Symbol<32>; 4],
}

impl ExpansionCodec {
    /// The contexts of a document's expansion, `before` being that of the document before.
    fn contexts(&mut self, before: Option<u8>, titled: usize) -> (&mut Bit, &mut Symbol<32>) {
        let level = before.map_or(0, |level| level_context(2, level));
        (
            &mut self.has[usize::from(before.is_some())][titled],
            &mut self.level[level],
        )
    }
}

impl PostingCodec {
    /// The codec for a block of a segment; `expanded` tells whether its documents have expansions.
    pub fn new(expanded: bool) -> Self {
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
            expansion: expanded.then(ExpansionCodec::default),
            held: vec![Bit::expecting(1500, 0); HELD * (1 + usize::from(expanded))],
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
        let (mut next, mut class, mut titled, mut before) = (0, 2, 0, None);
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
            if let Some(codec) = &mut self.expansion {
                let (has, levels) = codec.contexts(before, titled);
                before = list.expansion(i);
                encoder.bit(has, before.is_some());
                if let Some(level) = before {
                    levels.encode(encoder, u32::from(level));
                }
            }
            self.encode_entries(encoder, list, i, n_chunks);
        }
    }

    fn encode_entries(&mut self, e: &mut Encoder, list: &PostingList, i: usize, n_chunks: u32) {
        let entries = list.entries(i);
        let chunks = &list.chunks[entries.clone()];
        let n = chunks.len() as u32;
        let (titled, expanded) = (list.titles[i] > 0, list.expansion(i).is_some());
        if n_chunks <= FEW_CHUNKS {
            let mut held = Held::new(n_chunks, titled, expanded);
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
            // Without title and expansion there is an entry at least: one less is written.
            self.n_entries[size].encode(e, n - u32::from(!titled && !expanded));
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
        let (mut next, mut class, mut titled, mut before) = (0u32, 2, 0, None);
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
            if let Some(codec) = &mut self.expansion {
                let (has, levels) = codec.contexts(before, titled);
                before = decoder.bit(has).then(|| levels.decode(decoder) as u8);
                if before.is_some_and(|level| usize::from(level) >= FREQUENCIES.len()) {
                    let reason = "the level of an expansion is beyond the last";
                    return Err(corrupt(section, decoder, reason));
                }
                list.put_expansion(before);
            }
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
        let titled = list.titles.last().is_some_and(|&title| title > 0);
        let expanded = list.expansion(list.len() - 1).is_some();
        if n_chunks <= FEW_CHUNKS {
            let mut held = Held::new(n_chunks, titled, expanded);
            for chunk in 0..n_chunks {
                let has = held.must(chunk) || d.bit(&mut self.held[held.context(chunk)]);
                if has {
                    list.chunks.push(chunk);
                }
                held.push(has);
            }
        } else {
            self.decode_chunks(d, list, n_chunks, titled || expanded, section)?;
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

    /// The chunks of a document that has more than [`FEW_CHUNKS`]; `elsewhere` tells whether its
    /// title or its expansion has the term.
    fn decode_chunks(
        &mut self,
        d: &mut Decoder<'_>,
        list: &mut PostingList,
        n_chunks: u32,
        elsewhere: bool,
        section: Section,
    ) -> Result<(), IndexError> {
        let size = ratio_bucket(n_chunks, 1, SIZES);
        let n = self.n_entries[size]
            .decode(d)
            .saturating_add(u32::from(!elsewhere));
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
        pub(crate) fn any_list()(docs in prop::collection::btree_map(0u32..100, (0u8..4, prop::option::weighted(0.3, 0u8..24), prop::collection::btree_map(0u32..90, 0u8..24, 0..20)), 0..60), expanded in any::<bool>()) -> PostingList {
            let layout = layout();
            let mut list = PostingList::new();
            for (document, (title, expansion, entries)) in docs {
                let expansion = expansion.filter(|_| expanded);
                let (_, n) = layout.chunks_of(document);
                let mut entries: Vec<_> = entries.into_iter().filter(|&(c, _)| c < n).collect();
                if title == 0 && expansion.is_none() && entries.is_empty() {
                    entries.push((0, 7));
                }
                list.push_expanded(document, title, expansion, &entries);
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
            expansion_weight: 80,
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
            let expanded = lists.iter().any(|list| !list.expansions.is_empty());
            let mut codec = PostingCodec::new(expanded);
            for list in &lists {
                codec.encode(&mut encoder, list, &layout);
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            let mut codec = PostingCodec::new(expanded);
            for list in &lists {
                let read = codec.decode(&mut decoder, &layout, Section::Lexicon);
                prop_assert_eq!(read.as_ref(), Ok(list));
            }
        }

        #[test]
        fn hostile_bytes_give_an_error_or_a_legal_list(bytes in prop::collection::vec(any::<u8>(), 0..80), expanded in any::<bool>()) {
            let layout = layout();
            let mut decoder = Decoder::new(&bytes);
            if let Ok(list) = PostingCodec::new(expanded).decode(&mut decoder, &layout, Section::Lexicon) {
                prop_assert!((0..list.len()).all(|i| list.expansion(i).is_none_or(|l| l < 24)));
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
