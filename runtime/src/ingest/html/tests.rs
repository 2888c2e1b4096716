//! Pages as generators write them, and pages nobody should write.

use littoral_guest::{Document, PartKind};

use crate::ingest::{IngestOptions, Skipped, SourceKind, Unit, parse};

fn at(path: &str, page: &str, options: &IngestOptions) -> Result<Document, Skipped> {
    let unit = Unit {
        kind: SourceKind::Html,
        id_hint: path.into(),
        path: path.into(),
        line: 0,
        bytes: page.as_bytes().into(),
    };
    parse(&unit, options)
}

fn page(page: &str) -> Document {
    at("a/b.html", page, &IngestOptions::default()).unwrap()
}

fn skipped(html: &str) -> &'static str {
    at("a/b.html", html, &IngestOptions::default())
        .unwrap_err()
        .code
}

fn headings(document: &Document) -> Vec<(u8, &str, &str)> {
    let of = |part: &littoral_guest::Part| match &part.kind {
        PartKind::Heading { level, anchor } => Some((
            *level,
            part.start,
            part.end,
            anchor.as_deref().map(str::len),
        )),
        _ => None,
    };
    document
        .parts
        .iter()
        .filter_map(|part| {
            let (level, start, end, _) = of(part)?;
            let PartKind::Heading { anchor, .. } = &part.kind else {
                return None;
            };
            Some((
                level,
                &document.text[start..end],
                anchor.as_deref().unwrap_or_default(),
            ))
        })
        .collect()
}

#[test]
fn an_mkdocs_page_yields_its_article() {
    let document = page(
        "<!doctype html><html lang=en><head><title>Install - Harbour</title></head><body>
        <nav class=md-nav><a href=x>Other</a></nav><main><div class=md-sidebar>side</div>
        <article class=md-content__inner><a class=md-content__button>Edit</a>
        <h1 id=install>Install<a class=headerlink href=#install>¶</a></h1><p>First &amp; last.</p>
        <h2 id=linux>On Linux<a class=headerlink href=#linux title=Permalink>¶</a></h2>
        <div class=highlight><pre><span></span><code>apt get\n  install</code></pre></div>
        <table><tr><th>Key</th><th>Value</th></tr><tr><td>a<td>b<br>c</table>
        <ul><li>one<li>two <b>bold</b></ul></article></main><footer>Made by</footer></body></html>",
    );
    assert_eq!(document.title, "Install");
    assert_eq!(document.lang.as_deref(), Some("en"));
    assert_eq!(
        document.text,
        "First & last.\n\nOn Linux\n\napt get\n  install\n\nKey | Value\n\na | b c\n\none\n\ntwo bold"
    );
    assert_eq!(headings(&document), [(2, "On Linux", "linux")]);
}

#[test]
fn anchors_are_found_however_generators_write_them() {
    let document = page(
        "<main><h1>T</h1><h2 id=a><a class=header href=#a>mdBook</a></h2>
        <section id=b><h2>Sphinx<a class=headerlink href=#b>¶</a></h2></section>
        <h2><a name=c></a>Old</h2>
        <div class=sl-heading-wrapper><h2 id=d>Starlight</h2><a class=sl-anchor-link href=#d>
        <span class=sr-only>Section titled</span></a></div>
        <h2 class=anchor id=e>Docusaurus<a class=hash-link href=#e>\u{200b}</a></h2></main>",
    );
    let found = headings(&document);
    assert_eq!(
        found,
        [
            (2, "mdBook", "a"),
            (2, "Sphinx", "b"),
            (2, "Old", "c"),
            (2, "Starlight", "d"),
            (2, "Docusaurus", "e")
        ]
    );
}

#[test]
fn a_plain_page_is_searched_for_its_densest_part() {
    let document = page(
        "<title>Tides | Coast</title><body><div id=menu><a href=1>One</a> <a href=2>Two</a></div>
        <div><div><p>The tide comes in twice a day and goes out again as often.</p>
        <p>It is higher when the moon is new or full.</p></div></div>
        <div><a href=3>Imprint</a></div>",
    );
    assert_eq!(document.title, "Tides");
    assert!(document.text.starts_with("The tide") && document.text.ends_with("full."));
}

#[test]
fn pagefind_attributes_mean_what_they_mean_to_pagefind() {
    let document = page(
        "<html><head><meta data-pagefind-filter='author[content]' content=Ann></head><body>
        <p>outside <span data-pagefind-meta='kind'>Guide</span></p>
        <div data-pagefind-body><h1>Title</h1><p data-pagefind-weight=2.5>Heavy</p>
        <p data-pagefind-ignore>gone <b data-pagefind-filter=tag>x</b></p>
        <p data-littoral-ignore=all>gone <b data-pagefind-filter=tag>y</b></p>
        <img alt=Alt title=Tip src=a.png data-pagefind-index-attrs=title>
        <aside>kept</aside><nav>gone</nav></div>
        <p data-pagefind-body data-pagefind-sort='date:2024-01-01'>second</p>
        <i data-pagefind-meta='a[data-a], b:x, y: z' data-a=1></i></body></html>",
    );
    assert_eq!(document.text, "Heavy\n\nTip. Alt\n\nkept\n\nsecond");
    assert_eq!(document.parts[0].weight, 25);
    assert_eq!(document.filters["author"], ["Ann"]);
    assert_eq!(document.filters["tag"], ["x"]);
    assert_eq!(document.sort["date"], "2024-01-01");
    let meta: Vec<_> = document
        .meta
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        meta,
        [
            ("a", "1"),
            ("b", "x, y: z"),
            ("image", "a.png"),
            ("image_alt", "Alt"),
            ("kind", "Guide")
        ]
    );
}

#[test]
fn pages_without_the_body_attribute_are_left_out_on_request() {
    let options = IngestOptions {
        require_body: true,
        ..IngestOptions::default()
    };
    let code = |html| at("a.html", html, &options).map_err(|skipped| skipped.code);
    assert_eq!(code("<p>text").unwrap_err(), "no-body-attribute");
    assert!(code("<p data-littoral-body>text").is_ok());
    assert_eq!(
        code("<code>&lt;p data-pagefind-body&gt;").unwrap_err(),
        "no-body-attribute"
    );
}

#[test]
fn pages_that_do_not_want_to_be_found_are_skipped() {
    assert_eq!(
        skipped("<meta name=robots content='NOINDEX, follow'><p>x"),
        "noindex"
    );
    assert_eq!(
        skipped("<meta http-equiv=refresh content='0; url=/new'><p>moved"),
        "redirect"
    );
    assert_eq!(skipped("<body><script>x</script>"), "no-text");
    let print = at(
        "print.html",
        "<!-- mdBook --><p>x",
        &IngestOptions::default(),
    );
    assert_eq!(print.unwrap_err().code, "duplicate-page");
}

#[test]
fn what_a_person_does_not_see_is_dropped() {
    let document = page(
        "<main><p hidden>a</p><p style='color:red; display : none'>b</p><p>c
        <span aria-hidden=true>d</span></p><div role=tabpanel hidden>e</div></main>",
    );
    assert_eq!(document.text, "c\n\ne");
}

#[test]
fn selectors_choose_the_root_and_what_is_left_out() {
    let options = IngestOptions {
        root_selector: Some("#post".into()),
        exclude_selectors: vec![".ads, div[data-x]".into()],
        ..IngestOptions::default()
    };
    let html = "<p>out</p><div id=post><p>in</p><p class='b ads'>buy</p><div data-x>x</div></div>";
    assert_eq!(at("a.html", html, &options).unwrap().text, "in");
}

/// Were any of them read in more than proportion to its length, this would not end.
#[test]
fn bombs_end() {
    let n = 1_000_000;
    let attributes = " a=1 b".repeat(400_000);
    let bombs = [
        "<div>".repeat(n),
        "<b>".repeat(n),
        "<div>x".repeat(n / 2) + &"</div>".repeat(n / 2),
        "<table><tr><td>".repeat(n / 4),
        "<a href=#x>".repeat(n / 2),
        "<h1><h2>".repeat(n / 4),
        "<svg><a/>".repeat(n / 4),
        "</p>".repeat(n),
        "<ul><li>".repeat(n / 4),
        "<header>".repeat(n / 2),
        "<article><p>x</article>".repeat(n / 8),
        format!("<div{attributes}>x</div>"),
        format!("<p>{}", "&".repeat(8 * n)),
        format!("<p>{}", "<!-".repeat(2 * n)),
        format!("<{}", "a=\"".repeat(2 * n)),
        "<p data-pagefind-meta=a>x".repeat(n / 8),
        "<div data-pagefind-filter=a>x".repeat(n / 16),
    ];
    for (i, bomb) in bombs.iter().enumerate() {
        if let Ok(document) = at("a.html", bomb, &IngestOptions::default()) {
            assert!(document.text.len() <= bomb.len(), "bomb {i}");
        }
    }
}
