// The GPU's module in a real Chromium, with the adapter that it emulates: what it gives is what the CPU
// gives, also where the device is lost, and nobody uses a GPU that is not there or does not pay.
//
//   cargo test -p littoral-tests --test gpu_page
//
// CHROMIUM    default /usr/bin/chromium

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "./server.mjs";
import { STRICT } from "./site.mjs";

const { CHROMIUM: executablePath = "/usr/bin/chromium", LITTORAL_GPU_FOLDER: folder } = process.env;
const skip = folder === undefined && "run by: cargo test -p littoral-tests --test gpu_page";
const { chromium } = skip ? {} : await import("playwright-core");
const pkg = fileURLToPath(new URL("../pkg/", import.meta.url));
const PLAIN = ["--no-sandbox", "--no-first-run", "--disable-background-networking"];
const WITH_GPU = [...PLAIN, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const PAGE =
  "<!doctype html><html lang=en><title>gpu</title><link rel=icon href=/icon.ico><script type=module src=/page.js></script>";
const SCRIPT = `
import { openEncoder, openVectors } from "/js/gpu.js";

let state = 7;
const next = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state >>> 8;
};
const rows = (n, dims) => Int8Array.from({ length: n * dims }, () => (next() % 255) - 127);
const queries = (n, dims) => Int16Array.from({ length: n * dims }, () => (next() % 4095) - 2047);
const floats = (n, dims) => Float32Array.from({ length: n * dims }, () => (next() % 20001) / 10000 - 1);
const model = async (name) => new Uint8Array(await (await fetch("/models/" + name)).arrayBuffer());
const software = { software: true, gpu: "require" };
const codeOf = (promise) => promise.then(() => "done", ({ code }) => code);
Object.assign(globalThis, { openEncoder, openVectors, next, rows, queries, floats, model, software, codeOf });
`;

const sites = [];
let cases;

/** A page in a browser with `flags`. */
async function open(flags) {
  const site = await serve({
    mounts: { "/js/": pkg, "/models/": folder },
    pages: { "/": PAGE, "/page.js": SCRIPT, "/icon.ico": "" },
    headers: { "content-security-policy": STRICT },
  });
  const browser = await chromium.launch({ executablePath, args: flags });
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(site.origin);
  await page.waitForFunction("globalThis.openVectors");
  sites.push({ site, browser, errors });
  return page;
}

let page;
before(async () => {
  if (skip) return;
  cases = JSON.parse(await readFile(join(folder, "cases.json"), "utf8"));
  page = await open(WITH_GPU);
});
after(async () => {
  for (const { site, browser, errors } of sites) {
    await browser.close();
    await site.close();
    assert.deepEqual(errors, []);
  }
});

test("neighbours are the CPU's, in every shape and through a filter", { skip }, async () => {
  const differing = await page.evaluate(async () => {
    const differing = [];
    for (const [n, dims] of [[1, 16], [700, 40], [5000, 384]]) {
      const own = rows(n, dims);
      const [gpu, cpu] = [await openVectors(own, dims, software), await openVectors(own, dims, { gpu: "off" })];
      const allowed = Uint32Array.from({ length: Math.ceil(n / 32) }, () => next() ^ (next() << 16));
      for (const [n, k] of [[1, 1], [1, 10], [5, 256], [40, 7]]) {
        for (const filter of [undefined, allowed]) {
          const asked = queries(n, dims);
          const [found, exact] = [await gpu.nearest(asked, k, filter), await cpu.nearest(asked, k, filter)];
          if (found.by !== "gpu" || exact.by !== "cpu") differing.push([found.by, exact.by]);
          if (JSON.stringify(found.hits) !== JSON.stringify(exact.hits)) differing.push([own.length, dims, n, k]);
        }
      }
      // Whole numbers, near what floats give.
      const [of, query] = [floats(50, dims), floats(1, dims)];
      const rounded = await openVectors(of, dims, software);
      const { hits: [hits] } = await rounded.nearest(query, 50);
      for (const { id, score } of hits) {
        const exact = query.reduce((sum, x, i) => sum + x * of[id * dims + i], 0);
        if (hits.length !== 50 || Math.abs(score - exact) > 0.02 * Math.sqrt(dims)) differing.push([dims, id, score, exact]);
      }
      for (const each of [gpu, cpu, rounded]) each.close();
    }
    return differing;
  });
  assert.deepEqual(differing, []);
});

test("vectors of texts are the program's", { skip }, async (t) => {
  const { encoder } = cases;
  const found = await page.evaluate(async ({ encoder }) => {
    const bulk = await openEncoder(await model("encoder.litmodel"), software);
    const seen = [];
    const { vectors, gpuTexts, cpuTexts } = await bulk.encode(encoder.map(({ text }) => text), { onProgress: (n) => seen.push(n) });
    const { dims } = bulk;
    bulk.close();
    return { bits: [...new Uint32Array(vectors.buffer)], dims, gpuTexts, cpuTexts, seen };
  }, { encoder });
  assert.deepEqual([found.gpuTexts, found.cpuTexts, found.seen.at(-1)], [encoder.length, 0, encoder.length]);
  let same = 0;
  for (const [i, { vector }] of encoder.entries()) {
    const bits = found.bits.slice(i * found.dims, (i + 1) * found.dims);
    same += Number(String(bits) === String(vector));
    const [a, b] = [bits, vector].map((bits) => [...new Float32Array(Uint32Array.from(bits).buffer)]);
    const cosine = a.reduce((sum, x, d) => sum + x * b[d], 0);
    assert.ok(a.every((x) => x === 0) || cosine > 0.999, `${i}: ${cosine}`);
  }
  t.diagnostic(`${same} of ${encoder.length} in every bit`);
});

test("the best of a reranking are the program's", { skip }, async () => {
  const { query, texts, relevance } = cases.reranker;
  const found = await page.evaluate(async ({ query, texts }) => {
    const bulk = await openEncoder(await model("reranker.litmodel"), software);
    const all = [];
    for (const wanted of [1, 5, 20, texts.length]) {
      const { relevance, gpuTexts, cpuTexts } = await bulk.rerank(query, texts, { wanted });
      all.push({ wanted, relevance: [...relevance], gpuTexts, cpuTexts });
    }
    const code = await codeOf(bulk.encode(["tide"]));
    bulk.close();
    return { all, code };
  }, { query, texts });
  assert.equal(found.code, "bad-option");
  const best = (of, n) => [...of.keys()].sort((a, b) => of[b] - of[a] || a - b).slice(0, n).map((i) => [i, of[i]]);
  for (const { wanted, relevance: own, gpuTexts, cpuTexts } of found.all) {
    assert.deepEqual(best(own, wanted), best(relevance, wanted), `the best ${wanted}`);
    if (wanted < texts.length) assert.ok(gpuTexts === texts.length && cpuTexts >= wanted && cpuTexts < texts.length);
    else assert.deepEqual([gpuTexts, cpuTexts], [0, texts.length]);
  }
});

test("every query is answered while a device is lost a hundred times, and every text", { skip }, async () => {
  const told = await page.evaluate(async () => {
    const [n, dims] = [500, 32];
    const own = rows(n, dims);
    const exact = await openVectors(own, dims, { gpu: "off" });
    const told = { wrong: 0, gpu: 0, cpu: 0, codes: {} };
    for (let i = 0; i < 100; i++) {
      const vectors = await openVectors(own, dims, software);
      const asked = Array.from({ length: 4 }, () => queries(2, dims));
      const answers = asked.map(async (query, q) => {
        // In the middle of one, or between two.
        if (q === i % 4) vectors.gpu.lose();
        return vectors.nearest(query, 5);
      });
      for (const [q, { hits, by }] of (await Promise.all(answers)).entries()) {
        told[by] += 1;
        if (JSON.stringify(hits) !== JSON.stringify((await exact.nearest(asked[q], 5)).hits)) told.wrong += 1;
      }
      const code = vectors.gpu.error?.code ?? "none";
      told.codes[code] = (told.codes[code] ?? 0) + 1;
      vectors.close();
    }
    return told;
  });
  assert.deepEqual([told.wrong, told.gpu + told.cpu], [0, 400]);
  assert.deepEqual(Object.keys(told.codes), ["gpu-lost"]);
  assert.ok(told.cpu > 0);

  const texts = cases.encoder.map(({ text }) => text);
  const encoded = await page.evaluate(async ({ texts }) => {
    const bulk = await openEncoder(await model("encoder.litmodel"), software);
    const both = [bulk.encode(texts), bulk.encode(texts.slice(1))];
    bulk.gpu.lose();
    const [all, rest] = await Promise.all(both);
    return { bits: [...new Uint32Array(all.vectors.buffer)], cpu: all.cpuTexts + rest.cpuTexts, code: bulk.gpu.error.code };
  }, { texts });
  assert.deepEqual(encoded.bits, cases.encoder.flatMap(({ vector }) => vector));
  assert.deepEqual([encoded.cpu, encoded.code], [2 * texts.length - 1, "gpu-lost"]);
});

test("a GPU is used where it is measured to be faster, and where it is required", { skip }, async () => {
  const told = await page.evaluate(async () => {
    const own = rows(200, 16);
    const few = await openVectors(own, 16, { software: true });
    const { by } = await few.nearest(queries(1, 16));
    const emulated = await openVectors(own, 16);
    const slow = await openEncoder(await model("encoder.litmodel"), { software: true });
    await slow.encode(["tide"]);
    const { measured } = few.gpu;
    return {
      few: [few.gpu.error?.code, few.gpu.isOn, by],
      isMeasured: measured.size > 1 && measured.gpu >= measured.cpu && measured.gpu > 0,
      emulated: emulated.gpu.error.code,
      slow: slow.gpu.error?.code ?? "faster",
      required: await codeOf(openVectors(own, 16, { gpu: "require" })),
      odd: await codeOf(openVectors(own, 7, software)),
      low: await codeOf(openVectors(new Int8Array([-128]), 1, software)),
      nan: await codeOf(openVectors(new Float32Array([Number.NaN]), 1, software)),
      noise: await codeOf(openEncoder(new Uint8Array(100), software)),
      aborted: await openVectors(own, 16, { signal: AbortSignal.abort() }).catch(({ name }) => name),
    };
  });
  assert.deepEqual(told, {
    // A device has much to do for each call, and here it is the CPU that does it.
    few: ["gpu-slower", false, "cpu"],
    isMeasured: true,
    emulated: "gpu-absent",
    slow: told.slow,
    required: "gpu-absent",
    odd: "bad-vectors",
    low: "bad-vectors",
    nan: "bad-vectors",
    noise: "model-corrupt",
    aborted: "AbortError",
  });
});

test("a browser without WebGPU computes by the CPU, and says so", { skip }, async () => {
  const without = await open([...PLAIN, "--disable-gpu", "--disable-features=WebGPUService,WebGPU"]);
  const told = await without.evaluate(async () => {
    const own = rows(300, 24);
    const vectors = await openVectors(own, 24);
    const { by, hits } = await vectors.nearest(queries(2, 24), 3);
    const bulk = await openEncoder(await model("encoder.litmodel"));
    const { vectors: encoded, cpuTexts } = await bulk.encode(["tide", "moon and harbour"]);
    return { by, n: hits.map((hits) => hits.length), code: vectors.gpu.error.code, message: vectors.gpu.error.message, cpuTexts, length: encoded.length / bulk.dims };
  });
  assert.deepEqual(told, { by: "cpu", n: [3, 3], code: "gpu-absent", message: told.message, cpuTexts: 2, length: 2 });
  assert.match(told.message, /WebGPU|emulated/);
});
