//! Tells what surrounds content from content: navigation, footers, hidden elements, permalinks.

use super::tag::Tag;
use super::tree::{Id, Tree};

/// Elements with one of these classes or ids are not content.
const NAMES: &[&str] = &[
    "ad",
    "addthis",
    "ads",
    "advert",
    "advertisement",
    "back-to-top",
    "bottom-nav",
    "comments",
    "cookie-banner",
    "cookie-consent",
    "copy-button",
    "copybtn",
    "disqus_thread",
    "edit-link",
    "edit-page",
    "edit-page-link",
    "edit-this-page",
    "feedback",
    "footer",
    "giscus",
    "global-nav",
    "gutter",
    "lang",
    "line-numbers-rows",
    "lineno",
    "linenodiv",
    "linenos",
    "mainnav",
    "masthead",
    "md-banner",
    "md-content__button",
    "md-feedback",
    "md-footer",
    "md-header",
    "md-post--excerpt",
    "md-sidebar",
    "md-source-file",
    "md-top",
    "menu-bar",
    "meta-navigation",
    "nav-wide-wrapper",
    "nav-wrapper",
    "navbar",
    "navigation",
    "newsletter",
    "next-prev",
    "on-this-page",
    "page-toc",
    "pager",
    "pagination",
    "pagination-nav",
    "post-navigation",
    "prev-next",
    "prev-next-footer",
    "right-sidebar",
    "rst-footer-buttons",
    "share",
    "side-bar",
    "sidebar",
    "sidebar-container",
    "sidebar-nav",
    "sidebar-wrapper",
    "site-footer",
    "site-header",
    "site-nav",
    "skip-link",
    "skip-to-content",
    "skiplink",
    "skipnav",
    "social-share",
    "sphinxsidebar",
    "sphinxsidebarwrapper",
    "tabbed-labels",
    "table-of-contents",
    "table_of_contents",
    "theme-doc-footer",
    "toc",
    "toc-container",
    "toctree-wrapper",
];

/// Classes of links that lead to the heading they stand in.
const PERMALINKS: &[&str] = &[
    "anchor-link",
    "anchorjs-link",
    "direct-link",
    "hash-link",
    "header-anchor",
    "headerlink",
    "heading-anchor",
    "heading-link",
    "octicon-link",
    "permalink",
    "sl-anchor-link",
];

/// Classes of what is said to screen readers alone.
const UNSEEN: &[&str] = &[
    "screen-reader-only",
    "screen-reader-text",
    "sr-only",
    "visually-hidden",
    "visuallyhidden",
];

/// Classes of links to a footnote, and from it back to where it was called.
/// Source: what Python-Markdown, markdown-it, Pandoc, kramdown, Docutils and GitHub's parser write.
const FOOTNOTE_LINKS: &[&str] = &[
    "data-footnote-backref",
    "fn-backref",
    "footnote-back",
    "footnote-backref",
    "footnote-ref",
    "footnote-reference",
    "reversefootnote",
];

/// How sure it is that an element is not content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Content,
    /// Leave it out unless it holds most of the page.
    Likely,
    /// Leave it out.
    Surely,
}

/// Whether a person does not see the element, or only a machine is to read it.
pub(super) fn is_hidden(tree: &Tree, id: Id) -> bool {
    let mut hidden = false;
    let mut panel = false;
    for (name, value) in tree.attributes(id) {
        match name {
            "hidden" => hidden |= !value.eq_ignore_ascii_case("until-found"),
            // The panels of tabs are hidden until chosen; they are content all the same.
            "role" => panel = value == "tabpanel",
            "class" => {
                hidden |= value
                    .split_ascii_whitespace()
                    .any(|name| UNSEEN.binary_search(&name).is_ok());
            }
            "style" => {
                let style: String = value
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .collect::<String>()
                    .to_lowercase();
                hidden |= style.contains("display:none") || style.contains("visibility:hidden");
            }
            _ => {}
        }
    }
    hidden && !panel
}

/// Elements that are never read as text, whatever the mode.
pub(super) fn is_machinery(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Script
            | Tag::Style
            | Tag::Noscript
            | Tag::Template
            | Tag::Svg
            | Tag::Iframe
            | Tag::Head
            | Tag::Title
            | Tag::Object
            | Tag::Canvas
            | Tag::Audio
            | Tag::Video
            | Tag::Annotation
            | Tag::Datalist
            | Tag::Rp
            | Tag::Rt
    )
}

/// Judges an element of a page that does not mark its content.
pub(super) fn judge(tree: &Tree, id: Id) -> Verdict {
    let tag = tree.tag(id);
    match tag {
        Tag::Nav | Tag::Button | Tag::Select | Tag::Textarea | Tag::Search | Tag::Dialog => {
            return Verdict::Surely;
        }
        Tag::Footer | Tag::Form | Tag::Label => return Verdict::Likely,
        Tag::Header if banner(tree, id) => return Verdict::Likely,
        _ => {}
    }
    let mut verdict = if tag == Tag::Aside {
        Verdict::Likely
    } else {
        Verdict::Content
    };
    for (name, value) in tree.attributes(id) {
        match name {
            "class" | "id" => {
                if tag == Tag::Aside && is_admonition(value) {
                    return Verdict::Content;
                }
                if value.split_ascii_whitespace().any(is_boilerplate_name) {
                    verdict = Verdict::Likely;
                }
            }
            "role" => match value {
                "navigation" | "search" | "doc-toc" | "contentinfo" | "banner"
                | "complementary" | "dialog" | "alertdialog" => verdict = Verdict::Likely,
                "note" | "doc-tip" => return Verdict::Content,
                _ => {}
            },
            "aria-hidden" if value == "true" => verdict = Verdict::Likely,
            _ => {}
        }
    }
    verdict
}

/// A header with navigation and no heading is a banner.
fn banner(tree: &Tree, id: Id) -> bool {
    !tree.within(id).any(|at| tree.tag(at).level().is_some())
        && tree
            .within(id)
            .any(|at| matches!(tree.tag(at), Tag::Nav | Tag::Ul | Tag::Form))
}

fn is_admonition(classes: &str) -> bool {
    [
        "admonition",
        "starlight-aside",
        "callout",
        "note",
        "warning",
        "tip",
        "alert",
        "caution",
    ]
    .iter()
    .any(|word| classes.contains(word))
}

fn is_boilerplate_name(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
        || name.starts_with("breadcrumb")
        || name.starts_with("theme-doc-breadcrumb")
        || name.starts_with("theme-doc-toc")
        || name.starts_with("theme-doc-version")
        || name.starts_with("tableOfContents")
}

/// Whether a link within a heading only leads to that heading.
pub(super) fn is_permalink(tree: &Tree, id: Id) -> bool {
    if tree.tag(id) != Tag::A {
        return false;
    }
    let class = tree.attribute(id, "class").unwrap_or_default();
    if class
        .split_ascii_whitespace()
        .any(|name| PERMALINKS.binary_search(&name).is_ok())
    {
        return true;
    }
    let local = tree
        .attribute(id, "href")
        .is_some_and(|href| href.contains('#'));
    local
        && tree.texts(id).all(|text| {
            text.chars().all(|c| c.is_whitespace() || matches!(c, '¶' | '#' | '§' | '🔗' | '⚓' | '\u{f0c1}'))
        })
        // An image is text of a kind.
        && !tree.within(id).any(|at| tree.tag(at) == Tag::Img)
}

/// Whether an element is the number that calls a footnote, or the arrow that leads back from it: within a
/// sentence neither is a word.
pub(super) fn is_footnote_link(tree: &Tree, id: Id) -> bool {
    matches!(tree.tag(id), Tag::A | Tag::Sup | Tag::Span)
        && tree.attributes(id).any(|(name, value)| match name {
            "class" => value
                .split_ascii_whitespace()
                .any(|name| FOOTNOTE_LINKS.binary_search(&name).is_ok()),
            "role" => matches!(value, "doc-noteref" | "doc-backlink"),
            "data-footnote-ref" | "data-footnote-backref" => true,
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_binary_search() {
        assert!(
            NAMES.is_sorted(),
            "{:?}",
            NAMES.windows(2).find(|w| w[0] > w[1])
        );
        assert!(PERMALINKS.is_sorted());
        assert!(UNSEEN.is_sorted());
        assert!(FOOTNOTE_LINKS.is_sorted());
    }
}
