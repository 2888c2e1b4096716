//! What a word is to the table.

use crate::analysis::unicode;

/// Longest word in bytes; the rest of a longer one is a word of its own.
const MAX_BYTES: usize = 64;

/// The words of `text`: runs of letters and digits, in lower case and without diacritics, as the
/// encoder's own vocabulary has them. Marks are words by themselves, for the encoder reads them too
/// (a question differs from its answer), and so are characters of scripts without spaces.
///
/// Unlike the terms of the lexicon they are not stemmed, and the same in every language: their rows
/// tell what the encoder makes of the very form.
///
/// ```
/// use littoral_guest::table::words;
/// assert_eq!(words("Où est Array.prototype?"), ["ou", "est", "array", ".", "prototype", "?"]);
/// assert_eq!(words("潮の満ち"), ["潮", "の", "満", "ち"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for whole in text.chars() {
        unicode::compatible(whole, &mut |c| {
            if unicode::is_mark(c) {
                return;
            }
            if c.is_whitespace() || c.is_control() {
                end(&mut word);
                return;
            }
            if !c.is_alphanumeric() || is_unspaced(c) {
                end(&mut word);
                word.push(c);
                end(&mut word);
                return;
            }
            if word.len() + c.len_utf8() > MAX_BYTES {
                end(&mut word);
            }
            word.push(unicode::lower(c));
        });
    }
    end(&mut word);
    words
}

/// Whether `c` is of a script that is written without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_runs_of_letters_and_digits() {
        assert_eq!(
            words("Hello, WORLD_2 don't"),
            ["hello", ",", "world", "_", "2", "don", "'", "t"]
        );
        assert_eq!(words("Füße Łódź"), ["fuße", "łodz"]);
        assert!(words(" \u{300}\n\u{7}").is_empty());
    }

    #[test]
    fn no_word_is_empty_or_longer_than_the_limit() {
        let long = "ä".repeat(500) + &"x".repeat(200) + "İ".repeat(99).as_str();
        let found = words(&long);
        assert!(
            found
                .iter()
                .all(|w| !w.is_empty() && w.len() <= MAX_BYTES + 3)
        );
        assert_eq!(found.concat().chars().count(), 799);
    }
}
