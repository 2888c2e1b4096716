//! How the terms that are looked for begin: most words of a text can be passed over by their first two letters.
//!
//! English stemming cuts and replaces endings. The first letter of a word stays, and so does the second but for
//! `dying`, `lying` and `tying`, whose stems have an `i` there. Source: Porter, "The English (Porter2) stemming
//! algorithm" (2002), where endings are looked for behind the first vowel and consonant, and exceptions are listed.

/// The first letters of terms, each with the second ones behind it.
#[derive(Debug, Clone, Default)]
pub struct Beginnings {
    /// Bits of second letters by first letter. A letter counts by its lowest five bits, which do not tell
    /// small letters from capitals; digits share theirs with letters.
    second: [u32; 32],
}

/// The lowest five bits.
fn letter(byte: u8) -> u32 {
    u32::from(byte) % 32
}

impl Beginnings {
    /// Adds a term, or with what terms begin.
    pub fn add(&mut self, term: &str) {
        let (first, second) = match *term.as_bytes() {
            [first, second, ..] => (first, 1 << letter(second)),
            // A longer word may come to a term of one letter.
            [first] => (first, u32::MAX),
            [] => return,
        };
        let also = if term.as_bytes().get(1) == Some(&b'i') {
            1 << letter(b'y')
        } else {
            0
        };
        self.second[letter(first) as usize] |= second | also;
    }

    /// Whether one of the terms may come of `word`, of ASCII letters and digits.
    pub(super) fn allow(&self, word: &[u8]) -> bool {
        let Some((&first, rest)) = word.split_first() else {
            return false;
        };
        let second = rest.first().map_or(0, |&byte| letter(byte));
        self.second[letter(first) as usize] >> second & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{AnalysisOptions, Analyzer, Language};
    use proptest::prelude::*;

    /// The terms of `text`, those of words that `beginnings` allow where there are some.
    fn terms(text: &str, beginnings: Option<&Beginnings>) -> Vec<(String, u32, usize, usize)> {
        let english = Language::from_code("en");
        let mut analyzer = Analyzer::new(english, &AnalysisOptions::default());
        let mut terms = Vec::new();
        let mut each = |token: crate::analysis::Token<'_>| {
            terms.push((
                token.term.to_owned(),
                token.position,
                token.start,
                token.end,
            ));
        };
        match beginnings {
            Some(beginnings) => analyzer.analyze_beginning(text, beginnings, &mut each),
            None => analyzer.analyze(text, &mut each),
        }
        terms
    }

    #[test]
    fn what_begins_otherwise_is_passed_over() {
        let mut beginnings = Beginnings::default();
        beginnings.add("tide");
        let found = terms("The moon draws tides, and TIDAL waters", Some(&beginnings));
        let found: Vec<&str> = found.iter().map(|(term, ..)| term.as_str()).collect();
        assert_eq!(found, ["tide", "tidal"]);
    }

    proptest! {
        /// Letters and endings that the rules of stemming are about.
        #[test]
        fn no_term_that_is_looked_for_is_passed_over(
            words in prop::collection::vec("[A-Z]?([aeiouybdlstk]{1,3}|dy|ly|ty|sk)(ing|ed|ies|ied|s|ss|y|ly|bli|ogi|ational|eed|'s|\\.js|-[a-z]{2}|[A-Z][a-z]{2})?", 1..12),
            wanted in 0usize..12,
        ) {
            let text = words.join(" ");
            let all = terms(&text, None);
            let Some((term, ..)) = all.get(wanted % all.len().max(1)) else {
                return Ok(());
            };
            let mut beginnings = Beginnings::default();
            beginnings.add(term);
            let of_term = |found: Vec<(String, u32, usize, usize)>| -> Vec<_> {
                found.into_iter().filter(|(t, ..)| t == term).collect()
            };
            prop_assert_eq!(of_term(terms(&text, Some(&beginnings))), of_term(all.clone()));
        }
    }
}
