// What each part of a training is worth: one after another is changed, and what comes of it is measured on
// held-out queries, which play no part in training.
//
//   node tune/ablate.mjs [--littoral PROGRAM] [--collection stackfaq] [--split train] [--seed 1]
//                        [--target table|encoder] [--model FOLDER] [--only REGEX] [--work DIR] [--out FILE]
//                        [-- OPTIONS OF tune train]
//
// Fewer pairs are the first of all in a drawn order. Options behind -- are for all trainings alike.

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runner } from "../lib/program.mjs";
import { random, shuffled } from "../lib/random.mjs";
import { table } from "../lib/table.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    littoral: { type: "string", default: "../../target/release/littoral" },
    collection: { type: "string", default: "stackfaq" },
    split: { type: "string", default: "train" },
    seed: { type: "string", default: "1" },
    target: { type: "string", default: "table" },
    model: { type: "string" },
    only: { type: "string", default: "" },
    work: { type: "string" },
    out: { type: "string" },
  },
});
const data = process.env.LITTORAL_DATA ?? "../shared/data";
const work = values.work ?? mkdtempSync(join(tmpdir(), "littoral-bench-"));
const littoral = runner(values.littoral);

const index = join(work, `${values.collection}-${values.target}`);
const embedder = values.target === "table" ? [] : ["--embedder", "minilm"];
if (!existsSync(join(index, "littoral.json"))) {
  littoral("build", join(data, values.collection, "corpus.jsonl"), "-o", index, ...embedder);
}
const pairs = join(work, `${values.collection}-pairs`);
const source = ["--data", join(data, values.collection), "--split", values.split];
littoral("tune", "prepare", index, "-o", pairs, ...source, "--seed", values.seed, "--force");
const rows = readFileSync(join(pairs, "train.jsonl"), "utf8").trim().split("\n");

/** A copy of the pairs with other rows to train on. */
function withRows(changed) {
  const folder = join(work, `${values.collection}-ablated`);
  rmSync(folder, { recursive: true, force: true });
  cpSync(pairs, folder, { recursive: true });
  writeFileSync(join(folder, "train.jsonl"), `${changed.join("\n")}\n`);
  return folder;
}

const drawn = shuffled(rows, random(Number(values.seed)));
const withoutNegatives = (row) =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(JSON.parse(row)).filter(([name]) => !name.startsWith("negative")),
    ),
  );
const fewer = [500, 1000, 2000, 5000].filter((n) => n < rows.length);
const variants = [
  ["all", pairs, []],
  ...fewer.map((n) => [`${n} pairs`, () => withRows(drawn.slice(0, n)), []]),
  ["no hard negatives", () => withRows(rows.map(withoutNegatives)), []],
  ...["0.02", "0.1", "0.2"].map((t) => [`temperature ${t}`, pairs, ["--temperature", t]]),
  ...(values.target === "table"
    ? [
        ["no pull", pairs, ["--pull", "0"]],
        ["nothing held", pairs, ["--hold", "0"]],
        ["not their own", pairs, ["--own", "0"]],
        ["the map alone", pairs, ["--move-rate", "0"]],
        ["rows alone", pairs, ["--map-rate", "0"]],
      ]
    : [
        ...["2", "32"].map((n) => [`rank ${n}`, pairs, ["--rank", n, "--alpha", `${2 * n}`]]),
        [
          "all matrices",
          pairs,
          ["--matrices", "query,key,value,attention-output,intermediate,output"],
        ],
        ["3 negatives", pairs, ["--negatives", "3"]],
      ]),
].filter(([name]) => name.match(values.only));

const reports = [];
for (const [name, folder, changes] of variants) {
  const tuned = join(work, `${values.collection}-tuned`);
  rmSync(tuned, { recursive: true, force: true });
  const target =
    values.target === "table"
      ? ["--index", index]
      : ["--target", values.target, "--model", values.model];
  const from = typeof folder === "function" ? folder() : folder;
  const options = [...positionals, ...changes];
  const trained = littoral("tune", "train", from, "-o", tuned, ...target, ...options);
  const measured = littoral("tune", "eval", tuned, from, "--index", index);
  reports.push({ name, trained, measured });
  console.error(name);
}

const points = (value) => (100 * value).toFixed(1);
const after = (leg) => points(leg.after["ndcg@10"]);
const change = (leg) => `${leg.difference.mean >= 0 ? "+" : ""}${points(leg.difference.mean)}`;
const lines = reports.map(({ name, trained, measured }) => [
  name,
  trained.record.n_pairs,
  after(measured.held_out.dense),
  change(measured.held_out.dense),
  measured.held_out.dense.difference.p.toFixed(3),
  after(measured.held_out.hybrid),
  change(measured.held_out.hybrid),
  measured.held_out.hybrid.difference.p.toFixed(3),
  change(measured.general.hybrid),
  measured.gate.passed ? "passed" : measured.gate.refusals.map((r) => r.code).join(" "),
  trained.record.best_step,
  trained.seconds.toFixed(0),
]);
const header = ["nDCG@10, held out", "pairs", "dense", "", "p", "hybrid", "", "p", "general", "gate", "best", "seconds"];
console.log(table(header, lines));
if (values.out) {
  writeFileSync(values.out, `${JSON.stringify(reports, null, 1)}\n`);
}
