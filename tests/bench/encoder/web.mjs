// MiniLM in WebAssembly beside onnxruntime-web int8, in one process and on one thread.
//
//   node encoder/web.mjs --onnx FOLDER --model FILE [--chromium PATH] [--json]
//
// FOLDER is what export.py wrote, FILE a packed model; `node web/build.mjs` has made the package. Both
// take turns; the fastest round counts, for the peer that of its faster graph. In Node CPU time is
// measured, in Chromium (with --chromium) the time of the page's only thread. A ratio above 1 means that
// Littoral is faster.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { serve } from "../lib/static-server.mjs";
import { measure } from "./measure.mjs";

const { values } = parseArgs({
  options: {
    onnx: { type: "string" },
    model: { type: "string" },
    chromium: { type: "string" },
    pkg: { type: "string", default: new URL("../../../web/pkg/", import.meta.url).pathname },
    json: { type: "boolean", default: false },
  },
});
if (!values.onnx || !values.model) {
  console.error("usage: node encoder/web.mjs --onnx FOLDER --model FILE [--chromium PATH] [--json]");
  process.exit(2);
}
const peer = createRequire(import.meta.url).resolve("onnxruntime-web");
const report = { node: await inNode() };
if (values.chromium) report.chromium = await inChromium();
if (values.json) console.log(JSON.stringify(report));
else {
  for (const [where, rows] of Object.entries(report)) {
    console.log(where);
    console.table(rows);
  }
}

async function inNode() {
  const now = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  };
  const { default: init, load } = await import(join(values.pkg, "encoder.js"));
  await init({ module_or_path: await readFile(join(values.pkg, "littoral-encoder.wasm")) });
  const ort = await import("onnxruntime-web");
  const graphs = await Promise.all(
    ["model-int8.onnx", "fused-int8.onnx"].map((name) => readFile(join(values.onnx, name))),
  );
  return measure({ encoder: load(await readFile(values.model)), ort, graphs, now });
}

async function inChromium() {
  const { chromium } = await import("playwright-core");
  const page = `<!doctype html><script type="module">
    import init, { load } from "/pkg/encoder.js";
    import * as ort from "/ort/ort.wasm.min.mjs";
    import { measure } from "/bench/measure.mjs";
    const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    globalThis.run = async () => {
      await init({ module_or_path: "/pkg/littoral-encoder.wasm" });
      const graphs = await Promise.all(["/onnx/model-int8.onnx", "/onnx/fused-int8.onnx"].map(bytes));
      const encoder = load(await bytes("/model/${basename(values.model)}"));
      return measure({ encoder, ort, graphs, now: () => performance.now() });
    };
  </script>`;
  const mounts = {
    "/pkg/": values.pkg,
    "/ort/": dirname(peer),
    "/onnx/": values.onnx,
    "/model/": dirname(values.model),
    "/bench/": new URL(".", import.meta.url).pathname,
  };
  const server = await serve(mounts, { "/": page });
  const browser = await chromium.launch({ executablePath: values.chromium, args: ["--no-sandbox"] });
  try {
    const tab = await browser.newPage();
    await tab.goto(server.origin);
    await tab.waitForFunction(() => globalThis.run !== undefined);
    return await tab.evaluate(() => globalThis.run());
  } finally {
    await browser.close();
    await server.close();
  }
}
