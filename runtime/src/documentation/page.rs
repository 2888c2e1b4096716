//! A page of the documentation as HTML, so that a hit leads to its place.

use crate::ingest::Document;
use littoral_guest::PartKind;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use std::collections::VecDeque;

/// The Markdown `text` as a page, its headings with the anchors that `document`, read from the same
/// text, has.
pub(super) fn html(text: &str, document: &Document) -> String {
    let mut headings: VecDeque<(&str, &str)> = document
        .parts
        .iter()
        .filter_map(|part| match &part.kind {
            PartKind::Heading {
                anchor: Some(anchor),
                ..
            } => Some((&document.text[part.start..part.end], anchor.as_str())),
            _ => None,
        })
        .collect();
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, options).collect();
    for at in 0..events.len() {
        let (before, after) = events.split_at_mut(at + 1);
        let Some(Event::Start(Tag::Heading { id, .. })) = before.last_mut() else {
            continue;
        };
        let words: String = after
            .iter()
            .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        if let Some(found) = headings.iter().position(|(text, _)| *text == words) {
            let anchor = headings.drain(..=found).next_back();
            *id = anchor.map(|(_, anchor)| CowStr::from(anchor.to_owned()));
        }
    }
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    let mut title = String::new();
    // A title is text, and text in HTML is escaped.
    html::push_html(
        &mut title,
        std::iter::once(Event::Text(document.title.as_str().into())),
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"icon.svg\">\n\
         <link rel=\"stylesheet\" href=\"page.css\">\n</head>\n<body>\n\
         <nav><a href=\"./\">Search</a></nav>\n<main class=\"document\">\n{body}</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{documents, html};

    #[test]
    fn every_anchor_of_a_document_is_on_its_page() {
        let pages = html().unwrap();
        let mut n_anchors = 0;
        for (document, (name, page)) in documents().unwrap().iter().zip(pages) {
            for part in &document.parts {
                if let littoral_guest::PartKind::Heading {
                    anchor: Some(anchor),
                    ..
                } = &part.kind
                {
                    let at = format!(" id=\"{anchor}\"");
                    assert_eq!(page.matches(&at).count(), 1, "{name}#{anchor}");
                    n_anchors += 1;
                }
            }
        }
        assert!(n_anchors > 50);
    }
}
