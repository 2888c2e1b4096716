//! The tables, taken apart from their columns.
//!
//! A file is a sequence of columns, each its length in bytes and then that many. All numbers are
//! in groups of seven bits, lowest first; a signed one is doubled, and less one where it is
//! negative (0, −1, 1, −2, …).
//!
//! | column | content |
//! |---|---|
//! | codes | for each character with a decomposition: how many lie between it and the one before |
//! | kinds | its length × 4 + 2 if it is a compatible one + 1 if the pair composes again |
//! | first | first character, signed, less that of the entry before |
//! | second | second character where there is one, likewise |
//! | rest | further characters, signed, less the one before |
//! | marks | lengths of runs of characters that are not, and are, marks, by turns |
//! | classes | length of a run of characters and its combining class, by turns |
//! | lower | for each letter with a lower case: the distance from the one before; signed, how far its lower case is, less how far that of the one before is |
//!
//! A canonical decomposition is one character, or two of which the first may decompose further; a
//! compatible one is whole.

use super::character;
use std::sync::OnceLock;

/// Characters below have their mark bit in an array.
const N_BITS: u32 = 0x2_0000;

pub(super) struct Tables {
    /// Ascending; the entry of `codes[i]` is `parts[ends[i - 1]..ends[i]]`.
    codes: Vec<u32>,
    ends: Vec<u16>,
    is_compatible: Vec<bool>,
    parts: Vec<char>,
    /// Pairs and what they compose to, ascending.
    composites: Vec<(u32, u32, char)>,
    mark_bits: Vec<u64>,
    /// First and one past the last of each run, and its class; ascending.
    marks: Vec<(u32, u32)>,
    classes: Vec<(u32, u32, u8)>,
    /// A letter and how far its lower case is.
    lowers: Vec<(u32, u32)>,
}

/// The tables of all characters; the first call takes them apart.
///
/// Not inlined, since a module for pages is cut here: the core goes without this table.
#[inline(never)]
pub(super) fn full() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables::read(include_bytes!("tables.bin")))
}

/// Those of the characters that [`super::is_common`] names.
pub(super) fn common() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables::read(include_bytes!("common.bin")))
}

/// Numbers one after the other; zero when there is none left.
struct Column<'a>(&'a [u8]);

impl Column<'_> {
    fn next(&mut self) -> u32 {
        let (mut value, mut shift) = (0, 0);
        while let Some((&byte, rest)) = self.0.split_first() {
            self.0 = rest;
            value |= u32::from(byte & 127) << shift;
            shift = (shift + 7) & 31;
            if byte < 128 {
                break;
            }
        }
        value
    }

    fn signed(&mut self) -> u32 {
        let value = self.next();
        (value >> 1) ^ 0u32.wrapping_sub(value & 1)
    }

    fn column(&mut self) -> Self {
        let len = self.next() as usize;
        let (column, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        Column(column)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Tables {
    fn read(file: &[u8]) -> Self {
        let mut file = Column(file);
        let [
            mut codes,
            mut kinds,
            mut firsts,
            mut seconds,
            mut rests,
            mut marks,
            mut classes,
            mut lowers,
        ] = std::array::from_fn(|_| file.column());
        let mut tables = Self {
            codes: Vec::new(),
            ends: Vec::new(),
            is_compatible: Vec::new(),
            parts: Vec::new(),
            composites: Vec::new(),
            mark_bits: vec![0; N_BITS as usize / 64],
            marks: Vec::new(),
            classes: Vec::new(),
            lowers: Vec::new(),
        };
        let (mut code, mut first, mut second) = (0u32, 0u32, 0u32);
        while !kinds.is_empty() {
            code = code.wrapping_add(codes.next());
            let kind = kinds.next();
            first = first.wrapping_add(firsts.signed());
            tables.parts.push(character(first));
            if kind >= 8 {
                second = second.wrapping_add(seconds.signed());
                tables.parts.push(character(second));
                let mut part = second;
                for _ in 2..kind >> 2 {
                    part = part.wrapping_add(rests.signed());
                    tables.parts.push(character(part));
                }
            }
            if kind & 1 != 0 {
                tables.composites.push((first, second, character(code)));
            }
            tables.codes.push(code);
            tables.ends.push(tables.parts.len() as u16);
            tables.is_compatible.push(kind & 2 != 0);
            code += 1;
        }
        littoral_indexes::order::sort_by(&mut tables.composites, Ord::cmp);

        let mut at = 0;
        while !marks.is_empty() {
            let start = at + marks.next();
            at = start + marks.next();
            tables.marks.push((start, at));
            for code in start..at.min(N_BITS) {
                tables.mark_bits[code as usize / 64] |= 1 << (code % 64);
            }
        }
        let mut at = 0;
        while !classes.is_empty() {
            let start = at;
            at += classes.next();
            match classes.next() {
                0 => {}
                class => tables.classes.push((start, at, class as u8)),
            }
        }
        let (mut code, mut distance) = (0u32, 0u32);
        while !lowers.is_empty() {
            code += lowers.next();
            distance = distance.wrapping_add(lowers.signed());
            tables.lowers.push((code, distance));
        }
        tables
    }

    /// The decomposition of a character, and whether it is a compatible one.
    pub(super) fn mapping(&self, code: u32) -> Option<(&[char], bool)> {
        let i = self.codes.binary_search(&code).ok()?;
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        let parts = &self.parts[start as usize..self.ends[i] as usize];
        Some((parts, self.is_compatible[i]))
    }

    pub(super) fn composite(&self, first: u32, second: u32) -> Option<char> {
        let found = self
            .composites
            .binary_search_by_key(&(first, second), |&(a, b, _)| (a, b));
        found.ok().map(|i| self.composites[i].2)
    }

    #[inline]
    pub(super) fn is_mark(&self, code: u32) -> bool {
        if code < N_BITS {
            return self.mark_bits[code as usize / 64] >> (code % 64) & 1 != 0;
        }
        let after = self.marks.partition_point(|&(start, _)| start <= code);
        after > 0 && code < self.marks[after - 1].1
    }

    pub(super) fn class(&self, code: u32) -> u8 {
        let after = self.classes.partition_point(|&(start, _, _)| start <= code);
        match after.checked_sub(1).map(|i| self.classes[i]) {
            Some((_, end, class)) if code < end => class,
            _ => 0,
        }
    }

    pub(super) fn lower(&self, code: u32) -> u32 {
        match self.lowers.binary_search_by_key(&code, |&(from, _)| from) {
            Ok(i) => code.wrapping_add(self.lowers[i].1),
            Err(_) => code,
        }
    }
}
