// Who may ask, and for which documents: filters that a caller is bound to, whatever is asked.

import { type Filters, add } from "./asked.js";
import { Refusal } from "./refusal.js";

/** What a caller may find: documents with one of the values of each key. Without filters, all. */
export interface Grant {
  filters?: Readonly<Record<string, string | readonly string[]>>;
}

/** Says what the caller of a request may find; `null` for nothing at all. */
export type Authorize = (request: Request) => Grant | null | Promise<Grant | null>;

/** The filters of a search by a caller who is bound to `bound`: of each bound key the values that are
 * asked and allowed, and all that are allowed where none is asked. A query can only narrow them. */
export function restricted(asked: Filters, bound: Grant["filters"] = {}): Filters {
  const filters: Filters = {};
  for (const [key, values] of Object.entries(asked)) add(filters, key, values);
  for (const [key, given] of Object.entries(bound)) {
    const allowed = [given].flat().map(String);
    const wanted = Object.hasOwn(asked, key) ? asked[key] : undefined;
    const left = wanted === undefined ? allowed : wanted.filter((value) => allowed.includes(value));
    // An empty list would be no filter at all.
    if (left.length === 0) {
      const message = `this caller may find none of what the filter ${JSON.stringify(key)} asks for`;
      throw new Refusal(403, "forbidden", message, "leave the filter out, or ask with another token");
    }
    delete filters[key];
    add(filters, key, left);
  }
  return filters;
}

const text = new TextEncoder();
const HEADER = { alg: "HS256", typ: "JWT" };
/** Shorter secrets can be guessed. */
const MIN_SECRET_BYTES = 16;
/** Longest token in characters. */
const MAX_TOKEN = 8192;

/** What a token carries: `filters` as in a grant, which must be there, and times in seconds. */
export interface Claims {
  filters: Record<string, string | readonly string[]>;
  exp?: number;
  nbf?: number;
  [name: string]: unknown;
}

/** Signs `claims` as a JSON Web Token (HS256, RFC 7519), which {@link signedTokens} with the same
 * secret takes. For the server that knows its users; a page never has the secret. */
export async function signToken(claims: Claims, secret: string): Promise<string> {
  const head = `${packed(text.encode(JSON.stringify(HEADER)))}.${packed(text.encode(JSON.stringify(claims)))}`;
  const signature = await crypto.subtle.sign("HMAC", await key(secret), text.encode(head));
  return `${head}.${packed(new Uint8Array(signature))}`;
}

/** Callers with `Authorization: Bearer TOKEN` may find what their token, signed with `secret`, says. */
export function signedTokens(secret: string): Authorize {
  let held: CryptoKey | undefined;
  return async (request) => {
    const [, token] = /^bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    held ??= await key(secret);
    if (token === undefined || token.length > MAX_TOKEN) return null;
    const [header = "", payload = "", signature = "", ...more] = token.split(".");
    const [algorithm, claims, signed] = [json(header), json(payload), unpacked(signature)];
    if (more.length > 0 || algorithm?.alg !== "HS256" || claims === undefined || signed === undefined) return null;
    // Compares in a time that does not depend on how much is right.
    const isOurs = await crypto.subtle.verify("HMAC", held, signed, text.encode(`${header}.${payload}`));
    return isOurs ? grant(claims, Date.now() / 1000) : null;
  };
}

/** What signed claims allow at a time; `null` where they say nothing that can be understood. */
function grant({ exp, nbf, filters }: Record<string, unknown>, now: number): Grant | null {
  if (exp !== undefined && !(typeof exp === "number" && now < exp)) return null;
  if (nbf !== undefined && !(typeof nbf === "number" && now >= nbf)) return null;
  if (typeof filters !== "object" || filters === null || Array.isArray(filters)) return null;
  const isText = (value: unknown) => typeof value === "string";
  const isFilter = (value: unknown) => isText(value) || (Array.isArray(value) && value.every(isText));
  return Object.values(filters).every(isFilter) ? { filters: filters as Grant["filters"] & {} } : null;
}

async function key(secret: string): Promise<CryptoKey> {
  const bytes = text.encode(secret);
  if (bytes.length < MIN_SECRET_BYTES) throw new Error(`a secret has at least ${MIN_SECRET_BYTES} bytes`);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function packed(bytes: Uint8Array): string {
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function unpacked(letters: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]+$/.test(letters)) return undefined;
  try {
    return Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function json(letters: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(unpacked(letters)));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
