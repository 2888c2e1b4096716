// The real runtimes, each serving a bundle: Node, Deno, Bun, and workerd under miniflare.

import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const bin = (name) => join(here, "node_modules/.bin", name);
const lacks = (name) => !existsSync(join(here, "node_modules", name)) && `${name} is not installed in web/checks`;

/** By name: the target of its bundle, why it cannot run here, and what starts it. */
export const RUNTIMES = {
  node: { target: "node", skip: false, start: (folder, env) => program(process.execPath, ["server.js"], folder, env) },
  deno: {
    target: "deno",
    skip: lacks("deno"),
    start: (folder, env) =>
      program(bin("deno"), ["run", "--allow-net", "--allow-env", "--allow-read", "--no-remote", "server.js"], folder, env),
  },
  bun: { target: "bun", skip: lacks("bun"), start: (folder, env) => program(bin("bun"), ["run", "server.js"], folder, env) },
  workerd: { target: "cloudflare", skip: lacks("miniflare"), start: (folder, env) => workerd(folder, { bindings: env }) },
};

/** Starts a program that says `listening on URL`; gives its address, its process and an end. */
export async function program(command, args, cwd, env = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, NODE_TEST_CONTEXT: "", PORT: "0", ...env } });
  const said = [];
  child.stderr.on("data", (data) => said.push(String(data)));
  const ended = new Promise((resolve) => child.once("close", resolve));
  for await (const line of createInterface(child.stdout)) {
    const [, url] = /^listening on (http:\S+)/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stdout.resume();
    const stop = () => {
      child.kill("SIGTERM");
      return ended;
    };
    return { url, pid: child.pid, said, stop };
  }
  throw new Error(`${command} did not listen: ${said.join("")}`);
}

/** A module that remembers the memories of WebAssembly and answers how large they are. */
const WATCH = `
const memories = new Set();
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  for (const each of Object.values((made.instance ?? made).exports)) {
    if (each instanceof WebAssembly.Memory) memories.add(each);
  }
  return made;
};
export const bytes = () => [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
`;
const WATCHED = `
import { bytes } from "./watch.js";
import worker from "./worker.js";
export default {
  fetch: (request, ...more) =>
    new URL(request.url).pathname === "/memory" ? new Response(String(bytes())) : worker.fetch(request, ...more),
};
`;

/** Runs the worker of a bundle in workerd. `GET /memory` says how large its WebAssembly memories are.
 * \`host\` replaces its assets by a function that gives a file's bytes, for counting. */
export async function workerd(folder, { bindings = {}, file, buckets, namespaces } = {}) {
  const { Miniflare } = await import("miniflare");
  const { compatibility_date: compatibilityDate } = JSON.parse(readFileSync(join(folder, "wrangler.json"), "utf8"));
  const module = (path, type, contents) => ({ type, path: join(folder, path), contents: contents ?? readFileSync(join(folder, path)) });
  const names = ["worker.js", "config.js", "openapi.js", ...readdirSync(join(folder, "js")).map((name) => `js/${name}`)];
  const flare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    modulesRoot: folder,
    modules: [
      module("watched.js", "ESModule", WATCHED),
      module("watch.js", "ESModule", WATCH),
      ...names.filter((name) => name.endsWith(".js")).map((name) => module(name, "ESModule")),
      ...names.filter((name) => name.endsWith(".wasm")).map((name) => module(name, "CompiledWasm")),
    ],
    compatibilityDate,
    bindings,
    ...(file && { serviceBindings: { ASSETS: file } }),
    ...(buckets && { r2Buckets: buckets }),
    ...(namespaces && { kvNamespaces: namespaces }),
    ...(!file && existsSync(join(folder, "public")) && {
      assets: {
        directory: join(folder, "public"),
        binding: "ASSETS",
        routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true },
      },
    }),
  });
  const url = (await flare.ready).origin;
  return { url, flare, said: [], stop: () => flare.dispose() };
}

/** The files of a bundle's assets for {@link workerd}, counted: in all, and most at a time. */
export function counted(folder) {
  const count = { total: 0, now: 0, most: 0 };
  const file = async (request) => {
    count.total += 1;
    count.now += 1;
    count.most = Math.max(count.most, count.now);
    try {
      // As long as a store takes, so that requests overlap as they do there.
      await new Promise((resolve) => setTimeout(resolve, 2));
      return new Response(await readFile(join(folder, "public", decodeURIComponent(new URL(request.url).pathname))));
    } catch {
      return new Response(null, { status: 404 });
    } finally {
      count.now -= 1;
    }
  };
  return { count, file };
}
