// A site as it is published: under a path, with the policy, the headers and the service worker that the
// documentation names.
//
//   node --test web/checks/publish.test.mjs
//
// LITTORAL_PROGRAM    the program; default what cargo built last
// LITTORAL_WEB        the package; default web/pkg
// CHROMIUM            default /usr/bin/chromium

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { program } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip =
  (program === undefined && "there is no program") || (!existsSync(executablePath) && `there is no ${executablePath}`);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const env = { LITTORAL_WEB: fileURLToPath(new URL("../pkg", import.meta.url)), ...process.env };

const told = readFileSync(new URL("../../indexes/docs/21-publishing.md", import.meta.url), "utf8");
const block = (language, start) => {
  const blocks = [...told.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text]) => text.trim());
  return blocks.find((text) => text.startsWith(start)) ?? assert.fail(`no block that starts with ${start}`);
};
const POLICY = block("text", "default-src");
const WORKER = block("js", "// sw.js");

const page = (title, text) =>
  `<!doctype html><html lang=en><meta charset=utf-8><title>${title}</title>` +
  `<script type=module src=/handbook/littoral/element.js></script><script type=module src=/handbook/page.js></script>` +
  `<nav><a href=/handbook/>Handbook</a></nav><littoral-modal src=/handbook/littoral/></littoral-modal>` +
  `<main><h1>${title}</h1>${text}</main></html>`;

const sand = "<p>Sand.</p>".repeat(80);
let browser;
let folder;
let site;

const build = () =>
  execFileSync(program, ["build", folder, "--embedder", "none", "--base-url", "/handbook/"], { env, encoding: "utf8" });

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "littoral-publish-"));
  mkdirSync(join(folder, "tides"));
  writeFileSync(join(folder, "index.html"), page("Handbook", "<p>For visiting boats.</p>"));
  const bar = `${sand}<h2 id=bar>Crossing the bar</h2><p>Cross the bar on the flood.</p>${sand}`;
  writeFileSync(join(folder, "tides/index.html"), page("Tides", bar));
  writeFileSync(join(folder, "page.js"), 'navigator.serviceWorker.register("/handbook/sw.js");');
  writeFileSync(join(folder, "sw.js"), WORKER);
  assert.match(build(), /src="\/handbook\/littoral\/element.js"/);
  site = await serve({ mounts: { "/handbook/": folder }, headers: { "content-security-policy": POLICY } });
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** A fresh visitor at the front page, with what the browser complains about. */
async function visit() {
  const visitor = await browser.newContext();
  const tab = await visitor.newPage();
  const complaints = [];
  tab.on("pageerror", (error) => complaints.push(error.message));
  tab.on("console", (message) => /Security Policy|Trusted/.test(message.text()) && complaints.push(message.text()));
  await tab.goto(`${site.origin}/handbook/`);
  await tab.waitForFunction("customElements.get('littoral-modal')");
  const search = async (query) => {
    await tab.keyboard.press("Control+k");
    await tab.getByRole("combobox").fill(query);
    await tab.getByRole("option").first().waitFor();
    return tab.getByRole("option").evaluateAll((all) => all.map((each) => each.getAttribute("href")));
  };
  return { visitor, tab, complaints, search };
}

test("under a path and the policy that is told, a hit leads to its place", { skip }, async () => {
  const { visitor, tab, complaints, search } = await visit();
  const [href] = await search("crossing the bar");
  assert.match(href, /\/handbook\/tides\/#bar:~:text=Crossing%20the%20bar$/);
  assert.equal(tab.workers().length, 1);
  await tab.keyboard.press("Enter");
  await tab.waitForURL(/\/handbook\/tides\//);
  await tab.waitForFunction(() => scrollY > 200);
  assert.deepEqual(complaints, []);
  await visitor.close();
});

test("the service worker that is told keeps a site searchable without a network, and new once there is one", { skip }, async () => {
  const { visitor, tab, search } = await visit();
  await tab.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await tab.reload();
  await search("crossing");
  site.setDown(true);
  await tab.reload();
  const [href] = await search("crossing");
  assert.match(href, /\/handbook\/tides\//);
  site.setDown(false);
  writeFileSync(join(folder, "index.html"), page("Handbook", "<p>For visiting boats and dinghies.</p>"));
  build();
  await tab.reload();
  const [found] = await search("dinghies");
  assert.match(found, /\/handbook\/(#|$)/);
  await visitor.close();
});
