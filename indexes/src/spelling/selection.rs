//! Which blocks can hold the words near a misspelt one.

use super::TWO_EDITS_CHARS;
use super::directory::{Entry, SHORT_CHARS, SpellingDirectory};
use crate::order::{sort_by, sort_by_key};

/// What a pattern's share in a block is divided from.
const MASS: u32 = 5040;

/// A set of words one edit away, in the order of a run: `head`, then any one character if
/// `is_open`, then `tail`.
struct Pattern {
    head: Vec<char>,
    is_open: bool,
    tail: Vec<char>,
    /// The first character of the misspelt word, read forwards, that the edit touches.
    position: usize,
}

/// That some words with an edit at `position` stand in `block`.
struct Need {
    block: u32,
    position: usize,
    mass: u32,
}

impl SpellingDirectory {
    /// The blocks to fetch for the corrections of `word`, most useful first, at most `max_blocks`.
    ///
    /// Without a limit they hold every word one edit away.
    pub fn blocks_for_correction(&self, word: &str, max_blocks: usize) -> Vec<u32> {
        let word: Vec<char> = word.chars().collect();
        let n = word.len();
        if n == 0 || n > super::MAX_WORD_BYTES + 1 {
            return Vec::new();
        }
        let forward = self.needs(&word, false);
        let reversed = self.needs(&word, true);
        let mut best: Option<((u32, usize, usize), Vec<u32>)> = None;
        for cut in 0..=n + 1 {
            let mut blocks: Vec<(u32, u32)> = Vec::new();
            let ahead = forward.iter().filter(|need| need.position >= cut);
            let behind = reversed.iter().filter(|need| need.position < cut);
            for need in ahead.chain(behind) {
                match blocks.iter_mut().find(|(_, block)| *block == need.block) {
                    Some((mass, _)) => *mass += need.mass,
                    None => blocks.push((need.mass, need.block)),
                }
            }
            sort_by_key(&mut blocks, |&(mass, block)| {
                (std::cmp::Reverse(mass), block)
            });
            let missed = blocks.iter().skip(max_blocks).map(|(mass, _)| mass).sum();
            let rank = (missed, blocks.len(), cut.abs_diff(n / 2));
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, blocks.into_iter().map(|(_, block)| block).collect()));
            }
        }
        let mut blocks = best.map(|(_, blocks)| blocks).unwrap_or_default();
        if n >= TWO_EDITS_CHARS && blocks.len() < max_blocks {
            for block in self.two_edits(&word) {
                if !blocks.contains(&block) {
                    blocks.push(block);
                }
            }
        }
        blocks.truncate(max_blocks);
        blocks
    }

    /// The blocks to fetch for the completions of `prefix`, at most `max_blocks`: those with the
    /// most frequent words first.
    pub fn blocks_for_prefix(&self, prefix: &str, max_blocks: usize) -> Vec<u32> {
        let prefix: Vec<char> = prefix.chars().collect();
        let mut blocks = Vec::new();
        for run in 0..2 {
            if run == 0 && prefix.len() > SHORT_CHARS {
                continue;
            }
            let first = self.first_block(run);
            for block in span(self.run(run), &prefix) {
                let class = self.run(run)[block].class;
                blocks.push((std::cmp::Reverse(class), first + block as u32));
            }
        }
        sort_by(&mut blocks, Ord::cmp);
        blocks
            .into_iter()
            .map(|(_, block)| block)
            .take(max_blocks)
            .collect()
    }

    /// Every block of one order that can hold a word one edit away.
    fn needs(&self, word: &[char], reversed: bool) -> Vec<Need> {
        let mut needs = Vec::new();
        for pattern in patterns(word, reversed) {
            let n_chars = pattern.head.len() + usize::from(pattern.is_open) + pattern.tail.len();
            let run = 2 * usize::from(reversed) + usize::from(n_chars > SHORT_CHARS);
            let entries = self.run(run);
            let blocks: Vec<usize> = span(entries, &pattern.head)
                .filter(|&block| {
                    let next = entries.get(block + 1).map(|entry| &entry.separator[..]);
                    pattern.meets(&entries[block].separator, next)
                })
                .collect();
            for &block in &blocks {
                needs.push(Need {
                    block: self.first_block(run) + block as u32,
                    position: pattern.position,
                    mass: MASS / blocks.len() as u32,
                });
            }
        }
        needs
    }

    /// The blocks of words whose first or last third is that of `word`, nearest first.
    fn two_edits(&self, word: &[char]) -> Vec<u32> {
        let third = word.len() / 3;
        let mut found: Vec<(usize, u32)> = Vec::new();
        let mut key = word.to_vec();
        for run in [1, 3] {
            let entries = self.run(run);
            let own = span(entries, &key).start;
            for block in span(entries, &key[..third]) {
                found.push((block.abs_diff(own), self.first_block(run) + block as u32));
            }
            key.reverse();
        }
        sort_by(&mut found, Ord::cmp);
        found.into_iter().map(|(_, block)| block).collect()
    }
}

/// The blocks of a run that can hold keys beginning with `prefix`.
fn span(entries: &[Entry], prefix: &[char]) -> std::ops::Range<usize> {
    let start = entries.partition_point(|entry| entry.separator[..] <= *prefix);
    let len = entries[start..]
        .iter()
        .take_while(|entry| entry.separator.starts_with(prefix));
    let end = start + len.count();
    start.saturating_sub(1)..end
}

impl Pattern {
    /// Whether a word of this pattern is at least `low` and below `high`.
    ///
    /// `head`, x, `tail` grows with x, so the fitting x are those from a least to a greatest one.
    fn meets(&self, low: &[char], high: Option<&[char]>) -> bool {
        if !self.is_open {
            let word = [&self.head[..], &self.tail[..]].concat();
            return low <= &word[..] && high.is_none_or(|high| &word[..] < high);
        }
        let least = match low.strip_prefix(&self.head[..]) {
            Some([x, rest @ ..]) => u32::from(*x) + u32::from(&self.tail[..] < rest),
            _ if low <= &self.head[..] => 0,
            _ => return false,
        };
        let beyond = match high.map(|high| (high, high.strip_prefix(&self.head[..]))) {
            None => u32::MAX,
            Some((_, Some([x, rest @ ..]))) => u32::from(*x) + u32::from(&self.tail[..] < rest),
            Some((high, _)) if high > &self.head[..] => u32::MAX,
            Some(_) => return false,
        };
        least < beyond
    }
}

/// All words one edit away from `word`, in the order of a run.
fn patterns(word: &[char], reversed: bool) -> Vec<Pattern> {
    let n = word.len();
    let mut key = word.to_vec();
    if reversed {
        key.reverse();
    }
    let mut patterns = Vec::with_capacity(4 * n);
    // `touched` characters from `at` on are replaced.
    let mut push = |at: usize, touched: usize, is_open: bool, swapped: &[char]| {
        patterns.push(Pattern {
            head: key[..at].to_vec(),
            is_open,
            tail: [swapped, &key[at + touched..]].concat(),
            position: if reversed { n - at - touched } else { at },
        });
    };
    for at in 0..=n {
        push(at, 0, true, &[]);
        if at < n {
            push(at, 1, true, &[]);
            push(at, 1, false, &[]);
        }
        if at + 1 < n {
            push(at, 2, false, &[key[at + 1], key[at]]);
        }
    }
    patterns
}
