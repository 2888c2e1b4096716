//! Numbered passages for a prompt: what a search finds, packed into a number of tokens.

use littoral_guest::chunk::estimate_tokens;
use littoral_guest::engine::{ChunkHit, DocumentHit, Hit, Note};
use littoral_guest::{SearchOptions, SearchResult};
use serde::Serialize;

/// Tokens when nothing else is said: about five passages of an index built with the defaults.
pub const DEFAULT_TOKENS: u32 = 2048;

/// Most tokens of a context.
pub const MAX_TOKENS: u32 = 100_000;

/// Passages that are looked at, at most.
const CANDIDATES: usize = 100;

/// Tokens below which it does not pay to cut a passage to what is left.
const LEAST_TOKENS: u32 = 16;

/// A passage of a context.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passage {
    /// What an answer cites it by: 1, 2, … in the order of the text.
    pub id: String,
    /// Its document.
    pub document: DocumentHit,
    /// Its place and its text, as quoted.
    pub chunk: ChunkHit,
    /// Higher is better; comparable within one context only.
    pub score: f64,
    /// Tokens of its part of the text, as estimated.
    pub tokens: u32,
}

/// Passages for a prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Context {
    /// As asked.
    pub query: String,
    /// The passages one after another, each behind its number in brackets, its title and headings,
    /// and its address.
    pub text: String,
    /// Tokens of the text, as estimated: never more than were asked for.
    pub tokens: u32,
    /// Best first.
    pub passages: Vec<Passage>,
    /// What the reader should know.
    pub notes: Vec<Note>,
}

/// The search whose result [`pack`] takes: chunks, as many as may be packed.
pub fn options(options: SearchOptions) -> SearchOptions {
    SearchOptions {
        k: CANDIDATES,
        chunks: true,
        explain: false,
        excerpt_chars: 1,
        ..options
    }
}

/// Packs the passages of `found`, best first, into `max_tokens`. A passage that does not fit is left
/// out, and shorter ones behind it get their turn; where not even the first fits, it is cut.
pub fn pack(found: SearchResult, max_tokens: u32) -> Context {
    let mut context = Context {
        query: found.query,
        text: String::new(),
        tokens: 0,
        passages: Vec::new(),
        notes: found.notes,
    };
    let mut left_out = 0;
    let mut hits = found.hits.into_iter();
    let first = hits.next();
    if let Some(mut hit) = first {
        if !context.add(&hit, max_tokens) {
            if context.add_cut(&mut hit, max_tokens) {
                context.note(
                    "passage-cut",
                    "the best passage was cut to the tokens there are",
                );
            } else {
                left_out += 1;
            }
        }
        for hit in hits {
            left_out += usize::from(!context.add(&hit, max_tokens));
        }
    }
    if context.passages.is_empty() && left_out > 0 {
        context.note("context-too-small", "no passage fits into so few tokens");
    }
    context
}

impl Context {
    fn note(&mut self, code: &'static str, message: &str) {
        self.notes.push(Note {
            code: code.into(),
            message: message.to_owned(),
            suggestion: None,
        });
    }

    /// Adds the passage of `hit` where it fits; whether it did.
    fn add(&mut self, hit: &Hit, max_tokens: u32) -> bool {
        let id = (self.passages.len() + 1).to_string();
        let text = passage_text(&id, hit);
        let tokens = estimate_tokens(&text);
        if self.tokens + tokens > max_tokens {
            return false;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&text);
        self.tokens += tokens;
        self.passages.push(Passage {
            id,
            document: hit.document.clone(),
            chunk: hit.chunk.clone(),
            score: hit.score,
            tokens,
        });
        true
    }

    /// Adds the beginning of the passage of `hit`, whole words of it; whether any of it fits.
    fn add_cut(&mut self, hit: &mut Hit, max_tokens: u32) -> bool {
        let whole = std::mem::take(&mut hit.chunk.text);
        let head = estimate_tokens(&passage_text("1", hit));
        let room = max_tokens.saturating_sub(head);
        if room < LEAST_TOKENS {
            return false;
        }
        let (mut tokens, mut end) = (0, 0);
        for word in whole.split_inclusive(char::is_whitespace) {
            tokens += estimate_tokens(word);
            if tokens > room {
                break;
            }
            end += word.len();
        }
        let kept = whole[..end].trim_end();
        hit.chunk.end = hit.chunk.start + kept.len();
        kept.clone_into(&mut hit.chunk.text);
        !kept.is_empty() && self.add(hit, max_tokens)
    }
}

/// A passage as a prompt shows it.
fn passage_text(id: &str, hit: &Hit) -> String {
    let document = &hit.document;
    let title = if document.title.is_empty() {
        &document.id
    } else {
        &document.title
    };
    let mut text = format!("[{id}] {title}");
    for heading in &hit.chunk.heading {
        text.push_str(" › ");
        text.push_str(heading);
    }
    text.push('\n');
    if !document.url.is_empty() {
        text.push_str(&document.url);
        if let Some(anchor) = &hit.chunk.anchor {
            text.push('#');
            text.push_str(anchor);
        }
        text.push('\n');
    }
    text.push_str(&hit.chunk.text);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_guest::engine::{Fetched, Mode, Ranks, Scores, Timings, Work};
    use littoral_guest::map::Map;

    fn found(texts: &[&str]) -> SearchResult {
        let hit = |(rank, text): (u32, &&str)| Hit {
            rank,
            score: 1.0 / f64::from(rank),
            document: DocumentHit {
                id: format!("d{rank}"),
                url: format!("d{rank}.html"),
                title: "Tides".into(),
                meta: Map::default(),
            },
            chunk: ChunkHit {
                id: 0,
                heading: vec!["Moon".into()],
                anchor: Some("moon".into()),
                start: 10,
                end: 10 + text.len(),
                text: (*text).into(),
            },
            excerpt: String::new(),
            scores: Scores::default(),
            ranks: Ranks::default(),
            explain: None,
        };
        SearchResult {
            query: "tide".into(),
            mode: Mode::Hybrid,
            hits: (1..).zip(texts).map(hit).collect(),
            n_found: texts.len() as u32,
            facets: Map::default(),
            fetched: Fetched::default(),
            work: Work::default(),
            timings_ms: Timings::default(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn passages_are_numbered_in_the_order_of_the_text() {
        let context = pack(found(&["High water.", "Low water."]), 100);
        assert_eq!(
            context.text,
            "[1] Tides › Moon\nd1.html#moon\nHigh water.\n\n[2] Tides › Moon\nd2.html#moon\nLow water.\n"
        );
        let ids: Vec<&str> = context.passages.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
        assert!(context.notes.is_empty());
    }

    #[test]
    fn no_context_is_larger_than_asked_and_what_is_left_fits_smaller_passages() {
        let long = "water ".repeat(200);
        let texts = ["High water.", &long, "Low water."];
        for max_tokens in 0..300 {
            let context = pack(found(&texts), max_tokens);
            assert!(context.tokens <= max_tokens);
            assert!(estimate_tokens(&context.text) <= max_tokens.max(1));
            for passage in &context.passages {
                assert_eq!(
                    passage.chunk.end - passage.chunk.start,
                    passage.chunk.text.len()
                );
                assert!(context.text.contains(&passage.chunk.text));
            }
        }
        let context = pack(found(&texts), 60);
        assert_eq!(context.passages.len(), 2);
        assert_eq!(context.passages[1].document.id, "d3");
    }

    #[test]
    fn the_best_passage_is_cut_where_it_does_not_fit_and_the_cut_is_told() {
        let long = "water ".repeat(200);
        let context = pack(found(&[&long]), 60);
        assert_eq!(context.passages.len(), 1);
        assert_eq!(context.notes[0].code, "passage-cut");
        assert!(context.passages[0].chunk.text.ends_with("water"));
        let context = pack(found(&[&long]), 5);
        assert!(context.passages.is_empty());
        assert_eq!(context.notes[0].code, "context-too-small");
        assert!(pack(found(&[]), 5).notes.is_empty());
    }
}
