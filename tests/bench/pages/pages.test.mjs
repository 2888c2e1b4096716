import assert from "node:assert/strict";
import { test } from "node:test";

import { alterPage, wordsOf } from "./alter.mjs";
import { drawQueries } from "./draw-queries.mjs";
import { textOf } from "./html.mjs";
import { expandMacros } from "./macros.mjs";
import { formatPage, htmlPath, markdownPath, parsePage, renderBody, renderSite } from "./page.mjs";

const SOURCE = `---
title: 'Tides: it''s the moon'
slug: Web/Tides
---
{{APIRef("Sea")}}

The {{domxref("Moon/pull","pull()")}} of the moon lifts oceans, see [the shore](/en-US/docs/Web/Shore).

## High water

\`\`\`js example-good
const level = moon.pull(); // oceans
\`\`\`

- \`ebb\`
  - : Water falls towards {{Glossary("low tide")}}.
`;

test("macros become the text a reader sees", () => {
  assert.equal(expandMacros('{{DOMxRef("Response/ok")}}'), "<code>Response.ok</code>");
  assert.equal(expandMacros('{{jsxref("Global_Objects/Array", "Array")}}'), "<code>Array</code>");
  assert.equal(expandMacros("{{HTMLElement('img')}}"), "<code>&lt;img&gt;</code>");
  assert.equal(expandMacros('{{RFC(7231, "Semantics", "4")}}'), "RFC 7231, section 4: Semantics");
  assert.equal(expandMacros('a{{Compat}}b{{EmbedLiveSample("x", 100)}}c'), "abc");
});

test("front matter gives title and slug in any quoting", () => {
  const { title, slug } = parsePage(SOURCE);
  assert.deepEqual([title, slug], ["Tides: it's the moon", "Web/Tides"]);
  assert.equal(parsePage('---\ntitle: "a \\"b\\""\nslug: x\n---\n').title, 'a "b"');
  assert.equal(parsePage("---\ntitle: >-\n  one\n  two\nslug: x\n---\n").title, "one two");
  assert.equal(parsePage(formatPage({ title: "a: 'b'", slug: "s", body: "" })).title, "a: 'b'");
});

test("a page becomes a site's page with headings, links and content marked", () => {
  const { html, headings } = renderBody(parsePage(SOURCE).body);
  assert.deepEqual(headings, [{ depth: 2, id: "high_water", text: "High water" }]);
  assert.match(html, /<h2 id="high_water">High water<\/h2>/);
  assert.match(html, /href="\/files\/en-us\/web\/shore\/"/);
  assert.match(html, /<code class="language-js">const level/);
  assert.doesNotMatch(html, /: Water/);
  const path = "files/en-us/web/tides/index.md";
  const site = renderSite({ title: "Tides", path, html, headings, siblings: [] });
  assert.match(site, /<html lang="en">[\s\S]*<main id="content" data-pagefind-body>\n<h1>Tides</);
  assert.equal(markdownPath(htmlPath(path)), path);
});

test("text is what stands on the page, a line per block", () => {
  assert.equal(
    textOf("<p>a &lt;b&gt; &#39;c&#39;</p><ul><li>d <code>e</code></li></ul>"),
    "a <b> 'c'\nd e",
  );
});

test("an altered page keeps code, macros and links, changes words, and is the same for a seed", () => {
  const words = ["lagoon", "estuary", "harbour"];
  const long = SOURCE + "Oceans carry every vessel along different currents. ".repeat(40);
  const path = "files/en-us/web/tides/index.md";
  const altered = alterPage(path, long, 2, words, 1);
  assert.deepEqual(alterPage(path, long, 2, words, 1), altered);
  assert.equal(altered.path, "files/en-us/edition-2/web/tides/index.md");
  assert.match(altered.source, /const level = moon\.pull\(\); \/\/ oceans/);
  assert.match(altered.source, /\{\{domxref\("Moon\/pull","pull\(\)"\)\}\}/);
  assert.match(altered.source, /\]\(\/en-US\/docs\/Web\/Shore\)/);
  assert.notEqual(parsePage(altered.source).title, parsePage(long).title);
  const count = (text) => text.match(/lagoon|estuary|harbour/gi)?.length ?? 0;
  const share = count(parsePage(altered.source).body) / wordsOf([long]).length;
  assert.ok(share > 0.08 && share < 0.22, String(share));
});

test("drawn queries name their page and never repeat", () => {
  const pages = Array.from({ length: 50 }, (_, i) => ({
    path: `p${i}/index.md`,
    title: `Harbour number${i}`,
    headings: [{ depth: 2, id: "examples", text: "Examples" }],
  }));
  const { queries, qrels } = drawQueries(pages, 20, 3);
  assert.equal(new Set(queries.map(({ text }) => text)).size, 20);
  for (const { id, text } of queries) {
    const [page] = [...qrels.get(id).keys()];
    assert.equal(text, `harbour number${page.slice(1, page.indexOf("/"))}`);
  }
});
