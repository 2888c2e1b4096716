// Requests a second of `littoral serve`, sandboxed and native, by turns on one machine.
//
//   node serve/run.mjs --index DIR --queries FILE [--littoral PROGRAM] [--clients 4] [--seconds 5]
//                      [--rounds 3] [--mode hybrid] [--out FILE]
//
// Each client keeps a connection and asks again as soon as it is answered. Of the rounds of a host,
// the best counts.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { table } from "../lib/table.mjs";
import { clients, searches, start } from "./server.mjs";

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
const [n_clients, seconds, rounds] = [values.clients, values.seconds, values.rounds].map(Number);

const best = {};
for (let round = 0; round < rounds; round += 1) {
  for (const host of ["native", "sandbox"]) {
    const { url, end } = await start(values.littoral, values.index, host);
    await clients(n_clients, url, paths, 1); // caches
    const result = await clients(n_clients, url, paths, seconds);
    await end();
    if (!(best[host]?.per_second > result.per_second)) best[host] = result;
  }
}
const report = {
  queries: paths.length,
  clients: n_clients,
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
