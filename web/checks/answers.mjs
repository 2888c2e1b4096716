// What an index answers to cases, on any host: run by parity.test.mjs there.

/** The answers in the form of what is expected: JSON text without times, or an error. */
export async function answers(index, cases) {
  const found = [];
  for (const { query, options } of cases) {
    try {
      const result = await index.search(query, options);
      result.timings_ms.total = 0;
      found.push({ json: JSON.stringify(result) });
    } catch ({ code, message }) {
      found.push({ code, message });
    }
  }
  return found;
}

// As a program of Deno's or Bun's: PACKAGE INDEX CASES.
const { argv } = globalThis.process ?? {};
if (argv?.[1]?.endsWith("answers.mjs")) {
  const [, , pkg, folder, file] = argv;
  const { readFile } = await import("node:fs/promises");
  const { open } = await import(`${pkg}/node.js`);
  const index = await open(folder);
  console.log(JSON.stringify(await answers(index, JSON.parse(await readFile(file, "utf8")))));
}
