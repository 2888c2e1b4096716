//! The flat tree of a page: nodes in document order, each with the end of its subtree.

use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use super::tag::Tag;

/// Elements nested deeper are kept flat at this depth. Browsers stop at 512 too.
const MAX_DEPTH: usize = 512;
/// Attributes of one element beyond this many are left out.
const MAX_ATTRIBUTES: usize = 256;
/// Position of a node in the tree.
pub(super) type Id = u32;

/// An element or a run of text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) tag: Tag,
    /// One past the last node of its subtree.
    pub(super) end: Id,
    /// The enclosing element; the root is its own parent.
    pub(super) parent: Id,
    /// Of text: its span in `text`. Of an element: its span in `attributes`.
    span: (u32, u32),
}

#[derive(Debug, Clone, Copy)]
struct Attribute {
    name: (u32, u32),
    value: (u32, u32),
}

/// A page. Node 0 is a root that encloses everything.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    text: String,
    strings: String,
    /// Open elements, while the tree is built.
    open: Vec<Id>,
    /// Elements that were too deep to be opened, while the tree is built.
    flattened: usize,
    max_nodes: usize,
}

impl Tree {
    /// Reads a page, or gives up beyond `max_nodes`.
    pub(super) fn parse(page: &str, max_nodes: usize) -> Option<Self> {
        let mut tree = Self {
            nodes: Vec::with_capacity(page.len() / 40 + 16),
            attributes: Vec::with_capacity(page.len() / 100),
            text: String::with_capacity(page.len() / 2),
            strings: String::with_capacity(page.len() / 20),
            open: vec![0],
            flattened: 0,
            max_nodes,
        };
        tree.node(Tag::Html, 0, (0, 0));
        let mut element = Element::default();
        let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
            tree.event(&event, &mut element);
            None::<()>
        });
        emitter.naively_switch_states(true);
        for event in Tokenizer::new_with_emitter(page, emitter) {
            match event {
                Ok(()) => {}
            }
        }
        let end = tree.nodes.len() as Id;
        while let Some(id) = tree.open.pop() {
            tree.nodes[id as usize].end = end;
        }
        (tree.nodes.len() <= max_nodes).then_some(tree)
    }

    /// All nodes in document order.
    pub(super) fn ids(&self) -> Range<Id> {
        0..self.nodes.len() as Id
    }

    pub(super) fn node_at(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn tag(&self, id: Id) -> Tag {
        self.nodes[id as usize].tag
    }

    /// One past the last node of the subtree.
    pub(super) fn end(&self, id: Id) -> Id {
        self.nodes[id as usize].end
    }

    /// The nodes within an element, itself left out.
    pub(super) fn within(&self, id: Id) -> Range<Id> {
        id + 1..self.end(id)
    }

    /// The text of a text node; empty for an element.
    pub(super) fn text(&self, id: Id) -> &str {
        let node = &self.nodes[id as usize];
        if node.tag == Tag::Text {
            &self.text[node.span.0 as usize..node.span.1 as usize]
        } else {
            ""
        }
    }

    /// All text within an element, in pieces.
    pub(super) fn texts(&self, id: Id) -> impl Iterator<Item = &str> {
        (id..self.end(id))
            .filter(|id| self.tag(*id) == Tag::Text)
            .map(|id| self.text(id))
    }

    /// Names and values of an element's attributes; the first of a name counts.
    pub(super) fn attributes(&self, id: Id) -> impl Iterator<Item = (&str, &str)> {
        let node = &self.nodes[id as usize];
        let span = if node.tag == Tag::Text {
            (0, 0)
        } else {
            node.span
        };
        self.attributes[span.0 as usize..span.1 as usize]
            .iter()
            .map(|attribute| {
                let slice = |(start, end): (u32, u32)| &self.strings[start as usize..end as usize];
                (slice(attribute.name), slice(attribute.value))
            })
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        self.attributes(id)
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// The lower-case name of an element.
    pub(super) fn name(&self, id: Id) -> &str {
        match self.tag(id) {
            // The name of an unlisted element is kept as the value of a nameless attribute.
            Tag::Other => self.attribute(id, "").unwrap_or_default(),
            tag => tag.name(),
        }
    }

    /// Whether `data-pagefind-` or `data-littoral-` occurs in any attribute.
    pub(super) fn mentions_own_attributes(&self) -> bool {
        let strings = self.strings.as_bytes();
        memchr::memmem::find(strings, b"data-pagefind-").is_some()
            || memchr::memmem::find(strings, b"data-littoral-").is_some()
    }

    fn node(&mut self, tag: Tag, parent: Id, span: (u32, u32)) -> Id {
        let id = self.nodes.len() as Id;
        self.nodes.push(Node {
            tag,
            end: id + 1,
            parent,
            span,
        });
        id
    }

    fn top(&self) -> Id {
        self.open.last().copied().unwrap_or(0)
    }

    fn event(&mut self, event: &CallbackEvent<'_>, element: &mut Element) {
        if self.nodes.len() > self.max_nodes {
            return;
        }
        match event {
            CallbackEvent::OpenStartTag { name } => {
                element.tag = Some(Tag::of(name));
                element.first = self.attributes.len();
                if element.tag == Some(Tag::Other) {
                    let name = self.string(name);
                    self.attributes.push(Attribute {
                        name: (0, 0),
                        value: name,
                    });
                }
            }
            CallbackEvent::AttributeName { name } => {
                let room = self.attributes.len() - element.first < MAX_ATTRIBUTES;
                element.named = element.tag.is_some() && room;
                if element.named {
                    let name = self.string(name);
                    self.attributes.push(Attribute {
                        name,
                        value: (0, 0),
                    });
                }
            }
            CallbackEvent::AttributeValue { value } if element.named => {
                let value = self.string(value);
                if let Some(attribute) = self.attributes.last_mut() {
                    attribute.value = value;
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                if let Some(tag) = element.tag.take() {
                    self.start(tag, element.first, *self_closing);
                }
                element.named = false;
            }
            CallbackEvent::EndTag { name } => {
                // Attributes of an end tag are reported before it and belong to nothing.
                element.tag = None;
                self.finish(Tag::of(name), name);
            }
            CallbackEvent::String { value } => self.characters(value),
            _ => {}
        }
    }

    fn characters(&mut self, value: &[u8]) {
        let top = self.top();
        if matches!(
            self.tag(top),
            Tag::Script | Tag::Style | Tag::Noscript | Tag::Iframe
        ) {
            return;
        }
        let start = self.text.len() as u32;
        self.text.push_str(&String::from_utf8_lossy(value));
        self.node(Tag::Text, top, (start, self.text.len() as u32));
    }

    fn string(&mut self, value: &[u8]) -> (u32, u32) {
        let start = self.strings.len() as u32;
        self.strings.push_str(&String::from_utf8_lossy(value));
        (start, self.strings.len() as u32)
    }

    fn start(&mut self, tag: Tag, first: usize, self_closing: bool) {
        self.close_implied(tag);
        let span = (first as u32, self.attributes.len() as u32);
        let top = self.top();
        let id = self.node(tag, top, span);
        let leaf = tag.is_void() || self_closing && (tag == Tag::Svg || self.in_foreign());
        if leaf {
            return;
        }
        if self.open.len() < MAX_DEPTH {
            self.open.push(id);
        } else {
            self.flattened += 1;
        }
    }

    fn in_foreign(&self) -> bool {
        self.open
            .iter()
            .rev()
            .take(16)
            .any(|id| matches!(self.tag(*id), Tag::Svg | Tag::Math))
    }

    /// Closes what the start of `tag` closes without an end tag.
    /// Source: WHATWG HTML, section 13.1.2.4 "Optional tags".
    fn close_implied(&mut self, tag: Tag) {
        use Tag::{
            Article, Aside, Body, Caption, Colgroup, Dd, Dl, Dt, Head, Li, Link, Menu, Meta,
            Noscript, Ol, Optgroup, Option, P, Script, Section, Select, Style, Table, Tbody, Td,
            Template, Tfoot, Th, Thead, Title, Tr, Ul,
        };
        if self.tag(self.top()) == Head
            && !matches!(
                tag,
                Title | Meta | Link | Script | Style | Template | Noscript | Tag::Base
            )
        {
            self.pop_to(self.open.len() - 1);
        }
        match tag {
            Body => self.close_open(&[Head], &[]),
            Li => self.close_open(
                &[Li],
                &[Ul, Ol, Menu, Table, Td, Th, Article, Aside, Section],
            ),
            Dt | Dd => self.close_open(&[Dt, Dd], &[Dl, Table, Td, Th, Article, Aside, Section]),
            Td | Th => self.close_open(&[Td, Th, Caption, Colgroup], &[Tr, Table]),
            Tr => self.close_open(&[Tr, Caption, Colgroup], &[Table]),
            Tbody | Thead | Tfoot => {
                self.close_open(&[Tbody, Thead, Tfoot, Caption, Colgroup], &[Table]);
            }
            Option | Optgroup => self.close_open(&[Option], &[Select]),
            _ => {}
        }
        if tag.is_block() {
            // An open paragraph ends, unless a block is open within it.
            let p = self.open.iter().rposition(|id| {
                let open = self.tag(*id);
                open == P || open.is_block()
            });
            if let Some(at) = p.filter(|at| self.tag(self.open[*at]) == P) {
                self.pop_to(at);
            }
        }
    }

    /// Closes the outermost open element of `tags` that no element of `until` encloses.
    fn close_open(&mut self, tags: &[Tag], until: &[Tag]) {
        let mut at = None;
        for (i, id) in self.open.iter().enumerate().rev() {
            let tag = self.nodes[*id as usize].tag;
            if until.contains(&tag) {
                break;
            }
            if tags.contains(&tag) {
                at = Some(i);
            }
        }
        if let Some(at) = at {
            self.pop_to(at);
        }
    }

    fn finish(&mut self, tag: Tag, name: &[u8]) {
        if tag.is_void() {
            if tag == Tag::Br {
                self.start(Tag::Br, self.attributes.len(), false);
            }
            return;
        }
        if self.flattened > 0 {
            self.flattened -= 1;
            return;
        }
        if matches!(tag, Tag::Body | Tag::Html) {
            // What follows still belongs to the page.
            return;
        }
        for i in (1..self.open.len()).rev() {
            let open = self.tag(self.open[i]);
            if open == tag && (tag != Tag::Other || self.name(self.open[i]).as_bytes() == name) {
                self.pop_to(i);
                return;
            }
            let crosses_block = open.is_block() && !tag.is_block() && tag != Tag::Other;
            let crosses_cell = matches!(open, Tag::Td | Tag::Th | Tag::Caption);
            if crosses_block || crosses_cell && !tag.is_table_part() || open == Tag::Template {
                return;
            }
        }
    }

    /// Closes open elements until `len` are left.
    fn pop_to(&mut self, len: usize) {
        let end = self.nodes.len() as Id;
        for id in self.open.drain(len.max(1)..) {
            self.nodes[id as usize].end = end;
        }
    }
}

/// A start tag being read.
#[derive(Default)]
struct Element {
    tag: Option<Tag>,
    /// Its first attribute.
    first: usize,
    /// Whether an attribute name was kept whose value may follow.
    named: bool,
}
