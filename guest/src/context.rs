//! Numbered passages for a prompt: what a search finds, packed into a number of tokens.

use crate::chunk::estimate_tokens;
use crate::engine::{ChunkHit, DocumentHit, Hit, Note};
use crate::{SearchOptions, SearchResult};
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
        excerpt_chars: 0,
        ..options
    }
}

/// Packs the passages of `found`, best first, into `max_tokens`. What says the same as a passage before
/// it is left out, and what stands next to one in its document is joined with it. A passage that does not
/// fit is left out, and shorter ones behind it get their turn; where not even the first fits, it is cut.
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
            if !context.repeats(&hit) && !context.join(&hit, max_tokens) {
                left_out += usize::from(!context.add(&hit, max_tokens));
            }
        }
    }
    if context.passages.is_empty() && left_out > 0 {
        context.note("context-too-small", "no passage fits into so few tokens");
    }
    let texts: Vec<String> = context.passages.iter().map(passage_text).collect();
    context.text = texts.join("\n");
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
        let mut passage = Passage {
            id: (self.passages.len() + 1).to_string(),
            document: hit.document.clone(),
            chunk: hit.chunk.clone(),
            score: hit.score,
            tokens: 0,
        };
        passage.tokens = estimate_tokens(&passage_text(&passage));
        if self.tokens + passage.tokens > max_tokens {
            return false;
        }
        self.tokens += passage.tokens;
        self.passages.push(passage);
        true
    }

    /// Whether a passage holds all the words of `hit` in their order, whatever document it is of.
    fn repeats(&self, hit: &Hit) -> bool {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let own = words(&hit.chunk.text);
        let mut passages = self.passages.iter();
        passages.any(|passage| words(&passage.chunk.text).contains(&own))
    }

    /// Joins `hit` with a passage of the same document and heading that it touches or overlaps, where
    /// both fit; whether it did. The joined passage keeps the better one's place.
    fn join(&mut self, hit: &Hit, max_tokens: u32) -> bool {
        for passage in &mut self.passages {
            let (old, new) = (&passage.chunk, &hit.chunk);
            if passage.document.id != hit.document.id || old.heading != new.heading {
                continue;
            }
            let Some(chunk) = joined(old, new).or_else(|| joined(new, old)) else {
                continue;
            };
            let mut both = passage.clone();
            both.chunk = chunk;
            both.tokens = estimate_tokens(&passage_text(&both));
            let tokens = self.tokens - passage.tokens + both.tokens;
            if tokens > max_tokens {
                return false;
            }
            self.tokens = tokens;
            *passage = both;
            return true;
        }
        false
    }

    /// Adds the beginning of the passage of `hit`, whole words of it; whether any of it fits.
    fn add_cut(&mut self, hit: &mut Hit, max_tokens: u32) -> bool {
        let whole = std::mem::take(&mut hit.chunk.text);
        let head = estimate_tokens(&passage_text(&Passage {
            id: "1".to_owned(),
            document: hit.document.clone(),
            chunk: hit.chunk.clone(),
            score: hit.score,
            tokens: 0,
        }));
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

/// `first` with `second` behind it, where that begins within `first` or a blank line after it: text
/// between two passages that is not known is not made up.
fn joined(first: &ChunkHit, second: &ChunkHit) -> Option<ChunkHit> {
    if second.start < first.start || second.end <= first.end {
        return None;
    }
    let (gap, said) = match second.start.checked_sub(first.end) {
        Some(0) => ("", 0),
        Some(2) => ("\n\n", 0),
        Some(_) => return None,
        None => ("", first.end - second.start),
    };
    let rest = second.text.get(said..)?;
    let overlap = &second.text[..said];
    first.text.ends_with(overlap).then(|| ChunkHit {
        end: second.end,
        text: [&first.text, gap, rest].concat(),
        ..first.clone()
    })
}

/// A passage as a prompt shows it.
fn passage_text(passage: &Passage) -> String {
    let document = &passage.document;
    let title = if document.title.is_empty() {
        &document.id
    } else {
        &document.title
    };
    let mut text = format!("[{}] {title}", passage.id);
    for heading in &passage.chunk.heading {
        text.push_str(" › ");
        text.push_str(heading);
    }
    text.push('\n');
    if !document.url.is_empty() {
        text.push_str(&document.url);
        if let Some(anchor) = &passage.chunk.anchor {
            text.push('#');
            text.push_str(anchor);
        }
        text.push('\n');
    }
    text.push_str(&passage.chunk.text);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Fetched, Mode, Ranks, Scores, Timings, Work};
    use crate::map::Map;

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
    fn what_repeats_is_left_out_and_neighbours_are_joined() {
        let mut result = found(&[
            "High water. It is late.",
            "High  water.",
            "Low water.",
            "Ebb.",
        ]);
        let places = [("a", 10), ("b", 10), ("a", 35), ("a", 4)];
        for (hit, (document, start)) in result.hits.iter_mut().zip(places) {
            hit.document.id = document.into();
            hit.chunk.start = start;
            hit.chunk.end = start + hit.chunk.text.len();
        }
        let context = pack(result.clone(), 1000);
        assert_eq!(context.passages.len(), 1, "{context:?}");
        let chunk = &context.passages[0].chunk;
        assert_eq!(chunk.text, "Ebb.\n\nHigh water. It is late.\n\nLow water.");
        assert_eq!((chunk.start, chunk.end), (4, 45));
        assert_eq!(context.passages[0].tokens, context.tokens);
        // What overlaps is said once; another heading or an unknown gap is no neighbour.
        result.hits.truncate(3);
        result.hits[2].chunk.start = 21;
        result.hits[2].chunk.text = " It is late. Low water.".into();
        result.hits[2].chunk.end = 44;
        let context = pack(result.clone(), 1000);
        assert_eq!(
            context.passages[0].chunk.text,
            "High water. It is late. Low water."
        );
        result.hits[2].chunk.heading = vec!["Sun".into()];
        assert_eq!(pack(result.clone(), 1000).passages.len(), 2);
        result.hits[2].chunk.heading = vec!["Moon".into()];
        result.hits[2].chunk.start = 40;
        assert_eq!(pack(result, 1000).passages.len(), 2);
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
