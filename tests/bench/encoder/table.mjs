// What a query costs that the query table turns into a vector, in WebAssembly on one thread.
//
//   cargo build --release -p littoral-guest --example table --target wasm32-wasip1
//   node encoder/table.mjs --program target/wasm32-wasip1/release/examples/table.wasm --index DIR --queries queries.jsonl
//
// Prints one JSON object: microseconds a query, with the blocks of its words decoded before (`warm_us`)
// and with decoding them (`cold_us`), words and bytes of rows a query.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { WASI } from "node:wasi";

const { values } = parseArgs({
  options: {
    program: { type: "string" },
    index: { type: "string" },
    queries: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help || !values.program || !values.index || !values.queries) {
  console.log("node encoder/table.mjs --program table.wasm --index DIR --queries queries.jsonl");
  process.exit(values.help ? 0 : 2);
}

const folder = mkdtempSync(join(tmpdir(), "table-"));
try {
  const lines = readFileSync(values.queries, "utf8").split("\n").filter(Boolean);
  const texts = lines.map((line) => JSON.parse(line).text.replaceAll("\n", " "));
  writeFileSync(join(folder, "queries.txt"), texts.join("\n"));
  const wasi = new WASI({
    version: "preview1",
    args: ["table", "/index", "/texts/queries.txt"],
    preopens: { "/index": values.index, "/texts": folder },
  });
  const module = await WebAssembly.compile(readFileSync(values.program));
  wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
} finally {
  rmSync(folder, { recursive: true });
}
