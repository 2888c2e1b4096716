// Runs a program and measures what it took.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc/PID/stat; 100 on every Linux this runs on. */
const TICKS_PER_SECOND = 100;

/**
 * Runs `command`; resolves to { seconds, cpu_seconds, peak_rss_bytes, output }. CPU time and memory
 * are sampled from /proc every 5 ms (null elsewhere); rejects if the program fails.
 */
export function runMeasured(command, args) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let last = { cpu_seconds: null, peak_rss_bytes: null };
    const sample = () => {
      last = sampleProcess(child.pid) ?? last;
    };
    const timer = setInterval(sample, 5);
    sample();
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => {
      clearInterval(timer);
      reject(error);
    });
    child.on("close", (code) => {
      clearInterval(timer);
      if (code === 0) {
        resolve({ seconds: (performance.now() - started) / 1000, ...last, output });
      } else {
        reject(new Error(`${command} exited with ${code}:\n${output}`));
      }
    });
  });
}

function sampleProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, which may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    if (peak === null) {
      return null;
    }
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { cpu_seconds: ticks / TICKS_PER_SECOND, peak_rss_bytes: Number(peak[1]) * 1024 };
  } catch {
    return null;
  }
}
