// The engine by WebAssembly against the native one: run by `cargo test -p littoral-tests`, which
// builds the index and says what is expected.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const { LITTORAL_PARITY_INDEX: folder, LITTORAL_PARITY_CASES: file } = process.env;
const skip = folder === undefined && "run by: cargo test -p littoral-tests --test parity";

/** The answer of an index to a case in the form of what is expected: JSON text without the time. */
async function answer(index, { query, options }) {
  try {
    const result = await index.search(query, options);
    assert(result.timings_ms.total > 0);
    result.timings_ms.total = 0;
    return { json: JSON.stringify(result) };
  } catch ({ code, message }) {
    return { code, message };
  }
}

/** What is expected, with numbers as JavaScript writes them: each digit of a double. */
const written = ({ json, ...error }) =>
  json === undefined ? error : { json: JSON.stringify(JSON.parse(json)) };

test("every query gives the native result, one after the other and all at once", { skip }, async () => {
  const { open } = await import("../pkg/node.js");
  const cases = JSON.parse(await readFile(file, "utf8"));
  const index = await open(folder);
  for (const each of cases) {
    const found = await answer(index, each);
    assert.deepEqual(found, written(each.expected), `${each.query} ${JSON.stringify(each.options)}`);
  }
  index.close();

  // Nothing is cached in a second index, so searches wait for their files and take turns.
  const fresh = await open(folder);
  const found = await Promise.all(cases.map((each) => answer(fresh, each)));
  assert.deepEqual(found, cases.map((each) => written(each.expected)));
});
