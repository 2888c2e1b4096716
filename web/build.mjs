// Builds the WebAssembly core into web/pkg: compiles, binds, optimises, and prints the sizes.
//
//   node web/build.mjs [--profile NAME]
//
// Needs cargo with the wasm32-unknown-unknown target. `npm install` in web/ adds an optimiser, whose
// result is taken where it is smaller compressed.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";

const TARGET = "wasm32-unknown-unknown";
// What rustc may use, and no more: with all features named, V8 refuses the module.
const FEATURES = [
  "simd",
  "bulk-memory",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
  "multivalue",
];

const web = fileURLToPath(new URL(".", import.meta.url));
const root = join(web, "..");
const pkg = join(web, "pkg");
const { values } = parseArgs({ options: { profile: { type: "string", default: "web" } } });

// Paths of this machine in panic messages would make each machine's core another.
const home = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
const flags = [
  "-Ctarget-feature=+simd128",
  `--remap-path-prefix=${home}/registry/src=crates`,
  `--remap-path-prefix=${root}=littoral`,
];
const env = { ...process.env, CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") };

const cargo = (args, options) =>
  execFileSync("cargo", args, { cwd: root, stdio: ["ignore", "pipe", "inherit"], ...options });

const coreCrate = ["-p", "littoral-web", "--target", TARGET, "--profile", values.profile];
cargo(["build", "--locked", ...coreCrate], { env });
const metadata = JSON.parse(
  cargo(["metadata", "--format-version", "1", "--no-deps"], { maxBuffer: 1 << 28 }).toString(),
);
const built = join(metadata.target_directory, TARGET, values.profile, "littoral_web.wasm");
mkdirSync(pkg, { recursive: true });
cargo(["run", "--locked", "--quiet", "-p", "littoral-web-bindgen", "--", built, pkg]);

const core = join(pkg, "littoral_bg.wasm");
report("wasm, bound", readFileSync(core));
const optimiser = join(web, "node_modules/binaryen/bin/wasm-opt");
if (existsSync(optimiser)) {
  const smaller = join(pkg, "optimised.wasm");
  execFileSync(process.execPath, [
    optimiser,
    core,
    "-o",
    smaller,
    "-Oz",
    // Splitting the tables at their zeros costs more on the wire than the zeros do.
    "--skip-pass=memory-packing",
    ...FEATURES.map((feature) => `--enable-${feature}`),
  ]);
  report("wasm, optimised", readFileSync(smaller));
  // Fewer bytes are often more once compressed, and pages are served compressed.
  if (wire(readFileSync(smaller)) < wire(readFileSync(core))) renameSync(smaller, core);
  else rmSync(smaller);
}
console.log(`the core is ${wire(readFileSync(core))} bytes on the wire`);
report("its JavaScript", readFileSync(join(pkg, "littoral.js")));
report("littoral.mjs", readFileSync(join(web, "littoral.mjs")));

/** Bytes as served. */
function wire(bytes) {
  return brotliCompressSync(bytes).length;
}

function report(name, bytes) {
  const kb = (n) => `${(n / 1000).toFixed(1).padStart(7)} kB`;
  console.log(`${name.padEnd(16)}${kb(bytes.length)} raw ${kb(wire(bytes))} brotli`);
}
