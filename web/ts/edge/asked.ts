// What requests ask for, read from addresses and bodies, with the bounds of `littoral serve`.

import { DEFAULT_TOKENS } from "../context.js";
import type { Mode, SearchOptions } from "../types.js";
import { Refusal, bad } from "./refusal.js";

/** Longest query in bytes. */
const MAX_QUERY_BYTES = 2048;
/** Most hits of a search. */
const MAX_HITS = 100;
/** Most filter values, and most facets. */
const MAX_VALUES = 32;
/** Most texts of one request. */
const MAX_TEXTS = 128;
/** Most tokens of a context. */
const MAX_TOKENS = 100_000;
/** Largest body of a context or a chat, and of texts, in bytes. */
const [MAX_BODY_BYTES, MAX_TEXTS_BYTES] = [64 << 10, 1 << 20];
/** How long a request may take to send its body, in milliseconds. */
const BODY_MS = 5000;

export type Filters = Record<string, string[]>;

/** A search as asked. */
export interface Search {
  index: string | undefined;
  query: string;
  options: SearchOptions & { filters: Filters };
}

const shown = (value: unknown) => JSON.stringify(value) ?? String(value);

/** Reads the parameters of `GET /search`. */
export function search(parameters: string): Search {
  let query: string | undefined;
  let index: string | undefined;
  const filters: Filters = {};
  const facets: string[] = [];
  const options: SearchOptions & { filters: Filters } = { filters };
  for (const pair of parameters.split("&").filter(Boolean)) {
    const at = pair.indexOf("=");
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = decoded(at < 0 ? "" : pair.slice(at + 1));
    if (name === "q") query = value;
    else if (name === "index") index = value;
    else if (name === "k") options.k = hits(value);
    else if (name === "mode") options.mode = mode(value);
    else if (name === "filter") {
      const cut = value.indexOf("=");
      if (cut < 0) throw bad(`the filter ${shown(value)} is not of the form key=value`);
      add(filters, value.slice(0, cut), [value.slice(cut + 1)]);
    } else if (name === "facet") facets.push(value);
    else if (name === "sort") options.sort = value;
    else if (name === "chunks") options.chunks = flag(name, value);
    else if (name === "diversity") options.diversity = share(name, value);
    else if (name === "as_you_type") options.asYouType = flag(name, value);
    else if (name === "explain") options.explain = flag(name, value);
    else if (name === "rerank") unranked(flag(name, value));
    else throw bad(`there is no parameter ${shown(name)}`);
  }
  if (query === undefined) throw bad("q, what to look for, is missing");
  return bounded({ index, query, options: { ...options, facets } });
}

/** Reads the body of `POST /v1/context`. */
export function context(body: Record<string, unknown>): { search: Search; maxTokens: number } {
  const maxTokens = body.max_tokens ?? DEFAULT_TOKENS;
  const isCount = typeof maxTokens === "number" && Number.isInteger(maxTokens);
  if (!isCount || maxTokens < 1 || maxTokens > MAX_TOKENS) throw bad(`max_tokens may be 1 to ${MAX_TOKENS}`);
  if (body.rerank !== undefined && typeof body.rerank !== "boolean") throw bad("the body: rerank is no boolean");
  const query = text(body.query, "query");
  const found = bounded({ index: named(body), query, options: foundBy(body) });
  unranked(body.rerank === true);
  return { search: found, maxTokens };
}

/** Reads the body of `POST /v1/embeddings`. */
export function embeddings(body: Record<string, unknown>) {
  const texts = oneOrMore(body.input, "input");
  const index = named(body);
  if (texts.length === 0 || texts.length > MAX_TEXTS) {
    throw bad(`"input" has ${texts.length} texts; it may have 1 to ${MAX_TEXTS}`);
  }
  const format = body.encoding_format ?? "float";
  if (format !== "float" && format !== "base64") {
    throw bad(`encoding_format is ${shown(format)}; it may be float or base64`);
  }
  return { texts, index, asBase64: format === "base64" };
}

/** Reads the body of `POST /v1/chat/completions`, of whose messages the user's last one counts. */
export function chat(body: Record<string, unknown>) {
  if (!Array.isArray(body.messages)) throw bad("the body: messages is no list");
  const messages = body.messages as { role?: unknown; content?: unknown }[];
  const last = messages.filter((message) => message?.role === "user").at(-1)?.content;
  const parts = Array.isArray(last) ? (last as { text?: unknown }[]).map((part) => part?.text) : [last];
  const query = parts.filter((part) => typeof part === "string").join(" ");
  if (query.trim() === "") throw bad("no message of the user has a text");
  const { threshold, stream = false } = body;
  if (threshold !== undefined && threshold !== null && !(typeof threshold === "number" && threshold >= 0 && threshold <= 1)) {
    throw bad("threshold is a number from 0 to 1");
  }
  if (typeof stream !== "boolean") throw bad("the body: stream is no boolean");
  const found = bounded({ index: named(body), query, options: foundBy(body) });
  return { search: found, stream, threshold: (threshold ?? undefined) as number | undefined };
}

/** The mode and the filters of a body. */
function foundBy(body: Record<string, unknown>): Search["options"] {
  const filters: Filters = {};
  const given = body.filters === undefined ? {} : body.filters;
  if (!isObject(given)) throw bad("the body: filters is no object");
  for (const [key, values] of Object.entries(given)) add(filters, key, oneOrMore(values, "filters"));
  const options: Search["options"] = { filters };
  if (body.mode !== undefined && body.mode !== null) options.mode = mode(text(body.mode, "mode"), "the body: ");
  return options;
}

/** Why texts are not reranked, once they are read. */
export function notReranked(body: Record<string, unknown>): Refusal {
  const query = text(body.query, "query");
  if (new TextEncoder().encode(query).length > MAX_QUERY_BYTES) throw tooLong(query);
  if (!Array.isArray(body.documents)) throw bad("the body: documents is no list");
  const { length } = body.documents;
  if (length === 0 || length > MAX_TEXTS) {
    throw bad(`"documents" has ${length} texts; it may have 1 to ${MAX_TEXTS}`);
  }
  return noReranker();
}

const noReranker = () =>
  new Refusal(501, "no-reranker", "this server has no reranker", "littoral serve has one with --rerank NAME");

function unranked(isAsked: boolean): void {
  if (isAsked) throw noReranker();
}

/** The JSON object that a request carries, when it is small and comes in time. */
export async function body(request: Request, isTexts: boolean): Promise<Record<string, unknown>> {
  const limit = isTexts ? MAX_TEXTS_BYTES : MAX_BODY_BYTES;
  const tooLarge = () =>
    new Refusal(413, "too-large", `the body is larger than ${limit} bytes`, "send less at a time");
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const parts: Uint8Array[] = [];
  let n = 0;
  const reader = request.body?.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const slow = () => reject(new Refusal(408, "too-slow", "the body took too long", "send it faster"));
    timer = setTimeout(slow, BODY_MS);
  });
  try {
    for (;;) {
      const part = await Promise.race([reader?.read(), late]);
      if (part === undefined || part.done) break;
      n += part.value.length;
      if (n > limit) throw tooLarge();
      parts.push(part.value);
    }
  } catch (thrown) {
    void reader?.cancel().catch(() => undefined);
    throw thrown instanceof Refusal ? thrown : bad("the body ended before its end");
  } finally {
    clearTimeout(timer);
  }
  const bytes = new Uint8Array(n);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw bad(`the body: ${(cause as Error).message}`);
  }
  if (!isObject(value)) throw bad("the body: it is no object");
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function named({ index }: Record<string, unknown>): string | undefined {
  return index === undefined || index === null ? undefined : text(index, "index");
}

function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw bad(value === undefined ? `the body: missing field \`${name}\`` : `the body: ${name} is no text`);
}

function oneOrMore(value: unknown, name: string): string[] {
  return Array.isArray(value) ? value.map((each) => text(each, name)) : [text(value, name)];
}

/** Adds values of a key; a name such as `__proto__` is a key like any other. */
export function add(filters: Filters, key: string, values: readonly string[]): void {
  const held = Object.hasOwn(filters, key) ? (filters[key] ?? []) : [];
  Object.defineProperty(filters, key, {
    value: [...held, ...values],
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function tooLong(query: string): Refusal {
  const n = new TextEncoder().encode(query).length;
  return bad(`the query has ${n} bytes; it may have ${MAX_QUERY_BYTES}`);
}

function bounded(search: Search): Search {
  if (new TextEncoder().encode(search.query).length > MAX_QUERY_BYTES) throw tooLong(search.query);
  const { filters, facets = [] } = search.options;
  if (Object.values(filters).flat().length > MAX_VALUES || facets.length > MAX_VALUES) {
    throw bad(`there may be ${MAX_VALUES} filters and facets`);
  }
  return search;
}

function hits(value: string): number {
  const k = /^\+?\d+$/.test(value) ? Number(value) : 0;
  if (k < 1 || k > MAX_HITS) throw bad(`k is ${shown(value)}; it may be 1 to ${MAX_HITS}`);
  return k;
}

function mode(name: string, where = ""): Mode {
  if (name === "hybrid" || name === "lexical" || name === "dense") return name;
  throw bad(`${where}there is no mode ${shown(name)}; there are hybrid, lexical and dense`);
}

function flag(name: string, value: string): boolean {
  if (value === "" || value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw bad(`${name} is ${shown(value)}; it may be true or false`);
}

function share(name: string, value: string): number {
  const share = value.trim() === "" ? Number.NaN : Number(value);
  if (!(share >= 0 && share <= 1)) throw bad(`${name} is ${shown(value)}; it may be 0 to 1`);
  return share;
}

/** A name or value of an address, decoded as forms are; a stray `%` stands for itself. */
function decoded(piece: string): string {
  const bytes: number[] = [];
  const spaced = new TextEncoder().encode(piece.replaceAll("+", " "));
  for (let i = 0; i < spaced.length; i += 1) {
    const hex = spaced[i] === 37 ? String.fromCharCode(...spaced.subarray(i + 1, i + 3)) : "";
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(spaced[i] as number);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    throw bad("the address is not in UTF-8");
  }
}
