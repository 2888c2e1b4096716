// Littoral for Node, Bun and Deno: as in browsers, and indexes in folders.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fault, fetchHost, openWith as openAnywhere } from "./littoral.mjs";

export { fault, fetchHost } from "./littoral.mjs";

const ENTRY = "littoral.json";
const CORE = new URL("./pkg/littoral_bg.wasm", import.meta.url);

/** Opens the index in a folder, or at an http(s) or file URL. */
export function open(where, options = {}) {
  const remote = /^https?:/.test(String(where));
  return openWith(remote ? fetchHost(where, options.fetch) : folderHost(where), options);
}

/** Opens the index that `host` holds. */
export function openWith(host, options = {}) {
  // Here `fetch` does not read files.
  return openAnywhere(host, { ...options, wasm: options.wasm ?? (() => readFile(CORE)) });
}

/** The host over the files of a folder: a path or a file URL. */
export function folderHost(where) {
  const folder = /^file:/.test(String(where)) ? fileURLToPath(where) : where;
  const file = async (path) => {
    try {
      return await readFile(join(folder, path));
    } catch (cause) {
      const code = cause.code === "ENOENT" ? "not-found" : "unreadable";
      throw fault(code, cause.message, { path, cause });
    }
  };
  return {
    entry: () => file(ENTRY),
    read: (paths) => Promise.all(paths.map(file)),
  };
}
