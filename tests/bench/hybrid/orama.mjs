// Hybrid search by Orama in this process: what `run.py` compares with.
//
//   node orama.mjs --data BEIR_DIR --split SPLIT --vectors DIR [--rounds 3]
//
// DIR holds `base.f32` and `queries.f32`, one vector of 384 dimensions for each line of the corpus and
// of the queries. One JSON object: queries a second of the best round, and the first ten of each query.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { create, insertMultiple, search } from "@orama/orama";
import { readQrels, readQueries } from "../lib/beir.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    split: { type: "string", default: "test" },
    vectors: { type: "string" },
    rounds: { type: "string", default: "3" },
  },
});
const DIMS = 384;
const lines = (file) => readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const rows = (name) => {
  const bytes = readFileSync(join(values.vectors, name));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return (i) => Array.from(all.subarray(i * DIMS, (i + 1) * DIMS));
};

const [base, asked] = [rows("base.f32"), rows("queries.f32")];
const documents = lines(join(values.data, "corpus.jsonl")).map((document, i) => ({
  id: String(document._id),
  title: document.title ?? "",
  text: document.text,
  embedding: base(i),
}));
const qrels = readQrels(join(values.data, "qrels", `${values.split}.tsv`));
const queries = readQueries(join(values.data, "queries.jsonl"))
  .map((query, i) => ({ ...query, vector: asked(i) }))
  .filter((query) => qrels.has(query.id));

const db = create({
  schema: { title: "string", text: "string", embedding: `vector[${DIMS}]` },
  components: { tokenizer: { language: "english", stemming: true } },
});
const begin = performance.now();
await insertMultiple(db, documents, 500);
const built = (performance.now() - begin) / 1000;

const ask = (query) =>
  search(db, {
    mode: "hybrid",
    term: query.text,
    vector: { value: query.vector, property: "embedding" },
    // No hit is left out for its cosine: rankings are compared, not thresholds.
    similarity: 0,
    boost: { title: 2 },
    limit: 10,
  });
const found = {};
let best = Number.POSITIVE_INFINITY;
for (let round = 0; round < Number(values.rounds); round += 1) {
  const start = performance.now();
  for (const query of queries) {
    const result = await ask(query);
    found[query.id] = result.hits.map((hit) => hit.document.id);
  }
  best = Math.min(best, performance.now() - start);
}
console.log(JSON.stringify({ per_second: (queries.length / best) * 1000, build_seconds: built, found }));
