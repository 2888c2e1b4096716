// What Littoral's words cost and find on generated pages, to stand beside Pagefind's figures.
//
//   node lexical/run.mjs --littoral PROGRAM --data PREFIX [--typos DIR] [--work DIR] [--out FILE]
//
// PREFIX is what pages/generate.mjs was given as --out: PREFIX-html is indexed, PREFIX-beir asked.

import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    littoral: { type: "string", default: "../../target/release/littoral" },
    data: { type: "string" },
    typos: { type: "string" },
    work: { type: "string" },
    out: { type: "string" },
  },
});
if (!values.data) {
  console.error("usage: node lexical/run.mjs --littoral PROGRAM --data PREFIX [--typos DIR] [--out FILE]");
  process.exit(2);
}

/** Runs the program and returns its JSON. */
function littoral(...args) {
  const run = spawnSync(values.littoral, [...args, "--json"], { maxBuffer: 1 << 28 });
  if (run.status !== 0) {
    throw new Error(`littoral ${args.join(" ")}: ${run.stdout} ${run.stderr}`);
  }
  return JSON.parse(run.stdout.toString());
}

/** Every file below a folder, with its size. */
function files(folder, prefix = "") {
  const found = new Map();
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    const name = join(prefix, entry.name);
    if (entry.isDirectory()) {
      for (const [path, size] of files(folder, name)) found.set(path, size);
    } else {
      found.set(name, statSync(join(folder, name)).size);
    }
  }
  return found;
}

const work = values.work ?? mkdtempSync(join(tmpdir(), "littoral-bench-"));
const html = `${values.data}-html`;
const queries = join(`${values.data}-beir`, "queries.jsonl");
const qrels = join(`${values.data}-beir`, "qrels", "html.tsv");
const index = join(work, "index");
const report = {};

const built = littoral("build", html, "-o", index);
report.build = {
  documents: built.documents,
  chunks: built.chunks,
  seconds: built.seconds,
  index_bytes: built.index_bytes,
  files: built.files,
  peak_rss_bytes: built.peak_rss_bytes,
};
report.sections = littoral("inspect", index).sections;
report.queries = littoral("eval", index, "--queries", queries, "--qrels", qrels).runs[0];
if (values.typos) {
  const typos = join(values.typos, "queries.jsonl");
  report.typos = littoral("eval", index, "--queries", typos, "--qrels", qrelsOf(values.typos)).runs[0];
}

// One page more, then one page in a hundred changed, in a copy of the site.
const site = join(work, "site");
cpSync(html, site, { recursive: true });
const before = files(index);
writeFileSync(
  join(site, "harmonics.html"),
  "<!doctype html><title>Harmonics</title><main data-pagefind-body><h1>Harmonics</h1><p>Heights at a port follow from constituents.</p></main>",
);
const one = littoral("update", index, site);
const kept = files(index);
let same = 0;
for (const [path] of before) if (kept.has(path) && path !== "littoral.json") same += 1;
report.one_page = {
  seconds: one.seconds,
  files_written: one.files_written,
  bytes_written: one.bytes_written,
  files_kept: same / before.size,
};
const pages = [...files(site).keys()].filter((path) => path.endsWith(".html")).sort();
for (let i = 0; i < pages.length; i += 100) {
  appendFileSync(join(site, pages[i]), "<!-- changed -->");
}
const hundredth = littoral("update", index, site);
report.one_percent = { seconds: hundredth.seconds, share_of_build: hundredth.seconds / built.seconds };
if (!values.work) rmSync(work, { recursive: true });

if (values.out) writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`);
console.log(JSON.stringify(report, null, 2));

/** The judgements beside a folder of typo queries. */
function qrelsOf(folder) {
  return join(folder, "qrels", "test.tsv");
}
