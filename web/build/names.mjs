// Gives what a module and its JavaScript call each other by short names: no reader sees them, and they are
// a twentieth of what is sent.

import { renamed } from "./sections.mjs";

/** The module of which wasm-bindgen says that it gives the imports. */
const FROM = "./littoral_bg.js";
/** Names of exports that wasm-bindgen makes up, with a hash. */
const MADE_UP = /^wasm_bindgen__\w+$/;

/** The JavaScript `script` of a module and a function for the module's bytes, with short names. `bytes` is
 * the module with all names that it may use. */
export function shortened(bytes, script) {
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module).filter(({ module }) => module === FROM);
  const exports = WebAssembly.Module.exports(module).filter(({ name }) => MADE_UP.test(name));
  const taken = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const names = new Map();
  let n = 0;
  for (const { name } of [...imports, ...exports]) {
    if (names.has(name)) continue;
    let short;
    do short = `$${(n++).toString(36)}`;
    while (taken.has(short));
    names.set(name, short);
  }
  const changed = script.replaceAll(/\b\w+\b/g, (word) => names.get(word) ?? word);
  for (const { name } of imports) {
    if (script.split(name).length !== 2) throw new Error(`wasm-bindgen names ${name} in another way now`);
  }
  return { script: changed, short: (bytes) => renamed(bytes, (name) => names.get(name) ?? name) };
}
