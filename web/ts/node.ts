// Littoral in Node, Deno and Bun: as in pages, in this thread, and with indexes in folders.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, until } from "./client.js";
import { loadEncoder, modelBytes } from "./embedder.js";
import { type Sources, openEngine } from "./engine.js";
import { fault } from "./error.js";
import { ENTRY, fetchHost } from "./host.js";
import type { Host, Index, Model, OpenOptions, Wasm } from "./types.js";

export { fault } from "./error.js";
export { fetchHost } from "./host.js";
export type * from "./types.js";
export type { LittoralError } from "./error.js";

/** Opens the index in a folder, or at an http(s) or file URL. */
export function open(where: string | URL, options: OpenOptions = {}): Promise<Index> {
  const isRemote = /^https?:/.test(String(where));
  return openWith(isRemote ? fetchHost(where, options.fetch) : folderHost(where), options);
}

/** Opens the index that a host of your own holds. */
export async function openWith(host: Host, options: OpenOptions = {}): Promise<Index> {
  const { wasm = {}, embedder, signal } = options;
  signal?.throwIfAborted();
  // Here `fetch` does not read files.
  const beside = (given: Wasm | undefined, name: string) => () =>
    given ?? readFile(new URL(name, import.meta.url));
  const sources: Sources = {
    core: beside(wasm.core, "./littoral.wasm"),
    rest: beside(wasm.rest, "./littoral-rest.wasm"),
    isWhole: true,
    languages: beside(wasm.languages, "./littoral-languages.wasm"),
    answers: beside(wasm.answers, "./littoral-answers.wasm"),
    encoder: beside(wasm.encoder, "./littoral-encoder.wasm"),
  };
  const model = embedder === undefined ? undefined : () => readModel(embedder, options.fetch);
  return new Client(await until(signal, openEngine(host, sources, model)), "here");
}

/** The encoder of a packed model by itself, for vectors of any texts. */
export function loadModel(model: Model, options: Pick<OpenOptions, "fetch" | "wasm"> = {}) {
  const wasm = () => options.wasm?.encoder ?? readFile(new URL("./littoral-encoder.wasm", import.meta.url));
  return loadEncoder(() => readModel(model, options.fetch), wasm);
}

/** The bytes of a model in a file, or elsewhere. */
async function readModel(model: Model, get?: typeof fetch): Promise<Uint8Array> {
  const isFile = (typeof model === "string" || model instanceof URL) && !/^https?:/.test(String(model));
  if (!isFile) return modelBytes(model, get);
  try {
    return await readFile(/^file:/.test(String(model)) ? fileURLToPath(model) : String(model));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw fault(code === "ENOENT" ? "model-not-found" : "model-unreadable", message, { cause });
  }
}

/** The host over the files of a folder: a path or a file URL. */
export function folderHost(where: string | URL): Host {
  const folder = /^file:/.test(String(where)) ? fileURLToPath(where) : String(where);
  const file = async (path: string) => {
    try {
      return await readFile(join(folder, path));
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      throw fault(code === "ENOENT" ? "not-found" : "unreadable", message, { path, cause });
    }
  };
  return {
    entry: () => file(ENTRY),
    read: (paths) => Promise.all(paths.map(file)),
  };
}
