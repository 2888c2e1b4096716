//! Texts to fit a table to: taken from documents, and shaped like what people type.
//!
//! A table learns from texts whose vectors the encoder gives. Sentences and titles are there as they
//! are; queries are shorter, so most texts are pieces of sentences: runs of neighbouring words, the
//! telling words alone, and runs in the frame of a question. What is drawn depends on the sentence
//! alone, by its hash, and so does whether it is **held out**: then everything made of it is, and the
//! fit is judged by it.

use super::words::words;
use crate::draw::Draw;

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpanKind {
    /// A sentence.
    Sentence,
    /// A title or heading.
    Title,
    /// Neighbouring words.
    Run,
    /// Telling words, in order.
    Keywords,
    /// A run in the frame of a question.
    Question,
}

impl SpanKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Sentence,
        Self::Title,
        Self::Run,
        Self::Keywords,
        Self::Question,
    ];

    /// How many spans of the kind a table is fitted to, at most: more fit better, and take longer to
    /// encode.
    pub fn limit(self) -> usize {
        match self {
            Self::Sentence | Self::Run => 10_000,
            Self::Title | Self::Keywords => 4_000,
            Self::Question => 2_000,
        }
    }
}

/// A text to fit to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// Whether the fit is judged by it, instead of seeing it.
    pub is_held_out: bool,
    /// The text.
    pub text: String,
}

/// One sentence in so many is held out.
const HELD_OUT: u64 = 12;

/// Lengths of runs and keywords, in words: as queries have them.
const LENGTHS: [usize; 12] = [2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12];

/// Words of a sentence that are read.
const MAX_WORDS: usize = 60;

/// What questions begin with; `{}` stands for a run.
const FRAMES: [&str; 8] = [
    "what is {}",
    "how to {}",
    "how does {} work",
    "what are {}",
    "why {}",
    "{} example",
    "how can i {}",
    "which {}",
];

/// Words that tell nothing by themselves.
const PLAIN: [&str; 40] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "has",
    "have", "how", "if", "in", "is", "it", "its", "of", "on", "or", "that", "the", "their",
    "there", "these", "this", "to", "was", "we", "were", "what", "when", "which", "will", "with",
    "you",
];

/// Calls `each` with the spans made of one sentence.
pub fn of_sentence(sentence: &str, each: &mut impl FnMut(Span)) {
    let all: Vec<&str> = sentence.split_whitespace().take(MAX_WORDS).collect();
    let letters = sentence.chars().filter(|c| c.is_alphabetic()).count();
    if all.len() < 3 || letters * 5 < sentence.chars().count() * 3 {
        return;
    }
    let mut draw = Draw::of(sentence);
    let is_held_out = draw.below(HELD_OUT as usize) == 0;
    let mut give = |kind, text: String| {
        if !words(&text).is_empty() {
            each(Span {
                kind,
                is_held_out,
                text,
            });
        }
    };
    give(SpanKind::Sentence, all.join(" "));
    for kind in [SpanKind::Run, SpanKind::Run, SpanKind::Question] {
        let n = LENGTHS[draw.below(LENGTHS.len())].min(all.len());
        let start = draw.below(all.len() - n + 1);
        let run = all[start..start + n].join(" ");
        let run = run.trim_matches([' ', '.', ',', ';', ':', '(', ')']);
        let frame = FRAMES[draw.below(FRAMES.len())];
        give(
            kind,
            if kind == SpanKind::Question {
                frame.replace("{}", run)
            } else {
                run.to_owned()
            },
        );
    }
    let telling = |word: &&&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.chars().count() > 1 && !PLAIN.contains(&word.to_lowercase().as_str())
    };
    let mut keywords: Vec<&str> = all.iter().filter(telling).copied().collect();
    if keywords.len() >= 2 {
        let n = LENGTHS[draw.below(8)].min(keywords.len());
        while keywords.len() > n {
            keywords.remove(draw.below(keywords.len()));
        }
        give(SpanKind::Keywords, keywords.join(" "));
    }
}

/// Calls `each` with the span of a title or heading.
pub fn of_title(title: &str, each: &mut impl FnMut(Span)) {
    let text = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if words(&text).is_empty() {
        return;
    }
    each(Span {
        kind: SpanKind::Title,
        is_held_out: Draw::of(&text).below(HELD_OUT as usize) == 0,
        text,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_depend_on_their_sentence_alone() {
        let sentence = "Spring tides follow the new and the full moon by a day or two.";
        let of = |text: &str| {
            let mut spans = Vec::new();
            of_sentence(text, &mut |span| spans.push(span));
            spans
        };
        let spans = of(sentence);
        assert_eq!(spans, of(sentence));
        assert_eq!(spans.len(), 5);
        assert!(spans.iter().all(|s| s.is_held_out == spans[0].is_held_out));
        let keywords = spans.iter().find(|s| s.kind == SpanKind::Keywords);
        assert!(keywords.is_some_and(|s| !s.text.contains("the ")));
        assert_eq!(of("two words"), []);
        assert_eq!(of("1 + 2 = 3; 4 + 5 = 9"), []);
    }
}
