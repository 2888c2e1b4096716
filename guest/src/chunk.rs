//! Chunks: the spans of a document that are indexed, retrieved and quoted.
//!
//! A document is cut at its headings into sections. A section beyond the budget is divided where it
//! hurts least, between paragraphs before sentences before words, into pieces of about equal size;
//! each piece but the first repeats the last sentences of the one before. A piece well under the
//! budget is joined with its neighbour under the same parent heading, so that a reference page of
//! two-line sections becomes a few chunks and not dozens.
//!
//! ```text
//! parts ─ sections ─┬ fits ───────────────────────────┬─ join small neighbours ─ chunks
//!                   └ units ─ pieces (with overlap) ──┘
//! ```

mod divide;
mod section;
mod sentence;
mod tokens;

pub(crate) use sentence::sentence_ends;
pub use tokens::estimate_tokens;

use crate::document::Document;
use section::Section;

/// A span of one document; the unit retrieved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// Headings above the chunk, outermost first, without the document's title.
    pub headings: Vec<String>,
    /// Anchor of the nearest heading that has one.
    pub anchor: Option<String>,
    /// First byte, in the document's text.
    pub start: usize,
    /// One past the last byte, in the document's text.
    pub end: usize,
    /// Weight of its words in scoring, in tenths (10 is normal).
    pub weight: u8,
}

/// How documents are cut, in tokens as [`estimate_tokens`] counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    /// Largest chunk; at least 16 is used. Small chunks point at the very sentence but lack its
    /// context, large ones blur it. Default 384: of 256, 384 and 512 the best mean nDCG@10 over five
    /// judged collections.
    pub max_tokens: u32,
    /// Most that a chunk repeats of the one before it in the same section, in whole sentences; at
    /// most half of `max_tokens` is used. 0 repeats nothing and makes the index smaller; more keeps
    /// together what a cut would separate, but counts its words twice. Default 0, the best measured.
    pub overlap_tokens: u32,
    /// A piece below this is joined with a neighbour under the same parent heading; at most half of
    /// `max_tokens` is used. 0 keeps every section by itself. Default 128, a third of the budget.
    pub min_tokens: u32,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self {
            max_tokens: 384,
            overlap_tokens: 0,
            min_tokens: 128,
        }
    }
}

impl ChunkOptions {
    /// The options with every value brought into its legal range.
    fn legal(self) -> Self {
        let max_tokens = self.max_tokens.max(16);
        Self {
            max_tokens,
            overlap_tokens: self.overlap_tokens.min(max_tokens / 2),
            min_tokens: self.min_tokens.min(max_tokens / 2),
        }
    }
}

/// A stretch of one or several neighbouring sections.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Sections it begins and ends in.
    sections: (usize, usize),
    /// Number of leading headings that its sections share.
    depth: usize,
    start: usize,
    end: usize,
    tokens: u32,
}

/// Cuts `document` into chunks in the order of the text, starts strictly increasing.
///
/// Every part with weight above 0 is covered; parts of different weight share no chunk. A chunk of
/// several sections has the headings they share and the anchor of the first. A document whose parts
/// all weigh nothing gives one empty chunk if it has a title (`start = end = 0`), else none. Cost is
/// linear in the text.
pub fn split(document: &Document, options: &ChunkOptions) -> Vec<Chunk> {
    let options = options.legal();
    let sections = section::sections(document);
    let mut pieces: Vec<Piece> = Vec::new();
    for (idx, section) in sections.iter().enumerate() {
        divide::divide(
            &document.text,
            section,
            &options,
            &mut |start, end, tokens| {
                let piece = Piece {
                    sections: (idx, idx),
                    depth: section.path.len(),
                    start,
                    end,
                    tokens,
                };
                let joined = pieces
                    .last()
                    .and_then(|last| join(*last, piece, &sections, &options));
                match (joined, pieces.last_mut()) {
                    (Some(joined), Some(last)) => *last = joined,
                    _ => pieces.push(piece),
                }
            },
        );
    }
    if pieces.is_empty() && !document.title.trim().is_empty() {
        return vec![Chunk {
            weight: 10,
            ..Chunk::default()
        }];
    }
    pieces.iter().map(|piece| chunk(piece, &sections)).collect()
}

fn chunk(piece: &Piece, sections: &[Section<'_>]) -> Chunk {
    let first = &sections[piece.sections.0];
    let headings = first.path[..piece.depth].iter();
    Chunk {
        headings: headings
            .filter(|h| !h.is_title)
            .map(|h| h.text.clone())
            .collect(),
        anchor: first.path.iter().rev().find_map(|h| h.anchor.clone()),
        start: piece.start,
        end: piece.end,
        weight: first.weight,
    }
}

/// The two neighbours as one, where one of them is small, both fit the budget, and they are siblings
/// or parent and child.
fn join(
    last: Piece,
    next: Piece,
    sections: &[Section<'_>],
    options: &ChunkOptions,
) -> Option<Piece> {
    let (before, after) = (&sections[last.sections.1], &sections[next.sections.0]);
    let tokens = last.tokens + next.tokens;
    let small = last.tokens.min(next.tokens) < options.min_tokens;
    if last.sections.1 == next.sections.0
        || before.run != after.run
        || !small
        || tokens > options.max_tokens
    {
        return None;
    }
    let shared = &sections[last.sections.0].path[..last.depth];
    let depth = shared
        .iter()
        .zip(&after.path)
        .take_while(|(a, b)| a.start == b.start)
        .count();
    if depth + 1 < last.depth || depth + 1 < after.path.len() {
        return None;
    }
    Some(Piece {
        sections: (last.sections.0, next.sections.1),
        depth,
        start: last.start,
        end: next.end,
        tokens,
    })
}

#[cfg(test)]
mod tests;
