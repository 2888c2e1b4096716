// Littoral in Cloudflare Workers, which take WebAssembly as a module that was compiled beforehand.

import core from "./littoral.wasm";
import answers from "./littoral-answers.wasm";
import languages from "./littoral-languages.wasm";
import rest from "./littoral-rest.wasm";
import { Client, until } from "./client.js";
import { modelBytes } from "./embedder.js";
import { openEngine } from "./engine.js";
import { fault } from "./error.js";
import { fetchHost } from "./host.js";
import type { Host, Index, OpenOptions } from "./types.js";

export { fault } from "./error.js";
export { fetchHost } from "./host.js";
export type * from "./types.js";
export type { LittoralError } from "./error.js";

/** Opens the index at a URL; `fetch` may be that of an assets binding. */
export function open(where: string | URL, options: OpenOptions = {}): Promise<Index> {
  return openWith(fetchHost(where, options.fetch), options);
}

/** Opens the index that a host of your own holds. */
export async function openWith(host: Host, options: OpenOptions = {}): Promise<Index> {
  const { wasm = {}, embedder, signal } = options;
  signal?.throwIfAborted();
  const sources = {
    core: () => wasm.core ?? core,
    rest: () => wasm.rest ?? rest,
    isWhole: true,
    languages: () => wasm.languages ?? languages,
    answers: () => wasm.answers ?? answers,
    encoder: () => {
      // Not every worker carries a module that few of them load.
      if (wasm.encoder !== undefined) return wasm.encoder;
      throw fault("wasm-unavailable", 'an embedder needs wasm.encoder: import it from "littoral/littoral-encoder.wasm"');
    },
  };
  const model = embedder === undefined ? undefined : () => modelBytes(embedder, options.fetch);
  return new Client(await until(signal, openEngine(host, sources, model)), "here");
}
