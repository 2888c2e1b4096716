// Builds a Pagefind index and measures the build and its output.

import { readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";

import { runMeasured } from "../lib/measured-process.mjs";

/** What a page may fetch to search; the rest of the bundle is user interface. */
const KINDS = [
  ["fragments", (path) => path.startsWith("fragment/")],
  ["index", (path) => path.startsWith("index/")],
  ["meta", (path) => path.endsWith(".pf_meta")],
  ["filters", (path) => path.startsWith("filter/")],
  ["entry", (path) => path === "pagefind-entry.json"],
  ["wasm", (path) => path.startsWith("wasm.")],
  ["js", (path) => /^pagefind(-worker)?\.js$/.test(path)],
];

/** The kind of a file of the bundle: fragments, index, meta, filters, entry, wasm, js or ui. */
export function kindOf(path) {
  return KINDS.find(([, holds]) => holds(path))?.[0] ?? "ui";
}

/** Indexes the HTML in `site` into `index`: { seconds, cpu_seconds, peak_rss_bytes, … }. */
export async function build(site, index) {
  rmSync(index, { recursive: true, force: true });
  const args = ["--site", site, "--output-path", index];
  const { output, ...cost } = await runMeasured(executable(), args);
  const count = (what) => Number(new RegExp(`Indexed (\\d+) ${what}`).exec(output)?.[1] ?? 0);
  return { ...cost, pages: count("page"), words: count("word"), ...describe(index) };
}

/** Sizes of an index by kind of file; `index_bytes` and `files` leave code and interface out. */
export function describe(index) {
  const kinds = {};
  for (const entry of readdirSync(index, { recursive: true })) {
    const stat = statSync(join(index, entry));
    if (stat.isFile()) {
      const kind = kindOf(entry.replaceAll(sep, "/"));
      kinds[kind] ??= { files: 0, bytes: 0 };
      kinds[kind].files += 1;
      kinds[kind].bytes += stat.size;
    }
  }
  const data = ["fragments", "index", "meta", "filters", "entry"].flatMap(
    (kind) => kinds[kind] ?? [],
  );
  return {
    index_bytes: data.reduce((sum, { bytes }) => sum + bytes, 0),
    files: data.reduce((sum, { files }) => sum + files, 0),
    kinds,
  };
}

/** The program itself, not its npm wrapper, whose own start and memory would be measured too. */
function executable() {
  const require = createRequire(import.meta.url);
  const platform = { darwin: "darwin", linux: "linux", win32: "windows" }[process.platform];
  const suffix = process.platform === "win32" ? ".exe" : "";
  return require.resolve(`@pagefind/${platform}-${process.arch}/bin/pagefind_extended${suffix}`);
}
