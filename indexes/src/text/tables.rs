//! The logistic function and its inverse in fixed point, computed, not shipped.

/// `1 / (1 + e^-x)` at x = -8 ..= 8 in steps of a half, times 4096.
const SQUASH: [i32; 33] = [
    1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348,
    3607, 3785, 3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
];

/// The logistic function: `x` in 1/256, the result in 1/4096.
#[inline]
fn squash(x: i32) -> u32 {
    let x = x.clamp(-2047, 2047) + 2048;
    let (i, rest) = ((x >> 7) as usize, x & 127);
    ((SQUASH[i] * (128 - rest) + SQUASH[i + 1] * rest + 64) >> 7) as u32
}

/// The inverse of [`squash`].
pub(super) struct Tables {
    stretch: Box<[i16; 4096]>,
    squash: Box<[u16; 4096]>,
}

impl Tables {
    pub(super) fn new() -> Self {
        let mut stretch = Box::new([2047i16; 4096]);
        let mut from = 0usize;
        for x in -2047..=2047 {
            let to = squash(x) as usize;
            if to >= from {
                stretch[from..=to].fill(x as i16);
                from = to + 1;
            }
        }
        let mut squashed = Box::new([1u16; 4096]);
        for (x, p) in (-2048..2048).zip(squashed.iter_mut()) {
            *p = squash(x).clamp(1, 4095) as u16;
        }
        Self {
            stretch,
            squash: squashed,
        }
    }

    #[inline]
    pub(super) fn stretch(&self, p: u16) -> i32 {
        i32::from(self.stretch[usize::from(p >> 4)])
    }

    #[inline]
    pub(super) fn squash(&self, x: i32) -> u32 {
        u32::from(self.squash[(x.clamp(-2047, 2047) + 2048) as usize])
    }
}
