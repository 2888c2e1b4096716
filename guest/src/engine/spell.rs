//! Words that are not in the index: the nearest words that are.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::plan::{FULL_WEIGHT, Plan, PlannedTerm};
use super::rare::rare;
use super::result::Note;
use crate::analysis::{TokenKind, unicode};
use crate::host::Host;
use crate::query::Occur;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::manifest::ENTRY_NAME;
use littoral_indexes::order::sort_by_key;
use littoral_indexes::spelling::{Candidate, SpellingBlock, corrections};
use std::sync::PoisonError;

/// Shortest word that is corrected, in characters: below, a neighbour is more likely another word.
const MIN_CHARS: usize = 4;

/// Spelling blocks read for a word.
const MAX_BLOCKS: usize = 6;

/// Words of a query that are corrected.
const MAX_CORRECTED: usize = 4;

/// Weight of a corrected word, in 1/256: it is a guess, and rare words are often names.
const CORRECTED_WEIGHT: u32 = 128;

/// Candidates tried for a word.
const MAX_CANDIDATES: usize = 3;

impl<H: Host> Index<H> {
    /// Adds to every word that no document holds the terms of its nearest words, and says so.
    pub(super) async fn correct(
        &self,
        text: &str,
        plan: &mut Plan,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<(), EngineError> {
        let mut unknown = Vec::new();
        for (i, planned) in plan.terms.iter().enumerate() {
            if planned.occur == Occur::Should
                && planned.kind == TokenKind::Word
                && !planned.is_prefix
                && planned.word.chars().count() >= MIN_CHARS
                && unknown.len() < MAX_CORRECTED
                && !self.knows(planned, fetched).await?
            {
                unknown.push(i);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        rare(self.replace(&unknown, text, plan, fetched, notes)).await
    }

    /// Adds to the `unknown` words of `plan` the terms of their nearest words.
    async fn replace(
        &self,
        unknown: &[usize],
        text: &str,
        plan: &mut Plan,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<(), EngineError> {
        let in_entry = |error| EngineError::Index {
            path: ENTRY_NAME.into(),
            error,
        };
        let mut wanted: Vec<BlockId> = Vec::new();
        for &i in unknown {
            for segment in &self.segments {
                let Some(directory) = segment.spelling().map_err(in_entry)? else {
                    continue;
                };
                let numbers = directory.blocks_for_correction(&plan.terms[i].word, MAX_BLOCKS);
                wanted.extend(
                    numbers
                        .into_iter()
                        .map(|n| segment.block(Kind::Spelling, n)),
                );
            }
        }
        let read = self.blocks(&wanted, fetched).await?;
        let mut suggestion = text.to_owned();
        for &i in unknown {
            let word = plan.terms[i].word.clone();
            let mut candidates: Vec<Candidate> = Vec::new();
            for segment in &self.segments {
                let Some(directory) = segment.spelling().map_err(in_entry)? else {
                    continue;
                };
                let numbers = directory.blocks_for_correction(&word, MAX_BLOCKS);
                let blocks: Vec<&SpellingBlock> = wanted
                    .iter()
                    .zip(&read)
                    .filter(|(id, _)| id.segment == segment.id && numbers.contains(&id.number))
                    .filter_map(|(_, decoded)| match &**decoded {
                        Decoded::Spelling(block) => Some(block),
                        _ => None,
                    })
                    .collect();
                let found = corrections(&word, &blocks);
                for candidate in found {
                    if !candidates.iter().any(|c| c.word == candidate.word) {
                        candidates.push(candidate);
                    }
                }
            }
            if candidates.is_empty() {
                continue;
            }
            // Each segment's candidates come best first; fewer edits precede over all of them.
            sort_by_key(&mut candidates, |c| c.edits);
            let fewest = candidates[0].edits;
            let nearest = candidates
                .iter()
                .filter(|c| c.edits == fewest)
                .take(MAX_CANDIDATES);
            let mut terms: Vec<String> = Vec::new();
            let mut analyzers = self
                .analyzers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for candidate in nearest {
                for &language in &self.languages {
                    for term in analyzers.get(language).phrase(&candidate.word) {
                        if !terms.contains(&term) {
                            terms.push(term);
                        }
                    }
                }
            }
            drop(analyzers);
            let best = candidates[0].word.clone();
            suggestion = replace_word(&suggestion, &word, &best);
            let message = format!("no document has \"{word}\"; searched for \"{best}\"");
            notes.push(Note {
                code: "corrected".into(),
                message,
                suggestion: None,
            });
            plan.terms[i].alternatives = terms;
            plan.terms[i].weight = plan.terms[i].weight * CORRECTED_WEIGHT / FULL_WEIGHT;
        }
        if suggestion != text
            && let Some(note) = notes.iter_mut().rev().find(|note| note.code == "corrected")
        {
            note.suggestion = Some(suggestion);
        }
        let terms: Vec<&str> = unknown
            .iter()
            .flat_map(|&i| &plan.terms[i].alternatives)
            .map(String::as_str)
            .collect();
        self.read_lexicon(&terms, fetched).await
    }

    /// Whether a document holds one of the term's alternatives.
    async fn knows(
        &self,
        planned: &PlannedTerm,
        fetched: &mut Fetched,
    ) -> Result<bool, EngineError> {
        for segment in &self.segments {
            for term in &planned.alternatives {
                if self.term(segment, term, fetched).await?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// `text` with the first occurrence of `word`, whatever its case, replaced.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let lower: String = text.chars().map(unicode::lower).collect();
    // Lower-casing may change lengths; then the place is unknown and the text stays.
    let mut places = lower.as_bytes().windows(word.len().max(1));
    match places.position(|place| place == word.as_bytes()) {
        Some(at)
            if lower.len() == text.len()
                && text.is_char_boundary(at)
                && text.is_char_boundary(at + word.len()) =>
        {
            format!("{}{by}{}", &text[..at], &text[at + word.len()..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::replace_word;

    #[test]
    fn the_word_is_replaced_where_it_stands() {
        assert_eq!(
            replace_word("Where is teh Tide", "teh", "the"),
            "Where is the Tide"
        );
        assert_eq!(replace_word("İx teh", "zzz", "y"), "İx teh");
    }
}
