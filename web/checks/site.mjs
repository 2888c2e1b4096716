// Sites for the tests of the elements: documents, their index as the program builds it, and pages.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The program that builds indexes: `LITTORAL_PROGRAM`, else what cargo built last. */
export const program =
  process.env.LITTORAL_PROGRAM ??
  ["release", "debug"].map((profile) => join(root, "target", profile, "littoral")).find(existsSync);

/** The folder of an index of `documents`: records as lines of JSON take them, or names and texts of
 * files. */
export function indexOf(documents) {
  const folder = mkdtempSync(join(tmpdir(), "littoral-site-"));
  const input = join(folder, "input");
  mkdirSync(input);
  const records = documents.filter((each) => !Array.isArray(each)).map((each) => `${JSON.stringify(each)}\n`);
  if (records.length > 0) writeFileSync(join(input, "records.jsonl"), records.join(""));
  for (const [name, text] of documents.filter(Array.isArray)) writeFileSync(join(input, name), text);
  const output = join(folder, "index");
  execFileSync(program, ["build", input, "-o", output, "--embedder", "none"], { stdio: "ignore" });
  return output;
}

const SECTIONS = ["guide", "reference", "blog"];
const TOPICS = ["tides", "moorings", "pilotage", "weather", "anchors", "buoys", "currents", "charts"];

/** A small site about the coast: 24 pages with headings, filters and metadata. */
export function coast() {
  return TOPICS.flatMap((topic, t) =>
    SECTIONS.map((section, s) => ({
      _id: `${section}/${topic}.html`,
      url: `/${section}/${topic}.html`,
      title: `${topic[0].toUpperCase()}${topic.slice(1)}: ${section}`,
      text:
        `What the ${section} says of ${topic} on this coast. A spring tide comes with every new and full moon, ` +
        `and ${topic} change with it. Keep a lookout; the harbour master answers on channel ${t + s + 2}.`,
      filters: { section: [section], level: [t % 2 === 0 ? "beginner" : "expert"] },
      meta: { author: s === 0 ? "Ines" : "Tove" },
    })),
  );
}

/** A page with `body` that loads the elements. */
export const page = (body, { lang = "en", dir = "ltr", head = "" } = {}) =>
  `<!doctype html><html lang=${lang} dir=${dir}><head><meta charset=utf-8><title>A page</title>` +
  `<meta name=viewport content="width=device-width, initial-scale=1"><link rel=icon href=/icon.ico>` +
  `<link rel=stylesheet href=/page.css>${head}<script type=module src=/js/element.js></script></head>` +
  `<body>${body}</body></html>`;

/** The look of those pages; a file, since the policy forbids rules in the page. */
export const CSS = "body{margin:2rem;font-family:system-ui}@media (max-width:600px){body{margin:1rem}}";

/** What a careful site allows: its own files, WebAssembly, and nothing that parses HTML. */
export const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; " +
  "img-src 'self'; worker-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** That with what axe needs to run. */
export const AXE_POLICY = STRICT.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'").replace(/require-trusted.*/, "");

/** Looks that pages are checked in: the context of the browser, and attributes of the page and the element. */
export const LOOKS = {
  light: {},
  dark: { context: { colorScheme: "dark" }, theme: "auto" },
  mobile: { context: { viewport: { width: 390, height: 780 } } },
  "right to left": { lang: "ar", dir: "rtl" },
};

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds to mend in a page, in a line each; it must have found something to look at. */
export async function violations(tab) {
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => globalThis.axe.run(document));
  if (found.passes.length <= 10) return [`only ${found.passes.length} rules applied`];
  return found.violations.map(({ id, nodes }) => `${id} ${nodes.map(({ html }) => html).join(" ")}`);
}
