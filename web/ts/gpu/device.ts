// The module of the GPU, the device that it opens, and who does what: the GPU where a measurement found
// it faster for as much, until it fails.

import init, * as glue from "../../generated/gpu/littoral.js";
import { guarded } from "../current.js";
import { load } from "../engine.js";
import { fault, isFault, type LittoralError } from "../error.js";
import type { Wasm } from "../types.js";
import { Cost } from "./cost.js";

export type { Hits, Rows } from "../../generated/gpu/littoral.js";

/** Whether a GPU may be used: where a measurement finds it faster, not at all, or an error. */
export type GpuChoice = "auto" | "off" | "require";

export interface GpuOptions {
  /** Default `auto`. */
  gpu?: GpuChoice;
  /** Count adapters that the CPU emulates as GPUs: for tests. */
  software?: boolean;
  signal?: AbortSignal;
}

/** How it is with the GPU. */
export interface GpuState {
  /** Whether it may be asked. */
  readonly isOn: boolean;
  /** Why it is not, where it is not: what keeps it from its work, or `gpu-slower`. */
  readonly error: LittoralError | null;
  /** Milliseconds of a call of the size measured last, by each; where nothing was measured, nothing. */
  readonly measured: { readonly size: number; readonly gpu: number; readonly cpu: number } | null;
}

export type Glue = typeof glue;
export type Device = Awaited<ReturnType<Glue["open"]>>;

/** The module's functions. */
export function module(wasm?: Wasm): Promise<Glue> {
  const source = () => wasm ?? new URL("./littoral-gpu.wasm", import.meta.url);
  return load("gpu", () => ({ ...glue, default: init }) as never, source) as Promise<unknown> as Promise<Glue>;
}

/** Errors after which the next call may succeed. */
const PASSING = new Set(["gpu-out-of-memory", "gpu-too-large"]);

/** A device with something on it, `T`, and what the GPU and the CPU cost. */
export class Processors<T extends { free(): void }> implements GpuState {
  error: LittoralError | null = null;
  measured: GpuState["measured"] = null;
  readonly #glue: Glue;
  #held: { device: Device; on: T } | undefined;
  #costs: { gpu: Cost; cpu: Cost } | undefined;
  /** Calls of the device, one at a time: it asks the browser for errors by scopes, which nest. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(glue: Glue) {
    this.#glue = glue;
  }

  /** Opens a device as `options` want it and brings something to it; where a GPU is required, rejects
   * with what keeps it from its work. */
  static async open<T extends { free(): void }>(
    glue: Glue,
    { gpu = "auto", software = false }: GpuOptions,
    bring: (device: Device) => Promise<T>,
  ): Promise<Processors<T>> {
    const processors = new Processors<T>(glue);
    if (gpu === "off") {
      processors.error = fault("gpu-off", "the GPU is not to be used");
      return processors;
    }
    try {
      const device = await guarded(() => glue.open(software), glue);
      try {
        processors.#held = { device, on: await guarded(() => bring(device), glue) };
      } catch (error) {
        device.free();
        throw error;
      }
    } catch (cause) {
      if (gpu === "require" || !isFault(cause)) throw cause;
      processors.error = cause;
    }
    return processors;
  }

  get isOn(): boolean {
    return this.#held !== undefined;
  }

  /** Measures both with `few` things and with `many`; a GPU that is slower with many is let go. */
  async measure(
    [few, many]: [number, number],
    byGpu: (on: T, n: number) => Promise<unknown>,
    byCpu: (n: number) => unknown,
  ): Promise<void> {
    const gpu = await this.byGpu((on) => Cost.measured(few, many, (n) => byGpu(on, n)));
    if (gpu === undefined) return;
    const cpu = await Cost.measured(few, few, byCpu);
    this.#costs = { gpu, cpu };
    this.measured = { size: many, gpu: gpu.of(many), cpu: cpu.of(many) };
    if (gpu.of(many) >= cpu.of(many)) {
      this.#drop(fault("gpu-slower", "the CPU is faster here, by a measurement"));
    }
  }

  /** What `call` gives of the GPU; `undefined` where the CPU is to do it: it is faster for `n` things, or
   * the GPU failed. */
  async byGpu<R>(call: (on: T) => Promise<R>, n = Infinity): Promise<R | undefined> {
    const { gpu, cpu } = this.#costs ?? {};
    if (gpu && cpu && Number.isFinite(n) && gpu.of(n) > cpu.of(n)) return undefined;
    const run = async (): Promise<R | undefined> => {
      if (this.#held === undefined) return undefined;
      const { on } = this.#held;
      try {
        return await guarded(() => call(on), this.#glue);
      } catch (cause) {
        if (!isFault(cause) || !(cause.code.startsWith("gpu-") || cause.code === "internal")) throw cause;
        if (!PASSING.has(cause.code)) this.#drop(cause);
        return undefined;
      }
    };
    const done = this.#last.then(run);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Asks the GPU for nothing more, for a reason. */
  refuse(error: LittoralError): void {
    this.#drop(error);
  }

  /** Loses the device on purpose, as a reset of the driver would: for tests. */
  lose(): void {
    this.#held?.device.lose();
  }

  close(): void {
    void this.#last.then(() => this.#drop(fault("closed", "it is closed")));
  }

  #drop(error: LittoralError): void {
    this.error = error;
    const held = this.#held;
    this.#held = undefined;
    // Nothing is called in a module that stopped.
    if (this.#glue.stop.cause !== undefined) return;
    held?.on.free();
    held?.device.free();
  }
}
