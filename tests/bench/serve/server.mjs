// A server of the program on a free port, what to ask it, and one request to it.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";

/** Starts `littoral serve` and gives its address and an end. */
export function start(littoral, index, host, ...more) {
  return started([littoral, "serve", index, "--addr", "127.0.0.1:0", "--host", host, ...more]);
}

/** The same on one core, and this process on another, so that who asks takes nothing from who answers. */
export function startApart(littoral, index, host, ...more) {
  execFileSync("taskset", ["-acp", "1", String(process.pid)], { stdio: "ignore" });
  return started(["taskset", "-c", "0", littoral, "serve", index, "--addr", "127.0.0.1:0", "--host", host, ...more]);
}

async function started([program, ...given]) {
  const server = spawn(program, given);
  server.stderr.resume();
  for await (const line of createInterface(server.stdout)) {
    const found = /^listening on (http:\/\/\S+)/.exec(line);
    if (found) {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      return { url: found[1], end: () => (server.kill("SIGTERM"), ended) };
    }
  }
  throw new Error("the server did not start");
}

/** The paths that search for the queries of a file, JSON Lines with `text`. */
export function searches(file, mode) {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => `/search?${new URLSearchParams({ q: JSON.parse(line).text, mode })}`);
}

/** One request: its status, when all of the answer is here. */
export const ask = (url, agent) =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    }).on("error", reject);
  });

/** The time below which a share of `times` lies; `times` are sorted. */
export const at = (times, share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];

/** What `n` clients get who ask again as soon as they are answered: requests a second, times in milliseconds. */
export async function clients(n, url, paths, seconds) {
  const times = [];
  const failed = {};
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: n }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = client; performance.now() - begin < seconds * 1000; i += n) {
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
