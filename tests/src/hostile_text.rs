//! Texts that tokenizers stumble over: control characters, marks without a base, ideographs, tokens
//! spelt out, and every kind of white space.

use crate::random::Random;

/// Written ones.
pub const WRITTEN: [&str; 11] = [
    "",
    " \t\r\n\u{b}\u{c}\u{85}\u{a0}\u{1680}\u{2028}\u{3000}",
    "unaffable TIDES ##ing ####",
    "[CLS] a [SEP][MASK] [mask] [[SEP] [UNK]]",
    "e\u{301}e\u{323}\u{301}\u{301}\u{302E}a\u{1D165}\u{300} o\u{304}\u{328}",
    "İstanbul ΌΣΟΣ ẞ ﬁ Ⅷ ½",
    "中文tide文\u{2F800}\u{20000}",
    "a\0b\u{FFFD}c\u{AD}d\u{200D}e\u{E000}f\u{FEFF}",
    "\u{37E}\u{1FEF}\u{2260}\u{387}",
    "한국어 각 \u{1100}\u{1161}\u{11A8}",
    "👩‍👩‍👧‍👦 🏴\u{E0067}\u{E007F}",
];

/// A drawn one, of up to 40 pieces.
pub fn drawn(random: &mut Random) -> String {
    let n = random.below(40);
    let mut text = String::new();
    for _ in 0..n {
        match random.below(6) {
            0 => text.push(char::from(random.below(128) as u8)),
            1 => text.extend(char::from_u32(0x300 + random.below(0x70) as u32)),
            2 => text.extend(char::from_u32(random.below(0x3000) as u32)),
            3 => text.push_str(["[SEP]", " ", "the", "un", "##", "["][random.below(6)]),
            4 => text.push(char::from(b'a' + random.below(26) as u8)),
            _ => text.extend(char::from_u32(random.below(0x11_0000) as u32)),
        }
    }
    text
}
