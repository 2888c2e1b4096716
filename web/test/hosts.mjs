// Where bytes come from, and what an index does around a search: run like parity.mjs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

const folder = process.env.LITTORAL_PARITY_INDEX;
const skip = folder === undefined && "run by: cargo test -p littoral-tests --test parity";
const files = new Map([
  ["/site/littoral.json", "{}"],
  ["/site/a.lit", "first"],
  ["/site/b.lit", "second"],
]);
let server;
let url;

before(async () => {
  server = createServer(async ({ url: path }, response) => {
    if (path === "/site/page.lit") {
      return response.setHeader("content-type", "text/html; charset=utf-8").end("<h1>Home</h1>");
    }
    if (path === "/site/broken.lit") return response.writeHead(500).end();
    const name = path.startsWith("/index/") && join(folder, path.slice("/index/".length));
    const body = name ? await readFile(name).catch(() => undefined) : files.get(path);
    if (body === undefined) response.statusCode = 404;
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

const littoral = skip ? undefined : await import("../pkg/node.js");
const text = (bytes) => new TextDecoder().decode(bytes);

test("files come in the order they were asked for, with or without a slash", { skip }, async () => {
  for (const where of [`${url}/site`, `${url}/site/`]) {
    const host = littoral.fetchHost(where);
    assert.equal(text(await host.entry()), "{}");
    assert.deepEqual((await host.read(["b.lit", "a.lit"])).map(text), ["second", "first"]);
  }
});

test("a missing file is told from a broken server, and a front page is a missing file", { skip }, async () => {
  const host = littoral.fetchHost(`${url}/site/`);
  for (const path of ["no.lit", "page.lit"]) {
    await assert.rejects(host.read(["a.lit", path]), { code: "not-found", path });
  }
  await assert.rejects(host.read(["broken.lit"]), { code: "unreadable", path: "broken.lit" });
});

test("an index at a URL answers like the one in the folder", { skip }, async () => {
  const [near, far] = [await littoral.open(folder), await littoral.open(`${url}/index`)];
  const [a, b] = [await near.search("spring tide"), await far.search("spring tide")];
  assert(a.hits.length > 0);
  a.timings_ms.total = b.timings_ms.total;
  assert.deepEqual(a, b);
});

test("errors have the engine's codes", { skip }, async () => {
  await assert.rejects(littoral.open(`${url}/nowhere/`), { code: "not-found" });
  await assert.rejects(littoral.openWith({ entry: async () => new Uint8Array(9) }), {
    code: "index-corrupt",
  });
  await assert.rejects(littoral.openWith({ entry: async () => "text" }), { code: "unreadable" });
  const gone = littoral.fetchHost(`${url}/site/`);
  const index = await littoral.openWith({ ...gone, entry: () => readFile(join(folder, "littoral.json")) });
  await assert.rejects(index.search("tide"), { code: "stale-index" });
  await assert.rejects(index.search("tide", { mode: "fuzzy" }), { code: "bad-option" });
});

test("an aborted search rejects at once and leaves the index usable", { skip }, async () => {
  const index = await littoral.open(folder);
  const reason = new Error("typed on");
  await assert.rejects(index.search("tide", { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const search = index.search("tide", { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(search, reason);
  assert((await index.search("tide")).hits.length > 0);
});

test("a closed index lets its searches end and takes no more", { skip }, async () => {
  const index = await littoral.open(folder);
  const search = index.search("tide");
  index.close();
  index.close();
  assert((await search).hits.length > 0);
  await assert.rejects(index.search("tide"), { code: "closed" });
});
