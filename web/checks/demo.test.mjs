// The page of `littoral demo` in a real Chromium, from the program's own server.
//
//   node --test web/checks/demo.test.mjs
//
// LITTORAL_PROGRAM    the program; default what cargo built last
// CHROMIUM            default /usr/bin/chromium
// SCREENSHOTS         a folder for pictures of every look

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { program } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip =
  (program === undefined && "there is no program") || (!existsSync(executablePath) && `there is no ${executablePath}`);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const { SCREENSHOTS } = process.env;

let browser;
let demo;
let origin;

before(async () => {
  if (skip) return;
  demo = spawn(program, ["demo", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const part of demo.stdout) {
    said += part;
    origin = /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0];
    if (origin !== undefined) break;
  }
  assert(origin, said);
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

after(async () => {
  await browser?.close();
  demo?.kill("SIGKILL");
});

/** The playground in a fresh profile; what its policy or its scripts complain about is kept. */
async function visit(context = {}) {
  const visitor = await browser.newContext(context);
  const tab = await visitor.newPage();
  const complaints = [];
  tab.on("pageerror", (error) => complaints.push(error.message));
  tab.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  tab.on("response", (response) => response.status() >= 400 && complaints.push(`${response.status()} ${response.url()}`));
  await tab.goto(origin);
  await tab.waitForFunction("customElements.get('littoral-search')");
  return { visitor, tab, complaints };
}

async function ask(tab, query) {
  await tab.getByRole("combobox").fill(query);
  await tab.waitForFunction((query) => document.querySelector("littoral-search").result?.query === query, query);
  await tab.locator("#hits > li").first().waitFor();
}

test("the playground shows hits, why they are in this order, and what they cost", { skip }, async () => {
  const { visitor, tab, complaints } = await visit();
  await ask(tab, "how do I update an index");
  assert((await tab.getByRole("option").count()) >= 3);
  assert((await tab.locator("#hits > li").count()) >= 3);
  const bytes = async (row, column) => {
    const text = await tab.locator(`#fetched tbody tr:nth-child(${row}) td:nth-of-type(${column})`).textContent();
    return Number(text.replace(/[^\d.]/g, ""));
  };
  assert((await bytes(1, 3)) > 5, "the index was fetched");
  const engine = await bytes(2, 3);
  assert(engine > 100 && engine < 200, `the engine came compressed: ${engine} kB`);
  assert.match(await tab.locator("#cold").textContent(), /would fetch \d.* round trips/);
  await tab.locator("#hits summary").first().click();
  assert((await tab.locator("#hits .tree li").count()) > 1);
  assert.match(await tab.locator("#about").textContent(), /^\d+ pages .* index of \d+ files/);
  await ask(tab, "languages");
  assert.equal(await bytes(2, 1), 0, "the engine is fetched once");
  assert.deepEqual(complaints, []);
  await visitor.close();
});

test("every example finds something, and a hit leads to its place in the documentation", { skip }, async () => {
  const { visitor, tab, complaints } = await visit();
  const examples = tab.locator("#queries button");
  await examples.first().waitFor();
  assert.equal(await examples.count(), 4);
  for (let i = 0; i < 4; i += 1) {
    const query = await examples.nth(i).textContent();
    await examples.nth(i).click();
    await tab.waitForFunction((query) => document.querySelector("littoral-search").result?.query === query, query);
    assert((await tab.getByRole("option").count()) > 0, query);
  }
  await ask(tab, "what a tombstone is");
  const option = tab.getByRole("option").first();
  const href = await option.getAttribute("href");
  await option.click();
  await tab.waitForURL((url) => url.pathname.endsWith(".md"));
  const { hash, pathname } = new URL(href);
  assert.equal(new URL(tab.url()).pathname, pathname);
  const anchor = decodeURIComponent(hash.slice(1).split(":~:")[0]);
  assert(anchor === "" || (await tab.locator(`[id="${anchor}"]`).count()) === 1, href);
  assert.deepEqual(complaints, []);
  await visitor.close();
});

test("another site's name is refused, and the policy is strict", { skip }, async () => {
  const { visitor, tab } = await visit();
  const blocked = await tab.evaluate(() => {
    try {
      document.body.innerHTML = "<b>x</b>";
      return "written";
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(blocked, "TypeError");
  await visitor.close();
});

const LOOKS = [
  { name: "light", context: { viewport: { width: 1280, height: 900 } } },
  { name: "dark", context: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" } },
  { name: "mobile", context: { viewport: { width: 390, height: 844 } } },
  { name: "rtl", context: { viewport: { width: 1280, height: 900 } } },
];

for (const { name, context } of LOOKS) {
  test(`the playground is accessible and fits its window (${name})`, { skip }, async () => {
    const { visitor, tab } = await visit({ ...context, bypassCSP: true });
    if (name === "rtl") {
      await tab.evaluate(() => Object.assign(document.documentElement, { dir: "rtl", lang: "ar" }));
    }
    await ask(tab, "how do I update an index");
    await tab.locator("#hits summary").first().click();
    assert(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
    const check = async (what) => {
      if (SCREENSHOTS) await tab.screenshot({ path: join(SCREENSHOTS, `${what}-${name}.png`), fullPage: true });
      await tab.evaluate(axe);
      const { violations } = await tab.evaluate(() => globalThis.axe.run());
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`);
      assert.deepEqual(told, [], what);
    };
    await check("playground");
    await tab.goto(`${origin}updating.md`);
    await check("document");
    await visitor.close();
  });
}

test("an interrupt ends the program cleanly", { skip }, async () => {
  demo.kill("SIGINT");
  const [code, signal] = await once(demo, "exit");
  assert.deepEqual([code, signal], [0, null]);
});
