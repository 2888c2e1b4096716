// Makes a documentation site of a chosen size out of MDN's Markdown. `--help` says how.

import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import { readQrels, readQueries, writeQrels, writeQueries } from "../lib/beir.mjs";
import { random, shuffled } from "../lib/random.mjs";
import { alterPage, wordsOf } from "./alter.mjs";
import { drawQueries } from "./draw-queries.mjs";
import { textOf } from "./html.mjs";
import { htmlPath, parsePage, renderBody, renderSite } from "./page.mjs";

const HELP = `usage: node pages/generate.mjs --from DIR --out PREFIX [options]

  --from DIR      docs-mdn-en as unpacked from the judged collections
  --judged DIR    its queries.jsonl and qrels/ (default: $LITTORAL_DATA/docs-mdn-en,
                  else ../shared/data/docs-mdn-en)
  --out PREFIX    writes PREFIX-html, PREFIX-md and PREFIX-beir
  --pages N       1 to 1000000 (default: all). Fewer than there are: a seeded sample that
                  keeps every judged page. More: repeated with 15 % of their words replaced
  --queries N     known-item queries drawn from titles and headings (default 200)
  --seed N        (default 1)`;

const SIBLINGS = 20;

function main() {
  const { values } = parseArgs({
    options: {
      from: { type: "string" },
      judged: { type: "string" },
      out: { type: "string" },
      pages: { type: "string" },
      queries: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || values.from === undefined || values.out === undefined) {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const data = process.env.LITTORAL_DATA ?? "../shared/data";
  const judged = values.judged ?? join(data, "docs-mdn-en");
  const seed = Number(values.seed);
  const originals = readPages(values.from);
  const queries = readQueries(join(judged, "queries.jsonl"));
  const qrels = readQrels(join(judged, "qrels", "test.tsv"));
  const n = values.pages === undefined ? originals.length : Number(values.pages);

  const chosen = choose(originals, qrels, n, seed);
  const drawn = write(values.out, enlarge(chosen, n, seed), chosen, Number(values.queries), seed);
  queries.push(...drawn.queries);
  for (const [id, grades] of drawn.qrels) {
    qrels.set(id, grades);
  }
  const beir = `${values.out}-beir`;
  writeQueries(join(beir, "queries.jsonl"), queries);
  writeQrels(join(beir, "qrels", "test.tsv"), qrels);
  writeQrels(join(beir, "qrels", "html.tsv"), qrels, htmlPath);
  const licence = join(values.from, "LICENSE.md");
  if (existsSync(licence)) {
    cpSync(licence, join(beir, "LICENSE.md"));
  }
  console.log(`${n} pages and ${queries.length} queries in ${values.out}-{html,md,beir}`);
}

/** Every page under `folder` in path order: [{ path, source }]. */
function readPages(folder) {
  return readdirSync(folder, { recursive: true })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith("/index.md"))
    .sort()
    .map((path) => ({ path, source: readFileSync(join(folder, path), "utf8") }));
}

/** At most `n` pages, judged ones first, in path order. */
function choose(originals, qrels, n, seed) {
  if (n >= originals.length) {
    return originals;
  }
  const wanted = new Set([...qrels.values()].flatMap((grades) => [...grades.keys()]));
  const others = originals.filter(({ path }) => !wanted.has(path));
  const kept = new Set(wanted);
  for (const { path } of shuffled(others, random(seed)).slice(0, Math.max(0, n - wanted.size))) {
    kept.add(path);
  }
  return originals.filter(({ path }) => kept.has(path)).slice(0, Math.max(n, wanted.size));
}

/** Yields the pages chosen, then altered ones round by round until there are `n`. */
function* enlarge(chosen, n, seed) {
  yield* chosen;
  const words = n > chosen.length ? wordsOf(chosen.map(({ source }) => source)) : [];
  const order = shuffled(chosen, random(seed));
  for (let i = 0; i < n - chosen.length; i += 1) {
    const { path, source } = order[i % order.length];
    yield alterPage(path, source, 1 + Math.floor(i / order.length), words, seed);
  }
}

/** Writes every page in its three forms and returns queries drawn from the unaltered ones. */
function write(out, pages, chosen, nQueries, seed) {
  for (const form of ["html", "md", "beir"]) {
    rmSync(`${out}-${form}`, { recursive: true, force: true });
    mkdirSync(`${out}-${form}`, { recursive: true });
  }
  const corpus = openSync(join(`${out}-beir`, "corpus.jsonl"), "w");
  const recent = [];
  const outlines = [];
  for (const { path, source } of pages) {
    const { title, body } = parsePage(source);
    const { html, headings } = renderBody(body);
    const site = renderSite({ title, path, html, headings, siblings: recent });
    put(join(`${out}-html`, htmlPath(path)), site);
    put(join(`${out}-md`, path), source);
    const record = { _id: path, title, text: textOf(html), url: `/${htmlPath(path)}` };
    writeSync(corpus, `${JSON.stringify(record)}\n`);
    recent.push({ path, title });
    if (recent.length > SIBLINGS) {
      recent.shift();
    }
    if (outlines.length < chosen.length) {
      outlines.push({ path, title, headings });
    }
  }
  closeSync(corpus);
  put(join(`${out}-html`, "site.css"), "main{max-width:50rem;margin:auto}\n");
  return drawQueries(outlines, nQueries, seed);
}

function put(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

main();
