//! Finds earlier occurrences, in the dictionary and in the block itself.

/// Bytes hashed to find a match.
const HASHED: usize = 4;
const NONE: u32 = u32::MAX;

/// Chains of equal hashes, the latest first.
pub(super) struct Chains {
    bits: u32,
    head: Vec<u32>,
    previous: Vec<u32>,
    start: usize,
}

#[inline]
fn hash(bytes: &[u8], bits: u32) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    (word.wrapping_mul(0x9E37_79B1) >> (32 - bits)) as usize
}

impl Chains {
    /// Empty chains over the `n` bytes that start at `start` of the window.
    pub(super) fn new(start: usize, n: usize) -> Self {
        let bits = (n.max(256).ilog2() + 1).min(17);
        Self {
            bits,
            head: vec![NONE; 1 << bits],
            previous: vec![NONE; n],
            start,
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, window: &[u8], at: usize) {
        if at + HASHED <= window.len() {
            let head = &mut self.head[hash(&window[at..], self.bits)];
            self.previous[at - self.start] = *head;
            *head = at as u32;
        }
    }

    /// Calls `found(length, position)` for each occurrence longer than all nearer ones and than
    /// `longest`; returns the longest.
    #[inline]
    pub(super) fn find(
        &self,
        window: &[u8],
        at: usize,
        limit: usize,
        depth: usize,
        mut longest: usize,
        mut found: impl FnMut(usize, usize),
    ) -> usize {
        if limit < HASHED || longest >= limit {
            return longest;
        }
        let current = &window[at..at + limit];
        let mut candidate = self.head[hash(current, self.bits)];
        for _ in 0..depth {
            if candidate == NONE {
                break;
            }
            let position = candidate as usize;
            if window[position + longest] == current[longest] {
                let length = common(&window[position..], current);
                if length > longest {
                    longest = length;
                    found(length, position);
                    if length == limit {
                        break;
                    }
                }
            }
            candidate = self.previous[position - self.start];
        }
        longest
    }
}

/// Bytes that `a` and `b` have in common at their start.
#[inline]
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    let n = a.len().min(b.len());
    let mut at = 0;
    let (mut words_a, mut words_b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in words_a.by_ref().zip(words_b.by_ref()) {
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let differ = word(x) ^ word(y);
        if differ != 0 {
            return at + (differ.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < n && a[at] == b[at] {
        at += 1;
    }
    at
}
