// The encoder by WebAssembly against the native one: run by `cargo test -p littoral-tests --test
// encoder`, which packs the model and says what is expected.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const { LITTORAL_ENCODER_MODEL: model, LITTORAL_ENCODER_CASES: file } = process.env;
const skip = model === undefined && "run by: cargo test -p littoral-tests --test encoder";

const bits = (vector) => [...new Uint32Array(vector.buffer, vector.byteOffset, vector.length)];

test("every vector has the bits of the native one", { skip }, async () => {
  const { default: init, load } = await import("../pkg/encoder.js");
  const wasm = await readFile(new URL("../pkg/littoral-encoder.wasm", import.meta.url));
  await init({ module_or_path: wasm });
  const encoder = load(await readFile(model));
  for (const { text, vector, query } of JSON.parse(await readFile(file, "utf8"))) {
    assert.deepEqual(bits(encoder.embed(text)), vector, JSON.stringify(text));
    assert.deepEqual(bits(encoder.query(text)), query, JSON.stringify(text));
  }
});

test("what is no model is refused with a code", { skip }, async () => {
  const { load } = await import("../pkg/encoder.js");
  const bytes = await readFile(model);
  assert.throws(() => load(bytes.subarray(0, bytes.length - 1)), { code: "model-corrupt" });
  bytes[60] ^= 1;
  assert.throws(() => load(bytes), { code: "model-corrupt" });
  assert.throws(() => load(new Uint8Array(0)), { code: "model-corrupt" });
});
