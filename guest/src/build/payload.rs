//! The raw postings of one term in one document, as a compact string of bytes between preparing and
//! merging.
//!
//! `title count [mask] [level]`, number of chunks, then for each chunk: its distance from the one
//! before, `heading count [mask]`, `body count [mask]`. Counts and masks are single bytes, a mask is
//! there where the count is not zero. The level is that in the document's expansion; a bit of the
//! title's count tells that it is there.

/// Set in the count of the title where a level follows.
const EXPANDED: u8 = 0x80;

/// How often, and at which positions modulo 8, a term stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Occurrences {
    pub(super) count: u8,
    pub(super) mask: u8,
}

impl Occurrences {
    pub(super) fn add(&mut self, position: u32) {
        self.count = self.count.saturating_add(1);
        self.mask |= 1 << (position % littoral_indexes::postings::RESIDUES);
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(self.count);
        if self.count > 0 {
            out.push(self.mask);
        }
    }

    fn read(bytes: &mut &[u8]) -> Self {
        let count = take(bytes);
        let mask = if count > 0 { take(bytes) } else { 0 };
        Self { count, mask }
    }
}

/// A chunk that holds the term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChunkOccurrences {
    pub(super) chunk: u32,
    pub(super) headings: Occurrences,
    pub(super) body: Occurrences,
}

/// The raw postings of one term in one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Payload {
    pub(super) title: Occurrences,
    /// Level in the document's expansion.
    pub(super) expansion: Option<u8>,
    pub(super) chunks: Vec<ChunkOccurrences>,
}

impl Payload {
    pub(super) fn clear(&mut self) {
        self.title = Occurrences::default();
        self.expansion = None;
        self.chunks.clear();
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        Occurrences {
            count: self.title.count.min(EXPANDED - 1),
            ..self.title
        }
        .write(out);
        if let Some(level) = self.expansion {
            out[start] |= EXPANDED;
            out.push(level);
        }
        number(out, self.chunks.len() as u32);
        let mut next = 0;
        for chunk in &self.chunks {
            number(out, chunk.chunk - next);
            next = chunk.chunk;
            chunk.headings.write(out);
            chunk.body.write(out);
        }
    }

    /// Whether the expansion of the document of a payload in `bytes` has the term, and how many of its
    /// chunks do.
    pub(super) fn counts(mut bytes: &[u8]) -> (bool, u32) {
        let mut document = Self::default();
        let n_chunks = document.read_document(&mut bytes);
        (document.expansion.is_some(), n_chunks)
    }

    /// Reads what stands in front of the chunks; returns how many there are.
    fn read_document(&mut self, bytes: &mut &[u8]) -> u32 {
        let count = take(bytes);
        self.title.count = count & !EXPANDED;
        self.title.mask = if self.title.count > 0 { take(bytes) } else { 0 };
        self.expansion = (count & EXPANDED != 0).then(|| take(bytes));
        take_number(bytes)
    }

    /// Reads into `self` what [`Self::write`] wrote. The bytes are our own: they never left the
    /// builder.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        self.clear();
        let n = self.read_document(&mut bytes);
        let mut chunk = 0;
        for _ in 0..n {
            chunk += take_number(&mut bytes);
            let headings = Occurrences::read(&mut bytes);
            let body = Occurrences::read(&mut bytes);
            self.chunks.push(ChunkOccurrences {
                chunk,
                headings,
                body,
            });
        }
    }
}

fn take(bytes: &mut &[u8]) -> u8 {
    bytes.split_off_first().copied().unwrap_or(0)
}

pub(super) fn number(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take_number(bytes: &mut &[u8]) -> u32 {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = take(bytes);
        value |= u32::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_as_written() {
        let mut payload = Payload {
            expansion: Some(7),
            ..Payload::default()
        };
        payload.title.add(3);
        for chunk in [0, 1, 300] {
            let mut occurrences = ChunkOccurrences {
                chunk,
                ..ChunkOccurrences::default()
            };
            occurrences.body.add(17);
            occurrences.body.add(2);
            payload.chunks.push(occurrences);
        }
        let mut bytes = Vec::new();
        payload.write(&mut bytes);
        let mut read = Payload::default();
        read.read(&bytes);
        assert_eq!(read, payload);
        assert_eq!(Payload::counts(&bytes), (true, 3));
        assert_eq!(
            read.chunks[0].body,
            Occurrences {
                count: 2,
                mask: 0b110
            }
        );
    }
}
