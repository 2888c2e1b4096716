// A bundle in a real Chromium, under the address of a folder of a static host.
//
//   node --test web/checks/bundle.test.mjs
//
// LITTORAL_PROGRAM    the program; default what cargo built last
// CHROMIUM            default /usr/bin/chromium
// SCREENSHOTS         a folder for pictures of every look

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { coast, indexOf, program } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip =
  (program === undefined && "there is no program") || (!existsSync(executablePath) && `there is no ${executablePath}`);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const { SCREENSHOTS } = process.env;

let browser;
let site;

before(async () => {
  if (skip) return;
  const out = join(mkdtempSync(join(tmpdir(), "littoral-bundle-")), "out");
  execFileSync(program, ["bundle", indexOf(coast()), "-o", out, "--target", "browser"], { stdio: "ignore" });
  site = await serve({ mounts: { "/some/where/": out } });
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

after(async () => {
  await browser?.close();
  site?.close();
});

const LOOKS = [
  { name: "light", context: { viewport: { width: 1280, height: 900 } } },
  { name: "dark", context: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" } },
  { name: "mobile", context: { viewport: { width: 390, height: 844 } } },
  { name: "rtl", context: { viewport: { width: 1280, height: 900 } } },
];

for (const { name, context } of LOOKS) {
  test(`a bundle searches under any address, in a worker, under its own policy (${name})`, { skip }, async () => {
    const visitor = await browser.newContext(context);
    const tab = await visitor.newPage();
    const complaints = [];
    tab.on("pageerror", (error) => complaints.push(error.message));
    tab.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    site.takeLog();
    await tab.goto(`${site.origin}/some/where/index.html`);
    if (name === "rtl") {
      await tab.evaluate(() => Object.assign(document.documentElement, { dir: "rtl", lang: "ar" }));
    }
    await tab.getByRole("combobox").fill("spring tide");
    await tab.getByRole("option").first().waitFor();
    assert.equal(tab.workers().length, 1);
    const log = site.takeLog();
    assert(log.every(({ path, bytes }) => path.startsWith("/some/where/") && bytes > 0), JSON.stringify(log));
    assert.deepEqual(complaints, []);
    assert(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
    if (SCREENSHOTS) await tab.screenshot({ path: join(SCREENSHOTS, `bundle-${name}.png`) });
    // As a debugger does: the page's policy forbids scripts from elsewhere.
    const checker = await (await tab.context().newCDPSession(tab)).send("Runtime.evaluate", { expression: axe });
    assert.equal(checker.exceptionDetails, undefined);
    const { violations } = await tab.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
    await visitor.close();
  });
}
