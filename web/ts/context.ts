// Numbered passages for a prompt: what a search finds, packed into a number of tokens, as the program
// packs it (`guest/src/context.rs`), passage by passage and token by token.

import type { Context, Hit, SearchOptions, SearchResult } from "./types.js";

/** Passages that are looked at, at most. */
const CANDIDATES = 100;
/** Tokens where nothing is said. */
export const DEFAULT_TOKENS = 2048;
/** Tokens below which it does not pay to cut a passage to what is left. */
const LEAST_TOKENS = 16;

/** The search whose result {@link pack} takes. */
export const forContext = <T extends SearchOptions>(options: T): T => ({
  ...options,
  k: CANDIDATES,
  chunks: true,
  explain: false,
  excerptChars: 0,
});

/** Packs the passages of `found`, best first, into `maxTokens`. What says the same as a passage before it
 * is left out, and what stands next to one in its document is joined with it. What does not fit is left
 * out, and shorter ones behind it get their turn; where not even the first fits, it is cut. */
export function pack(found: SearchResult, maxTokens: number): Context {
  const context: Context = { query: found.query, text: "", tokens: 0, passages: [], notes: found.notes };
  const [first, ...others] = found.hits;
  if (first === undefined) return context;
  let leftOut = 0;
  if (!add(context, first, maxTokens)) {
    const shorter = cut(first, maxTokens);
    if (shorter !== undefined && add(context, shorter, maxTokens)) {
      const message = "the best passage was cut to the tokens there are";
      context.notes.push({ code: "passage-cut", message });
    } else leftOut += 1;
  }
  for (const hit of others) {
    if (!repeats(context, hit) && !join(context, hit, maxTokens)) leftOut += Number(!add(context, hit, maxTokens));
  }
  if (context.passages.length === 0 && leftOut > 0) {
    context.notes.push({ code: "context-too-small", message: "no passage fits into so few tokens" });
  }
  context.text = context.passages.map((own) => passage(own.id, own)).join("\n");
  return context;
}

/** Adds the passage of `hit` where it fits; whether it did. */
function add(context: Context, hit: Hit, maxTokens: number): boolean {
  const id = String(context.passages.length + 1);
  const tokens = estimateTokens(passage(id, hit));
  if (context.tokens + tokens > maxTokens) return false;
  context.tokens += tokens;
  const { document, chunk, score } = hit;
  context.passages.push({ id, document, chunk, score, tokens });
  return true;
}

/** Whether a passage holds all the words of `hit` in their order, whatever document it is of. */
function repeats(context: Context, hit: Hit): boolean {
  const words = (text: string) => text.split(SPACES).filter(Boolean).join(" ");
  const own = words(hit.chunk.text);
  return context.passages.some(({ chunk }) => words(chunk.text).includes(own));
}

/** Joins `hit` with a passage of the same document and heading that it touches or overlaps, where both
 * fit; whether it did. The joined passage keeps the better one's place. */
function join(context: Context, hit: Hit, maxTokens: number): boolean {
  for (const [i, own] of context.passages.entries()) {
    const isNear = own.document.id === hit.document.id && isSame(own.chunk.heading, hit.chunk.heading);
    const chunk = isNear ? (joined(own.chunk, hit.chunk) ?? joined(hit.chunk, own.chunk)) : undefined;
    if (chunk === undefined) continue;
    const tokens = estimateTokens(passage(own.id, { ...own, chunk }));
    const all = context.tokens - own.tokens + tokens;
    if (all > maxTokens) return false;
    context.tokens = all;
    context.passages[i] = { ...own, chunk, tokens };
    return true;
  }
  return false;
}

const isSame = (a: string[], b: string[]) => a.length === b.length && a.every((text, i) => text === b[i]);

/** `first` with `second` behind it, where that begins within `first` or a blank line after it: text
 * between two passages that is not known is not made up. */
function joined(first: Hit["chunk"], second: Hit["chunk"]): Hit["chunk"] | undefined {
  if (second.start < first.start || second.end <= first.end) return undefined;
  const between = second.start - first.end;
  if (between > 0 && between !== 2) return undefined;
  const bytes = new TextEncoder().encode(second.text);
  const said = Math.max(0, -between);
  const isWithinCharacter = ((bytes[said] ?? 0) & 0xc0) === 0x80;
  if (said > bytes.length || isWithinCharacter) return undefined;
  const decoded = (piece: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(piece);
  if (!first.text.endsWith(decoded(bytes.subarray(0, said)))) return undefined;
  const text = first.text + (between === 2 ? "\n\n" : "") + decoded(bytes.subarray(said));
  return { ...first, end: second.end, text };
}

/** `hit` with as many whole words of its passage as fit, if any do. */
function cut(hit: Hit, maxTokens: number): Hit | undefined {
  const room = maxTokens - estimateTokens(passage("1", { ...hit, chunk: { ...hit.chunk, text: "" } }));
  if (room < LEAST_TOKENS) return undefined;
  let [tokens, end] = [0, 0];
  for (const [word] of hit.chunk.text.matchAll(WORDS)) {
    tokens += estimateTokens(word);
    if (tokens > room) break;
    end += word.length;
  }
  const text = hit.chunk.text.slice(0, end).replace(TRAILING, "");
  if (text === "") return undefined;
  const bytes = new TextEncoder().encode(text).length;
  return { ...hit, chunk: { ...hit.chunk, text, end: hit.chunk.start + bytes } };
}

/** Stretches up to white space, one character of it included. */
const WORDS = /[^\p{White_Space}]*\p{White_Space}|[^\p{White_Space}]+$/gu;
const SPACES = /\p{White_Space}+/u;
const TRAILING = /\p{White_Space}+$/u;

/** A passage as a prompt shows it. */
function passage(id: string, { document, chunk }: Pick<Hit, "document" | "chunk">): string {
  const head = [`[${id}] ${document.title || document.id}`, ...chunk.heading].join(" › ");
  const anchor = chunk.anchor === null ? "" : `#${chunk.anchor}`;
  const url = document.url === "" ? "" : `${document.url}${anchor}\n`;
  return `${head}\n${url}${chunk.text}\n`;
}

const LATIN = /[a-zA-Z\u{C0}-\u{24F}]/u;
const SILENT = /[\u{300}-\u{36F}]/u;
const SPACE = /[\p{White_Space}\p{Cc}]/u;
const HANGUL = /[\u{AC00}-\u{D7A3}]/u;
const UNSPACED =
  /[\u{0E00}-\u{0EFF}\u{1000}-\u{109F}\u{1780}-\u{17FF}\u{2E80}-\u{9FFF}\u{F900}-\u{FAFF}\u{FF00}-\u{FFEF}\u{20000}-\u{3FFFF}]/u;
const ALPHANUMERIC = /[\p{Alphabetic}\p{N}]/u;

/** Estimates the tokens that an English WordPiece vocabulary makes of a text, as the engine does
 * (`guest/src/chunk/tokens.rs` says how well). */
export function estimateTokens(text: string): number {
  let tokens = 0;
  let [kind, length] = ["latin", 0];
  const end = () => {
    if (length > 0) {
      if (kind === "latin") tokens += 1 + Math.floor(Math.max(0, length - 4) / 5);
      else tokens += kind === "digit" ? Math.ceil(length / 3) : Math.ceil((3 * length) / 4);
    }
    length = 0;
  };
  const run = (own: string) => {
    if (kind !== own) end();
    kind = own;
    length += 1;
  };
  for (const c of text) {
    if (LATIN.test(c)) run("latin");
    else if (c >= "0" && c <= "9") run("digit");
    else if (SILENT.test(c)) continue;
    else if (SPACE.test(c)) end();
    else if (HANGUL.test(c)) {
      end();
      tokens += 2;
    } else if (UNSPACED.test(c) || !ALPHANUMERIC.test(c)) {
      end();
      tokens += 1;
    } else run("other");
  }
  end();
  return tokens;
}
