//! MDX: imports, exports, expressions and component tags are dropped, what they enclose is kept.

use std::borrow::Cow;

use super::macros::Fence;

/// The Markdown within MDX.
pub(super) fn strip(source: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(source.len());
    let mut fence = Fence::default();
    let mut in_statement = false;
    let mut open = Open::default();
    for line in source.split_inclusive('\n') {
        let trimmed = line.trim();
        if fence.line(trimmed) {
            out.push_str(line);
            continue;
        }
        // A statement ends with the block that it begins.
        in_statement = !trimmed.is_empty()
            && (in_statement || line.starts_with("import ") || line.starts_with("export "));
        if in_statement {
            continue;
        }
        if trimmed.is_empty() {
            open = Open::default();
        }
        open.line(line, &mut out);
    }
    Cow::Owned(out)
}

/// What is open at the end of a line: a tag, braces.
#[derive(Default)]
struct Open {
    tag: bool,
    braces: usize,
    quote: Option<char>,
}

impl Open {
    fn line(&mut self, line: &str, out: &mut String) {
        let mut in_code = false;
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if self.tag || self.braces > 0 {
                match (c, self.quote) {
                    (c, Some(open)) if c == open => self.quote = None,
                    ('"' | '\'' | '`', None) if self.tag || c == '`' => self.quote = Some(c),
                    ('{', None) => self.braces += 1,
                    ('}', None) => self.braces = self.braces.saturating_sub(1),
                    ('>', None) if self.braces == 0 => self.tag = false,
                    _ => {}
                }
                if c == '\n' {
                    out.push(c);
                }
                continue;
            }
            if c == '`' {
                in_code = !in_code;
            }
            let next = chars.peek().map(|(_, next)| *next);
            let component = c == '<'
                && (next.is_some_and(|n| n.is_ascii_uppercase() || n == '>')
                    || line[at..].starts_with("</")
                        && line[at + 2..]
                            .starts_with(|n: char| n.is_ascii_uppercase() || n == '>'));
            let escaped = out.ends_with('\\');
            let anchor = line[at..].starts_with("{#") || line[at..].starts_with("{{");
            if !in_code && !escaped && component {
                self.tag = true;
            } else if !in_code && !escaped && c == '{' && !anchor {
                self.braces = 1;
            } else {
                out.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_leave_what_they_enclose() {
        let source = "import A from 'a'\nimport {\n  B,\n} from 'b'\n\n# Title {#t}\n\n\
                      <Tabs items={['x', 'y']}>\n<Tab\n  title=\"a > b\">\nInside <b>bold</b>.\n\
                      </Tab>\n</Tabs>\n\n{/* note */}\n`<A/>` {1 + 1} a < b\n";
        let text = strip(source);
        assert!(text.contains("# Title {#t}") && text.contains("Inside <b>bold</b>."));
        assert!(text.contains("`<A/>`  a < b"));
        for gone in ["import", "Tab", "note", "1 + 1", "items", "title="] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
    }
}
