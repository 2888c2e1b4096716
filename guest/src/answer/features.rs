//! What is known of a sentence beside a question, and the score that comes of it.

use super::question::Expected;
use crate::analysis::{Analyzer, TokenKind};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// Features of a sentence.
pub(crate) const N: usize = 10;

/// What a sentence is worth by each feature, in the order of [`features`]: fitted on one half of
/// SQuAD's articles, by words and by words and vectors, so that the sentences that hold the answer
/// are likely.
const WEIGHTS: [f64; N] = [7.84, 1.58, 3.34, -1.73, 0.91, 4.79, 2.25, 1.31, -0.48, 0.64];

/// Number words that answer "how many" as digits do.
const NUMBER_WORDS: &[&str] = &[
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "dozen",
    "hundred",
    "hundreds",
    "thousand",
    "thousands",
    "million",
    "millions",
    "billion",
    "half",
    "third",
    "quarter",
    "twice",
    "century",
    "centuries",
];

/// The words of a question: a set of them is a number with a bit for each.
#[derive(Debug, Default)]
pub(crate) struct QuestionTerms<'a> {
    bits: FxHashMap<&'a str, u32>,
    weights: Vec<u32>,
    total: u64,
}

impl<'a> QuestionTerms<'a> {
    /// Adds a word with the terms that stand for it and its weight. Words past the 128th do not
    /// count.
    pub(crate) fn add(&mut self, alternatives: impl Iterator<Item = &'a str>, weight: u32) {
        let bit = self.weights.len() as u32;
        if bit >= u128::BITS {
            return;
        }
        for term in alternatives {
            self.bits.entry(term).or_insert(bit);
        }
        self.weights.push(weight);
        self.total += u64::from(weight);
    }

    /// All weights together.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The share of the question's weight that the words of `set` have.
    pub(crate) fn share(&self, set: u128) -> f64 {
        let weights = self.weights.iter().enumerate();
        let sum: u64 = weights
            .filter(|(bit, _)| set >> bit & 1 == 1)
            .map(|(_, &weight)| u64::from(weight))
            .sum();
        sum as f64 / self.total.max(1) as f64
    }
}

/// A stretch of text beside the question.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Match {
    /// The question's words in it.
    pub(crate) words: u128,
    /// Pairs of the question's words that follow each other here and there.
    pairs: u32,
    /// Words that are not the question's and carry meaning.
    fresh: u32,
    has_number: bool,
    has_name: bool,
}

impl Match {
    /// Whether `text`, which was compared, is a label of the question's own words and no sentence: it stands
    /// above an answer and is none. A sentence of these words alone may say yes.
    pub(crate) fn is_label(&self, text: &str) -> bool {
        const ENDS: [char; 9] = ['.', '!', '?', '…', '。', '！', '？', '؟', '।'];
        self.fresh == 0 && !text.trim_end().ends_with(ENDS)
    }
}

/// Compares `text` with the question.
pub(crate) fn compare(analyzer: &mut Analyzer, text: &str, terms: &QuestionTerms<'_>) -> Match {
    let mut found = Match::default();
    let mut last: Option<(u32, u32)> = None;
    let mut is_first = true;
    analyzer.analyze(text, &mut |token| {
        let bit = terms.bits.get(token.term).copied();
        if let Some(bit) = bit {
            found.words |= 1 << bit;
            if let Some((before, position)) = last
                && bit == before + 1
                && token.position == position + 1
            {
                found.pairs += 1;
            }
            last = Some((bit, token.position));
        } else if token.kind == TokenKind::Word {
            let written = &text[token.start..token.end];
            found.fresh += 1;
            found.has_number |=
                written.contains(|c: char| c.is_numeric()) || NUMBER_WORDS.contains(&token.word);
            found.has_name |= !is_first && written.starts_with(char::is_uppercase);
        } else if token.kind == TokenKind::Stop {
            found.has_number |= NUMBER_WORDS.contains(&token.word);
        }
        is_first &= !token.kind.in_phrase();
    });
    found
}

/// A passage beside the question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    /// From 1.
    pub(crate) rank: u32,
    /// Its score beside the first passage's, 0 to 1.
    pub(crate) score: f64,
    /// The question's words in its title and headings.
    pub(crate) headings: u128,
    /// The question's words in its text.
    pub(crate) words: u128,
}

/// The features of the `i`-th of the `sentences` of a passage.
pub(crate) fn features(
    terms: &QuestionTerms<'_>,
    expected: Expected,
    passage: &Passage,
    sentences: &[(Range<usize>, Match)],
    i: usize,
) -> [f64; N] {
    let own = sentences[i].1;
    let mut near = 0;
    if i > 0 {
        near |= sentences[i - 1].1.words;
    }
    if let Some((_, next)) = sentences.get(i + 1) {
        near |= next.words;
    }
    near &= !own.words;
    let headings = passage.headings & !own.words & !near;
    let rest = passage.words & !own.words & !near & !headings;
    let flag = |is: bool| f64::from(u8::from(is));
    let pairs = f64::from(own.pairs.min(4)) / 4.0;
    [
        terms.share(own.words),
        terms.share(near),
        terms.share(headings),
        terms.share(rest),
        1.0 / f64::from(passage.rank),
        passage.score,
        flag(expected == Expected::Number && own.has_number),
        flag(expected == Expected::Name && own.has_name),
        libm::log(1.0 + f64::from(own.fresh)),
        pairs,
    ]
}

/// How well a sentence with `features` answers: higher is better, within one question.
pub(crate) fn score(features: &[f64; N]) -> f64 {
    features.iter().zip(&WEIGHTS).map(|(f, w)| f * w).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{AnalysisOptions, Language};

    fn terms() -> QuestionTerms<'static> {
        let mut terms = QuestionTerms::default();
        for (term, weight) in [("oil", 100), ("crisi", 300), ("begin", 200)] {
            terms.add(std::iter::once(term), weight);
        }
        terms
    }

    fn compared(text: &str) -> Match {
        let mut analyzer = Analyzer::new(Language::from_code("en"), &AnalysisOptions::default());
        compare(&mut analyzer, text, &terms())
    }

    #[test]
    fn a_stretch_is_compared_word_by_word() {
        let found = compared("The oil crisis hit Europe in 1973.");
        assert_eq!(found.words, 0b011);
        assert_eq!(found.pairs, 1);
        assert!(found.has_number && found.has_name);
        let found = compared("Nothing of it.");
        assert_eq!((found.words, found.pairs), (0, 0));
        assert!(!found.has_number && !found.has_name);
        for (text, is_label) in [
            ("The beginning of the oil crisis", true),
            ("The oil crisis began.", false),
            ("The oil crisis of 1973", false),
        ] {
            assert_eq!(compared(text).is_label(text), is_label, "{text}");
        }
    }

    #[test]
    fn shares_follow_weights_and_their_sum_is_one() {
        let terms = terms();
        assert!((terms.share(0b010) - 0.5).abs() < 1e-12);
        assert!((terms.share(0b111) - 1.0).abs() < 1e-12);
        assert!(QuestionTerms::default().share(0).abs() < 1e-12);
    }

    #[test]
    fn the_sentence_that_holds_what_is_asked_for_comes_first() {
        let text = [
            "Oil is a liquid.",
            "The crisis began in 1973 and oil was dear.",
            "Cars became small.",
        ];
        let sentences: Vec<(Range<usize>, Match)> = text
            .iter()
            .map(|text| (0..text.len(), compared(text)))
            .collect();
        let words = sentences.iter().fold(0, |words, (_, m)| words | m.words);
        let passage = Passage {
            rank: 1,
            score: 1.0,
            headings: 0,
            words,
        };
        let scores: Vec<f64> = (0..text.len())
            .map(|i| {
                score(&features(
                    &terms(),
                    Expected::Number,
                    &passage,
                    &sentences,
                    i,
                ))
            })
            .collect();
        assert!(scores[1] > scores[0] && scores[0] > scores[2], "{scores:?}");
    }

    #[test]
    fn words_past_the_last_bit_do_not_count() {
        let names: Vec<String> = (0..200).map(|i| format!("w{i}")).collect();
        let mut terms = QuestionTerms::default();
        for name in &names {
            terms.add(std::iter::once(name.as_str()), 1);
        }
        assert_eq!(terms.total(), 128);
    }
}
