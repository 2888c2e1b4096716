// From a hit to what a page may show of it: text, marks and an address, with no HTML on the way.

import type { Hit } from "../types.js";

/** A stretch of an excerpt. */
export interface Stretch {
  text: string;
  isMarked: boolean;
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };

/** The stretches of an excerpt, which is escaped text with `<mark>` around words: anything else in
 * it is text. */
export function stretches(excerpt: string): Stretch[] {
  const out: Stretch[] = [];
  let isMarked = false;
  for (const piece of excerpt.split(/(<\/?mark>)/)) {
    if (piece === "<mark>") isMarked = true;
    else if (piece === "</mark>") isMarked = false;
    else if (piece !== "") {
      const text = piece.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (whole, name: string) => ENTITIES[name] ?? whole);
      out.push({ text, isMarked });
    }
  }
  return out;
}

/** What a link may lead to; of anything else the hit shows its text alone. */
const PROTOCOLS = new Set(["http:", "https:", "mailto:"]);

/** The address `url`, seen from `base`, where a link may lead there. */
export function safeUrl(url: string, base: string): URL | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch {
    return undefined;
  }
  return PROTOCOLS.has(parsed.protocol) ? parsed : undefined;
}

/** The address of a hit with its anchor and, where `isPrecise`, a text fragment: the browser then
 * scrolls to the sentence itself and, where the page does not have it, to the anchor. */
export function hrefOf(hit: Hit, base: string, isPrecise: boolean): string | undefined {
  const url = safeUrl(hit.document.url, base);
  if (url === undefined) return undefined;
  if (url.protocol === "mailto:") return url.href;
  if (hit.chunk.anchor !== null) url.hash = hit.chunk.anchor;
  const quote = isPrecise ? quoted(stretches(hit.excerpt), hit.chunk.text) : undefined;
  if (quote === undefined) return url.href;
  return `${url.href}${url.href.includes("#") ? "" : "#"}:~:text=${encoded(quote)}`;
}

/** Words of a text fragment: enough to be the only place, few enough to lie in one element. */
const QUOTED_WORDS = 5;

/** Whole words, one after another in one line. */
const WORDS_AFTER = /^(?:[^\S\n]+[\p{L}\p{N}'’-]+(?![\p{L}\p{N}…]))*/u;
const WORDS_BEFORE = /(?:(?<![\p{L}\p{N}…'’-])[\p{L}\p{N}'’-]+[^\S\n]+)*$/u;

/** The first mark with a few words after it, or, where a sentence ends with it, before it; as far as they stand
 * together in `text`: browsers find no words across a heading and what is below it. */
function quoted(all: Stretch[], text: string): string | undefined {
  const first = all.findIndex(({ isMarked }) => isMarked);
  if (first < 0) return undefined;
  const mark = (all[first] as Stretch).text;
  const joined = (some: Stretch[]) => some.map(({ text }) => text).join("");
  const isThere = (words: string[]) => words.length === 1 || text.includes(words.join(" "));
  const after = WORDS_AFTER.exec(joined(all.slice(first + 1)))?.[0] ?? "";
  const words = [mark, ...after.split(/\s+/).slice(1)].slice(0, QUOTED_WORDS);
  while (!isThere(words)) words.pop();
  if (words.length === 1) {
    const before = WORDS_BEFORE.exec(joined(all.slice(0, first)))?.[0] ?? "";
    words.unshift(...before.split(/\s+/).filter(Boolean).slice(1 - QUOTED_WORDS));
    while (!isThere(words)) words.shift();
  }
  return words.join(" ").trim() || undefined;
}

const encoded = (text: string): string => encodeURIComponent(text).replace(/-/g, "%2D");

/** Nodes of an excerpt, for templates of one's own. */
export function markedNodes(excerpt: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const { text, isMarked } of stretches(excerpt)) {
    if (!isMarked) fragment.append(text);
    else {
      const mark = document.createElement("mark");
      mark.setAttribute("part", "mark");
      mark.textContent = text;
      fragment.append(mark);
    }
  }
  return fragment;
}
