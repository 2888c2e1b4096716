//! What a person typed, taken apart: phrases, exclusions, required words, fields.
//!
//! | written | means |
//! |---|---|
//! | `array methods` | words, the more of them the better |
//! | `"exact phrase"`, also `“…”`, `„…“`, `«…»` | the words next to each other, in order |
//! | `+word`, `+"phrase"` | must be there |
//! | `-word`, `-"phrase"` | must not be there |
//! | `title:word`, `heading:`, `headings:`, `body:`, `text:` | in that part of the document |
//!
//! Everything else is words: a `+` or `-` counts only where a word begins and a letter or quotation
//! mark follows, so `--flag`, `a-b`, `-1` and `C++` are words; so are `std::vec`, `http://…` and
//! `TypeError: x`, for an operator must be a known field with its value right behind it. A quotation
//! mark without its partner is ignored.

mod identifiers;

pub use identifiers::identifiers;

/// Longest query that is read, in bytes.
pub const MAX_QUERY_BYTES: usize = 2048;
/// Most clauses of a query.
pub const MAX_CLAUSES: usize = 64;

/// A query, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// In the order they were written; neighbouring plain words are one clause. At most
    /// [`MAX_CLAUSES`].
    pub clauses: Vec<Clause>,
    /// Whether the end of the query was left out for its length or its number of clauses.
    pub truncated: bool,
    /// Whether the last word may be the beginning of one still being typed: the text goes up to its
    /// last letter.
    pub ends_in_word: bool,
}

/// One condition of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// How it bears on the result.
    pub occur: Occur,
    /// Where it is looked for; everywhere when `None`.
    pub field: Option<Field>,
    /// What is looked for.
    pub body: ClauseBody,
    /// First byte in the query, operators included.
    pub start: usize,
    /// One past the last byte in the query, quotation marks included.
    pub end: usize,
}

/// How a clause bears on the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occur {
    /// Raises the score of what has it.
    Should,
    /// Only what has it is found.
    Must,
    /// What has it is not found.
    MustNot,
}

/// A part of a document that a clause can be limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The document's title.
    Title,
    /// Headings.
    Headings,
    /// The running text.
    Body,
}

/// What a clause looks for; never empty or blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClauseBody {
    /// Words in any order, as written.
    Words(String),
    /// Words next to each other, as written between the quotation marks.
    Phrase(String),
}

impl ClauseBody {
    /// The text, of either kind.
    pub fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Phrase(text) => text,
        }
    }
}

/// Takes `text` apart. Never fails; reads at most [`MAX_QUERY_BYTES`].
pub fn parse(text: &str) -> Query {
    let read = &text[..text.floor_char_boundary(MAX_QUERY_BYTES)];
    let mut query = Query {
        truncated: read.len() < text.len(),
        ..Query::default()
    };
    let mut at = 0;
    while let Some(start) = next_word(read, at) {
        let (clause, end) = clause(read, start);
        at = end;
        let Some(clause) = clause else { continue };
        if !join(&mut query.clauses, &clause, read) {
            if query.clauses.len() == MAX_CLAUSES {
                query.truncated = true;
                break;
            }
            query.clauses.push(clause);
        }
    }
    // A cut word is not the beginning of what is being typed.
    query.ends_in_word = !query.truncated
        && query.clauses.last().is_some_and(|last| {
            last.end == text.len()
                && matches!(last.body, ClauseBody::Words(_))
                && text.ends_with(|c: char| {
                    !c.is_whitespace() && closing(c).is_none() && !is_closing(c)
                })
        });
    query
}

/// Where the next word or quotation begins.
fn next_word(text: &str, at: usize) -> Option<usize> {
    text[at..]
        .find(|c: char| !c.is_whitespace())
        .map(|skip| at + skip)
}

/// Reads one word or quotation with its operators; returns where it ends.
fn clause(text: &str, start: usize) -> (Option<Clause>, usize) {
    let mut at = start;
    let mut occur = Occur::Should;
    let sign = text.as_bytes()[at];
    if matches!(sign, b'+' | b'-')
        && text[at + 1..].starts_with(|c: char| c.is_alphabetic() || closing(c).is_some())
    {
        occur = if sign == b'+' {
            Occur::Must
        } else {
            Occur::MustNot
        };
        at += 1;
    }
    let mut field = None;
    for (name, named) in FIELDS {
        let Some(head) = text.get(at..at + name.len()) else {
            continue;
        };
        let tail = &text[at + name.len()..];
        if head.eq_ignore_ascii_case(name)
            && tail.starts_with(|c: char| c.is_alphanumeric() || closing(c).is_some())
        {
            field = Some(named);
            at += name.len();
            break;
        }
    }
    let rest = &text[at..];
    let first = rest.chars().next().unwrap_or(' ');
    if let Some(marks) = closing(first) {
        let inner = &rest[first.len_utf8()..];
        if let Some(len) = inner.find(marks) {
            let mark = inner[len..].chars().next().map_or(0, char::len_utf8);
            let end = at + first.len_utf8() + len + mark;
            let phrase = inner[..len].trim();
            let body = (!phrase.is_empty()).then(|| ClauseBody::Phrase(phrase.to_owned()));
            return (
                body.map(|body| Clause {
                    occur,
                    field,
                    body,
                    start,
                    end,
                }),
                end,
            );
        }
    }
    // A word ends at white space, or where a quotation with a partner begins.
    let mut end = text.len();
    for (offset, c) in rest.char_indices() {
        if c.is_whitespace() {
            end = at + offset;
            break;
        }
        let opens = offset > 0
            && closing(c).is_some_and(|marks| rest[offset + c.len_utf8()..].contains(marks));
        if opens && is_quote_start(&rest[..offset]) {
            end = at + offset;
            break;
        }
    }
    let written = text[at..end].trim_matches(|c| closing(c).is_some() || is_closing(c));
    let body = (!written.is_empty()).then(|| ClauseBody::Words(written.to_owned()));
    (
        body.map(|body| Clause {
            occur,
            field,
            body,
            start,
            end,
        }),
        end,
    )
}

/// Whether a quotation mark after `before`, which has no white space, opens a phrase: `a"b"` and
/// `("b")` do, `5"` by itself has no partner, and an escaped one is part of the word.
fn is_quote_start(before: &str) -> bool {
    !before.ends_with('\\')
}

/// Adds `clause` to the last one where both are plain words next to each other.
fn join(clauses: &mut [Clause], clause: &Clause, text: &str) -> bool {
    let Some(last) = clauses.last_mut() else {
        return false;
    };
    let plain = |c: &Clause| c.occur == Occur::Should && c.field.is_none();
    let (true, true, ClauseBody::Words(words), ClauseBody::Words(more)) =
        (plain(last), plain(clause), &mut last.body, &clause.body)
    else {
        return false;
    };
    if text[last.end..clause.start].is_empty() {
        return false;
    }
    words.push(' ');
    words.push_str(more);
    last.end = clause.end;
    true
}

const FIELDS: [(&str, Field); 5] = [
    ("title:", Field::Title),
    ("headings:", Field::Headings),
    ("heading:", Field::Headings),
    ("body:", Field::Body),
    ("text:", Field::Body),
];

/// The marks that close a quotation which `c` opens. The ASCII mark opens and closes; `”` opens
/// where people quote so.
fn closing(c: char) -> Option<&'static [char]> {
    match c {
        '"' | '＂' => Some(&['"', '＂', '”']),
        '“' => Some(&['”', '“', '"']),
        '„' => Some(&['“', '”', '"']),
        '”' => Some(&['”']),
        '«' => Some(&['»']),
        '「' => Some(&['」']),
        '『' => Some(&['』']),
        _ => None,
    }
}

fn is_closing(c: char) -> bool {
    matches!(c, '»' | '」' | '』')
}

#[cfg(test)]
mod tests;
