// The nearest of many vectors that stay in memory: all are looked at, so nothing is missed.

import { guarded } from "../current.js";
import { fault } from "../error.js";
import type { Wasm } from "../types.js";
import { type Device, type Glue, type GpuOptions, type GpuState, type Hits, module, Processors, type Rows } from "./device.js";

/** The largest component of a vector and of a query in whole numbers. */
const ROW_MAX = 127;
const QUERY_MAX = 2047;
/** Most neighbours of a query that the GPU takes. */
const MAX_K = 256;
/** Queries in a call, where both processors are measured. */
const MEASURED: [number, number] = [1, 8];

export interface VectorOptions extends GpuOptions {
  /** Where the WebAssembly module is. Default: beside this module. */
  wasm?: Wasm;
}

/** A neighbour: its place among the vectors, and its dot product with the query. */
export interface Neighbour {
  id: number;
  score: number;
}

export interface Found {
  /** Of each query, best first; equal scores by place. */
  hits: Neighbour[][];
  by: "gpu" | "cpu";
}

/** Vectors in memory. */
export interface Vectors {
  readonly size: number;
  readonly dims: number;
  readonly gpu: GpuState;
  /** The `k` vectors nearest to each of `queries`, `[n, dims]`. `allowed` has a bit for every vector
   * that may be given, lowest bit first. The GPU and the CPU give the same. */
  nearest(queries: Float32Array | Int16Array, k?: number, allowed?: Uint32Array): Promise<Found>;
  /** Gives the memory back. */
  close(): void;
}

/** Takes vectors, `[n, dims]`: whole numbers from −127 to 127, or floats, which are rounded to such in
 * steps of one width for all. */
export async function openVectors(
  vectors: Float32Array | Int8Array,
  dims: number,
  options: VectorOptions = {},
): Promise<Vectors> {
  const { signal, wasm } = options;
  signal?.throwIfAborted();
  const glue = await module(wasm);
  const [numbers, step] = vectors instanceof Int8Array ? [vectors, 1] : rounded(vectors, ROW_MAX, Int8Array);
  const rows = new glue.Rows(numbers, dims);
  let processors: Processors<DeviceRows> | undefined;
  try {
    processors = await Processors.open(glue, options, (device) => device.rows(rows));
    const resident = new Resident(glue, rows, dims, numbers.length / dims, step, processors);
    if ((options.gpu ?? "auto") === "auto") await resident.measure(numbers);
    signal?.throwIfAborted();
    return resident;
  } catch (error) {
    processors?.close();
    release(rows, glue);
    throw error;
  }
}

type DeviceRows = Awaited<ReturnType<Device["rows"]>>;

class Resident implements Vectors {
  readonly size: number;
  readonly dims: number;
  readonly gpu: Processors<DeviceRows>;
  readonly #glue: Glue;
  readonly #rows: Rows;
  readonly #step: number;
  #isClosed = false;

  constructor(glue: Glue, rows: Rows, dims: number, size: number, step: number, gpu: Processors<DeviceRows>) {
    this.#glue = glue;
    this.size = size;
    this.dims = dims;
    this.gpu = gpu;
    this.#rows = rows;
    this.#step = step;
  }

  /** Measures both processors, with vectors as queries. */
  async measure(vectors: Int8Array): Promise<void> {
    const queries = (n: number) => {
      return Int16Array.from({ length: n * this.dims }, (_, i) => vectors[i % vectors.length] ?? 0);
    };
    const k = 10;
    await this.gpu.measure(
      MEASURED,
      async (on, n) => (await on.nearest(queries(n), k, undefined)).free(),
      (n) => this.#rows.nearest(queries(n), k, undefined).free(),
    );
  }

  async nearest(queries: Float32Array | Int16Array, k = 10, allowed?: Uint32Array): Promise<Found> {
    this.#check();
    const [numbers, step] = queries instanceof Int16Array ? [queries, 1] : rounded(queries, QUERY_MAX, Int16Array);
    const n = numbers.length / this.dims;
    const byGpu = k > MAX_K ? undefined : await this.gpu.byGpu((on) => on.nearest(numbers, k, allowed), n);
    // They may have been closed meanwhile.
    if (byGpu === undefined) this.#check();
    const found = byGpu ?? (await guarded(async () => this.#rows.nearest(numbers, k, allowed), this.#glue));
    try {
      return { hits: neighbours(found, step * this.#step), by: byGpu === undefined ? "cpu" : "gpu" };
    } finally {
      found.free();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.gpu.close();
    release(this.#rows, this.#glue);
  }

  #check(): void {
    if (this.#isClosed) throw fault("closed", "the vectors are closed; open them again");
  }
}

/** Gives the memory of `rows` back, in a module that did not stop. */
function release(rows: Rows, { stop }: Glue): void {
  if (stop.cause === undefined) rows.free();
}

/** Floats as whole numbers up to `limit`, and the width of a step. */
function rounded<T extends Int8Array | Int16Array>(
  floats: Float32Array,
  limit: number,
  make: { from(values: Iterable<number>, map: (x: number) => number): T },
): [T, number] {
  let most = 0;
  for (const x of floats) {
    if (!Number.isFinite(x)) throw fault("bad-vectors", "a component is no number");
    most = Math.max(most, Math.abs(x));
  }
  const step = most / limit || 1;
  return [make.from(floats, (x) => Math.round(x / step)), step];
}

/** Arrays as neighbours, their scores in steps of `step`. */
function neighbours(found: Hits, step: number): Neighbour[][] {
  const { ids, scores } = found;
  let start = 0;
  return Array.from(found.ends, (end) => {
    const own = Array.from(ids.subarray(start, end), (id, i) => ({ id, score: (scores[start + i] ?? 0) * step }));
    start = end;
    return own;
  });
}
