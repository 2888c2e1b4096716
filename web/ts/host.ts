// Hosts: where the bytes of an index come from.

import { fault, isFault } from "./error.js";
import type { Host } from "./types.js";

export const ENTRY = "littoral.json";

/** The files that `fetch` gets below `url`, kept in Cache Storage where `isCached`. */
export function fetchHost(
  url: string | URL,
  get: typeof fetch = globalThis.fetch,
  isCached = false,
): Host {
  const base = new URL(url);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const kept = isCached ? new Kept(base.href) : undefined;

  // Called without a receiver: a browser's fetch refuses any other than the window.
  const fetched = async (path: string, cache: RequestCache): Promise<Response> => {
    let response: Response;
    try {
      response = await get(new URL(path, base), { cache });
    } catch (cause) {
      const offline = globalThis.navigator?.onLine === false;
      const message = offline ? "there is no network" : (cause as Error).message;
      throw fault(offline ? "offline" : "unreadable", message, { path, cause });
    }
    // A host that answers a missing page with its front page means that there is none.
    const isPage = response.headers.get("content-type")?.startsWith("text/html");
    if (response.ok && !isPage) return response;
    const missing = response.ok || response.status === 404 || response.status === 410;
    throw fault(missing ? "not-found" : "unreadable", `HTTP status ${response.status}`, { path });
  };
  const bytes = async (response: Response) => new Uint8Array(await response.arrayBuffer());

  const file = async (path: string) => {
    const held = await kept?.get(path);
    if (held !== undefined) return bytes(held);
    const response = await fetched(path, "force-cache");
    await kept?.put(path, response.clone());
    return bytes(response);
  };
  return {
    // The entry is the one file that changes.
    async entry() {
      try {
        const response = await fetched(ENTRY, "no-cache");
        await kept?.entry(response.clone());
        return bytes(response);
      } catch (error) {
        // Without a network, the index as it was last seen.
        const held = isFault(error) && error.code !== "not-found" && (await kept?.get(ENTRY));
        if (held) return bytes(held);
        throw error;
      }
    },
    read: (paths) => Promise.all(paths.map(file)),
  };
}

/** The files of one index in Cache Storage. A cache that fails is a cache that holds nothing. */
class Kept {
  readonly #base: string;
  readonly #cache: Promise<Cache | undefined>;

  constructor(base: string) {
    this.#base = base;
    this.#cache = globalThis.caches
      ? caches.open(`littoral ${base}`).catch(() => undefined)
      : Promise.resolve(undefined);
  }

  async get(path: string): Promise<Response | undefined> {
    try {
      return await (await this.#cache)?.match(this.#base + path);
    } catch {
      return undefined;
    }
  }

  async put(path: string, response: Response): Promise<void> {
    try {
      await (await this.#cache)?.put(this.#base + path, response);
    } catch {
      // Storage is full or forbidden: the browser's own cache is left.
    }
  }

  /** Keeps the entry; files of the index before it are let go once it is another. */
  async entry(response: Response): Promise<void> {
    const cache = await this.#cache;
    if (cache === undefined) return;
    const text = await response.clone().text();
    const before = await this.get(ENTRY);
    if (before !== undefined && (await before.text()) !== text) {
      const keys = await cache.keys().catch(() => []);
      await Promise.all(keys.map((key) => cache.delete(key).catch(() => false)));
    }
    await this.put(ENTRY, response);
  }
}
