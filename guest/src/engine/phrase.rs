//! Phrases and field restrictions: which documents and chunks may satisfy them, from the positions
//! stream, and whether a passage really does.

use super::segment::Bits;
use crate::analysis::Analyzer;
use crate::query::Field;
use littoral_indexes::impact::ImpactList;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use littoral_indexes::postings::{Positions, RESIDUES};

/// Impact of a chunk that holds a phrase, which makes it the best of its document.
const PHRASE_EXTRA: u16 = 768;

/// One word of a phrase in one segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct PhraseWord<'a> {
    /// Distance from the phrase's first word.
    pub(super) offset: u32,
    pub(super) list: &'a ImpactList,
    /// Absent for stop words and in an index without positions.
    pub(super) positions: Option<&'a Positions>,
}

/// The documents that may satisfy a phrase, with the chunks that may hold it.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidates {
    pub(super) documents: Bits,
    /// As a posting list that scores only the chunks.
    pub(super) chunks: ImpactList,
}

/// The documents and chunks where the words' residues follow each other in one of the fields asked
/// for. Words without positions need only be there. No false negatives.
pub(super) fn candidates(words: &[PhraseWord<'_>], field: Option<Field>) -> Candidates {
    let mut found = Candidates {
        chunks: ImpactList::new(),
        ..Candidates::default()
    };
    let Some(rarest) = words.iter().min_by_key(|word| word.list.len()) else {
        return found;
    };
    let wants = |f: Field| field.is_none_or(|field| field == f);
    let mut places = vec![0; words.len()];
    let mut entries = Vec::new();
    'documents: for &document in &rarest.list.documents {
        for (place, word) in places.iter_mut().zip(words) {
            match word.list.documents.binary_search(&document) {
                // A word that only the expansion holds stands nowhere.
                Ok(i) if !word.list.lent(i).is_alone => *place = i,
                _ => continue 'documents,
            }
        }
        let in_title = wants(Field::Title)
            && follows(
                words
                    .iter()
                    .zip(&places)
                    .map(|(word, &i)| (word.offset, word.positions.map(|p| p.titles[i]))),
            );
        entries.clear();
        // The chunks of the word with the fewest entries; every other word must have them too.
        let fewest = words
            .iter()
            .zip(&places)
            .min_by_key(|(word, i)| word.list.entries(**i).len());
        if let Some((word, &i)) = fewest {
            for entry in word.list.entries(i) {
                let chunk = word.list.chunks[entry];
                let at = |word: &PhraseWord<'_>, i: usize| {
                    let range = word.list.entries(i);
                    let found = word.list.chunks[range.clone()].binary_search(&chunk).ok()?;
                    Some(range.start + found)
                };
                let matches = |field: Field| {
                    wants(field)
                        && follows(words.iter().zip(&places).map(|(word, &i)| {
                            let mask = at(word, i).map_or(Some(0), |e| {
                                word.positions.map(|p| match field {
                                    Field::Headings => p.headings[e],
                                    _ => p.bodies[e],
                                })
                            });
                            (word.offset, mask)
                        }))
                };
                if matches(Field::Headings) || matches(Field::Body) {
                    entries.push((chunk, PHRASE_EXTRA));
                }
            }
        }
        if in_title || !entries.is_empty() {
            found.documents.insert(document);
            found.chunks.push(document, 0, entries.drain(..));
        }
    }
    found
}

/// Whether some position, modulo [`RESIDUES`], starts a run of all words. A mask of `None` is of a
/// word whose positions are not known.
fn follows(masks: impl Iterator<Item = (u32, Option<u8>)>) -> bool {
    let mut starts = u8::MAX;
    for (offset, mask) in masks {
        if let Some(mask) = mask {
            starts &= mask.rotate_right(offset % RESIDUES);
        }
    }
    starts != 0
}

/// Whether the chunk, its headings or its document's title hold `text` as a phrase.
pub(super) fn holds(
    analyzer: &mut Analyzer,
    text: &str,
    field: Option<Field>,
    document: &DocumentRecord,
    chunk: &ChunkRecord,
) -> bool {
    let phrase = analyzer.phrase(text);
    let wants = |f: Field| field.is_none_or(|field| field == f);
    let mut has = |text: &str| {
        let terms = analyzer.phrase(text);
        !phrase.is_empty() && terms.windows(phrase.len()).any(|window| window == phrase)
    };
    (wants(Field::Body) && has(&chunk.text))
        || (wants(Field::Headings) && chunk.headings.iter().any(|heading| has(heading)))
        || (wants(Field::Title) && has(&document.title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(offset: u32, list: &ImpactList, positions: &Positions) -> PhraseWord<'static> {
        PhraseWord {
            offset,
            list: Box::leak(Box::new(list.clone())),
            positions: Some(Box::leak(Box::new(positions.clone()))),
        }
    }

    #[test]
    fn words_must_follow_each_other_in_one_field_of_one_chunk() {
        let mut list = ImpactList::new();
        list.push(4, 3, [(0, 1), (2, 1)]);
        // First word at 7 of chunk 0's text and at 3 of chunk 2's.
        let first = Positions {
            titles: vec![0],
            headings: vec![0, 0],
            bodies: vec![1 << 7, 8],
        };
        // Second word at 8, which is 0 modulo 8, of chunk 0, and at 3 of chunk 2's headings.
        let second = Positions {
            titles: vec![1],
            headings: vec![0, 16],
            bodies: vec![1, 0],
        };
        let words = [word(0, &list, &first), word(1, &list, &second)];
        let found = candidates(&words, None);
        assert!(found.documents.contains(4));
        assert_eq!(found.chunks.chunks, [0]);
        assert!(
            !candidates(&words, Some(Field::Headings))
                .documents
                .contains(4)
        );
        let swapped = [word(1, &list, &first), word(0, &list, &second)];
        assert!(!candidates(&swapped, None).documents.contains(4));
    }
}
