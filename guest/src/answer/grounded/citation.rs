//! Citations in running text: `[1]`, `[1, 2]`, `[1-3]`, `【1】`.

/// Longest citation in bytes, brackets included.
const MAX_BYTES: usize = 48;

/// Most ids that a range stands for.
const MAX_RANGE: u32 = 10;

/// What stands at the beginning of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Citations of so many bytes; 0 for none.
    Of(usize),
    /// More must come before one can tell.
    Unknown,
}

/// The citations at the beginning of `text`, which may go on.
pub(super) fn lead(text: &str) -> Lead {
    let mut at = 0;
    loop {
        let rest = text[at..].trim_start();
        let start = text.len() - rest.len();
        if rest.is_empty() {
            return Lead::Unknown;
        }
        match group(rest) {
            Group::Ids(bytes, _) => at = start + bytes,
            Group::Open => return Lead::Unknown,
            Group::None => return Lead::Of(at),
        }
    }
}

/// `text` without its citations, and their ids in order.
pub(super) fn take(text: &str) -> (String, Vec<String>) {
    let (mut left, mut ids) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Group::Ids(bytes, found) = group(rest) {
            ids.extend(found);
            left.truncate(left.trim_end().len());
            rest = &rest[bytes..];
        } else {
            left.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    (left, ids)
}

enum Group {
    /// So many bytes, and the ids in them.
    Ids(usize, Vec<String>),
    /// It may become one.
    Open,
    None,
}

fn group(text: &str) -> Group {
    let (open, close) = match text.chars().next() {
        Some('[') => ('[', ']'),
        Some('【') => ('【', '】'),
        _ => return Group::None,
    };
    let inner = &text[open.len_utf8()..];
    let is_part = |c: char| c.is_ascii_digit() || " ,;-–^".contains(c);
    let end = inner.find(|c| !is_part(c)).unwrap_or(inner.len());
    if end > MAX_BYTES {
        return Group::None;
    }
    if end == inner.len() {
        return Group::Open;
    }
    if !inner[end..].starts_with(close) {
        return Group::None;
    }
    match ids(&inner[..end]) {
        Some(ids) => Group::Ids(open.len_utf8() + end + close.len_utf8(), ids),
        None => Group::None,
    }
}

fn ids(inner: &str) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    for part in inner.split([',', ';']) {
        let part = part.trim().trim_start_matches('^');
        let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
        let first: u32 = first.trim().parse().ok()?;
        let last: u32 = last.trim().parse().ok()?;
        if last < first || last - first >= MAX_RANGE {
            return None;
        }
        ids.extend((first..=last).map(|id| id.to_string()));
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_taken_out_in_every_spelling() {
        for (text, left, ids) in [
            ("High water [1].", "High water.", vec!["1"]),
            ("High[1][2] water", "High water", vec!["1", "2"]),
            ("a [1, 3; 12] b", "a b", vec!["1", "3", "12"]),
            ("a [2-4]", "a", vec!["2", "3", "4"]),
            ("a 【1】。", "a。", vec!["1"]),
            ("a [^1]", "a", vec!["1"]),
            ("[x] [1-99] [] [1", "[x] [1-99] [] [1", vec![]),
        ] {
            let (found, found_ids) = take(text);
            assert_eq!(
                (found.as_str(), found_ids),
                (left, ids.iter().map(ToString::to_string).collect())
            );
        }
    }

    #[test]
    fn a_lead_is_told_only_when_it_is_over() {
        assert_eq!(lead("[1] [2] Then"), Lead::Of(7));
        assert_eq!(lead("Then"), Lead::Of(0));
        assert_eq!(lead("[see] x"), Lead::Of(0));
        for open in ["", "[", "[1", "[1]", "[1] ", "[1] [2"] {
            assert_eq!(lead(open), Lead::Unknown, "{open}");
        }
    }
}
