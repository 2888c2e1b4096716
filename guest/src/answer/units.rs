//! The pieces of a passage that an answer may quote: sentences, and items of lists.

use crate::chunk::sentence_ends;
use std::ops::Range;

/// Longer pieces are cut where words end: nobody reads them as one sentence.
const MAX_BYTES: usize = 1200;

/// Byte ranges of the sentences of `text`, in order, without the white space about them.
///
/// Paragraphs end a sentence, and so does the beginning of a list's item, whatever marks are there.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for paragraph in paragraphs(text) {
        let mut start = paragraph.start;
        sentence_ends(&text[paragraph.clone()], |end| {
            let end = paragraph.start + end;
            push(text, start..end, &mut found);
            start = end;
        });
    }
    found
}

/// Stretches of `text` between empty lines and beginnings of list items.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if bare.is_empty() || is_item(bare) {
            found.push(start..at);
            start = at;
        }
        at += line.len();
    }
    found.push(start..at);
    found.retain(|range| !range.is_empty());
    found
}

fn is_item(line: &str) -> bool {
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ")
        || line.starts_with("* ")
        || line.starts_with("• ")
        || line.starts_with("| ")
        || (after_digits.len() < line.len()
            && (after_digits.starts_with(". ") || after_digits.starts_with(") ")))
}

/// Adds what `range` holds, in pieces of bounded length.
fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut range = trimmed(text, range);
    while range.len() > MAX_BYTES {
        let mut cut = range.start + MAX_BYTES;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let space = text[range.start..cut].rfind(char::is_whitespace);
        let cut = match space {
            Some(space) if space > 0 => range.start + space,
            _ => cut,
        };
        found.push(trimmed(text, range.start..cut));
        range = trimmed(text, cut..range.end);
    }
    if !range.is_empty() {
        found.push(range);
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let whole = &text[range.clone()];
    let start = range.start + (whole.len() - whole.trim_start().len());
    start..start + whole.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paragraphs_and_items_end_sentences() {
        let text =
            "A heading\n\nHigh water comes twice.  It is\nlate. \n- first item\n- second\n1. third";
        let found: Vec<&str> = sentences(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(
            found,
            [
                "A heading",
                "High water comes twice.",
                "It is\nlate.",
                "- first item",
                "- second",
                "1. third"
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_ordered_pieces_of_bounded_length(
            text in "(\\PC|\n|[a-z. ]{0,400}){0,40}"
        ) {
            let mut end = 0;
            let mut kept = 0;
            for range in sentences(&text) {
                prop_assert!(range.start >= end && !range.is_empty() && range.len() <= MAX_BYTES);
                end = range.end;
                kept += text[range].chars().filter(|c| !c.is_whitespace()).count();
            }
            prop_assert_eq!(kept, text.chars().filter(|c| !c.is_whitespace()).count());
        }
    }
}
