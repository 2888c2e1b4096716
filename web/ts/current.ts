// An open index that is opened again when it was replaced.

import { fault, isFault } from "./error.js";

export class Current<I extends { free(): void }> {
  #index: I;
  readonly #open: () => Promise<I>;
  readonly #opened: (index: I) => void;
  #reopening: Promise<void> | undefined;
  #running = 0;
  #isClosed = false;
  #freed: () => void = () => undefined;
  readonly #gone = new Promise<void>((resolve) => {
    this.#freed = resolve;
  });

  /** `opened` is called with every index that is opened. */
  constructor(index: I, open: () => Promise<I>, opened: (index: I) => void = () => undefined) {
    this.#index = index;
    this.#open = open;
    this.#opened = opened;
    opened(index);
  }

  /** What `call` gives, and whether the index had to be opened again for it: once. */
  async ask(call: (index: I) => Promise<string>): Promise<[string, boolean]> {
    if (this.#isClosed) throw fault("closed", "the index is closed; open it again");
    this.#running += 1;
    try {
      const index = this.#index;
      try {
        return [await guarded(() => call(index)), false];
      } catch (error) {
        if (!isFault(error) || error.code !== "stale-index") throw error;
        if (this.#index === index) await this.#reopen();
        return [await guarded(() => call(this.#index)), true];
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

  async #reopen(): Promise<void> {
    this.#reopening ??= this.#open().then((index) => {
      // The old one stays until it is collected: other calls may still be running on it.
      this.#index = index;
      this.#opened(index);
    });
    try {
      await this.#reopening;
    } finally {
      this.#reopening = undefined;
    }
  }

  #release(): void {
    if (!this.#isClosed || this.#running > 0) return;
    this.#index.free();
    this.#freed();
  }
}

/** What `call` gives; an error without a code gets one. */
export async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw fault("internal", `the engine stopped: ${(cause as Error)?.message ?? cause}`, { cause });
  }
}
