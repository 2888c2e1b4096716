// Builds the WebAssembly core into web/pkg: compiles, binds, optimises, and prints the sizes.
//
//   node web/build.mjs [--profile NAME]
//
// Needs cargo with the wasm32-unknown-unknown target. `npm install` in web/ adds the optimiser; the
// core works without it and is larger.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

cargo(["build", "--locked", "-p", "littoral-web", "--target", TARGET, "--profile", values.profile], { env });
const metadata = JSON.parse(
  cargo(["metadata", "--format-version", "1", "--no-deps"], { maxBuffer: 1 << 28 }).toString(),
);
const built = join(metadata.target_directory, TARGET, values.profile, "littoral_web.wasm");
mkdirSync(pkg, { recursive: true });
cargo(["run", "--locked", "--quiet", "-p", "littoral-web-bindgen", "--", built, pkg]);

const core = join(pkg, "littoral_bg.wasm");
report("wasm, bound", readFileSync(core));
const optimiser = join(web, "node_modules/binaryen/bin/wasm-opt");
if (!existsSync(optimiser)) {
  console.log("not optimised: run `npm install` in web/ first");
} else {
  execFileSync(process.execPath, [
    optimiser,
    core,
    "-o",
    core,
    "-Oz",
    "--converge",
    ...FEATURES.map((feature) => `--enable-${feature}`),
  ]);
  report("wasm, optimised", readFileSync(core));
}
report("its JavaScript", readFileSync(join(pkg, "littoral.js")));
report("littoral.mjs", readFileSync(join(web, "littoral.mjs")));

function report(name, bytes) {
  const kb = (n) => `${(n / 1000).toFixed(1).padStart(7)} kB`;
  console.log(`${name.padEnd(16)}${kb(bytes.length)} raw ${kb(brotliCompressSync(bytes).length)} brotli`);
}
