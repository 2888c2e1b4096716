// The engine in every host of JavaScript against the native one: the same documents in the same
// order, every bit of every score, the same notes and errors. `web/test/parity.mjs` does it in Node.
//
//   cargo test -p littoral-tests --test parity     builds the indexes and runs this
//
// CHROMIUM   default /usr/bin/chromium

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "./server.mjs";

const { LITTORAL_PARITY_INDEX: folder, LITTORAL_PARITY_CASES: file, CHROMIUM = "/usr/bin/chromium" } = process.env;
const here = fileURLToPath(new URL(".", import.meta.url));
const pkg = join(here, "../pkg");
const skip = folder === undefined && "run by: cargo test -p littoral-tests --test parity";
const without = (name) =>
  skip || (!existsSync(join(here, "node_modules", name)) && `${name} is not installed in web/checks`);
const cases = skip ? [] : JSON.parse(readFileSync(file, "utf8"));
/** Cases without what is expected, which a host need not know. */
const asked = cases.map(({ query, options }) => ({ query, options }));

/** Compares what a host found, each digit of each double, with what is expected. */
function agree(found) {
  assert.equal(found.length, cases.length);
  cases.forEach(({ query, options, expected: { json, ...error } }, i) => {
    const expected = json === undefined ? error : { json: JSON.stringify(JSON.parse(json)) };
    assert.deepEqual(found[i], expected, `${query} ${JSON.stringify(options)}`);
  });
}

for (const [name, more] of [["deno", ["run", "--allow-read", "--no-remote"]], ["bun", ["run"]]]) {
  test(`${name} ranks like the native engine`, { skip: without(name) }, () => {
    const args = [...more, join(here, "answers.mjs"), pkg, folder, file];
    const options = { encoding: "utf8", maxBuffer: 1 << 28, timeout: 300_000 };
    agree(JSON.parse(execFileSync(join(here, "node_modules/.bin", name), args, options)));
  });
}

const WORKER = `
import { openWith } from "./workerd.js";
import { assetsHost } from "./edge.js";
import { answers } from "./answers.mjs";
let index;
export default {
  async fetch(request, { FILES }) {
    index ??= await openWith(assetsHost(FILES, "/"));
    return Response.json(await answers(index, await request.json()));
  },
};
`;

test("workerd ranks like the native engine", { skip: without("miniflare") }, async () => {
  const { Miniflare } = await import("miniflare");
  const module = (name, type, contents = readFileSync(join(pkg, name))) => ({ type, path: join(pkg, name), contents });
  const flare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    modulesRoot: pkg,
    modules: [
      module("entry.js", "ESModule", WORKER),
      module("answers.mjs", "ESModule", readFileSync(join(here, "answers.mjs"))),
      ...["workerd.js", "edge.js", "answers.js", "languages.js", "encoder.js", "llm.js", "rest.js"].map((name) => module(name, "ESModule")),
      ...["littoral.wasm", "littoral-answers.wasm", "littoral-languages.wasm", "littoral-rest.wasm"].map((name) => module(name, "CompiledWasm")),
    ],
    compatibilityDate: "2026-04-01",
    serviceBindings: {
      FILES: async (request) => {
        const bytes = await readFile(join(folder, new URL(request.url).pathname)).catch(() => null);
        return new Response(bytes, { status: bytes === null ? 404 : 200 });
      },
    },
  });
  try {
    const found = [];
    const { origin } = await flare.ready;
    for (let at = 0; at < asked.length; at += 50) {
      const response = await fetch(origin, { method: "POST", body: JSON.stringify(asked.slice(at, at + 50)) });
      found.push(...(await response.json()));
    }
    agree(found);
  } finally {
    await flare.dispose();
  }
});

const missing = without("playwright-core") || (!existsSync(CHROMIUM) && `there is no ${CHROMIUM}`);
test("Chromium ranks like the native engine, in a worker and in the page", { skip: missing }, async () => {
  const { chromium } = await import("playwright-core");
  const site = await serve({
    mounts: { "/index/": folder, "/js/": pkg, "/answers.mjs": join(here, "answers.mjs") },
    pages: { "/": "<!doctype html><title>parity</title>" },
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    await page.goto(site.origin);
    for (const worker of [true, false]) {
      const found = await page.evaluate(
        async ([cases, worker]) => {
          const [{ open }, { answers }] = await Promise.all([import("/js/index.js"), import("/answers.mjs")]);
          const index = await open("/index/", { worker, cache: false });
          const found = await answers(index, cases);
          return { found, thread: index.thread };
        },
        [asked, worker],
      );
      assert.equal(found.thread, worker ? "worker" : "here");
      agree(found.found);
    }
  } finally {
    await browser.close();
    site.close();
  }
});
