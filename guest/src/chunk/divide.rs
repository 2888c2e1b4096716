//! Division of a section that is larger than the budget.

use crate::analysis::extends;
use crate::document::{Part, PartKind};

use super::ChunkOptions;
use super::section::Section;
use super::sentence::sentence_ends;
use super::tokens::estimate_tokens;

/// What a cut costs, in quarters of the wished size, beside its distance from that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// After a paragraph, list item or code block.
    Part = 0,
    /// After a sentence, or a line of code.
    Sentence = 1,
    /// Between words.
    Word = 2,
    /// After a heading, from the text it announces.
    Heading = 8,
}

/// Something that is not divided further.
#[derive(Debug, Clone, Copy)]
struct Unit {
    start: usize,
    end: usize,
    tokens: u32,
    /// What the cut after it costs.
    cut: Cut,
    /// Whether it may be repeated at the head of the next chunk.
    prose: bool,
}

/// Calls `each` with the start, end and tokens of the pieces of `section`, in order.
pub(super) fn divide(
    text: &str,
    section: &Section<'_>,
    options: &ChunkOptions,
    each: &mut dyn FnMut(usize, usize, u32),
) {
    let (Some(first), Some(last)) = (section.parts.first(), section.parts.last()) else {
        return;
    };
    let tokens = estimate_tokens(&text[first.start..last.end]);
    if tokens <= options.max_tokens {
        each(first.start, last.end, tokens);
        return;
    }
    let mut units = Vec::new();
    for part in &section.parts {
        add_units(text, part, options.max_tokens, &mut units);
    }
    let mut remaining: u32 = units.iter().map(|unit| unit.tokens).sum();
    let mut from = 0;
    let mut fresh = 0;
    while fresh < units.len() {
        // What is repeated takes its place in the budget.
        let repeated: u32 = units[from..fresh].iter().map(|unit| unit.tokens).sum();
        let room = options.max_tokens - repeated;
        let n_pieces = remaining.div_ceil(room).max(1);
        let end = best_cut(&units, fresh, room, remaining.div_ceil(n_pieces));
        let taken: u32 = units[fresh..end].iter().map(|unit| unit.tokens).sum();
        each(units[from].start, units[end - 1].end, repeated + taken);
        remaining -= taken;
        from = overlap(&units, from, end, options);
        fresh = end;
    }
}

/// The end of the piece that begins at unit `first`: within `room`, near `wished` tokens, and where
/// the cut costs least. The earlier of equals.
fn best_cut(units: &[Unit], first: usize, room: u32, wished: u32) -> usize {
    let mut best = (u32::MAX, first + 1);
    let mut size = 0;
    for (idx, unit) in units.iter().enumerate().skip(first) {
        size += unit.tokens;
        if size > room && idx > first {
            break;
        }
        let last = idx + 1 == units.len();
        let cut = if last {
            0
        } else {
            unit.cut as u32 * wished / 4
        };
        let cost = size.abs_diff(wished) + cut;
        if cost < best.0 {
            best = (cost, idx + 1);
        }
    }
    best.1
}

/// The first unit of the next piece: the last sentences of the one before it, within the overlap
/// and with room left for what comes next.
fn overlap(units: &[Unit], from: usize, end: usize, options: &ChunkOptions) -> usize {
    let Some(next) = units.get(end) else {
        return end;
    };
    let mut size = 0;
    let mut first = end;
    while first > from + 1 {
        let unit = units[first - 1];
        size += unit.tokens;
        if !unit.prose || size > options.overlap_tokens || size + next.tokens > options.max_tokens {
            break;
        }
        first -= 1;
    }
    first
}

fn add_units(text: &str, part: &Part, max_tokens: u32, units: &mut Vec<Unit>) {
    let content = &text[part.start..part.end];
    let tokens = estimate_tokens(content);
    let whole = Unit {
        start: part.start,
        end: part.end,
        tokens,
        cut: Cut::Part,
        prose: part.kind == PartKind::Paragraph,
    };
    let first = units.len();
    match part.kind {
        PartKind::Heading { .. } if tokens <= max_tokens => {
            units.push(Unit {
                cut: Cut::Heading,
                ..whole
            });
            return;
        }
        PartKind::Code if tokens <= max_tokens => units.push(whole),
        PartKind::Code => {
            let mut start = 0;
            for line in content.split_inclusive('\n') {
                let end = start + line.len();
                let (from, to) = (part.start + start, part.start + end);
                add_unit(
                    text,
                    Unit {
                        start: from,
                        end: to,
                        cut: Cut::Sentence,
                        ..whole
                    },
                    max_tokens,
                    units,
                );
                start = end;
            }
        }
        _ => {
            let mut start = part.start;
            sentence_ends(content, |end| {
                let end = part.start + end;
                add_unit(
                    text,
                    Unit {
                        start,
                        end,
                        cut: Cut::Sentence,
                        ..whole
                    },
                    max_tokens,
                    units,
                );
                start = end;
            });
        }
    }
    if let Some(last) = units[first..].last_mut() {
        last.cut = Cut::Part;
    }
}

/// Adds `unit` without the white space around it, in words if it is larger than the budget.
fn add_unit(text: &str, unit: Unit, max_tokens: u32, units: &mut Vec<Unit>) {
    let written = &text[unit.start..unit.end];
    let end = unit.start + written.trim_end().len();
    // Indentation of a line of code belongs to it.
    let lead = if unit.prose {
        written.len() - written.trim_start().len()
    } else {
        0
    };
    let start = (unit.start + lead).min(end);
    if start == end {
        return;
    }
    let tokens = estimate_tokens(&text[start..end]);
    if tokens <= max_tokens {
        units.push(Unit {
            start,
            end,
            tokens,
            ..unit
        });
        return;
    }
    words(
        text,
        Unit { start, end, ..unit },
        max_tokens.div_ceil(4),
        units,
    );
}

/// Adds `unit` in pieces of about `limit` tokens, cut between words, or between characters in a word
/// larger than that.
fn words(text: &str, unit: Unit, limit: u32, units: &mut Vec<Unit>) {
    let (mut from, mut size) = (unit.start, 0);
    let mut push = |from: usize, to: usize, cut: Cut| {
        let to = from + text[from..to].trim_end().len();
        if from < to {
            let tokens = estimate_tokens(&text[from..to]);
            units.push(Unit {
                start: from,
                end: to,
                tokens,
                cut,
                prose: false,
            });
        }
    };
    let mut at = unit.start;
    for word in text[unit.start..unit.end].split_inclusive(char::is_whitespace) {
        let tokens = estimate_tokens(word);
        if size + tokens > limit {
            push(from, at, Cut::Word);
            (from, size) = (at, 0);
        }
        if tokens > limit {
            for (offset, c) in word.char_indices() {
                // Not between a letter and its mark, unless there is no end of marks.
                let len = at + offset - from;
                let ends = estimate_tokens(&text[from..at + offset]) >= limit;
                if (ends && !extends(c)) || len > 256 {
                    push(from, at + offset, Cut::Word);
                    from = at + offset;
                }
            }
            size = estimate_tokens(&text[from..at + word.len()]);
        } else {
            size += tokens;
        }
        at += word.len();
    }
    push(from, unit.end, unit.cut);
}
