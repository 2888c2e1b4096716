// Requests a second of `littoral serve`, sandboxed and native, by turns on one machine.
//
//   node serve/run.mjs --index DIR --queries FILE [--littoral PROGRAM] [--clients 4] [--seconds 5]
//                      [--rounds 3] [--mode hybrid] [--out FILE]
//
// Each client keeps a connection and asks again as soon as it is answered. Of the rounds of a host,
// the best counts.

import { writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { parseArgs } from "node:util";
import { table } from "../lib/table.mjs";
import { ask, at, searches, start } from "./server.mjs";

const { values } = parseArgs({
  options: {
    littoral: { type: "string", default: "../../target/release/littoral" },
    index: { type: "string" },
    queries: { type: "string" },
    clients: { type: "string", default: "4" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    mode: { type: "string", default: "hybrid" },
    out: { type: "string" },
  },
});
if (!values.index || !values.queries) {
  console.error("usage: node serve/run.mjs --index DIR --queries FILE [--littoral PROGRAM] [--out FILE]");
  process.exit(2);
}
const paths = searches(values.queries, values.mode);
const [clients, seconds, rounds] = [values.clients, values.seconds, values.rounds].map(Number);

/** Requests a second, and times in milliseconds, of one round. */
async function load(url, time) {
  const times = [];
  const failed = {};
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = client; performance.now() - begin < time * 1000; i += clients) {
        const start = performance.now();
        const status = await ask(url + paths[i % paths.length], agent);
        if (status === 200) times.push(performance.now() - start);
        else failed[status] = (failed[status] ?? 0) + 1;
      }
      agent.destroy();
    }),
  );
  const took = (performance.now() - begin) / 1000;
  times.sort((a, b) => a - b);
  return { per_second: times.length / took, p50_ms: at(times, 0.5), p99_ms: at(times, 0.99), failed };
}

const best = {};
for (let round = 0; round < rounds; round += 1) {
  for (const host of ["native", "sandbox"]) {
    const { url, end } = await start(values.littoral, values.index, host);
    await load(url, 1); // caches
    const result = await load(url, seconds);
    await end();
    if (!(best[host]?.per_second > result.per_second)) best[host] = result;
  }
}
const report = {
  queries: paths.length,
  clients,
  mode: values.mode,
  ...best,
  ratio: best.sandbox.per_second / best.native.per_second,
};
if (values.out) writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
const shown = (n) => n.toFixed(n < 100 ? 2 : 0);
console.log(
  table(
    ["host", "requests/s", "p50 ms", "p99 ms"],
    Object.entries(best).map(([host, r]) => [host, shown(r.per_second), shown(r.p50_ms), shown(r.p99_ms)]),
  ),
);
console.log(`sandbox / native: ${report.ratio.toFixed(2)}`);
