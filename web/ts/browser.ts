// Littoral in pages and workers.
//
//   import { open } from "littoral";
//   const index = await open("/search/");
//   const { hits } = await index.search("spring tide", { k: 5 });

import { Client, until } from "./client.js";
import type { Asked, Engine, Wanted } from "./engine.js";
import { fault, isFault, unpacked } from "./error.js";
import { fetchHost } from "./host.js";
import type { Notes, NotesOptions } from "./notes/types.js";
import { script } from "./script.js";
import type { Answer, ContextPassage, Facet, Host, Index, OpenOptions, SearchResult } from "./types.js";
import type { Prompt, Rest, Sentences } from "./writing.js";

export { fault } from "./error.js";
export { fetchHost } from "./host.js";
export type * from "./notes/types.js";
export type * from "./types.js";
export type { LittoralError } from "./error.js";

/** Opens the index in the folder at `where`. */
export async function open(where: string | URL, options: OpenOptions = {}): Promise<Index> {
  const { worker = typeof Worker === "function", cache = true, fetch, wasm, signal } = options;
  signal?.throwIfAborted();
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const url = new URL(where, base);
  const { embedder } = options;
  // A worker has another base, and takes no URL.
  const isPlace = typeof embedder === "string" || embedder instanceof URL;
  const model = isPlace ? new URL(embedder, base).href : embedder;
  const own = { fetch, wasm, embedder: model };
  if (worker === false || fetch !== undefined) {
    return until(signal, openHere(fetchHost(url, fetch, cache && fetch === undefined), own));
  }
  const opening = { url: url.href, cache, wasm, embedder: model };
  try {
    return new Client(await until(signal, openRemote(opening, worker, signal)), "worker");
  } catch (error) {
    // The engine's own errors would be the same here; a worker that does not start is another thing.
    if (signal?.aborted || (isFault(error) && error.code !== "worker-unavailable")) throw error;
    return until(signal, openHere(fetchHost(url, undefined, cache), own, error as Error));
  }
}

/** Opens the index that a host of your own holds; its engine runs in this thread. */
export function openWith(host: Host, options: OpenOptions = {}): Promise<Index> {
  return until(options.signal, openHere(host, options));
}

/** Opens the index of a page's own documents, or begins one; it is kept in the browser. */
export async function create(options: NotesOptions = {}): Promise<Notes> {
  return (await script("./notes.js", () => import("./notes.js"))).create(options);
}

async function openHere(host: Host, options: OpenOptions, reason: Error | null = null) {
  const { openEngine, here, modelBytes } = await script("./inline.js", () => import("./inline.js"));
  const { embedder, fetch, wasm } = options;
  const model = embedder === undefined ? undefined : () => modelBytes(embedder, fetch);
  return new Client(await openEngine(host, here(wasm), model), "here", reason);
}

async function openRemote(opening: object, make: true | (() => Worker), signal?: AbortSignal) {
  let worker: Worker;
  try {
    worker =
      typeof make === "function"
        ? make()
        : new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  } catch (cause) {
    throw fault("worker-unavailable", `the worker did not start: ${(cause as Error).message}`, { cause });
  }
  const remote = new Remote(worker);
  signal?.addEventListener("abort", () => remote.close(), { once: true });
  try {
    await remote.call("open", opening);
  } catch (error) {
    remote.close();
    throw error;
  }
  return remote;
}

/** An engine in a worker. */
class Remote implements Engine {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #last = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data: { id, value, error } }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value as never);
      else waiting?.reject(unpacked(error));
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      this.#fail(fault("worker-unavailable", `the worker failed: ${event.message || "it did not load"}`));
    };
  }

  search(query: string, asked: Asked): Promise<SearchResult> {
    return this.call("search", query, asked);
  }

  filters(): Promise<Record<string, Facet[]>> {
    return this.call("filters");
  }

  answer(question: string, asked: Asked, wanted: Wanted): Promise<Answer> {
    return this.call("answer", question, asked, wanted);
  }

  draft(question: string, passages: ContextPassage[], sentences?: number): Promise<Prompt> {
    return this.call("draft", question, passages, sentences);
  }

  push(writing: number, piece: string): Promise<Sentences> {
    return this.call("push", writing, piece);
  }

  finish(writing: number): Promise<Rest> {
    return this.call("finish", writing);
  }

  drop(writing: number): Promise<void> {
    return this.call("drop", writing);
  }

  close(): void {
    // What is still being searched is answered first.
    if (this.#waiting.size === 0) this.#worker.terminate();
    else void Promise.allSettled([...this.#pending()]).then(() => this.#worker.terminate());
  }

  call<T>(method: string, ...given: unknown[]): Promise<T> {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#answers.add(answer);
    answer.finally(() => this.#answers.delete(answer)).catch(() => undefined);
    this.#worker.postMessage({ id, method, given });
    return answer;
  }

  readonly #answers = new Set<Promise<unknown>>();

  #pending(): Iterable<Promise<unknown>> {
    return this.#answers;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
