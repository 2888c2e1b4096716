//! Template syntax within Markdown: MDN's macros, shortcodes, includes, directives.
//!
//! A macro that stands for text (`{{domxref("Request")}}`) becomes that text, any other is dropped.
//! Code is left alone, since there the braces are the subject; only mdBook's includes go, which
//! mdBook itself replaces within code.

use std::borrow::Cow;

/// Longest macro, in bytes.
const MAX_BYTES: usize = 1000;
/// Macros that stand for navigation, examples or tables, whatever their arguments.
const SILENT: &[&str] = &[
    "sidebar",
    "embed",
    "previous",
    "next",
    "compat",
    "specifications",
    "page",
    "diagram",
    "nav",
    "quicklink",
    "livesample",
    "example",
    "include",
    "listsub",
    "landingpage",
    "interwiki",
];

/// The source with its macros replaced.
pub(super) fn expand(source: &str) -> Cow<'_, str> {
    let marks = [&b"{{"[..], b"{%", b"{:", b":::"];
    if marks
        .iter()
        .all(|mark| memchr::memmem::find(source.as_bytes(), mark).is_none())
    {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    let mut fence = Fence::default();
    for line in source.split_inclusive('\n') {
        let trimmed = line.trim();
        if fence.line(trimmed) {
            if !(trimmed.starts_with("{{#") && trimmed.ends_with("}}")) {
                out.push_str(line);
            }
        } else if let Some(directive) = trimmed.strip_prefix(":::") {
            out.push_str(&title(directive));
            out.push_str("\n\n");
        } else {
            expand_line(line, &mut out);
        }
    }
    Cow::Owned(out)
}

/// Follows fenced code blocks from line to line.
#[derive(Default)]
pub(super) struct Fence(Option<(char, usize)>);

impl Fence {
    /// Takes note of a trimmed line; whether it belongs to a code block.
    pub(super) fn line(&mut self, trimmed: &str) -> bool {
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'));
        let len = mark.map_or(0, |mark| trimmed.chars().take_while(|c| *c == mark).count());
        match (self.0, mark) {
            (Some((open, open_len)), Some(mark)) if mark == open && len >= open_len => {
                if trimmed.len() == len {
                    self.0 = None;
                }
                true
            }
            (Some(_), _) => true,
            (None, Some(mark)) if len >= 3 && !trimmed[len..].contains('`') => {
                self.0 = Some((mark, len));
                true
            }
            _ => false,
        }
    }
}

/// The title of a directive: `:::tip[Title]` or `:::tip Title`.
fn title(directive: &str) -> String {
    let directive = directive.trim_start_matches(':').trim();
    let name = directive
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '-')
        .count();
    let rest = directive.get(name..).unwrap_or_default();
    let rest = rest.split('{').next().unwrap_or_default().trim();
    rest.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

fn expand_line(line: &str, out: &mut String) {
    let mut rest = line;
    let mut in_code = false;
    while let Some(at) = rest.find(['{', '`']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix('`') {
            in_code = !in_code;
            out.push('`');
            rest = after;
            continue;
        }
        let taken = if in_code || before.ends_with(['$', '\\']) {
            None
        } else {
            tag(from)
        };
        if let Some((len, text)) = taken {
            out.push_str(&text);
            rest = &from[len..];
        } else {
            // A run of braces is one mark, so that `{{{{…` is looked at once.
            let run = from.bytes().take_while(|b| *b == b'{').count();
            out.push_str(&from[..run]);
            rest = &from[run..];
        }
    }
    out.push_str(rest);
}

/// The length of the tag at the start of `from` and the text it stands for.
fn tag(from: &str) -> Option<(usize, String)> {
    let within = |close: &str| {
        let mut window = from.len().min(MAX_BYTES);
        while !from.is_char_boundary(window) {
            window -= 1;
        }
        from[2..window.max(2)].find(close).map(|at| at + 2)
    };
    if from.starts_with("{%") {
        return within("%}").map(|end| (end + 2, String::new()));
    }
    if from.starts_with("{:") {
        return within("}").map(|end| (end + 1, String::new()));
    }
    if !from.starts_with("{{") {
        return None;
    }
    let end = within("}}")?;
    let inner = from[2..end].trim();
    let text = if inner.starts_with(['#', '<', '%']) {
        Some(String::new())
    } else {
        call(inner)
    };
    Some((end + 2, text?))
}

/// The text of a macro call; `None` where it is not one.
fn call(inner: &str) -> Option<String> {
    let (name, arguments) = match inner.split_once('(') {
        Some((name, arguments)) => (name.trim(), Some(arguments.trim_end().strip_suffix(')')?)),
        None => (inner, None),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || !name.chars().all(word) || !name.starts_with(char::is_alphabetic) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let Some(arguments) = arguments else {
        // Variables of templates look alike; macros are capitalised or named for what they do.
        let is_macro = name.starts_with(char::is_uppercase)
            || lower.ends_with("inline")
            || lower.ends_with("_header")
            || lower.ends_with("sidebar")
            || matches!(
                lower.as_str(),
                "compat" | "specifications" | "obsolete" | "deprecated"
            );
        return is_macro.then(String::new);
    };
    let is_reference = lower.ends_with("ref") && !lower.ends_with("xref");
    if is_reference || SILENT.iter().any(|word| lower.contains(word)) {
        return Some(String::new());
    }
    let given = strings(arguments);
    let text = given
        .get(1)
        .filter(|text| !text.is_empty())
        .or_else(|| given.first());
    let text = text.map(String::as_str).unwrap_or_default();
    // What a reference shows is code, which also keeps Markdown from reading it.
    let is_code = lower.ends_with("xref") || lower.contains("element") || lower.contains("attr");
    Some(match text {
        "" => String::new(),
        text if is_code && !text.contains(['`', '|']) => format!("`{text}`"),
        text => text.to_owned(),
    })
}

/// The quoted arguments of a call; numbers and names are empty.
fn strings(arguments: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = arguments.chars();
    while let Some(c) = chars.next() {
        match c {
            ',' => out.push(String::new()),
            '"' | '\'' => {
                let mut text = String::new();
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => text.extend(chars.next()),
                        inner if inner == c => break,
                        inner => text.push(inner),
                    }
                }
                if let Some(last) = out.last_mut() {
                    *last = text;
                }
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_that_stand_for_text_become_it_and_others_are_dropped() {
        for (source, expected) in [
            (
                "The {{DOMxRef(\"Request\")}} object",
                "The `Request` object",
            ),
            ("{{domxref('a.b', \"a.b()\")}}", "`a.b()`"),
            (
                "{{HTMLElement(\"a\")}} {{Glossary(\"x\", \"y z\")}}",
                "`a` y z",
            ),
            ("{{APIRef(\"DOM\")}}text{{Compat}}", "text"),
            ("{{EmbedLiveSample('x', 100, 200)}}", ""),
            (
                "{{ optional_inline }} {{ user.name }} {{ count }}",
                " {{ user.name }} {{ count }}",
            ),
            ("${{ github.event }}", "${{ github.event }}"),
            ("`{{Compat}}` {% raw %}x{% endraw %}", "`{{Compat}}` x"),
            ("{{< figure src=a >}}b", "b"),
            ("{{ open", "{{ open"),
        ] {
            assert_eq!(expand(source), expected);
        }
    }

    #[test]
    fn code_blocks_are_left_alone_but_for_includes() {
        let source = "```html\n{{Compat}}\n{{#include ../a.rs}}\n```\n{{Compat}}\n";
        assert_eq!(expand(source), "```html\n{{Compat}}\n```\n\n");
    }

    #[test]
    fn directives_leave_their_title() {
        let source = ":::tip[Mind this]\ntext\n:::\n::: warning Or that\n";
        assert_eq!(expand(source), "Mind this\n\ntext\n\n\nOr that\n\n");
    }
}
