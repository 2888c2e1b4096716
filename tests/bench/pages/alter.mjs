// New pages out of old ones: the same shape, other words.

import { pick, random, seedOf } from "../lib/random.mjs";
import { STOP_WORDS } from "../lib/typos.mjs";
import { formatPage, parsePage } from "./page.mjs";

/** Share of a page's content words that another word of the corpus replaces. */
const SHARE = 0.15;
/** The same for a title, of which at least one word is replaced. */
const TITLE_SHARE = 0.4;

/** What must stay as it is: macros, code, tags, link targets and bare addresses. */
const KEPT =
  /\{\{[^{}]*\}\}|^(?:```|~~~)[\s\S]*?^(?:```|~~~)|`[^`\n]*`|<[^>\n]*>|\]\([^)\n]*\)|https?:\/\/\S+/gm;
const WORD = /[A-Za-z]{4,}/g;

/** Every content word of these sources as often as it occurs, so that drawing keeps frequencies. */
export function wordsOf(sources) {
  const words = [];
  for (const source of sources) {
    for (const [word] of parsePage(source).body.replace(KEPT, " ").matchAll(WORD)) {
      if (isContent(word)) {
        words.push(word.toLowerCase());
      }
    }
  }
  return words;
}

/** Page `path` altered for the `copy`-th time (from 1): { path, source }. */
export function alterPage(path, source, copy, words, seed) {
  const next = random(seedOf(`${copy} ${path}`, seed));
  const { title, slug, body } = parsePage(source);
  return {
    path: path.replace(/^files\/en-us\//, `files/en-us/edition-${copy}/`),
    source: formatPage({
      title: alterTitle(title, words, next),
      slug: `Edition-${copy}/${slug}`,
      body: alterText(body, words, next),
    }),
  };
}

function alterText(text, words, next) {
  let altered = "";
  let end = 0;
  for (const kept of text.matchAll(KEPT)) {
    altered += replaceWords(text.slice(end, kept.index), SHARE, words, next) + kept[0];
    end = kept.index + kept[0].length;
  }
  return altered + replaceWords(text.slice(end), SHARE, words, next);
}

function alterTitle(title, words, next) {
  const altered = replaceWords(title, TITLE_SHARE, words, next);
  return altered === title ? `${title}, ${pick(words, next)}` : altered;
}

function replaceWords(text, share, words, next) {
  return text.replace(WORD, (word) => {
    if (!isContent(word) || next() >= share) {
      return word;
    }
    const other = pick(words, next);
    return /^[A-Z]/.test(word) ? other[0].toUpperCase() + other.slice(1) : other;
  });
}

function isContent(word) {
  return !STOP_WORDS.has(word.toLowerCase());
}
