// Very many short documents, made of passages of a corpus: what memory a large build takes.
//
//   node scale/generate.mjs --from CORPUS.jsonl --out FILE.jsonl [--documents N] [--words N] [--seed N]
//
// CORPUS has one {"_id","title","text"} a line. Each document is a window of a random text, its title
// some of its words; every seventh word is replaced by one from elsewhere in the corpus, drawn as
// often as it occurs there, so that no two documents are alike and lists grow as in a real corpus.
// With at most 200 words a document is one chunk.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";

import { pick, random } from "../lib/random.mjs";

const { values } = parseArgs({
  options: {
    from: { type: "string" },
    out: { type: "string" },
    documents: { type: "string", default: "1000000" },
    words: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.from || !values.out) {
  console.error("usage: node scale/generate.mjs --from CORPUS.jsonl --out FILE.jsonl [--documents N] [--words N]");
  process.exit(2);
}

const [n_documents, n_words] = [Number(values.documents), Number(values.words)];
const next = random(Number(values.seed));
const texts = readFileSync(values.from, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line).text.split(/\s+/))
  .filter((words) => words.length > n_words);

const out = openSync(values.out, "w");
let lines = [];
for (let i = 0; i < n_documents; i += 1) {
  const text = pick(texts, next);
  const start = Math.floor(next() * (text.length - n_words));
  const words = text.slice(start, start + n_words);
  for (let at = Math.floor(next() * 7); at < n_words; at += 7) {
    words[at] = pick(pick(texts, next), next);
  }
  const title = words.slice(3, 7).join(" ");
  lines.push(JSON.stringify({ _id: `s${i}`, title, text: words.join(" ") }));
  if (lines.length === 10000 || i + 1 === n_documents) {
    writeSync(out, `${lines.join("\n")}\n`);
    lines = [];
  }
}
closeSync(out);
