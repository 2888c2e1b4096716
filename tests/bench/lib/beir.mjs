// Queries and judgements in BEIR layout.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** [{ id, text, kind }] of a queries.jsonl; `kind` is its metadata.kind, or "query". */
export function readQueries(path) {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line))
    .map(({ _id, text, metadata }) => ({ id: String(_id), text, kind: metadata?.kind ?? "query" }));
}

/** Map of query id to Map of document id to grade, from a three-column qrels file. */
export function readQrels(path) {
  const qrels = new Map();
  for (const line of readFileSync(path, "utf8").split(/\r?\n/)) {
    const [query, document, grade] = line.split("\t");
    if (document === undefined || !/^-?\d+$/.test(grade)) {
      continue;
    }
    if (!qrels.has(query)) {
      qrels.set(query, new Map());
    }
    qrels.get(query).set(document, Number(grade));
  }
  return qrels;
}

export function writeQueries(path, queries) {
  write(
    path,
    queries.map(({ id, text, kind }) => JSON.stringify({ _id: id, text, metadata: { kind } })),
  );
}

/** `rename` maps each document id, such as from Markdown to HTML paths. */
export function writeQrels(path, qrels, rename = (id) => id) {
  const lines = ["query-id\tcorpus-id\tscore"];
  for (const [query, grades] of qrels) {
    for (const [document, grade] of grades) {
      lines.push(`${query}\t${rename(document)}\t${grade}`);
    }
  }
  write(path, lines);
}

function write(path, lines) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${lines.join("\n")}\n`);
}
