//! Spelling.
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
pub use candidates::{Candidate, completions, corrections};
pub use directory::SpellingDirectory;
pub use distance::damerau;
pub use writer::{SpellingSections, SpellingWriter};

/// From how many characters on a word may be two edits away.
pub const TWO_EDITS_CHARS: usize = 8;

/// Writes `words`, sorted by bytes and each once, with their document frequencies.
pub fn write(words: &[(&str, u32)], target_block_bytes: usize) -> SpellingSections {
    SpellingWriter::new(target_block_bytes).write(words)
}
