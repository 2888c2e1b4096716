// Scores saved rankings against judgements, and how far two of them agree.
// usage: node lib/score.mjs --queries F --qrels F REPORT.json [REPORT.json]

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { readQrels, readQueries } from "./beir.mjs";
import { evaluate, mean } from "./metrics.mjs";
import { table } from "./table.mjs";

/** Rankings of a report of pagefind/run.mjs or of the tantivy crate: Map of query id to ids. */
export function readRankings(path) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  return report.rankings === undefined
    ? new Map(report.queries.map(({ id, ids }) => [id, ids]))
    : new Map(report.rankings.map(({ id, hits }) => [id, hits.map((hit) => hit.id)]));
}

/** Mean share of the first ten that two sets of rankings have in common, over `queries`. */
export function overlap(queries, left, right) {
  return mean(
    queries.map(({ id }) => {
      const [a, b] = [left.get(id) ?? [], new Set(right.get(id) ?? [])];
      const most = Math.max(a.length, b.size);
      return most === 0 ? 1 : a.filter((document) => b.has(document)).length / most;
    }),
  );
}

function main() {
  const { values, positionals } = parseArgs({
    options: { queries: { type: "string" }, qrels: { type: "string" } },
    allowPositionals: true,
  });
  const queries = readQueries(values.queries);
  const qrels = readQrels(values.qrels);
  const judged = queries.filter(({ id }) => qrels.has(id));
  const sets = { all: judged };
  if (judged.some(({ kind }) => kind === "drawn")) {
    sets.judged = judged.filter(({ kind }) => kind !== "drawn");
    sets.drawn = judged.filter(({ kind }) => kind === "drawn");
  }
  const rows = positionals.flatMap((path) =>
    Object.entries(sets).map(([name, some]) => {
      const means = evaluate(some, qrels, readRankings(path));
      const fixed = Object.entries(means).map(([key, value]) =>
        key === "n_queries" ? value : value.toFixed(4),
      );
      return [`${path.split("/").at(-1)} ${name}`, ...fixed];
    }),
  );
  console.log(
    table(
      ["ranking", "queries", "ndcg@10", "recall@10", "mrr@10", "hit@1", "hit@10", "empty"],
      rows,
    ),
  );
  if (positionals.length === 2) {
    const [left, right] = positionals.map(readRankings);
    console.log(`\nfirst ten in common: ${overlap(judged, left, right).toFixed(3)}`);
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  main();
}
