//! Which chunks of a document hold a term, as one decision after another.

/// Contexts of whether a chunk has the term, without those of documents whose expansion has it.
pub(super) const HELD: usize = 6 * 3 * 5 * 2 * 2;

/// Which chunks of a document were said to have a term, or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    n_chunks: u32,
    titled: bool,
    expanded: bool,
    n_entries_so_far: u32,
    previous: bool,
}

impl Held {
    pub(super) fn new(n_chunks: u32, titled: bool, expanded: bool) -> Self {
        Self {
            n_chunks,
            titled,
            expanded,
            n_entries_so_far: 0,
            previous: false,
        }
    }

    /// Whether `chunk` must have the term, since no other has it, nor the title, nor the
    /// expansion.
    pub(super) fn must(&self, chunk: u32) -> bool {
        chunk + 1 == self.n_chunks && self.n_entries_so_far == 0 && !self.titled && !self.expanded
    }

    /// The context of whether `chunk` has it: how many chunks there are, whether this is the first
    /// or the last, the share of those before it that have the term, the one before, the title, the
    /// expansion.
    pub(super) fn context(&self, chunk: u32) -> usize {
        let size = match self.n_chunks {
            0..=1 => 0,
            2 => 1,
            3 => 2,
            4..=5 => 3,
            6..=9 => 4,
            _ => 5,
        };
        let place = match chunk {
            0 => 0,
            _ if chunk + 1 == self.n_chunks => 2,
            _ => 1,
        };
        let share = if self.n_entries_so_far == 0 {
            0
        } else {
            1 + (self.n_entries_so_far * 4 / chunk.max(1)).min(3) as usize
        };
        let flags = 2 * usize::from(self.previous) + usize::from(self.titled);
        ((size * 3 + place) * 5 + share) * 4 + flags + HELD * usize::from(self.expanded)
    }

    pub(super) fn push(&mut self, held: bool) {
        self.n_entries_so_far += u32::from(held);
        self.previous = held;
    }
}
