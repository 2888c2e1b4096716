// Known-item queries drawn from titles and headings.

import { random, shuffled } from "../lib/random.mjs";
import { STOP_WORDS } from "../lib/typos.mjs";

/** Headings on more than this share of the pages ("Examples", "See also") say nothing about one. */
const BOILERPLATE = 0.01;

/**
 * Draws `n` queries from pages ({ path, title, headings }): up to four words of a page's title
 * followed by up to two of its headings. The page drawn from is the one relevant page.
 *
 * Returns { queries: [{ id, text, kind }], qrels: Map }. The same pages and seed give the same
 * queries.
 */
export function drawQueries(pages, n, seed) {
  const next = random(seed);
  const counts = new Map();
  for (const { headings } of pages) {
    for (const text of new Set(headings.map((heading) => heading.text))) {
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  }
  const limit = Math.max(2, pages.length * BOILERPLATE);
  const queries = [];
  const qrels = new Map();
  const seen = new Set();
  for (const page of shuffled(pages, next)) {
    if (queries.length === n) {
      break;
    }
    const telling = page.headings.filter(({ text }) => counts.get(text) <= limit);
    const fromTitle = contentWords(page.title).slice(0, 4);
    const fromHeadings = shuffled(
      telling.flatMap(({ text }) => contentWords(text)),
      next,
    );
    const words = [...new Set([...fromTitle, ...fromHeadings.slice(0, 2)])];
    const text = words.join(" ");
    if (words.length < 2 || seen.has(text)) {
      continue;
    }
    seen.add(text);
    const id = `drawn-${String(queries.length + 1).padStart(3, "0")}`;
    queries.push({ id, text, kind: "drawn" });
    qrels.set(id, new Map([[page.path, 1]]));
  }
  return { queries, qrels };
}

function contentWords(text) {
  return [...text.matchAll(/[\p{L}\p{N}_-]{3,}/gu)]
    .map(([word]) => word.toLowerCase())
    .filter((word) => !STOP_WORDS.has(word) && word !== "the" && word !== "and");
}
