//! Characters that carry no text: invisible ones are dropped, white space becomes a space.
//!
//! Tag characters and zero-width characters can hide instructions in text that a person never sees;
//! dropping them here keeps them out of vectors, passages and prompts alike.

/// What to do with a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Keep it.
    Keep,
    /// It separates words.
    Space,
    /// Leave it out.
    Drop,
}

/// Classifies a character of running text.
pub(super) fn class(c: char) -> Class {
    match c {
        '!'..='~' => Class::Keep,
        '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ' => Class::Space,
        // Control characters; soft hyphen, zero-width space, word joiner and invisible operators,
        // byte-order mark; variation selectors; tag characters.
        '\0'..='\x1f'
        | '\x7f'..='\u{84}'
        | '\u{86}'..='\u{9f}'
        | '\u{ad}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0000}'..='\u{e007f}'
        | '\u{e0100}'..='\u{e01ef}' => Class::Drop,
        c if c.is_whitespace() => Class::Space,
        _ => Class::Keep,
    }
}

/// Running text on one line: invisible characters dropped, white space single, ends trimmed.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        match class(c) {
            Class::Keep => {
                if space && !out.is_empty() {
                    out.push(' ');
                }
                space = false;
                out.push(c);
            }
            Class::Space => space = true,
            Class::Drop => {}
        }
    }
    out
}

/// The language tag in BCP 47 form, where `text` looks like one.
pub(super) fn lang(text: &str) -> Option<String> {
    let tag = text.trim().replace('_', "-");
    let primary = tag.split('-').next().unwrap_or_default();
    let fits = (2..=3).contains(&primary.len())
        && tag.len() <= 35
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_dropped_wherever_they_stand() {
        let mut hidden: Vec<char> = ('\u{e0000}'..='\u{e007f}').collect();
        hidden.extend('\u{fe00}'..='\u{fe0f}');
        hidden.extend(['\u{200b}', '\u{2060}', '\u{feff}', '\u{ad}', '\0', '\u{7f}']);
        for c in hidden {
            assert_eq!(
                line(&format!("{c}a{c}b {c} c{c}")),
                "ab c",
                "{:x}",
                c as u32
            );
        }
    }

    #[test]
    fn white_space_of_every_kind_becomes_one_space() {
        assert_eq!(line("\t a\u{a0}\u{2003}b\r\n\u{3000}c\u{2028}"), "a b c");
    }

    #[test]
    fn joiners_that_words_need_are_kept() {
        assert_eq!(line("می\u{200c}خواهم"), "می\u{200c}خواهم");
    }

    #[test]
    fn language_tags_are_normalised_or_refused() {
        assert_eq!(lang(" pt_BR "), Some("pt-BR".into()));
        assert_eq!(lang("english"), None);
        assert_eq!(lang("{{ site.lang }}"), None);
    }
}
