//! Text alone: what a terminal or a page would obey is taken out.

/// How much was taken out that a reader would have been led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Addresses, images and tags.
    pub(super) n: u32,
}

/// Schemes whose addresses have no `//`.
const SCHEMES: [&str; 4] = ["mailto:", "javascript:", "data:", "www."];

/// Longest tag in bytes.
const MAX_TAG_BYTES: usize = 4096;

/// `text` without control characters, escape sequences and invisible or direction-changing
/// characters; white space as single spaces.
///
/// Source: ECMA-48, sections 5.4 (control sequences) and 5.6 (control strings); Unicode Technical
/// Standard #39 for the invisible ones.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => skip_sequence(&mut chars),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut chars),
                _ => {}
            },
            '\u{9b}' => skip_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') && !out.is_empty() {
                    out.push(' ');
                }
            }
            c if c.is_control() || is_hidden(c) => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters that nobody sees, or that make others stand elsewhere.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

fn skip_sequence(chars: &mut impl Iterator<Item = char>) {
    for c in chars {
        if ('@'..='~').contains(&c) {
            return;
        }
    }
}

fn skip_string(chars: &mut std::iter::Peekable<impl Iterator<Item = char>>) {
    while let Some(c) = chars.next() {
        if c == '\u{7}' || c == '\u{9c}' {
            return;
        }
        if c == '\u{1b}' {
            chars.next_if_eq(&'\\');
            return;
        }
    }
}

/// `text` without tags and images, and with the words of links alone.
pub(super) fn without_links(text: &str, removed: &mut Removed) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let bytes = match c {
            '!' if rest[1..].starts_with('[') => image(&rest[1..]).map(|bytes| bytes + 1),
            '[' => match link(rest) {
                Some((words, bytes)) => {
                    out.push_str(words);
                    Some(bytes)
                }
                None => None,
            },
            '<' => tag(rest, out.ends_with(char::is_alphanumeric)),
            _ => None,
        };
        if let Some(bytes) = bytes {
            removed.n += 1;
            rest = &rest[bytes..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Bytes of `[alt](address)` or `[alt][name]`.
fn image(text: &str) -> Option<usize> {
    let end = text.find(']')? + 1;
    let close = match text[end..].chars().next()? {
        '(' => ')',
        '[' => ']',
        _ => return None,
    };
    // An address that does not end is none that could be followed, and goes too.
    Some(
        text[end..]
            .find(close)
            .map_or(text.len(), |at| end + at + 1),
    )
}

/// The words of `[words](address)`, with their brackets where they are a citation, and the bytes of
/// the whole.
fn link(text: &str) -> Option<(&str, usize)> {
    let end = text.find(']')? + 1;
    let words = &text[1..end - 1];
    if words.contains('[') || !text[end..].starts_with('(') {
        return None;
    }
    let bytes = text[end..].find(')').map_or(text.len(), |at| end + at + 1);
    let is_citation = words.chars().all(|c| c.is_ascii_digit());
    Some((if is_citation { &text[..end] } else { words }, bytes))
}

/// Bytes of a tag. What follows a letter at once and has neither space nor slash is `Vec<u8>`.
fn tag(text: &str, follows_letter: bool) -> Option<usize> {
    let mut chars = text[1..].chars();
    let first = chars.next()?;
    if !(first.is_ascii_alphabetic() || matches!(first, '/' | '!' | '?')) {
        return None;
    }
    let end = text
        .as_bytes()
        .iter()
        .take(MAX_TAG_BYTES)
        .position(|&b| b == b'>');
    let Some(end) = end else {
        // A browser takes a tag that does not end to go on.
        return (!follows_letter).then_some(text.len());
    };
    let inner = &text[1..end];
    let is_type = follows_letter && !inner.contains([' ', '/', '=', ':']);
    (!is_type).then_some(end + 1)
}

/// `text` without addresses other than `allowed`, of which the fragment does not matter.
pub(super) fn without_addresses(text: &str, allowed: &[&str], removed: &mut Removed) -> String {
    let page = |address: &str| address.split('#').next().unwrap_or("").to_owned();
    let allowed: Vec<String> = allowed.iter().map(|address| page(address)).collect();
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let Some(start) = address_start(word) else {
            words.push(word.to_owned());
            continue;
        };
        let end = word[start..].find(|c| "<>\"'`)]}|\\".contains(c));
        let end = end.map_or(word.len(), |at| start + at);
        let address = word[start..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
        if !address.is_empty() && allowed.contains(&page(address)) {
            words.push(word.to_owned());
            continue;
        }
        removed.n += 1;
        // What stands before and behind it stays, but for brackets that held it alone.
        let left = word[..start].to_owned() + &word[start + address.len()..];
        if left.contains(char::is_alphanumeric) || matches!(&*left, "." | "!" | "?") {
            words.push(left);
        }
    }
    tidied(&words.join(" "))
}

/// The first byte of an address in `word`.
fn address_start(word: &str) -> Option<usize> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    let with_slashes = word.find("://").or_else(|| word.find(":\\\\")).map(|at| {
        let scheme = word[..at].trim_end_matches(is_scheme);
        scheme.len()
    });
    let lower = word.to_ascii_lowercase();
    let others = SCHEMES.iter().filter_map(|scheme| {
        let at = lower.find(scheme)?;
        let is_whole = !lower[..at].ends_with(char::is_alphanumeric);
        (is_whole && at + scheme.len() < word.len()).then_some(at)
    });
    let bare = lower.find("//").filter(|&at| at == 0 && word.len() > 2);
    with_slashes.into_iter().chain(others).chain(bare).min()
}

/// Without the empty brackets and the spaces that taking out leaves behind.
fn tidied(text: &str) -> String {
    let mut text = text.replace("()", "").replace("[]", "");
    for mark in [".", ",", ";", ":", "!", "?", ")"] {
        text = text.replace(&[" ", mark].concat(), mark);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let text = "a\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}b\u{1b}]8;;http://x\u{1b}\\c\u{9b}2Jd\r\n\te\0\u{202e}f\u{200b}g\u{e0041}";
        assert_eq!(printable(text), "ared bcd efg");
        assert_eq!(printable("naïve – “日本語” 👍"), "naïve – “日本語” 👍");
        assert_eq!(printable("\u{1b}"), "");
    }

    #[test]
    fn images_links_and_tags_leave_their_words_at_most() {
        for (text, plain) in [
            ("see ![x](http://evil/?q=k) now", "see  now"),
            ("see ![x](http://evil/?q=k", "see "),
            ("see ![x][ref] now", "see  now"),
            ("see [the docs](http://evil) now", "see the docs now"),
            ("so [1](http://evil).", "so [1]."),
            ("a <img src=x onerror=y> b <script>c</script>", "a  b c"),
            ("a<img src=x>b", "ab"),
            ("use Vec<u8> where 1 < 2", "use Vec<u8> where 1 < 2"),
            ("a <img src=x", "a "),
            ("[1] and [see]", "[1] and [see]"),
        ] {
            assert_eq!(without_links(text, &mut Removed::default()), plain);
        }
    }

    #[test]
    fn addresses_stay_only_where_they_are_those_of_what_is_cited() {
        let allowed = ["https://docs.example/a.html#top"];
        for (text, plain, n) in [
            (
                "At https://docs.example/a.html#b.",
                "At https://docs.example/a.html#b.",
                0,
            ),
            ("At https://docs.example/a.html.evil now.", "At now.", 1),
            ("Go to http://evil/?k=1.", "Go to.", 1),
            ("Go (http://evil/) now.", "Go now.", 1),
            ("x=http://evil/,y www.evil.com MAILTO:a@b", "x=", 3),
            ("javascript:alert(1) //evil.com/x", "", 2),
            ("a.b and a/b, 3:4", "a.b and a/b, 3:4", 0),
        ] {
            let mut removed = Removed::default();
            assert_eq!(without_addresses(text, &allowed, &mut removed), plain);
            assert_eq!(removed.n, n, "{text}");
        }
    }
}
