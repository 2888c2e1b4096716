//! Writes the text of a document part by part and keeps the invariant of [`Document`].

use littoral_guest::{Document, Part, PartKind};

use super::clean::{Class, class};

/// Text in the making.
///
/// Text is pushed into the current block; a block without text leaves no trace. Running text has
/// its white space made single; preformatted text keeps its line breaks.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    parts: Vec<Part>,
    kind: PartKind,
    weight: u8,
    /// Where the current part starts in `text`; `None` until it has a character.
    start: Option<usize>,
    /// White space was seen since the last character.
    space: bool,
    title: Title,
    limit: usize,
    full: bool,
}

/// What is known of the title, to leave out a first heading that repeats it.
#[derive(Debug, Default)]
struct Title {
    text: String,
    /// Take the first heading of level 1 as title when there is none.
    adopt: bool,
    /// The heading that was left out.
    dropped: Option<PartKind>,
}

impl Writer {
    /// A writer of at most `limit` bytes. An opening heading equal to `title` is left out; where
    /// `title` is empty and `adopt` holds, the first heading of level 1 becomes the title, or else
    /// a heading that opens the document.
    pub(super) fn new(title: String, adopt: bool, limit: usize) -> Self {
        Self {
            text: String::new(),
            parts: Vec::new(),
            kind: PartKind::Paragraph,
            weight: 10,
            start: None,
            space: false,
            title: Title {
                text: title,
                adopt,
                dropped: None,
            },
            limit,
            full: false,
        }
    }

    /// Ends the current block; what follows belongs to a new one of this kind and weight.
    pub(super) fn block(&mut self, kind: PartKind, weight: u8) {
        self.end();
        self.kind = kind;
        self.weight = weight;
    }

    /// Ends the current block and goes on with running text.
    pub(super) fn paragraph(&mut self, weight: u8) {
        self.block(PartKind::Paragraph, weight);
    }

    /// Whether the current block has text.
    pub(super) fn has_text(&self) -> bool {
        self.start.is_some()
    }

    /// Gives the current heading an anchor, unless it has one.
    pub(super) fn anchor(&mut self, name: &str) {
        if let PartKind::Heading {
            anchor: anchor @ None,
            ..
        } = &mut self.kind
        {
            *anchor = Some(name.to_owned());
        }
    }

    /// Adds white space between words.
    pub(super) fn space(&mut self) {
        self.space = true;
    }

    /// Adds text to the current block.
    pub(super) fn push(&mut self, text: &str) {
        if self.kind == PartKind::Code {
            self.push_code(text);
        } else {
            self.push_running(text);
        }
    }

    fn push_running(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            // A run of words separated by single spaces is copied at once.
            let from = i;
            while i < bytes.len()
                && (bytes[i].is_ascii_graphic()
                    || (bytes[i] == b' ' && i > from && bytes[i - 1] != b' '))
            {
                i += 1;
            }
            let run = &text[from..i];
            let words = run.trim_end_matches(' ');
            if !words.is_empty() {
                self.open(words.len());
                self.text.push_str(words);
                self.space = run.len() > words.len();
            }
            let Some(c) = text[i..].chars().next() else {
                break;
            };
            match class(c) {
                Class::Keep => {
                    self.open(c.len_utf8());
                    self.text.push(c);
                }
                Class::Space => self.space = true,
                Class::Drop => {}
            }
            i += c.len_utf8();
        }
    }

    fn push_code(&mut self, text: &str) {
        for (i, line) in text.split('\n').enumerate() {
            // Blank lines before the first character are left out.
            if i > 0 && self.start.is_some() {
                self.text.push('\n');
            }
            if self.start.is_none() && line.trim().is_empty() {
                continue;
            }
            self.space = false;
            self.open(line.len() + 1);
            for c in line.chars() {
                match class(c) {
                    Class::Keep => self.text.push(c),
                    Class::Space if c == '\t' => self.text.push('\t'),
                    Class::Space if c != '\r' => self.text.push(' '),
                    Class::Space | Class::Drop => {}
                }
            }
        }
    }

    /// Makes room for `n_bytes`: opens the part or writes the white space that is due.
    fn open(&mut self, n_bytes: usize) {
        if self.text.len() + n_bytes > self.limit {
            self.full = true;
            self.text.truncate(self.start.unwrap_or(self.text.len()));
            self.start = None;
        }
        if self.start.is_none() {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            self.start = Some(self.text.len());
        } else if self.space {
            self.text.push(' ');
        }
        self.space = false;
    }

    /// Ends the current block.
    pub(super) fn end(&mut self) {
        self.space = false;
        let kind = std::mem::replace(&mut self.kind, PartKind::Paragraph);
        let Some(start) = self.start.take() else {
            return;
        };
        let kept = start + self.text[start..].trim_end().len();
        self.text.truncate(kept);
        if kept == start {
            self.text
                .truncate(self.parts.last().map_or(0, |part| part.end));
            return;
        }
        if let PartKind::Heading { level, .. } = kind {
            if self.title.adopt && self.title.text.is_empty() && level == 1 {
                self.title.text = self.text[start..].to_owned();
            }
            if self.parts.is_empty()
                && self.title.dropped.is_none()
                && self.text[start..] == self.title.text
            {
                self.text.truncate(start);
                self.title.dropped = Some(kind);
                return;
            }
        }
        self.parts.push(Part {
            kind,
            start,
            end: kept,
            weight: self.weight,
        });
    }

    /// The document's title, text and parts; `None` when the text was longer than the limit.
    pub(super) fn finish(mut self) -> Option<Document> {
        self.end();
        if self.full {
            return None;
        }
        if let Some(kind) = self.title.dropped.take().filter(|_| self.parts.is_empty()) {
            // The heading is all there is.
            self.text.clone_from(&self.title.text);
            self.parts.push(Part {
                kind,
                start: 0,
                end: self.text.len(),
                weight: 10,
            });
        }
        if let Some(first) = self
            .parts
            .first()
            .filter(|_| self.title.adopt && self.title.text.is_empty())
            && matches!(first.kind, PartKind::Heading { .. })
        {
            self.text[first.start..first.end].clone_into(&mut self.title.text);
        }
        Some(Document {
            title: self.title.text,
            text: self.text,
            parts: self.parts,
            ..Document::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        Writer::new(String::new(), false, 1000)
    }

    #[test]
    fn running_text_has_single_spaces_and_parts_are_separated_by_a_blank_line() {
        let mut w = writer();
        w.push("  a  b\n");
        w.push("c ");
        w.push("d\u{200b}e\u{a0}");
        w.paragraph(10);
        w.push(" \n ");
        w.paragraph(20);
        w.push("ü ö");
        let document = w.finish().unwrap();
        assert_eq!(document.text, "a b c de\n\nü ö");
        let spans: Vec<_> = document
            .parts
            .iter()
            .map(|p| (p.start, p.end, p.weight))
            .collect();
        assert_eq!(spans, [(0, 8, 10), (10, 15, 20)]);
    }

    #[test]
    fn code_keeps_its_line_breaks_and_indentation() {
        let mut w = writer();
        w.block(PartKind::Code, 10);
        w.push("\n  fn a() {\n");
        w.push("\n\tb\r\n  }\n\n");
        let document = w.finish().unwrap();
        assert_eq!(document.text, "  fn a() {\n\n\tb\n  }");
    }

    #[test]
    fn an_opening_heading_that_is_the_title_is_left_out_unless_it_is_all_there_is() {
        for rest in ["", "text"] {
            let mut w = Writer::new(String::new(), true, 1000);
            w.block(
                PartKind::Heading {
                    level: 1,
                    anchor: None,
                },
                10,
            );
            w.push("Title");
            w.paragraph(10);
            w.push(rest);
            let document = w.finish().unwrap();
            assert_eq!(document.title, "Title");
            assert_eq!(
                document.text,
                if rest.is_empty() { "Title" } else { "text" }
            );
        }
    }

    #[test]
    fn text_beyond_the_limit_ends_the_document() {
        let mut w = Writer::new(String::new(), false, 10);
        w.push("a text that is too long");
        assert!(w.finish().is_none());
    }
}
