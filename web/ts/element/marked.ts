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
  const quote = isPrecise ? quoted(stretches(hit.excerpt)) : undefined;
  if (quote === undefined) return url.href;
  return `${url.href}${url.href.includes("#") ? "" : "#"}:~:text=${encoded(quote)}`;
}

/** Words of a text fragment: enough to be the only place, few enough to lie in one element. */
const QUOTED_WORDS = 4;

/** From the first mark to the end of its line or sentence, a few words at most. */
function quoted(all: Stretch[]): string | undefined {
  const first = all.findIndex(({ isMarked }) => isMarked);
  if (first < 0) return undefined;
  const [from, ...rest] = all.slice(first);
  const after = rest.map(({ text }) => text).join("");
  // Only words that are whole: the excerpt may end within one.
  const more = /^(?:[^\S\n]+[\p{L}\p{N}'’-]+(?![\p{L}\p{N}…]))*/u.exec(after)?.[0] ?? "";
  const words = (from as Stretch).text + more.split(/(?=\s)/).slice(0, QUOTED_WORDS).join("");
  return words.trim() || undefined;
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
