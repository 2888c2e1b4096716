//! What a page's head says: title, description, and whether it wants to be found.

use crate::ingest::clean;

use super::content::Content;
use super::tag::Tag;
use super::tagged::{self, Tagged};
use super::tree::{Id, Tree};

/// Longest `h1` taken for the title, in bytes.
const TITLE_BYTES: usize = 300;
/// Longest delay of a refresh that counts as a redirect, in seconds.
const REDIRECT_SECONDS: f64 = 10.0;

#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) title: String,
    pub(super) site: String,
    pub(super) description: Option<String>,
    pub(super) noindex: bool,
    /// Where a redirect stub leads.
    pub(super) redirect: Option<String>,
}

/// Reads `<title>` and the `<meta>` elements.
pub(super) fn read(tree: &Tree) -> Head {
    let mut head = Head::default();
    let mut has_title = false;
    let mut id = 0;
    while id < tree.ids().end {
        match tree.tag(id) {
            Tag::Svg | Tag::Main | Tag::Article => {
                id = tree.end(id);
                continue;
            }
            Tag::Title if !has_title => {
                has_title = true;
                head.title = tagged::content(tree, id);
            }
            Tag::Meta => head.meta(tree, id),
            _ => {}
        }
        id += 1;
    }
    head
}

impl Head {
    fn meta(&mut self, tree: &Tree, id: Id) {
        let Some(content) = tree.attribute(id, "content") else {
            return;
        };
        let name = tree
            .attribute(id, "name")
            .or_else(|| tree.attribute(id, "property"));
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "robots" => {
                self.noindex |= content.split(',').any(|word| {
                    let word = word.trim();
                    word.eq_ignore_ascii_case("noindex") || word.eq_ignore_ascii_case("none")
                });
            }
            "description" if self.description.is_none() => {
                self.description = Some(clean::line(content)).filter(|text| !text.is_empty());
            }
            "og:site_name" | "application-name" if self.site.is_empty() => {
                self.site = clean::line(content);
            }
            _ => {}
        }
        if tree
            .attribute(id, "http-equiv")
            .is_some_and(|v| v.eq_ignore_ascii_case("refresh"))
        {
            let (delay, target) = content.split_once([';', ',']).unwrap_or((content, ""));
            let target = target.trim();
            let target = match target.get(..3) {
                Some(url) if url.eq_ignore_ascii_case("url") => {
                    target[3..].trim_start().trim_start_matches('=').trim()
                }
                _ => target,
            };
            let soon = delay
                .trim()
                .parse::<f64>()
                .is_ok_and(|s| s <= REDIRECT_SECONDS);
            if soon && !target.is_empty() {
                self.redirect = Some(clean::line(target.trim_matches(['"', '\''])));
            }
        }
    }
}

/// The title of a page: its first `h1` where that is within the content, else `<title>` without the
/// site's name, else the first heading.
pub(super) fn title(tree: &Tree, head: &Head, content: &Content, tagged: &Tagged) -> String {
    let whole = |id: Id| tree.tag(id) == Tag::H1 && !tagged.ignores(id);
    let mut within = content.roots.iter().flat_map(|root| *root..tree.end(*root));
    let h1 = within
        .find(|id| whole(*id))
        .or_else(|| tree.ids().find(|id| whole(*id)));
    let h1 = h1
        .map(|id| strip_glyphs(&tagged::content(tree, id)).to_owned())
        .unwrap_or_default();
    let page = without_site(&head.title, &head.site);
    // A banner repeats the site's name on every page; it is no title.
    let is_site = !h1.is_empty()
        && head.title.len() > h1.len()
        && (head.site == h1 || head.title.ends_with(&h1) && page != head.title)
        && !page.is_empty();
    if !h1.is_empty() && h1.len() <= TITLE_BYTES && !is_site {
        return h1;
    }
    if !page.is_empty() {
        return page.to_owned();
    }
    let mut within = content.roots.iter().flat_map(|root| *root..tree.end(*root));
    let heading = within.find(|id| tree.tag(*id).level().is_some());
    heading
        .map(|id| strip_glyphs(&tagged::content(tree, id)).to_owned())
        .unwrap_or_default()
}

/// Takes a permalink's glyph off the end of a heading.
fn strip_glyphs(text: &str) -> &str {
    text.trim_end_matches(['¶', '§', '🔗', ' '])
        .trim_end_matches(" #")
}

/// The title without the site's name at its end.
fn without_site<'a>(title: &'a str, site: &str) -> &'a str {
    let separators = [" | ", " · ", " • ", " :: ", " » ", " – ", " — ", " - "];
    let cut = separators
        .iter()
        .filter_map(|s| title.rfind(s).map(|at| (at, s.len())))
        .max();
    let Some((at, len)) = cut else { return title };
    let suffix = title[at + len..].trim();
    let short = suffix.chars().count() <= 40;
    let known = !site.is_empty() && suffix.eq_ignore_ascii_case(site);
    let page = title[..at].trim();
    if (known || short) && !page.is_empty() {
        page
    } else {
        title
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_site_is_cut_off_the_title() {
        for (title, expected) in [
            ("Index Guide - txtai", "Index Guide"),
            ("Traits - Advanced - The Book", "Traits - Advanced"),
            ("Plain", "Plain"),
            ("Self-hosting", "Self-hosting"),
            (" | Site", " | Site"),
        ] {
            assert_eq!(without_site(title, ""), expected);
        }
    }
}
