// One page: its Markdown source, its parts, and the HTML page made of it.

import { Marked } from "marked";

import { escapeHtml, textOf } from "./html.mjs";
import { expandMacros } from "./macros.mjs";

/** Splits `---` front matter from a page's body: { title, slug, head, body }. */
export function parsePage(source) {
  const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n/.exec(source);
  if (match === null) {
    throw new Error("the page has no front matter");
  }
  return {
    title: field(match[1], "title"),
    slug: field(match[1], "slug"),
    head: match[1],
    body: source.slice(match[0].length),
  };
}

/** The page's source again, with another title, slug and body. */
export function formatPage({ title, slug, body }) {
  return `---\ntitle: ${JSON.stringify(title)}\nslug: ${slug}\n---\n${body}`;
}

/** Renders a body: { html, headings }, headings being [{ depth, id, text }]. */
export function renderBody(body) {
  const headings = [];
  const ids = new Map();
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        const text = textOf(html);
        const id = uniqueId(text, ids);
        headings.push({ depth, id, text });
        return `<h${depth} id="${escapeHtml(id)}">${html}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const html = this.parser.parseInline(tokens);
        return `<a href="${escapeHtml(localLink(href))}">${html}</a>`;
      },
      code({ text, lang }) {
        const language = (lang ?? "").split(/\s/)[0];
        const attribute = language === "" ? "" : ` class="language-${escapeHtml(language)}"`;
        return `<pre><code${attribute}>${escapeHtml(text)}</code></pre>\n`;
      },
    },
  });
  // MDN writes definition lists as list items that begin with a colon.
  const markdown = expandMacros(body).replace(/^(\s*)- : /gm, "$1- ");
  return { html: marked.parse(markdown), headings };
}

/** A whole page as a documentation site shows it, with navigation around the content. */
export function renderSite({ title, path, html, headings, siblings }) {
  const crumbs = path.split("/").slice(2, -1);
  const breadcrumb = crumbs
    .map(
      (name, i) =>
        `<li><a href="/files/en-us/${crumbs.slice(0, i + 1).join("/")}/">${escapeHtml(name)}</a></li>`,
    )
    .join("");
  const sidebar = siblings
    .map((page) => `<li><a href="/${urlOf(page.path)}">${escapeHtml(page.title)}</a></li>`)
    .join("");
  const contents = headings
    .filter(({ depth }) => depth === 2)
    .map(({ id, text }) => `<li><a href="#${escapeHtml(id)}">${escapeHtml(text)}</a></li>`)
    .join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} | Web Docs</title>
<link rel="stylesheet" href="/site.css">
</head>
<body>
<a class="skip" href="#content">Skip to main content</a>
<header><a href="/">Web Docs</a>
<nav aria-label="Main"><ul><li><a href="/files/en-us/web/">References</a></li><li><a href="/files/en-us/learn/">Guides</a></li><li><a href="/files/en-us/glossary/">Glossary</a></li></ul></nav>
<nav aria-label="Breadcrumb"><ol>${breadcrumb}</ol></nav>
</header>
<nav aria-label="Related topics"><ul>${sidebar}</ul></nav>
<nav aria-label="In this article"><ul>${contents}</ul></nav>
<main id="content" data-pagefind-body>
<h1>${escapeHtml(title)}</h1>
${html}</main>
<footer><p>Found a problem with this page? <a href="/report/">Report it</a> or edit its source.</p><p>Content is available under a Creative Commons licence.</p></footer>
</body>
</html>
`;
}

/** `files/…/index.md` → `files/…/index.html`. */
export function htmlPath(path) {
  return path.replace(/\.md$/, ".html");
}

/** `files/…/index.html` → `files/…/index.md`. */
export function markdownPath(path) {
  return path.replace(/\.html$/, ".md");
}

function urlOf(path) {
  return path.replace(/index\.md$/, "");
}

function localLink(href) {
  return href.replace(
    /^\/en-US\/docs\/([^#]*)/,
    (_, slug) => `/files/en-us/${slug.toLowerCase()}/`,
  );
}

function uniqueId(text, ids) {
  const base =
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_]+/gu, "_")
      .replace(/^_|_$/g, "") || "section";
  const n = (ids.get(base) ?? 0) + 1;
  ids.set(base, n);
  return n === 1 ? base : `${base}_${n}`;
}

function field(head, name) {
  const match = new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t]+.*)*)$`, "m").exec(head);
  const value = (match?.[1] ?? "")
    .replace(/^[>|]-?\s*\n/, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
  const quoted = /^(["'])(.*)\1$/.exec(value);
  if (quoted === null) {
    return value;
  }
  return quoted[1] === "'" ? quoted[2].replaceAll("''", "'") : JSON.parse(value);
}
