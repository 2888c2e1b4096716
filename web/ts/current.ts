// An open index that is opened again when it was replaced, or when its engine stopped for want of its rest.

import { fault, isFault } from "./error.js";

/** The functions of a module, as far as they tell that it stopped. */
export interface Stopping {
  stop: { cause: unknown; readonly waiting: Set<() => void> };
}

/** An open index, the functions of its module, and whether the module has all that the engine can do. */
export interface Opened<I, G extends Stopping = Stopping> {
  index: I;
  glue: G;
  isWhole: boolean;
}

/** Opens an index, with all that the engine can do or a part of it; as it was when it was opened last
 * where it `isSame`. */
export type Open<I> = (isWhole: boolean, isSame: boolean) => Promise<Opened<I>>;

export class Current<I extends { free(): void }> {
  #held: Opened<I>;
  readonly #open: Open<I>;
  readonly #opened: (index: I) => void;
  #reopening: Promise<void> | undefined;
  #running = 0;
  #isClosed = false;
  #freed: () => void = () => undefined;
  readonly #gone = new Promise<void>((resolve) => {
    this.#freed = resolve;
  });

  /** `opened` is called with every index that is opened. */
  constructor(
    held: Opened<I>,
    open: Open<I>,
    opened: (index: I) => void = () => undefined,
  ) {
    this.#held = held;
    this.#open = open;
    this.#opened = opened;
    opened(held.index);
  }

  /** What `call` gives, and whether the index had been replaced and was opened again for it: once. */
  async ask(call: (index: I) => Promise<string>): Promise<[string, boolean]> {
    if (this.#isClosed) throw fault("closed", "the index is closed; open it again");
    this.#running += 1;
    let isReopened = false;
    try {
      for (;;) {
        const held = this.#held;
        try {
          return [await guarded(() => call(held.index), held.glue), isReopened];
        } catch (error) {
          const code = isFault(error) && error.code;
          const isStale: boolean = code === "stale-index" && !isReopened;
          // What is not there may be all that it lacked.
          const isPart = code === "internal" && !held.isWhole;
          if (!isStale && !isPart) throw error;
          if (this.#held === held) await this.#reopen(held.isWhole || isPart, isPart);
          isReopened ||= isStale;
        }
      }
    } finally {
      this.#running -= 1;
      this.#release();
    }
  }

  /** Gives its memory back once no call is running. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#release();
    return this.#gone;
  }

  async #reopen(isWhole: boolean, isSame: boolean): Promise<void> {
    this.#reopening ??= this.#open(isWhole, isSame).then((held) => {
      // The old one stays until it is collected: other calls may still be running on it.
      this.#held = held;
      this.#opened(held.index);
    });
    try {
      await this.#reopening;
    } finally {
      this.#reopening = undefined;
    }
  }

  #release(): void {
    if (!this.#isClosed || this.#running > 0) return;
    this.#held.index.free();
    this.#freed();
  }
}

/** What `call` of a module with the functions `glue` gives. An error without a code gets one, and so does
 * a call that is never answered since the module stopped. */
export async function guarded<T>(call: () => Promise<T>, { stop }: Stopping): Promise<T> {
  let tell = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    tell = () => reject(stop.cause);
  });
  stop.waiting.add(tell);
  try {
    if (stop.cause !== undefined) throw stop.cause;
    return await Promise.race([stopped, call()]);
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw fault("internal", `the engine stopped: ${(cause as Error)?.message ?? cause}`, { cause });
  } finally {
    stop.waiting.delete(tell);
  }
}
