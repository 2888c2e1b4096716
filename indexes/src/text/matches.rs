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

    /// Adds the position `at`.
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

/// An occurrence in the dictionary and the four bytes behind the hashed ones.
#[derive(Clone, Copy, Default)]
struct Place {
    position: u32,
    next: u32,
}

/// The places of a dictionary, ordered by hash and then the latest first: candidates lie side by
/// side, and most are dismissed without a look at the dictionary.
pub(super) struct Places {
    bits: u32,
    /// Bytes of dictionary.
    n: usize,
    starts: Vec<u32>,
    sorted: Vec<Place>,
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(word) => word.try_into().map_or(0, u32::from_le_bytes),
        None => 0,
    }
}

impl Places {
    /// Bytes of dictionary.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// Sorts the places of `dictionary`, in linear time.
    pub(super) fn new(dictionary: &[u8]) -> Self {
        let bits = dictionary.len().max(256).ilog2().min(16);
        let n = dictionary.len().saturating_sub(HASHED - 1);
        let mut starts = vec![0; (1 << bits) + 1];
        for at in 0..n {
            starts[hash(&dictionary[at..], bits)] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        // Filled from the back, the ends become starts.
        let mut sorted = vec![Place::default(); n];
        for at in 0..n {
            let start = &mut starts[hash(&dictionary[at..], bits)];
            *start -= 1;
            sorted[*start as usize] = Place {
                position: at as u32,
                next: word(dictionary, at + HASHED),
            };
        }
        Self {
            bits,
            n: dictionary.len(),
            starts,
            sorted,
        }
    }

    /// The longest match of at most `limit` bytes as (length, position), if longer than `best`.
    #[inline]
    pub(super) fn find(
        &self,
        window: &[u8],
        at: usize,
        limit: usize,
        depth: usize,
        mut best: (usize, usize),
    ) -> (usize, usize) {
        if limit < 2 * HASHED || best.0 >= limit {
            return best;
        }
        let current = &window[at..at + limit];
        let next = word(current, HASHED);
        let bucket = hash(current, self.bits);
        let (start, end) = (
            self.starts[bucket] as usize,
            self.starts[bucket + 1] as usize,
        );
        for place in &self.sorted[start..end.min(start + depth)] {
            let same = HASHED + ((place.next ^ next).trailing_zeros() / 8) as usize;
            if same > best.0 || same == 2 * HASHED {
                let position = place.position as usize;
                if best.0 >= 2 * HASHED && window[position + best.0] != current[best.0] {
                    continue;
                }
                let length = common(&window[position..], current);
                if length > best.0 {
                    best = (length, position);
                    if length == limit {
                        break;
                    }
                }
            }
        }
        best
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
