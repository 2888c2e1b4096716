// Indexes that a page makes of its own documents, in a real Chromium: kept, encrypted, and whole after
// every crash.
//
//   node --test web/checks/notes.test.mjs
//
// CHROMIUM    default /usr/bin/chromium

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { STRICT } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const pkg = fileURLToPath(new URL("../pkg/", import.meta.url));
const skip =
  (!existsSync(executablePath) && `there is no ${executablePath}`) ||
  (!existsSync(`${pkg}littoral-writer.wasm`) && "the package is not built");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const PAGE =
  "<!doctype html><html lang=en><title>notes</title><link rel=icon href=/icon.ico><script type=module src=/page.js></script>";
/** What the pages of these tests run: a storage that ends as a crash does, and one in memory. */
const SCRIPT = `
import * as littoral from "/js/index.js";

/** Files in memory. After \`left\` writes and removals it is as a process that was killed: nothing
 * happens any more, and of the last write a part is there. */
class Memory {
  constructor(files = new Map(), left = Infinity, share = 0) {
    Object.assign(this, { files, left, share });
  }
  #lives() {
    this.left -= 1;
    return this.left >= 0;
  }
  async list() { return [...this.files.keys()]; }
  async read(name) {
    if (!this.files.has(name)) throw new Error("not there");
    return this.files.get(name).slice();
  }
  async write(name, bytes) {
    const lives = this.#lives();
    if (lives) this.files.set(name, bytes.slice());
    else if (this.left === -1 && this.share > 0) this.files.set(name, bytes.slice(0, bytes.length * this.share));
    if (!lives) throw new Error("killed");
  }
  async remove(name) {
    if (!this.#lives()) throw new Error("killed");
    this.files.delete(name);
  }
}
const keyOf = (seed) => crypto.subtle.importKey("raw", new Uint8Array(32).fill(seed), "AES-GCM", false, ["encrypt", "decrypt"]);
const ids = async (notes, query) => (await notes.search(query, { k: 100 })).hits.map(({ document }) => document.id).sort();
const codeOf = (promise) => promise.then(() => "done", ({ code }) => code);
Object.assign(globalThis, { littoral, Memory, keyOf, ids, codeOf });
`;

let browser;
let site;

before(async () => {
  if (skip) return;
  site = await serve({
    mounts: { "/js/": pkg },
    pages: { "/": PAGE, "/page.js": SCRIPT, "/icon.ico": "" },
    headers: { "content-security-policy": STRICT },
  });
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

after(async () => {
  await browser?.close();
  site?.close();
});

const contexts = new Set();

afterEach(async () => {
  for (const context of contexts) await context.close();
  contexts.clear();
});

async function profile() {
  const context = await browser.newContext();
  contexts.add(context);
  return context;
}

async function open(context) {
  const tab = await context.newPage();
  tab.on("pageerror", (error) => console.log(`page: ${error.message}`));
  await tab.goto(site.origin);
  await tab.waitForFunction("globalThis.littoral");
  return tab;
}

test("notes are inserted, found, updated and removed, and survive a reload", { skip }, async () => {
  const context = await profile();
  const tab = await open(context);
  const seen = await tab.evaluate(async () => {
    const notes = await littoral.create();
    const empty = await notes.search("tide");
    const first = await notes.insert([
      { id: "a", title: "Monday", text: "A spring tide at noon.", tags: ["sea", "moon"] },
      { id: "b", title: "Tuesday", text: "The ferry was late." },
    ]);
    const made = await notes.insert({ title: "No id", text: "A tide without a name." });
    const found = await ids(notes, "tide");
    await notes.update({ id: "b", text: "The ferry waits for the tide." });
    const updated = await ids(notes, "tide");
    const removed = await notes.remove(["a", "nobody"]);
    const filters = await notes.filters();
    return { empty, first, made, found, updated, removed, filters, size: notes.size, left: await ids(notes, "tide") };
  });
  assert.deepEqual(seen.empty.hits, []);
  assert.deepEqual(seen.first, { ids: ["a", "b"], removed: 0 });
  const [made] = seen.made.ids;
  assert.match(made, /^[0-9a-f-]{36}$/);
  assert.deepEqual(seen.found, ["a", made].sort());
  assert.deepEqual(seen.updated, ["a", "b", made].sort());
  assert.equal(seen.removed.removed, 1);
  assert.deepEqual(seen.left, ["b", made].sort());
  assert.equal(seen.size, 2);
  await tab.reload();
  await tab.waitForFunction("globalThis.littoral");
  const again = await tab.evaluate(async () => {
    const notes = await littoral.create();
    const result = await notes.search('"waits for the tide"');
    return { size: notes.size, ids: result.hits.map(({ document }) => document.id), excerpt: result.hits[0]?.excerpt };
  });
  assert.deepEqual([again.size, again.ids], [2, ["b"]]);
  assert.match(again.excerpt, /<mark>tide<\/mark>/);
});

test("filters, metadata and sort keys follow the schema, and what it does not name is refused", { skip }, async () => {
  const tab = await open(await profile());
  const seen = await tab.evaluate(async () => {
    const schema = { id: "id", name: "title", body: "text", remark: "text", author: "meta", kind: "filter", day: "sort" };
    const notes = await littoral.create({ name: "log", schema });
    await notes.insert([
      { id: "1", name: "One", body: "tide", remark: "low", author: "Ines", kind: ["a", "b"], day: 2 },
      { id: "2", name: "Two", body: "tide", author: "Tove", kind: "b", day: 1 },
    ]);
    const { hits } = await notes.search("tide", { filters: { kind: "a" } });
    const sorted = await notes.search("tide", { sort: "day" });
    return {
      hit: hits.map(({ document, chunk }) => [document.title, document.meta.author, chunk.text]),
      sorted: sorted.hits.map(({ document }) => document.id),
      filters: await notes.filters(),
      codes: [
        await codeOf(notes.insert({ id: "3", body: "x", colour: "red" })),
        await codeOf(notes.insert({ id: "3" })),
        await codeOf(notes.insert({ id: "3", body: { a: 1 } })),
        await codeOf(notes.insert({ id: "1", body: "again" })),
        await codeOf(notes.insert([{ id: "4", body: "x" }, { id: "4", body: "y" }])),
        await codeOf(littoral.create({ name: "../x" })),
        await codeOf(littoral.create({ schema: { a: "colour" } })),
        await codeOf(littoral.create({ key: {algorithm: {name: "AES-CBC"}, usages: []} })),
      ],
      size: notes.size,
    };
  });
  assert.equal(seen.hit.length, 1);
  const [title, author, text] = seen.hit[0];
  assert.deepEqual([title, author], ["One", "Ines"]);
  assert.match(text, /^tide\s+low$/);
  assert.deepEqual(seen.sorted, ["2", "1"]);
  assert.deepEqual(seen.filters.kind.map(({ value, count }) => [value, count]), [["b", 2], ["a", 1]]);
  const bad = ["bad-document", "bad-document", "bad-document", "duplicate-id", "duplicate-id"];
  assert.deepEqual(seen.codes, [...bad, "bad-option", "bad-option", "bad-option"]);
  assert.equal(seen.size, 2, "an insert that fails adds nothing");
});

test("with a key nothing of the notes is readable in what is stored", { skip }, async () => {
  const context = await profile();
  const tab = await open(context);
  const seen = await tab.evaluate(async () => {
    const key = await keyOf(7);
    const notes = await littoral.create({ name: "secret", key });
    await notes.insert({ id: "diary-1", title: "Zanzibar", text: "The quartermaster hides the sextant.", tags: ["mutiny"] });
    notes.close();
    const root = await navigator.storage.getDirectory();
    const folder = await (await root.getDirectoryHandle("littoral-notes")).getDirectoryHandle("secret");
    let text = "";
    let n = 0;
    for await (const [name, handle] of folder.entries()) {
      n += 1;
      text += name + new TextDecoder("latin1").decode(await (await handle.getFile()).arrayBuffer());
    }
    const codes = [
      await codeOf(littoral.create({ name: "secret", key: await keyOf(8) })),
      await codeOf(littoral.create({ name: "secret" })),
    ];
    const open = await littoral.create({ name: "open" });
    await open.insert({ text: "plain" });
    open.close();
    codes.push(await codeOf(littoral.create({ name: "open", key })));
    const again = await littoral.create({ name: "secret", key });
    return { text, n, codes, found: await ids(again, "sextant"), filters: await again.filters() };
  });
  assert(seen.n >= 2);
  for (const word of ["diary", "Zanzibar", "quartermaster", "sextant", "mutiny", "littoral 0"]) {
    assert(!seen.text.includes(word), `${word} is readable`);
  }
  assert.deepEqual(seen.codes, ["wrong-key", "key-needed", "not-encrypted"]);
  assert.deepEqual(seen.found, ["diary-1"]);
  assert.equal(seen.filters.tags[0].value, "mutiny");
});

test("a crash at any step of any write leaves the notes before it or after it", { skip }, async () => {
  const tab = await open(await profile());
  const seen = await tab.evaluate(async () => {
    const key = await keyOf(1);
    const outcomes = { before: 0, after: 0 };
    // Enough changes that segments are merged and old files removed.
    const changes = Array.from({ length: 12 }, (_, i) => (notes) =>
      i % 4 === 3 ? notes.remove(`n${i - 2}`) : notes.insert({ id: `n${i}`, text: `tide number ${i}` }));
    const kept = new Memory();
    let n = 0;
    for (const share of [0, 0.5, 1]) {
      const storage = new Memory(new Map(), 0, share);
      if ((await codeOf(littoral.create({ name: "crash", key, storage }))) === "done") return { wrong: "not killed" };
      const notes = await littoral.create({ name: "crash", key, storage: new Memory(storage.files) });
      await notes.insert({ id: "first", text: "tide" });
      if (notes.size !== 1) return { wrong: "a collection that was cut off at its beginning is lost" };
      notes.close();
    }
    (await littoral.create({ name: "crash", key, storage: kept })).close();
    for (const change of changes) {
      const notes = await littoral.create({ name: "crash", key, storage: new Memory(new Map(kept.files)) });
      const before = await ids(notes, "tide");
      notes.close();
      for (let step = 0; ; step += 1) {
        let isThrough = false;
        for (const share of [0, 0.5, 1]) {
          const storage = new Memory(new Map(kept.files), step, share);
          const dying = await littoral.create({ name: "crash", key, storage });
          isThrough = await change(dying).then(() => storage.left >= 0, () => false);
          dying.close();
          const reopened = await littoral.create({ name: "crash", key, storage: new Memory(storage.files) });
          const now = await ids(reopened, "tide");
          reopened.close();
          const whole = await littoral.create({ name: "crash", key, storage: new Memory(new Map(kept.files)) });
          await change(whole);
          const after = await ids(whole, "tide");
          whole.close();
          const is = (other) => JSON.stringify(now) === JSON.stringify(other);
          if (is(after)) outcomes.after += 1;
          else if (is(before)) outcomes.before += 1;
          else return { wrong: { step, share, now, before, after } };
          // And the next change is possible.
          const next = await littoral.create({ name: "crash", key, storage: new Memory(storage.files) });
          await next.update({ id: "next", text: "tide next" });
          if (!(await ids(next, "tide")).includes("next")) return { wrong: "the next change is lost" };
          next.close();
          n += 1;
        }
        if (isThrough) break;
      }
      const real = await littoral.create({ name: "crash", key, storage: kept });
      await change(real);
      real.close();
    }
    return { outcomes, n, files: kept.files.size };
  });
  assert.equal(seen.wrong, undefined, JSON.stringify(seen.wrong));
  assert(seen.n > 60 && seen.outcomes.before > 20 && seen.outcomes.after > 20, JSON.stringify(seen));
  assert(seen.files <= 12, "files that are not needed are removed");
});

test("a page that is killed while it writes finds its notes again", { skip }, async () => {
  const context = await profile();
  let acknowledged = 0;
  for (let round = 0; round < 4; round += 1) {
    const tab = await context.newPage();
    const told = [];
    await tab.exposeFunction("told", (i) => told.push(i));
    await tab.goto(site.origin);
    await tab.waitForFunction("globalThis.littoral");
    const start = await tab.evaluate(async () => {
      const notes = await littoral.create({ name: "killed" });
      const { size } = notes;
      void (async () => {
        for (let i = size; ; i += 1) {
          await notes.insert({ id: `n${i}`, text: `tide number ${i}` });
          await told(i + 1);
        }
      })();
      return size;
    });
    // One more may have been stored than was told.
    assert(start === acknowledged || start === acknowledged + 1, `${start} after ${acknowledged}`);
    while (told.length < 5 + round) await new Promise((resolve) => setTimeout(resolve, 5));
    const session = await context.newCDPSession(tab);
    session.send("Page.crash").catch(() => undefined);
    await tab.waitForEvent("crash");
    acknowledged = told.at(-1);
    await tab.close();
  }
  const tab = await open(context);
  const found = await tab.evaluate(async () => {
    const notes = await littoral.create({ name: "killed" });
    return { size: notes.size, found: (await ids(notes, "tide")).length };
  });
  assert(found.size === acknowledged || found.size === acknowledged + 1);
  assert.equal(found.found, found.size);
});

test("pages of one site write in turns and see each other's notes", { skip }, async () => {
  const context = await profile();
  const [a, b] = [await open(context), await open(context)];
  const begin = async () => {
    globalThis.notes = await littoral.create({ name: "shared" });
  };
  await Promise.all([a.evaluate(begin), b.evaluate(begin)]);
  const insert = (who) => Promise.all(Array.from({ length: 5 }, (_, i) => notes.insert({ id: `${who}${i}`, text: "tide" })));
  await Promise.all([a.evaluate(insert, "a"), b.evaluate(insert, "b")]);
  for (const tab of [a, b]) {
    await tab.waitForFunction("ids(notes, 'tide').then((found) => found.length === 10)");
  }
  await a.evaluate(() => notes.destroy());
  await b.waitForFunction("ids(notes, 'tide').then((found) => found.length === 0)");
  await b.evaluate(() => notes.insert({ id: "anew", text: "tide" }));
  await a.waitForFunction("ids(notes, 'tide').then((found) => found.length === 1)");
});

test("damaged files are an error that names the file, never a wrong answer", { skip }, async () => {
  const tab = await open(await profile());
  const codes = await tab.evaluate(async () => {
    const storage = new Memory();
    const notes = await littoral.create({ name: "hurt", storage });
    await notes.insert({ id: "a", text: "tide" });
    notes.close();
    const codes = new Set();
    for (const [name, bytes] of storage.files) {
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
        const hurt = bytes.slice();
        hurt[at] ^= 1;
        codes.add(await codeOf(littoral.create({ name: "hurt", storage: new Memory(new Map([...storage.files, [name, hurt]])) })));
      }
      const without = new Map(storage.files);
      without.delete(name);
      codes.add(`${name.split(".")[1]} ${await codeOf(littoral.create({ name: "hurt", storage: new Memory(without) }))}`);
    }
    // Another collection's file does not pass for this one's.
    codes.add(await codeOf(littoral.create({ name: "other", storage: new Memory(storage.files) })));
    return [...codes].sort();
  });
  assert.deepEqual(codes, ["head index-corrupt", "index-corrupt", "pack index-corrupt"]);
});
