// A static site on loopback as a good host serves it: brotli for text and WebAssembly, and a log.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Serves `mounts`, `{ "/prefix/": folder or function }`, and `pages`, `{ "/path": html }`, with
 * `headers` on every answer. `log` gets `{ path, bytes }` of each, the bytes as sent. */
export async function serve({ mounts = {}, pages = {}, headers = {} }) {
  const log = [];
  const state = { isDown: false, delay: 0 };
  const packed = new Map();
  const server = createServer(async ({ url }, response) => {
    const asked = decodeURIComponent(new URL(url, "http://localhost").pathname);
    const path = asked.endsWith("/") && pages[asked] === undefined ? `${asked}index.html` : asked;
    if (state.isDown) return response.destroy();
    if (state.delay > 0) await sleep(state.delay);
    try {
      const type = pages[path] === undefined || extname(path) !== "" ? extname(path) : ".html";
      const body = pages[path] === undefined ? await file(path) : Buffer.from(pages[path]);
      const isPacked = type in TYPES;
      if (isPacked && !packed.has(path)) packed.set(path, [body, brotliCompressSync(body)]);
      const [from, small] = packed.get(path) ?? [];
      const sent = isPacked ? (from.equals(body) ? small : brotliCompressSync(body)) : body;
      log.push({ path, bytes: sent.length });
      response.writeHead(200, {
        "content-type": TYPES[type] ?? "application/octet-stream",
        "content-length": sent.length,
        "cache-control": "public, max-age=3600",
        ...(isPacked && { "content-encoding": "br" }),
        ...headers,
      });
      response.end(sent);
    } catch {
      log.push({ path, bytes: 0 });
      response.writeHead(404, headers).end();
    }
  });
  const file = (path) => {
    const [prefix, folder] = Object.entries(mounts).find(([prefix]) => path.startsWith(prefix)) ?? [];
    if (prefix === undefined) throw new Error("not found");
    const rest = normalize(path.slice(prefix.length));
    if (rest.startsWith("..")) throw new Error("outside");
    return readFile(join(typeof folder === "function" ? folder() : folder, rest));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    takeLog: () => log.splice(0),
    /** Waits so many milliseconds before every answer. */
    setDelay: (ms) => {
      state.delay = ms;
    },
    setDown: (isDown) => {
      state.isDown = isDown;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
