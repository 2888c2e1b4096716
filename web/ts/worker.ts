// The engine in a Web Worker: takes calls as messages, `{ id, method, arguments }`, and answers each
// with `{ id, value }` or `{ id, error }`. Its first call is `open`.

import { modelBytes } from "./embedder.js";
import { type Engine, openEngine } from "./engine.js";
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
};

/** What a message may call beside `open`: methods of the engine. */
const CALLS = ["search", "filters", "answer", "draft", "push", "finish", "drop"] as const;

for (const call of CALLS) {
  methods[call] = async (...given) => (await engine)[call](...(given as unknown as [never, never, never]));
}

addEventListener("message", async ({ data: { id, method, given } }: MessageEvent) => {
  try {
    postMessage({ id, value: await methods[method]?.(...(given as never[])) });
  } catch (error) {
    postMessage({ id, error: packed(error) });
  }
});
