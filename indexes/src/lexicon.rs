//! The lexicon: every term of a segment with its posting list.
//!
//! Terms are sorted by their bytes and cut into blocks of a few kilobytes; short posting lists
//! stand inline, so one fetch answers a term. The directory ([`Separators`]) holds one separator per block: the
//! shortest string that is above everything before the block and not above its first term. A
//! segment with few blocks carries its separators in the manifest; one with many carries only those
//! of the directory's leaves.
//!
//! A term with a long list has a block of its own. If its list is very long, the block holds the
//! documents of the highest impact, and the rest, the *tail*, lies in blocks of the postings kind,
//! which are read only when a bound on the score says that they can still change the result.

mod block;
mod directory;
mod terms;

pub use block::{BlockTerm, LexiconBlock, PositionsBlock, Tail, TailBlock, TermInput, write_tail};
pub use directory::{Separators, separator};
pub use terms::{MAX_TERM_BYTES, TermCodec};
