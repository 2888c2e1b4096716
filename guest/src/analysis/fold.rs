//! Normalisation of one word: NFKC, lower case, then folding of what writers leave out.
//!
//! Two forms are made. [`lower`] keeps diacritics, for the stemmers are written for them (German
//! *Häuser* → *häus*, Spanish *canción*); [`fold`] is applied to its result and to the stem and
//! drops them, so *cafe* finds *café* and *Hauser* finds *Häuser*. Letters that are not a base with
//! a mark on it stay apart: Cyrillic й is not и, kana が is not か.

use super::unicode::{self, is_mark};

/// Appends `word` to `out`: NFKC, lower case with full folding (ß → ss, ς → σ), without format
/// characters, apostrophes, Arabic and Hebrew vowel marks and tatweel.
///
/// `dotless` is the casing of Turkic languages (I → ı).
pub(super) fn lower(word: &str, dotless: bool, out: &mut String) {
    for c in unicode::nfkc(word) {
        match c {
            'I' if dotless => out.push('ı'),
            'ß' | 'ẞ' => out.push_str("ss"),
            'ς' => out.push('σ'),
            'ё' | 'Ё' => out.push('е'),
            'A'..='Z' => out.push(c.to_ascii_lowercase()),
            'a'..='z' | '0'..='9' => out.push(c),
            '\u{591}'..='\u{5C7}'
            | '\u{640}'
            | '\u{64B}'..='\u{65F}'
            | '\u{670}'
            | '\u{6D6}'..='\u{6ED}' => {}
            _ if c.is_alphanumeric() || is_mark(c) => out.push(unicode::lower(c)),
            _ => {}
        }
    }
}

/// Appends `word`, which [`lower`] made, to `out` without diacritics.
pub(super) fn fold(word: &str, out: &mut String) {
    for c in word.chars() {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ð' | 'đ' => out.push('d'),
            'ł' => out.push('l'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            'ŧ' => out.push('t'),
            'ς' => out.push('σ'),
            'ё' | 'ѐ' => out.push('е'),
            'ѝ' => out.push('и'),
            'ى' | 'ی' => out.push('ي'),
            'ک' => out.push('ك'),
            'ة' => out.push('ه'),
            // Digits of other scripts.
            '\u{660}'..='\u{669}' => out.push(digit(c, 0x660)),
            '\u{6F0}'..='\u{6F9}' => out.push(digit(c, 0x6F0)),
            '\u{966}'..='\u{96F}' => out.push(digit(c, 0x966)),
            '\u{9E6}'..='\u{9EF}' => out.push(digit(c, 0x9E6)),
            // Marks left alone on a letter that has no composed form.
            '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' => {}
            // Latin, Greek and Arabic letters: the base without its marks.
            '\u{80}'..='\u{3FF}' | '\u{1E00}'..='\u{1FFF}' | '\u{622}'..='\u{626}' => {
                unicode::canonical(c, &mut |part| {
                    if !is_mark(part) {
                        out.push(part);
                    }
                });
            }
            _ => out.push(c),
        }
    }
}

fn digit(c: char, zero: u32) -> char {
    char::from(b'0' + (u32::from(c) - zero) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(word: &str) -> String {
        let (mut lowered, mut folded) = (String::new(), String::new());
        lower(word, false, &mut lowered);
        fold(&lowered, &mut folded);
        folded
    }

    #[test]
    fn forms_of_one_word_fold_together() {
        for (a, b) in [
            ("Café", "cafe"),
            ("Cafe\u{301}", "cafe"),
            ("STRASSE", "straße"),
            ("ΟΔΟΣ", "οδός"),
            ("ﬁne", "fine"),
            ("Ｐｙｔｈｏｎ", "python"),
            ("ﾃﾞｰﾀ", "データ"),
            ("Søren", "soren"),
            ("İstanbul", "istanbul"),
            ("ёлка", "елка"),
            ("أحمد", "احمد"),
            ("العَرَبِيَّة", "العربية"),
            ("٢٠٢٤", "2024"),
            ("co\u{AD}operate", "cooperate"),
            ("m²", "m2"),
            ("Việt", "viet"),
        ] {
            assert_eq!(both(a), both(b));
        }
    }

    #[test]
    fn letters_that_only_look_marked_stay_apart() {
        for (a, b) in [("май", "маи"), ("が", "か"), ("їжа", "іжа"), ("की", "क")]
        {
            assert_ne!(both(a), both(b));
        }
    }
}
