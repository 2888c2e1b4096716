// What the elements say, in English, and how other languages take its place.

import { script } from "../script.js";

export interface Texts {
  /** The name of the search, for those who hear it. */
  label: string;
  placeholder: string;
  /** The button that opens the dialog. */
  open: string;
  close: string;
  clear: string;
  loading: string;
  /** `{n}` results; what stands before `|` is for one. */
  found: string;
  /** Nothing found for `{query}`. */
  none: string;
  noneHint: string;
  unfilter: string;
  suggestion: string;
  recent: string;
  forget: string;
  more: string;
  retry: string;
  results: string;
  filter: string;
  allValues: string;
  hint: string;
  /** The box for questions. */
  question: string;
  ask: string;
  asking: string;
  sources: string;
  notFound: string;
  /** Of a sentence that goes beyond its sources. */
  doubtful: string;
  /** Errors and notes, by code. */
  blocked: string;
  old: string;
  offline: string;
  offlineNote: string;
  missing: string;
  unreadable: string;
  stale: string;
  corrupt: string;
  field: string;
  failed: string;
  reopened: string;
  wordsOnly: string;
}

export const ENGLISH: Texts = {
  label: "Search",
  placeholder: "Search",
  open: "Search",
  close: "Close",
  clear: "Clear",
  loading: "Searching…",
  found: "{n} result|{n} results",
  none: "Nothing found for “{query}”",
  noneHint: "Try other or fewer words.",
  unfilter: "Remove the filters",
  suggestion: "Did you mean",
  recent: "Recent searches",
  forget: "Forget them",
  more: "More results",
  retry: "Try again",
  results: "Results",
  filter: "Filter by {key}",
  allValues: "All {n}",
  hint: "Type to search.",
  question: "Ask a question",
  ask: "Ask",
  asking: "Looking for an answer…",
  sources: "Sources",
  notFound: "Not found in these documents.",
  doubtful: "(goes beyond its sources)",
  blocked: "This page forbids WebAssembly, which the search needs.",
  old: "This browser is too old for the search. Please update it.",
  offline: "You are offline, and this search was not made before.",
  offlineNote: "You are offline: only what was read before can be found.",
  missing: "The search index is not there.",
  unreadable: "The search index could not be read. The network may be at fault.",
  stale: "The site was updated in this moment. Please try again.",
  corrupt: "The search index is damaged, so nothing is shown from it.",
  field: "There is no such field to search in.",
  failed: "The search failed.",
  reopened: "The site was updated; these results are new.",
  wordsOnly: "Searched by words alone.",
};

/** The text for each error's code. */
const ERRORS: Record<string, keyof Texts> = {
  "wasm-blocked": "blocked",
  "wasm-no-simd": "old",
  offline: "offline",
  "not-found": "missing",
  unreadable: "unreadable",
  "wasm-unavailable": "unreadable",
  "stale-index": "stale",
  "index-corrupt": "corrupt",
  "index-version": "corrupt",
  "unknown-field": "field",
};

/** The text for each note's code; others are shown in the engine's words. */
const NOTES: Record<string, keyof Texts> = {
  "index-reopened": "reopened",
  "unknown-words": "wordsOnly",
  "no-encoder": "wordsOnly",
};

export const errorText = (texts: Texts, code: string): string => texts[ERRORS[code] ?? "failed"];

export const noteText = (texts: Texts, code: string, message: string): string =>
  NOTES[code] === undefined ? message : texts[NOTES[code]];

/** A text with its places filled: plain text in, plain text out. */
export function filled(text: string, values: Record<string, string | number>): string {
  const [one, other] = text.split("|");
  const chosen = other === undefined || values.n === 1 ? (one as string) : other;
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

const added = new Map<string, Partial<Texts>>();

/** Adds a language, or replaces texts of one: `addTexts("en", { placeholder: "Search the docs" })`. */
export function addTexts(language: string, texts: Partial<Texts>): void {
  added.set(language.toLowerCase(), { ...added.get(language.toLowerCase()), ...texts });
}

/** The texts of a language; English where there are none. Other languages are loaded when needed. */
export async function textsOf(language: string): Promise<Texts> {
  const tag = language.toLowerCase();
  const base = tag.split("-")[0] as string;
  const built =
    base === "en" || base === "" ? {} : ((await script("./element-languages.js", () => import("../element-languages.js"))).LANGUAGES[base] ?? {});
  return { ...ENGLISH, ...built, ...added.get(base), ...added.get(tag) };
}
