// Littoral for JavaScript: opens an index and searches it, with the engine compiled to WebAssembly.
//
//   import { open } from "littoral";
//   const index = await open("/search/");
//   const { hits } = await index.search("spring tide", { k: 5 });
//
// This file runs wherever there is `fetch`. In Node, `node.mjs` adds folders.

import init, { open as openCore } from "./pkg/littoral.js";

const ENTRY = "littoral.json";
const CORE = new URL("./pkg/littoral_bg.wasm", import.meta.url);

let core;

/** Loads the core once; after a failure the next call tries again. */
function load(wasm) {
  core ??= (async () => {
    try {
      await init({ module_or_path: typeof wasm === "function" ? wasm() : wasm });
    } catch (cause) {
      core = undefined;
      const message = `the WebAssembly core did not load: ${cause.message}`;
      throw fault("wasm-unavailable", message, { cause });
    }
  })();
  return core;
}

/** Opens the index in the folder at `url`. */
export function open(url, options = {}) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return openWith(fetchHost(new URL(url, base), options.fetch), options);
}

/** Opens the index that `host` holds. */
export async function openWith(host, { wasm = CORE } = {}) {
  await load(wasm);
  return new Index(await guarded(() => openCore(host)));
}

/** An open index. */
class Index {
  #core;
  #running = 0;
  #closed = false;

  constructor(core) {
    this.#core = core;
  }

  async search(query, { signal, filters = {}, sort, ...options } = {}) {
    signal?.throwIfAborted();
    if (this.#closed) throw fault("closed", "the index is closed; open it again");
    const [, key, order] = /^(.*?)(?::(asc|desc))?$/s.exec(sort ?? "");
    const asked = {
      ...options,
      filters: Object.entries(filters).flatMap(([name, values]) =>
        [values].flat().flatMap((value) => [name, String(value)]),
      ),
      sort: sort === undefined ? undefined : key,
      descending: order === "desc",
    };
    const start = performance.now();
    const text = await until(signal, this.#search(String(query), asked));
    const result = JSON.parse(text);
    result.timings_ms.total = performance.now() - start;
    return result;
  }

  /** Gives its memory back once no search is running. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#running === 0) this.#core.free();
  }

  async #search(query, options) {
    this.#running += 1;
    try {
      return await guarded(() => this.#core.search(query, options));
    } finally {
      this.#running -= 1;
      if (this.#closed && this.#running === 0) this.#core.free();
    }
  }
}

/** The host over files that `fetch` gets below `url`. */
export function fetchHost(url, get = globalThis.fetch) {
  const base = new URL(url);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  // Called without a receiver: a browser's fetch refuses any other than the window.
  const file = async (path, cache) => {
    let response;
    try {
      response = await get(new URL(path, base), { cache });
      // A host that answers a missing page with its front page means that there is none.
      const isPage = response.headers.get("content-type")?.startsWith("text/html");
      if (response.ok && !isPage) return new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throw fault("unreadable", cause.message, { path, cause });
    }
    const missing = response.ok || response.status === 404 || response.status === 410;
    throw fault(missing ? "not-found" : "unreadable", `HTTP status ${response.status}`, { path });
  };
  return {
    // The entry is the one file that changes.
    entry: () => file(ENTRY, "no-cache"),
    read: (paths) => Promise.all(paths.map((path) => file(path, "force-cache"))),
  };
}

/** An error with a stable code, and what else is known. */
export function fault(code, message, { cause, ...more } = {}) {
  return Object.assign(new Error(message, cause && { cause }), { code, ...more });
}

/** What `call` gives; an error without a code gets one. */
async function guarded(call) {
  try {
    return await call();
  } catch (cause) {
    if (cause?.code !== undefined) throw cause;
    throw fault("internal", `the engine stopped: ${cause?.message ?? cause}`, { cause });
  }
}

/** What `promise` gives, or the signal's reason as soon as it is aborted. What is being fetched
 * then still arrives, and is kept for the next search. */
function until(signal, promise) {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
