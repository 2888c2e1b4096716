// Two encoders in turns: milliseconds a call by number of tokens. Runs in Node and in pages.

const TOKENS = [8, 16, 32, 128];
const ROUNDS = 7;

/** Rows of `{ tokens, littoral_ms, onnxruntime_ms, ratio }`. `now` gives milliseconds. */
export async function measure({ encoder, ort, graphs, now }) {
  const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all" };
  ort.env.wasm.numThreads = 1;
  const sessions = [];
  for (const graph of graphs) sessions.push(await ort.InferenceSession.create(graph, options));
  const rows = [];
  for (const n of TOKENS) {
    // Any tokens cost the same.
    const tokens = Uint32Array.from({ length: n }, (_, i) => 1000 + i * 131);
    const ids = new ort.Tensor("int64", BigInt64Array.from(tokens, BigInt), [1, n]);
    const calls = [() => encoder.encode(tokens), ...sessions.map((each) => () => each.run({ input_ids: ids }))];
    const best = calls.map(() => Infinity);
    const runs = Math.max(Math.round(256 / n), 3);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [i, call] of calls.entries()) {
        const start = now();
        for (let run = 0; run < runs; run += 1) await call();
        best[i] = Math.min(best[i], (now() - start) / runs);
      }
    }
    const [own, ...peers] = best;
    const peer = Math.min(...peers);
    const rounded = (value) => Number(value.toFixed(2));
    rows.push({ tokens: n, littoral_ms: rounded(own), onnxruntime_ms: rounded(peer), ratio: rounded(peer / own) });
  }
  return rows;
}
