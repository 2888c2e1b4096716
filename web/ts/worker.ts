// The engine in a Web Worker: takes calls as messages, `{ id, method, arguments }`, and answers each
// with `{ id, value }` or `{ id, error }`. Its first call is `open`.

import { modelBytes } from "./embedder.js";
import { type Asked, type Engine, openEngine } from "./engine.js";
import { packed } from "./error.js";
import { fetchHost } from "./host.js";
import type { Model } from "./types.js";
import { here } from "./wasm.js";

export interface Opening {
  url: string;
  cache: boolean;
  embedder: Model | undefined;
  wasm: Parameters<typeof here>[0];
}

let engine: Promise<Engine>;

const methods: Record<string, (...asked: never[]) => Promise<unknown>> = {
  async open({ url, cache, embedder, wasm }: Opening) {
    const model = embedder === undefined ? undefined : () => modelBytes(embedder);
    engine = openEngine(fetchHost(url, globalThis.fetch, cache), here(wasm), model);
    await engine;
  },
  search: async (query: string, asked: Asked) => (await engine).search(query, asked),
  filters: async () => (await engine).filters(),
};

addEventListener("message", async ({ data: { id, method, given } }: MessageEvent) => {
  try {
    postMessage({ id, value: await methods[method]?.(...(given as never[])) });
  } catch (error) {
    postMessage({ id, error: packed(error) });
  }
});
