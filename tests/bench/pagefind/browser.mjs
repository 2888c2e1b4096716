// Pagefind in a real browser: what a cold query fetches, and what it finds.

import { chromium } from "playwright-core";

import { serve } from "../lib/static-server.mjs";
import { kindOf } from "./build.mjs";

const MOUNT = "/pagefind/";
const PAGE = "<!doctype html><html lang=en><title>search</title><link rel=icon href=data:,>";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];

/** Delay that tells rounds apart: far above what the browser itself takes between two requests. */
const ROUND_MS = 100;

/** Serves an index and opens a browser. */
export async function openPagefind(index, executablePath) {
  const server = await serve({ [MOUNT]: index }, { "/": PAGE });
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  return { server, browser };
}

export async function closePagefind({ server, browser }) {
  await browser.close();
  await server.close();
}

/**
 * One query on a fresh page with an empty cache, with the first ten results' fragments:
 * { ids, ms, requests, bytes, kinds }, `kinds` splitting requests and bytes by kind of file.
 */
export async function coldQuery({ server, browser }, query) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.origin);
  server.takeLog();
  const { urls, ms } = await page.evaluate(search, [query, MOUNT]);
  const kinds = {};
  for (const { path, bytes } of server.takeLog()) {
    const kind = kindOf(path.slice(MOUNT.length));
    kinds[kind] ??= { requests: 0, bytes: 0 };
    kinds[kind].requests += 1;
    kinds[kind].bytes += bytes;
  }
  await context.close();
  const total = (field) => Object.values(kinds).reduce((sum, kind) => sum + kind[field], 0);
  return { ids: urls.map(pageOf), ms, requests: total("requests"), bytes: total("bytes"), kinds };
}

/** Rounds of requests of a cold query: the longest chain in which each begins after another ended. */
export async function coldRounds({ server, browser }, query) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.origin);
  server.takeLog();
  server.setDelay(ROUND_MS);
  const requests = new Map();
  page.on("request", (request) => requests.set(request, { start: performance.now() }));
  page.on("requestfinished", (request) => {
    const seen = requests.get(request);
    if (seen !== undefined) {
      seen.end = performance.now();
    }
  });
  await page.evaluate(search, [query, MOUNT]);
  server.setDelay(0);
  await context.close();
  const answered = server.takeLog().length;
  const chain = [...requests.values()].filter(({ end }) => end !== undefined);
  chain.sort((a, b) => a.start - b.start);
  for (const request of chain) {
    const before = chain.filter((other) => other.end <= request.start);
    request.round = 1 + Math.max(0, ...before.map(({ round }) => round));
  }
  return { rounds: Math.max(0, ...chain.map(({ round }) => round)), seen: chain.length, answered };
}

/** Ids of the first ten results of each query, on one warm page. */
export async function warmQueries({ server, browser }, queries) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.origin);
  const rankings = [];
  for (const query of queries) {
    const { urls } = await page.evaluate(search, [query, MOUNT]);
    rankings.push(urls.map(pageOf));
  }
  await context.close();
  server.takeLog();
  return rankings;
}

/** Runs inside the page. */
async function search([query, mount]) {
  const started = performance.now();
  const pagefind = await import(`${mount}pagefind.js`);
  const { results } = await pagefind.search(query);
  const shown = await Promise.all(results.slice(0, 10).map((result) => result.data()));
  return { urls: shown.map(({ raw_url, url }) => raw_url ?? url), ms: performance.now() - started };
}

/** `/files/…/` → `files/…/index.md`, the id the judgements use. */
function pageOf(url) {
  const path = decodeURIComponent(url.replace(/^\//, "").replace(/[?#].*$/, ""));
  return `${path.replace(/(^|\/)(index\.html)?$/, "$1")}index.md`;
}
