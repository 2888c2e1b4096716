// Pagefind's interface over a Littoral index, so that a page written for Pagefind changes one import:
//
//   import * as pagefind from "littoral/pagefind";
//   await pagefind.options({ bundlePath: "/littoral/" });
//   const { results } = await pagefind.search("tide");
//   const page = await results[0].data();
//
// Where Pagefind can do what an index here cannot, an error says so: nothing is left out silently.

import { open } from "littoral";
import { fault } from "./error.js";
import type { Facet, Hit, Index, SearchOptions } from "./types.js";

export interface PagefindOptions {
  /** The folder of the index. Default `/littoral/`. */
  bundlePath?: string;
  /** Put before the addresses of results. Default `/`. */
  baseUrl?: string;
  /** Words of an excerpt. Default 30. */
  excerptLength?: number;
  /** Results wanted, at most 1000. Default 60. */
  limit?: number;
}

type Values = string | string[] | { any: string[] };

export interface PagefindSearchOptions {
  filters?: Record<string, Values>;
  /** A sort key and `asc` or `desc`. */
  sort?: Record<string, "asc" | "desc">;
  signal?: AbortSignal;
}

export interface PagefindSubResult {
  title: string;
  url: string;
  excerpt: string;
  plain_excerpt: string;
}

export interface PagefindPage {
  url: string;
  raw_url: string;
  /** HTML: escaped, the query's words in `mark`. */
  excerpt: string;
  plain_excerpt: string;
  /** The text of the best passage. */
  content: string;
  meta: Record<string, string>;
  sub_results: PagefindSubResult[];
}

export interface PagefindResult {
  id: string;
  score: number;
  data(): Promise<PagefindPage>;
}

export interface PagefindAnswer {
  results: PagefindResult[];
  unfilteredResultCount: number;
  filters: Record<string, Record<string, number>>;
  totalFilters: Record<string, Record<string, number>>;
  timings: { preload: number; search: number; total: number };
}

/** Characters of a word in an excerpt, the space included. */
const WORD_CHARS = 7;

let settings: PagefindOptions = {};
let index: Promise<Index> | undefined;
let latest = 0;

/** Sets options; another folder is opened at the next call. */
export async function options(given: PagefindOptions): Promise<void> {
  if (given.bundlePath !== undefined && given.bundlePath !== settings.bundlePath) await destroy();
  settings = { ...settings, ...given };
}

/** Opens the index before it is needed. */
export async function init(): Promise<void> {
  await opened();
}

/** Closes the index. */
export async function destroy(): Promise<void> {
  const closing = index;
  index = undefined;
  (await closing?.catch(() => undefined))?.close();
}

export async function search(
  term: string,
  given: PagefindSearchOptions = {},
): Promise<PagefindAnswer> {
  const start = performance.now();
  const [held, counts] = await Promise.all([opened(), filters()]);
  const asked = { ...translated(given), facets: Object.keys(counts) };
  const found = await held.search(term, asked);
  const isFiltered = Object.keys(given.filters ?? {}).length > 0;
  const all = isFiltered ? await held.search(term, { ...asked, filters: {}, k: 1 }) : found;
  const total = performance.now() - start;
  return {
    results: found.hits.map((hit) => ({
      id: hit.document.id,
      score: hit.score,
      data: async () => page(hit),
    })),
    unfilteredResultCount: all.n_found,
    filters: counted(found.facets ?? {}),
    totalFilters: counted(all.facets ?? {}),
    timings: { preload: 0, search: total, total },
  };
}

/** As `search`, once no other call followed for `ms`; `null` where one did. */
export async function debouncedSearch(
  term: string,
  given: PagefindSearchOptions = {},
  ms = 300,
): Promise<PagefindAnswer | null> {
  latest += 1;
  const own = latest;
  void preload(term, given).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (own !== latest) return null;
  const answer = await search(term, given);
  return own === latest ? answer : null;
}

/** Fetches what `search` will need. */
export async function preload(term: string, given: PagefindSearchOptions = {}): Promise<void> {
  await (await opened()).preload(term, translated(given));
}

/** Every filter's values with their numbers of documents. */
export async function filters(): Promise<Record<string, Record<string, number>>> {
  return counted(await (await opened()).filters());
}

function opened(): Promise<Index> {
  index ??= open(settings.bundlePath ?? "/littoral/").catch((error) => {
    index = undefined;
    throw error;
  });
  return index;
}

function translated({ filters, sort, signal }: PagefindSearchOptions): SearchOptions {
  const [order, ...others] = Object.entries(sort ?? {});
  if (others.length > 0) {
    throw fault("unsupported", "results are sorted by one key; leave out the others");
  }
  const asked: SearchOptions = {
    k: settings.limit ?? 60,
    asYouType: true,
    excerptChars: (settings.excerptLength ?? 30) * WORD_CHARS,
    filters: Object.fromEntries(
      Object.entries(filters ?? {}).map(([key, values]) => [key, alternatives(key, values)]),
    ),
  };
  if (order !== undefined) asked.sort = order.join(":");
  if (signal !== undefined) asked.signal = signal;
  return asked;
}

function alternatives(key: string, values: Values): string[] {
  if (typeof values === "string") return [values];
  if (Array.isArray(values) && values.length < 2) return values;
  const { any, ...others } = Array.isArray(values) ? { any: undefined, values } : values;
  if (any === undefined || Object.keys(others).length > 0) {
    const message = `the filter ${key} asks for several values at once; an index here takes any of them: { any: [...] }`;
    throw fault("unsupported", message);
  }
  return any;
}

function page({ document, chunk, excerpt }: Hit): PagefindPage {
  const url = /^[a-z]+:|^\//i.test(document.url)
    ? document.url
    : (settings.baseUrl ?? "/").replace(/\/?$/, "/") + document.url;
  const plain_excerpt = plain(excerpt);
  const title = chunk.heading.at(-1) ?? document.title;
  const address = chunk.anchor === null ? url : `${url}#${chunk.anchor}`;
  return {
    url,
    raw_url: document.url,
    excerpt,
    plain_excerpt,
    content: chunk.text,
    meta: { ...document.meta, title: document.title },
    sub_results: [{ title, url: address, excerpt, plain_excerpt }],
  };
}

/** An excerpt without its marks. */
function plain(html: string): string {
  const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return html
    .replace(/<\/?mark>/g, "")
    .replace(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => entities[name] ?? whole);
}

function counted(facets: Record<string, Facet[]>): Record<string, Record<string, number>> {
  return Object.fromEntries(
    Object.entries(facets).map(([key, values]) => [
      key,
      Object.fromEntries(values.map(({ value, count }) => [value, count])),
    ]),
  );
}
