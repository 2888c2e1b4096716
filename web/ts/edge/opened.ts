// The index of a handler: open while it is as it was, opened again when it is another.

import type { Options } from "../edge.js";
import type { Host, Index } from "../types.js";

/** How long an entry is taken for the newest, in milliseconds. */
const FOLLOW_MS = 10_000;

interface Held {
  index: Index;
  /** The bytes of its entry. */
  entry: Uint8Array;
  /** When they were last looked at. */
  seen: number;
}

export class Opened {
  readonly #host: Host;
  readonly #open: Options["open"];
  readonly #followMs: number;
  #held: Held | undefined;

  constructor({ host, open, followMs = FOLLOW_MS }: Options) {
    this.#host = host;
    this.#open = open;
    this.#followMs = followMs;
  }

  /** What `call` gives of the index as it is now. */
  async ask<T>(call: (index: Index) => Promise<T>, isAgain = false): Promise<T> {
    const { index } = await this.#current();
    try {
      return await call(index);
    } catch (thrown) {
      // An engine that stopped is not asked again.
      const { code } = thrown as { code?: string };
      // Another request may have put a newer one in its place meanwhile.
      if (code === "closed" && !isAgain) return this.ask(call, true);
      if (code === "internal" && this.#held?.index === index) this.#held = undefined;
      throw thrown;
    }
  }

  /** Each request opens for itself what is not open yet: on some platforms what a request began ends
   * with it, and whoever waited for it would wait for ever. */
  async #current(): Promise<Held> {
    const held = this.#held;
    if (held !== undefined && Date.now() - held.seen < this.#followMs) return held;
    if (held !== undefined) {
      held.seen = Date.now();
      // Where the entry cannot be had now, the index that is open answers.
      const entry = await this.#host.entry().catch(() => held.entry);
      if (isSame(entry, held.entry)) return held;
    }
    let fresh: Held;
    try {
      fresh = await this.#fresh();
    } catch (thrown) {
      if (held !== undefined) return held;
      throw thrown;
    }
    const now = this.#held;
    if (now !== held && now !== undefined && isSame(now.entry, fresh.entry)) {
      fresh.index.close();
      return now;
    }
    this.#held = fresh;
    // It is let go once no search runs on it.
    now?.index.close();
    return fresh;
  }

  async #fresh(): Promise<Held> {
    const host = this.#host;
    const held: Omit<Held, "index"> = { entry: new Uint8Array(), seen: Date.now() };
    const watched: Host = {
      entry: async () => {
        held.entry = await host.entry();
        held.seen = Date.now();
        return held.entry;
      },
      read: (paths) => host.read(paths),
      ...(host.embed && { embed: (model, query) => host.embed?.(model, query) ?? Promise.resolve(undefined) }),
    };
    return Object.assign(held, { index: await this.#open(watched) });
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
