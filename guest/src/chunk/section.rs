//! Sections: the parts from one heading to the next.

use crate::document::{Document, Part, PartKind};

/// A heading above a section.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) text: String,
    pub(super) anchor: Option<String>,
    pub(super) is_title: bool,
    /// Where it stands, which tells it from others of the same text.
    pub(super) start: usize,
    level: u8,
}

/// Neighbouring parts of one weight under one heading.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Outermost first, its own last.
    pub(super) path: Vec<Heading>,
    /// Its parts, none empty; the heading itself is the first if it weighs something.
    pub(super) parts: Vec<&'a Part>,
    pub(super) weight: u8,
    /// Sections of the same run have the same weight and nothing that weighs 0 between them.
    pub(super) run: usize,
}

/// The sections of `document` that weigh more than 0, in order.
pub(super) fn sections(document: &Document) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut path: Vec<Heading> = Vec::new();
    let mut run = 0;
    let mut weight = 0;
    let mut opened = true;
    for part in &document.parts {
        let text = document.text[part.start..part.end].trim();
        if text.is_empty() {
            continue;
        }
        if let PartKind::Heading { level, anchor } = &part.kind {
            while path.last().is_some_and(|above| above.level >= *level) {
                path.pop();
            }
            path.push(Heading {
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
                anchor: anchor.clone(),
                is_title: path.is_empty() && text == document.title.trim(),
                start: part.start,
                level: *level,
            });
            opened = true;
        }
        if part.weight != weight {
            weight = part.weight;
            run += 1;
            opened = true;
        }
        if weight == 0 {
            continue;
        }
        match sections.last_mut() {
            Some(section) if !opened => section.parts.push(part),
            _ => sections.push(Section {
                path: path.clone(),
                parts: vec![part],
                weight,
                run,
            }),
        }
        opened = false;
    }
    sections
}
