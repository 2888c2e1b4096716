// A static file server on loopback that counts what a page fetches.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
};

/** What static hosts compress on the way; everything else goes out as stored. */
const COMPRESSED = new Set([".html", ".js", ".mjs", ".json", ".css", ".wasm"]);

/**
 * Serves `mounts` ({ "/prefix/": folder }) and `pages` ({ "/path": html }).
 *
 * `log` receives { path, bytes } for each answer, `bytes` being its compressed body. `delay` ms are
 * waited before each answer, so that requests that depend on one another can be told from those
 * that do not. Text and .wasm go out with brotli at quality 9, as a good static host does it.
 * `headers` go with every answer.
 */
export async function serve(mounts, pages = {}, headers = {}) {
  const state = { log: [], delay: 0 };
  const compressed = new Map();
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    try {
      const { type, body, encoding } = await answer(path, mounts, pages, compressed);
      if (state.delay > 0) {
        await sleep(state.delay);
      }
      state.log.push({ path, bytes: body.length });
      response.writeHead(200, {
        "content-type": type,
        "content-length": body.length,
        "cache-control": "public, max-age=3600",
        ...headers,
        ...(encoding === undefined ? {} : { "content-encoding": encoding }),
      });
      response.end(body);
    } catch {
      state.log.push({ path, bytes: 0 });
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** Returns the answers since the last call. */
    takeLog: () => state.log.splice(0),
    setDelay: (ms) => {
      state.delay = ms;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function answer(path, mounts, pages, compressed) {
  const extension = pages[path] === undefined || extname(path) !== "" ? extname(path) : ".html";
  const type = TYPES[extension] ?? "application/octet-stream";
  if (COMPRESSED.has(extension) && compressed.has(path)) {
    return compressed.get(path);
  }
  const body = pages[path] === undefined ? await read(path, mounts) : Buffer.from(pages[path]);
  // Files that are compressed already carry gzip's magic number, whatever their name.
  if (!COMPRESSED.has(extension) || (body[0] === 0x1f && body[1] === 0x8b)) {
    return { type, body };
  }
  const result = { type, body: brotliCompressSync(body, { params: { 1: 9 } }), encoding: "br" };
  compressed.set(path, result);
  return result;
}

function read(path, mounts) {
  const prefix = Object.keys(mounts).find((mount) => path.startsWith(mount));
  if (prefix === undefined) {
    throw new Error(`nothing is mounted for ${path}`);
  }
  const relative = normalize(path.slice(prefix.length));
  if (relative === ".." || relative.startsWith(`..${sep}`)) {
    throw new Error(`${path} leaves its folder`);
  }
  return readFile(join(mounts[prefix], relative));
}
