// The package in a real Chromium, on pages with a strict policy, and what a first query costs there.
//
//   LITTORAL_INDEX=folder node --test web/checks/browser.test.mjs
//
// LITTORAL_INDEX      an index in English, such as the bundled documentation's
// LITTORAL_OTHER      another index, not in English, if there is one
// LITTORAL_QUERIES    queries, one a line, for the figures; default a few about the documentation
// CHROMIUM            default /usr/bin/chromium

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";

const { LITTORAL_INDEX, LITTORAL_OTHER, LITTORAL_QUERIES } = process.env;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip =
  (LITTORAL_INDEX === undefined && "LITTORAL_INDEX names no index") ||
  (!existsSync(executablePath) && `there is no ${executablePath}`);
const pkg = fileURLToPath(new URL("../pkg/", import.meta.url));
const queries = LITTORAL_QUERIES
  ? readFileSync(LITTORAL_QUERIES, "utf8").split("\n").filter(Boolean)
  : ["remove a document", "languages stemming", "how ranking works", "update an index", "html attributes"];

const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
/** The policy of a careful site. It forbids workers made from strings, and so all workers. */
const STRICT =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";
const PAGE =
  "<!doctype html><html lang=en><title>search</title><link rel=icon href=/icon.ico>" +
  "<script type=module src=/page.js></script>";

let browser;

before(async () => {
  if (skip) return;
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

after(() => browser?.close());

/** A site with the index, and a page of it in a fresh profile. */
async function visit(policy, { index = LITTORAL_INDEX } = {}) {
  const site = await serve({
    mounts: { "/littoral/": index, "/js/": pkg, "/page.js": new URL("page.js", import.meta.url).pathname },
    pages: { "/": PAGE },
    headers: policy ? { "content-security-policy": policy } : {},
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => console.log(`page: ${error.message}`));
  const violations = [];
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) violations.push(message.text());
  });
  await page.goto(site.origin);
  await page.waitForFunction("globalThis.littoral");
  return { site, context, page, violations };
}

async function leave({ site, context }) {
  await context.close();
  site.close();
}

/** Opens the index and searches it, in the page. */
const first = ([query, options]) =>
  globalThis.littoral.open("/littoral/", options).then(async (index) => {
    globalThis.index = index;
    const found = await index.search(query, { k: 10 });
    return { found, thread: index.thread, reason: index.workerError?.message };
  });

test("a page searches in a worker", { skip }, async () => {
  const visited = await visit("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'");
  const { found, thread } = await visited.page.evaluate(first, [queries[0], {}]);
  assert(found.hits.length > 0);
  assert.equal(thread, "worker");
  assert.deepEqual(visited.violations, []);
  await leave(visited);
});

test("a page that forbids all but its own scripts searches in its own thread", { skip }, async () => {
  const visited = await visit(STRICT);
  const { found, thread, reason } = await visited.page.evaluate(first, [queries[0], {}]);
  assert(found.hits.length > 0);
  assert.equal(thread, "here");
  assert.match(reason, /worker/);
  await leave(visited);
});

test("worker and own thread give one result, bit for bit", { skip }, async () => {
  const visited = await visit();
  for (const query of queries) {
    const [a, b] = await Promise.all(
      [true, false].map(async (worker) => {
        const { found } = await visited.page.evaluate(first, [query, { worker }]);
        found.timings_ms.total = 0;
        return found;
      }),
    );
    assert.deepEqual(a, b);
  }
  await leave(visited);
});

/** One that needs nothing but the core: none of its words is misspelt, none of its hits has foreign letters. */
const plain = LITTORAL_QUERIES ? queries[0] : "how ranking works";

test("what few searches run is loaded once, with the first of them", { skip }, async () => {
  for (const worker of [true, false]) {
    const visited = await visit();
    const { found } = await visited.page.evaluate(first, [plain, { worker }]);
    assert(found.hits.length > 0);
    const loads = () => visited.site.takeLog().filter(({ path }) => path === "/js/littoral-rest.wasm").length;
    assert.equal(loads(), 0);
    // Several at once: all of them are asked again of the engine that has what they lack.
    const all = await visited.page.evaluate((query) => {
      const options = [{ explain: true }, {}, { diversity: 0.5 }, { explain: true }];
      return Promise.all(options.map((each) => globalThis.index.search(query, { k: 10, ...each })));
    }, plain);
    assert.equal(loads(), 1);
    assert(all[0].hits[0].explain);
    assert.deepEqual(all[1].hits, found.hits);
    const phrase = await visited.page.evaluate((query) => globalThis.index.search(query), `"${found.hits[0].document.title}"`);
    assert.equal(phrase.mode, "hybrid");
    assert.equal(loads(), 0);
    await leave(visited);
  }
});

test("without a network, what is not loaded is an error, and the search goes on afterwards", { skip }, async () => {
  const visited = await visit();
  await visited.page.evaluate(first, [plain, {}]);
  const explained = (query) =>
    globalThis.index.search(query, { explain: true }).then(({ hits }) => hits.length, ({ code }) => code);
  visited.site.setDown(true);
  assert.match(String(await visited.page.evaluate(explained, plain)), /^(wasm-unavailable|internal)$/);
  visited.site.setDown(false);
  assert(await visited.page.evaluate(explained, plain) > 0);
  await leave(visited);
});

test("what few searches run is fetched ahead, and found without a network", { skip }, async () => {
  const visited = await visit();
  await visited.page.clock.install();
  await visited.page.evaluate(first, [plain, { worker: false }]);
  visited.site.takeLog();
  const fetched = visited.page.waitForResponse((answer) => answer.url().endsWith("/littoral-rest.wasm"));
  const script = visited.page.waitForResponse((answer) => answer.url().endsWith("/rest.js"));
  await visited.page.clock.runFor(10_000);
  for (const answer of [await fetched, await script]) await answer.finished();
  visited.site.setDown(true);
  const n = await visited.page.evaluate(
    (query) => globalThis.index.search(query, { explain: true }).then(({ hits }) => hits.length),
    plain,
  );
  assert(n > 0);
  await leave(visited);
});

test("blocked WebAssembly is an error that says so", { skip }, async () => {
  const visited = await visit("default-src 'self'; script-src 'self'");
  const code = await visited.page.evaluate(() =>
    globalThis.littoral.open("/littoral/").then(
      () => "opened",
      (error) => `${error.code}: ${error.message}`,
    ),
  );
  assert.match(code, /^wasm-blocked: .*wasm-unsafe-eval/);
  await leave(visited);
});

test("after a first search the index works without a network", { skip }, async () => {
  const visited = await visit();
  await visited.page.evaluate(first, [queries[0], {}]);
  visited.site.setDown(true);
  const again = await visited.page.evaluate(async (query) => {
    const index = await globalThis.littoral.open("/littoral/", { worker: false }).catch(() => null);
    return index && (await index.search(query)).hits.length;
  }, queries[0]);
  // The module for this thread was not loaded before, so it may be the one thing missing.
  const held = await visited.page.evaluate(
    async (query) => (await globalThis.index.search(query)).hits.length,
    queries[0],
  );
  assert(held > 0);
  assert(again === null || again > 0);
  await leave(visited);
});

test("an aborted search rejects at once, and a debounced one gives way", { skip }, async () => {
  const visited = await visit();
  const seen = await visited.page.evaluate(async (query) => {
    const index = await globalThis.littoral.open("/littoral/");
    const controller = new AbortController();
    const search = index.search(query, { signal: controller.signal });
    controller.abort(new Error("typed on"));
    const message = await search.then(() => "found", (error) => error.message);
    const [early, late] = await Promise.all([
      index.debouncedSearch("tide", {}, 20),
      index.debouncedSearch(query, {}, 20),
    ]);
    return { message, early, late: late.hits.length };
  }, queries[0]);
  assert.equal(seen.message, "typed on");
  assert.equal(seen.early, null);
  assert(seen.late > 0);
  await leave(visited);
});

test("Pagefind's interface answers in Pagefind's shape", { skip }, async () => {
  const visited = await visit(STRICT);
  const seen = await visited.page.evaluate(async (query) => {
    const pagefind = globalThis.pagefind;
    await pagefind.options({ bundlePath: "/littoral/", baseUrl: "/docs/" });
    await pagefind.init();
    const answer = await pagefind.search(query);
    const page = await answer.results[0].data();
    return { n: answer.unfilteredResultCount, filters: await pagefind.filters(), page };
  }, queries[0]);
  assert(seen.n > 0);
  assert.match(seen.page.url, /^(\/|[a-z]+:)/);
  assert.match(seen.page.excerpt, /<mark>/);
  assert.doesNotMatch(seen.page.plain_excerpt, /<mark>/);
  assert.equal(typeof seen.page.meta.title, "string");
  await leave(visited);
});

test("an index in another language is searched with the larger module", { skip: skip || LITTORAL_OTHER === undefined }, async () => {
  const visited = await visit(STRICT, { index: LITTORAL_OTHER });
  await visited.page.evaluate(first, ["a", {}]);
  const paths = visited.site.takeLog().map(({ path }) => path);
  assert(paths.includes("/js/littoral-languages.wasm"));
  await leave(visited);
});

test("an index that is replaced while it is open is opened again, once", { skip: skip || LITTORAL_OTHER === undefined }, async () => {
  let index = LITTORAL_INDEX;
  const visited = await visit(undefined, { index: () => index });
  await visited.page.evaluate(first, [queries[0], { cache: false }]);
  index = LITTORAL_OTHER;
  const codes = await visited.page.evaluate(async (queries) => {
    const codes = [];
    for (const query of queries) {
      const { notes } = await globalThis.index.search(query);
      codes.push(...notes.map(({ code }) => code));
    }
    return codes;
  }, queries.slice(1));
  assert.equal(codes.filter((code) => code === "index-reopened").length, 1);
  await leave(visited);
});

test("what a first query costs", { skip }, async () => {
  const totals = [];
  for (const query of queries) {
    const visited = await visit();
    const { found } = await visited.page.evaluate(first, [query, {}]);
    // The package and the index, without the page that asks.
    const others = ["/", "/page.js", "/icon.ico", "/js/pagefind.js"];
    const log = visited.site.takeLog().filter(({ path }) => !others.includes(path));
    const sum = (from) => log.filter(from).reduce((total, { bytes }) => total + bytes, 0);
    totals.push({
      js: sum(({ path }) => path.endsWith(".js")),
      wasm: sum(({ path }) => path.endsWith(".wasm")),
      index: sum(({ path }) => path.startsWith("/littoral/")),
      total: sum(() => true),
      ms: found.timings_ms.total,
    });
    await leave(visited);
  }
  const median = (field) => {
    const values = totals.map((each) => each[field]).sort((a, b) => a - b);
    return values[values.length >> 1];
  };
  const figures = ["js", "wasm", "index", "total"].map((field) => `${field} ${median(field)}`);
  console.log(`first query, bytes at the median of ${totals.length}: ${figures.join(", ")}`);
  assert(median("total") < 400_000);
});
