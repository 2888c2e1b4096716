// Hybrid search beside other engines: queries a second on one thread, at the quality each reaches.
//
//   node hybrid/run.mjs --data BEIR_DIR --vectors DIR --index INDEX [--split test] [--rounds 3]
//                       [--littoral PROGRAM] [--sandbox PROGRAM] [--python python3] [--out FILE]
//
// DIR is what the example `dense` of `littoral-tests` exports of the collection, INDEX what `littoral build`
// makes of its corpus with a query table; `--sandbox` is the example of that name. The peers are given
// the vectors of the queries; Littoral makes them, by its table, in the time that is measured.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readQrels, readQueries } from "../lib/beir.mjs";
import { evaluate } from "../lib/metrics.mjs";
import { table } from "../lib/table.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    split: { type: "string", default: "test" },
    vectors: { type: "string" },
    index: { type: "string" },
    littoral: { type: "string", default: "../../target/release/littoral" },
    sandbox: { type: "string", default: "../../target/release/examples/sandbox" },
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "3" },
    out: { type: "string" },
  },
});
if (!values.data || !values.vectors || !values.index) {
  console.error("usage: node hybrid/run.mjs --data BEIR_DIR --vectors DIR --index INDEX [--split test] [--out FILE]");
  process.exit(2);
}
const run = (program, ...args) =>
  JSON.parse(execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }));
const here = (name) => join(import.meta.dirname, name);

const judged = join(values.data, "qrels", `${values.split}.tsv`);
const qrels = readQrels(judged);
const queries = readQueries(join(values.data, "queries.jsonl")).filter(({ id }) => qrels.has(id));
const shared = ["--data", values.data, "--split", values.split, "--vectors", values.vectors, "--rounds", values.rounds];

const rows = [];
const peers = { Orama: ["node", here("orama.mjs")], "tantivy + usearch": [values.python, here("glue.py")] };
for (const [name, [program, script]] of Object.entries(peers)) {
  const { per_second, found } = run(program, script, ...shared);
  const quality = evaluate(queries, qrels, new Map(Object.entries(found)));
  rows.push({ name, per_second, ndcg: quality["ndcg@10"] });
}
const folder = mkdtempSync(join(tmpdir(), "littoral-"));
const asked = join(folder, "queries.jsonl");
writeFileSync(asked, queries.map(({ id, text }) => JSON.stringify({ _id: id, text })).join("\n"));
const own = run(values.sandbox, values.index, asked, "hybrid", values.rounds);
const judging = ["--queries", asked, "--qrels", judged, "--modes", "hybrid", "--json"];
const ndcg = run(values.littoral, "eval", values.index, ...judging).runs[0].metrics["ndcg@10"];
rmSync(folder, { recursive: true });
for (const host of ["sandbox", "native"]) {
  rows.push({ name: `Littoral, ${host}`, per_second: own[`${host}_per_second`], ndcg });
}

if (values.out) writeFileSync(values.out, `${JSON.stringify(rows, null, 1)}\n`);
console.log(`${queries.length} queries, hybrid, one thread`);
const beside = (rate, row) => (rate / row.per_second).toFixed(2);
console.log(
  table(
    ["engine", "queries/s", "nDCG@10", "sandbox / it", "native / it"],
    rows.map((row) => [
      row.name,
      row.per_second.toFixed(0),
      row.ndcg.toFixed(4),
      beside(own.sandbox_per_second, row),
      beside(own.native_per_second, row),
    ]),
  ),
);
