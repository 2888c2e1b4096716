// Littoral's hybrid search beside Pagefind, in one real Chromium, on the same pages.
// `node browser/run.mjs --help` says how.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { readQrels, readQueries } from "../lib/beir.mjs";
import { evaluate, mean, percentile } from "../lib/metrics.mjs";
import { table } from "../lib/table.mjs";
import { build } from "../pagefind/build.mjs";
import { littoral } from "./littoral.mjs";
import { rank, start, type, visits } from "./measure.mjs";
import { pagefind } from "./pagefind.mjs";

const HELP = `usage: node browser/run.mjs --data PREFIX --out FILE.json [options]

  --data PREFIX       what pages/generate.mjs wrote (PREFIX-html, PREFIX-beir)
  --out FILE.json     every figure; a summary with ratios goes to standard output
  --littoral PROGRAM  default ../../target/release/littoral
  --index DIR         an index of PREFIX-html that is there; else PREFIX-littoral is built
  --pagefind DIR      an index of Pagefind's that is there; else PREFIX-pagefind is built
  --limit N           queries asked in a fresh profile (default 36)
  --later N           queries after each of the first ten of those (default 5)
  --typed N           queries typed letter by letter (default 8)
  --chromium FILE     browser (default $CHROMIUM, else /usr/bin/chromium)

web/pkg must be built: node web/build.mjs. LITTORAL_MODELS and LITTORAL_CACHE are the program's.`;

const pkg = fileURLToPath(new URL("../../../web/pkg", import.meta.url));
const ENGINES = [littoral, pagefind];
/** Pages from which later queries are asked. */
const N_LATER_PAGES = 10;

async function main() {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      out: { type: "string" },
      littoral: { type: "string", default: "../../target/release/littoral" },
      index: { type: "string" },
      pagefind: { type: "string" },
      limit: { type: "string", default: "36" },
      later: { type: "string", default: "5" },
      typed: { type: "string", default: "8" },
      chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || values.data === undefined || values.out === undefined) {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  if (!existsSync(join(pkg, "littoral.wasm"))) throw new Error("web/pkg is not built: node web/build.mjs");
  const html = `${values.data}-html`;
  const indexes = {
    littoral: values.index ?? buildLittoral(values.littoral, html, `${values.data}-littoral`),
    pagefind: values.pagefind ?? `${values.data}-pagefind`,
  };
  if (!existsSync(join(indexes.pagefind, "pagefind.js"))) await build(html, indexes.pagefind);
  const beir = `${values.data}-beir`;
  const queries = readQueries(join(beir, "queries.jsonl"));
  const judged = queries.filter(({ kind }) => kind !== "drawn");
  const asked = queries.slice(0, Number(values.limit));
  const running = await start({
    executablePath: values.chromium,
    mounts: { "/js/": pkg, "/littoral/": indexes.littoral, "/pagefind/": indexes.pagefind },
    pages: {
      "/blank.html": "<!doctype html><html lang=en><title>blank</title><link rel=icon href=data:,>",
      ...littoral.pages,
      ...pagefind.pages,
      "/page.js": readFileSync(new URL("page.js", import.meta.url)),
    },
  });
  const report = {
    data: values.data.split("/").at(-1),
    chromium: running.browser.version(),
    n_queries: asked.length,
    n_judged: judged.length,
  };
  for (const engine of ENGINES) {
    const qrels = readQrels(join(beir, "qrels", engine.qrels));
    const figures = { visits: [], quality: {} };
    for (const [i, query] of asked.entries()) {
      const n = i < N_LATER_PAGES ? Number(values.later) : 0;
      const later = Array.from({ length: n }, (_, j) => asked[(i + 1 + j * 3) % asked.length]);
      figures.visits.push(await visits(running, engine, query, later));
    }
    for (const mode of engine === littoral ? ["hybrid", "lexical", "dense"] : ["keyword"]) {
      figures.quality[mode] = evaluate(judged, qrels, await rank(running, engine, judged, mode));
    }
    figures.typing = await type(running, engine, judged.slice(0, Number(values.typed)));
    report[engine.name] = { ...summarize(figures), ...figures };
  }
  await running.close();
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
  print(report);
}

/** Builds Littoral's index of a site with a query table. */
function buildLittoral(program, html, index) {
  const run = spawnSync(program, ["build", html, "-o", index, "--json"], { maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`littoral build: ${run.stdout} ${run.stderr}`);
  return index;
}

function summarize({ visits, typing }) {
  const spread = (values) => ({ mean: mean(values), p50: percentile(values, 50), p95: percentile(values, 95) });
  const firsts = visits.map(({ first }) => first);
  const later = visits.flatMap((visit) => visit.later);
  const kinds = {};
  for (const kind of ["js", "wasm", "index"]) kinds[kind] = spread(firsts.map((first) => first.kinds[kind] ?? 0));
  return {
    summary: {
      first_bytes: spread(firsts.map(({ bytes }) => bytes)),
      first_requests: spread(firsts.map(({ requests }) => requests)),
      first_kinds: kinds,
      later_bytes: spread(later.map(({ bytes }) => bytes)),
      later_requests: spread(later.map(({ requests }) => requests)),
      n_later: later.length,
      typing_ms: spread(typing.warm.times),
      typing_first_ms: spread(typing.cold.times),
      n_keys: typing.warm.times.length,
      long_tasks: { warm: typing.warm.long.length, longest_ms: Math.max(0, ...typing.cold.long, ...typing.warm.long) },
      heap_bytes: typing.memory.heap_bytes,
      process_bytes: typing.memory.process_bytes,
    },
  };
}

function print({ data, n_queries, n_judged, littoral: ours, pagefind: theirs }) {
  const kb = (bytes) => (bytes / 1000).toFixed(1);
  const mb = (bytes) => (bytes / 1e6).toFixed(1);
  const ms = (value) => value.toFixed(1);
  const [a, b] = [ours.summary, theirs.summary];
  const row = (name, show, of) => [name, show(of(a)), show(of(b)), of(b) === 0 ? "–" : (of(a) / of(b)).toFixed(2)];
  console.log(`${data}: ${n_queries} queries in fresh profiles, ${a.n_later} later ones, ${a.n_keys} keys typed\n`);
  console.log(
    table(
      ["", "littoral hybrid", "pagefind", "ratio"],
      [
        row("first query, kB (p50)", kb, ({ first_bytes }) => first_bytes.p50),
        row("first query, kB (p95)", kb, ({ first_bytes }) => first_bytes.p95),
        row("  scripts", kb, ({ first_kinds }) => first_kinds.js.p50),
        row("  WebAssembly", kb, ({ first_kinds }) => first_kinds.wasm.p50),
        row("  index", kb, ({ first_kinds }) => first_kinds.index.p50),
        row("  requests", String, ({ first_requests }) => first_requests.p50),
        row("later query, kB (p50)", kb, ({ later_bytes }) => later_bytes.p50),
        row("later query, kB (p95)", kb, ({ later_bytes }) => later_bytes.p95),
        row("key to paint, warm, ms (p50)", ms, ({ typing_ms }) => typing_ms.p50),
        row("key to paint, warm, ms (p95)", ms, ({ typing_ms }) => typing_ms.p95),
        row("key to paint, first time, ms (p50)", ms, ({ typing_first_ms }) => typing_first_ms.p50),
        row("key to paint, first time, ms (p95)", ms, ({ typing_first_ms }) => typing_first_ms.p95),
        row("longest task, ms", ms, ({ long_tasks }) => long_tasks.longest_ms),
        row("heaps of page and worker, MB", mb, ({ heap_bytes }) => heap_bytes),
        ...(a.process_bytes === undefined ? [] : [row("process beyond a blank page, MB", mb, ({ process_bytes }) => process_bytes)]),
      ],
    ),
  );
  const quality = [
    ...Object.entries(ours.quality).map(([mode, means]) => [`littoral ${mode}`, means]),
    ["pagefind", theirs.quality.keyword],
  ];
  const names = ["ndcg@10", "recall@10", "mrr@10"];
  console.log(
    `\n${table(
      [`${n_judged} judged queries`, ...names],
      quality.map(([name, means]) => [name, ...names.map((each) => means[each].toFixed(3))]),
    )}`,
  );
  const notes = new Set(ours.visits.flatMap(({ first }) => first.notes));
  if (notes.has("no-vectors")) console.log("\nLittoral's index has no vectors: this was a search by words alone.");
}

await main();
