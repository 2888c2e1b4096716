//! The links of a document and what they say: what others call the page that they lead to.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{SourceKind, Unit, charset, clean, html};

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its words.
    pub text: String,
    /// Where it leads, as written.
    pub target: String,
}

/// The links of an HTML page or a Markdown file, in order; none of other formats, of what cannot be
/// read, and of Markdown too long to be parsed in this process.
pub fn links(unit: &Unit, markdown_bytes: usize) -> Vec<Link> {
    match unit.kind {
        SourceKind::Html => html::links(&charset::html(&unit.bytes)),
        SourceKind::Markdown if unit.bytes.len() <= markdown_bytes => {
            charset::utf8(unit).map_or_else(|_| Vec::new(), |text| markdown(&text))
        }
        _ => Vec::new(),
    }
}

fn markdown(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut open: Option<Link> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                open = Some(Link {
                    text: String::new(),
                    target: dest_url.into_string(),
                });
            }
            Event::End(TagEnd::Link) => found.extend(open.take()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(link) = &mut open {
                    link.text.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(link) = &mut open {
                    link.text.push(' ');
                }
            }
            _ => {}
        }
    }
    for link in &mut found {
        link.text = clean::line(&link.text);
    }
    found
}

/// The id that `target` names in a document called `from`, without fragment and query: a path within
/// the input folder. `None` where it leads elsewhere, or to the document itself.
pub fn target_path(from: &str, target: &str) -> Option<String> {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .ok()?;
    if decoded.is_empty() || decoded.contains(':') || decoded.starts_with("//") {
        return None;
    }
    let mut parts: Vec<&str> = match decoded.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    parts.pop();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    (path != from).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(kind: SourceKind, text: &str) -> Unit {
        Unit {
            kind,
            id_hint: "guide/a.md".into(),
            path: "a".into(),
            line: 0,
            bytes: text.into(),
        }
    }

    #[test]
    fn links_are_found_with_their_words() {
        let expected = [Link {
            text: "tide tables of today".into(),
            target: "tides.md#today".into(),
        }];
        let text = "See the [tide `tables`\nof today](tides.md#today).";
        assert_eq!(links(&unit(SourceKind::Markdown, text), 1000), expected);
        let page = "<p>See the <a class=x href='tides.md#today'>tide <b>tables</b>\n of today</a>.";
        assert_eq!(links(&unit(SourceKind::Html, page), 1000), expected);
        assert!(links(&unit(SourceKind::Markdown, text), 3).is_empty());
        assert!(links(&unit(SourceKind::Text, text), 1000).is_empty());
    }

    #[test]
    fn a_target_is_a_path_within_the_folder() {
        for (target, path) in [
            ("b.md", Some("guide/b.md")),
            ("./b%20c.md?x#y", Some("guide/b c.md")),
            ("../b/", Some("b")),
            ("/b.html", Some("b.html")),
            ("#top", None),
            ("a.md#top", None),
            ("https://a.example/b.md", None),
            ("//a.example/b.md", None),
            ("mailto:a@b", None),
            ("../../b.md", None),
            ("%ff", None),
        ] {
            assert_eq!(
                target_path("guide/a.md", target).as_deref(),
                path,
                "{target}"
            );
        }
    }
}
