//! Identifiers among the words of a query: what is like one in meaning does not answer a query for it.

use super::{Occur, Query};

/// Identifiers among the words of `query`, and all its words, without what it excludes.
pub fn identifiers(query: &Query) -> (u32, u32) {
    let clauses = query.clauses.iter().filter(|c| c.occur != Occur::MustNot);
    let words = clauses.flat_map(|clause| clause.body.text().split_whitespace());
    words.fold((0, 0), |(n, all), word| {
        (n + u32::from(is_identifier(word)), all + 1)
    })
}

/// Whether a word looks like a name out of code: `max_tokens`, `std::vec`, `fs.read`, `flat()`, `useState`,
/// `E0308`, `--offline`, `data-max-width`.
fn is_identifier(word: &str) -> bool {
    let sigil = word.starts_with("--") || word.starts_with(['@', '#', '$']);
    let is_call = word.contains("()");
    let name = word.trim_matches(|c: char| !c.is_alphanumeric());
    if name.is_empty() {
        return false;
    }
    let joined = |by: char| {
        let mut parts = name.split(by).peekable();
        let first = parts.next().unwrap_or_default();
        // "e.g." and "U.S." are no names.
        parts.peek().is_some() && (first.len() > 1 || parts.any(|part| part.len() > 1))
    };
    let starts = |ok: fn(char) -> bool| name.chars().next().is_some_and(ok);
    let turns = name.chars().zip(name.chars().skip(1));
    sigil
        || is_call
        || joined('_')
        || joined('.') && !starts(char::is_numeric)
        || name.contains("::")
        || name.matches('-').count() > 1
        || turns
            .clone()
            .any(|(a, b)| a.is_lowercase() && b.is_uppercase())
        || starts(char::is_alphabetic) && name.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn identifiers_are_told_from_words() {
        for word in [
            "max_tokens",
            "std::vec",
            "fs.read",
            "flat()",
            "useState",
            "E0308",
            "--offline",
            "@media",
            "IL-6",
            "data-max-width,",
            "(getElementById)",
            "Array.prototype.flat",
        ] {
            assert!(is_identifier(word), "{word}");
        }
        for word in [
            "tide",
            "high-water",
            "e.g.",
            "U.S.",
            "3.5",
            "1960s",
            "HTML",
            "Überseehafen",
            "don't",
            "end.",
            "—",
            "",
            "C++",
            "潮汐表",
        ] {
            assert!(!is_identifier(word), "{word}");
        }
    }

    #[test]
    fn what_is_excluded_does_not_count() {
        let counted = |text: &str| identifiers(&parse(text));
        assert_eq!(counted("when is high water"), (0, 4));
        assert_eq!(counted("use max_tokens -stop_reason"), (1, 2));
        assert_eq!(counted(""), (0, 0));
    }
}
