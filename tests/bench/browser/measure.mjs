// One engine in a real Chromium: bytes of first and later queries, typing, memory, ranking.

import { readFileSync } from "node:fs";

import { chromium } from "playwright-core";

import { serve } from "../lib/static-server.mjs";

const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  // What the heaps of a page and its workers hold, at once; and no process in reserve.
  "--enable-blink-features=ForceEagerMeasureMemory",
  "--disable-features=SpareRendererForSitePerProcess",
];
/** What lets a page ask for its memory. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** A browser and a server with what every engine needs. */
export async function start({ executablePath, mounts, pages }) {
  const server = await serve(mounts, pages, ISOLATED);
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  return {
    server,
    browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Processes of pages, and the memory that is each one's own; `undefined` where the system does not
 * say. */
async function renderers(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const memory = new Map();
  for (const { id } of processInfo.filter(({ type }) => type === "renderer")) {
    try {
      const lines = readFileSync(`/proc/${id}/smaps_rollup`, "utf8").matchAll(/^Private_\w+: +(\d+) kB$/gm);
      memory.set(id, [...lines].reduce((sum, [, kb]) => sum + Number(kb) * 1024, 0));
    } catch {
      return undefined;
    }
  }
  return memory;
}

/** Memory of the largest process that came since `before`. */
async function own(browser, before) {
  const now = before && (await renderers(browser));
  return now && Math.max(0, ...[...now].filter(([id]) => !before.has(id)).map(([, bytes]) => bytes));
}

/** Bytes and requests by kind of what was sent since the last call. */
function takeCost(server, { kindOf }) {
  const cost = { bytes: 0, requests: 0, kinds: {} };
  for (const { path, bytes } of server.takeLog()) {
    const kind = kindOf(path);
    if (kind === undefined) continue;
    cost.bytes += bytes;
    cost.requests += 1;
    cost.kinds[kind] = (cost.kinds[kind] ?? 0) + bytes;
  }
  return cost;
}

/** A page of the engine in a fresh profile, without what its page itself has fetched. */
async function visit({ browser, server }, engine) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw new Error(`${engine.name}: ${error.message}`);
  });
  await page.goto(server.origin + engine.page);
  await page.waitForFunction("globalThis.bench");
  return { context, page };
}

/** A query in a fresh profile, then `later` in the same page: the cost of each. */
export async function visits(running, engine, query, later) {
  const { server } = running;
  // What the page fetches before it is asked: nothing of an engine but the box's script.
  server.takeLog();
  const { context, page } = await visit(running, engine);
  const { ids, ms, notes } = await page.evaluate((query) => globalThis.bench.first(query), query.text);
  const first = { id: query.id, ids, ms, notes, ...takeCost(server, engine) };
  const others = [];
  for (const next of later) {
    const { ids, ms } = await page.evaluate((query) => globalThis.bench.search(query), next.text);
    others.push({ id: next.id, ids, ms, ...takeCost(server, engine) });
  }
  await context.close();
  return { first, later: others };
}

/** Rankings of all queries on one warm page. */
export async function rank(running, engine, queries, mode) {
  const { context, page } = await visit(running, engine);
  await page.evaluate((query) => globalThis.bench.first(query), queries[0].text);
  const rankings = new Map();
  for (const { id, text } of queries) {
    const { ids } = await page.evaluate(([text, mode]) => globalThis.bench.search(text, mode), [text, mode]);
    rankings.set(id, ids);
  }
  await context.close();
  running.server.takeLog();
  return rankings;
}

/** Queries typed letter by letter, each once to have its files and once measured; then the page's
 * memory, after a first search and typing. */
export async function type(running, engine, queries) {
  const { browser, server } = running;
  // What a page without any engine takes.
  const first = await renderers(browser);
  const empty = await browser.newContext();
  await (await empty.newPage()).goto(`${server.origin}/blank.html`);
  const blank = await own(browser, first);
  await empty.close();
  const before = await renderers(browser);
  const { context, page } = await visit(running, engine);
  const texts = queries.map(({ text }) => text);
  await page.evaluate((query) => globalThis.bench.ready(query), texts[0]);
  const cold = await page.evaluate((texts) => globalThis.bench.type(texts), texts);
  const warm = await page.evaluate((texts) => globalThis.bench.type(texts), texts);
  const memory = await page.evaluate(async () => {
    const { bytes } = await performance.measureUserAgentSpecificMemory();
    return { heap_bytes: bytes };
  });
  const taken = await own(browser, before);
  if (taken !== undefined && blank !== undefined) memory.process_bytes = taken - blank;
  await context.close();
  running.server.takeLog();
  return { cold, warm, memory };
}
