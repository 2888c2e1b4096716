//! Cuts text into compounds: one word, or several joined by `.`, `_`, `-`, `::`, `/` and the like.
//!
//! For words of spaced scripts the segments are those of UAX #29 (maximal runs of letters, digits,
//! their marks and format characters), except that what the standard keeps together around
//! `.`, `:` and `_` arrives as one compound of several segments. Runs of scripts written without
//! spaces and runs of Hangul are compounds of their own.

use super::unicode::is_mark;

/// Longest compound, in segments; the rest starts another.
pub(super) const MAX_SEGMENTS: usize = 16;

/// What a run of letters is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A script with spaces between words, and digits.
    Spaced,
    /// Hangul.
    Hangul,
    /// Han, kana, Thai, Lao, Khmer, Myanmar and others without spaces.
    Unspaced,
    /// An operator of programming languages that stands by itself; it has no segment.
    Operator,
}

/// One run of letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) ascii: bool,
    /// Has an upper-case letter after its first character.
    pub(super) inner_upper: bool,
    pub(super) apostrophe: bool,
    /// How tightly it is joined to the segment before: 1 `_` `-`, 2 `.` `:` and others, 3 `/`.
    pub(super) joint: u8,
}

/// A word, or words and the marks that join them.
#[derive(Debug)]
pub(super) struct Compound {
    pub(super) class: Class,
    /// First byte, a leading `--`, `#`, `@`, `.` … included.
    pub(super) start: usize,
    /// One past the last byte, a trailing `++`, `#`, `_` included.
    pub(super) end: usize,
    pub(super) segments: Vec<Segment>,
    /// The element name where the compound stands in `<name>`: the byte of `<` and where the tag or
    /// its name ends.
    pub(super) tag: Option<(usize, usize)>,
}

/// Calls `each` with the compounds of `text` in order.
pub(super) fn compounds(text: &str, compound: &mut Compound, mut each: impl FnMut(&Compound)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut after_word = false;
    let mut tag = None;
    while at < bytes.len() {
        let byte = bytes[at];
        let class = if byte < 0x80 {
            match KIND[byte as usize] {
                SEPARATOR | APOSTROPHE => {
                    after_word = matches!(byte, b')' | b']' | b'}');
                    at += 1;
                    continue;
                }
                OPERATOR => {
                    if let Some(len) = operator(bytes, at) {
                        emit_operator(at, len, compound, &mut each);
                        at += len;
                        after_word = false;
                        continue;
                    }
                    if byte == b'<' && !after_word {
                        tag = element(bytes, at);
                    }
                    after_word = matches!(byte, b')' | b']' | b'}');
                    at += 1;
                    continue;
                }
                SIGIL => {
                    if let Some(len) = operator(bytes, at) {
                        emit_operator(at, len, compound, &mut each);
                        at += len;
                        after_word = false;
                        continue;
                    }
                    let run = bytes[at..].iter().take_while(|&&b| b == byte).count();
                    let next = at + run;
                    let longest = match byte {
                        b'_' => usize::MAX,
                        b'-' | b':' => 2,
                        _ => 1,
                    };
                    let quoted = at > 0 && matches!(bytes[at - 1], b'"' | b'\'');
                    if !after_word
                        && run <= longest
                        && !(byte == b':' && quoted)
                        && class_at(text, next).is_some_and(|(c, _)| c == Class::Spaced)
                    {
                        compound.start = at;
                        at = word(text, next, compound);
                        compound.tag = tag.take();
                        each(compound);
                        after_word = true;
                    } else {
                        at = next;
                        after_word = false;
                    }
                    continue;
                }
                _ => Class::Spaced,
            }
        } else {
            let Some((class, len)) = class_at(text, at) else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                after_word = false;
                continue;
            };
            if class != Class::Spaced {
                let (end, ascii) = (run_end(text, at + len, class), false);
                compound.class = class;
                compound.start = at;
                compound.end = end;
                compound.tag = None;
                compound.segments.clear();
                compound.segments.push(Segment {
                    start: at,
                    end,
                    ascii,
                    inner_upper: false,
                    apostrophe: false,
                    joint: 0,
                });
                each(compound);
                at = end;
                after_word = false;
                continue;
            }
            class
        };
        debug_assert_eq!(class, Class::Spaced);
        compound.start = at;
        at = word(text, at, compound);
        compound.tag = tag.take();
        each(compound);
        after_word = true;
    }
}

fn emit_operator(at: usize, len: usize, compound: &mut Compound, each: &mut impl FnMut(&Compound)) {
    compound.class = Class::Operator;
    compound.start = at;
    compound.end = at + len;
    compound.tag = None;
    compound.segments.clear();
    each(compound);
}

/// Length of the operator at `at`, where white space, brackets or quotation marks are around it.
fn operator(bytes: &[u8], at: usize) -> Option<usize> {
    let around = |b: &u8| b.is_ascii_whitespace() || b"()[]{}`'\",;".contains(b);
    if at > 0 && !around(&bytes[at - 1]) {
        return None;
    }
    let len = bytes[at..]
        .iter()
        .take(5)
        .take_while(|b| b"=!<>&|?*+-/%^~.:".contains(b))
        .count();
    let known = OPERATORS.contains(&bytes.get(at..at + len)?);
    (known && bytes.get(at + len).is_none_or(around)).then_some(len)
}

/// Operators that people look up. Single marks and what prose and comments use (`--`, `//`) are not
/// among them.
const OPERATORS: [&[u8]; 34] = [
    b"=>", b"->", b"==", b"===", b"!=", b"!==", b"<=", b">=", b"<=>", b"&&", b"||", b"??", b"?.",
    b"++", b"+=", b"-=", b"*=", b"/=", b"%=", b"**", b"<<", b">>", b">>>", b"::", b"...", b"..=",
    b"!!", b"|>", b"=~", b":=", b"&&=", b"||=", b"??=", b"**=",
];

/// Reads segments and joints from `at`, which is at a letter or digit; returns where it stopped.
fn word(text: &str, at: usize, compound: &mut Compound) -> usize {
    let bytes = text.as_bytes();
    compound.class = Class::Spaced;
    compound.segments.clear();
    let mut at = at;
    let mut joint = 0;
    loop {
        let segment = segment(text, at, joint);
        at = segment.end;
        compound.segments.push(segment);
        compound.end = at;
        if compound.segments.len() == MAX_SEGMENTS {
            return at;
        }
        let Some((len, tightness)) = joiner(text, at, segment) else {
            break;
        };
        at += len;
        joint = tightness;
    }
    // A suffix: `C++`, `C#`, `__init__`.
    let rest = &bytes[at..];
    let single =
        compound.segments.len() == 1 && compound.segments[0].end - compound.segments[0].start == 1;
    let suffix = if rest.starts_with(b"++") {
        2
    } else if single && rest.first() == Some(&b'#') {
        1
    } else {
        rest.iter().take_while(|&&b| b == b'_').count()
    };
    if suffix > 0 && rest.get(suffix) != Some(&b'+') && class_at(text, at + suffix).is_none() {
        at += suffix;
        compound.end = at;
    }
    at
}

fn segment(text: &str, start: usize, joint: u8) -> Segment {
    let bytes = text.as_bytes();
    let mut segment = Segment {
        start,
        end: start,
        ascii: true,
        inner_upper: false,
        apostrophe: false,
        joint,
    };
    let mut at = start;
    loop {
        match bytes.get(at) {
            None => break,
            Some(&byte) if byte < 0x80 => match KIND[byte as usize] {
                LOWER => at += 1,
                UPPER => {
                    segment.inner_upper |= at > start;
                    at += 1;
                }
                APOSTROPHE => match apostrophe(text, at, segment) {
                    Some(len) => {
                        segment.apostrophe = true;
                        at += len;
                    }
                    None => break,
                },
                _ => break,
            },
            Some(_) => {
                let c = char_at(text, at);
                if class_of(c) == Some(Class::Spaced) || extends(c) {
                    segment.ascii = false;
                    at += c.len_utf8();
                } else if let Some(len) = apostrophe(text, at, segment) {
                    segment.apostrophe = true;
                    segment.ascii = false;
                    at += len;
                } else {
                    break;
                }
            }
        }
        segment.end = at;
    }
    segment
}

/// Length of the apostrophe at `at` where it stands between two letters.
fn apostrophe(text: &str, at: usize, segment: Segment) -> Option<usize> {
    let c = char_at(text, at);
    let before = text[segment.start..at].chars().next_back()?;
    let is_one = matches!(
        c,
        '\'' | '\u{2019}' | '\u{2BC}' | '\u{FF07}' | '\u{B7}' | '\u{5F3}' | '\u{5F4}'
    );
    let next = text[at + c.len_utf8()..].chars().next()?;
    (is_one
        && before.is_alphabetic()
        && next.is_alphabetic()
        && class_of(next) == Some(Class::Spaced))
    .then_some(c.len_utf8())
}

/// Length and tightness of what joins the segment that ends at `at` to a following one.
fn joiner(text: &str, at: usize, before: Segment) -> Option<(usize, u8)> {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    let (len, tightness) = match *rest.first()? {
        b'_' => (rest.iter().take_while(|&&b| b == b'_').count(), 1),
        b'-' if rest.get(1) == Some(&b'>') => (2, 2),
        b'-' => (1, 1),
        b'.' if rest.starts_with(b"...") => (3, 2),

        b':' if rest.starts_with(b"://") => (3, 3),
        b':' if rest.starts_with(b"::") => (2, 2),
        b'.' | b'@' | b'#' | b':' => (1, 2),
        b'/' => (1, 3),
        b'&' if before.end - before.start <= 3 => (1, 1),
        b'+' if bytes[before.end - 1].is_ascii_alphabetic()
            && rest.get(1).is_some_and(u8::is_ascii_alphabetic) =>
        {
            (1, 1)
        }
        b',' => {
            let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            let grouped = text[before.start..before.end]
                .bytes()
                .all(|b| b.is_ascii_digit());
            return (digits == 3 && grouped && before.end - before.start <= 3).then_some((1, 1));
        }
        // Hyphens of typographers.
        0xE2 if rest.starts_with("\u{2010}".as_bytes())
            || rest.starts_with("\u{2011}".as_bytes()) =>
        {
            (3, 1)
        }
        _ => return None,
    };
    (class_at(text, at + len)?.0 == Class::Spaced).then_some((len, tightness))
}

/// End of the element name or tag that opens with the `<` at `at`: `<name>`, `<name/>`,
/// `<name attribute`.
fn element(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let name = &bytes[at + 1..];
    if !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    let len = name
        .iter()
        .take(40)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_'))
        .count();
    let end = at + 1 + len;
    match *bytes.get(end)? {
        b'>' => Some((at, end + 1)),
        b'/' if bytes.get(end + 1) == Some(&b'>') => Some((at, end + 2)),
        b' ' | b'\n' if bytes.get(end + 1).is_some_and(u8::is_ascii_alphabetic) => Some((at, end)),
        _ => None,
    }
}

/// End of the run of `class` that goes on at `at`.
fn run_end(text: &str, at: usize, class: Class) -> usize {
    let mut end = at;
    for c in text[at..].chars() {
        if class_of(c) != Some(class) && !extends(c) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

fn char_at(text: &str, at: usize) -> char {
    text[at..].chars().next().unwrap_or('\0')
}

/// Class and length of the letter or digit at `at`.
fn class_at(text: &str, at: usize) -> Option<(Class, usize)> {
    let byte = *text.as_bytes().get(at)?;
    if byte < 0x80 {
        return matches!(KIND[byte as usize], LOWER | UPPER).then_some((Class::Spaced, 1));
    }
    let c = char_at(text, at);
    class_of(c).map(|class| (class, c.len_utf8()))
}

/// Whether `c` belongs to the letter before it: a mark, or a character that is not seen.
pub(crate) fn extends(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{200C}' | '\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{FF9E}' | '\u{FF9F}'
    ) || is_mark(c)
}

/// The class of a letter or digit; `None` for everything else.
pub(super) fn class_of(c: char) -> Option<Class> {
    match u32::from(c) {
        0..0x80 => c.is_ascii_alphanumeric().then_some(Class::Spaced),
        0x1100..=0x11FF
        | 0x3131..=0x318E
        | 0xA960..=0xA97C
        | 0xAC00..=0xD7A3
        | 0xD7B0..=0xD7FB
        | 0xFFA0..=0xFFDC => c.is_alphanumeric().then_some(Class::Hangul),
        0x0E00..=0x0EFF
        | 0x1000..=0x109F
        | 0x1780..=0x17FF
        | 0x1950..=0x19DF
        | 0x1A20..=0x1AAF
        | 0x1B00..=0x1B7F
        | 0x2E80..=0x2FDF
        | 0x3005..=0x3007
        | 0x3021..=0x3029
        | 0x3031..=0x312F
        | 0x31A0..=0x31BF
        | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xA980..=0xA9FF
        | 0xAA60..=0xAA7F
        | 0xF900..=0xFAFF
        | 0xFF66..=0xFF9F
        | 0x1B000..=0x1B16F
        | 0x20000..=0x3FFFF => c.is_alphanumeric().then_some(Class::Unspaced),
        _ => c.is_alphanumeric().then_some(Class::Spaced),
    }
}

const SEPARATOR: u8 = 0;
/// Lower-case letters and digits.
const LOWER: u8 = 1;
const UPPER: u8 = 2;
/// May stand before a word and be part of what it names.
const SIGIL: u8 = 3;
const APOSTROPHE: u8 = 4;
/// May begin an operator or a tag; else it separates.
const OPERATOR: u8 = 5;

static KIND: [u8; 128] = {
    let mut kind = [SEPARATOR; 128];
    let mut byte = 0;
    while byte < 128 {
        kind[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'-' | b'#' | b'@' | b'$' | b'.' | b':' | b'_' => SIGIL,
            b'\'' => APOSTROPHE,
            b'=' | b'!' | b'<' | b'>' | b'&' | b'|' | b'?' | b'*' | b'+' | b'/' | b'%' => OPERATOR,
            _ => SEPARATOR,
        };
        byte += 1;
    }
    kind
};
