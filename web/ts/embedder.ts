// The encoder of queries, where an index is opened with one: it loads beside the engine, and what
// keeps it from its work is said with every result that misses it.

import type * as binding from "../generated/encoder/littoral.js";
import { fault, isFault } from "./error.js";
import type { Model, Source } from "./types.js";

type Encoder = Awaited<ReturnType<typeof binding.load>>;

/** What gives a model's bytes. */
export type Bytes = () => Promise<Uint8Array>;

export class Embedder {
  /** What keeps it from encoding. */
  fault: Error | undefined;
  /** Whether a search waits until the model is here: not where the index has a query table, with
   * which it is searched until then. */
  isNeeded = false;
  #encoder: Encoder | undefined;
  readonly #loading: Promise<void>;

  constructor(bytes: Bytes, wasm: Source) {
    this.#loading = loadEncoder(bytes, wasm).then(
      (encoder) => {
        this.#encoder = encoder;
      },
      (cause) => {
        const message = `the encoder did not load: ${(cause as Error)?.message ?? cause}`;
        this.fault = isFault(cause) ? cause : fault("model-unreadable", message, { cause });
      },
    );
  }

  /** The vector of a query by `model`; `undefined` where it cannot be had, or not yet. */
  async embed(model: Uint8Array, query: string): Promise<Float32Array | undefined> {
    if (this.isNeeded) await this.#loading;
    const encoder = this.#encoder;
    if (encoder === undefined) return undefined;
    const [own, wanted] = [encoder.id, model].map(hex);
    if (own !== wanted) {
      const message = `the index has vectors of the model ${wanted}; the embedder is the model ${own}`;
      this.fault = fault("model-mismatch", message);
      return undefined;
    }
    return encoder.query(query);
  }

  close(): void {
    void this.#loading.then(() => {
      this.#encoder?.free();
      this.#encoder = undefined;
    });
  }
}

/** The encoder of a packed model, by the encoder's own WebAssembly module. */
export async function loadEncoder(bytes: Bytes, wasm: Source): Promise<Encoder> {
  const [{ default: init, load }, model] = await Promise.all([
    import("./encoder.js") as unknown as Promise<typeof binding>,
    bytes(),
  ]);
  await init({ module_or_path: await wasm() });
  return load(model);
}

/** The bytes of a model: as given, or fetched. */
export async function modelBytes(model: Model, get = globalThis.fetch): Promise<Uint8Array> {
  if (ArrayBuffer.isView(model)) return new Uint8Array(model.buffer, model.byteOffset, model.byteLength);
  if (typeof model !== "string" && !(model instanceof URL)) return new Uint8Array(model);
  const response = await get(model, { cache: "force-cache" });
  // A host that answers a missing page with its front page means that there is none.
  const isPage = response.headers.get("content-type")?.startsWith("text/html");
  if (response.ok && !isPage) return new Uint8Array(await response.arrayBuffer());
  const isMissing = response.ok || response.status === 404 || response.status === 410;
  const message = `the model at ${model} was not got: HTTP status ${response.status}`;
  throw fault(isMissing ? "model-not-found" : "model-unreadable", message);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
