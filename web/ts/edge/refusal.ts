// Errors as callers see them, in the words of `littoral serve`: a status, a code, and no path.

import { isFault } from "../error.js";

/** An answer that says why there is no other. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  /** What whoever runs the worker should know, and nobody else. */
  readonly detail: string | undefined;

  constructor(status: number, code: string, message: string, hint: string, detail?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.detail = detail;
  }
}

/** A request that cannot be understood. */
export const bad = (message: string): Refusal =>
  new Refusal(400, "bad-request", message, "GET /openapi.json says what there is to ask");

const IN_LOG = "the log of the server has more under this request's id";

/** What is wrong with an index by its code; the messages of the engine may name files. */
const ABOUT_INDEXES: Record<string, [number, string]> = {
  "index-corrupt": [500, "the index is damaged"],
  "index-version": [500, "the index is of another version"],
  "index-too-large": [500, "the index is damaged"],
  "index-mismatch": [500, "the index is damaged"],
  "stale-index": [503, "the index is being replaced"],
  "not-found": [503, "the index is not there"],
  unreadable: [500, "the index cannot be read"],
  "missing-language": [500, "the index has a language that this server lacks"],
};

/** Codes whose messages speak of the request alone, and may be shown. */
const ABOUT_REQUESTS: Record<string, string> = {
  "unknown-field": "name a key that the index has",
  unsupported: "",
};

/** What is answered to a caller when `thrown` ended a request. */
export function refusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  if (isFault(thrown)) {
    const hint = ABOUT_REQUESTS[thrown.code];
    if (hint !== undefined) return new Refusal(400, thrown.code, thrown.message, hint);
    const known = ABOUT_INDEXES[thrown.code];
    if (known !== undefined) return new Refusal(known[0], thrown.code, known[1], IN_LOG, detail);
  }
  return new Refusal(500, "internal", "the server could not answer", IN_LOG, detail);
}
