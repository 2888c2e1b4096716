//! Markdown: CommonMark with the GitHub extensions, front matter, and what site generators add.
//!
//! A document's URL is its path, unless its front matter has a `permalink`, `url` or `slug` that is
//! an absolute path and there is a base URL to resolve it against. Site generators disagree on what
//! a relative slug is relative to, so it is not used.

use std::collections::HashMap;

use littoral_guest::{Document, PartKind};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::writer::Writer;
use super::{IngestOptions, Skipped, SourceKind, Unit, charset, html, paths};

mod front_matter;
mod macros;
mod mdx;
#[cfg(test)]
mod tests;

use front_matter::FrontMatter;

pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let text = charset::utf8(unit)?;
    let (front, body) = front_matter::read(&text);
    if front.hidden {
        return Err(unit.skip(
            "noindex",
            "the front matter marks the page as draft or unlisted",
        ));
    }
    let is_mdx = unit
        .id_hint
        .rsplit('.')
        .next()
        .is_some_and(|e| e.eq_ignore_ascii_case("mdx"));
    let plain = if is_mdx {
        mdx::strip(body)
    } else {
        body.into()
    };
    let source = macros::expand(&plain);
    let mut document =
        extract(&source, &front, options.limits.text_bytes).ok_or_else(|| unit.too_much_text())?;
    if document.parts.is_empty() {
        return Err(unit.skip("no-text", "the file has no text of its own"));
    }
    document.id.clone_from(&unit.id_hint);
    document.url = front
        .url
        .filter(|url| url.starts_with('/') && options.base_url.is_some())
        .and_then(|url| paths::declared(&url, options))
        .unwrap_or_else(|| paths::url(&unit.id_hint, SourceKind::Markdown, options));
    document.lang = front.lang;
    document.meta = front.meta;
    document.filters = front.filters;
    document.sort = front.sort;
    Ok(document)
}

fn extract(source: &str, front: &FrontMatter, limit: usize) -> Option<Document> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM;
    let mut walk = Walk {
        writer: Writer::new(front.title.clone(), true, limit),
        anchors: HashMap::new(),
        heading: None,
        html: String::new(),
        cells: None,
        item: false,
    };
    for event in Parser::new_ext(source, options) {
        walk.event(event);
    }
    walk.writer.finish()
}

struct Walk {
    writer: Writer,
    /// How often each anchor was given.
    anchors: HashMap<String, usize>,
    /// The text of the heading being read.
    heading: Option<String>,
    /// The HTML block being read.
    html: String,
    /// In a table row: whether a cell came before.
    cells: Option<bool>,
    /// A list item began and has no text yet.
    item: bool,
}

impl Walk {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                self.item = false;
                self.text(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.writer.space(),
            Event::Html(text) => self.html.push_str(&text),
            Event::InlineHtml(tag) => self.inline_html(&tag),
            Event::Rule => self.writer.paragraph(10),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let mut text = text;
        if std::mem::take(&mut self.item) {
            // MDN writes the definition of a term as a list item that begins with a colon.
            text = text.strip_prefix(": ").unwrap_or(text);
        }
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        }
        self.writer.push(text);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, id, .. } => {
                let anchor = id.map(|id| id.to_string()).filter(|id| !id.is_empty());
                self.writer.block(
                    PartKind::Heading {
                        level: number(level),
                        anchor,
                    },
                    10,
                );
                self.heading = Some(String::new());
            }
            Tag::CodeBlock(_) => self.writer.block(PartKind::Code, 10),
            Tag::TableHead | Tag::TableRow => {
                self.writer.paragraph(10);
                self.cells = Some(false);
            }
            Tag::TableCell => {
                let next = self.cells.replace(true) == Some(true);
                if next && self.writer.has_text() {
                    self.writer.space();
                    self.writer.push("|");
                    self.writer.space();
                }
            }
            Tag::Item => {
                self.writer.paragraph(10);
                self.item = true;
            }
            Tag::Paragraph if self.item => {}
            Tag::Paragraph
            | Tag::BlockQuote(_)
            | Tag::List(_)
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Table(_) => self.writer.paragraph(10),
            Tag::HtmlBlock => self.html.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let text = self.heading.take().unwrap_or_default();
                let anchor = self.unique(&slug(&text));
                self.writer.anchor(&anchor);
                self.writer.paragraph(10);
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                self.cells = None;
                self.writer.paragraph(10);
            }
            TagEnd::HtmlBlock => {
                let block = std::mem::take(&mut self.html);
                html::fragment(&block, &mut self.writer);
            }
            TagEnd::Paragraph
            | TagEnd::CodeBlock
            | TagEnd::Item
            | TagEnd::BlockQuote(_)
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::FootnoteDefinition => self.writer.paragraph(10),
            _ => {}
        }
    }

    /// A single tag within running text: a line break, an anchor in a heading, an image's text.
    fn inline_html(&mut self, tag: &str) {
        let name: String = tag[1..]
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>();
        match name.to_ascii_lowercase().as_str() {
            "br" => self.writer.space(),
            "img" => {
                if let Some(alt) = attribute(tag, "alt") {
                    self.writer.push(alt);
                }
            }
            "a" | "span" if self.heading.is_some() => {
                if let Some(id) = attribute(tag, "id").or_else(|| attribute(tag, "name")) {
                    self.writer.anchor(id);
                }
            }
            _ => {}
        }
    }

    /// The anchor, with a number where it was given before, as GitHub does.
    fn unique(&mut self, slug: &str) -> String {
        let count = self.anchors.entry(slug.to_owned()).or_insert(0);
        *count += 1;
        if *count == 1 {
            slug.to_owned()
        } else {
            format!("{slug}-{}", *count - 1)
        }
    }
}

/// The value of a quoted attribute in one tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!(" {name}="))?;
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after[1..]
        .split(quote)
        .next()
        .filter(|value| !value.is_empty())
}

/// GitHub's anchor of a heading.
fn slug(text: &str) -> String {
    text.trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
