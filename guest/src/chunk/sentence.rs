//! Where sentences end.
//!
//! The rule of UAX #29 breaks at every line feed, which cuts hard-wrapped text in the middle of its
//! sentences, so this is our own: a full stop, exclamation or question mark with its closing marks
//! ends a sentence where white space and no lower-case letter follows, except after an initial or a
//! common abbreviation. The marks of Chinese, Japanese, Hindi and others end one by themselves.

const ABBREVIATIONS: [&str; 22] = [
    "al", "approx", "bzw", "ca", "cf", "dr", "e.g", "ed", "eq", "etc", "fig", "i.e", "mr", "mrs",
    "ms", "no", "nr", "p", "pp", "prof", "st", "vs",
];

/// Calls `each` with the ends of the sentences of `text`, white space after them included; the last
/// is `text.len()`, unless it is empty.
pub(crate) fn sentence_ends(text: &str, mut each: impl FnMut(usize)) {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let alone = matches!(
            c,
            '。' | '！' | '？' | '．' | '｡' | '।' | '॥' | '؟' | '۔' | '።' | '။'
        );
        if !alone && !matches!(c, '.' | '!' | '?' | '…') {
            continue;
        }
        while chars.peek().is_some_and(|&(_, c)| closes(c)) {
            chars.next();
        }
        let spaces = chars.peek().map_or(text.len(), |&(at, _)| at);
        while chars.peek().is_some_and(|&(_, c)| c.is_whitespace()) {
            chars.next();
        }
        let (end, next) = chars
            .peek()
            .map_or((text.len(), None), |&(at, c)| (at, Some(c)));
        let goes_on = end == spaces || next.is_some_and(char::is_lowercase);
        let ends = alone || !(goes_on || c == '.' && abbreviation(&text[..at]));
        if ends && end < text.len() {
            each(end);
        }
    }
    if !text.is_empty() {
        each(text.len());
    }
}

fn closes(c: char) -> bool {
    matches!(
        c,
        '.' | '!'
            | '?'
            | '…'
            | '。'
            | '！'
            | '？'
            | '"'
            | '\''
            | ')'
            | ']'
            | '”'
            | '’'
            | '»'
            | '」'
            | '』'
            | '）'
            | '*'
            | '_'
            | '`'
    )
}

/// Whether the word that `before` ends with is short for another, or an initial.
fn abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"'))
        .next()
        .unwrap_or_default();
    let initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase);
    initial || (word.len() <= 6 && ABBREVIATIONS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        let (mut found, mut start) = (Vec::new(), 0);
        sentence_ends(text, |end| {
            found.push(text[start..end].trim());
            start = end;
        });
        found
    }

    #[test]
    fn sentences_end_where_a_reader_stops() {
        assert_eq!(
            sentences(
                "One. Two!  \"Three?\" Four (e.g. Five) and v1.2 by J. Smith et al. 2020. Six"
            ),
            [
                "One.",
                "Two!",
                "\"Three?\"",
                "Four (e.g. Five) and v1.2 by J. Smith et al. 2020.",
                "Six"
            ]
        );
        assert_eq!(sentences("一つ。二つ！三つ"), ["一つ。", "二つ！", "三つ"]);
        assert_eq!(sentences("Wrapped\nline. Next"), ["Wrapped\nline.", "Next"]);
        assert_eq!(sentences(""), Vec::<&str>::new());
        assert_eq!(sentences("End. "), ["End."]);
    }
}
