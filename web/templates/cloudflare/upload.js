// Puts the files of index/ where wrangler.json says that they are kept: `node upload.js [--local]`.
// Files come before the entry that names them, so that readers see the old index or the new one.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

const { r2_buckets: buckets } = JSON.parse(readFileSync("wrangler.json", "utf8"));
const where = process.argv.includes("--local") ? "--local" : "--remote";
const files = readdirSync("index", { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll("\\", "/").slice("index/".length))
  .sort((a, b) => Number(a === "littoral.json") - Number(b === "littoral.json") || (a < b ? -1 : 1));
for (const file of files) {
  const put = buckets
    ? ["r2", "object", "put", `${buckets[0].bucket_name}/${file}`, "--file", `index/${file}`]
    : ["kv", "key", "put", file, "--path", `index/${file}`, "--binding", "INDEX"];
  execFileSync("npx", ["wrangler", ...put, where], { stdio: "inherit" });
}
console.log(`${files.length} files are there`);
