//! The state of coding one block, step by step, the same for writer and reader.

use super::coders::{Coder, bit};
use super::literals::{Before, Literals};
use super::parse::Step;
use super::steps::{MIN_MATCH, MIN_REPEAT, Steps, far_context, place_bits};
use super::tables::Tables;

/// All that is learned.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) literals: Literals,
    pub(super) steps: Steps,
}

impl Model {
    /// Before anything was seen.
    pub(super) fn new() -> Self {
        Self {
            literals: Literals::new(),
            steps: Steps::new(),
        }
    }

    /// Learns every byte of `dictionary` as a literal, through `coder`; calls `each` after each.
    pub(super) fn prime<C: Coder>(
        &mut self,
        tables: &Tables,
        dictionary: &[u8],
        coder: &mut C,
        mut each: impl FnMut(&mut C, usize),
    ) {
        let mut trail = Trail::default();
        for (i, &byte) in dictionary.iter().enumerate() {
            self.literals.code(tables, coder, trail.before(0), byte);
            trail.push(byte);
            each(coder, i);
        }
    }
}

/// What literals need to know of the text behind them.
#[derive(Clone, Copy, Default)]
struct Trail {
    last: u32,
    word: u32,
}

impl Trail {
    #[inline]
    fn push(&mut self, byte: u8) {
        self.last = self.last << 8 | u32::from(byte);
        self.word = if byte.is_ascii_alphanumeric() || byte >= 128 {
            (self.word.wrapping_add(u32::from(byte) + 1)).wrapping_mul(0x2F0B_4C47)
        } else {
            0
        };
    }

    #[inline]
    fn before(self, expected: u32) -> Before {
        Before {
            last: self.last,
            word: self.word,
            expected,
        }
    }
}

/// Bytes of dictionary read to start a trail: longer than any word that matters.
const TRAIL: usize = 32;

/// A model on its way through a block.
pub(super) struct Walk<'a> {
    tables: &'a Tables,
    model: Model,
    /// Bytes of dictionary in front of the window.
    start: usize,
    trail: Trail,
    /// Literals since the last match, at most 3.
    pub(super) run: usize,
    /// The last two distances, the latest first.
    pub(super) repeats: [u32; 2],
}

impl<'a> Walk<'a> {
    /// Stands at the end of `dictionary`.
    pub(super) fn new(tables: &'a Tables, model: Model, dictionary: &[u8]) -> Self {
        let mut walk = Self {
            tables,
            model,
            start: dictionary.len(),
            trail: Trail::default(),
            run: 3,
            repeats: [1; 2],
        };
        walk.push(&dictionary[dictionary.len().saturating_sub(TRAIL)..]);
        walk
    }

    /// Moves past `bytes`, which the last step wrote.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.trail.push(byte);
        }
    }

    /// Codes a step after `window` and, for a literal, its byte; a reader's are ignored.
    ///
    /// A distance read may be larger than the window: that is for the reader to check.
    pub(super) fn step<C: Coder>(
        &mut self,
        coder: &mut C,
        window: &[u8],
        step: Step,
        byte: u8,
    ) -> (Step, u8) {
        let run = self.run;
        let steps = &mut self.model.steps;
        let flag = &mut steps.is_match[run][class(self.trail.last as u8)];
        if !bit(coder, flag, !matches!(step, Step::Literal)) {
            let before = self.trail.before(self.expected(window));
            let literals = &mut self.model.literals;
            let byte = literals.code(self.tables, coder, before, byte);
            self.run = (run + 1).min(3);
            return (Step::Literal, byte);
        }
        self.run = 0;
        let is_repeat = matches!(step, Step::Repeat { .. });
        if bit(coder, &mut steps.is_repeat[run], is_repeat) {
            let is_older = matches!(step, Step::Repeat { which: 1, .. });
            let is_older = bit(coder, &mut steps.is_repeat1[run], is_older);
            if is_older {
                self.repeats.swap(0, 1);
            }
            let extra = (step.length() as u32).wrapping_sub(MIN_REPEAT as u32);
            let length = steps.length[1].code(coder, extra) + MIN_REPEAT as u32;
            let which = u32::from(is_older);
            return (Step::Repeat { which, length }, 0);
        }
        let distance = match step {
            Step::Match { distance, .. } => distance,
            _ => 1,
        };
        let extra = (step.length() as u32).wrapping_sub(MIN_MATCH as u32);
        let extra = steps.length[0].code(coder, extra);
        let written = (window.len() - self.start) as u32;
        let far = &mut steps.is_far[far_context(written)];
        let distance = if self.start > 0 && bit(coder, far, distance > written) {
            // Counted from the end of the dictionary.
            let place = distance.wrapping_sub(written + 1);
            steps.place(coder, place_bits(self.start), place) + written + 1
        } else {
            steps.distance(coder, extra, distance - 1).saturating_add(1)
        };
        self.repeats = [distance, self.repeats[0]];
        let length = extra + MIN_MATCH as u32;
        (Step::Match { length, distance }, 0)
    }

    /// Directly after a match, the byte that would have continued it, plus 256; else 0.
    #[inline]
    fn expected(&self, window: &[u8]) -> u32 {
        match window.len().checked_sub(self.repeats[0] as usize) {
            Some(i) if self.run == 0 => 256 + u32::from(window[i]),
            _ => 0,
        }
    }
}

/// Whether words, their starts, or something else follows `byte`.
#[inline]
fn class(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        b' ' | b'\n' => 1,
        128.. => 2,
        _ => 3,
    }
}
