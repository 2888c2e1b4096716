// Writes the misspellings of a query file as a BEIR collection of their own, for engines that are
// measured by reading one: ids are `<query id>~<kind of edit>`, judgements those of the original.
// usage: node lib/typos.cli.mjs --queries F --qrels F --out DIR [--seed 1]

import { join } from "node:path";
import { parseArgs } from "node:util";

import { readQrels, readQueries, writeQrels, writeQueries } from "./beir.mjs";
import { misspellings } from "./typos.mjs";

const { values } = parseArgs({
  options: {
    queries: { type: "string" },
    qrels: { type: "string" },
    out: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const qrels = readQrels(values.qrels);
const typos = misspellings(readQueries(values.queries), Number(values.seed)).map((typo) => ({
  ...typo,
  typoId: `${typo.id}~${typo.kind}`,
}));
writeQueries(
  join(values.out, "queries.jsonl"),
  typos.map(({ typoId, kind, text }) => ({ id: typoId, kind, text })),
);
writeQrels(
  join(values.out, "qrels", "test.tsv"),
  new Map(typos.flatMap(({ id, typoId }) => (qrels.has(id) ? [[typoId, qrels.get(id)]] : []))),
);
console.log(`${typos.length} misspelt queries in ${values.out}`);
