// `littoral serve` for platforms that hand over a Request and want a Response: the same endpoints over
// an index that the engine searches in this isolate.

import { type Authorize, type Grant, restricted } from "./edge/access.js";
import { type Search, body, chat, context, embeddings, notReranked, search } from "./edge/asked.js";
import { Head } from "./edge/chat.js";
import { forContext, pack } from "./context.js";
import { Metrics } from "./edge/metrics.js";
import { Refusal, refusal } from "./edge/refusal.js";
import { Opened } from "./edge/opened.js";
import type { Host, Index, SearchResult } from "./types.js";

export { type Authorize, type Claims, type Grant, signToken, signedTokens } from "./edge/access.js";
export { estimateTokens } from "./context.js";
export type { Context, ContextPassage } from "./types.js";
export { type Config, settings } from "./edge/settings.js";
export { assetsHost, bucketHost, limited, namespaceHost } from "./edge/stores.js";

/** An encoder of texts, for `POST /v1/embeddings`. */
export interface TextEncoderModel {
  embed(text: string): Float32Array;
  /** How many tokens a text has. */
  tokens(text: string): number;
}

export interface Options {
  /** Where the files of the index are. */
  host: Host;
  /** Opens it, `openWith` of the package: with the first request, and again when the entry is another
   * or the engine failed. */
  open: (host: Host) => Promise<Index>;
  /** How long an entry is taken for the newest, in milliseconds. Default 10,000. */
  followMs?: number;
  /** What the index is called. Default `index`. */
  name?: string;
  /** Says what a caller may find: `signedTokens(secret)`, or a function of your own. Default: all. */
  authorize?: Authorize;
  /** Origins whose pages may read answers; `*` for any. Default none. */
  origins?: readonly string[];
  /** Names, with ports, that the server answers to. Default any. */
  names?: readonly string[];
  /** What `GET /openapi.json` says. */
  openapi?: unknown;
  /** What `GET /healthz` says beside the status and the index's name. */
  about?: Record<string, unknown>;
  /** Gives the model of `POST /v1/embeddings`. Default: there is none, which is answered. */
  encoder?: () => Promise<TextEncoderModel>;
}

const ROUTES: Record<string, string> = {
  "/search": "search",
  "/v1/context": "context",
  "/v1/chat/completions": "chat",
  "/v1/embeddings": "embeddings",
  "/v1/rerank": "rerank",
  "/healthz": "healthz",
  "/metrics": "metrics",
  "/openapi.json": "openapi",
};
const POSTED = new Set(["context", "chat", "embeddings", "rerank"]);

/** An answer before it has its headers. */
interface Reply {
  status: number;
  type: string;
  body: string | null;
}

const json = (value: unknown, status = 200): Reply => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});

/** Answers requests as `littoral serve` does, from one index. */
export function handler(options: Options): (request: Request) => Promise<Response> {
  const { name = "index", authorize = (): Grant => ({}), origins = [], names } = options;
  const metrics = new Metrics();
  const opened = new Opened(options);

  const find = async ({ query, options }: Search, grant: Grant): Promise<SearchResult> => {
    const filters = restricted(options.filters, grant.filters);
    return opened.ask((index) => index.search(query, { ...options, filters }));
  };

  const answered = async (sent: Record<string, unknown>, grant: Grant, id: string): Promise<Reply> => {
    const { search, stream, threshold } = chat(sent);
    named(search.index);
    const { mode } = search.options;
    const filters = restricted(search.options.filters, grant.filters);
    const answer = await opened.ask((index) => index.answer(search.query, { mode, filters, threshold }));
    const head = new Head(id);
    if (!stream) return json(head.whole(answer));
    return { status: 200, type: "text/event-stream", body: head.stream(answer) };
  };

  const named = (asked: string | undefined) => {
    if (asked === undefined || asked === name) return;
    throw new Refusal(404, "unknown-index", "there is no such index", "name one with index; GET /healthz lists them");
  };

  const reply = async (request: Request, url: URL, route: string | undefined, id: string): Promise<Reply> => {
    if (names !== undefined && !names.includes((request.headers.get("host") ?? url.host).toLowerCase())) {
      const hint = "let HOST name an address of the machine to call it by another name";
      throw new Refusal(421, "misdirected", "this server answers to localhost and 127.0.0.1 with its port", hint);
    }
    if (route === undefined) {
      throw new Refusal(404, "no-such-route", "there is nothing here", "GET /openapi.json says what there is");
    }
    const isPost = POSTED.has(route);
    if (isPost ? request.method !== "POST" : !["GET", "HEAD"].includes(request.method)) {
      const message = "this is asked with another method";
      throw new Refusal(405, "method-not-allowed", message, "the header Allow names it");
    }
    if (route === "openapi") return json(options.openapi ?? {});
    const grant = await authorize(request);
    if (route === "healthz") {
      return json(grant === null ? { status: "ok" } : { status: "ok", ...options.about, indexes: [{ name }] });
    }
    if (grant === null) {
      const hint = "send the header Authorization: Bearer KEY";
      throw new Refusal(401, "unauthorized", "this needs a key", hint);
    }
    if (route === "metrics") {
      if (Object.keys(grant.filters ?? {}).length > 0) {
        throw new Refusal(403, "forbidden", "a key for some documents does not show the counters of all", "");
      }
      return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics.text() };
    }
    if (route === "search") {
      const asked = search(url.search.slice(1));
      named(asked.index);
      return json(await find(asked, grant));
    }
    const sent = await body(request, route === "embeddings" || route === "rerank");
    if (route === "chat") return answered(sent, grant, id);
    if (route === "rerank") throw notReranked(sent);
    if (route === "embeddings") {
      const asked = embeddings(sent);
      named(asked.index);
      return json(await embedded(asked, options));
    }
    const asked = context(sent);
    named(asked.search.index);
    const wide = { ...asked.search, options: forContext(asked.search.options) };
    return json(pack(await find(wide, grant), asked.maxTokens));
  };

  return async (request) => {
    const start = performance.now();
    const url = new URL(request.url);
    const route = Object.hasOwn(ROUTES, url.pathname) ? ROUTES[url.pathname] : undefined;
    const allow = POSTED.has(route ?? "") ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
    const given = request.headers.get("x-request-id") ?? "";
    const id = /^[\w.-]{1,64}$/.test(given) ? given : crypto.randomUUID();
    const isPreflight = request.method === "OPTIONS" && route !== undefined;
    let answer: Reply;
    try {
      answer = isPreflight ? { status: 204, type: "text/plain", body: null } : await reply(request, url, route, id);
    } catch (thrown) {
      const { status, code, message, hint, detail } = refusal(thrown);
      metrics.refused(code);
      if (detail !== undefined) console.error(`${id}: ${code}: ${detail}`);
      answer = json({ error: { code, message, hint, request_id: id } }, status);
    }
    metrics.answered(route ?? "other", answer.status, (performance.now() - start) / 1000);
    const headers = new Headers({
      "content-type": answer.type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-request-id": id,
    });
    if (answer.status === 405 || isPreflight) headers.set("allow", allow);
    if (answer.status === 401) headers.set("www-authenticate", "Bearer");
    if (answer.status === 503) headers.set("retry-after", "1");
    const origin = request.headers.get("origin");
    if (origins.length > 0) headers.set("vary", "origin");
    if (origin !== null && (origins.includes("*") || origins.includes(origin))) {
      headers.set("access-control-allow-origin", origin);
      headers.set("access-control-expose-headers", "retry-after, x-request-id");
      if (isPreflight) {
        headers.set("access-control-allow-methods", allow);
        headers.set("access-control-allow-headers", "authorization, content-type");
        headers.set("access-control-max-age", "600");
      }
    }
    return new Response(request.method === "HEAD" ? null : answer.body, { status: answer.status, headers });
  };
}

/** Vectors in OpenAI's shape. */
async function embedded({ texts, asBase64 }: ReturnType<typeof embeddings>, { encoder, about }: Options) {
  if (encoder === undefined) {
    const hint = "littoral model pull gets it; an index without vectors has none";
    throw new Refusal(501, "no-encoder", "the encoder of this index is not on this server", hint);
  }
  const model = await encoder();
  const data = texts.map((each, index) => {
    const vector = model.embed(each);
    const letters = () =>
      btoa(Array.from(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), (b) => String.fromCharCode(b)).join(""));
    return { object: "embedding", index, embedding: asBase64 ? letters() : Array.from(vector) };
  });
  const n = texts.reduce((sum, each) => sum + model.tokens(each), 0);
  return { object: "list", data, model: about?.embedder ?? "", usage: { prompt_tokens: n, total_tokens: n } };
}
