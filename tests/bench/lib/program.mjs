// The program, run for its JSON.

import { spawnSync } from "node:child_process";

/** What runs `program` with arguments and returns its JSON and its seconds; the exit code 1 is an answer too. */
export function runner(program) {
  return (...args) => {
    const start = performance.now();
    const run = spawnSync(program, [...args, "--json"], { maxBuffer: 1 << 28 });
    if (run.status !== 0 && run.status !== 1) {
      throw new Error(`${program} ${args.join(" ")}: ${run.stdout} ${run.stderr}`);
    }
    return { ...JSON.parse(run.stdout.toString()), seconds: (performance.now() - start) / 1000 };
  };
}
