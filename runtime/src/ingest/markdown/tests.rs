//! Markdown as projects write it, and as nobody should.

use littoral_guest::{Document, PartKind};

use crate::ingest::{IngestOptions, Limits, Skipped, SourceKind, Unit, parse};

fn at(path: &str, text: &str, options: &IngestOptions) -> Result<Document, Skipped> {
    let unit = Unit {
        kind: SourceKind::Markdown,
        id_hint: path.into(),
        path: path.into(),
        line: 0,
        bytes: text.as_bytes().into(),
    };
    parse(&unit, options)
}

fn read(text: &str) -> Document {
    at("a.md", text, &IngestOptions::default()).unwrap()
}

#[test]
fn blocks_become_parts() {
    let document = read(
        "# Title\n\nA *soft*\nbreak and `code`.\n\n- one\n  - two\n\n    more\n- [x] done\n\n\
         > quoted\n\n```rust\nfn a() {\n\n}\n```\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n\
         Term\n: Meaning\n\nSee[^1].\n\n[^1]: The note.\n\n<div>In <b>HTML</b></div>\n",
    );
    assert_eq!(document.title, "Title");
    assert_eq!(
        document.text,
        "A soft break and code.\n\none\n\ntwo\n\nmore\n\ndone\n\nquoted\n\nfn a() {\n\n}\n\na | b\
         \n\n1 | 2\n\nTerm\n\nMeaning\n\nSee.\n\nThe note.\n\nIn HTML"
    );
    assert!(
        document
            .parts
            .iter()
            .any(|part| part.kind == PartKind::Code)
    );
}

#[test]
fn headings_have_the_anchors_that_github_gives() {
    let document = read("## What's `new`?\n\n## Überblick\n\n## Überblick\n\n## X {#own}\n\ntext");
    let anchors: Vec<_> = document
        .parts
        .iter()
        .filter_map(|part| match &part.kind {
            PartKind::Heading { anchor, .. } => anchor.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(anchors, ["whats-new", "überblick", "überblick-1", "own"]);
}

#[test]
fn front_matter_names_the_document_but_never_leads_out_of_the_root() {
    let options = IngestOptions {
        base_url: Some("https://x.org".into()),
        ..IngestOptions::default()
    };
    let url = |slug: &str| {
        let text = format!("---\ntitle: T\nslug: {slug}\n---\n# T\n\ntext");
        let document = at("b/c.md", &text, &options).unwrap();
        assert_eq!(
            (document.title.as_str(), document.text.as_str()),
            ("T", "text")
        );
        document.url
    };
    assert_eq!(url("/guide/"), "https://x.org/guide/");
    for bad in [
        "/../../etc",
        "/%2e%2e/x",
        "//evil.org",
        "relative",
        "javascript:x",
    ] {
        assert_eq!(url(bad), "https://x.org/b/c.md", "{bad}");
    }
    assert_eq!(
        at("a.md", "---\ndraft: true\n---\nx", &options)
            .unwrap_err()
            .code,
        "noindex"
    );
}

#[test]
fn definitions_in_the_manner_of_mdn_lose_their_colon() {
    assert_eq!(
        read("- `name`\n  - : The {{Glossary(\"x\")}} name.\n").text,
        "name\n\nThe x name."
    );
}

#[test]
fn bombs_end_in_this_process() {
    let n = Limits::default().markdown_bytes;
    for pattern in [
        "[^",
        "[",
        "](",
        "> ",
        "* ",
        "- ",
        "`",
        "``a",
        "*a_ ",
        "**a *a ",
        "![",
        "<",
        "<a ",
        "&",
        "|",
        "a|",
        "[a](<b",
        "[a]: b\n",
        "[^a]: b\n",
        "\\",
        "~~a",
        "{{",
        "{%",
        ":::\n",
        "<!--",
        "<?",
        "<![CDATA[",
        "#",
        "1. ",
        "\t",
        "a\n: b\n",
        "[^a]\n",
        "|a|\n|-|\n",
        "{#a",
        "$",
        "***a",
        "<b>",
        "_",
        "[[",
        "a**b",
    ] {
        let text = pattern.repeat(n / pattern.len());
        if let Ok(document) = at("a.md", &text, &IngestOptions::default()) {
            assert!(document.text.len() <= text.len(), "{pattern:?}");
        }
    }
}
