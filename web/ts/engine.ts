// The engine in this thread: loads the WebAssembly module that an index needs and searches with it.

import initCore, * as core from "../generated/core/littoral.js";
import { type Bytes, Embedder } from "./embedder.js";
import { fault, isFault } from "./error.js";
import type { Facet, Host, SearchOptions, SearchResult, Source } from "./types.js";

export interface Sources {
  core: Source;
  languages: Source;
  encoder: Source;
}

/** The functions of a module. */
export type Glue = Pick<typeof core, "default" | "open">;
export type CoreIndex = Awaited<ReturnType<typeof core.open>>;

/** A search as the engine takes it, without the signal. */
export type Asked = Omit<SearchOptions, "signal">;

/** An index that this thread searches. */
export interface Engine {
  search(query: string, asked: Asked): Promise<SearchResult>;
  filters(): Promise<Record<string, Facet[]>>;
  close(): void;
}

const loaded = new Map<string, Promise<Glue>>();

/** Loads a module once; after a failure the next call tries again. */
export function load(name: string, glue: () => Promise<Glue> | Glue, source: Source): Promise<Glue> {
  let module = loaded.get(name);
  if (module === undefined) {
    module = (async () => {
      if (typeof WebAssembly !== "object") {
        throw fault("wasm-blocked", "there is no WebAssembly here");
      }
      if (!WebAssembly.validate(SIMD)) {
        throw fault("wasm-no-simd", "WebAssembly has no 128-bit SIMD here; update the browser");
      }
      const functions = await glue();
      try {
        await functions.default({ module_or_path: await source() });
      } catch (cause) {
        const message = (cause as Error).message;
        const isBlocked = cause instanceof WebAssembly.CompileError && /polic|unsafe-eval|CSP/i.test(message);
        throw isBlocked
          ? fault("wasm-blocked", `the page's policy forbids WebAssembly; allow 'wasm-unsafe-eval' in script-src: ${message}`, { cause })
          : fault("wasm-unavailable", `the WebAssembly module did not load: ${message}`, { cause });
      }
      return functions;
    })();
    module.catch(() => loaded.delete(name));
    loaded.set(name, module);
  }
  return module;
}

/** The smallest module with an instruction of 128-bit SIMD: `i8x16.popcnt(i8x16.splat(0))`. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Opens the index that `host` holds, with the module that has its languages, and with the encoder of
 * queries whose model `model` gives. */
export async function openEngine(host: Host, sources: Sources, model?: Bytes): Promise<Engine> {
  const embedder = model && new Embedder(model, sources.encoder);
  const open = async (): Promise<CoreIndex> => {
    // The entry and the module are fetched side by side, and the entry once for both modules.
    const entry = host.entry();
    entry.catch(() => undefined);
    const once: Host = {
      entry: () => entry,
      read: (paths) => host.read(paths),
      embed: async (model, query) => embedder?.embed(model, query) ?? host.embed?.(model, query),
    };
    const small = await load("core", () => ({ ...core, default: initCore }), sources.core);
    try {
      return await guarded(() => small.open(once));
    } catch (error) {
      if (!isFault(error) || error.code !== "missing-language") throw error;
      const glue = () => import("./languages.js") as unknown as Promise<Glue>;
      const large = await load("languages", glue, sources.languages);
      return guarded(() => large.open(once));
    }
  };
  return new Session(await open(), open, embedder);
}

/** An open index that is opened again when it was replaced. */
export class Session implements Engine {
  #index: CoreIndex;
  readonly #open: () => Promise<CoreIndex>;
  readonly #embedder: Embedder | undefined;
  #reopening: Promise<void> | undefined;
  #running = 0;
  #isClosed = false;

  constructor(index: CoreIndex, open: () => Promise<CoreIndex>, embedder?: Embedder) {
    this.#index = index;
    this.#open = open;
    this.#embedder = embedder;
    this.#wait();
  }

  async search(query: string, { filters = {}, sort, ...options }: Asked): Promise<SearchResult> {
    const [, key, order] = /^(.*?)(?::(asc|desc))?$/s.exec(sort ?? "") ?? [];
    const asked = {
      ...options,
      filters: Object.entries(filters).flatMap(([name, values]) =>
        [values].flat().flatMap((value) => [name, String(value)]),
      ),
      sort: sort === undefined ? undefined : key,
      descending: order === "desc",
    };
    const start = performance.now();
    const [text, isReopened] = await this.#ask((index) => index.search(query, asked)).catch((error) => {
      // Of two reasons the first.
      throw asked.mode === "dense" && error.code === "unsupported" && this.#embedder?.fault || error;
    });
    const result = JSON.parse(text) as SearchResult;
    result.timings_ms.total = performance.now() - start;
    if (isReopened) {
      const message = "the index was replaced while it was open, and was opened again";
      result.notes.push({ code: "index-reopened", message });
    }
    const missed = this.#embedder?.fault;
    if (missed !== undefined && asked.mode !== "lexical") {
      const { code = "internal" } = missed as { code?: string };
      result.notes.push({ code, message: `searched without the embedder: ${missed.message}` });
    }
    return result;
  }

  async filters(): Promise<Record<string, Facet[]>> {
    const [text] = await this.#ask((index) => index.filters());
    return JSON.parse(text) as Record<string, Facet[]>;
  }

  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** What `call` gives, and whether the index had to be opened again for it: once. */
  async #ask(call: (index: CoreIndex) => Promise<string>): Promise<[string, boolean]> {
    if (this.#isClosed) throw fault("closed", "the index is closed; open it again");
    this.#running += 1;
    try {
      const index = this.#index;
      try {
        return [await guarded(() => call(index)), false];
      } catch (error) {
        if (!isFault(error) || error.code !== "stale-index") throw error;
        if (this.#index === index) await this.#reopen();
        return [await guarded(() => call(this.#index)), true];
      }
    } finally {
      this.#running -= 1;
      this.#release();
    }
  }

  async #reopen(): Promise<void> {
    this.#reopening ??= this.#open().then((index) => {
      // The old one stays until it is collected: other searches may still be running on it.
      this.#index = index;
      this.#wait();
    });
    try {
      await this.#reopening;
    } finally {
      this.#reopening = undefined;
    }
  }

  /** Has searches wait for the embedder where the index needs it. */
  #wait(): void {
    if (this.#embedder !== undefined) this.#embedder.isNeeded = this.#index.needsEncoder;
  }

  #release(): void {
    if (!this.#isClosed || this.#running > 0) return;
    this.#index.free();
    this.#embedder?.close();
  }
}

/** What `call` gives; an error without a code gets one. */
export async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw fault("internal", `the engine stopped: ${(cause as Error)?.message ?? cause}`, { cause });
  }
}
