//! Typing errors and unfinished words, without loading the vocabulary.
//!
//! A word with one slip in it (a letter too many, missing, wrong, or two neighbours swapped) keeps
//! its beginning or its end. So the vocabulary is stored twice, sorted by the words and sorted by
//! the reversed words, each cut into small blocks of which the manifest knows only the separators
//! (the [`SpellingDirectory`]). A slip in the last part leaves the word in the forward blocks that
//! begin as it was typed; a slip in the first part, in the reversed blocks that end as it was
//! typed. Two or three blocks of some 2.5 KB hold every word one slip away.
//!
//! **Which blocks.** Every slip of a typed word q of n characters belongs to the first position i
//! it touches, and is one of four patterns, where `?` is any character:
//!
//! | slip | the word meant |
//! |---|---|
//! | a letter missing at i, 0 ≤ i ≤ n | q\[..i\] `?` q\[i..\] |
//! | a wrong letter at i | q\[..i\] `?` q\[i+1..\] |
//! | a letter too many at i | q\[..i\] q\[i+1..\] |
//! | i and i+1 swapped | q\[..i\] q\[i+1\] q\[i\] q\[i+2..\] |
//!
//! For any cut a, the slips with i ≥ a are looked for forwards and those with i < a in reverse, so
//! none is forgotten, the swap across the cut included: it belongs to i = a − 1. Each forward
//! pattern begins with q\[..a\] and each reversed one ends with q\[a+1..\], so their blocks are a
//! short run of either order; and since the words of one open pattern grow with their `?`, the
//! separators tell for each block of the run whether a word of the pattern can stand in it. The
//! cut is where the fewest blocks are left. If they are more than the caller will fetch, those go
//! first that hold the greatest share of the patterns.
//!
//! Words of up to five characters have runs of their own: their common beginnings would otherwise
//! be scattered among all the long words.
//!
//! **Two slips** (words of eight characters and more) are found where they leave the first or the
//! last third alone, or happen to fall into the same blocks. Nothing is promised for the rest.
//!
//! # Layout
//!
//! All of it is one range-coded stream a piece ([`crate::coder`]) under the model of
//! `spelling/model.rs`. Blocks are numbered through four runs: short words, long words, short
//! words reversed, long words reversed.
//!
//! | piece | content |
//! |---|---|
//! | directory | 10 bits n, n prior words; then for each run: number of blocks, for each block its separator (not for the first: it is empty) and highest frequency class |
//! | block | 13 bits n ≤ 4,096; then n keys in strictly rising order, each with its frequency class (4 bits: ⌊log₂ document frequency⌋) |
//! | key | for each byte of the key before: goes along, yes or no; the first byte that differs, which is greater; further bytes; a zero |
//!
//! A prior of at most 300 bytes of typical words, chosen at build time, primes the model of every
//! block: it saves 3 % of the blocks' bytes. Blocks depend on their own words and the prior alone.
//! Cuts fall where the separator is shortest, hence on the same words in the next build.
//!
//! # Worked example
//!
//! ```
//! use littoral_indexes::spelling::{SpellingBlock, SpellingDirectory, completions, corrections, write};
//!
//! let words = [
//!     ("anchor", 9), ("beacon", 5), ("breaker", 12), ("channel", 20), ("current", 33),
//!     ("dolphin", 4), ("estuary", 7), ("harbour", 40), ("lagoon", 6), ("lighthouse", 15),
//!     ("mangrove", 3), ("rip", 2), ("sand", 50), ("sea", 120), ("seagull", 8), ("shore", 60),
//!     ("shorebird", 2), ("tidal", 11), ("tide", 70), ("wave", 80),
//! ];
//! // Short words: block 0. Long words: 1 up to "d", 2 up to "m", 3. Reversed, short: 4; reversed,
//! // long: 5 up to "l", 6 up to "r", 7.
//! let sections = write(&words, 20);
//! assert_eq!(sections.blocks.len(), 8);
//! assert_eq!(sections.directory.len(), 15);
//! let directory = SpellingDirectory::read(&sections.directory)?;
//!
//! // A slip behind the first letter leaves the word in block 2; before it, under "ruobr…" in 7.
//! let blocks = directory.blocks_for_correction("habrour", 6);
//! assert_eq!(blocks, [2, 7]);
//! let read = |&n: &u32| SpellingBlock::read(n, &sections.blocks[n as usize], &directory);
//! let found = corrections("habrour", &blocks.iter().map(read).collect::<Result<Vec<_>, _>>()?);
//! assert_eq!((found[0].word.as_str(), found[0].edits, found[0].frequency), ("harbour", 1, 5));
//!
//! let blocks = directory.blocks_for_prefix("sh", 6);
//! assert_eq!(blocks, [0, 3]);
//! let found = completions("sh", &blocks.iter().map(read).collect::<Result<Vec<_>, _>>()?, 5);
//! assert_eq!(found.iter().map(|c| c.word.as_str()).collect::<Vec<_>>(), ["shore", "shorebird"]);
//! # Ok::<(), littoral_indexes::IndexError>(())
//! ```
//!
//! Sources: Knuth, *The Art of Computer Programming* 3 (1973), section 6.5, for words filed forwards
//! and backwards so that a slip spares one of them; Wu and Manber, "Fast Text Searching Allowing
//! Errors" (1992), for the parts that k errors leave alone; Witten, Moffat and Bell, *Managing
//! Gigabytes* (1999), section 4.1, for front coding in blocks; Kernighan, Church and Gale, "A
//! Spelling Correction Program Based on a Noisy Channel Model" (1990), for the ranking.

mod block;
mod candidates;
mod directory;
mod distance;
mod model;
mod selection;
#[cfg(test)]
mod tests;
mod writer;

pub use block::MAX_WORD_BYTES;
pub use candidates::{Candidate, SpellingBlock, completions, corrections};
pub use directory::SpellingDirectory;
pub use distance::damerau;
pub use writer::{SpellingSections, SpellingWriter};

/// From how many characters on a word may be two edits away.
pub const TWO_EDITS_CHARS: usize = 8;

/// Writes `words`, sorted by bytes and each once, with their document frequencies.
pub fn write(words: &[(&str, u32)], target_block_bytes: usize) -> SpellingSections {
    SpellingWriter::new(target_block_bytes).write(words)
}
