// An index without a query table, searched with the model that encoded it: run like encoder.mjs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

const { LITTORAL_EMBEDDER_FOLDER: folder, LITTORAL_EMBEDDER_CASES: file } = process.env;
const skip = folder === undefined && "run by: cargo test -p littoral-tests --test encoder";

const littoral = skip ? undefined : await import("../pkg/node.js");
const at = (name) => join(folder ?? "", name);
const codes = ({ notes }) => notes.map(({ code }) => code);

test("hits and scores are those of the program, from a path and from bytes", { skip }, async () => {
  const path = at("leaf-8.litmodel");
  for (const embedder of [path, await readFile(path)]) {
    const index = await littoral.open(at("ix"), { embedder });
    for (const { query, expected } of JSON.parse(await readFile(file, "utf8"))) {
      for (const [mode, { hits, notes }] of Object.entries(expected)) {
        const found = await index.search(query, { mode });
        assert.deepEqual(found.hits, hits, `${mode}: ${query}`);
        assert.deepEqual(found.notes, notes);
      }
    }
    index.close();
  }
});

test("what keeps the embedder from its work is said", { skip }, async () => {
  const without = await littoral.open(at("ix"));
  assert.deepEqual(codes(await without.search("tide")), ["no-encoder"]);
  await assert.rejects(without.search("tide", { mode: "dense" }), { code: "unsupported" });
  for (const [embedder, code] of [
    [at("bge-8.litmodel"), "model-mismatch"],
    [at("nowhere.litmodel"), "model-not-found"],
    [at("corpus.jsonl"), "model-corrupt"],
  ]) {
    const index = await littoral.open(at("ix"), { embedder });
    assert.deepEqual(codes(await index.search("tide")), ["no-encoder", code]);
    await assert.rejects(index.search("tide", { mode: "dense" }), { code });
    assert.deepEqual(codes(await index.search("tide", { mode: "lexical" })), []);
  }
});
