// An index as its user holds it, wherever its engine runs.

import { ask } from "./ask.js";
import { DEFAULT_TOKENS, forContext, pack } from "./context.js";
import type { Engine } from "./engine.js";
import { fault } from "./error.js";
import type {
  Answer,
  AnswerSentence,
  AskOptions,
  Context,
  ContextOptions,
  Facet,
  Index,
  SearchOptions,
  SearchResult,
} from "./types.js";

/** Wraps an engine. */
export class Client implements Index {
  readonly thread: "worker" | "here";
  readonly workerError: Error | null;
  readonly #engine: Engine;
  #isClosed = false;
  #latest = 0;

  constructor(engine: Engine, thread: "worker" | "here", workerError: Error | null = null) {
    this.#engine = engine;
    this.thread = thread;
    this.workerError = workerError;
  }

  search(query: string, { signal, ...asked }: SearchOptions = {}): Promise<SearchResult> {
    return this.#call(signal, () => this.#engine.search(String(query), asked));
  }

  async debouncedSearch(
    query: string,
    options: SearchOptions = {},
    ms = 300,
  ): Promise<SearchResult | null> {
    this.#latest += 1;
    const own = this.#latest;
    await until(options.signal, new Promise((resolve) => setTimeout(resolve, ms)));
    if (own !== this.#latest) return null;
    const result = await this.search(query, options);
    return own === this.#latest ? result : null;
  }

  async preload(query: string, options: SearchOptions = {}): Promise<void> {
    await this.search(query, options);
  }

  async context(query: string, { maxTokens = DEFAULT_TOKENS, ...options }: ContextOptions = {}): Promise<Context> {
    return pack(await this.search(query, forContext(options)), maxTokens);
  }

  async *ask(question: string, options: AskOptions = {}): AsyncGenerator<AnswerSentence, Answer> {
    const { signal } = options;
    const call = <T>(asked: (engine: Engine) => Promise<T>) => this.#call(signal, () => asked(this.#engine));
    return yield* ask(call, String(question), options);
  }

  async answer(question: string, options: AskOptions = {}): Promise<Answer> {
    const asking = this.ask(question, options);
    for (;;) {
      const { done, value } = await asking.next();
      if (done) return value;
    }
  }

  filters({ signal }: { signal?: AbortSignal } = {}): Promise<Record<string, Facet[]>> {
    return this.#call(signal, () => this.#engine.filters());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#engine.close();
  }

  async #call<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw fault("closed", "the index is closed; open it again");
    return until(signal, call());
  }
}

/** What `promise` gives, or the signal's reason as soon as it is aborted. What is being fetched
 * then still arrives, and is kept for the next search. */
export function until<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
