import assert from "node:assert/strict";
import { test } from "node:test";

import { evaluate, measure, percentile } from "./metrics.mjs";
import { random, shuffled } from "./random.mjs";
import { contentWords, misspell, misspellings, TYPO_KINDS } from "./typos.mjs";

function distance(a, b) {
  // Optimal string alignment: one transposition is one edit.
  const d = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j += 1) {
    d[0][j] = j;
  }
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.length][b.length];
}

test("the same seed gives the same numbers", () => {
  assert.deepEqual(shuffled([1, 2, 3, 4, 5], random(7)), shuffled([1, 2, 3, 4, 5], random(7)));
});

test("content words have four letters and are no stop words", () => {
  const query = "why does the flex-box grow with É tudes";
  assert.deepEqual(
    contentWords(query).map(([start, end]) => query.slice(start, end)),
    ["flex", "grow", "tudes"],
  );
});

test("every misspelling is exactly one edit away and keeps the first letter", () => {
  const queries = [
    "keep width to height proportion",
    "Assignment to constant variable",
    "bookkeeper",
  ];
  for (const kind of TYPO_KINDS) {
    for (const query of queries) {
      for (let seed = 0; seed < 50; seed += 1) {
        const text = misspell(query, kind, seed);
        assert.equal(distance(query, text), 1, `${kind}: ${text}`);
        assert.equal(misspell(query, kind, seed), text);
      }
    }
  }
});

test("a query without content words has no misspelling", () => {
  assert.deepEqual(misspellings([{ id: "1", text: "how to do it" }], 1), []);
});

test("metrics follow trec_eval", () => {
  const grades = new Map([
    ["a", 1],
    ["b", 0],
    ["c", 3],
    ["d", 2],
  ]);
  const metrics = measure(["a", "b", "c"], grades);
  const ideal = 3 + 2 / Math.log2(3) + 1 / 2;
  assert.ok(Math.abs(metrics["ndcg@10"] - 2.5 / ideal) < 1e-12);
  assert.ok(Math.abs(metrics["recall@10"] - 2 / 3) < 1e-12);
  const means = evaluate([{ id: "1" }, { id: "2" }], new Map([["1", grades]]), new Map());
  assert.deepEqual([means.n_queries, means["hit@10"]], [1, 0]);
});

test("percentiles are measured values", () => {
  assert.equal(percentile([4, 1, 3, 2], 50), 2);
  assert.equal(percentile([], 50), 0);
});
