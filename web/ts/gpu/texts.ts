// Many texts encoded, or many passages reranked, in a page. What a GPU gives is held to the CPU: on known
// texts before it is used, and where a reranker's order hangs on it.

import { loadEncoder, modelBytes } from "../embedder.js";
import { fault } from "../error.js";
import type { Model, Wasm } from "../types.js";
import { type Device, type GpuOptions, type GpuState, module, Processors } from "./device.js";

/** Tokens of a call of the GPU: a moment's work, so that progress is seen and an abort is heard. */
const BATCH_TOKENS = 8192;
/** How long the CPU works before the page gets a turn, in milliseconds. */
const TURN_MS = 12;
/** Tokens of a text, and texts of a call, where both processors are measured. */
const MEASURED_TOKENS = 128;
const MEASURED: [number, number] = [1, 16];
/** Lengths of the known texts, in tokens. */
const KNOWN = [1, 2, 3, 17, 33, 70];
/** Least cosine of a GPU's vectors of them to the CPU's, and most that log odds may differ: floats
 * rounded another way move activations of 8 bits by a step here and there, which costs less. */
const LEAST_COSINE = 0.98;
const LOG_ODDS_MARGIN = 0.25;

export interface EncoderOptions extends GpuOptions {
  /** Where the WebAssembly modules are. Default: beside this module. */
  wasm?: { gpu?: Wasm; encoder?: Wasm };
}

export interface EncodeOptions {
  signal?: AbortSignal;
  /** Called with the number of texts that are done. */
  onProgress?: (done: number) => void;
}

export interface RerankOptions extends EncodeOptions {
  /** Of how many, the best, the relevance must be exact. Default: of all. */
  wanted?: number;
}

export interface Encoded {
  /** Unit vectors, `[n, dims]`. */
  vectors: Float32Array;
  /** Texts by each. */
  gpuTexts: number;
  cpuTexts: number;
}

export interface Reranked {
  /** How relevant each text is, from 0 to 1. */
  relevance: Float64Array;
  /** Texts that each read; what the CPU read again is counted with it. */
  gpuTexts: number;
  cpuTexts: number;
}

/** A model for much at once. */
export interface BulkEncoder {
  /** Identifies the model: 8 bytes. */
  readonly id: Uint8Array;
  readonly dims: number;
  /** Whether it is a cross-encoder: then it reranks, and else it encodes. */
  readonly isReranker: boolean;
  readonly gpu: GpuState;
  /** The vectors of documents' texts. */
  encode(texts: readonly string[], options?: EncodeOptions): Promise<Encoded>;
  /** How relevant `texts` are to `query`. The best `wanted` have the relevance that the program gives,
   * in every bit; of the others it is lower. */
  rerank(query: string, texts: readonly string[], options?: RerankOptions): Promise<Reranked>;
  /** Gives the memory back. */
  close(): void;
}

type Plain = Awaited<ReturnType<typeof loadEncoder>>;
type OnDevice = Awaited<ReturnType<Device["encoder"]>>;
/** Tokens, and how many of them are of the first of two texts. */
type Text = { tokens: Uint32Array; first: number };
/** Who read how many texts. */
type Counted = Pick<Encoded, "gpuTexts" | "cpuTexts">;
/** What is done with a text by each processor: the vectors of texts from a place on, or a text. */
type Work = { tokens(text: string): Text; byGpu(vectors: Float32Array, start: number): void; byCpu(text: Text, i: number): void };

/** Takes a packed model: its address, or its bytes. */
export async function openEncoder(model: Model, options: EncoderOptions = {}): Promise<BulkEncoder> {
  const { gpu = "auto", signal, wasm = {} } = options;
  signal?.throwIfAborted();
  const bytes = await modelBytes(model);
  const source = () => wasm.encoder ?? new URL("./littoral-encoder.wasm", import.meta.url);
  const [glue, plain] = await Promise.all([module(wasm.gpu), loadEncoder(async () => bytes, source)]);
  let processors: Processors<OnDevice> | undefined;
  try {
    processors = await Processors.open(glue, options, async (device) => {
      const on = await device.encoder(bytes);
      await test(on, plain);
      return on;
    });
    const bulk = new Bulk(plain, processors);
    if (gpu === "auto") await bulk.measure();
    signal?.throwIfAborted();
    return bulk;
  } catch (error) {
    processors?.close();
    plain.free();
    throw error;
  }
}

class Bulk implements BulkEncoder {
  readonly id: Uint8Array;
  readonly dims: number;
  readonly isReranker: boolean;
  readonly gpu: Processors<OnDevice>;
  readonly #plain: Plain;
  #isClosed = false;

  constructor(plain: Plain, gpu: Processors<OnDevice>) {
    this.id = plain.id;
    this.isReranker = plain.isReranker;
    this.dims = plain.dims;
    this.gpu = gpu;
    this.#plain = plain;
  }

  async measure(): Promise<void> {
    const texts = (n: number) => Array.from({ length: n }, (_, i) => known(this.#plain, MEASURED_TOKENS, i));
    await this.gpu.measure(
      MEASURED,
      (on, n) => onDevice(on, texts(n)),
      (n) => texts(n).map((text) => (this.isReranker ? logOdds(this.#plain, text) : this.#plain.encode(text.tokens))),
    );
  }

  async encode(texts: readonly string[], options: EncodeOptions = {}): Promise<Encoded> {
    if (this.isReranker) throw fault("bad-option", "the model is a cross-encoder: it reranks, and encodes nothing");
    const { dims } = this;
    const vectors = new Float32Array(texts.length * dims);
    const counted = await this.#each(texts, options, true, {
      tokens: (text) => {
        const tokens = this.#plain.documentTokens(text);
        return { tokens, first: tokens.length };
      },
      byGpu: (given, start) => vectors.set(given, start * dims),
      byCpu: ({ tokens }, i) => vectors.set(this.#plain.encode(tokens), i * dims),
    });
    return { vectors, ...counted };
  }

  async rerank(query: string, texts: readonly string[], options: RerankOptions = {}): Promise<Reranked> {
    if (!this.isReranker) throw fault("bad-option", "the model is no cross-encoder: it encodes, and reranks nothing");
    const { wanted = texts.length } = options;
    const odds = new Float64Array(texts.length);
    const proposed = new Map<number, number>();
    const work: Work = {
      tokens: (text) => {
        const [first = 0, ...tokens] = this.#plain.pair(query, text);
        return { tokens: Uint32Array.from(tokens), first };
      },
      byGpu: (vectors, start) => {
        const n = vectors.length / this.#plain.hidden;
        for (let i = 0; i < n; i++) {
          const vector = vectors.subarray(i * this.#plain.hidden, (i + 1) * this.#plain.hidden);
          odds[start + i] = this.#plain.logOddsOf(vector) ?? Number.NaN;
          proposed.set(start + i, odds[start + i] as number);
        }
      },
      byCpu: (text, i) => {
        odds[i] = logOdds(this.#plain, text);
      },
    };
    // Where all are wanted, the CPU would read all of them again.
    const counted = await this.#each(texts, options, wanted < texts.length, work);
    // What may be among the best counts as the CPU reads it.
    const last = odds.slice().sort().at(-Math.max(wanted, 1)) ?? -Infinity;
    const again = [...proposed].filter(([, odds]) => !(odds < last - 2 * LOG_ODDS_MARGIN)).map(([i]) => i);
    const near = { ...work, byCpu: (text: Text, i: number) => work.byCpu(text, again[i] as number) };
    const more = await this.#each(again.map((i) => texts[i] as string), { signal: options.signal }, false, near);
    counted.cpuTexts += more.cpuTexts;
    if (again.some((i) => !(Math.abs((odds[i] as number) - (proposed.get(i) as number)) <= LOG_ODDS_MARGIN))) {
      this.gpu.refuse(fault("gpu-wrong", "what the GPU gave was too far from what the CPU gives"));
      return this.rerank(query, texts, options);
    }
    return { relevance: odds.map((odds) => this.#plain.relevance(odds)), ...counted };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.gpu.close();
    this.#plain.free();
  }

  /** Does `work` on `texts` in batches, each by the GPU where it may and is faster, and else by the CPU,
   * in turns with the page. */
  async #each(texts: readonly string[], options: EncodeOptions, mayGpu: boolean, work: Work): Promise<Counted> {
    const { signal, onProgress } = options;
    const counted = { gpuTexts: 0, cpuTexts: 0 };
    let turn = performance.now();
    for (let start = 0; start < texts.length; ) {
      this.#check(signal);
      const batch: Text[] = [];
      for (let n = 0; n < BATCH_TOKENS && start + batch.length < texts.length; n += batch.at(-1)?.tokens.length ?? 0) {
        batch.push(work.tokens(texts[start + batch.length] as string));
      }
      const size = sum(batch.map(({ tokens }) => tokens.length)) / MEASURED_TOKENS;
      const vectors = mayGpu ? await this.gpu.byGpu((on) => onDevice(on, batch), size) : undefined;
      if (vectors !== undefined) {
        this.#check(signal);
        work.byGpu(vectors, start);
        counted.gpuTexts += batch.length;
        onProgress?.(start + batch.length);
      } else {
        for (const [i, text] of batch.entries()) {
          if (performance.now() - turn > TURN_MS) {
            await pause();
            this.#check(signal);
            turn = performance.now();
          }
          work.byCpu(text, start + i);
          counted.cpuTexts += 1;
          onProgress?.(start + i + 1);
        }
      }
      start += batch.length;
    }
    return counted;
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw fault("closed", "the encoder is closed; open it again");
  }
}

/** Compares the device with the CPU on texts of many lengths. */
async function test(on: OnDevice, plain: Plain): Promise<void> {
  const texts = KNOWN.map((n, i) => known(plain, n, i));
  const vectors = await onDevice(on, texts);
  const width = vectors.length / texts.length;
  const isNear = texts.every((text, i) => {
    const found = vectors.subarray(i * width, (i + 1) * width);
    if (plain.isReranker) {
      return Math.abs((plain.logOddsOf(found) ?? Number.NaN) - logOdds(plain, text)) <= LOG_ODDS_MARGIN;
    }
    const exact = plain.encode(text.tokens);
    return dot(found, exact) >= LEAST_COSINE * Math.sqrt(dot(found, found) * dot(exact, exact));
  });
  if (!isNear) throw fault("gpu-wrong", "the GPU gives known texts other vectors than the CPU");
}

/** A text of `n` tokens, another for each `seed`. */
function known(plain: Plain, n: number, seed: number): Text {
  const length = Math.min(n, plain.maxTokens);
  const token = (_: unknown, t: number) => (seed * 7919 + t * 104_729 + n) % plain.vocabulary;
  return { tokens: Uint32Array.from({ length }, token), first: plain.isReranker ? length >> 1 : length };
}

function onDevice(on: OnDevice, texts: readonly Text[]): Promise<Float32Array> {
  const tokens = new Uint32Array(sum(texts.map(({ tokens }) => tokens.length)));
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => {
    tokens.set(text.tokens, end);
    end += text.tokens.length;
    return end;
  });
  return on.encode(tokens, ends, Uint32Array.from(texts, ({ first }) => first));
}

function logOdds(plain: Plain, { tokens, first }: Text): number {
  return plain.logOdds(tokens, first) ?? Number.NaN;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
const sum = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** Gives the page a turn. */
function pause(): Promise<void> {
  const { scheduler } = globalThis as { scheduler?: { yield?(): Promise<void> } };
  return scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));
}
