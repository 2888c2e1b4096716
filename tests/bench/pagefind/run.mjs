// Measures Pagefind on a generated site. `--help` says how.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import { readQrels, readQueries } from "../lib/beir.mjs";
import { evaluate, mean, percentile } from "../lib/metrics.mjs";
import { table } from "../lib/table.mjs";
import { reportTypos } from "../lib/typo-report.mjs";
import { misspellings } from "../lib/typos.mjs";
import { closePagefind, coldQuery, coldRounds, openPagefind, warmQueries } from "./browser.mjs";
import { build, describe } from "./build.mjs";

const HELP = `usage: node pagefind/run.mjs --data PREFIX --out FILE.json [options]

  --data PREFIX     what pages/generate.mjs wrote (PREFIX-html, PREFIX-beir)
  --out FILE.json   every figure; a summary goes to standard output
  --index DIR       where the index is built (default PREFIX-pagefind)
  --build-only      stop after building; --keep later finds the build's figures again
  --keep            measure the index that is there instead of building it
  --chromium FILE   browser (default $CHROMIUM, else /usr/bin/chromium)
  --limit N         only the first N queries
  --rounds N        queries whose round trips are counted (default 20)
  --seed N          of the typos (default 1)`;

const CODE = ["js", "wasm"];

async function main() {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      out: { type: "string" },
      index: { type: "string" },
      "build-only": { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
      limit: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || values.data === undefined || values.out === undefined) {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const index = values.index ?? `${values.data}-pagefind`;
  const built = await buildOrKeep(values, index);
  if (values["build-only"]) {
    console.log(JSON.stringify(built, null, 1));
    return;
  }
  const beir = `${values.data}-beir`;
  const qrels = readQrels(join(beir, "qrels", "test.tsv"));
  const queries = readQueries(join(beir, "queries.jsonl")).slice(0, Number(values.limit));
  const typos = misspellings(queries, Number(values.seed));

  const pagefind = await openPagefind(index, values.chromium);
  const cold = [];
  for (const query of queries) {
    cold.push({ ...query, ...(await coldQuery(pagefind, query.text)) });
  }
  const rounds = [];
  for (const query of queries.slice(0, Number(values.rounds))) {
    rounds.push(await coldRounds(pagefind, query.text));
  }
  const typoRankings = await warmQueries(
    pagefind,
    typos.map(({ text }) => text),
  );
  const chromium = pagefind.browser.version();
  await closePagefind(pagefind);

  const rankings = new Map(cold.map(({ id, ids }) => [id, ids]));
  const report = {
    peer: "pagefind",
    version: JSON.parse(readFileSync(join(index, "pagefind-entry.json"), "utf8")).version,
    chromium,
    data: values.data.split("/").at(-1),
    build: built,
    cold: summarizeCold(cold, rounds),
    quality: {
      all: evaluate(queries, qrels, rankings),
      judged: evaluate(
        queries.filter(({ kind }) => kind !== "drawn"),
        qrels,
        rankings,
      ),
      drawn: evaluate(
        queries.filter(({ kind }) => kind === "drawn"),
        qrels,
        rankings,
      ),
    },
    typos: reportTypos(typos, typoRankings, rankings, qrels),
    rounds,
    queries: cold,
    misspelt: typos.map((typo, i) => ({ ...typo, ids: typoRankings[i] })),
  };
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
  print(report);
}

/** A build's figures lie beside its index, as DIR.build.json. */
async function buildOrKeep({ data, keep }, index) {
  const figures = `${index}.build.json`;
  if (keep) {
    const built = existsSync(figures) ? JSON.parse(readFileSync(figures, "utf8")) : {};
    return { ...built, ...describe(index) };
  }
  const built = await build(`${data}-html`, index);
  writeFileSync(figures, JSON.stringify(built));
  return built;
}

function summarizeCold(cold, rounds) {
  const spread = (values) => ({
    mean: mean(values),
    p50: percentile(values, 50),
    p90: percentile(values, 90),
    max: Math.max(...values),
  });
  const sum = (query, field, kinds) =>
    kinds.reduce((total, kind) => total + (query.kinds[kind]?.[field] ?? 0), 0);
  const data = (query, field) => query[field] - sum(query, field, CODE);
  const kinds = {};
  for (const kind of [...CODE, "entry", "meta", "index", "fragments"]) {
    kinds[kind] = {
      requests: spread(cold.map((query) => sum(query, "requests", [kind]))),
      bytes: spread(cold.map((query) => sum(query, "bytes", [kind]))),
    };
  }
  return {
    n_queries: cold.length,
    bytes: spread(cold.map(({ bytes }) => bytes)),
    requests: spread(cold.map(({ requests }) => requests)),
    bytes_without_code: spread(cold.map((query) => data(query, "bytes"))),
    requests_without_code: spread(cold.map((query) => data(query, "requests"))),
    round_trips: spread(rounds.map((query) => query.rounds)),
    loopback_ms: spread(cold.map(({ ms }) => ms)),
    kinds,
  };
}

function print({ version, data, build: built, cold, quality, typos }) {
  const fixed = (value, digits = 3) =>
    value === undefined || value === null ? "–" : value.toFixed(digits);
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  console.log(`Pagefind ${version} on ${data}\n`);
  console.log(
    table(
      ["build", ""],
      [
        ["pages", built.pages ?? "–"],
        ["wall s", fixed(built.seconds, 2)],
        ["CPU s", fixed(built.cpu_seconds, 2)],
        ["peak RSS", built.peak_rss_bytes ? kb(built.peak_rss_bytes) : "–"],
        ["index", kb(built.index_bytes)],
        ["files", built.files],
      ],
    ),
  );
  const row = (name, { mean: m, p50, p90, max }, show) => [name, ...[m, p50, p90, max].map(show)];
  console.log(
    `\n${table(
      [`cold, ${cold.n_queries} queries`, "mean", "p50", "p90", "max"],
      [
        row("bytes", cold.bytes, kb),
        row("bytes without code", cold.bytes_without_code, kb),
        ...Object.entries(cold.kinds).map(([kind, { bytes }]) => row(`  ${kind}`, bytes, kb)),
        row("requests", cold.requests, (n) => fixed(n, 1)),
        row("round trips", cold.round_trips, (n) => fixed(n, 1)),
        row("ms on loopback", cold.loopback_ms, (n) => fixed(n, 0)),
      ],
    )}`,
  );
  const names = ["ndcg@10", "recall@10", "mrr@10", "hit@1", "hit@10", "empty"];
  console.log(
    `\n${table(
      ["quality", "queries", ...names],
      Object.entries(quality).map(([set, means]) => [
        set,
        means.n_queries,
        ...names.map((name) => fixed(means[name])),
      ]),
    )}`,
  );
  const shares = ["first_kept", "relevant_kept", "relevant", "empty"];
  console.log(
    `\n${table(
      ["typos", "n", ...shares],
      Object.entries(typos).map(([kind, figures]) => [
        kind,
        figures.n,
        ...shares.map((name) => fixed(figures[name])),
      ]),
    )}`,
  );
}

await main();
