// What a call costs on a processor, measured: so much for each call, and so much for each thing in it.

/** Calls of the smaller size, of which the fastest counts. */
const CALLS = 3;

export class Cost {
  readonly #call: number;
  readonly #each: number;

  /** `each` milliseconds a thing, and `call` beside for every call. */
  constructor(call: number, each: number) {
    this.#call = call;
    this.#each = each;
  }

  /** Milliseconds that a call of `n` things takes. */
  of(n: number): number {
    return this.#call + n * this.#each;
  }

  /** Measures `run` with `few` things and with `many`, once each has run to warm up. */
  static async measured(few: number, many: number, run: (n: number) => unknown): Promise<Cost> {
    const time = async (n: number, calls: number): Promise<number> => {
      await run(n);
      let least = Infinity;
      for (let i = 0; i < calls; i++) {
        const start = performance.now();
        await run(n);
        least = Math.min(least, performance.now() - start);
      }
      return least;
    };
    const small = await time(few, CALLS);
    // Of a processor without a cost for a call, one size says all.
    if (many === few) return new Cost(0, small / few);
    const each = Math.max(0, (await time(many, 1)) - small) / (many - few);
    return new Cost(Math.max(0, small - few * each), each);
  }
}
