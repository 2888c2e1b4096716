// One-edit misspellings of queries, the same for every engine measured.

import { pick, random, seedOf } from "./random.mjs";

export const TYPO_KINDS = ["substitution", "deletion", "insertion", "transposition"];

/** Words too common to carry a query; a typo in one of them would test nothing. */
export const STOP_WORDS = new Set(
  (
    "about after again against also and any are because been before being below between both but " +
    "can cannot could did does doing down during each few for from further had has have having " +
    "her here hers him his how into its itself just more most not now off once only other our " +
    "out over own same she should some such than that the their them then there these they this " +
    "those through too under until use used uses using very was were what when where which while " +
    "who whom why will with would you your"
  ).split(" "),
);

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Words of at least four letters that are no stop words, as [start, end) in the query. */
export function contentWords(query) {
  return [...query.matchAll(/\p{L}+/gu)]
    .filter(([word]) => word.length >= 4 && !STOP_WORDS.has(word.toLowerCase()))
    .map((match) => [match.index, match.index + match[0].length]);
}

/**
 * The query with one edit in one of its content words, or null if it has none. The first letter
 * stays, as it mostly does in real typing; the result always differs from the query.
 */
export function misspell(query, kind, seed) {
  const words = contentWords(query);
  if (words.length === 0) {
    return null;
  }
  const next = random(seedOf(`${kind} ${query}`, seed));
  for (let attempt = 0; attempt < 64; attempt += 1) {
    const [start, end] = pick(words, next);
    const word = query.slice(start, end);
    const changed = edit(word, kind, next);
    if (changed !== word) {
      return query.slice(0, start) + changed + query.slice(end);
    }
  }
  return null;
}

/** Every query once per kind of edit: [{ id, kind, original, text }]. */
export function misspellings(queries, seed) {
  return queries.flatMap((query) =>
    TYPO_KINDS.flatMap((kind) => {
      const text = misspell(query.text, kind, seed);
      return text === null ? [] : [{ id: query.id, kind, original: query.text, text }];
    }),
  );
}

function edit(word, kind, next) {
  const at = 1 + Math.floor(next() * (word.length - 1));
  const letter = pick(LETTERS, next);
  switch (kind) {
    case "substitution":
      return word.slice(0, at) + letter + word.slice(at + 1);
    case "deletion":
      return word.slice(0, at) + word.slice(at + 1);
    case "insertion":
      return word.slice(0, at) + letter + word.slice(at);
    case "transposition": {
      const left = Math.min(at, word.length - 2);
      return word.slice(0, left) + word[left + 1] + word[left] + word.slice(left + 2);
    }
    default:
      throw new Error(`unknown kind of edit: ${kind}; use one of ${TYPO_KINDS.join(", ")}`);
  }
}
