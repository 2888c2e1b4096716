// Where the WebAssembly modules are: beside this file, in a form that bundlers recognise.

import type { Sources } from "./engine.js";
import { script } from "./script.js";
import type { OpenOptions } from "./types.js";

/** The modules that were named, else those beside this file. */
export function here(wasm: OpenOptions["wasm"] = {}): Sources {
  return {
    core: () => wasm.core ?? new URL("./littoral.wasm", import.meta.url),
    rest: () => wasm.rest ?? new URL("./littoral-rest.wasm", import.meta.url),
    languages: () => wasm.languages ?? new URL("./littoral-languages.wasm", import.meta.url),
    answers: () => wasm.answers ?? new URL("./littoral-answers.wasm", import.meta.url),
    encoder: () => wasm.encoder ?? new URL("./littoral-encoder.wasm", import.meta.url),
    script,
  };
}
