// The packed tarball, installed as a user installs it: in Node, Deno and Bun, and through esbuild,
// Vite and webpack.
//
//   npm install && LITTORAL_INDEX=folder node --test package.test.mjs
//
// LITTORAL_INDEX   an index in English, such as the bundled documentation's
// LITTORAL_NEXT    1 to install Next too (341 MB), and to build an app with each of its bundlers

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const index = process.env.LITTORAL_INDEX;
const skip = index === undefined && "LITTORAL_INDEX names no index";
const here = fileURLToPath(new URL(".", import.meta.url));
const web = join(here, "..");
const bin = join(here, "node_modules/.bin");
const without = (name) =>
  skip || (!existsSync(join(here, "node_modules", name)) && `${name} is not installed`);

const SEARCH = `
import { open } from "littoral";
import * as pagefind from "littoral/pagefind";
const index = await open(${JSON.stringify(index)});
const { hits } = await index.search("remove a document", { k: 3 });
index.close();
await pagefind.options({ bundlePath: ${JSON.stringify(index)} });
const { results } = await pagefind.search("remove a document");
console.log(JSON.stringify([hits.length, results.length > 0]));
`;
const PAGE = `
import { open } from "littoral";
globalThis.search = async (query) => (await (await open("/littoral/")).search(query)).hits;
`;

let user;

before(() => {
  if (skip) return;
  user = mkdtempSync(join(tmpdir(), "littoral-user-"));
  const run = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8" });
  const [{ filename, files }] = JSON.parse(run(["pack", "--json", "--pack-destination", user], web));
  const names = files.map(({ path }) => path);
  assert(names.includes("pkg/LICENSE-MIT") && names.includes("pkg/LICENSE-APACHE"));
  assert(names.includes("ts/browser.ts"), "sources are in the package");
  writeFileSync(join(user, "package.json"), '{ "private": true, "type": "module" }');
  run(["install", "--no-audit", "--no-fund", "--offline", `./${filename}`], user);
  writeFileSync(join(user, "search.mjs"), SEARCH);
  writeFileSync(join(user, "page.js"), PAGE);
  writeFileSync(join(user, "index.html"), '<!doctype html><script type="module" src="/page.js"></script>');
});

after(() => user && rmSync(user, { recursive: true }));

const ran = (program, args) => {
  const out = execFileSync(program, args, { cwd: user, encoding: "utf8", timeout: 120_000 });
  assert.deepEqual(JSON.parse(out.trim().split("\n").at(-1)), [3, true]);
};

test("Node searches", { skip }, () => ran(process.execPath, ["search.mjs"]));

test("Deno searches", { skip: without("deno") }, () =>
  ran(join(bin, "deno"), ["run", "--allow-read", "--no-remote", "search.mjs"]));

test("Bun searches", { skip: without("bun") }, () => ran(join(bin, "bun"), ["run", "search.mjs"]));

/** The names of all files below a folder. */
const built = (folder) => readdirSync(join(user, folder), { recursive: true }).map(String);

test("esbuild bundles a page and leaves the files it names to be copied", { skip: without("esbuild") }, async () => {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: user,
    entryPoints: ["page.js"],
    outdir: "esbuild",
    bundle: true,
    format: "esm",
    splitting: true,
    logLevel: "silent",
  });
  const text = built("esbuild").map((name) => readFileSync(join(user, "esbuild", name), "utf8")).join("");
  assert.match(text, /new URL\("\.\/worker\.js", ?import\.meta\.url\)/);
});

test("esbuild bundles a worker of Cloudflare's with its modules", { skip: without("esbuild") }, async () => {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: user,
    entryPoints: ["page.js"],
    outdir: "workerd",
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker"],
    loader: { ".wasm": "copy" },
    logLevel: "silent",
  });
  assert.equal(built("workerd").filter((name) => name.endsWith(".wasm")).length, 4);
});

test("Vite builds a page with worker and modules", { skip: without("vite") }, async () => {
  const { build } = await import("vite");
  await build({ root: user, logLevel: "error", build: { outDir: "vite", assetsInlineLimit: 0 } });
  const names = built("vite").join(" ");
  assert.match(names, /worker-[\w-]+\.js/);
  assert.match(names, /littoral-[\w-]+\.wasm/);
  assert.match(names, /littoral-languages-[\w-]+\.wasm/);
  assert.match(names, /littoral-rest-[\w-]+\.wasm/);
});

test("webpack builds a page with worker and modules", { skip: without("webpack") }, async () => {
  const { default: webpack } = await import("webpack");
  mkdirSync(join(user, "webpack"));
  const stats = await new Promise((resolve, reject) =>
    webpack(
      { context: user, mode: "production", entry: "./page.js", output: { path: join(user, "webpack") } },
      (error, stats) => (error ? reject(error) : resolve(stats)),
    ),
  );
  assert.deepEqual(stats.toJson().errors, []);
  assert.equal(built("webpack").filter((name) => name.endsWith(".wasm")).length, 6);
});

const NEXT = ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"];
const APP = {
  "layout.js": "export default ({ children }) => <html lang='en'><body>{children}</body></html>;",
  "page.js": "import Search from './search';\nexport default () => <main><Search /></main>;",
  "search.js": `"use client";
import { useEffect, useState } from "react";
import { open } from "littoral";
import "littoral/element";

export default function Search() {
  const [n, setN] = useState();
  useEffect(() => {
    open("/littoral/").then((index) => index.search("tide")).then(({ hits }) => setN(hits.length));
  }, []);
  return <><littoral-search src="/littoral/" />{n}</>;
}
`,
};
const noNext = skip || (process.env.LITTORAL_NEXT !== "1" && "LITTORAL_NEXT is not 1");

test("Next builds a page, prerendered on the server, with either bundler", { skip: noNext }, () => {
  const app = join(user, "next");
  mkdirSync(join(app, "app"), { recursive: true });
  writeFileSync(join(app, "package.json"), '{ "private": true }');
  for (const [name, text] of Object.entries(APP)) writeFileSync(join(app, "app", name), text);
  const packed = readdirSync(user).find((name) => name.endsWith(".tgz"));
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  const run = (program, args) => execFileSync(program, args, { cwd: app, env, encoding: "utf8", stdio: "pipe" });
  run("npm", ["install", "--no-audit", "--no-fund", `../${packed}`, ...NEXT]);
  for (const bundler of ["--turbopack", "--webpack"]) {
    run(process.execPath, ["node_modules/next/dist/bin/next", "build", bundler]);
    const names = built("next/.next/static").filter((name) => name.endsWith(".wasm"));
    assert(names.some((name) => /littoral\.[\w-]+\.wasm$/.test(name)), names.join(" "));
  }
});
