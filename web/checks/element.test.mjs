// The elements in a real Chromium, used as a person uses them.
//
//   node --test web/checks/element.test.mjs
//
// LITTORAL_PROGRAM    the program that builds the indexes; default what cargo built last
// CHROMIUM            default /usr/bin/chromium
// SCREENSHOTS         a folder for pictures of every look

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { AXE_POLICY, coast, CSS, indexOf, LOOKS, page, program, STRICT, violations } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip =
  (program === undefined && "there is no program to build an index with") ||
  (!existsSync(executablePath) && `there is no ${executablePath}`);
const pkg = fileURLToPath(new URL("../pkg/", import.meta.url));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const TEXT = "<main><h1>The coast</h1><p>What a reader came for.</p></main>";

let browser;
let index;

before(async () => {
  if (skip) return;
  index = indexOf(coast());
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

after(() => browser?.close());

/** What a test that failed has left open. */
const visits = new Set();

afterEach(() => Promise.all([...visits].map((leave) => leave())));

/** A page with `body`, in a fresh profile; violations of its policy and errors are kept. */
async function visit(body, { policy = STRICT, from = index, context = {}, ...looks } = {}) {
  const site = await serve({
    mounts: { "/littoral/": from, "/js/": pkg },
    pages: {
      ...Object.fromEntries(coast().map(({ url, title }) => [url, page(`<main><h1>${title}</h1></main>`)])),
      "/": page(body, looks),
      "/page.css": CSS,
      "/icon.ico": "",
      "/guide/tides.html": page(`<main><h1>Tides</h1>${"<p>Sand.</p>".repeat(80)}<p>A spring tide comes.</p></main>`),
    },
    headers: { "content-security-policy": policy },
  });
  const visitor = await browser.newContext(context);
  const tab = await visitor.newPage();
  const complaints = [];
  tab.on("pageerror", (error) => complaints.push(error.message));
  tab.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  tab.on("console", (message) => {
    if (/Content Security Policy|Trusted|violates/.test(message.text())) complaints.push(message.text());
  });
  await tab.goto(site.origin);
  await tab.waitForFunction("customElements.get('littoral-modal')");
  const box = tab.getByRole("combobox");
  const leave = async () => {
    visits.delete(leave);
    await visitor.close();
    site.close();
  };
  visits.add(leave);
  return { site, tab, box, complaints, leave, options: tab.getByRole("option") };
}

const SEARCH = `<littoral-search worker=off></littoral-search>${TEXT}`;
const MODAL = `<header><littoral-modal worker=off></littoral-modal></header>${TEXT}`;
const active = (box) => box.getAttribute("aria-activedescendant");
const shown = (tab) => tab.waitForFunction(() => document.querySelector("littoral-search").result?.hits.length > 0);

test("typing shows results, arrows go through them and around, Enter follows one", { skip }, async () => {
  const { tab, box, options, complaints, leave } = await visit(SEARCH);
  assert.equal(await box.getAttribute("aria-expanded"), "false");
  await box.pressSequentially("spring tid");
  await options.first().waitFor();
  assert.equal(await box.getAttribute("aria-expanded"), "true");
  const n = await options.count();
  assert(n >= 5);
  assert((await tab.locator("mark").count()) > 0, "the query's words are marked");
  assert.equal(await active(box), null);
  await box.press("ArrowDown");
  assert.equal(await active(box), "o0");
  assert.equal(await options.first().getAttribute("aria-selected"), "true");
  await box.press("ArrowUp");
  assert.equal(await active(box), null, "above the first option lies the box");
  await box.press("ArrowUp");
  assert.equal(await active(box), `o${n - 1}`);
  for (let i = 0; i < 3; i += 1) await box.press("ArrowDown");
  const href = await options.nth(1).getAttribute("href");
  assert.equal(await active(box), "o1");
  await Promise.all([tab.waitForURL(/\.html/), box.press("Enter")]);
  assert.equal(new URL(tab.url()).pathname, new URL(href).pathname);
  assert.deepEqual(complaints, []);
  await leave();
});

test("Escape closes the list, then empties the box", { skip }, async () => {
  const { box, options, leave } = await visit(SEARCH);
  await box.pressSequentially("tides");
  await options.first().waitFor();
  await box.press("Escape");
  assert.equal(await options.first().isVisible(), false);
  assert.equal(await box.inputValue(), "tides");
  assert.equal(await box.getAttribute("aria-expanded"), "false");
  await box.press("Escape");
  assert.equal(await box.inputValue(), "");
  await leave();
});

test("the dialog opens by mod+K, slash and button, keeps the focus, and gives it back", { skip }, async () => {
  const { tab, box, options, complaints, leave } = await visit(`${MODAL}<input id=other>`);
  await tab.locator("#other").press("/");
  assert.equal(await tab.locator("#other").inputValue(), "/", "a slash in a field is a slash");
  await tab.locator("#other").blur();
  await tab.keyboard.press("/");
  await box.waitFor();
  assert.equal(await box.inputValue(), "");
  await tab.keyboard.press("Escape");
  assert.equal(await box.isVisible(), false);
  await tab.locator("#other").focus();
  await tab.keyboard.press("Control+k");
  await tab.keyboard.type("moorings");
  await options.first().waitFor();
  await tab.keyboard.press("Control+k");
  assert.equal(await box.isVisible(), false);
  assert.equal(await tab.evaluate(() => document.activeElement.id), "other");
  await tab.getByRole("button", { name: "Search" }).click();
  await box.waitFor();
  await tab.mouse.click(5, 5);
  assert.equal(await box.isVisible(), false, "a click beside the dialog closes it");
  assert.deepEqual(complaints, []);
  await leave();
});

test("filters narrow the results, count what they would give, and are reached by keys", { skip }, async () => {
  const { tab, box, leave } = await visit(SEARCH);
  await box.pressSequentially("spring tide");
  const chip = (name) => tab.getByRole("button", { name, exact: true });
  await chip("guide 8").click();
  await tab.waitForFunction(() => document.querySelector("littoral-search").result.n_found === 8);
  assert.equal(await chip("guide 8").getAttribute("aria-pressed"), "true");
  assert.equal(await chip("blog 8").isVisible(), true, "the other values still say what they would give");
  assert.equal(await tab.evaluate(() => document.activeElement.shadowRoot.activeElement.dataset.id), "section\nguide");
  await chip("expert 4").press("Enter");
  await tab.waitForFunction(() => document.querySelector("littoral-search").result.n_found === 4);
  await chip("blog 4").press(" ");
  await tab.waitForFunction(() => document.querySelector("littoral-search").result.n_found === 8);
  await leave();
});

test("a hit leads to its place in the page, by a text fragment", { skip }, async () => {
  const { tab, box, options, leave } = await visit(SEARCH);
  await box.pressSequentially("tides guide");
  await options.first().waitFor();
  const hrefs = await options.evaluateAll((all) => all.map((each) => each.href));
  assert(hrefs.every((href) => /#:~:text=[^#]+$/.test(href)), hrefs[0]);
  // The browser takes the fragment away once it has scrolled there.
  const precise = `${new URL(tab.url()).origin}/guide/tides.html#:~:text=spring%20tide%20comes`;
  await options.first().evaluate((option, href) => option.setAttribute("href", href), precise);
  await Promise.all([tab.waitForURL(/tides/), box.press("Enter")]);
  await tab.waitForFunction(() => scrollY > 200);
  await leave();
});

test("a text fragment keeps to one block, since browsers find no words across two", { skip }, async () => {
  const text = "High water comes later each day.\n\nCrossing the bar\n\nCross it on the flood.\n\nLet go the bow line, then the stern.";
  const from = indexOf([{ _id: "bar", url: "/bar.html", title: "Tides", text }]);
  const { box, options, leave } = await visit(SEARCH, { from });
  for (const [query, words] of [["crossing the bar", "Crossing the bar"], ["line", "Let go the bow line"]]) {
    await box.fill(query);
    const href = `/bar.html#:~:text=${encodeURIComponent(words)}`;
    await options.and(box.page().locator(`[href$="${href}"]`)).first().waitFor();
  }
  await leave();
});

test("letters that are typed are no shortcuts of the page", { skip }, async () => {
  const { tab, box, options, leave } = await visit(MODAL);
  await tab.evaluate(() => {
    globalThis.heard = [];
    addEventListener("keydown", ({ key }) => heard.push(key));
  });
  await tab.keyboard.press("Control+k");
  await box.pressSequentially("spring");
  await options.first().waitFor();
  await box.press("Escape");
  assert.deepEqual(await tab.evaluate(() => heard), ["Control", "k", "Escape"]);
  await leave();
});

test("a word that no page has is corrected, and the correction can be taken over", { skip }, async () => {
  const { tab, box, leave } = await visit(SEARCH);
  await box.pressSequentially("moornigs spring");
  await tab.getByRole("button", { name: "moorings spring" }).click();
  assert.equal(await box.inputValue(), "moorings spring");
  await leave();
});

test("searches that led somewhere are offered again, and forgotten when asked", { skip }, async () => {
  const { tab, box, options, leave } = await visit(SEARCH);
  await box.pressSequentially("weather");
  await shown(tab);
  await Promise.all([tab.waitForURL(/\.html/), box.press("Enter")]);
  await tab.goBack();
  await tab.waitForFunction("customElements.get('littoral-modal')");
  await box.fill("");
  await box.focus();
  assert.equal(await options.first().textContent(), "weather");
  await box.press("ArrowDown");
  await box.press("Enter");
  assert.equal(await box.inputValue(), "weather");
  await shown(tab);
  await box.fill("");
  await tab.getByRole("button", { name: "Forget them" }).click();
  assert.equal(await options.count(), 0);
  await leave();
});

test("a button and a box have names before their language is loaded", { skip }, async () => {
  const { tab, complaints, leave } = await visit(`${SEARCH}${MODAL}`, { lang: "ar", dir: "rtl" });
  // Made and asked in one breath, so nothing was loaded between.
  const [button, box] = await tab.evaluate(() => {
    const [modal, search] = ["littoral-modal", "littoral-search"].map((name) => document.createElement(name));
    document.body.append(modal, search);
    return [
      modal.shadowRoot.querySelector("button").textContent,
      search.shadowRoot.querySelector("input").getAttribute("aria-label"),
    ];
  });
  assert.match(button, /^Search/);
  assert.equal(box, "Search");
  await tab.getByRole("button", { name: "بحث" }).first().waitFor();
  assert.deepEqual(complaints, []);
  await leave();
});

test("what is found is told to those who listen, and so is nothing", { skip }, async () => {
  const { tab, box, leave } = await visit(SEARCH);
  const heard = (pattern) =>
    tab.waitForFunction(
      (source) => new RegExp(source).test(document.querySelector("littoral-search").shadowRoot.querySelector("[role=status]").textContent),
      pattern,
    );
  await box.pressSequentially("spring tide");
  await heard("^24 results");
  await box.fill("xylophone");
  await heard("Nothing found for “xylophone”");
  await leave();
});

test("blocked WebAssembly is said, not hidden", { skip }, async () => {
  const policy = STRICT.replace("'wasm-unsafe-eval'", "");
  const { tab, box, leave } = await visit(SEARCH, { policy });
  await box.pressSequentially("tides");
  await tab.getByText("This page forbids WebAssembly").first().waitFor();
  assert.equal(await tab.getByRole("option").count(), 0);
  await leave();
});

test("without a network what was read is found, the rest is said to be out of reach, and comes back", { skip }, async () => {
  const { site, tab, box, options, leave } = await visit(SEARCH);
  await box.pressSequentially("tides");
  await options.first().waitFor();
  await box.fill("");
  await tab.context().setOffline(true);
  site.setDown(true);
  await box.pressSequentially("tides");
  await options.first().waitFor();
  await tab.getByText("only what was read before").first().waitFor();
  await leave();

  const other = await visit(SEARCH);
  await other.tab.context().setOffline(true);
  await other.box.pressSequentially("tides");
  await other.tab.getByText("You are offline, and").first().waitFor();
  await other.tab.context().setOffline(false);
  await other.options.first().waitFor();
  await other.leave();
});

test("on a slow network the box says that it searches, and shows the last query's results", { skip }, async () => {
  const { site, tab, box, options, leave } = await visit(SEARCH);
  site.setDelay(300);
  await box.pressSequentially("spring", { delay: 40 });
  await tab.getByText("Searching…").first().waitFor();
  await options.first().waitFor();
  await box.pressSequentially(" charts", { delay: 40 });
  await tab.waitForFunction(() => document.querySelector("littoral-search").result?.query === "spring charts");
  assert.match(await options.first().textContent(), /^Charts/);
  const paths = site.takeLog().map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length, "nothing is fetched twice");
  await leave();
});

test("a site that is deployed anew while its page is open answers from the new index", { skip }, async () => {
  let from = index;
  const { tab, box, leave } = await visit(SEARCH, { from: () => from });
  await box.pressSequentially("tides");
  await shown(tab);
  from = indexOf(coast().map((record) => ({ ...record, text: `${record.text} Kelp grows here.` })));
  await box.fill("kelp grows");
  await tab.waitForFunction(() => document.querySelector("littoral-search").result?.notes.some(({ code }) => code === "index-reopened"));
  await tab.getByText("The site was updated; these results are new.").first().waitFor();
  assert((await tab.getByRole("option").count()) > 0);
  await leave();
});

test("a page of its own says what a hit shows, by a template or a function, without HTML", { skip }, async () => {
  const template =
    "<template><b data-field=title></b><i data-field=meta:author></i><span data-field=excerpt></span></template>";
  const { tab, box, options, complaints, leave } = await visit(SEARCH.replace("></littoral", `>${template}</littoral`));
  await box.pressSequentially("tides guide");
  await options.first().waitFor();
  assert.equal(await options.first().locator("i").textContent(), "Ines");
  assert((await options.first().locator("mark").count()) > 0);
  await tab.evaluate(() => {
    const search = document.querySelector("littoral-search");
    search.renderHit = (hit) => document.createTextNode(`<b>${hit.document.title}</b>`);
    search.value = "moorings";
  });
  await tab.waitForFunction(() => document.querySelector("littoral-search").result?.query === "moorings");
  assert.match(await options.first().textContent(), /^<b>Moorings/);
  assert.deepEqual(complaints, []);
  await leave();
});

test("in a worker, where the policy lets there be one, results are the same", { skip }, async () => {
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  const { site, box, options, complaints, leave } = await visit(SEARCH.replace(" worker=off", ""), { policy });
  await box.pressSequentially("spring tide");
  await options.first().waitFor();
  assert(site.takeLog().some(({ path }) => path === "/js/worker.js"));
  assert.deepEqual(complaints, []);
  await leave();
});

for (const [name, { theme = "light", ...looks }] of Object.entries(LOOKS)) {
  test(`axe finds nothing to mend: ${name}`, { skip }, async () => {
    for (const body of [SEARCH, MODAL]) {
      const { tab, box, options, leave } = await visit(body.replace(" worker", ` theme=${theme} worker`), { policy: AXE_POLICY, ...looks });
      const clean = async (state) => assert.deepEqual(await violations(tab), [], state);
      await clean("closed");
      if (body === MODAL) await tab.keyboard.press("Control+k");
      await box.pressSequentially("spring tide");
      await options.first().waitFor();
      await box.press("ArrowDown");
      await clean("results");
      if (process.env.SCREENSHOTS) {
        const path = join(process.env.SCREENSHOTS, `${name.replaceAll(" ", "-")}-${body === MODAL ? "modal" : "search"}.png`);
        await tab.screenshot({ path });
      }
      await box.fill("xylophone");
      await tab.locator(".lead").waitFor();
      await clean("nothing found");
      await leave();
    }
  });
}
