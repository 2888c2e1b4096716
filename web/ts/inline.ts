// The engine in the page's own thread, loaded where there is no worker.

export { modelBytes } from "./embedder.js";
export { openEngine } from "./engine.js";
export { here } from "./wasm.js";
