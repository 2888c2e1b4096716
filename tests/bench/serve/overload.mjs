// What `littoral serve` does when more is asked than it can answer, and when 2,000 sockets say nothing.
//
//   node serve/overload.mjs --index DIR --queries FILE [--littoral PROGRAM] [--host sandbox] [--seconds 120]
//                           [--sockets 2000] [--mode hybrid] [--together] [--out FILE]
//
// The server runs on one core and what asks it on another; --together leaves both to the system.
// Capacity is what eight clients get who ask again as soon as they are answered. Then requests begin at given
// times, whether those before are answered or not: at 0.8 of the capacity, at three times, and at 0.8
// again while the sockets are open, each of which sends a byte of a header each second (slow.mjs).

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { table } from "../lib/table.mjs";
import { ask, at, clients, searches, start, startApart } from "./server.mjs";

const { values } = parseArgs({
  options: {
    littoral: { type: "string", default: "../../target/release/littoral" },
    index: { type: "string" },
    queries: { type: "string" },
    host: { type: "string", default: "sandbox" },
    seconds: { type: "string", default: "120" },
    sockets: { type: "string", default: "2000" },
    mode: { type: "string", default: "hybrid" },
    together: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
if (!values.index || !values.queries) {
  console.error("usage: node serve/overload.mjs --index DIR --queries FILE [--littoral PROGRAM] [--out FILE]");
  process.exit(2);
}
const paths = searches(values.queries, values.mode);
const [seconds, n_sockets] = [values.seconds, values.sockets].map(Number);
const CLIENTS = 8;
/** Seconds of load before anything is measured, for caches, and of each load but the heavy one. */
const WARM_UP = 20;
const STEADY = 15;

/** Requests that begin `rate` times a second, whatever becomes of those before. */
async function load(url, rate, time) {
  const agent = new Agent({ keepAlive: true });
  const [times, other, open] = [[], {}, new Set()];
  const begin = performance.now();
  const one = async (path) => {
    const start = performance.now();
    const status = await ask(url + path, agent).catch((error) => error.code);
    if (status === 200) times.push(performance.now() - start);
    else other[status] = (other[status] ?? 0) + 1;
  };
  for (let n = 0; n < rate * time; ) {
    const due = Math.min(rate * time, ((performance.now() - begin) / 1000) * rate);
    for (; n < due; n += 1) {
      const asked = one(paths[n % paths.length]).finally(() => open.delete(asked));
      open.add(asked);
    }
    await sleep(2);
  }
  await Promise.all(open);
  agent.destroy();
  times.sort((a, b) => a - b);
  return { asked: rate, good: times.length / time, p50_ms: at(times, 0.5), p99_ms: at(times, 0.99), other };
}

/** Opens the sockets, from a process of their own; gives the seconds after which the last was closed by the
 * server. */
async function slow(url) {
  const script = fileURLToPath(new URL("./slow.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, url, values.sockets]);
  return Number(stdout);
}

const begin = values.together ? start : startApart;
const { url, end } = await begin(values.littoral, values.index, values.host);
await clients(CLIENTS, url, paths, WARM_UP);
const { per_second: most } = await clients(CLIENTS, url, paths, STEADY);
const steady = await load(url, 0.8 * most, STEADY);
const heavy = await load(url, 3 * most, seconds);
await sleep(2000);
const [besides, longest] = await Promise.all([load(url, 0.8 * most, STEADY), slow(url)]);
await end();

const report = {
  host: values.host,
  mode: values.mode,
  capacity: most,
  steady,
  heavy: { ...heavy, share_of_capacity: heavy.good / most, p99_ratio: heavy.p99_ms / steady.p99_ms },
  slow: { ...besides, sockets: n_sockets, closed_after_s: longest, p99_ratio: besides.p99_ms / steady.p99_ms },
};
if (values.out) writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
const row = (name, r) => [
  name,
  r.asked.toFixed(0),
  r.good.toFixed(0),
  r.p50_ms.toFixed(1),
  r.p99_ms.toFixed(1),
  Object.entries(r.other).map(([code, n]) => `${n} × ${code}`).join(" ") || "–",
];
const rows = [row("0.8 of capacity", steady), row("3 times capacity", heavy), row(`${n_sockets} slow sockets`, besides)];
console.log(`capacity: ${most.toFixed(0)} requests/s, ${values.host}, ${CLIENTS} clients on the same machine`);
console.log(table(["load", "asked/s", "answered/s", "p50 ms", "p99 ms", "refused"], rows));
console.log(`three times: ${report.heavy.share_of_capacity.toFixed(2)} of capacity, p99 ${report.heavy.p99_ratio.toFixed(2)} ×`);
console.log(`slow sockets: the last closed after ${longest.toFixed(1)} s, p99 ${report.slow.p99_ratio.toFixed(2)} ×`);
