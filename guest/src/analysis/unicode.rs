//! What analysis needs of the Unicode character database: NFKC, NFD, marks, lower case.
//!
//! One implementation for all hosts, so that a query is normalised in a page as its index was when
//! it was built, whatever Unicode the page's browser knows. The tables are delta-coded in columns,
//! 28 kB that compress to 9, and are taken apart when they are first needed, in a fraction of a
//! millisecond; the usual crates' hash tables are 130 kB, 49 compressed, the larger half of what an
//! engine in a page weighs. Characters that texts in Latin letters have, [`is_common`], are looked up
//! in tables of their own, a small part of the whole, so that a page fetches the others only where it
//! meets them. `cargo run -p littoral-tests --example unicode-tables` writes them, and
//! `tests/tests/unicode.rs` holds every character against the crate `unicode-normalization`.
//!
//! Source: Unicode Standard Annex #15 (normalisation forms), and chapter 3.12 for Hangul.

mod tables;

use littoral_indexes::order::sort_by_key;
use tables::{Tables, common, full};

/// The first Hangul syllable; the letters of syllables, less one for the trailing ones.
const SYLLABLES: u32 = 0xAC00;
const LEADING: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
const TRAILING: u32 = 0x11A7;
const N_VOWELS: u32 = 21;
const N_TRAILING: u32 = 28;
const N_SYLLABLES: u32 = 19 * N_VOWELS * N_TRAILING;

/// Whether a character is in the small tables: Latin letters and their marks, punctuation, and symbols
/// as far as texts have them. What two of them compose to is one of them.
pub const fn is_common(code: u32) -> bool {
    matches!(
        code,
        0..0x370
            | 0x1E00..0x1F00
            | 0x2000..0x2070
            | 0x20A0..0x2150
            | 0x2190..0x2460
            | 0x2500..0x2A00
            | 0xFE00..0xFE10
            | 0x1F000..0x1FB00
    )
}

/// The tables that have `code`.
fn tables(code: u32) -> &'static Tables {
    if is_common(code) { common() } else { full() }
}

/// Below this, no character has a decomposition.
const FIRST_DECOMPOSED: u32 = 0xA0;

/// `text` in the normalisation form NFKC.
pub fn nfkc(text: &str) -> Vec<char> {
    let apart = apart(text.chars(), true);
    let mut out: Vec<char> = Vec::with_capacity(apart.len());
    let (mut starter, mut last_class) = (None, 0);
    for (class, c) in apart {
        if let Some(at) = starter {
            let adjacent = at + 1 == out.len();
            if (adjacent || last_class < class)
                && let Some(whole) = compose(out[at], c)
            {
                out[at] = whole;
                continue;
            }
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(c);
    }
    out
}

/// `text` in the normalisation form NFD.
pub fn nfd(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    apart(text, false).into_iter().map(|(_, c)| c)
}

/// The parts of every character with their classes, marks in the order of their classes, those of one
/// class as they were.
fn apart(text: impl Iterator<Item = char>, compatible: bool) -> Vec<(u8, char)> {
    let mut apart: Vec<(u8, char)> = Vec::new();
    for c in text {
        decompose(c, compatible, &mut |part| apart.push((class(part), part)));
    }
    let mut start = 0;
    while start < apart.len() {
        let n = apart[start..].iter().take_while(|part| part.0 > 0).count();
        let marks = &mut apart[start..start + n];
        if !marks.is_sorted_by_key(|part| part.0) {
            sort_by_key(marks, |part| part.0);
        }
        start += n + 1;
    }
    apart
}

/// Calls `each` with the characters of the full canonical decomposition of `c`.
pub fn canonical(c: char, each: &mut dyn FnMut(char)) {
    decompose(c, false, each);
}

/// Calls `each` with the characters of the full compatibility decomposition of `c`.
pub fn compatible(c: char, each: &mut dyn FnMut(char)) {
    decompose(c, true, each);
}

/// Whether `c` is a mark on the character before it (general category M).
#[inline]
pub fn is_mark(c: char) -> bool {
    u32::from(c) >= 0x300 && tables(u32::from(c)).is_mark(u32::from(c))
}

/// The lower-case letter of `c`, or `c`. İ, the one letter with two, gives its first, i.
pub fn lower(c: char) -> char {
    match c {
        '\0'..='\u{7F}' => c.to_ascii_lowercase(),
        'İ' => 'i',
        _ => character(tables(u32::from(c)).lower(u32::from(c))),
    }
}

fn decompose(c: char, compatible: bool, each: &mut dyn FnMut(char)) {
    let code = u32::from(c);
    if code < FIRST_DECOMPOSED {
        return each(c);
    }
    let syllable = code.wrapping_sub(SYLLABLES);
    if syllable < N_SYLLABLES {
        let of_vowel = syllable / N_TRAILING;
        each(character(LEADING + of_vowel / N_VOWELS));
        each(character(VOWELS + of_vowel % N_VOWELS));
        if syllable % N_TRAILING != 0 {
            each(character(TRAILING + syllable % N_TRAILING));
        }
        return;
    }
    match tables(code).mapping(code) {
        Some((parts, is_compatible)) if compatible || !is_compatible => {
            for &part in parts {
                decompose(part, compatible, each);
            }
        }
        _ => each(c),
    }
}

/// The canonical combining class.
fn class(c: char) -> u8 {
    if u32::from(c) < 0x300 {
        return 0;
    }
    tables(u32::from(c)).class(u32::from(c))
}

fn compose(a: char, b: char) -> Option<char> {
    let (first, second) = (u32::from(a), u32::from(b));
    let (leading, vowel) = (first.wrapping_sub(LEADING), second.wrapping_sub(VOWELS));
    if leading < 19 && vowel < N_VOWELS {
        return char::from_u32(SYLLABLES + (leading * N_VOWELS + vowel) * N_TRAILING);
    }
    let (syllable, trailing) = (first.wrapping_sub(SYLLABLES), second.wrapping_sub(TRAILING));
    if syllable < N_SYLLABLES && syllable % N_TRAILING == 0 && (1..N_TRAILING).contains(&trailing) {
        return char::from_u32(first + trailing);
    }
    let both = if is_common(first) { second } else { first };
    tables(both).composite(first, second)
}

fn character(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}
