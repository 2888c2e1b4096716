// What tuning the query table gains on judged queries that were held out, and what it costs.
//
//   node tune/run.mjs [--littoral PROGRAM] [--collections stackfaq,scifact] [--seeds 1,2,3]
//                     [--work DIR] [--out FILE] [-- OPTIONS OF tune train]
//
// Of each collection the split "train" is cut anew, by document, for each seed. What is reported is
// measured on the held-out side, which plays no part in training. With --work, indexes that are there
// are used again.

import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runner } from "../lib/program.mjs";
import { table } from "../lib/table.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    littoral: { type: "string", default: "../../target/release/littoral" },
    collections: { type: "string", default: "stackfaq,scifact" },
    seeds: { type: "string", default: "1" },
    work: { type: "string" },
    out: { type: "string" },
  },
});
const data = process.env.LITTORAL_DATA ?? "../shared/data";
const work = values.work ?? mkdtempSync(join(tmpdir(), "littoral-bench-"));
const littoral = runner(values.littoral);

const reports = [];
for (const name of values.collections.split(",")) {
  const index = join(work, name);
  if (!existsSync(join(index, "littoral.json"))) {
    littoral("build", join(data, name, "corpus.jsonl"), "-o", index);
  }
  for (const seed of values.seeds.split(",")) {
    const pairs = join(work, `${name}-${seed}`);
    const tuned = `${pairs}.tuned`;
    const source = ["--data", join(data, name), "--split", "train"];
    const prepared = littoral("tune", "prepare", index, "-o", pairs, ...source, "--seed", seed, "--force");
    const trained = littoral("tune", "train", pairs, "--index", index, "-o", tuned, ...positionals);
    const measured = littoral("tune", "eval", tuned, "--index", index);
    reports.push({ name, seed, prepared, trained, measured });
  }
}

const points = (leg) => `${(100 * leg.before["ndcg@10"]).toFixed(1)} → ${(100 * leg.after["ndcg@10"]).toFixed(1)}`;
const change = (leg) => `${leg.difference.mean >= 0 ? "+" : ""}${(100 * leg.difference.mean).toFixed(1)}`;
const rows = reports.map(({ name, seed, prepared, trained, measured }) => [
  `${name} ${seed}`,
  prepared.counts.train_pairs,
  measured.held_out.n_queries,
  points(measured.held_out.dense),
  change(measured.held_out.dense),
  measured.held_out.dense.difference.p.toFixed(3),
  points(measured.held_out.hybrid),
  change(measured.held_out.hybrid),
  measured.held_out.hybrid.difference.p.toFixed(3),
  change(measured.general.hybrid),
  measured.gate.passed ? "passed" : measured.gate.refusals.map((refusal) => refusal.code).join(" "),
  `${trained.record.best_step} steps`,
  trained.seconds.toFixed(0),
]);
const header = ["nDCG@10, held out", "pairs", "queries", "dense", "", "p", "hybrid", "", "p", "general", "gate", "best", "seconds"];
console.log(table(header, rows));
if (values.out) {
  writeFileSync(values.out, `${JSON.stringify(reports, null, 1)}\n`);
}
