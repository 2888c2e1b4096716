//! Writes the tables of `guest/src/analysis/unicode`, from the crate `unicode-normalization` and
//! the standard library. Their layout is told in `tables.rs` there.

use unicode_normalization::char::{
    canonical_combining_class, compose, decompose_canonical, decompose_compatible,
    is_combining_mark,
};

/// Every character.
pub fn characters() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

/// The characters of a full decomposition.
pub fn decomposed(c: char, compatible: bool) -> Vec<char> {
    let mut parts = Vec::new();
    if compatible {
        decompose_compatible(c, |part| parts.push(part));
    } else {
        decompose_canonical(c, |part| parts.push(part));
    }
    parts
}

/// The bytes of the tables of the characters that `has` names.
pub fn tables(has: impl Fn(char) -> bool) -> Vec<u8> {
    let mut columns: [Vec<u8>; 8] = Default::default();
    mappings(&mut columns, &has);
    let is_mark = |c| u32::from(has(c) && is_combining_mark(c));
    runs(&mut columns[5], is_mark, |_| None);
    let class = |c| u32::from(canonical_combining_class(c)) * u32::from(has(c));
    runs(&mut columns[6], class, Some);
    let (mut before, mut distance) = (0, 0);
    for c in characters().filter(|&c| c != 'İ' && has(c)) {
        let lower = c.to_lowercase().next().unwrap_or(c);
        if lower != c {
            number(&mut columns[7], u32::from(c) - before);
            before = u32::from(c);
            let this = i64::from(u32::from(lower)) - i64::from(before);
            signed(&mut columns[7], this - distance);
            distance = this;
        }
    }
    let mut file = Vec::new();
    for column in columns {
        number(&mut file, column.len() as u32);
        file.extend(column);
    }
    file
}

fn mappings(columns: &mut [Vec<u8>; 8], has: impl Fn(char) -> bool) {
    let (mut next, mut first, mut second) = (0, 0, 0);
    for c in characters().filter(|&c| !('가'..='힣').contains(&c) && has(c)) {
        let (mut parts, compatible) = (decomposed(c, false), decomposed(c, true));
        let is_compatible = parts == [c];
        if compatible == [c] {
            continue;
        }
        if is_compatible {
            parts = compatible;
        }
        let mut composes = false;
        if !is_compatible && parts.len() > 1 {
            let last = parts.pop().unwrap_or_default();
            // The part before the last mark is itself a character, where it composes to one.
            let whole = parts[1..]
                .iter()
                .try_fold(parts[0], |whole, &part| compose(whole, part));
            if let Some(whole) = whole {
                parts = vec![whole];
            }
            composes = parts.len() == 1 && compose(parts[0], last) == Some(c);
            parts.push(last);
        }
        let code = u32::from(c);
        number(&mut columns[0], code - next);
        next = code + 1;
        let kind = parts.len() as u32 * 4 + u32::from(is_compatible) * 2 + u32::from(composes);
        number(&mut columns[1], kind);
        let mut before = 0;
        for (i, &part) in parts.iter().enumerate() {
            let part = i64::from(u32::from(part));
            let base = match i {
                0 => &mut first,
                1 => &mut second,
                _ => &mut before,
            };
            signed(&mut columns[2 + i.min(2)], part - *base);
            *base = part;
            before = part;
        }
    }
}

/// Lengths of runs of characters with one value, each followed by what `also` says of the value.
/// A last run of zero is left out.
fn runs(column: &mut Vec<u8>, value: impl Fn(char) -> u32, also: impl Fn(u32) -> Option<u32>) {
    let (mut start, mut current) = (0, 0);
    for c in characters() {
        if value(c) != current {
            number(column, u32::from(c) - start);
            if let Some(more) = also(current) {
                number(column, more);
            }
            (start, current) = (u32::from(c), value(c));
        }
    }
}

fn number(column: &mut Vec<u8>, mut value: u32) {
    while value >= 128 {
        column.push(value as u8 | 128);
        value >>= 7;
    }
    column.push(value as u8);
}

fn signed(column: &mut Vec<u8>, value: i64) {
    number(column, ((value << 1) ^ (value >> 63)) as u32);
}
