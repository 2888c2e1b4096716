//! Walks the content of a page and writes its parts.

use littoral_guest::{Document, PartKind};

use crate::ingest::clean;
use crate::ingest::writer::Writer;

use super::boilerplate::{self, Verdict};
use super::content::Content;
use super::tag::Tag;
use super::tagged::{self, Tagged};
use super::tree::{Id, Tree};

/// Longest anchor, in bytes.
const ANCHOR_BYTES: usize = 512;

/// The document of a page's content; `None` when its text is longer than `limit` bytes.
pub(super) fn extract(
    tree: &Tree,
    content: &Content,
    tagged: &Tagged,
    title: String,
    limit: usize,
) -> Option<Document> {
    let mut writer = Writer::new(title, false, limit);
    for root in &content.roots {
        Walk::new(tree, content, tagged, &mut writer).root(*root);
    }
    writer.finish()
}

/// Writes a piece of HTML that stands within another format.
pub(in crate::ingest) fn fragment(page: &str, writer: &mut Writer) {
    if let Some(tree) = Tree::parse(page, usize::MAX) {
        let content = Content::tagged(vec![0]);
        Walk::new(&tree, &content, &Tagged::default(), writer).root(0);
    }
}

struct Walk<'a> {
    tree: &'a Tree,
    content: &'a Content,
    tagged: &'a Tagged,
    writer: &'a mut Writer,
    open: Vec<Open>,
    weight: u8,
    mode: Mode,
    /// A cell began; a mark is due before its text.
    cell_due: bool,
}

/// What text is being read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Running,
    Heading,
    Code,
    Row,
}

/// An element whose end does something.
struct Open {
    end: Id,
    what: What,
    /// Weight outside the element.
    weight: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Inline,
    Block,
    /// A heading, code or a row.
    Mode,
}

impl<'a> Walk<'a> {
    fn new(
        tree: &'a Tree,
        content: &'a Content,
        tagged: &'a Tagged,
        writer: &'a mut Writer,
    ) -> Self {
        Self {
            tree,
            content,
            tagged,
            writer,
            open: Vec::new(),
            weight: 10,
            mode: Mode::Running,
            cell_due: false,
        }
    }

    fn root(&mut self, root: Id) {
        self.writer.paragraph(self.weight);
        let mut id = root;
        while id < self.tree.end(root) {
            while self.open.last().is_some_and(|open| open.end <= id) {
                self.close();
            }
            let tag = self.tree.tag(id);
            if tag == Tag::Text {
                self.text(self.tree.text(id));
                id += 1;
            } else if id != root && self.is_left_out(id, tag) {
                if tag.is_block() {
                    self.boundary();
                }
                id = self.tree.end(id);
            } else {
                self.element(id, tag);
                id += 1;
            }
        }
        while !self.open.is_empty() {
            self.close();
        }
        self.writer.end();
    }

    fn is_left_out(&mut self, id: Id, tag: Tag) -> bool {
        if self.tagged.ignores(id) {
            self.index_attributes(id);
            return true;
        }
        if boilerplate::is_machinery(tag)
            || boilerplate::is_hidden(self.tree, id)
            || boilerplate::is_footnote_link(self.tree, id)
        {
            return true;
        }
        if tag == Tag::A && boilerplate::is_permalink(self.tree, id) {
            let href = self.tree.attribute(id, "href").unwrap_or_default();
            if let Some(name) = href.split_once('#').map(|(_, name)| name).and_then(anchor) {
                self.writer.anchor(&name);
            }
            return true;
        }
        if self.content.lengths.is_none() {
            return tagged::is_never_text(tag);
        }
        match boilerplate::judge(self.tree, id) {
            Verdict::Content => false,
            Verdict::Surely => true,
            Verdict::Likely => !self.content.is_most(self.tree, id),
        }
    }

    fn element(&mut self, id: Id, tag: Tag) {
        let outer = self.weight;
        if self.tagged.inline {
            self.index_attributes(id);
            self.weight = weight(self.tree, id).unwrap_or(outer);
        }
        let what = if self.mode == Mode::Heading {
            self.in_heading(id, tag);
            What::Inline
        } else if let Some(level) = tag.level() {
            let kind = PartKind::Heading {
                level,
                anchor: self.heading_anchor(id),
            };
            self.writer.block(kind, self.weight);
            self.mode = Mode::Heading;
            What::Mode
        } else {
            match tag {
                Tag::Br if self.mode == Mode::Code => {
                    self.writer.push("\n");
                    What::Inline
                }
                Tag::Br | Tag::Wbr => {
                    if tag == Tag::Br {
                        self.writer.space();
                    }
                    What::Inline
                }
                Tag::Img => {
                    self.image(id);
                    What::Inline
                }
                Tag::Pre if self.mode == Mode::Running => {
                    self.writer.block(PartKind::Code, self.weight);
                    self.mode = Mode::Code;
                    What::Mode
                }
                Tag::Tr if self.mode == Mode::Running && self.is_row(id) => {
                    self.writer.paragraph(self.weight);
                    self.mode = Mode::Row;
                    self.cell_due = false;
                    What::Mode
                }
                Tag::Td | Tag::Th if self.mode == Mode::Row => {
                    self.cell_due = true;
                    What::Inline
                }
                tag if tag.is_block() => {
                    if self.mode != Mode::Code {
                        self.boundary();
                    }
                    What::Block
                }
                _ => What::Inline,
            }
        };
        if what == What::Inline && self.weight == outer {
            return;
        }
        if what == What::Inline
            && !self.writer.has_text()
            && self.mode != Mode::Heading
            && self.mode != Mode::Code
        {
            self.writer.paragraph(self.weight);
        }
        self.open.push(Open {
            end: self.tree.end(id),
            what,
            weight: outer,
        });
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.weight = open.weight;
        match open.what {
            What::Inline => {}
            What::Block if self.mode == Mode::Code => self.writer.push("\n"),
            What::Block => self.boundary(),
            What::Mode => {
                self.mode = Mode::Running;
                self.writer.paragraph(self.weight);
            }
        }
    }

    /// The edge of a block: a new paragraph, or a space where the text goes on.
    fn boundary(&mut self) {
        if self.mode == Mode::Running {
            self.writer.paragraph(self.weight);
        } else {
            self.writer.space();
        }
    }

    fn text(&mut self, text: &str) {
        if self.cell_due && !text.trim().is_empty() {
            self.cell_due = false;
            if self.writer.has_text() {
                self.writer.space();
                self.writer.push("|");
                self.writer.space();
            }
        }
        self.writer.push(text);
    }

    fn image(&mut self, id: Id) {
        let alt = self.tree.attribute(id, "alt").unwrap_or_default();
        if !alt.trim().is_empty() && self.mode != Mode::Code {
            self.writer.space();
            self.text(alt);
            self.writer.space();
        }
    }

    fn in_heading(&mut self, id: Id, tag: Tag) {
        if tag == Tag::Img {
            self.image(id);
        } else if tag.is_block() || tag == Tag::Br {
            self.writer.space();
        }
        let name = self
            .tree
            .attribute(id, "id")
            .or_else(|| self.tree.attribute(id, "name"));
        if let Some(name) = name.and_then(anchor) {
            self.writer.anchor(&name);
        }
        if tag == Tag::A {
            let href = self
                .tree
                .attribute(id, "href")
                .and_then(|href| href.strip_prefix('#'));
            if let Some(name) = href.and_then(anchor) {
                self.writer.anchor(&name);
            }
        }
    }

    /// The anchor of a heading: its own id, or the id of the section that it opens.
    fn heading_anchor(&self, id: Id) -> Option<String> {
        let own = self.tree.attribute(id, "id").and_then(anchor);
        own.or_else(|| {
            let parent = self.tree.node_at(id).parent;
            let opens = (parent + 1..id)
                .all(|at| self.tree.tag(at) == Tag::Text && self.tree.text(at).trim().is_empty());
            let section = matches!(self.tree.tag(parent), Tag::Section | Tag::Div);
            let has_link = self.tree.within(id).any(|at| {
                self.tree.tag(at) == Tag::A
                    && self
                        .tree
                        .attributes(at)
                        .any(|(name, _)| matches!(name, "id" | "name"))
            });
            (opens && section && !has_link && !self.content.roots.contains(&parent))
                .then(|| self.tree.attribute(parent, "id").and_then(anchor))
                .flatten()
        })
    }

    /// Whether a table row is data; a row with headings, code or tables lays out a page.
    fn is_row(&self, id: Id) -> bool {
        !self.tree.within(id).any(|at| {
            let tag = self.tree.tag(at);
            matches!(tag, Tag::Table | Tag::Pre | Tag::Main | Tag::Article) || tag.level().is_some()
        })
    }

    fn index_attributes(&mut self, id: Id) {
        if !self.tagged.inline {
            return;
        }
        for (name, list) in self.tree.attributes(id) {
            if tagged::own(name) != Some("index-attrs") {
                continue;
            }
            for wanted in list.split(',') {
                let wanted = wanted.trim().to_ascii_lowercase();
                if let Some(value) = self.tree.attribute(id, &wanted) {
                    let value = clean::line(value);
                    self.writer.space();
                    self.writer.push(&value);
                    if value.ends_with(char::is_alphanumeric) {
                        self.writer.push(".");
                    }
                    self.writer.space();
                }
            }
        }
    }
}

/// The weight an element is given, in tenths.
fn weight(tree: &Tree, id: Id) -> Option<u8> {
    let given = tree
        .attributes(id)
        .find(|(name, _)| tagged::own(name) == Some("weight"))?
        .1;
    let weight: f64 = given.trim().parse().ok()?;
    weight
        .is_finite()
        .then(|| (weight.clamp(0.0, 10.0) * 10.0).round() as u8)
}

/// A fragment that a link can point at.
fn anchor(name: &str) -> Option<String> {
    let name = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?;
    let name: String = name
        .chars()
        .filter(|c| !c.is_whitespace() && clean::class(*c) == clean::Class::Keep)
        .collect();
    (!name.is_empty() && name.len() <= ANCHOR_BYTES).then_some(name)
}
