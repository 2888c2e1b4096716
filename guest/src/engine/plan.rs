//! From what was typed to the terms that are looked up.

use crate::analysis::{AnalysisOptions, Analyzer, Language, TokenKind};
use crate::map::Map;
use crate::query::{Clause, ClauseBody, Field, Occur, Query};

/// Weight of a term that stands for itself, in 1/256.
pub(super) const FULL_WEIGHT: u32 = 256;

/// Weight of a piece of a word, and of a word of a longer synonym.
const PART_WEIGHT: u32 = 96;

/// With more plain words than this, a query is prose: quotation marks in it are punctuation, not a
/// condition.
const PROSE_WORDS: usize = 12;

/// Most terms of a query.
const MAX_TERMS: usize = 128;

/// A term of the query with the other ways to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedTerm {
    /// As written, normalised.
    pub(super) word: String,
    /// The terms that answer it, the first first: one for each language of the index, synonyms.
    pub(super) alternatives: Vec<String>,
    pub(super) kind: TokenKind,
    pub(super) occur: Occur,
    pub(super) field: Option<Field>,
    /// In 1/256.
    pub(super) weight: u32,
    /// Whether it may be the beginning of a word.
    pub(super) is_prefix: bool,
}

/// A phrase, as the index's languages read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedPhrase {
    /// As written.
    pub(super) text: String,
    pub(super) occur: Occur,
    pub(super) field: Option<Field>,
    /// For each language: `(position, term, is a stop word)`.
    pub(super) variants: Vec<Vec<(u32, String, bool)>>,
}

impl PlannedPhrase {
    /// Whether no language of the index sees more than stop words in it.
    pub(super) fn is_all_stop_words(&self) -> bool {
        self.variants
            .iter()
            .flatten()
            .all(|&(_, _, is_stop)| is_stop)
    }
}

/// What a query asks for.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) terms: Vec<PlannedTerm>,
    pub(super) phrases: Vec<PlannedPhrase>,
    pub(super) truncated: bool,
}

/// The analyzers of an index, made when they are first needed.
#[derive(Debug, Default)]
pub(super) struct Analyzers {
    options: AnalysisOptions,
    by_language: Map<Language, Analyzer>,
}

impl Analyzers {
    pub(super) fn new(options: AnalysisOptions) -> Self {
        Self {
            options,
            by_language: Map::default(),
        }
    }

    pub(super) fn get(&mut self, language: Language) -> &mut Analyzer {
        self.by_language
            .get_or_insert_with(language, || Analyzer::new(language, &self.options))
    }
}

/// Plans `query` for an index in `languages`, the most frequent first.
pub(super) fn plan(
    query: &Query,
    languages: &[Language],
    analyzers: &mut Analyzers,
    as_you_type: bool,
) -> Plan {
    let mut plan = Plan {
        truncated: query.truncated,
        ..Plan::default()
    };
    let plain = |clause: &Clause| match &clause.body {
        ClauseBody::Words(text) => text.split_whitespace().count(),
        ClauseBody::Phrase(_) => 0,
    };
    let is_prose = query.clauses.iter().map(plain).sum::<usize>() > PROSE_WORDS;
    for (i, clause) in query.clauses.iter().enumerate() {
        let is_last = i + 1 == query.clauses.len();
        match &clause.body {
            ClauseBody::Words(text) => {
                let open = as_you_type && is_last && query.ends_in_word;
                plan.words(clause, text, languages, analyzers, open);
            }
            ClauseBody::Phrase(text) => {
                let variants = phrase_variants(text, languages, analyzers);
                if variants.is_empty() {
                    continue;
                }
                if is_prose && clause.occur == Occur::Should {
                    plan.words(clause, text, languages, analyzers, false);
                    continue;
                }
                plan.phrases.push(PlannedPhrase {
                    text: text.clone(),
                    occur: if clause.occur == Occur::Should {
                        Occur::Must
                    } else {
                        clause.occur
                    },
                    field: clause.field,
                    variants,
                });
                // The words of a phrase score like others; the phrase itself restricts.
                if clause.occur != Occur::MustNot {
                    let clause = Clause {
                        occur: Occur::Should,
                        field: None,
                        ..clause.clone()
                    };
                    plan.words(&clause, text, languages, analyzers, false);
                }
            }
        }
    }
    plan.drop_stop_words();
    plan.merge_repeated();
    plan
}

/// The tokens of `text` by where and what they are, each with its term in every language.
fn phrase_variants(
    text: &str,
    languages: &[Language],
    analyzers: &mut Analyzers,
) -> Vec<Vec<(u32, String, bool)>> {
    let mut variants: Vec<Vec<(u32, String, bool)>> = Vec::new();
    for &language in languages {
        let mut terms = Vec::new();
        analyzers.get(language).analyze(text, &mut |token| {
            if token.kind.in_phrase() {
                terms.push((
                    token.position,
                    token.term.to_owned(),
                    token.kind == TokenKind::Stop,
                ));
            }
        });
        if !terms.is_empty() && !variants.contains(&terms) {
            variants.push(terms);
        }
    }
    variants
}

impl Plan {
    fn words(
        &mut self,
        clause: &Clause,
        text: &str,
        languages: &[Language],
        analyzers: &mut Analyzers,
        open: bool,
    ) {
        let first = self.terms.len();
        let mut spans: Vec<(usize, usize, TokenKind, usize)> = Vec::new();
        for (l, &language) in languages.iter().enumerate() {
            let analyzer = analyzers.get(language);
            let mut in_phrase: Vec<(usize, String)> = Vec::new();
            analyzer.analyze(text, &mut |token| {
                if self.terms.len() >= MAX_TERMS {
                    self.truncated = true;
                    return;
                }
                if token.kind == TokenKind::Tail {
                    return;
                }
                // Tokens of the same place and kind say the same in another language.
                let same = |&(start, end, kind, _): &(usize, usize, TokenKind, usize)| {
                    (start, end) == (token.start, token.end)
                        && (kind == token.kind || (kind.in_phrase() && token.kind.in_phrase()))
                };
                let place = if l == 0 {
                    None
                } else {
                    spans.iter().find(|span| same(span))
                };
                let index = if let Some(&(_, _, _, index)) = place {
                    let alternatives = &mut self.terms[index].alternatives;
                    if !alternatives.iter().any(|a| a == token.term) {
                        alternatives.push(token.term.to_owned());
                    }
                    index
                } else if l == 0 {
                    let index = self.terms.len();
                    spans.push((token.start, token.end, token.kind, index));
                    self.terms.push(PlannedTerm {
                        word: token.word.to_owned(),
                        alternatives: vec![token.term.to_owned()],
                        kind: token.kind,
                        occur: clause.occur,
                        field: clause.field,
                        weight: if token.kind == TokenKind::Part {
                            PART_WEIGHT
                        } else {
                            FULL_WEIGHT
                        },
                        is_prefix: open && token.end == text.len() && token.kind.in_phrase(),
                    });
                    index
                } else {
                    return;
                };
                if token.kind.in_phrase() {
                    in_phrase.push((index, token.term.to_owned()));
                }
            });
            if clause.occur != Occur::MustNot {
                self.synonyms(analyzer, &in_phrase, clause);
            }
        }
        // A clause that must be there must be there as a whole: its pieces only score.
        for term in &mut self.terms[first..] {
            if term.kind == TokenKind::Part && term.occur == Occur::Must {
                term.occur = Occur::Should;
            }
        }
    }

    fn synonyms(&mut self, analyzer: &Analyzer, terms: &[(usize, String)], clause: &Clause) {
        let strings: Vec<&str> = terms.iter().map(|(_, term)| term.as_str()).collect();
        for synonym in analyzer.synonyms(&strings) {
            for alternative in synonym.alternatives {
                if let ([single], 1) = (alternative.as_slice(), synonym.len) {
                    let own = &mut self.terms[terms[synonym.first].0].alternatives;
                    if !own.contains(single) {
                        own.push(single.clone());
                    }
                    continue;
                }
                let weight = if alternative.len() == 1 {
                    FULL_WEIGHT
                } else {
                    PART_WEIGHT * 2
                };
                for term in alternative {
                    if self.terms.len() >= MAX_TERMS {
                        self.truncated = true;
                        return;
                    }
                    self.terms.push(PlannedTerm {
                        word: term.clone(),
                        alternatives: vec![term],
                        kind: TokenKind::Whole,
                        occur: Occur::Should,
                        field: clause.field,
                        weight,
                        is_prefix: false,
                    });
                }
            }
        }
    }

    /// Stop words count only when there is nothing else.
    fn drop_stop_words(&mut self) {
        let carries =
            |t: &PlannedTerm| t.kind != TokenKind::Stop && t.occur != Occur::MustNot || t.is_prefix;
        if self.terms.iter().any(carries) {
            self.terms
                .retain(|t| t.kind != TokenKind::Stop || t.is_prefix || t.occur != Occur::Should);
        }
    }

    /// A word said twice counts twice, but is looked up once.
    fn merge_repeated(&mut self) {
        let mut merged: Vec<PlannedTerm> = Vec::new();
        for term in std::mem::take(&mut self.terms) {
            let same = merged.iter_mut().find(|m| {
                m.alternatives == term.alternatives
                    && (m.occur, m.field, m.is_prefix) == (term.occur, term.field, term.is_prefix)
            });
            match same {
                Some(same) => same.weight = (same.weight + term.weight).min(4 * FULL_WEIGHT),
                None => merged.push(term),
            }
        }
        self.terms = merged;
    }
}
