//! Sorted runs of raw postings: what was collected, in the order of terms, in scratch space.
//!
//! A run is a sequence of `term id, number of documents, (document, payload length, payload)*`. Runs
//! are sorted by the terms' bytes, which the merge knows as the order of their ids.

use super::payload::{number, take_number};
use super::{BuildError, Scratch};

/// Bytes of a run read at a time.
const READ_BYTES: usize = 1 << 18;

/// Raw postings in memory, by arrival.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// `(term, document, start of payload, length of payload)`
    entries: Vec<(u32, u32, u32, u32)>,
    payloads: Vec<u8>,
}

impl Pending {
    pub(super) fn push(&mut self, term: u32, document: u32, payload: &[u8]) {
        let start = self.payloads.len() as u32;
        self.payloads.extend_from_slice(payload);
        self.entries
            .push((term, document, start, payload.len() as u32));
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.entries.len() * 16 + self.payloads.len()
    }

    /// Writes the run in the order of `ranks[term]` and empties `self`.
    pub(super) fn spill(
        &mut self,
        ranks: &[u32],
        scratch: &mut impl Scratch,
    ) -> Result<Run, BuildError> {
        self.entries
            .sort_unstable_by_key(|&(term, document, _, _)| (ranks[term as usize], document));
        let mut bytes = Vec::with_capacity(READ_BYTES * 2);
        let mut run = Run { start: 0, len: 0 };
        let mut first = true;
        for group in self.entries.chunk_by(|a, b| a.0 == b.0) {
            number(&mut bytes, group[0].0);
            number(&mut bytes, group.len() as u32);
            for &(_, document, start, len) in group {
                number(&mut bytes, document);
                number(&mut bytes, len);
                let start = start as usize;
                bytes.extend_from_slice(&self.payloads[start..start + len as usize]);
            }
            if bytes.len() > READ_BYTES {
                let offset = scratch.append(&bytes)?;
                if first {
                    run.start = offset;
                    first = false;
                }
                run.len += bytes.len() as u64;
                bytes.clear();
            }
        }
        let offset = scratch.append(&bytes)?;
        if first {
            run.start = offset;
        }
        run.len += bytes.len() as u64;
        self.entries.clear();
        self.payloads.clear();
        Ok(run)
    }
}

/// Where a run lies in scratch space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    start: u64,
    len: u64,
}

/// Reads a run forwards.
pub(super) struct RunReader {
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    at: usize,
    /// The term whose postings come next, if any.
    head: Option<u32>,
}

impl RunReader {
    pub(super) fn new(run: Run, scratch: &impl Scratch) -> Result<Self, BuildError> {
        let end = run.start + run.len;
        let mut reader = Self {
            next: run.start,
            end,
            buffer: Vec::new(),
            at: 0,
            head: None,
        };
        reader.advance(scratch)?;
        Ok(reader)
    }

    /// Makes at least `n` bytes available, or all that are left.
    fn fill(&mut self, n: usize, scratch: &impl Scratch) -> Result<(), BuildError> {
        if self.buffer.len() - self.at >= n || self.next == self.end {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let have = self.buffer.len();
        let more = (n.max(READ_BYTES) as u64).min(self.end - self.next) as usize;
        self.buffer.resize(have + more, 0);
        scratch.read(self.next, &mut self.buffer[have..])?;
        self.next += more as u64;
        Ok(())
    }

    fn number(&mut self) -> u32 {
        let mut rest = &self.buffer[self.at..];
        let before = rest.len();
        let value = take_number(&mut rest);
        self.at += before - rest.len();
        value
    }

    fn advance(&mut self, scratch: &impl Scratch) -> Result<(), BuildError> {
        self.fill(16, scratch)?;
        self.head = if self.at < self.buffer.len() {
            Some(self.number())
        } else {
            None
        };
        Ok(())
    }

    /// Calls `each(document, payload)` for the postings of `term`, if it comes next.
    pub(super) fn take(
        &mut self,
        term: u32,
        scratch: &impl Scratch,
        each: &mut impl FnMut(u32, &[u8]),
    ) -> Result<(), BuildError> {
        if self.head != Some(term) {
            return Ok(());
        }
        self.fill(16, scratch)?;
        let n = self.number();
        for _ in 0..n {
            self.fill(16, scratch)?;
            let document = self.number();
            let len = self.number() as usize;
            self.fill(len, scratch)?;
            each(document, &self.buffer[self.at..self.at + len]);
            self.at += len;
        }
        self.advance(scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryScratch;
    use super::*;

    #[test]
    fn a_run_gives_back_what_was_pushed_in_the_order_of_terms() {
        let mut scratch = MemoryScratch::default();
        scratch.append(b"something before").unwrap();
        let mut pending = Pending::default();
        let big = vec![7u8; READ_BYTES];
        pending.push(2, 5, b"e");
        pending.push(0, 1, &big);
        pending.push(2, 3, b"");
        // Term 2 sorts before term 0; term 1 has nothing.
        let run = pending.spill(&[2, 1, 0], &mut scratch).unwrap();
        let mut reader = RunReader::new(run, &scratch).unwrap();
        let mut got = Vec::new();
        for term in [2, 1, 0] {
            reader
                .take(term, &scratch, &mut |d, p| got.push((term, d, p.to_vec())))
                .unwrap();
        }
        assert_eq!(got, [(2, 3, vec![]), (2, 5, b"e".to_vec()), (0, 1, big)]);
    }
}
