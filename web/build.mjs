// Builds the npm package into web/pkg: `node web/build.mjs` from a clean clone, and prints its sizes.
//
//   cargo → wasm-bindgen → optimise → littoral.wasm and others
//   ts/   → esbuild      →            index.js, worker.js, node.js, …
//   ts/   → tsc          →            types/
//   pages/, templates/   →            pages/, templates/
//
// Needs cargo with the targets wasm32-unknown-unknown and wasm32-wasip2; installs its own tools when they are not there.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";
import { telling } from "./build/glue.mjs";
import { shortened } from "./build/names.mjs";
import { restOf } from "./build/rest.mjs";

const MODULES = [
  // In two parts; pages load the second once it is needed.
  { name: "core", file: "littoral.wasm", features: [], rest: "littoral-rest.wasm" },
  { name: "languages", file: "littoral-languages.wasm", features: ["--features", "languages"] },
  { name: "answers", file: "littoral-answers.wasm", features: ["--features", "languages,answers"] },
  // Loaded with a model alone, and made for speed.
  { name: "encoder", file: "littoral-encoder.wasm", features: [], crate: "littoral-web-encoder", own: "web-encoder" },
  // Loaded where there is much to compute, and a GPU may do it.
  { name: "gpu", file: "littoral-gpu.wasm", features: [], crate: "littoral-web-gpu", own: "web-gpu" },
  // A component for WASI-HTTP, for bundles alone.
  { name: "wasi", file: "littoral-wasi.wasm", features: [], crate: "littoral-wasi", own: "sandbox", target: "wasm32-wasip2" },
  // A component for hosts of one's own, for bundles alone; with its world, in wit/.
  { name: "component", file: "littoral-component.wasm", features: [], crate: "littoral-component", own: "sandbox", linker: "wasm-component-ld" },
  // Tells documents apart by what `Debug` writes of them.
  { name: "writer", file: "littoral-writer.wasm", features: ["--features", "languages,writer,answers"], debug: true },
];
/** Entries, and what each leaves to be loaded when it is needed. */
const ENTRIES = [
  { entry: "browser.ts", file: "index.js" },
  { entry: "worker.ts", file: "worker.js" },
  { entry: "inline.ts", file: "inline.js" },
  { entry: "rest.ts", file: "rest.js" },
  { entry: "languages.ts", file: "languages.js" },
  { entry: "answers.ts", file: "answers.js" },
  { entry: "encoder.ts", file: "encoder.js" },
  { entry: "notes.ts", file: "notes.js" },
  { entry: "gpu.ts", file: "gpu.js" },
  { entry: "llm.ts", file: "llm.js" },
  { entry: "node.ts", file: "node.js" },
  { entry: "workerd.ts", file: "workerd.js" },
  { entry: "edge.ts", file: "edge.js" },
  { entry: "pagefind.ts", file: "pagefind.js", littoral: "./index.js" },
  { entry: "pagefind.ts", file: "pagefind-node.js", littoral: "./node.js" },
  { entry: "element.ts", file: "element.js", littoral: "./index.js" },
  { entry: "element-languages.ts", file: "element-languages.js" },
  // For the pages of the program, not of the npm package.
  { entry: "playground.ts", file: "playground.js" },
];
const EXTERNAL = ["node:*", "*/answers.js", "*/languages.js", "*/encoder.js", "*/inline.js", "*/llm.js", "*/notes.js", "*/rest.js", "*.wasm"];

const web = fileURLToPath(new URL(".", import.meta.url));
const root = join(web, "..");
const pkg = join(web, "pkg");
const generated = join(web, "generated");
const { values } = parseArgs({
  options: {
    profile: { type: "string", default: "web" },
    // Leaves the engine as it was built before.
    scripts: { type: "boolean", default: false },
    // Builds only this module anew, by its name above.
    module: { type: "string", multiple: true },
  },
});

if (!existsSync(join(web, "node_modules/esbuild"))) {
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: web, stdio: "inherit" });
}
const { build } = await import("esbuild");
const { optimise, optimiseInTwo } = await import("./build/optimise.mjs");

// Paths of this machine in panic messages would make each machine's core another.
const home = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
const flags = [
  "-Ctarget-feature=+simd128",
  `--remap-path-prefix=${home}/registry/src=crates`,
  `--remap-path-prefix=${root}=littoral`,
];
const flagged = (more) => ({ ...process.env, CARGO_ENCODED_RUSTFLAGS: [...flags, ...more].join("\x1f") });
const cargo = (args, options) =>
  execFileSync("cargo", args, { cwd: root, stdio: ["ignore", "pipe", "inherit"], ...options });
const metadata = JSON.parse(
  cargo(["metadata", "--format-version", "1", "--no-deps"], { maxBuffer: 1 << 28 }).toString(),
);

const modules = values.scripts
  ? []
  : MODULES.filter(({ name }) => values.module === undefined || values.module.includes(name));
for (const folder of [pkg, generated]) {
  if (modules.length === MODULES.length) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
for (const module of modules) {
  const { name, file, features, rest, crate = "littoral-web", own, target = "wasm32-unknown-unknown", linker, debug = false } = module;
  const profile = values.profile === "web" ? (own ?? "web") : values.profile;
  const env = flagged(linker ? [`-Clinker=${linker}`] : []);
  cargo(["build", "--locked", "-p", crate, "--target", target, "--profile", profile, ...features], { env });
  const library = `${crate.replaceAll("-", "_")}.wasm`;
  const built = join(metadata.target_directory, target, profile, library);
  // Components are whole when they are linked.
  if (target === "wasm32-wasip2" || linker) {
    copyFileSync(built, join(pkg, file));
    continue;
  }
  const bound = join(generated, name);
  cargo(["run", "--locked", "--quiet", "-p", "littoral-web-bindgen", "--", built, bound]);
  const bytes = readFileSync(join(bound, "littoral_bg.wasm"));
  const [script, types] = ["littoral.js", "littoral.d.ts"].map((name) => join(bound, name));
  const { script: brief, short } = shortened(bytes, readFileSync(script, "utf8"));
  writeFileSync(script, brief);
  if (rest === undefined) writeFileSync(join(pkg, file), short(optimise(bytes, debug)));
  else {
    const parts = optimiseInTwo(bytes, restOf(root));
    writeFileSync(join(pkg, file), short(parts.core));
    writeFileSync(join(pkg, rest), parts.rest);
  }
  // The encoder has no tasks.
  if (name === "encoder") continue;
  const told = telling(brief, readFileSync(types, "utf8"));
  writeFileSync(script, told.script);
  writeFileSync(types, told.types);
}

for (const { entry, file, littoral } of ENTRIES) {
  await build({
    entryPoints: [join(web, "ts", entry)],
    outfile: join(pkg, file),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    external: EXTERNAL,
    // A file beside it, so that the package works without a bundler too.
    plugins: littoral
      ? [beside("littoral", littoral), beside(".*/element-languages.js", "./element-languages.js")]
      : [],
    logLevel: "warning",
  });
}
// By this the program knows an engine that reads its indexes.
if (modules.length === MODULES.length) copyFileSync(join(root, "indexes/FORMAT.md"), join(pkg, "FORMAT.md"));
execFileSync(join(web, "node_modules/.bin/tsc"), ["-p", web], { stdio: "inherit" });
for (const folder of ["pages", "templates"]) cpSync(join(web, folder), join(pkg, folder), { recursive: true });
cpSync(join(root, "guest/component/wit"), join(pkg, "wit"), { recursive: true });
for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) {
  copyFileSync(join(root, licence), join(pkg, licence));
}

/** Leaves imports of `name` to be loaded from `path`. */
function beside(name, path) {
  const filter = new RegExp(`^${name}$`);
  return { name, setup: ({ onResolve }) => onResolve({ filter }, () => ({ path, external: true })) };
}

const files = MODULES.flatMap(({ file, rest = [] }) => [file, rest].flat());
for (const file of [...files, ...ENTRIES.map(({ file }) => file)]) {
  const bytes = readFileSync(join(pkg, file));
  const kb = (n) => `${(n / 1000).toFixed(1).padStart(7)} kB`;
  // As a good host sends it, and as the program's own server does.
  const wire = brotliCompressSync(bytes);
  writeFileSync(join(pkg, `${file}.br`), wire);
  console.log(`${file.padEnd(26)}${kb(bytes.length)} raw ${kb(wire.length)} brotli`);
}
