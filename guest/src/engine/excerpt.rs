//! Excerpts: the stretch of a chunk that holds most of the query, with its words marked.

use crate::analysis::{Analyzer, Beginnings};
use crate::map::Map;

/// What a sentence, or what introduces a block, ends with.
const ENDS: [char; 14] = [
    '.', '!', '?', ':', ';', ',', '…', '\n', ' ', '。', '！', '？', '：', '؟',
];

/// What excerpts mark.
#[derive(Debug, Default)]
pub(super) struct Marks<'a> {
    /// Of terms, which of the query's it stands for and its weight.
    terms: Map<&'a str, (usize, u32)>,
    /// Marked as well is what begins so, as one more term of the least weight.
    prefixes: Vec<&'a str>,
    n_terms: usize,
    beginnings: Beginnings,
}

impl<'a> Marks<'a> {
    /// Marks `term` for the query's term `i`, unless it is marked for another.
    pub(super) fn add(&mut self, term: &'a str, i: usize, weight: u32) {
        self.terms.get_or_insert_with(term, || (i, weight));
        self.n_terms = self.n_terms.max(i + 1);
        self.beginnings.add(term);
    }

    /// Marks what begins with `prefix`.
    pub(super) fn add_prefix(&mut self, prefix: &'a str) {
        self.prefixes.push(prefix);
        self.beginnings.add(prefix);
    }

    fn of(&self, term: &str) -> Option<(usize, u32)> {
        let begins = || self.prefixes.iter().any(|prefix| term.starts_with(prefix));
        let known = self.terms.get(term).copied();
        known.or_else(|| begins().then_some((self.n_terms, 1)))
    }
}

/// The best stretch of about `max_chars` characters of `text`, escaped for HTML, with every token
/// of `marks` marked. Cut ends show an ellipsis.
///
/// The stretch with the greatest sum of distinct words' weights wins, the first of equals.
pub(super) fn excerpt(
    analyzer: &mut Analyzer,
    text: &str,
    max_chars: usize,
    marks: &Marks<'_>,
) -> String {
    // Marked spans: start, end, which query term, its weight.
    let mut spans: Vec<(usize, usize, usize, u32)> = Vec::new();
    analyzer.analyze_beginning(text, &marks.beginnings, &mut |token| {
        if let Some((term, weight)) = marks.of(token.term) {
            match spans.last_mut() {
                // Grams and pieces of one word overlap: they make one mark.
                Some(last) if token.start < last.1 => last.1 = last.1.max(token.end),
                _ => spans.push((token.start, token.end, term, weight)),
            }
        }
    });
    let max_bytes = max_chars.saturating_mul(text.len()) / text.chars().count().max(1);
    let (start, end) = window(&spans, text, max_bytes);
    render(text, start, end, &spans)
}

/// The bytes to show, on word boundaries.
fn window(spans: &[(usize, usize, usize, u32)], text: &str, max_bytes: usize) -> (usize, usize) {
    if text.len() <= max_bytes {
        return (0, text.len());
    }
    let mut best = (0, 0usize, 0usize);
    for (i, first) in spans.iter().enumerate() {
        let mut seen: Vec<usize> = Vec::new();
        let (mut sum, mut last) = (0, first.1);
        for span in &spans[i..] {
            if span.1 > first.0 + max_bytes / 5 * 4 {
                break;
            }
            // A word said again adds little.
            sum += if seen.contains(&span.2) {
                span.3 / 16
            } else {
                span.3
            };
            seen.push(span.2);
            last = span.1;
        }
        if sum > best.0 {
            best = (sum, first.0, last);
        }
    }
    let (_, from, to) = best;
    let spare = max_bytes.saturating_sub(to - from);
    let mut start = from.saturating_sub(spare / 3);
    let mut end = (start + max_bytes).min(text.len());
    start = start.min(end.saturating_sub(max_bytes));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    // Not within a word, unless words are as long as the window.
    if start > 0 {
        let next = text[start..from.max(start)].find(char::is_whitespace);
        start = next.map_or(start, |i| start + i + 1);
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
    if end < text.len() {
        let first = to.max(start).min(end);
        if let Some(i) = text[first..end].rfind(char::is_whitespace) {
            end = first + i;
        }
    }
    (start, end)
}

fn render(text: &str, start: usize, end: usize, spans: &[(usize, usize, usize, u32)]) -> String {
    let mut out = String::with_capacity(end - start + 64);
    if start > 0 {
        out.push_str("… ");
    }
    let mut at = start;
    for &(from, to, _, _) in spans {
        if from < at || to > end {
            continue;
        }
        escape(text, at, from, &mut out);
        out.push_str("<mark>");
        escape(text, from, to, &mut out);
        out.push_str("</mark>");
        at = to;
    }
    let end = at + text[at..end].trim_end().len();
    escape(text, at, end, &mut out);
    if end < text.len() {
        out.push_str(" …");
    }
    out
}

/// Appends the bytes from `start` to `end` of `text`, escaped for HTML, with white space as single spaces.
/// Between two blocks stands a dot where the first does not end as a sentence, as a heading does not.
fn escape(text: &str, start: usize, end: usize, out: &mut String) {
    for (i, c) in text[start..end].char_indices() {
        if c == '\n' {
            let (before, after) = text.split_at(start + i);
            if after.starts_with("\n\n") && !before.ends_with(ENDS) && !out.is_empty() {
                out.push_str(" ·");
            }
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{AnalysisOptions, Language};
    use proptest::prelude::*;

    fn analyzer() -> Analyzer {
        Analyzer::new(Language::from_code("en"), &AnalysisOptions::default())
    }

    #[test]
    fn the_stretch_with_most_of_the_query_is_shown_and_marked() {
        let far = "filler words go on and on ".repeat(20);
        let text = format!("A tide is here. {far} Tides and <currents> & moons. {far}");
        let mut marks = Marks::default();
        marks.add("tide", 0, 10);
        marks.add("current", 1, 10);
        let shown = excerpt(&mut analyzer(), &text, 80, &marks);
        assert!(
            shown.contains("<mark>Tides</mark> and &lt;<mark>currents</mark>&gt; &amp;"),
            "{shown}"
        );
        assert!(shown.starts_with("… ") && shown.ends_with(" …"), "{shown}");
    }

    #[test]
    fn a_heading_stands_apart_from_what_follows() {
        let text = "Install\n\nInstall the package.\n\nThen run it:\n\nnpm i\nnpm start\n\nNotes";
        let mut marks = Marks::default();
        marks.add("instal", 0, 1);
        assert_eq!(
            excerpt(&mut analyzer(), text, 200, &marks),
            "<mark>Install</mark> · <mark>Install</mark> the package. Then run it: npm i npm start · Notes"
        );
    }

    #[test]
    fn what_begins_as_the_word_that_is_typed_is_marked() {
        let mut marks = Marks::default();
        marks.add("moon", 0, 4);
        marks.add_prefix("ti");
        let shown = excerpt(&mut analyzer(), "Tides, tying and the Moon", 100, &marks);
        assert_eq!(
            shown,
            "<mark>Tides</mark>, <mark>tying</mark> and the <mark>Moon</mark>"
        );
    }

    proptest! {
        #[test]
        fn any_text_gives_an_excerpt_without_raw_markup(
            text in "\\PC{0,300}",
            prefixes in prop::collection::vec("\\PC{1,2}", 0..9),
            max in 0usize..100,
        ) {
            let mut marks = Marks::default();
            for prefix in &prefixes {
                marks.add_prefix(prefix);
            }
            let shown = excerpt(&mut analyzer(), &text, max, &marks);
            let bare = shown.replace("<mark>", "").replace("</mark>", "");
            prop_assert!(!bare.contains('<') && !bare.contains('>'));
        }
    }
}
